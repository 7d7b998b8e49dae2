package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/sim"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) whatIfRoutes() {
	route(a, supervisors, a.whatIf, op("Campaigns", "campaign-what-if", "POST /campaigns/{id}/what-if",
		"Play a day of the campaign, with other agents, lists or settings",
		says("Nobody is dialed: the pacing that campaigns have plays a day with drawn calls, in seconds. What is left out of the body "+
			"is as the campaign has it or has shown it; the reply says what was assumed, and where that is from, and assumed may be "+
			"sent again as the body. A node plays one at a time: 429 when another one goes on. It ends when the client goes away."),
		refuses(http.StatusNotFound, http.StatusTooManyRequests)))
}

// WhatIfQuestion is a campaign's day that did not happen yet. What is left out is as the campaign has it.
type WhatIfQuestion struct {
	Agents     *int          `json:"agents" required:"false" minimum:"1" maximum:"1000" doc:"Who work; left out: those of the campaign's line who are logged on, or all of them"`
	Contacts   *int          `json:"contacts" required:"false" minimum:"0" maximum:"1000000" doc:"People to call; 0: no end. Left out: those who wait"`
	Attempts   *int          `json:"attempts" required:"false" minimum:"1" maximum:"100" doc:"Calls to somebody who does not answer, at most"`
	Hours      *Duration     `json:"hours" required:"false" doc:"How long the day is: 1m to 24h; left out: as long as the campaign may call within the next 24 hours"`
	Cap        *float64      `json:"cap" required:"false" minimum:"0" maximum:"0.5" doc:"Abandoned calls over answered ones, at most" example:"0.03"`
	AnswerRate *float64      `json:"answer_rate" required:"false" minimum:"0.001" maximum:"1" doc:"Share of the calls that are answered"`
	Machines   *float64      `json:"machines" required:"false" minimum:"0" maximum:"0.99" doc:"Share of the answers that are machines, on whom agents hang up"`
	Ring       *Duration     `json:"ring" required:"false" doc:"To an answer, the mean: 1s to 1m"`
	Timeout    *Duration     `json:"ring_timeout" required:"false" doc:"Ringing without an answer: 5s to 3m"`
	Talk       *Duration     `json:"talk" required:"false" doc:"The mean: 1s to 2h"`
	TalkSpread *float64      `json:"talk_spread" required:"false" minimum:"0" maximum:"3" doc:"Standard deviation over mean"`
	Wrap       *Duration     `json:"wrap_up" required:"false" doc:"The mean: up to 1h"`
	WrapSpread *float64      `json:"wrap_up_spread" required:"false" minimum:"0" maximum:"3" doc:"Standard deviation over mean"`
	Patience   *Duration     `json:"patience" required:"false" doc:"With which an answered customer waits for an agent: up to 1m"`
	Breaks     *Duration     `json:"breaks" required:"false" doc:"Between two breaks of an agent, the mean: 1m to 24h; 0s: none"`
	Break      *Duration     `json:"break" required:"false" doc:"Length of a break, the mean: 1s to 4h"`
	Lines      *int          `json:"lines" required:"false" minimum:"0" maximum:"1000000" doc:"Calls at once that the trunks have room for; 0: any number"`
	Rate       *float64      `json:"rate" required:"false" minimum:"0" maximum:"1000000" doc:"Calls a second that may be begun; 0: any number"`
	MaxLines   *float64      `json:"max_lines" required:"false" minimum:"0" maximum:"100" doc:"Calls that ring or wait for each agent who is not away, at most; 0: any number"`
	Ratio      *float64      `json:"ratio" required:"false" minimum:"0.1" maximum:"100" doc:"Lines for each free agent, in mode ratio"`
	Modes      []pacing.Mode `json:"modes" required:"false" maxItems:"4" uniqueItems:"true" enum:"preview,progressive,ratio,predictive" doc:"Each meets the same calls and agents; left out: the campaign's, and progressive to compare with"`
	Days       *int          `json:"days" required:"false" minimum:"1" maximum:"50" doc:"That are played, and averaged; 1 when left out"`
	Seed       *int64        `json:"seed" required:"false" minimum:"0" maximum:"9007199254740991" doc:"The same seed plays the same days; 1 when left out"`
}

