package retry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestPausesGrowToTheirLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Pause{First: time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "first"))}
		p.Last = time.Duration(rapid.Int64Range(int64(p.First), int64(24*time.Hour)).Draw(t, "last"))
		failures := rapid.IntRange(-1, 1000).Draw(t, "failures")
		want := p.First
		for n := 1; n < failures && want < p.Last; n++ {
			want = min(2*want, p.Last)
		}
		if d := p.After(failures); d < want*3/4-1 || d > want*5/4+1 {
			t.Errorf("after %d failures %s, want %s, a quarter more or less", failures, d, want)
		}
	})
}

func TestSpread(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		d := Spread(time.Second, 0.1)
		least, most = min(least, d), max(most, d)
	}
	if least < 900*time.Millisecond || most > 1100*time.Millisecond || most-least < 100*time.Millisecond {
		t.Errorf("a second is spread from %s to %s", least, most)
	}
}

func TestTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began, n := time.Now(), 0
		for try := range (Pause{First: time.Second, Last: 2 * time.Second}).Tries(ctx) {
			if n++; try != n {
				t.Errorf("try %d is called %d", n, try)
			}
		}
		if took := time.Since(began); took != 10*time.Second || n < 5 || n > 8 {
			t.Errorf("%d tries in %s", n, took)
		}
		for range (Pause{First: time.Second, Last: time.Second}).Tries(ctx) {
			n = 0
		}
		if n != 0 {
			t.Error("no try where the context has ended already")
		}
	})
}

func TestEveryAndOnBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		times := 0
		Every(ctx, 10*time.Second, func(context.Context) { times++ })
		if times < 5 || times > 9 {
			t.Errorf("done %d times in a minute, wanted every ten seconds", times)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		wake, done := make(chan struct{}), make(chan time.Time)
		go OnBeat(ctx, time.Hour, wake, func(context.Context) { done <- time.Now() })
		began := <-done
		wake <- struct{}{}
		if woken := <-done; woken != began {
			t.Errorf("woken after %s", woken.Sub(began))
		}
		if beat := <-done; beat.Sub(began) > time.Hour {
			t.Errorf("the beat comes after %s", beat.Sub(began))
		}
		cancel()
	})
}
