package pacing

import "math"

const (
	shapeKnown = 30   // answers from which half of what their times say is believed
	ringStep   = 0.5  // seconds of a cell
	leastLeft  = 0.05 // of either end, so that a call that rings for very long says little
	ringCells  = 400  // so ringing is learned up to 200 s
	quantiles  = 5    // of the time to an answer, at which the risk is looked at
)

// memories are how many calls the answer rate is learned from: each suits another pace of change, and the one that foretold
// better lately counts for more.
var memories = [...]float64{60, 250, 1000}

// answers is what is learned of ringing: how likely a call is answered, and when it ends either way.
type answers struct {
	yes, all [len(memories)]float64
	fit      [len(memories)]float64 // log-likelihood of late
	answered ringing
	other    ringing
	rate     float64 // of answers, now
	variance float64 // of that rate
	dialed   history
	outcomes int     // calls that ended, either way
	seen     int     // answers among them
	usual    float64 // odds of calls of late
	swings   swings

	rings  [ringCells]int     // calls that ring now, by age
	odds   [ringCells]float64 // of all of them
	oldest int                // cell in use
	open   [ringCells]ring
	found  [len(memories)]float64 // answer rates
}

// ring is the calls of one age that ring now.
type ring struct {
	answer, other float64 // of the calls that end so, the share that rings for longer
	odds          float64 // of one of them
	weight        [len(memories)]float64
}

const (
	swingCalls  = 60  // that ended, over which a swing is looked at
	swingKeep   = 0.9 // of what was known, with each look
	swingFactor = 2   // a swing is seen when it has begun; the calls dialed now end after it
)

// swings are how far the answer rate has been off, beyond chance: where parts of a list answer far better than others, no memory
// knows what the next part does, and what was learned must not be trusted more than it has been worth.
type swings struct {
	calls, answers, expected, chance float64
	known                            float64
	relative                         float64 // variance of the rate, over its square
}

// saw takes a call that was answered, or not, and what the chance of that had been thought to be.
func (s *swings) saw(p float64, yes bool) {
	s.calls++
	s.expected += p
	s.chance += p * (1 - p)
	if yes {
		s.answers++
	}
	if s.calls < swingCalls {
		return
	}
	off := s.answers - s.expected
	s.known = swingKeep*s.known + (1-swingKeep)*(off*off-s.chance)/(s.expected*s.expected)
	s.relative = max(swingFactor*s.known, 0)
	s.calls, s.answers, s.expected, s.chance = 0, 0, 0, 0
}

// usualMemory is how many calls the usual odds are those of.
const usualMemory = 60

// of is the odds, in numbers.
func (a *answers) of(o Odds) float64 {
	if !(o > 0) || math.IsInf(float64(o), 0) {
		return a.usual
	}
	return float64(o)
}

// chanceOf is the chance of a call with such odds, where the average call's is rate.
func chanceOf(rate, odds float64) float64 { return min(max(rate*odds, 1e-6), 0.9999) }

func cellOf(seconds float64) int { return min(max(int(seconds*(1/ringStep)), 0), ringCells-1) }

func (a *answers) prior(p Prior, ringTimeout float64) {
	a.usual = 1
	for k := range memories {
		a.yes[k], a.all[k], a.found[k] = p.AnswerRate*p.Worth, p.Worth, p.AnswerRate
	}
	a.answered.prior(func(t float64) float64 { return t * math.Exp(-t/(p.RingTime/2)) }, ringTimeout)
	a.other.prior(func(t float64) float64 {
		if t >= ringTimeout-ringStep {
			return ringTimeout
		}
		return 0.5
	}, ringTimeout)
}

// originated learns how many calls have been originated in all; each makes those before it count for less.
func (a *answers) originated(now float64, calls int) {
	before := a.dialed.now
	a.dialed.set(now, calls)
	for k, memory := range memories {
		keep := math.Exp(-float64(max(calls-before, 0)) / memory)
		a.yes[k] *= keep
		a.all[k] *= keep
	}
}

// ended learns a call that was answered by a person, or not. It counts as its place among the originated calls says, not as the
// moment at which it ended: a burst of calls is answered first, and ends in other ways later. A call of better odds counts for as
// many.
func (a *answers) ended(seconds float64, yes bool, told Odds) {
	after, odds := float64(a.dialed.since(seconds)), a.of(told)
	a.usual += (odds - a.usual) / usualMemory
	for k, memory := range memories {
		p := chanceOf(a.yes[k]/a.all[k], odds)
		if !yes {
			p = 1 - p
		}
		const fading = 1 - 1.0/60
		a.fit[k] = a.fit[k]*fading + math.Log(max(p, 1e-6))
		w := math.Exp(-after / memory)
		if a.all[k] += w * odds; yes {
			a.yes[k] += w
		}
	}
	a.swings.saw(chanceOf(a.rate, odds), yes)
	if a.outcomes++; yes {
		a.seen++
		a.answered.saw(seconds)
	} else {
		a.other.saw(seconds)
	}
}

