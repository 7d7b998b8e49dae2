package amd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zaf/g711"
)

// call is one call of the corpus: who answers, and what the line does to it.
type call struct {
	machine bool
	beep    bool
	voice   voice
	what    string // the first words, for people
	sort    string // of greeting, for the table
	line    wire
	said    []float64
	length  float64 // seconds of the greeting
	beepEnd float64 // seconds
}

// wire is what a call's sound goes through.
type wire struct {
	noise    string
	snr      float64 // dB
	room     float64 // seconds until the echo is 60 dB down
	level    float64 // dB below full scale, of the loudest sample
	loss     float64 // share of packets
	repeated bool    // a lost packet is concealed by the one before it
	alaw     bool
}

func (l wire) String() string {
	return fmt.Sprintf("%s %.0f dB, room %.2f s, level %.0f dB, loss %.0f %%", l.noise, l.snr, l.room, l.level, 100*l.loss)
}

var noises = []string{"none", "white", "pink", "hum", "babble", "street"}

func someLine(r *rand.Rand) wire {
	l := wire{noise: noises[r.IntN(len(noises))], snr: []float64{30, 22, 16, 12}[r.IntN(4)], level: -3 - 27*r.Float64(),
		alaw: r.IntN(2) == 0, repeated: r.IntN(2) == 0}
	if r.IntN(3) == 0 {
		l.room = 0.15 + 0.35*r.Float64()
	}
	if r.IntN(3) == 0 {
		l.loss = []float64{0.01, 0.03, 0.05}[r.IntN(3)]
	}
	return l
}

func half[T any](all []T, held bool) (some []T) {
	for i, one := range all {
		if (i%2 == 1) == held {
			some = append(some, one)
		}
	}
	return some
}

