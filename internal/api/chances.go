package api

import (
	"context"

	"github.com/creditorro/ringmaster/dialer"
)

// Chances is how likely people answer a campaign's calls.
type Chances struct {
	Used     bool           `json:"used" doc:"Whether the pacing goes by it: it foretells the days held back, by more than two standard errors"`
	Days     int            `json:"days" doc:"With calls"`
	Learned  int            `json:"learned" doc:"Calls of the earlier days; at least 1,000 are needed for a judgement"`
	HeldDays int            `json:"held_days" doc:"The latest ones, a quarter of all"`
	Held     int            `json:"held" doc:"Calls of these; at least 300 are needed for a judgement"`
	Gain     float64        `json:"gain" doc:"What is known of a held-back call by it, in bits, beyond the answer rate of its hour"`
	Error    float64        `json:"error" doc:"The standard error of the gain"`
	Effects  []ChanceEffect `json:"effects" nullable:"false" doc:"What was learned of all days"`
}

// ChanceEffect is what one property of calls changes.
type ChanceEffect struct {
	Property string  `json:"property" enum:"hour,kind,past" doc:"hour: where the person is; kind: of number; past: what became of the calls to the number before"`
	Value    string  `json:"value" doc:"hour: 00 to 23; kind: mobile, fixed or unknown; past: fresh, answered, engaged (refused, busy or failed, and none missed), missed_1, missed_2, missed_3_to_5 or missed_more since the last answer"`
	Calls    int     `json:"calls"`
	Answered int     `json:"answered"`
	Factor   float64 `json:"factor" doc:"Of the odds of an answer, all else being equal"`
}

func (a *api) campaignChances(ctx context.Context, in *ByID) (*reply[Chances], error) {
	c, err := a.Store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	calls, err := a.Store.Tried(ctx, c.ID, a.Now().Add(-dialer.TriedFor), dialer.TriedCalls)
	if err != nil {
		return nil, err
	}
	known := dialer.LearnChances(c, calls)
	is := known.Verdict
	v := Chances{Used: is.Better, Days: is.Days, Learned: is.Learned, HeldDays: is.HeldDays, Held: is.Held, Gain: is.Gain,
		Error: is.Error, Effects: []ChanceEffect{}}
	for _, e := range known.Effects {
		v.Effects = append(v.Effects, ChanceEffect(e))
	}
	return answer(v), nil
}
