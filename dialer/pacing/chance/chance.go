// Package chance says how likely a person answers a call, beside the campaign's other calls: by the hour, by the kind of number
// and by what the calls to the number before came to.
//
// What is learned counts only if it foretells days on which it was not learned: [Judge].
package chance

import "math"

// Kind is what kind of number is called.
type Kind uint8

// The kinds. Where numbers do not tell, as in North America, all are Unknown.
const (
	Unknown Kind = iota
	Mobile
	Fixed
	kinds
)

// Past is what the calls to the number before came to.
type Past uint8

// The pasts.
const (
	Fresh      Past = iota // there was none
	Answered               // the last one was answered
	Engaged                // the last ones were refused, found the line busy or failed, and none was missed since the last answer
	MissedOnce             // nobody has answered since the last answer, or ever
	MissedTwice
	MissedFew  // three to five times
	MissedMany // more often
	pasts
)

// PastOf is the past of a number that was called so many times; since the last answer so many calls were missed, and answered
// says whether that was the last call.
func PastOf(tries, missed int, answered bool) Past {
	switch {
	case tries == 0:
		return Fresh
	case answered:
		return Answered
	case missed == 0:
		return Engaged
	case missed <= 2:
		return MissedOnce + Past(missed-1)
	case missed <= 5:
		return MissedFew
	}
	return MissedMany
}

// Call is what is known of a call before it is placed.
type Call struct {
	Hour int // 0 to 23, where the person is
	Kind Kind
	Past Past
}

// Try is a call, and whether a person answered it.
type Try struct {
	Call
	Day      int // counted from any day on
	Answered bool
}

const (
	hours    = 24
	cells    = hours * int(kinds) * int(pasts)
	weights  = hours + int(kinds) + int(pasts)
	rounds   = 60  // of the fit, which settles long before
	doubt    = 4.0 // what a weight must explain to be believed: its prior's precision
	mostOdds = 4.0 // no call is said to be likelier than the others by more, or less likely
)

// Model is what was learned.
type Model struct {
	base   float64
	weight [weights]float64 // of hours, kinds and pasts, in log odds
	mean   float64          // chance of the calls that it was learned from
}

// parts are the places of a call's weights.
func (c Call) parts() [3]int {
	return [3]int{c.Hour, hours + int(c.Kind), hours + int(kinds) + int(c.Past)}
}

// valid is false for what is no call.
func (c Call) valid() bool { return c.Hour >= 0 && c.Hour < hours && c.Kind < kinds && c.Past < pasts }

func (c Call) cell() int { return (c.Hour*int(kinds)+int(c.Kind))*int(pasts) + int(c.Past) }

func callOf(cell int) Call {
	return Call{Hour: cell / int(pasts) / int(kinds), Kind: Kind(cell / int(pasts) % int(kinds)), Past: Past(cell % int(pasts))}
}

// Learn fits a model: a logistic regression whose weights are held to zero by a normal prior, by Newton's steps along one weight
// after the other. What is no call is passed over.
func Learn(tries []Try) *Model {
	var all, yes [cells]float64
	sum, answered := 0.0, 0.0
	for _, t := range tries {
		if !t.valid() {
			continue
		}
		all[t.cell()]++
		sum++
		if t.Answered {
			yes[t.cell()]++
			answered++
		}
	}
	m := &Model{base: logOdds((answered + 1) / (sum + 2)), mean: (answered + 1) / (sum + 2)}
	for range rounds {
		m.step(&all, &yes, &m.base, 0, func(Call) bool { return true })
		for w := range weights {
			m.step(&all, &yes, &m.weight[w], doubt, func(c Call) bool {
				for _, part := range c.parts() {
					if part == w {
						return true
					}
				}
				return false
			})
		}
	}
	expected := 0.0
	for cell := range cells {
		expected += all[cell] * m.chance(callOf(cell))
	}
	if sum > 0 {
		m.mean = expected / sum
	}
	return m
}

// step moves one weight to where the likelihood of what has happened is greatest, as far as its prior lets it.
func (m *Model) step(all, yes *[cells]float64, weight *float64, precision float64, of func(Call) bool) {
	slope, curve := -precision**weight, precision
	for cell := range cells {
		if c := callOf(cell); all[cell] > 0 && of(c) {
			p := m.chance(c)
			slope += yes[cell] - all[cell]*p
			curve += all[cell] * p * (1 - p)
		}
	}
	if curve > 1e-9 {
		*weight += max(min(slope/curve, 1), -1)
	}
}

func logOdds(p float64) float64 { return math.Log(p / (1 - p)) }

// chance is how likely the call would have been answered when the model was learned.
func (m *Model) chance(c Call) float64 {
	x := m.base
	for _, part := range c.parts() {
		x += m.weight[part]
	}
	return 1 / (1 + math.Exp(-x))
}

// Odds is how many times as likely as the average of the calls that the model was learned from a call is answered: 1/4 to 4. No
// model, or no call: 1.
func (m *Model) Odds(c Call) float64 {
	if m == nil || !c.valid() {
		return 1
	}
	return max(min(m.chance(c)/m.mean, mostOdds), 1/mostOdds)
}
