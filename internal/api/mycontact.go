package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) myContactRoutes() {
	route(a, agentsAlone, a.myContact, op("Me", "my-contact", "GET /me/contact",
		"See whom I am talking with or shown, what to say, and what was before",
		says("Of the present call, of the last one during wrap-up, or of the preview; "+
			"the contact's earlier calls are everybody's, the latest first."),
		refuses(http.StatusNotFound)))
}

// MyContact is whom an agent talks with, or is shown before a call.
type MyContact struct {
	CalledPerson
	ContactID   *int64          `json:"contact_id" doc:"null: a number in no list"`
	CampaignID  int64           `json:"campaign_id"`
	Number      string          `json:"number"`
	CallTraceID *string         `json:"calltraceid"`
	Payload     json.RawMessage `json:"payload,omitempty" doc:"As it was imported"`
	Script      string          `json:"script" doc:"The campaign's, filled in"`
	Attempts    int             `json:"attempts" doc:"Dialed ones"`
	History     []PastCall      `json:"history" nullable:"false" doc:"Earlier calls, 20 at most"`
}

// PastCall is an earlier call to the same contact.
type PastCall struct {
	At          time.Time         `json:"at"`
	Number      string            `json:"number"`
	Origin      dialer.Origin     `json:"origin" enum:"automatic,manual,callback,preview,external"`
	Outcome     campaigns.Outcome `json:"outcome" enum:"answered,busy,no_answer,rejected,invalid_number,congestion,agent_no_answer,agent_gave_up,abandoned,unknown"`
	TalkSeconds float64           `json:"talk_seconds"`
	Code        string            `json:"code,omitempty" doc:"The call code's name"`
	Agent       string            `json:"agent,omitempty" doc:"Login"`
}

const pastCalls = 20 // that an agent is shown

func (a *api) myContact(ctx context.Context, _ *struct{}) (*reply[MyContact], error) {
	id := userOf(ctx).AgentID
	list, err := a.Roster.List(ctx, id-1, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].AgentID != id || (list[0].Call == nil && list[0].Preview == nil) {
		return nil, refuse(http.StatusNotFound, whyNotInCall)
	}
	return a.contactOf(ctx, list[0])
}

// contactOf is whom an agent's call is with, or would be.
func (a *api) contactOf(ctx context.Context, l agents.Live) (*reply[MyContact], error) {
	call := cmp.Or(l.Call, l.Preview)
	v := MyContact{CalledPerson: CalledPerson{Name: call.Name, CRMID: call.CRMID}, ContactID: some(call.ContactID),
		CampaignID: call.CampaignID,
		Number:     call.Number, CallTraceID: some(call.CallTraceID), History: []PastCall{}}
	var contact *campaigns.Contact
	var err error
	if call.ContactID != 0 {
		if contact, err = a.Store.Contact(ctx, call.ContactID); err != nil && reason.ClassOf(err) != reason.Missing {
			return nil, err
		}
	}
	campaign, err := a.Store.Campaign(ctx, call.CampaignID)
	switch {
	case reason.ClassOf(err) == reason.Missing: // a call of a phone network's own
	case err != nil:
		return nil, err
	default:
		v.CampaignName, v.Script = campaign.Name, campaigns.ScriptFor(campaign, contact, call.Number, l.Login)
	}
	if contact == nil {
		return answer(v), nil
	}
	v.Payload, v.Attempts = contact.Payload, contact.Attempts
	v.History, err = a.pastCalls(ctx, campaign, contact.ID, call.AttemptID)
	return answer(v), err
}

// pastCalls are a contact's calls but the present one.
func (a *api) pastCalls(ctx context.Context, campaign *campaigns.Campaign, contactID int64, present string) ([]PastCall, error) {
	list, err := a.Store.Attempts(ctx, dialer.AttemptFilter{ContactID: contactID, State: dialer.Closed}, 0, pastCalls+1)
	if err != nil {
		return nil, err
	}
	past, logins := []PastCall{}, map[int64]string{0: ""}
	for _, t := range list {
		if t.ID.String() == present || len(past) == pastCalls {
			continue
		}
		login, asked := logins[t.AgentID]
		if !asked {
			if g, err := a.Store.Agent(ctx, t.AgentID); err == nil {
				login = g.Login
			}
			logins[t.AgentID] = login
		}
		p := PastCall{At: firstMoment(t).UTC(), Number: t.Number, Origin: t.Origin, Outcome: t.Outcome, Code: t.Code, Agent: login}
		if !t.AnsweredAt.IsZero() && !t.EndedAt.IsZero() {
			p.TalkSeconds = t.EndedAt.Sub(t.AnsweredAt).Seconds()
		}
		if campaign != nil {
			if code, known := callCode(campaign, t.Code); known {
				p.Code = code.Name
			}
		}
		past = append(past, p)
	}
	return past, nil
}

func firstMoment(t dialer.Attempt) time.Time {
	if t.DialedAt.IsZero() {
		return t.PreparedAt
	}
	return t.DialedAt
}
