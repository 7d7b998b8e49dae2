package pacing

import "math"

// bins divide how long a spell (a talk, a wrap-up, a pause) has lasted, finely at first: within a bin it ends at a constant rate.
const bins = 28

// edges are where bins begin, in seconds; the last bin has no end.
var edges = func() (e [bins]float64) {
	for i := 1; i < bins; i++ {
		e[i] = e[i-1] + max(2, math.Round(e[i-1]*0.25))
	}
	return e
}()

// binOf finds the bin of a whole second.
var binOf = func() (table [1024]uint8) {
	b := 0
	for s := range table {
		for b+1 < bins && float64(s) >= edges[b+1] {
			b++
		}
		table[s] = uint8(b)
	}
	return table
}()

func bin(seconds float64) int {
	if seconds < float64(len(binOf)) {
		return int(binOf[int(max(seconds, 0))])
	}
	b := int(binOf[len(binOf)-1])
	for b+1 < bins && seconds >= edges[b+1] {
		b++
	}
	return b
}

const (
	spellMemory = 400 // spells after which one counts for 1/e
	spellPrior  = 3   // ends, at the mean rate, that each bin begins with
)

// spells are how one sort of spell ends, learned from those that ended and from those that go on.
type spells struct {
	ends     [bins]float64
	exposure [bins]float64 // seconds
	running  [bins]float64 // seconds of the spells that go on now
	rate     [bins]float64 // ends a second
	hazard   [bins]float64 // sum of rates over time, at each edge
}

// prior is what is believed before anything has ended: this mean, as much as this many spells are worth.
func (s *spells) prior(mean, worth float64) {
	for b := range bins {
		width := math.Inf(1)
		if b+1 < bins {
			width = edges[b+1] - edges[b]
		}
		reach := math.Exp(-edges[b]/mean) * worth
		within := reach * (1 - math.Exp(-width/mean))
		s.ends[b] += within
		s.exposure[b] += within * mean
	}
}

// ended learns a spell.
func (s *spells) ended(seconds float64) {
	keep := 1 - 1.0/spellMemory
	for b := range bins {
		s.ends[b] *= keep
		s.exposure[b] *= keep
	}
	last := bin(seconds)
	s.ends[last]++
	expose(&s.exposure, last, seconds)
}

// expose adds the time of one spell to the bins that it passed.
func expose(to *[bins]float64, last int, seconds float64) {
	for b := range last {
		to[b] += edges[b+1] - edges[b]
	}
	to[last] += max(seconds-edges[last], 0)
}

// refresh computes the rates.
func (s *spells) refresh() {
	ends, time := 0.0, 0.0
	for b := range bins {
		ends += s.ends[b]
		time += s.exposure[b] + s.running[b]
	}
	if time <= 0 || ends <= 0 {
		return
	}
	mean := ends / time
	for b := range bins {
		s.rate[b] = (s.ends[b] + spellPrior) / (s.exposure[b] + s.running[b] + spellPrior/mean)
		if b > 0 {
			s.hazard[b] = s.hazard[b-1] + s.rate[b-1]*(edges[b]-edges[b-1])
		}
	}
}

// upTo is the hazard summed up to a time.
func (s *spells) upTo(seconds float64) float64 {
	b := bin(seconds)
	return s.hazard[b] + s.rate[b]*(seconds-edges[b])
}

// endsWithin is the chance that a spell that has lasted from seconds ends within the next ones.
func (s *spells) endsWithin(from, next float64) float64 {
	if next <= 0 {
		return 0
	}
	return 1 - math.Exp(s.upTo(from)-s.upTo(from+next))
}

// share learns how often something is so, of what was seen lately.
type share struct{ yes, all float64 }

func (s *share) saw(yes bool) {
	const memory = 300
	s.yes *= 1 - 1.0/memory
	s.all *= 1 - 1.0/memory
	if s.all++; yes {
		s.yes++
	}
}

func (s *share) value() float64 { return s.yes / s.all }
