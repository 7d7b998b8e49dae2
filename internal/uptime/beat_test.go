package uptime

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestBeat has two circles, begun at different moments, awake together.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(Beat(time.Second)) // so that both begin before the same beat
		beats := make(chan time.Time, 2)
		for i, d := range []time.Duration{time.Second, 500 * time.Millisecond} {
			go func() {
				time.Sleep(time.Duration(i) * 130 * time.Millisecond)
				for range 2 - i {
					if wait := Beat(d); wait <= 0 || wait > d {
						t.Errorf("the next %s is in %s", d, wait)
					}
				}
				time.Sleep(Beat(time.Second))
				beats <- time.Now()
			}()
		}
		if a, b := <-beats, <-beats; !a.Equal(b) {
			t.Errorf("awake at %s and %s", a, b)
		}
		time.Sleep(Beat(time.Second))
		if wait := Beat(time.Second); wait != time.Second {
			t.Errorf("on the beat the next one is in %s", wait)
		}
	})
}
