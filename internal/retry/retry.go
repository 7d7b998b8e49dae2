// Package retry is the one way to do a thing again: now and then, or after a pause when it has failed. Pauses grow to a limit and
// are spread, so that those who failed together do not come back together; all end with a context.
package retry

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/creditorro/ringmaster/internal/uptime"
)

// spread is how far the pauses of this package are spread.
const spread = 0.25

// Sleep waits for d; zero or less is over at once. False: ctx has ended.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Spread is d, more or less up to a share of it (0 to 1).
func Spread(d time.Duration, share float64) time.Duration {
	return d + time.Duration(share*float64(d)*(2*rand.Float64()-1))
}

// Pause is how long to wait between tries: First, then twice as long each time, at most Last.
type Pause struct{ First, Last time.Duration }

// After is the pause after so many failures in a row, spread.
func (p Pause) After(failures int) time.Duration {
	d := min(p.First, p.Last)
	for n := 1; n < failures && d < p.Last; n++ {
		d = min(2*d, p.Last)
	}
	return Spread(d, spread)
}

// Tries yields 1, 2, … with a pause after each, until ctx ends. The first is there in any case.
func (p Pause) Tries(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := 1; yield(n); n++ {
			if !Sleep(ctx, p.After(n)) {
				return
			}
		}
	}
}

// Every does a thing at once and then again and again, d apart and spread, until ctx ends.
func Every(ctx context.Context, d time.Duration, do func(context.Context)) {
	for {
		do(ctx)
		if !Sleep(ctx, Spread(d, spread)) {
			return
		}
	}
}

// OnBeat does a thing at once, at each wake (nil: nobody wakes it), and on the process's beat of d, until ctx ends. It is for
// what a process does for itself: one awakening serves for all of it, and an idle process sleeps between.
func OnBeat(ctx context.Context, d time.Duration, wake <-chan struct{}, do func(context.Context)) {
	for {
		do(ctx)
		t := time.NewTimer(uptime.Beat(d))
		select {
		case <-t.C:
		case <-wake:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}
