package chance

import (
	"math"
	"slices"
)

// What is needed for a judgement.
const (
	leastLearned = 1000 // calls to learn from
	leastHeld    = 300  // calls on the days held back
	heldShare    = 4    // one day of so many is held back, the latest ones
	sure         = 2.0  // standard errors by which the gain is above nothing
)

// Verdict says whether a model foretells.
type Verdict struct {
	Days     int `json:"days"` // with calls
	Learned  int `json:"learned"`
	HeldDays int `json:"held_days"` // the latest ones
	Held     int `json:"held"`
	// What the model tells of a call on the days held back, in bits, beyond the answer rate of its hour, which it is not told: the
	// pacing learns that by itself; and the standard error of it.
	Gain  float64 `json:"gain"`
	Error float64 `json:"error"`
	// Better: the gain is above nothing by two standard errors, and there was enough to judge by.
	Better bool `json:"better"`
}

// Judge learns from the earlier days and looks how well it foretells the latest ones. It is given the answer rate of each hour of
// these, for the pacing has that too: what counts is who of the hour's people answered.
func Judge(tries []Try) (v Verdict) {
	days := map[int]bool{}
	for _, t := range tries {
		days[t.Day] = true
	}
	v.Days = len(days)
	v.HeldDays = max(v.Days/heldShare, min(v.Days-1, 1))
	if v.HeldDays <= 0 {
		v.Learned, v.HeldDays = len(tries), 0
		return v
	}
	order := make([]int, 0, len(days))
	for day := range days {
		order = append(order, day)
	}
	slices.Sort(order)
	first := order[len(order)-v.HeldDays]
	var before, held []Try
	for _, t := range tries {
		switch {
		case !t.valid():
		case t.Day < first:
			before = append(before, t)
		default:
			held = append(held, t)
		}
	}
	v.Learned, v.Held = len(before), len(held)
	if v.Learned < leastLearned || v.Held < leastHeld {
		return v
	}
	v.Gain, v.Error = gain(Learn(before), held)
	v.Better = v.Gain > sure*v.Error
	return v
}

// gain is how much more likely, in bits a call, what has happened is by the model's odds than by the hours' answer rates alone.
func gain(m *Model, held []Try) (mean, standardError float64) {
	type hour struct{ day, hour int }
	type counted struct{ calls, answered, odds float64 }
	of := map[hour]counted{}
	for _, t := range held {
		h := of[hour{t.Day, t.Hour}]
		h.calls++
		h.odds += m.Odds(t.Call)
		if t.Answered {
			h.answered++
		}
		of[hour{t.Day, t.Hour}] = h
	}
	sum, squares := 0.0, 0.0
	for _, t := range held {
		h := of[hour{t.Day, t.Hour}]
		rate := h.answered / h.calls
		p := max(min(rate*m.Odds(t.Call)*h.calls/h.odds, 0.999), 0.001)
		d := bits(p, t.Answered) - bits(max(min(rate, 0.999), 0.001), t.Answered)
		sum += d
		squares += d * d
	}
	n := float64(len(held))
	mean = sum / n
	return mean, math.Sqrt(max(squares/n-mean*mean, 0) / n)
}

// bits is the logarithm of how likely was what has happened.
func bits(p float64, answered bool) float64 {
	if !answered {
		p = 1 - p
	}
	return math.Log2(p)
}

// Effect is what a property of calls was found to change.
type Effect struct {
	Property string  `json:"property"` // hour, kind or past
	Value    string  `json:"value"`
	Calls    int     `json:"calls"`
	Answered int     `json:"answered"`
	Factor   float64 `json:"factor"` // of the odds of an answer, all else being equal
}

var (
	kindNames = [kinds]string{"unknown", "mobile", "fixed"}
	pastNames = [pasts]string{"fresh", "answered", "engaged", "missed_1", "missed_2", "missed_3_to_5", "missed_more"}
)

// Effects lists what was learned of each property that calls had.
func (m *Model) Effects(tries []Try) (list []Effect) {
	var calls, answered [weights]int
	for _, t := range tries {
		if !t.valid() {
			continue
		}
		for _, part := range t.parts() {
			calls[part]++
			if t.Answered {
				answered[part]++
			}
		}
	}
	for part, n := range calls {
		if n == 0 {
			continue
		}
		e := Effect{Property: "hour", Value: string([]byte{'0' + byte(part/10), '0' + byte(part%10)}), Calls: n,
			Answered: answered[part], Factor: math.Exp(m.weight[part])}
		switch {
		case part >= hours+int(kinds):
			e.Property, e.Value = "past", pastNames[part-hours-int(kinds)]
		case part >= hours:
			e.Property, e.Value = "kind", kindNames[part-hours]
		}
		list = append(list, e)
	}
	return list
}
