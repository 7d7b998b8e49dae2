package sim

import (
	"math"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// Production is the pacing that ships.
type Production struct{ Pacer *pacing.Pacer }

// Originate asks it.
func (p Production) Originate(s *pacing.Snapshot) int { return p.Pacer.Decide(s).Originate }

// counts of a snapshot.
func counts(s *pacing.Snapshot) (idle, talk, wrap int) {
	for i := range s.Agents {
		switch s.Agents[i].Status {
		case pacing.Idle:
			idle++
		case pacing.Talk, pacing.Offered:
			talk++
		case pacing.Wrap:
			wrap++
		}
	}
	return idle, talk, wrap
}

// capped is progressive while the day is above its cap; so all are compared at the same cap.
func capped(s *pacing.Snapshot, n int) int {
	idle, _, _ := counts(s)
	if float64(s.Day.Abandoned+1) > s.Cap*float64(s.Day.Answered) {
		n = min(n, idle-len(s.Calls)-len(s.Waiting))
	}
	return min(max(n, 0), s.MaxNew)
}

// Vicidial is a rule like that of the widespread open dialer: a level is adapted every 15 s to how many agents have waited
// lately.
type Vicidial struct {
	Target  float64 // agents who should wait
	level   float64
	samples []float64
	sampled time.Duration
	adapted time.Duration
	dialed  time.Duration
}

// Originate dials level × (ready + in call) less what is active, every 2.5 s.
func (v *Vicidial) Originate(s *pacing.Snapshot) int {
	idle, talk, wrap := counts(s)
	if v.level == 0 {
		v.level = 1
	}
	if s.Now-v.sampled >= time.Second {
		v.sampled = s.Now
		v.samples = append(v.samples, float64(idle-len(s.Waiting)))
		v.samples = v.samples[max(len(v.samples)-15, 0):]
	}
	if s.Now-v.adapted >= 15*time.Second && len(v.samples) > 0 {
		v.adapted = s.Now
		sum := 0.0
		for _, x := range v.samples {
			sum += x
		}
		agents := max(float64(idle+talk+wrap), 1)
		v.level *= 1 + (sum/float64(len(v.samples))-v.Target)/agents
		if s.Day.Share() > s.Cap {
			v.level = min(v.level, 1)
		}
		v.level = min(max(v.level, 1), 20)
	}
	if s.Now-v.dialed < 2500*time.Millisecond {
		return 0
	}
	v.dialed = s.Now
	active := len(s.Calls) + len(s.Waiting) + talk
	return capped(s, int(math.Round(v.level*float64(idle+talk)))-active)
}

// LookAhead is the textbook's: with exponential talks and the day's answer rate, so many lines that the expected share of calls
// that find nobody at the mean time of an answer is at most the cap.
type LookAhead struct {
	answered, other, talks int
	ring, talk             float64
}

// Originate computes it.
func (l *LookAhead) Originate(s *pacing.Snapshot) int {
	for _, d := range s.Done.RingAnswered {
		l.answered++
		l.ring += d.Seconds()
	}
	l.other += len(s.Done.RingOther)
	for _, d := range s.Done.Talk {
		l.talks++
		l.talk += d.Seconds()
	}
	for _, d := range s.Done.Wrap {
		l.talk += d.Seconds()
	}
	idle, talk, wrap := counts(s)
	if l.answered < 20 || l.talks < 10 {
		return capped(s, idle-len(s.Calls)-len(s.Waiting))
	}
	rate := float64(l.answered) / float64(l.answered+l.other)
	ahead := l.ring/float64(l.answered) + s.Patience.Seconds()
	free := float64(talk+wrap) * (1 - math.Exp(-ahead/(l.talk/float64(l.talks))))
	n := 0
	for n < s.MaxNew {
		lines := float64(len(s.Calls) + n + 1)
		mean := lines*rate + float64(len(s.Waiting)) - float64(idle) - free
		deviation := math.Sqrt(lines*rate*(1-rate) + free)
		z := mean / deviation
		lost := deviation * (math.Exp(-z*z/2)/math.Sqrt(2*math.Pi) + z*0.5*math.Erfc(-z/math.Sqrt2))
		if lost > s.Cap*lines*rate {
			break
		}
		n++
	}
	return capped(s, max(n, idle-len(s.Calls)-len(s.Waiting)))
}

// Oracle knows what becomes of every call, and when each agent will be free: the bound that nobody can pass.
type Oracle struct {
	world   *world
	free    []time.Duration
	answers []time.Duration
}

// Originate dials calls that nobody will answer as fast as trunks allow, and the others so that each finds an agent at once.
func (o *Oracle) Originate(s *pacing.Snapshot) int {
	w := o.world
	o.free, o.answers = o.free[:0], o.answers[:0]
	for i := range w.agents {
		switch a := &w.agents[i]; a.status {
		case pacing.Idle:
			o.free = append(o.free, w.now)
		case pacing.Talk, pacing.Wrap:
			if len(a.breaks) == 0 || a.breaks[0].at > a.freeAt {
				o.free = append(o.free, a.freeAt)
			}
		}
	}
	slices.Sort(o.free)
	for _, k := range w.ringing {
		if c := &w.calls[k]; c.fate.answered {
			o.answers = append(o.answers, c.began+c.fate.ring)
		}
	}
	for range w.waiting {
		o.answers = append(o.answers, w.now)
	}
	slices.Sort(o.answers)
	n := 0
	for n < s.MaxNew {
		f := w.fate(len(w.calls)+n, w.now)
		if f.answered && !o.fits(w.now+f.ring) {
			break
		}
		n++
	}
	return n
}

// fits adds an answer, if each answer then still finds an agent of its own within the patience.
func (o *Oracle) fits(at time.Duration) bool {
	k, _ := slices.BinarySearch(o.answers, at)
	o.answers = slices.Insert(o.answers, k, at)
	patience := seconds(o.world.sc.Patience - o.world.sc.Offer - 0.1)
	for i, answer := range o.answers {
		if i >= len(o.free) || o.free[i] > answer+patience {
			o.answers = slices.Delete(o.answers, k, k+1)
			return false
		}
	}
	return true
}
