package clocks

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// TestSampled has the truth within the doubt, whenever in the round trip the clock was read.
func TestSampled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asked := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "asked"))
		took := time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "took"))
		read := time.Duration(rapid.Int64Range(0, int64(took)).Draw(t, "read"))
		truth := noon.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "ahead")))
		s := sampled(truth.Add(asked+read), asked, asked+took)
		if off := s.zero.Sub(truth).Abs(); off > s.doubt+1 {
			t.Fatalf("read %s after the question of %s: off by %s, believed to be within %s", read, took, off, s.doubt)
		}
	})
}

// TestCompare finds two clocks that differ in any order of the three, and none where all are near each other.
func TestCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := time.Duration(rapid.Int64Range(1, int64(5*time.Second)).Draw(t, "limit"))
		offset := rapid.Int64Range(-int64(10*time.Second), int64(10*time.Second))
		ahead := rapid.SliceOfN(offset, 3, 3).Draw(t, "ahead")
		clocks, least, most := make([]shown, 3), ahead[0], ahead[0]
		for i, name := range rapid.Permutation([]string{node, sql, redis}).Draw(t, "names") {
			clocks[i] = shown{name, noon.Add(time.Duration(ahead[i]))}
			least, most = min(least, ahead[i]), max(most, ahead[i])
		}
		two, differ := compare(limit, clocks...)
		if span := time.Duration(most - least); differ != (span > limit) || differ && two.by != span {
			t.Fatalf("limit %s: %v, %v; they are %s apart", limit, two, differ, span)
		}
		for _, c := range clocks {
			if differ && (c.who == two.ahead && c.at.Sub(noon) != time.Duration(most) || c.who == two.behind &&
				c.at.Sub(noon) != time.Duration(least)) {
				t.Fatalf("%v of %v", two, clocks)
			}
		}
	})
}

// fed is a follower that has been shown a clock every two seconds, from a moment for so long.
func (f follower) fed(from, long time.Duration, zero time.Time) (follower, time.Duration) {
	for end := from + long; from < end; from += every {
		f = f.next(sample{zero: zero, at: from, doubt: time.Millisecond})
	}
	return f, from
}

func TestFollowerWaitsForAClockThatWasSet(t *testing.T) {
	for _, step := range []time.Duration{5 * time.Second, -5 * time.Second, time.Minute, time.Hour, -time.Hour} {
		f, at := follower{}.fed(0, 20*time.Second, noon)
		f, at = f.fed(at, settleTime-every, noon.Add(step))
		if f.best().zero != noon || len(f.strange) == 0 || f.sets != 0 {
			t.Errorf("set by %s: believed before it has settled", step)
		}
		back, _ := f.fed(at, every, noon)
		if back.best().zero != noon || len(back.strange) > 0 || back.sets != 0 {
			t.Errorf("set by %s and back: %+v", step, back)
		}
		f, _ = f.fed(at, 2*every, noon.Add(step))
		if f.best().zero != noon.Add(step) || len(f.strange) > 0 || f.sets != 1 {
			t.Errorf("set by %s: not believed after %s", step, settleTime)
		}
	}
}

// TestFollowerIsNearTheTruth follows a clock that drifts, as far as the samples say, over any round trips.
func TestFollowerIsNearTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drift := rapid.Float64Range(-2e-4, 2e-4).Draw(t, "drift")
		var f follower
		at, least := time.Duration(0), mostDoubt
		for range rapid.IntRange(1, 60).Draw(t, "looks") {
			took := time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "took"))
			read := time.Duration(rapid.Int64Range(0, int64(took)).Draw(t, "read"))
			truth := func(at time.Duration) time.Time { return noon.Add(at + time.Duration(drift*float64(at))) }
			before := len(f.kept)
			f = f.next(sampled(truth(at+read), at, at+took))
			at += took + every
			if took/2 <= mostDoubt {
				least = min(least, took/2)
			}
			if len(f.kept) < before || len(f.strange) > 0 || f.sets > 0 {
				t.Fatalf("a clock that drifts by %g was taken for one that was set", drift)
			}
			if len(f.kept) > 0 {
				if off := f.best().zero.Add(at).Sub(truth(at)).Abs(); off > mostDoubt+100*time.Millisecond {
					t.Fatalf("off by %s", off)
				}
			}
		}
	})
}

func TestASlowAnswerSaysNothing(t *testing.T) {
	f, at := follower{}.fed(0, 4*time.Second, noon)
	f = f.next(sampled(noon.Add(at+time.Hour), at, at+5*time.Second))
	if len(f.strange) > 0 || f.best().zero != noon {
		t.Errorf("%+v", f)
	}
	f = f.next(sample{zero: noon.Add(300 * time.Millisecond), at: at, doubt: 400 * time.Millisecond})
	if f.best().zero != noon {
		t.Error("the sure samples do not count for more")
	}
}
