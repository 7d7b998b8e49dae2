package sipua

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPaceIsSmooth: however calls come, no second holds more INVITEs than the rate, and no more turns are taken than there is
// room for.
func TestPaceIsSmooth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]float64{0.5, 1, 5, 50}).Draw(t, "rate")
		p, now := newPace(rate), time.Unix(1000, 0)
		var passes []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond)
			room := p.room(now, paceWait)
			if _, ok := p.turn(now, paceWait); ok != (room > 0) {
				t.Fatalf("room for %d, a turn was given: %v", room, ok)
			} else if ok {
				passes = append(passes, now.Add(p.pass(now)))
			}
		}
		window := time.Duration(max(1, 1/rate) * float64(time.Second))
		most := int(max(1, rate))
		for i := range passes {
			n := 0
			for _, at := range passes[i:] {
				if at.Sub(passes[i]) < window {
					n++
				}
			}
			if n > most {
				t.Fatalf("%d INVITEs within %s at a rate of %g", n, window, rate)
			}
		}
	})
}

func TestPaceWithoutLimit(t *testing.T) {
	p := newPace(0)
	for range 1000 {
		if wait, ok := p.turn(time.Now(), 0); wait != 0 || !ok || p.pass(time.Now()) != 0 {
			t.Fatal("a call waits")
		}
	}
}
