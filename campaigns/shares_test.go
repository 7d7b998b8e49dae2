package campaigns

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTurnsAreSharedByWeight: of any calls in succession, from whichever call of the day on, each list has its part, to within a
// few.
func TestTurnsAreSharedByWeight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, MaxWeight), 1, 100).Draw(t, "weights")
		from := rapid.IntRange(0, 1_000_000).Draw(t, "from")
		calls := rapid.IntRange(1, 5000).Draw(t, "calls")
		all, had := 0, make([]int, len(weights))
		for _, w := range weights {
			all += w
		}
		for n := range calls {
			had[Turn(weights, from+n)]++
		}
		for i, w := range weights {
			if off := float64(had[i]) - float64(calls*w)/float64(all); off > 6 || off < -6 {
				t.Fatalf("list %d of weight %d of %d had %d of %d calls", i, w, all, had[i], calls)
			}
		}
	})
}

func TestListSettings(t *testing.T) {
	for _, row := range []struct {
		weight, quota int
		bad           []string
	}{{1, 0, nil}, {100, 1_000_000, nil}, {0, 0, []string{"weight"}}, {101, -1, []string{"weight", "quota"}},
		{1, 1_000_001, []string{"quota"}}} {
		err := ListSetting{Weight: &row.weight, Quota: &row.quota}.Validate()
		var bad ValidationError
		if errors.As(err, &bad); len(bad) != len(row.bad) {
			t.Errorf("%+v: %v", row, err)
		}
		for i := range min(len(bad), len(row.bad)) {
			if bad[i].Field != row.bad[i] {
				t.Errorf("%+v: %v", row, err)
			}
		}
	}
	if err := (ListSetting{}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestTheDayOfACampaign: by the clock of its zone, also where the day has 23 or 25 hours.
func TestTheDayOfACampaign(t *testing.T) {
	for _, row := range []struct{ zone, now, date, next string }{
		{"Asia/Tokyo", "2026-03-03T14:59:59Z", "2026-03-03", "2026-03-03T15:00:00Z"},
		{"Asia/Tokyo", "2026-03-03T15:00:00Z", "2026-03-04", "2026-03-04T15:00:00Z"},
		{"America/New_York", "2026-11-01T12:00:00Z", "2026-11-01", "2026-11-02T05:00:00Z"},
		{"", "2026-03-03T15:00:00Z", "2026-03-03", "2026-03-04T00:00:00Z"},
	} {
		now, _ := time.Parse(time.RFC3339, row.now)
		date, next := (&Campaign{TimeZone: row.zone}).Day(now)
		if date != row.date || next.UTC().Format(time.RFC3339) != row.next {
			t.Errorf("%+v: %s until %s", row, date, next.UTC())
		}
		if from, to, err := (&Campaign{TimeZone: row.zone}).DayOf(date); err != nil || from.After(now) || !to.Equal(next) {
			t.Errorf("%+v: the day is %s until %s, %v", row, from.UTC(), to.UTC(), err)
		}
	}
	if _, _, err := (&Campaign{}).DayOf("yesterday"); err == nil {
		t.Error("a day that is none is accepted")
	}
}
