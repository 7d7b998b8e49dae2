package amd

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zaf/g711"
	"pgregory.net/rapid"
)

// played makes sound of parts: a level for talk, a frequency for tones, or silence.
type part struct {
	seconds float64
	hz      float64
	talk    bool
}

// play makes sound: talk is noise in syllables.
func play(parts ...part) []int16 {
	var out []int16
	r := rand.New(rand.NewPCG(1, 2))
	for _, p := range parts {
		for i := range int(math.Round(p.seconds * Rate)) {
			x := 4 * r.NormFloat64()
			switch {
			case p.talk:
				x = 4000 * r.NormFloat64() * math.Abs(math.Sin(math.Pi*4*float64(i)/Rate))
			case p.hz > 0:
				x += 9000 * math.Sin(2*math.Pi*p.hz*float64(i)/Rate)
			}
			out = append(out, int16(x))
		}
	}
	return out
}

func quiet(seconds float64) part { return part{seconds: seconds} }
func talk(seconds float64) part  { return part{seconds: seconds, talk: true} }
func tonal(hz, seconds float64) part {
	return part{seconds: seconds, hz: hz}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name  string
		parts []part
		kind  Kind
		key   Key
		from  float64 // seconds, of the moment of the verdict
		to    float64
	}{
		{"silence", []part{quiet(5)}, Undecided, ByNothing, 0, 6},
		{"a word and a pause", []part{quiet(0.5), talk(0.7), quiet(3)}, Person, ByReply, 2.1, 2.6},
		{"a word, a pause and a word", []part{quiet(0.5), talk(0.7), quiet(2), talk(0.6), quiet(2)}, Person, ByReply, 2.1, 2.6},
		{"a long talk", []part{quiet(0.5), talk(8), quiet(1)}, Machine, ByGreeting, 3.5, 6},
		{"a short greeting and a beep", []part{quiet(0.5), talk(1.5), quiet(0.5), tonal(1000, 0.4), quiet(2)}, Machine, ByBeep, 2.8,
			3.2},
		{"a beep after a person's pause", []part{quiet(0.5), talk(1.2), quiet(2), tonal(800, 0.5), quiet(1)}, Machine, ByBeep, 4.1,
			4.5},
		{"ringing goes on", []part{tonal(425, 1), quiet(4), tonal(425, 1), quiet(2)}, Undecided, ByNothing, 0, 9},
		{"a fax machine", []part{quiet(0.5), tonal(2100, 3)}, Machine, ByFax, 1.5, 2.6},
	} {
		var d Detector
		v := d.Hear(play(test.parts...))
		if at := v.At.Seconds(); v.Kind != test.kind || v.Key != test.key || at < test.from || at > test.to {
			t.Errorf("%s: %+v", test.name, v)
		}
	}
}

func TestEndedIsHeardOut(t *testing.T) {
	for _, test := range []struct {
		name string
		part part
		kind Kind
	}{{"a word", talk(0.6), Person}, {"nothing", quiet(1), Undecided}, {"cut off within a talk", talk(3.5), Machine},
		{"cut off within a beep", tonal(1000, 0.5), Machine}} {
		var d Detector
		d.Hear(play(quiet(0.2), test.part))
		if v := d.Ended(); v.Kind != test.kind {
			t.Errorf("%s: %+v", test.name, v)
		}
	}
}

