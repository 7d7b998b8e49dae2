package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) whyRoutes() {
	route(a, readers, a.whyNobody, op("Campaigns", "why-nobody-is-called", "GET /campaigns/{id}/why",
		"Explain why nobody of a campaign is called",
		says("What keeps the campaign from calling now, the gravest first: it is not running, closed, without contacts, all in "+
			"retry, all barred (and by which rule), "+
			"no agent with the flag on, no phone network. Empty: nothing that we know of. The contacts that come first are judged one "+
			"by one, at most 200 of them."),
		refuses(http.StatusNotFound)))
}

// Reasons that keep a campaign from calling.
var (
	whyNotRunning = reason.With1[reason.Term]("why.not_running", "status")
	whyHands      = reason.Plain("why.by_hand")
	whyNoContacts = reason.Plain("why.no_contacts")
	whyAllOver    = reason.With2[int, reason.Reason]("why.all_finished", "count", "why")
	whyClosed     = reason.Plain("why.window_closed")
	whyLawCloses  = reason.With1[string]("why.profile_closed", "profile")
	whyInRetry    = reason.With1[time.Time]("why.not_due", "at")
	whyRefusedAll = reason.With2[int, reason.Reason]("why.all_refused", "count", "why")
	whyNobodyOn   = reason.With1[string]("why.nobody_on", "queue")
	whyNobodyAuto = reason.With1[string]("why.nobody_auto", "queue")
	whyNobodyCan  = reason.With1[string]("why.nobody_reachable", "queue")
	whyNobodyFree = reason.With1[string]("why.nobody_free", "queue")
	whyNoNetwork  = reason.Plain("why.no_network")
	whyTrunksDown = reason.With1[[]string]("why.trunks_down", "trunks")
)

// WhyNobody says why nobody of a campaign is called.
type WhyNobody struct {
	At      time.Time      `json:"at"`
	Why     []Because      `json:"why" nullable:"false" doc:"The gravest first; empty: nothing that we know of"`
	Looked  int            `json:"looked_at" doc:"Waiting contacts that were judged: those that come first"`
	Permit  int            `json:"permitted" doc:"Of these, those that may be called now"`
	InRetry int            `json:"in_retry" doc:"Of these, those that are not due yet"`
	Over    map[string]int `json:"finished,omitempty" doc:"Where nobody waits: finished contacts, by why they are"`
	Refused []Refused      `json:"refused" nullable:"false" doc:"Of these, those whom a rule refuses now, by the rule; the most first"`
}

// Because is one reason.
type Because struct {
	Why
	Until *time.Time `json:"until" doc:"When it is over by itself; null: not, or nobody knows"`
}

// Refused are contacts that one rule refuses.
type Refused struct {
	Rule     string     `json:"rule" example:"per_day"`
	Hard     bool       `json:"hard" doc:"No role may override it"`
	Contacts int        `json:"contacts"`
	Example  int64      `json:"example" doc:"One of them: GET /contacts/{id}/explain says more"`
	Why      *Why       `json:"why" doc:"Of the example"`
	Next     *time.Time `json:"next_eligible" doc:"When the rule would permit the first of them; null: never, as things stand"`

	reason reason.Reason
}

// mostJudged is how many waiting contacts are judged: their facts come in a few statements.
const mostJudged = 200

