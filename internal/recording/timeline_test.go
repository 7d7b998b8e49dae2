package recording

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/internal/media"
)

// TestClocksThatDifferLeaveNoHole plays senders whose clocks run up to 1 % off ours, for a simulated hour, through networks that
// jitter: packet stands on packet, and none strays from when it came.
func TestClocksThatDifferLeaveNoHole(t *testing.T) {
	for _, speed := range []float64{0.99, 0.999, 0.99995, 1, 1.00005, 1.001, 1.01} {
		for _, ptime := range []int{80, 160, 240, 480} {
			var line timeline
			random := rand.New(rand.NewPCG(1, 2))
			var next int64
			worst, n := 0.0, ptime
			for i := range 3600 * rate / n {
				now := int64(float64(i*n)/speed) + random.Int64N(160) // up to 20 ms of jitter
				at, samples := line.position(7, uint32(i*n)+4_000_000_000, n, now)
				if i > 0 && at != next {
					t.Fatalf("speed %v, %d samples a packet: packet %d lies at %d, the one before ends at %d", speed, n, i, at, next)
				}
				next = at + int64(samples)
				if i > 1000 {
					worst = max(worst, math.Abs(float64(at-now)))
				}
			}
			if worst > rate/10 {
				t.Errorf("speed %v, %d samples a packet: a packet lies %.0f ms from when it came", speed, n, worst*1000/rate)
			}
		}
	}
}

// TestATimelineMayBeAnything: whatever comes, sound is placed near its time, or dropped.
func TestATimelineMayBeAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line timeline
		now := int64(0)
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			now += rapid.Int64Range(0, 8000).Draw(t, "wait")
			n := rapid.SampledFrom([]int{1, 80, 160, 480, 1200}).Draw(t, "samples")
			at, samples := line.position(rapid.Uint32Range(1, 3).Draw(t, "ssrc"), rapid.Uint32().Draw(t, "ts"), n, now)
			if samples < 0 || samples > n+n/stretchBy {
				t.Fatalf("%d samples of %d", samples, n)
			}
			if samples > 0 && (at > now+maxDrift || at < now-maxDrift) {
				t.Fatalf("at %d, it came at %d", at, now)
			}
		}
	})
}

// TestLeapsLeaveNoHole: a source whose timestamps leap, or that is followed by another one, goes on where it was.
func TestLeapsLeaveNoHole(t *testing.T) {
	for _, w := range []struct {
		name string
		id   func(i int) (ssrc, ts uint32)
	}{
		{"forward", func(i int) (uint32, uint32) { return 1, uint32(i*160 + i/50*1_000_000) }},
		{"back", func(i int) (uint32, uint32) { return 1, uint32(i*160 - i/50*123_456) }},
		{"other sources", func(i int) (uint32, uint32) { return uint32(i / 50), rand.Uint32() }},
	} {
		var line timeline
		var next int64
		var ssrc, ts uint32
		for i := range 1000 {
			s, v := w.id(i)
			if w.name == "other sources" { // a random start each, then in order
				if s == ssrc && i > 0 {
					v = ts + 160
				}
				ssrc, ts = s, v
			}
			at, n := line.position(s, v, 160, int64(i*160)+rand.Int64N(100))
			if i > 0 && (at != next || n < 155) {
				t.Fatalf("%s: packet %d lies at %d, %d samples; the one before ends at %d", w.name, i, at, n, next)
			}
			next = at + int64(n)
		}
	}
}

// TestABurstAfterAStallIsNotPiledUp: what a stalled network delivers at once is kept as far as there is time for it, and what
// follows stands behind it.
func TestABurstAfterAStallIsNotPiledUp(t *testing.T) {
	var line timeline
	var end int64
	for i := range 400 {
		now := int64(i * 160)
		if i >= 100 && i < 150 {
			now = 150 * 160
		}
		at, n := line.position(1, uint32(i*160), 160, now)
		if n > 0 && at < end {
			t.Fatalf("packet %d lies at %d, on the one before that ends at %d", i, at, end)
		}
		if n > 0 {
			end = at + int64(n)
		}
		if i > 100 && at > now+maxDrift+160 {
			t.Fatalf("packet %d lies %d samples ahead", i, at-now)
		}
	}
}