// refresh computes the answer rate. Ringing calls count as tried as far as they would have been answered by now.
func (a *answers) refresh(calls []Call) {
	a.oldest = 0
	a.rings, a.odds = [ringCells]int{}, [ringCells]float64{}
	for i := range calls {
		c := cellOf(calls[i].Age.Seconds())
		a.rings[c]++
		a.odds[c] += a.of(calls[i].Odds)
		a.oldest = max(a.oldest, c)
	}
	known := float64(a.seen) / float64(a.seen+shapeKnown) // before answers were seen, how long they take is a guess
	n := 0
	var tried [len(memories)]float64
	for c := 0; c <= a.oldest; c++ {
		if a.rings[c] == 0 {
			continue
		}
		age := (float64(c) + 0.5) * ringStep
		by, after := known*a.answered.by(age), float64(a.dialed.since(age))
		r := &a.open[n]
		n++
		r.answer, r.other = max(1-by, leastLeft), max(1-a.other.by(age), leastLeft)
		r.odds = a.odds[c] / float64(a.rings[c])
		for k, memory := range memories {
			r.weight[k] = float64(a.rings[c]) * math.Exp(-after/memory)
			tried[k] += by * r.weight[k] * r.odds
		}
	}
	best := max(a.fit[0], a.fit[1], a.fit[2])
	sum, rate, square, spread := 0.0, 0.0, 0.0, 0.0
	for k := range memories {
		w := math.Exp(a.fit[k] - best)
		all := a.all[k] + tried[k]
		p := a.mixed(k, a.open[:n])
		sum += w
		rate += w * p
		square += w * p * p
		spread += w * p * (1 - p) / (all + 1)
	}
	a.rate = min(max(rate/sum, 1e-4), 0.9999)
	a.variance = max(spread/sum+max(square/sum-(rate/sum)*(rate/sum), 0), a.swings.relative*a.rate*a.rate)
}

// mixed is the answer rate of a memory, in which each ringing call counts as answered as far as it is likely to be. It is a fixed
// point (of the EM algorithm), looked for from where it was last.
func (a *answers) mixed(k int, open []ring) float64 {
	p := a.found[k]
	for range 4 {
		yes, all := a.yes[k], a.all[k]
		for i := range open {
			r := &open[i]
			its := chanceOf(p, r.odds)
			yes += r.weight[k] * its * r.answer / (its*r.answer + (1-its)*r.other)
			all += r.weight[k] * r.odds
		}
		p = min(max(yes/all, 1e-4), 0.9999)
	}
	a.found[k] = p
	return p
}

// history is how many calls had been originated at which time.
type history struct {
	calls [ringCells]int // at the end of each cell of time, in turn
	cell  int            // the newest
	now   int
}

func (h *history) set(now float64, calls int) {
	cell := int(now / ringStep)
	for ; h.cell < cell; h.cell++ {
		if cell-h.cell > ringCells {
			h.cell = cell - ringCells
		}
		h.calls[(h.cell+1)%ringCells] = h.now
	}
	h.calls[cell%ringCells], h.now = calls, calls
}

// since is how many calls were originated after one of this age, roughly.
func (h *history) since(age float64) int {
	back := int(age / ringStep)
	if back >= ringCells || back > h.cell {
		return h.now
	}
	return max(h.now-h.calls[(h.cell-back)%ringCells], 0)
}

// soon is the chance that a call of such odds that has rung for so long is answered within the next seconds.
func (a *answers) soon(age, next, odds float64) float64 {
	rate, by := chanceOf(a.rate, odds), a.answered.by(age)
	left := rate*(1-by) + (1-rate)*(1-a.other.by(age))
	if left < 1e-9 {
		return 0
	}
	return min(rate*(a.answered.by(age+next)-by)/left, 1)
}

// ringing is how long calls ring that end in one way.
type ringing struct {
	mass [ringCells]float64
	sum  [ringCells + 1]float64 // share that ended before the cell's beginning; computed
	last int                    // cells in use
}

// prior begins with a shape that is worth ten calls.
func (r *ringing) prior(density func(float64) float64, ringTimeout float64) {
	r.last = min(int(ringTimeout/ringStep)+1, ringCells)
	whole := 0.0
	for i := range r.last {
		r.mass[i] = density((float64(i) + 0.5) * ringStep)
		whole += r.mass[i]
	}
	for i := range r.last {
		r.mass[i] *= 10 / whole
	}
	r.refresh()
}

func (r *ringing) saw(seconds float64) {
	const memory = 1000
	c := cellOf(seconds)
	r.last = max(r.last, c+1)
	for i := range r.last {
		r.mass[i] *= 1 - 1.0/memory
	}
	r.mass[c]++
}

func (r *ringing) refresh() {
	whole := 0.0
	for i := range r.last {
		whole += r.mass[i]
	}
	r.sum[0] = 0
	for i := range ringCells {
		if i < r.last {
			r.sum[i+1] = r.sum[i] + r.mass[i]/whole
		} else {
			r.sum[i+1] = 1
		}
	}
}

// by is the share that ends within so many seconds.
func (r *ringing) by(seconds float64) float64 {
	x := seconds * (1 / ringStep)
	if x <= 0 {
		return 0
	}
	if x >= ringCells {
		return 1
	}
	i := int(x)
	return r.sum[i] + (r.sum[i+1]-r.sum[i])*(x-float64(i))
}

// quantile is the time by which this share has ended.
func (r *ringing) quantile(share float64) float64 {
	for i := range r.last {
		if r.sum[i+1] >= share {
			return (float64(i) + (share-r.sum[i])/max(r.sum[i+1]-r.sum[i], 1e-12)) * ringStep
		}
	}
	return float64(r.last) * ringStep
}
