package pacing

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/internal/testdeps/forms"
)

func TestForms(t *testing.T) {
	forms.Check[Account](t, "account")
	forms.Check[Prior](t, "prior")
	forms.Check[Record](t, "record")
}

var kyiv = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		panic(err)
	}
	return zone
}()

func TestCounting(t *testing.T) {
	var a Account
	at := time.Date(2026, 3, 2, 22, 50, 0, 0, kyiv)
	for _, e := range []struct {
		ending Ending
		n      int
	}{{Connected, 90}, {Abandoned, 3}, {HungUp, 20}, {Machine, 40}, {Mistaken, 2}} {
		a.Add(at, e.ending, e.n)
	}
	if got := a.Day(at, Ofcom); got != (Tally{Answered: 95, Abandoned: 5}) {
		t.Errorf("Ofcom: %+v", got)
	}
	if got := a.Day(at, FTC); got != (Tally{Answered: 115, Abandoned: 5}) {
		t.Errorf("FTC: %+v", got)
	}
	if got := a.HalfHour(at.Add(29*time.Minute), Ofcom); got.Abandoned != 5 {
		t.Errorf("after 29 minutes the last half hour has %+v", got)
	}
	if got := a.HalfHour(at.Add(32*time.Minute), Ofcom); got.Abandoned != 0 {
		t.Errorf("after 32 minutes the last half hour has %+v", got)
	}
	next := at.Add(2 * time.Hour) // after midnight
	if got := a.Day(next, Ofcom); got != (Tally{}) {
		t.Errorf("the next day has %+v", got)
	}
	a.Add(next, Connected, 1)
	if got := a.Day(next, FTC); got != (Tally{Answered: 116, Abandoned: 5}) {
		t.Errorf("30 days have %+v", got)
	}
	if got := a.Day(at.AddDate(0, 0, 30), FTC); got.Abandoned != 0 {
		t.Errorf("30 days later there are %+v", got)
	}
}

// TestNothingIsLost: whatever is counted in a day, restarts in between and a clock that jumps back included, is there; and the
// account stays small.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Account
		begin := time.Date(2026, 3, 2, 8, 0, 0, 0, kyiv)
		at, want := begin, Tally{}
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			at = at.Add(time.Duration(rapid.IntRange(-100, 290).Draw(t, "seconds")) * time.Second)
			if at.Before(begin) {
				at = begin
			}
			if rapid.Bool().Draw(t, "abandoned") {
				a.Add(at, Abandoned, 1)
				want.Abandoned++
			} else {
				a.Add(at, Connected, 1)
			}
			want.Answered++
			if rapid.IntRange(0, 20).Draw(t, "restart") == 0 {
				text, err := json.Marshal(a)
				if err != nil {
					t.Fatal(err)
				}
				a = Account{}
				if err := json.Unmarshal(text, &a); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := a.Day(at, Ofcom); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if len(a.Days) > 30 || len(a.Halves) > 50 || len(a.Minutes) > 33 {
			t.Fatalf("%d days, %d half hours, %d minutes are kept", len(a.Days), len(a.Halves), len(a.Minutes))
		}
	})
}
