package dialer

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"
)

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second

	sqlLimit   = 5 * time.Second // for one transaction; afterwards its outcome counts as unknown
	redisLimit = 2 * time.Second // for one change of an agent's state
)

// tries yields 1, 2, … with growing, jittered pauses between them, until ctx ends.
func tries(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n, pause := 1, firstPause; yield(n); n, pause = n+1, min(2*pause, lastPause) {
			if !sleep(ctx, jittered(pause)) {
				return
			}
		}
	}
}

// jittered is d, more or less a quarter.
func jittered(d time.Duration) time.Duration { return d - d/4 + rand.N(d/2+1) }

// sleep waits for d; false: ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// every calls do at once and then again and again, d apart with jitter, until ctx ends.
func every(ctx context.Context, d time.Duration, do func(context.Context)) {
	for {
		do(ctx)
		if !sleep(ctx, jittered(d)) {
			return
		}
	}
}
