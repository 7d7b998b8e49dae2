package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/sim"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) shadowRoutes() {
	route(a, supervisors, a.shadow, op("Campaigns", "campaign-shadow", "POST /campaigns/{id}/shadow",
		"Play a recorded day of the campaign again, with other settings",
		says("Nobody is dialed. Days on which the campaign's calls ran ahead of its agents are recorded, for a week: calls are "+
			"answered as at the same time of that day, talks and wrap-ups last as they did, agents are away when they were, and the "+
			"pacing knows of who answers what it knew then. What is left out of the body is as on the day. By how much as_set differs "+
			"from happened is how far the results can be trusted. A node plays one at a time, as with what-if. 422: nothing is "+
			"recorded of the day."),
		refuses(http.StatusNotFound, http.StatusTooManyRequests)))
}

// ShadowQuestion is what would be otherwise on a day that was recorded. What is left out is as on the day.
type ShadowQuestion struct {
	Day      *string       `json:"day" required:"false" format:"date" doc:"In the campaign's time zone; today when left out" example:"2026-03-01"`
	Agents   *int          `json:"agents" required:"false" minimum:"1" maximum:"1000" doc:"At once, at the most; they are away when those of the day were"`
	Cap      *float64      `json:"cap" required:"false" minimum:"0" maximum:"0.5" doc:"Abandoned calls over answered ones, at most" example:"0.03"`
	MaxLines *float64      `json:"max_lines" required:"false" minimum:"0" maximum:"100" doc:"Calls that ring or wait for each agent who is not away, at most; 0: any number"`
	Ratio    *float64      `json:"ratio" required:"false" minimum:"0.1" maximum:"100" doc:"Lines for each free agent, in mode ratio"`
	Odds     *bool         `json:"odds" required:"false" doc:"Whether the pacing knows how likely each call is answered, where it knew that on the day; true when left out"`
	Modes    []pacing.Mode `json:"modes" required:"false" maxItems:"4" uniqueItems:"true" enum:"preview,progressive,ratio,predictive" doc:"Each meets the same calls and agents; left out: that of the day"`
}

// Shadow is a recorded day, and what it would have been like.
type Shadow struct {
	Day      string         `json:"day" format:"date"`
	Assumed  ShadowQuestion `json:"assumed" doc:"Nothing is left out; it may be sent again"`
	Dialed   int            `json:"dialed" doc:"Calls of the day"`
	Odds     int            `json:"calls_with_odds" doc:"Of them, those of which the pacing knew how likely they are answered"`
	Happened WhatIfResult   `json:"happened" doc:"The day itself: occupancy and calls from the record, abandoned calls from the account. Waits, lines and the calls of half hours are not known: zero"`
	AsSet    WhatIfResult   `json:"as_set" doc:"The day played as it was set"`
	Results  []WhatIfResult `json:"results" nullable:"false" doc:"One a mode, in the order of assumed.modes"`
}

var whyNothingRecorded = reason.With1[string]("shadow.nothing", "day")

type shadowInput struct {
	ByID
	Body *ShadowQuestion
}

func (a *api) shadow(ctx context.Context, in *shadowInput) (*reply[Shadow], error) {
	var asked ShadowQuestion
	if in.Body != nil {
		asked = *in.Body
	}
	var v Shadow
	kept, err := a.recordedDay(ctx, in.ID, &asked, &v)
	if err != nil {
		return nil, err
	}
	q := kept.Asked()
	if err := checkWhatIf(&q, 1); err != nil {
		return nil, err
	}
	other := v.assume(&asked, q)
	if err := checkWhatIf(&other, 1+len(v.Assumed.Modes)); err != nil {
		return nil, err
	}
	questions := []sim.Question{q}
	for _, mode := range v.Assumed.Modes {
		other.Mode = mode
		questions = append(questions, other)
	}
	results, err := a.playDays(ctx, questions, func(ctx context.Context, q sim.Question) (sim.Answer, error) {
		return kept.Shadow(ctx, q, nil)
	})
	if err != nil {
		return nil, err
	}
	v.AsSet, v.Results = results[0], results[1:]
	return answer(v), nil
}

// recordedDay reads the day that is meant, and shows what happened on it.
func (a *api) recordedDay(ctx context.Context, campaign int64, asked *ShadowQuestion, v *Shadow) (*sim.Kept, error) {
	c, err := a.Store.Campaign(ctx, campaign)
	if err != nil {
		return nil, err
	}
	if v.Day, _ = c.Day(a.Now()); asked.Day != nil {
		v.Day = *asked.Day
	}
	from, to, err := c.DayOf(v.Day)
	if err != nil {
		return nil, refuseField("body.day", whyNothingRecorded(v.Day))
	}
	parts, err := a.Store.Records(ctx, campaign, from, to)
	if err != nil {
		return nil, err
	}
	kept, err := sim.KeepPacked(parts)
	if errors.Is(err, sim.ErrNothing) {
		return nil, refuseField("body.day", whyNothingRecorded(v.Day))
	}
	if err != nil {
		return nil, err
	}
	account, err := a.Store.Account(ctx, campaign, from, to)
	if err != nil {
		return nil, err
	}
	was := kept.Happened()
	v.Dialed, v.Odds, v.Happened = was.Dialed, was.Odds, showWhatIf(kept.Was(account))
	return kept, nil
}

// assume completes what was asked with what was so on the day.
func (v *Shadow) assume(asked *ShadowQuestion, q sim.Question) sim.Question {
	to := &v.Assumed
	to.Day = new(v.Day)
	given(asked.Agents, &to.Agents, &q.Agents)
	given(asked.Cap, &to.Cap, &q.Cap)
	given(asked.MaxLines, &to.MaxLines, &q.MaxLines)
	given(asked.Ratio, &to.Ratio, &q.Ratio)
	odds := true
	given(asked.Odds, &to.Odds, &odds)
	q.NoOdds = !odds
	if to.Modes = asked.Modes; len(to.Modes) == 0 {
		to.Modes = []pacing.Mode{q.Mode}
	}
	return q
}

// given has what was asked for take the place of what was so, and notes which of both it is.
func given[T any](asked *T, assumed **T, is *T) {
	if asked != nil {
		*is = *asked
	}
	*assumed = new(*is)
}
