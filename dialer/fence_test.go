package dialer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/uptime"
)

// TestFenceIsClosedOrPassed: a call is withdrawn or dialed, never both: also when it is withdrawn while the record hears of the
// ring.
func TestFenceIsClosedOrPassed(t *testing.T) {
	for name, row := range map[string]struct {
		before, meanwhile, after, closed bool
	}{
		"never withdrawn":            {},
		"before":                     {before: true, closed: true},
		"while the record hears":     {meanwhile: true, closed: true},
		"when it is dialed":          {after: true},
		"twice, while and afterward": {meanwhile: true, after: true, closed: true},
	} {
		f := &fence{now: time.Now, lease: uptime.At(time.Now()).Add(time.Minute), hungUp: func() bool { return false }}
		withdraw := func(now bool) {
			if now && f.close() != row.closed {
				t.Errorf("%s: withdrawn %v, want %v", name, !row.closed, row.closed)
			}
		}
		withdraw(row.before)
		err := f.pass(t.Context(), func(context.Context, bool, time.Time) error { withdraw(row.meanwhile); return nil })
		withdraw(row.after)
		if errors.Is(err, errHungUp) != row.closed || err == nil == row.closed {
			t.Errorf("%s: the fence says %v", name, err)
		}
		if again := f.mayRing(); errors.Is(again, errHungUp) != row.closed {
			t.Errorf("%s: before the next write the fence says %v", name, again)
		}
	}
}