func (a *api) whyNobody(ctx context.Context, in *ByID) (*reply[WhyNobody], error) {
	c, err := a.Store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	on, err := a.loggedOn(ctx)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	list, err := a.Store.Waiting(ctx, in.ID, mostJudged, now)
	if err != nil {
		return nil, err
	}
	v := WhyNobody{At: now.UTC(), Why: []Because{}, Looked: len(list), Refused: []Refused{}}
	add := func(r reason.Reason, until time.Time) { v.Why = append(v.Why, Because{*whyOf(ctx, r), moment(until)}) }
	soonest := v.judge(ctx, list, now)
	if c.Status != campaigns.Running {
		add(whyNotRunning(c.Status.Word()), time.Time{})
	}
	if err := a.whyNoWay(ctx, add); err != nil {
		return nil, err
	}
	if c.Mode == campaigns.Manual {
		add(whyHands, time.Time{})
	}
	switch o := campaigns.OpeningAt(c, now); {
	case !o.Campaign:
		add(whyShut(c, now), o.Until)
	case !o.Profile:
		add(whyLawCloses(c.Profile), o.Until)
	}
	switch {
	case len(list) == 0:
		over, err := a.whyOver(ctx, in.ID, &v)
		if err != nil {
			return nil, err
		}
		add(over, time.Time{})
	case v.InRetry == len(list):
		add(whyInRetry(soonest), soonest)
	case v.Permit == 0 && len(v.Refused) > 0:
		add(whyRefusedAll(len(list), v.Refused[0].reason), time.Time{})
	}
	if r := nobodyFor(c, on); !r.IsZero() {
		add(r, time.Time{})
	}
	return answer(v), nil
}

// whyShut says that the campaign is closed: by which of its exceptions, or by its windows.
func whyShut(c *campaigns.Campaign, now time.Time) reason.Reason {
	if closed, ok := campaigns.ClosedBy(c, now); ok {
		return closed
	}
	return whyClosed
}

// whyOver says why nobody waits: there is nobody, or all are finished.
func (a *api) whyOver(ctx context.Context, id int64, v *WhyNobody) (reason.Reason, error) {
	stats, err := a.Store.Stats(ctx, id)
	if err != nil {
		return reason.Reason{}, err
	}
	all, most := 0, ""
	for _, why := range slices.Sorted(maps.Keys(stats.Reasons)) {
		n := stats.Reasons[why]
		if all += n; n > stats.Reasons[most] {
			most = why
		}
	}
	if all == 0 {
		return whyNoContacts, nil
	}
	v.Over = stats.Reasons
	return whyAllOver(all, campaigns.WhyOver(most)), nil
}

// judge counts what policy says of contacts, and returns when the first of them is due.
func (v *WhyNobody) judge(ctx context.Context, list []campaigns.Standing, now time.Time) (soonest time.Time) {
	byRule := map[string]*Refused{}
	for _, k := range list {
		if k.DueAt.After(now) && (!k.PutOff || k.Verdict.Permit) {
			v.InRetry++
			if soonest.IsZero() || k.DueAt.Before(soonest) {
				soonest = k.DueAt
			}
			continue
		}
		if k.Verdict.Permit {
			v.Permit++
			continue
		}
		first := campaigns.Refusal{Rule: "phone"}
		if len(k.Verdict.Refusals) > 0 {
			first = k.Verdict.Refusals[0]
		}
		r := byRule[first.Rule]
		if r == nil {
			r = &Refused{Rule: first.Rule, Hard: first.Hard, Example: k.ContactID, Why: whyOf(ctx, first.Reason), Next: moment(first.Next),
				reason: first.Reason}
			byRule[first.Rule] = r
		}
		r.Contacts++
		if next := moment(first.Next); next != nil && (r.Next == nil || next.Before(*r.Next)) {
			r.Next = next
		}
	}
	for _, r := range byRule {
		v.Refused = append(v.Refused, *r)
	}
	slices.SortFunc(v.Refused, func(a, b Refused) int {
		if a.Contacts != b.Contacts {
			return b.Contacts - a.Contacts
		}
		return strings.Compare(a.Rule, b.Rule)
	})
	return soonest
}

// whyNoWay tells of a missing phone network, and of trunks when none takes calls.
func (a *api) whyNoWay(ctx context.Context, add func(reason.Reason, time.Time)) error {
	if a.NoNetwork != "" {
		add(whyNoNetwork, time.Time{})
	}
	if a.Trunks == nil {
		return nil
	}
	trunks, err := a.Trunks(ctx)
	if err != nil || len(trunks) == 0 {
		return err
	}
	var names []string
	var until time.Time
	for _, k := range trunks {
		if k.Up {
			return nil
		}
		if !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
		if k.Until != nil && (until.IsZero() || k.Until.Before(until)) {
			until = *k.Until
		}
	}
	add(whyTrunksDown(names), until)
	return nil
}