// TestAPauseSetsTheClockRight: after silence the sound is where it was said, whatever the clocks did meanwhile.
func TestAPauseSetsTheClockRight(t *testing.T) {
	var line timeline
	for i := range 50 {
		line.position(1, uint32(i*160), 160, int64(i*160))
	}
	// a minute of silence by a clock that is 0.5 % slow: 300 ms
	at, n := line.position(1, 50*160+uint32(60*rate*0.995), 160, 50*160+60*rate)
	if at != 50*160+60*rate || n != 160 {
		t.Errorf("at %d, %d samples", at-(50*160+60*rate), n)
	}
}

// TestSkewedSendersInAFile writes ten minutes of tone of a fast and of a slow sender, with the file's clock moved by hand: no
// silence is in it, the tone is a tone, and it is as long as the call.
func TestSkewedSendersInAFile(t *testing.T) {
	l := library(t)
	start := time.Now()
	r, err := l.Start(trace, start, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	const talk = 10 * time.Minute
	tone := []byte(media.Tone(400, time.Second, 0))
	speeds := [2]float64{0.99, 1.01}
	var sent [2]int
	var buf []byte
	for at := time.Duration(0); at < talk; at += time.Millisecond {
		for side, speed := range speeds {
			for time.Duration(float64(sent[side]*160)/speed*float64(time.Second)/rate) <= at {
				from := sent[side] * 160 % len(tone)
				write(r, media.Side(side), 5, uint32(sent[side]*160), start.Add(at), tone[from:from+160])
				sent[side]++
			}
		}
		if at%(500*time.Millisecond) == 0 {
			buf = r.flush(start.Add(at-lag), buf)
		}
	}
	rec, err := r.Finish(start.Add(talk))
	if err != nil {
		t.Fatal(err)
	}
	left, right := sides(t, rec.Path)
	if d := rec.End.Sub(rec.Start) - talk; d < -20*time.Millisecond || d > 20*time.Millisecond ||
		len(left) != int(talk.Seconds()*rate) {
		t.Errorf("%s are kept of %s", rec.End.Sub(rec.Start), talk)
	}
	for name, side := range map[string][]byte{"slow": left, "fast": right} {
		side = side[:len(side)-rate/2]
		if i := bytes.Index(side, sound(silence, 10)); i >= 0 {
			t.Errorf("%s: a hole at %.3f s", name, float64(i)/rate)
		}
		// a tone of 400 Hz passes zero upwards 400 times a second; each seam or hole would add or lose some
		passes := 0
		for i := 1; i < len(side); i++ {
			if media.Decode(side[i-1], media.ULaw) < 0 && media.Decode(side[i], media.ULaw) >= 0 {
				passes++
			}
		}
		want := 400 * map[string]float64{"slow": 0.99, "fast": 1.01}[name] * float64(len(side)) / rate
		if math.Abs(float64(passes)-want) > 60 {
			t.Errorf("%s: %d periods, want %.0f", name, passes, want)
		}
	}
	_ = os.Remove(rec.Path)
}

// TestFinishedLateIsAsLongAsTheCall: what the clock has written of the time after the call's end is taken off.
func TestFinishedLateIsAsLongAsTheCall(t *testing.T) {
	l := library(t)
	start := time.Now()
	r, err := l.Start(trace, start, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.flush(start.Add(5*time.Second), nil)
	rec, err := r.Finish(start.Add(2 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := sides(t, rec.Path); len(left) != 2*rate || rec.Bytes != headerBytes+2*rate*channels ||
		rec.End.Sub(rec.Start) != 2*time.Second {
		t.Errorf("%d samples, %+v", len(left), rec)
	}
}