// TestSpecialInformationTones: every combination, by frequencies and lengths (ms), before and after the answer.
func TestSpecialInformationTones(t *testing.T) {
	const short, long = 0.274, 0.380
	for _, test := range []struct {
		sit        SIT
		f1, f2     float64
		l1, l2, l3 float64
	}{
		{General, 950, 1400, 0.33, 0.33, 0.33},
		{Intercept, 913.8, 1370.6, short, short, long},
		{VacantCode, 985.2, 1370.6, long, short, long},
		{Reorder, 913.8, 1428.5, short, long, long},
		{ReorderFar, 985.2, 1370.6, short, long, long},
		{NoCircuit, 985.2, 1428.5, long, long, long},
		{NoCircuitFar, 913.8, 1428.5, long, long, long},
		{Ineffective, 913.8, 1428.5, long, short, long},
		{FutureUse, 985.2, 1428.5, short, short, long},
	} {
		for _, early := range []bool{true, false} {
			for _, gap := range []float64{0, 0.03} {
				for _, offset := range []float64{0.5, 0.507, 0.513} {
					third := 1776.7
					if test.sit == General {
						third = 1800
					}
					d := Detector{early: early}
					v := d.Hear(play(quiet(offset), tonal(test.f1, test.l1), quiet(gap), tonal(test.f2, test.l2), quiet(gap),
						tonal(third, test.l3), quiet(0.5), talk(3)))
					if v.Kind != Special || v.SIT != test.sit {
						t.Errorf("%s early=%v gap %.2f from %.3f: %+v", test.sit, early, gap, offset, v)
					}
				}
			}
		}
	}
}

func TestBeforeTheAnswer(t *testing.T) {
	var d Detector
	d.Early()
	if v := d.Hear(play(tonal(425, 1), quiet(4), tonal(425, 1), quiet(1))); v.Kind != Undecided {
		t.Errorf("ringing: %+v", v)
	}
	if v := d.Hear(play(talk(4))); v.Kind != Announcement {
		t.Errorf("words: %+v", v)
	}
	d.Answered()
	if v := d.Verdict(); v.Kind != Undecided || d.Heard() != 0 {
		t.Errorf("answered: %+v", v)
	}
}

// TestChunksDoNotMatter: any codes in any chunks give the verdict that they give at once.
func TestChunksDoNotMatter(t *testing.T) {
	sound := play(quiet(0.5), talk(1.3), quiet(0.6), tonal(1000, 0.4), quiet(1))
	codes := make([]byte, len(sound))
	for i, s := range sound {
		codes[i] = g711.EncodeAlawFrame(s)
	}
	rapid.Check(t, func(t *rapid.T) {
		var whole, parts Detector
		from := rapid.IntRange(0, len(codes)-1).Draw(t, "from")
		whole.HearCodes(codes[from:], ALaw)
		for left := codes[from:]; len(left) > 0; {
			n := min(len(left), rapid.IntRange(1, 3000).Draw(t, "chunk"))
			parts.HearCodes(left[:n], ALaw)
			left = left[n:]
		}
		if whole.Verdict() != parts.Verdict() || whole.Ended() != parts.Ended() {
			t.Fatalf("%+v, in chunks %+v", whole.Verdict(), parts.Verdict())
		}
	})
}

func FuzzHear(f *testing.F) {
	f.Add([]byte("RIFF"), uint16(1), false)
	f.Fuzz(func(t *testing.T, codes []byte, chunk uint16, alaw bool) {
		c := ULaw
		if alaw {
			c = ALaw
		}
		var whole, parts Detector
		whole.HearCodes(codes, c)
		for n := int(chunk)%(len(codes)+1) + 1; len(codes) > 0; {
			n = min(n, len(codes))
			parts.HearCodes(codes[:n], c)
			codes = codes[n:]
		}
		if whole.Ended() != parts.Ended() {
			t.Fatalf("%+v, in chunks %+v", whole.Verdict(), parts.Verdict())
		}
	})
}

func TestHearAllocatesNothing(t *testing.T) {
	sound := play(quiet(0.5), talk(1))
	d := new(Detector)
	if n := testing.AllocsPerRun(3, func() { d.Hear(sound) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	sound := play(quiet(0.5), talk(1.5), quiet(0.7), talk(1.5), quiet(5))
	d := new(Detector)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n+FrameSamples > len(sound) {
			n = 0
			d.Answered()
		}
		d.Hear(sound[n : n+FrameSamples])
		n += FrameSamples
	}
	b.ReportMetric(float64(FrameDuration)/(float64(b.Elapsed()+time.Nanosecond)/float64(b.N)), "x-real-time")
}