// WhatIf is what such a day is like.
type WhatIf struct {
	Assumed WhatIfQuestion    `json:"assumed" doc:"Nothing is left out; it may be sent again"`
	From    map[string]string `json:"from" doc:"Where each of assumed is from: given (in the request), campaign (its settings or its contacts), calls (its latest ones), agents (logged on), line (agents who are not), hours (the campaign's windows and its profile's), trunks, usual (nothing is known)"`
	Calls   int               `json:"calls" doc:"Of the campaign that were looked at: 2,000 of the last seven days at most"`
	Results []WhatIfResult    `json:"results" nullable:"false" doc:"One a mode, in the order of assumed.modes"`
}

// WhatIfResult is what the days are like in one mode, on average.
type WhatIfResult struct {
	Mode         pacing.Mode `json:"mode" enum:"preview,progressive,ratio,predictive"`
	Occupancy    float64     `json:"occupancy" doc:"Talk and wrap-up of the time that agents are not away, 0 to 1"`
	Abandoned    float64     `json:"abandoned" doc:"Of the answered, over all days, 0 to 1"`
	WorstDay     float64     `json:"worst_day" doc:"The same of the worst day"`
	WorstHalf    WhatIfHalf  `json:"worst_half_hour" doc:"Of all days, among those with 20 answers or more, if there are any"`
	HalvesAbove  float64     `json:"half_hours_above" doc:"Share of half hours that abandon more than 5/3 of the cap"`
	Calls        float64     `json:"calls_an_hour"`
	Answered     float64     `json:"answered_an_hour"`
	LinesAnAgent float64     `json:"calls_an_agent_and_hour"`
	Wait         float64     `json:"agent_wait_seconds" doc:"Of a free agent for a call, the mean"`
	LongWait     float64     `json:"agent_wait_90_seconds" doc:"Nine waits of ten are shorter"`
	Peak         int         `json:"calls_at_once" doc:"At the most: the lines that it takes"`
	Finish       *float64    `json:"finish_seconds" doc:"Since the beginning of the day, until all contacts are done; null: they are not, on one of the days at least"`
	Chart        []WhatIfBar `json:"chart" nullable:"false" doc:"The day by half hours, averaged over the days"`
}

// WhatIfBar is a half hour of the day.
type WhatIfBar struct {
	At        float64 `json:"at_seconds" doc:"Since the beginning of the day"`
	Dialed    float64 `json:"dialed"`
	Answered  float64 `json:"answered"`
	Abandoned float64 `json:"abandoned"`
	Share     float64 `json:"share" doc:"Abandoned of answered, 0 to 1"`
}

// WhatIfHalf is a half hour of one of the days.
type WhatIfHalf struct {
	Day int `json:"day" doc:"From 1 on"`
	WhatIfBar
}

// Where what is assumed is from.
const (
	fromRequest  = "given"
	fromCampaign = "campaign"
	fromCalls    = "calls"
	fromAgents   = "agents"
	fromLine     = "line"
	fromHours    = "hours"
	fromTrunks   = "trunks"
	fromNowhere  = "usual"
)

const (
	whatIfTime  = 20 * time.Second // for all of the days
	whatIfWait  = 3 * time.Second  // for the one before, whose client may just have gone
	whatIfWork  = 10_000           // agents × hours × days × modes
	enoughCalls = 30               // from so many on they say what a campaign's are like
	enoughTalks = 10
)

var (
	whyWhatIfBusy = reason.Plain("what_if.another_one")
	whyWhatIfSlow = reason.With1[time.Duration]("what_if.too_slow", "time")
)

type whatIfInput struct {
	ByID
	Body *WhatIfQuestion
}

func (a *api) whatIf(ctx context.Context, in *whatIfInput) (*reply[WhatIf], error) {
	c, err := a.Store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var asked WhatIfQuestion
	if in.Body != nil {
		asked = *in.Body
	}
	v := WhatIf{From: map[string]string{}}
	q, err := a.imagine(ctx, c, &asked, &v)
	if err != nil {
		return nil, err
	}
	if err := checkWhatIf(&q, len(v.Assumed.Modes)); err != nil {
		return nil, err
	}
	questions := make([]sim.Question, len(v.Assumed.Modes))
	for i, mode := range v.Assumed.Modes {
		questions[i] = q
		questions[i].Mode = mode
	}
	v.Results, err = a.playDays(ctx, questions, func(ctx context.Context, q sim.Question) (sim.Answer, error) {
		return sim.Ask(ctx, q, nil)
	})
	if err != nil {
		return nil, err
	}
	return answer(v), nil
}

