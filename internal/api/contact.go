package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) contactRoutes() {
	const tag = "Contacts"
	a.importRoute(tag)
	a.importsRoutes()
	route(a, readers, a.listContacts, op(tag, "list-contacts", "GET /campaigns/{id}/contacts", "List a campaign's contacts",
		refuses(http.StatusNotFound)))
	route(a, readers, a.getContact, op(tag, "get-contact", "GET /contacts/{id}", "Read a contact", refuses(http.StatusNotFound)))
	route(a, readers, a.explainContact, op(tag, "explain-contact", "GET /contacts/{id}/explain",
		"Explain why a contact is not called, and when it may be", refuses(http.StatusNotFound)))
}

// Contact is one person to reach in one campaign.
type Contact struct {
	ID              int64                  `json:"id"`
	CampaignID      int64                  `json:"campaign_id"`
	CRMID           string                 `json:"crm_id"`
	Name            string                 `json:"name"`
	Phones          []Phone                `json:"phones" nullable:"false"`
	TimeZone        string                 `json:"time_zone" doc:"Empty: the campaign's"`
	Priority        int                    `json:"priority"`
	Payload         json.RawMessage        `json:"payload,omitempty" doc:"As it was imported"`
	State           campaigns.ContactState `json:"state" enum:"waiting,calling,coding,finished"`
	Reason          string                 `json:"reason,omitempty" doc:"Why it is finished, such as code:4 or max_attempts"`
	NextCallAt      *time.Time             `json:"next_call_at" doc:"When waiting"`
	Attempts        int                    `json:"attempts" doc:"Dialed ones"`
	CallbackAgentID *int64                 `json:"callback_agent_id" doc:"Who promised to call back"`
	CallTraceID     *string                `json:"calltraceid" doc:"Of the last talked call"`
	RecordingLink   string                 `json:"recording_link,omitempty"`
	UpdatedAt       time.Time              `json:"updated_at"`
}

// Phone is one number of a contact.
type Phone struct {
	Number    string `json:"number" doc:"E.164"`
	Label     string `json:"label,omitempty"`
	Extension string `json:"extension,omitempty" doc:"Inside the house that answers; the number alone is dialed"`
	Invalid   bool   `json:"invalid,omitempty" doc:"The network said that it does not exist"`
	Tries     int    `json:"tries,omitempty" doc:"Dialed attempts at it"`
	Missed    int    `json:"missed,omitempty" doc:"Of them that nobody has answered, since the last answer: after two the next phone has its turn"`
	Turn      int    `json:"turn,omitempty" doc:"How often it has given its turn to the next phone: the one with the lowest is tried next"`
	Last      string `json:"last,omitempty" doc:"Outcome of the last attempt"`
}

func showContact(c campaigns.Contact) Contact {
	v := Contact{
		ID: c.ID, CampaignID: c.CampaignID, CRMID: c.CRMID, Name: c.Name, Phones: make([]Phone, len(c.Phones)), TimeZone: c.TimeZone,
		Priority: c.Priority, Payload: c.Payload, State: c.State, Reason: c.Reason, Attempts: c.Attempts,
		CallbackAgentID: some(c.CallbackAgent), CallTraceID: some(c.CallTraceID), RecordingLink: c.RecordingLink,
		UpdatedAt: c.UpdatedAt.UTC(),
	}
	for i, p := range c.Phones {
		v.Phones[i] = Phone{p.Number, p.Label, p.Extension, p.Invalid, p.Tries, p.Missed, p.Turn, string(p.Last)}
	}
	if c.State == campaigns.Waiting {
		v.NextCallAt = moment(c.NextAt)
	}
	return v
}

type contactsInput struct {
	ByID
	Paging
	State campaigns.ContactState `query:"state" enum:"waiting,calling,coding,finished" doc:"Only those"`
	CRMID string                 `query:"crm_id" maxLength:"100" doc:"Only those of this person"`
}

func (a *api) listContacts(ctx context.Context, in *contactsInput) (*reply[page[Contact]], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	if _, err := a.Store.Campaign(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := a.Store.Contacts(ctx, in.ID, in.State, in.CRMID, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showContact, func(c campaigns.Contact) []int64 { return []int64{c.ID} }), nil
}

func (a *api) getContact(ctx context.Context, in *ByID) (*reply[Contact], error) {
	c, err := a.Store.Contact(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(showContact(*c)), nil
}

// Explanation says why a contact is not called, gate by gate.
type Explanation struct {
	ContactID    int64      `json:"contact_id"`
	CampaignID   int64      `json:"campaign_id"`
	Number       string     `json:"number" doc:"The number that would be dialed"`
	At           time.Time  `json:"at" doc:"The moment that is judged"`
	Permit       bool       `json:"permit" doc:"Whether an automatic call may be made now"`
	ValidUntil   *time.Time `json:"valid_until" doc:"When permit: the first moment at which the answer may be another"`
	NextEligible *time.Time `json:"next_eligible" doc:"When every gate passes, if nothing happens until then; null: never, as things stand"`
	Ahead        *int       `json:"ahead" doc:"Waiting contacts of the campaign that are due by now, or when it is, and come before it, 10000 at most; null: it does not wait"`
	Gates        []Gate     `json:"gates" nullable:"false"`
}

// Gate is one condition on the way to a call.
type Gate struct {
	Rule         string         `json:"rule" example:"hours"`
	Verdict      string         `json:"verdict" enum:"pass,refuse"`
	Key          string         `json:"key" doc:"Of the facts it judged by" example:"policy.hours"`
	Args         map[string]any `json:"args" nullable:"false" doc:"What the text is made with"`
	Text         string         `json:"text" doc:"The facts it judged by, in the language that Accept-Language asks for"`
	Reason       string         `json:"reason" doc:"The same as text"`
	Source       string         `json:"source" doc:"The law or the setting behind it"`
	Hard         bool           `json:"hard" doc:"No role may override it"`
	NextEligible *time.Time     `json:"next_eligible" doc:"When it refuses: from when it alone would pass; null: never, as things stand"`
	ValidUntil   *time.Time     `json:"valid_until" doc:"When it passes: when it may not any more; null: not by the mere passing of time"`
}

// mostAhead is how far a contact's place is counted.
const mostAhead = 10_000

func (a *api) explainContact(ctx context.Context, in *ByID) (*reply[Explanation], error) {
	q, err := a.Store.Question(ctx, in.ID, a.Now())
	if err != nil {
		return nil, err
	}
	e, say := campaigns.Explain(q), bookOf(ctx)
	v := Explanation{
		ContactID: in.ID, CampaignID: q.Campaign.ID, Number: q.Number, At: q.Now.UTC(), Permit: e.Permit,
		NextEligible: moment(e.NextAt),
		Gates:        make([]Gate, len(e.Gates)),
	}
	if q.Contact.State == campaigns.Waiting {
		ahead, err := a.Store.Ahead(ctx, q.Contact, mostAhead, a.Now())
		if err != nil {
			return nil, err
		}
		v.Ahead = &ahead
	}
	if e.Permit {
		v.ValidUntil = moment(e.Verdict.ValidUntil)
	}
	for i, g := range e.Gates {
		v.Gates[i] = Gate{Rule: g.Rule, Verdict: "refuse", Key: g.Reason.Key(), Args: argsOf(g.Reason), Text: say.Say(g.Reason),
			Reason: say.Say(g.Reason), Source: say.Say(g.Origin()), Hard: g.Hard,
			NextEligible: moment(g.Next), ValidUntil: moment(g.Until)}
		if g.Pass {
			v.Gates[i].Verdict = "pass"
		}
	}
	return answer(v), nil
}
