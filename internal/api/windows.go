package api

import (
	"context"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) windowRoutes() {
	route(a, anyone, a.contactWindows, op("Contacts", "contact-windows", "GET /contacts/{id}/windows",
		"List when a contact may be called",
		says("The times that every rule of policy permits, if nothing happens until then: the law's hours, the campaign's windows, "+
			"limits and rests, "+
			"do-not-call, the person's wishes. An agent may ask about the contact of the present or last call."),
		refuses(http.StatusNotFound)))
}

// LawfulTimes are the times at which a contact may be called.
type LawfulTimes struct {
	ContactID  int64      `json:"contact_id"`
	CampaignID int64      `json:"campaign_id"`
	Number     string     `json:"number" doc:"The number that is judged: the one that would be dialed"`
	TimeZones  []string   `json:"time_zones" nullable:"false" doc:"By whose clocks the person's hours are judged; with several, all must be open"`
	From       time.Time  `json:"from"`
	To         time.Time  `json:"to" doc:"Where the list ends: as asked, or earlier where it would be longer than 500"`
	Windows    []TimeSpan `json:"windows" nullable:"false" doc:"In their order, without overlap"`
}

// TimeSpan is from a moment until before another.
type TimeSpan struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type windowsInput struct {
	ByID
	From     time.Time `query:"from" doc:"Now when left out; what has passed is not listed"`
	To       time.Time `query:"to" doc:"At most 31 days after from; a week after it when left out"`
	Callback bool      `query:"callback" doc:"Judge a callback that the person agrees to now: the campaign's max_attempts does not bar it"`
}

const (
	usualWindows   = 7 * 24 * time.Hour
	longestWindows = 31 * 24 * time.Hour
	mostWindows    = 500
)

func (a *api) contactWindows(ctx context.Context, in *windowsInput) (*reply[LawfulTimes], error) {
	now := a.Now()
	if in.From.Before(now) {
		in.From = now
	}
	if in.To.IsZero() {
		in.To = in.From.Add(usualWindows)
	}
	if !in.To.After(in.From) || in.To.After(in.From.Add(longestWindows)) {
		return nil, refuseField("query.to", whyWindowsSpan)
	}
	if u := userOf(ctx); u.Role == access.RoleAgent {
		has, err := a.hasContact(ctx, u.AgentID, in.ID)
		if err != nil {
			return nil, err
		}
		if !has { // as if it were not there: ids are guessable
			return nil, refuse(http.StatusNotFound, whyNoContact)
		}
	}
	q, err := a.Store.Question(ctx, in.ID, now)
	if err != nil {
		return nil, err
	}
	q.Promised = q.Promised || in.Callback
	spans, more := campaigns.Lawful(q, in.From, in.To, mostWindows)
	if more {
		in.To = spans[len(spans)-1].To
	}
	v := LawfulTimes{ContactID: in.ID, CampaignID: q.Campaign.ID, Number: q.Number, TimeZones: q.ZoneNames(), From: written(in.From),
		To:      written(in.To),
		Windows: make([]TimeSpan, len(spans))}
	for i, s := range spans {
		v.Windows[i] = TimeSpan{written(s.From), written(s.To)}
	}
	return answer(v), nil
}

// hasContact reports whether the contact is that of the agent's present or, in clerical, last call.
func (a *api) hasContact(ctx context.Context, agentID, contactID int64) (bool, error) {
	list, err := a.Roster.List(ctx, agentID-1, 1)
	if err != nil || len(list) == 0 || list[0].AgentID != agentID {
		return false, err
	}
	return list[0].Call != nil && list[0].Call.ContactID == contactID, nil
}