// playDays plays one day after the other. A node does so for one client at a time, and no longer than for whatIfTime.
func (a *api) playDays(ctx context.Context, questions []sim.Question,
	play func(context.Context, sim.Question) (sim.Answer, error)) ([]WhatIfResult, error) {
	end, err := a.takeWhatIf(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	limit := min(whatIfTime, a.RequestTime*2/3)
	playing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	results := make([]WhatIfResult, len(questions))
	for i, q := range questions {
		played, err := play(playing, q)
		if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return nil, refuse(http.StatusServiceUnavailable, whyWhatIfSlow(limit))
		}
		if err != nil {
			return nil, err
		}
		results[i] = showWhatIf(played)
	}
	return results, nil
}

// takeWhatIf takes the node's place for a what-if, which end gives back.
func (a *api) takeWhatIf(ctx context.Context) (end func(), err error) {
	wait := time.NewTimer(whatIfWait)
	defer wait.Stop()
	select {
	case a.whatIfs <- struct{}{}:
		return func() { <-a.whatIfs }, nil
	case <-wait.C:
		return nil, refuse(http.StatusTooManyRequests, whyWhatIfBusy).retryAfter(whatIfWait)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// checkWhatIf refuses what cannot be played, and what a node has no time for.
func checkWhatIf(q *sim.Question, modes int) error {
	var wrong sim.Wrong
	if err := q.Check(); errors.As(err, &wrong) {
		fields := make([]FieldProblem, len(wrong))
		for i, w := range wrong {
			fields[i] = FieldProblem{Location: "body." + w.Field, why: w.Why}
		}
		return refuse(http.StatusUnprocessableEntity, whyFields, fields...)
	}
	if work := q.Work() * float64(modes); work > whatIfWork {
		return refuseField("body.days", sim.TooMuch(work, whatIfWork))
	}
	return nil
}

// imagine completes what was asked with what is known of the campaign, and says where everything is from.
func (a *api) imagine(ctx context.Context, c *campaigns.Campaign, asked *WhatIfQuestion, v *WhatIf) (q sim.Question, err error) {
	sample, err := a.Store.Sample(ctx, c.ID, a.Now())
	if err != nil {
		return q, err
	}
	v.Calls = sample.Calls
	stats, err := a.Store.Stats(ctx, c.ID)
	if err != nil {
		return q, err
	}
	team, teamFrom, err := a.agentsOf(ctx, c, sample.Agents)
	if err != nil {
		return q, err
	}
	machines, machinesFrom, err := a.machinesOf(ctx, c)
	if err != nil {
		return q, err
	}
	lines, rate, trunks, err := a.linesOf(ctx)
	if err != nil {
		return q, err
	}
	k, to, waiting := imagined{v}, &v.Assumed, min(stats.Contacts[campaigns.Waiting], 1_000_000)
	q.Agents = assume(k, "agents", asked.Agents, &to.Agents, team, teamFrom)
	q.Contacts = assume(k, "contacts", asked.Contacts, &to.Contacts, waiting, fromCampaign)
	q.Machines = assume(k, "machines", asked.Machines, &to.Machines, machines, machinesFrom)
	q.Lines = assume(k, "lines", asked.Lines, &to.Lines, lines, trunks)
	q.Rate = assume(k, "rate", asked.Rate, &to.Rate, rate, trunks)
	k.settings(c, asked, &q, a.Now())
	k.calls(&sample, asked, &q)
	q.Breaks = k.lasts("breaks", asked.Breaks, &to.Breaks, 90*time.Minute, fromNowhere)
	q.Break = k.lasts("break", asked.Break, &to.Break, 7*time.Minute, fromNowhere)
	q.Days = assume(k, "days", asked.Days, &to.Days, 1, fromNowhere)
	q.Seed = uint64(assume(k, "seed", asked.Seed, &to.Seed, 1, fromNowhere))
	return q, nil
}

// settings are what the campaign says.
func (k imagined) settings(c *campaigns.Campaign, asked *WhatIfQuestion, q *sim.Question, now time.Time) {
	to, pace := &k.v.Assumed, c.Pace()
	hours, hoursFrom := callingTime(c, now)
	ratio, ratioFrom := pace.Ratio, fromCampaign
	if ratio == 0 {
		ratio, ratioFrom = 2, fromNowhere
	}
	timeout := min(max(c.Ring, 5*time.Second), 3*time.Minute)
	q.Hours = k.lasts("hours", asked.Hours, &to.Hours, hours, hoursFrom)
	q.Attempts = assume(k, "attempts", asked.Attempts, &to.Attempts, max(c.MaxAttempts, 1), fromCampaign)
	q.Cap = assume(k, "cap", asked.Cap, &to.Cap, pace.AbandonedCap, fromCampaign)
	q.Timeout = k.lasts("ring_timeout", asked.Timeout, &to.Timeout, timeout, fromCampaign)
	q.Patience = k.lasts("patience", asked.Patience, &to.Patience, pace.Patience, fromCampaign)
	q.MaxLines = assume(k, "max_lines", asked.MaxLines, &to.MaxLines, pace.MaxLines, fromCampaign)
	q.Ratio = assume(k, "ratio", asked.Ratio, &to.Ratio, ratio, ratioFrom)
	to.Modes, k.v.From["modes"] = asked.Modes, fromRequest
	if len(asked.Modes) == 0 {
		to.Modes, k.v.From["modes"] = modesOf(c), fromCampaign
	}
}

// calls are what the latest ones were like, or what calls usually are.
func (k imagined) calls(s *dialer.Sample, asked *WhatIfQuestion, q *sim.Question) {
	to := &k.v.Assumed
	rate, rateFrom := 0.25, fromNowhere
	if s.Calls >= enoughCalls {
		rate, rateFrom = min(max(float64(s.Answered)/float64(s.Calls), 0.005), 1), fromCalls
		q.Known = min(s.Calls, 120)
	}
	ring, ringFrom := 9*time.Second, fromNowhere
	if s.Answered >= enoughTalks && s.Ring > 0 {
		ring, ringFrom = max(s.Ring, time.Second), fromCalls
	}
	spell := func(n int, shown, usual dialer.Spell) (dialer.Spell, string) {
		if n >= enoughTalks && shown.Mean >= time.Second {
			return dialer.Spell{Mean: shown.Mean, Spread: min(shown.Spread, 3)}, fromCalls
		}
		return usual, fromNowhere
	}
	talk, talkFrom := spell(s.Talks, s.Talk, dialer.Spell{Mean: 2 * time.Minute, Spread: 0.9})
	wrap, wrapFrom := spell(s.Wraps, s.Wrap, dialer.Spell{Mean: 20 * time.Second, Spread: 0.6})
	q.Answer = assume(k, "answer_rate", asked.AnswerRate, &to.AnswerRate, rate, rateFrom)
	q.Ring = k.lasts("ring", asked.Ring, &to.Ring, min(ring, q.Timeout, time.Minute), ringFrom)
	q.Talk = k.lasts("talk", asked.Talk, &to.Talk, min(talk.Mean, 2*time.Hour), talkFrom)
	q.TalkSpread = assume(k, "talk_spread", asked.TalkSpread, &to.TalkSpread, talk.Spread, talkFrom)
	q.Wrap = k.lasts("wrap_up", asked.Wrap, &to.Wrap, min(wrap.Mean, time.Hour), wrapFrom)
	q.WrapSpread = assume(k, "wrap_up_spread", asked.WrapSpread, &to.WrapSpread, wrap.Spread, wrapFrom)
}

// imagined is a day that is completed with what is known.
type imagined struct{ v *WhatIf }

// assume takes what was asked for, or else what is known, and notes which.
func assume[T any](k imagined, name string, asked *T, to **T, value T, from string) T {
	if asked != nil {
		value, from = *asked, fromRequest
	}
	*to, k.v.From[name] = &value, from
	return value
}

func (k imagined) lasts(name string, asked *Duration, to **Duration, value time.Duration, from string) time.Duration {
	return time.Duration(assume(k, name, asked, to, Duration(value.Round(time.Millisecond)), from))
}

// modesOf are the campaign's own mode and what to compare it with.
func modesOf(c *campaigns.Campaign) []pacing.Mode {
	switch {
	case c.Mode == campaigns.Predictive && c.Pacing.Ratio > 0:
		return []pacing.Mode{pacing.Ratio, pacing.Progressive}
	case c.Mode == campaigns.Predictive:
		return []pacing.Mode{pacing.Predictive, pacing.Progressive}
	}
	return []pacing.Mode{pacing.Progressive}
}

// agentsOf counts who work for the campaign's line now, or else could.
func (a *api) agentsOf(ctx context.Context, c *campaigns.Campaign, all int) (n int, from string, err error) {
	on, err := a.loggedOn(ctx)
	if err != nil {
		return 0, "", err
	}
	for _, l := range on {
		if slices.Contains(l.Queues, c.Queue) && l.State != agents.ForcePause {
			n++
		}
	}
	switch {
	case n > 0:
		from = fromAgents
	case all > 0:
		n, from = all, fromLine
	default:
		n, from = 10, fromNowhere
	}
	return min(n, 1000), from, nil
}

// machinesOf is the share of machines among the answers of the last seven days.
func (a *api) machinesOf(ctx context.Context, c *campaigns.Campaign) (share float64, from string, err error) {
	spans, err := a.Store.Account(ctx, c.ID, a.Now().Add(-7*24*time.Hour), time.Time{})
	if err != nil {
		return 0, "", err
	}
	var all PacingCount
	for _, s := range spans {
		all.add(s)
	}
	if answers := all.Answered + all.HungUp + all.Machines; all.Machines > 0 && answers >= enoughCalls {
		return min(float64(all.Machines)/float64(answers), 0.99), fromCalls, nil
	}
	return 0, fromNowhere, nil
}

// linesOf is how many calls, and how many new ones a second, all trunks that are up have room for; zero: any number.
func (a *api) linesOf(ctx context.Context) (lines int, rate float64, from string, err error) {
	if a.Trunks == nil {
		return 0, 0, fromNowhere, nil
	}
	trunks, err := a.Trunks(ctx)
	if err != nil {
		return 0, 0, "", err
	}
	up, anyLines, anyRate := 0, false, false
	for _, t := range trunks {
		if t.Up {
			up++
			lines, rate = lines+t.Channels, rate+t.CPS
			anyLines, anyRate = anyLines || t.Channels == 0, anyRate || t.CPS == 0
		}
	}
	if up == 0 {
		return 0, 0, fromNowhere, nil
	}
	if anyLines {
		lines = 0
	}
	if anyRate {
		rate = 0
	}
	return lines, rate, fromTrunks, nil
}

// callingTime is how long the campaign may call within the next 24 hours.
func callingTime(c *campaigns.Campaign, now time.Time) (sum time.Duration, from string) {
	const mostChanges = 100
	end := now.Add(24 * time.Hour)
	for at, n := now, 0; at.Before(end) && n < mostChanges; n++ {
		o := campaigns.OpeningAt(c, at)
		until := end
		if !o.Until.IsZero() && o.Until.After(at) && o.Until.Before(end) {
			until = o.Until
		}
		if o.Open() {
			sum += until.Sub(at)
		}
		at = until
	}
	sum = sum.Truncate(time.Minute)
	if sum < time.Minute || sum == 24*time.Hour {
		return 8 * time.Hour, fromNowhere
	}
	return sum, fromHours
}

func showWhatIf(a sim.Answer) WhatIfResult {
	bar := func(h sim.Half) WhatIfBar { return WhatIfBar{h.At, h.Dialed, h.Answered, h.Abandoned, h.Share} }
	v := WhatIfResult{Mode: a.Mode, Occupancy: a.Occupancy, Abandoned: a.Abandoned, WorstDay: a.WorstDay,
		WorstHalf: WhatIfHalf{a.WorstHalf.Day, bar(a.WorstHalf)}, HalvesAbove: a.HalvesAbove, Calls: a.Calls, Answered: a.Answered,
		LinesAnAgent: a.LinesAnAgent, Wait: a.Wait, LongWait: a.LongWait, Peak: a.Peak, Chart: []WhatIfBar{}}
	if a.Finish > 0 {
		v.Finish = &a.Finish
	}
	for _, h := range a.Halves {
		v.Chart = append(v.Chart, bar(h))
	}
	return v
}
