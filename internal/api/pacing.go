package api

import (
	"context"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/dialer"
)

// Pacing is how far a campaign's calls run ahead of its agents, and what came of it today.
type Pacing struct {
	Cap          float64      `json:"cap" doc:"Abandoned calls over answered ones, at most"`
	Counts       string       `json:"counts" enum:"day,month" doc:"Over what the cap holds: a day of the campaign's, or 30 days"`
	Today        PacingCount  `json:"today" doc:"Since midnight in the campaign's time zone"`
	LastHalfHour PacingCount  `json:"last_half_hour"`
	Chart        []PacingSpan `json:"chart" nullable:"false" doc:"Today's half hours, those without an answer left out"`
	Nodes        []PacingNode `json:"nodes" nullable:"false" doc:"What each node has last decided, for its own agents; none: the campaign does not call ahead"`
}

// PacingCount counts answered calls. Machines are in none of the figures but their own.
type PacingCount struct {
	Answered  int     `json:"answered" doc:"People who got an agent, or were abandoned"`
	Connected int     `json:"connected" doc:"People who got an agent"`
	Abandoned int     `json:"abandoned" doc:"People who did not, those mistaken for machines among them"`
	HungUp    int     `json:"hung_up" doc:"People who hung up before the patience was over"`
	Machines  int     `json:"machines" doc:"Answering machines, as heard or by the call code"`
	Mistaken  int     `json:"mistaken" doc:"Of the abandoned: people who were taken for machines, by a call code that says so"`
	Share     float64 `json:"share" doc:"Abandoned of answered, 0 to 1"`
}

// PacingSpan is one half hour.
type PacingSpan struct {
	From time.Time `json:"from"`
	PacingCount
}

// PacingNode is a node's last decision and what it was made of.
type PacingNode struct {
	Node            string    `json:"node"`
	At              time.Time `json:"at"`
	Why             *Why      `json:"why" doc:"Why not more"`
	Originate       int       `json:"originate" doc:"New calls"`
	GivenUp         int       `json:"given_up" doc:"Ringing calls that had lost their agent"`
	Idle            int       `json:"idle" doc:"Agents who are free"`
	Busy            int       `json:"busy" doc:"Agents in a call or wrap-up"`
	Ringing         int       `json:"ringing" doc:"Calls"`
	Waiting         int       `json:"waiting" doc:"Answered calls without an agent"`
	Room            int       `json:"room" doc:"New calls that trunks, rates and lines an agent allow"`
	AnswerRate      float64   `json:"answer_rate" doc:"As learned"`
	RingSeconds     float64   `json:"ring_seconds" doc:"To an answer, the median as learned"`
	ExpectedFree    float64   `json:"expected_free" doc:"Agents who will be free by the median answer of a call dialed now"`
	ExpectedAnswers float64   `json:"expected_answers" doc:"Answers by then"`
	Risk            float64   `json:"risk" doc:"That the last call dialed finds nobody"`
	Limit           float64   `json:"limit" doc:"Of that risk"`
	Balance         float64   `json:"balance" doc:"Calls that may be abandoned yet, by the cap"`
	HalfHour        float64   `json:"half_hour_balance" doc:"The same of the last half hour"`
}

func (a *api) pacingRoutes() {
	route(a, readers, a.campaignPacing, op("Campaigns", "campaign-pacing", "GET /campaigns/{id}/pacing",
		"See how far a campaign's calls run ahead of its agents",
		says("The account of abandoned calls, today's chart by half hours, and what each node has last decided, and why."),
		refuses(http.StatusNotFound)))
	route(a, readers, a.campaignChances, op("Campaigns", "campaign-chances", "GET /campaigns/{id}/chances",
		"See who answers a campaign's calls, and whether the pacing goes by it",
		says("Learned from the campaign's own calls of the last 28 days, 20,000 at most: by the hour where the person is, the kind of "+
			"number, and what became of the calls to it before. The pacing goes by it where it foretells the latest days, which are "+
			"held back to judge it by; it looks again each hour."),
		refuses(http.StatusNotFound)))
}

func (a *api) campaignPacing(ctx context.Context, in *ByID) (*reply[Pacing], error) {
	v, err := a.pacingOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(*v), nil
}

func (a *api) pacingOf(ctx context.Context, id int64) (*Pacing, error) {
	c, err := a.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	local := now.In(zone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	from := midnight
	if half := now.Add(-31 * time.Minute); half.Before(from) {
		from = half
	}
	minutes, err := a.Store.Account(ctx, id, from, time.Time{})
	if err != nil {
		return nil, err
	}
	v := &Pacing{Cap: c.Pace().AbandonedCap, Counts: "day", Chart: []PacingSpan{}, Nodes: []PacingNode{}}
	if c.CapPeriod() > 24*time.Hour {
		v.Counts = "month"
	}
	for _, m := range minutes {
		if !m.Begin.Before(now.Add(-31 * time.Minute)) {
			v.LastHalfHour.add(m)
		}
		if m.Begin.Before(midnight) {
			continue
		}
		v.Today.add(m)
		begin := m.Begin.Truncate(30 * time.Minute).UTC()
		if k := len(v.Chart); k == 0 || !v.Chart[k-1].From.Equal(begin) {
			v.Chart = append(v.Chart, PacingSpan{From: begin})
		}
		v.Chart[len(v.Chart)-1].add(m)
	}
	if a.Pacing == nil {
		return v, nil
	}
	nodes, err := a.Pacing(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, r := range nodes {
		n := r.Numbers
		v.Nodes = append(v.Nodes, PacingNode{
			Node: r.Node, At: r.At.UTC(), Why: whyOf(ctx, r.Why()), Originate: r.Originate, GivenUp: r.GivenUp, Idle: n.Idle, Busy: n.Busy,
			Ringing: n.Ringing,
			Waiting: n.Waiting, Room: n.Room, AnswerRate: n.AnswerRate, RingSeconds: n.RingTime, ExpectedFree: n.Free,
			ExpectedAnswers: n.Answers,
			Risk:            n.Risk, Limit: n.Limit, Balance: n.Balance, HalfHour: n.HalfHour,
		})
	}
	return v, nil
}

func (c *PacingCount) add(s dialer.AccountSpan) {
	c.Connected += s.Connected
	c.Abandoned += s.Abandoned + s.Mistaken
	c.Answered += s.Connected + s.Abandoned + s.Mistaken
	c.HungUp += s.HungUp
	c.Machines += s.Machines
	c.Mistaken += s.Mistaken
	if c.Answered > 0 {
		c.Share = float64(c.Abandoned) / float64(c.Answered)
	}
}
