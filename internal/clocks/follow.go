package clocks

import (
	"slices"
	"time"
)

const (
	// Tolerance is how far apart any two of the three clocks may be.
	Tolerance = 2 * time.Second

	window     = 8                // samples, of which the surest counts
	mostDoubt  = time.Second      // a sample that is less sure says nothing
	settleTime = 30 * time.Second // a clock that was set is believed when it has gone on evenly for so long
	settleMost = 3                // samples, at least
	unheard    = time.Minute      // without a sure sample: nobody knows any more what the clock shows
)

// sample is one look at a clock, as what it would have shown when this node began to count.
type sample struct {
	zero  time.Time
	at    time.Duration // when it was taken, by this node's count
	doubt time.Duration // the truth is within so much of zero
}

// sampled makes a sample of a question that went at asked, and was answered at heard: the clock was read somewhere in between.
func sampled(shown time.Time, asked, heard time.Duration) sample {
	half := (heard - asked) / 2
	return sample{zero: shown.Add(-asked - half).Round(0), at: heard, doubt: half}
}

// follower knows what another's clock shows, by counting on from what it has shown. It is a value: next makes the next one.
type follower struct {
	kept    []sample // the latest that fit each other, oldest first
	strange []sample // the latest that do not fit those: the clock was set, if it goes on like this
	sets    int      // how often it was
}

// next takes a sample. A clock that jumps is not followed at once: most that are set wrong are set right again soon.
func (f follower) next(s sample) follower {
	if s.doubt > mostDoubt {
		return f
	}
	switch {
	case len(f.kept) == 0 || near(s, f.best()):
		f.kept, f.strange = last(f.kept, s), nil
	case len(f.strange) == 0 || !near(s, f.strange[0]):
		f.strange = []sample{s}
	default:
		since := f.strange[0].at
		f.strange = append(slices.Clone(f.strange), s)
		if len(f.strange) >= settleMost && s.at-since >= settleTime {
			f = follower{kept: f.strange[max(0, len(f.strange)-window):], sets: f.sets + 1}
		}
	}
	return f
}

func near(a, b sample) bool { return a.zero.Sub(b.zero).Abs() <= Tolerance }

func last(kept []sample, s sample) []sample {
	kept = append(slices.Clone(kept), s)
	return kept[max(0, len(kept)-window):]
}

// best is the surest of what was kept, the latest of equals. There must be one.
func (f follower) best() sample {
	best := f.kept[0]
	for _, s := range f.kept[1:] {
		if s.doubt <= best.doubt {
			best = s
		}
	}
	return best
}

// heard is when it was last looked at.
func (f follower) heard() time.Duration {
	at := f.kept[len(f.kept)-1].at
	if n := len(f.strange); n > 0 {
		at = max(at, f.strange[n-1].at)
	}
	return at
}

// shown is what one of the clocks shows at a moment that is the same for all.
type shown struct {
	who string
	at  time.Time
}

// apart is two clocks that differ.
type apart struct {
	ahead, behind string
	by            time.Duration
}

// compare returns the two that are furthest apart, if that is more than limit.
func compare(limit time.Duration, clocks ...shown) (worst apart, differ bool) {
	for i, a := range clocks {
		for _, b := range clocks[i+1:] {
			ahead, behind := a, b
			if a.at.Before(b.at) {
				ahead, behind = b, a
			}
			if by := ahead.at.Sub(behind.at); by > limit && by > worst.by {
				worst, differ = apart{ahead.who, behind.who, by}, true
			}
		}
	}
	return worst, differ
}
