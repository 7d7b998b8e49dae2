package pacing

import "math"

// exactTerms is up to how many chances are summed exactly; more are near enough to a normal distribution.
const exactTerms = 70

// outlook is the state at one moment ahead, when a call dialed now is answered: agents who are free by then less answers that
// came before. Both are sums of independent chances.
type outlook struct {
	mean     float64                 // of free agents less answers
	variance float64                 //
	third    float64                 // central moment
	answers  float64                 // expected
	terms    int                     // chances in the exact sum
	need     int                     // the exact sum must exceed this for an agent to be free
	exact    [exactTerms + 1]float64 // distribution of free agents plus unanswered calls
}

func (o *outlook) reset(exact bool) {
	o.mean, o.variance, o.third, o.answers = 0, 0, 0, 0
	o.terms, o.need = 0, 0
	if !exact {
		o.terms = -1
	}
	o.exact[0] = 1
}

// agent adds one who is free with this chance.
func (o *outlook) agent(p float64) {
	v := p * (1 - p)
	o.mean += p
	o.variance += v
	o.third += v * (1 - 2*p)
	o.add(p)
}

// calls adds n that are answered before, each with this chance.
func (o *outlook) calls(p float64, n int) {
	v, many := p*(1-p), float64(n)
	o.mean -= p * many
	o.variance += v * many
	o.third -= v * (1 - 2*p) * many
	o.answers += p * many
	o.need += n
	for range n {
		if o.terms < 0 {
			return
		}
		o.add(1 - p)
	}
}

// wait adds a call that was answered already.
func (o *outlook) wait() {
	o.mean--
	o.need++
}

// add convolves the exact distribution with one more chance, while there is room for it.
func (o *outlook) add(p float64) {
	if o.terms < 0 {
		return
	}
	if o.terms == exactTerms {
		o.terms = -1
		return
	}
	o.terms++
	o.exact[o.terms] = 0
	for k := o.terms; k > 0; k-- {
		o.exact[k] += (o.exact[k-1] - o.exact[k]) * p
	}
	o.exact[0] *= 1 - p
}

// nobody is the chance that no agent is free. relative is the relative variance of the answer rate, which moves all answers
// together.
func (o *outlook) nobody(relative float64) float64 {
	if o.terms >= 0 {
		sum := 0.0
		for k := 0; k <= min(o.need, o.terms); k++ {
			sum += o.exact[k]
		}
		return min(max(sum, 0), 1)
	}
	variance := o.variance + o.answers*o.answers*relative
	if variance < 1e-9 {
		if o.mean < 0.5 {
			return 1
		}
		return 0
	}
	deviation := math.Sqrt(variance)
	z := (0.5 - o.mean) / deviation
	skew := o.third / (variance * deviation)
	p := 0.5*math.Erfc(-z/math.Sqrt2) - skew/6*(z*z-1)*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)
	return min(max(p, 0), 1)
}
