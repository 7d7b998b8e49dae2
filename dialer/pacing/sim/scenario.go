package sim

import (
	"math"
	"math/rand/v2"
)

// Time is a distribution of durations: lognormal, or exponential where Spread is 1.
type Time struct {
	Mean   float64 `json:"mean"`   // seconds
	Spread float64 `json:"spread"` // standard deviation / mean; 0: always the mean
}

func (d Time) draw(r *rand.Rand) float64 {
	switch d.Spread {
	case 0:
		return d.Mean
	case 1:
		return d.Mean * r.ExpFloat64()
	}
	s2 := math.Log(1 + d.Spread*d.Spread)
	return d.Mean * math.Exp(r.NormFloat64()*math.Sqrt(s2)-s2/2)
}

// upTo is the share of durations that are no longer than a limit, of a lognormal distribution.
func (d Time) upTo(limit float64) float64 {
	s2 := math.Log(1 + d.Spread*d.Spread)
	return 0.5 * math.Erfc(-(math.Log(limit/d.Mean)+s2/2)/math.Sqrt(2*s2))
}

// Break is a pause that agents take.
type Break struct {
	Share float64 // of the agents
	At    float64 // seconds of the day, the middle; 0 with Every
	Wide  float64 // agents begin up to so many seconds before and after
	Every float64 // seconds between pauses, on average; 0: once
	Long  Time
}

// Scenario is a campaign's day.
type Scenario struct {
	Name    string
	Agents  int
	Hours   float64
	Answer  float64 // share of calls that people answer
	Changes []Change
	// Spread is how far the people's chances to answer differ: the standard deviation of their logarithm. TellsOdds: the pacing
	// hears of each call's.
	Spread    float64
	TellsOdds bool
	Blocks    []float64 // of the list: factors of the answer rate for 200 calls each, in turn
	List      int       // calls that the list is good for; 0: no end

	RingAnswer  Time
	RingTimeout float64
	Busy        float64 // share of the other calls that are refused within seconds
	Failed      float64 // share of the other calls that fail at once
	Machines    float64 // share of the answered calls that machines answer, whom agents hang up on
	Talk, Wrap  Time
	Machine     Time
	Patience    float64
	Offer       float64 // seconds from the claim of an agent to the talk
	Silent      float64 // share of offers that the phone does not take: the agent is paused for two minutes
	Breaks      []Break
	Trunks      int     // calls at once; 0: any number
	CPS         float64 // originations a second; 0: any number
	MaxLines    float64 // calls that ring or wait, for each agent who is not away; 0: any number
}

// Change is another answer rate or talk time from a moment on.
type Change struct {
	At     float64 // seconds
	Answer float64 // 0: as before
	Talk   float64 // factor of the talk time; 0: as before
}

func (sc Scenario) with(f func(*Scenario)) Scenario {
	if f != nil {
		f(&sc)
	}
	return sc
}

func usual(name string, agents int, hours float64, f func(*Scenario)) Scenario {
	return Scenario{
		Name: name, Agents: agents, Hours: hours, Answer: 0.28, RingAnswer: Time{9, 0.55}, RingTimeout: 25, Busy: 0.12, Failed: 0.08,
		Talk: Time{140, 0.9}, Wrap: Time{22, 0.6}, Patience: 2, Offer: 0.3, CPS: 50, Machine: Time{6, 0.4},
		Breaks: []Break{{Share: 1, Every: 5400, Long: Time{420, 0.4}}},
	}.with(f)
}

// Scenarios are what the suite measures.
func Scenarios() []Scenario {
	return []Scenario{
		usual("5", 5, 8, nil),
		usual("5 short talks", 5, 6, func(s *Scenario) { s.Talk, s.Wrap = Time{45, 0.8}, Time{12, 0.5} }),
		usual("5 few answers", 5, 8, func(s *Scenario) { s.Answer = 0.12 }),
		usual("10", 10, 8, nil),
		usual("10 long tail", 10, 8, func(s *Scenario) { s.Talk = Time{150, 1.7} }),
		usual("10 slow ringing", 10, 6, func(s *Scenario) { s.RingAnswer, s.RingTimeout = Time{16, 0.5}, 40 }),
		usual("20", 20, 8, nil),
		usual("20 answers jump", 20, 6, func(s *Scenario) {
			s.Answer, s.Changes = 0.15, []Change{{At: 7200, Answer: 0.45}, {At: 14400, Answer: 0.2}}
		}),
		usual("20 machines", 20, 6, func(s *Scenario) { s.Machines = 0.3 }),
		usual("20 lists differ", 20, 6, func(s *Scenario) { s.Blocks = []float64{0.5, 1.6, 0.8, 1.1} }),
		usual("50", 50, 6, nil),
		usual("50 lunch", 50, 6, func(s *Scenario) {
			s.Breaks = append(s.Breaks, Break{Share: 0.7, At: 10800, Wide: 900, Long: Time{1800, 0.1}})
		}),
		usual("50 trunk limit", 50, 5, func(s *Scenario) { s.Trunks, s.CPS = 95, 4 }),
		usual("50 force pause", 50, 5, func(s *Scenario) { s.Silent = 0.01 }),
		usual("200", 200, 4, nil),
		usual("200 slow", 200, 4, func(s *Scenario) { s.Talk, s.Wrap, s.Answer = Time{300, 0.8}, Time{45, 0.6}, 0.2 }),
		usual("200 answers jump", 200, 4, func(s *Scenario) {
			s.Answer, s.Changes = 0.2, []Change{{At: 5400, Answer: 0.4}, {At: 9000, Talk: 0.5}}
		}),
	}
}

// HeldOut are scenarios that no figure of the algorithm was chosen by.
func HeldOut() []Scenario {
	return []Scenario{
		usual("held out: 5 exponential", 5, 7, func(s *Scenario) { s.Talk, s.Wrap, s.Answer = Time{200, 1}, Time{30, 1}, 0.4 }),
		usual("held out: 12 brisk", 12, 7, func(s *Scenario) { s.Talk, s.Wrap, s.Answer = Time{70, 1.2}, Time{8, 0.4}, 0.18 }),
		usual("held out: 25 steady talks", 25, 5, func(s *Scenario) { s.Talk, s.Wrap = Time{95, 0.3}, Time{15, 0.3} }),
		usual("held out: 60 evening", 60, 5, func(s *Scenario) {
			s.Answer, s.Changes = 0.1, []Change{{At: 3600, Answer: 0.2}, {At: 7200, Answer: 0.3}, {At: 10800, Answer: 0.5}}
		}),
		usual("held out: 200 lists", 200, 4, func(s *Scenario) {
			s.Blocks, s.Breaks = []float64{0.4, 1.5, 1.2, 0.9},
				append(s.Breaks, Break{Share: 0.4, At: 7200, Wide: 300, Long: Time{1500, 0.1}})
		}),
	}
}