// seed is a number of a name.
func seed(name string) (sum uint64) {
	for _, b := range []byte(name) {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return sum
}

func silence(seconds float64) []float64 { return make([]float64, int(8000*seconds)) }

func between(r *rand.Rand, from, to float64) float64 { return from + (to-from)*r.Float64() }

// corpus calls with each call of a half. A round has the same calls each time, and other rounds have others.
func corpus(t testing.TB, s *studio, voices []voice, held bool, round int, each func(call)) {
	t.Helper()
	for _, v := range voices {
		if v.held != held {
			continue
		}
		short, long, machines := half(shortGreetings[v.language], held), half(longGreetings[v.language], held),
			half(machineGreetings[v.language], held)
		s.prepare(t, v, slices.Concat(short, long, half(again[v.language], held), slices.Concat(machines...)))
		r := rand.New(rand.NewPCG(uint64(round), seed(v.String())))
		for range 2 {
			for _, greeting := range short {
				each(person(t, s, r, v, greeting, "short"))
			}
			for _, greeting := range long {
				each(person(t, s, r, v, greeting, "long"))
			}
			for _, greeting := range machines {
				for i := range 4 { // three of four beep
					each(machine(t, s, r, v, greeting, i < 3))
				}
			}
		}
	}
}

// person greets, waits, and mostly says hello again.
func person(t testing.TB, s *studio, r *rand.Rand, v voice, greeting, sort string) call {
	c := call{voice: v, what: greeting, sort: sort, line: someLine(r)}
	c.said = append(silence(between(r, 0.05, 1.5)), s.say(t, v, greeting)...)
	c.length = float64(len(s.say(t, v, greeting))) / 8000
	for range r.IntN(3) {
		c.said = append(c.said, silence(between(r, 1, 3))...)
		list := half(again[v.language], v.held)
		c.said = append(c.said, s.say(t, v, list[r.IntN(len(list))])...)
	}
	c.said = append(c.said, silence(between(r, 2, 4))...)
	return c
}

// machine plays its greeting, and its beep.
func machine(t testing.TB, s *studio, r *rand.Rand, v voice, greeting []string, beep bool) call {
	c := call{machine: true, beep: beep, voice: v, what: greeting[0], line: someLine(r)}
	c.said = silence(between(r, 0.05, 1.5))
	begun := len(c.said)
	for i, sentence := range greeting {
		if i > 0 {
			c.said = append(c.said, silence(between(r, 0.15, 0.9))...)
		}
		c.said = append(c.said, s.say(t, v, sentence)...)
	}
	c.length = float64(len(c.said)-begun) / 8000
	c.sort = "long"
	if c.length < 4 {
		c.sort = "short"
	}
	if beep {
		c.said = append(c.said, silence(between(r, 0.1, 1.5))...)
		c.said = append(c.said, aBeep(r)...)
		c.beepEnd = float64(len(c.said)) / 8000
	}
	c.said = append(c.said, silence(between(r, 2, 4))...)
	return c
}

// aBeep is a beep as machines have: one tone, sometimes with overtones or a second one.
func aBeep(r *rand.Rand) []float64 {
	f, length, amplitude := between(r, 390, 2000), between(r, 0.15, 1.2), between(r, 0.2, 0.9)
	form := r.IntN(5)
	second := f * between(r, 1.2, 1.6)
	tone := silence(length)
	for i := range tone {
		x := 2 * math.Pi * float64(i) / 8000
		y := math.Sin(f * x)
		switch form {
		case 0: // overtones
			y = 0.8*y + 0.3*math.Sin(2*f*x) + 0.2*math.Sin(3*f*x)
		case 1:
			y = 0.6*y + 0.4*math.Sin(second*x)
		}
		tone[i] = amplitude * y * min(1, float64(i)/40, float64(len(tone)-i)/40)
	}
	return tone
}

// heard is what a call's sound is at the other end: 8 kHz samples out of G.711.
func (c call) heard(t testing.TB, s *studio, r *rand.Rand) []int16 {
	sound := slices.Clone(c.said)
	if c.line.room > 0 {
		echo(sound, c.line.room, r)
	}
	loud, energy, count := 0.0, 0.0, 0
	for _, x := range sound {
		loud = max(loud, math.Abs(x))
		if math.Abs(x) > 0.02 {
			energy, count = energy+x*x, count+1
		}
	}
	if c.line.noise != "none" {
		noise := c.line.sound(t, s, r, len(sound), c.voice.held)
		scale := math.Sqrt(energy/float64(max(1, count))) * math.Pow(10, -c.line.snr/20)
		for i := range sound {
			sound[i] += scale * noise[i]
		}
	}
	out := make([]int16, len(sound))
	gain := 32767 * math.Pow(10, c.line.level/20) / loud
	for i, x := range sound {
		sample := int16(max(-32768, min(32767, x*gain)))
		if c.line.alaw {
			out[i] = g711.DecodeAlawFrame(g711.EncodeAlawFrame(sample))
		} else {
			out[i] = g711.DecodeUlawFrame(g711.EncodeUlawFrame(sample))
		}
	}
	for at := FrameSamples; at+FrameSamples <= len(out); at += FrameSamples {
		if r.Float64() >= c.line.loss {
			continue
		}
		if c.line.repeated {
			copy(out[at:at+FrameSamples], out[at-FrameSamples:at])
		} else {
			clear(out[at : at+FrameSamples])
		}
	}
	return out
}

// echo adds a room's echo: a few reflections, and a tail that dies away.
func echo(sound []float64, length float64, r *rand.Rand) {
	dry := slices.Clone(sound)
	for range 60 {
		delay := between(r, 0.004, length)
		gain := 0.35 * math.Pow(10, -3*delay/length) * (1 - 2*float64(r.IntN(2)))
		shift := int(8000 * delay)
		for i := shift; i < len(sound); i++ {
			sound[i] += gain * dry[i-shift]
		}
	}
}

// sound is noise of the line's kind, with a mean power of 1.
func (l wire) sound(t testing.TB, s *studio, r *rand.Rand, n int, held bool) []float64 {
	noise := make([]float64, n)
	var a, b, c, slow float64
	for i := range noise {
		white := r.NormFloat64()
		switch l.noise {
		case "white":
			noise[i] = white
		case "pink":
			a, b, c = 0.997*a+0.03*white, 0.96*b+0.1*white, 0.6*c+0.4*white
			noise[i] = a + b + c
		case "hum":
			x := 2 * math.Pi * 50 * float64(i) / 8000
			noise[i] = math.Sin(x) + 0.5*math.Sin(3*x) + 0.3*math.Sin(7*x) + 0.2*math.Sin(11*x) + 0.1*white
		case "street":
			a = 0.93*a + white
			slow = math.Sin(2*math.Pi*0.15*float64(i)/8000 + float64(n%7))
			noise[i] = a * (1.3 + slow)
		}
	}
	if l.noise == "babble" {
		for _, v := range voices()[:18] {
			if v.held != held {
				continue
			}
			for at := r.IntN(8000); at < n; {
				list := shortGreetings[v.language]
				word := s.say(t, v, half(list, held)[r.IntN(len(list)/2)])
				for i := 0; i < len(word) && at+i < n; i++ {
					noise[at+i] += word[i]
				}
				at += len(word) + r.IntN(4000)
			}
		}
	}
	var power float64
	for _, x := range noise {
		power += x * x
	}
	scale := 1 / math.Sqrt(power/float64(n))
	for i := range noise {
		noise[i] *= scale
	}
	return noise
}
