package uptime

import (
	"testing"
	"time"
)

func TestEitherClockEndsIt(t *testing.T) {
	now := Instant{time.Now(), time.Hour}
	limit := now.Add(time.Minute)
	for _, test := range []struct {
		name   string
		at     Instant
		before bool
	}{
		{"a moment before", now.Add(time.Minute - 1), true},
		{"at its end", limit, false},
		{"the machine was suspended", Instant{now.clock.Add(time.Second), now.up + time.Hour}, false},
		{"the clock of a test was put on", Instant{now.clock.Add(time.Hour), now.up + time.Second}, false},
	} {
		if got := test.at.Before(limit); got != test.before {
			t.Errorf("%s: before its end: %v", test.name, got)
		}
	}
	if got := (Instant{now.clock.Add(time.Second), now.up + time.Hour}).Sub(now); got != time.Hour {
		t.Errorf("after a suspend of an hour %s have passed", got)
	}
}

func TestNow(t *testing.T) {
	a := Now()
	if b := Now(); b.Before(a) || !a.Before(b.Add(time.Nanosecond)) {
		t.Error("the clocks run backwards")
	}
	if a.IsZero() || !(Instant{}).IsZero() {
		t.Error("zero is not told from a moment")
	}
}
