package api

import (
	"context"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// agentsAlone is for what there is of agents only.
var agentsAlone = []access.Role{access.RoleAgent}

func (a *api) meRoutes() {
	const tag = "Me"
	a.myContactRoutes()
	route(a, agentsAlone, a.myCallbacks, op(tag, "my-callbacks", "GET /me/callbacks",
		"List the callbacks that I have promised, by time"))
	route(a, agentsAlone, a.myHistory, op(tag, "my-history", "GET /me/history", "List my calls, latest first"))
	route(a, agentsAlone, a.myFigures, op(tag, "my-figures", "GET /me/figures", "Count my calls of a day",
		says("Of the last 24 hours when nothing is said; a page passes its own midnight as from.")))
}

// CalledPerson is who a call or a callback is with.
type CalledPerson struct {
	Name         string `json:"name"`
	CRMID        string `json:"crm_id"`
	CampaignName string `json:"campaign_name"`
}

// called finds the contacts and campaigns that a page of a list is about, each once. Who is not there any more is left out.
func (a *api) called(ctx context.Context, contactIDs []int64) (func(contactID, campaignID int64) CalledPerson, error) {
	list, err := a.Store.ContactsByID(ctx, contactIDs)
	if err != nil {
		return nil, err
	}
	known, names := map[int64]campaigns.Contact{}, map[int64]string{}
	for _, c := range list {
		known[c.ID] = c
	}
	return func(contactID, campaignID int64) CalledPerson {
		name, asked := names[campaignID]
		if !asked {
			if c, err := a.Store.Campaign(ctx, campaignID); err == nil {
				name = c.Name
			}
			names[campaignID] = name
		}
		c := known[contactID]
		return CalledPerson{Name: c.Name, CRMID: c.CRMID, CampaignName: name}
	}, nil
}

// MyCallback is a callback that the agent has promised.
type MyCallback struct {
	Callback
	CalledPerson
	Late bool `json:"late" doc:"The agreed moment has passed"`
}

func (a *api) myCallbacks(ctx context.Context, in *Paging) (*reply[page[MyCallback]], error) {
	list, err := a.callbacksAfter(ctx, *in, 0, userOf(ctx).AgentID)
	if err != nil {
		return nil, err
	}
	who, err := a.called(ctx, idsOf(list, func(c campaigns.Callback) int64 { return c.ContactID }))
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, func(c campaigns.Callback) MyCallback {
		return MyCallback{showCallback(c), who(c.ContactID, c.CampaignID), c.At.Before(a.Now())}
	}, callbackPosition), nil
}

// MyCall is a call of the agent's.
type MyCall struct {
	Attempt
	CalledPerson
}

type historyInput struct {
	Paging
	From time.Time `query:"from" doc:"Prepared at this moment or later"`
	To   time.Time `query:"to" doc:"Prepared before this moment"`
}

func (a *api) myHistory(ctx context.Context, in *historyInput) (*reply[page[MyCall]], error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	f := dialer.AttemptFilter{AgentID: userOf(ctx).AgentID, From: in.From, To: in.To}
	list, err := a.Store.Attempts(ctx, f, dialer.AttemptID(before), in.Limit)
	if err != nil {
		return nil, err
	}
	who, err := a.called(ctx, idsOf(list, func(t dialer.Attempt) int64 { return t.ContactID }))
	if err != nil {
		return nil, err
	}
	show := a.showAttempts(ctx)
	return pageOf(list, in.Limit, func(t dialer.Attempt) MyCall { return MyCall{show(t), who(t.ContactID, t.CampaignID)} },
		func(t dialer.Attempt) []int64 { return []int64{int64(t.ID)} }), nil
}

// Figures count an agent's calls.
type Figures struct {
	From          time.Time                 `json:"from"`
	To            time.Time                 `json:"to"`
	Calls         int                       `json:"calls" doc:"That reached the customer's phone"`
	Talks         int                       `json:"talks" doc:"Answered ones"`
	TalkSeconds   float64                   `json:"talk_seconds"`
	WrapUpSeconds float64                   `json:"wrap_up_seconds" doc:"From the end of talks until their call codes"`
	Outcomes      map[campaigns.Outcome]int `json:"outcomes" nullable:"false"`
	Codes         map[string]int            `json:"codes" nullable:"false" doc:"By the call code's name"`
	Callbacks     int                       `json:"callbacks" doc:"Promised and not kept yet, whenever they are due"`
	LateCallbacks int                       `json:"late_callbacks" doc:"Of these, those whose moment has passed"`
}

type figuresInput struct {
	From time.Time `query:"from" doc:"24 hours before to when left out"`
	To   time.Time `query:"to" doc:"Now when left out; at most 31 days after from"`
}

func (a *api) myFigures(ctx context.Context, in *figuresInput) (*reply[Figures], error) {
	now := a.Now()
	if in.To.IsZero() || in.To.After(now) {
		in.To = now
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-24 * time.Hour)
	}
	if !in.To.After(in.From) || in.To.After(in.From.Add(longestWindows)) {
		return nil, refuseField("query.from", whyFiguresSpan)
	}
	f, err := a.Store.AgentFigures(ctx, userOf(ctx).AgentID, in.From, in.To, now)
	if err != nil {
		return nil, err
	}
	return answer(Figures{From: written(in.From), To: written(in.To), Calls: f.Calls, Talks: f.Talks, TalkSeconds: f.Talk.Seconds(),
		WrapUpSeconds: f.WrapUp.Seconds(),
		Outcomes:      f.Outcomes, Codes: f.Codes, Callbacks: f.Callbacks, LateCallbacks: f.LateCallbacks}), nil
}

// idsOf are the ids that a list names, each once; zeros name nothing.
func idsOf[T any](list []T, id func(T) int64) []int64 {
	seen, ids := map[int64]bool{0: true}, []int64{}
	for _, item := range list {
		if n := id(item); !seen[n] {
			seen[n] = true
			ids = append(ids, n)
		}
	}
	return ids
}
