package api

import (
	"context"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) consentRoutes() {
	const tag = "People"
	route(a, readers, a.addConsent, op(tag, "add-consent", "POST /consents", "Note what a person permits or wishes", created,
		says("calls: may be called. times: may be called at these hours of these days. callback: asked to be called at a moment. "+
			"not_number: not on this "+
			"number. What each lifts follows from the campaign's profile; nothing else is lifted. It holds for the person by the CRM "+
			"id alone.")))
	route(a, readers, a.listConsents, op(tag, "list-consents", "GET /consents",
		"List consents, also those that are over, the latest first"))
	route(a, readers, a.withdrawConsent, op(tag, "withdraw-consent", "DELETE /consents/{id}", "The person takes a consent back",
		empty,
		refuses(http.StatusNotFound)))
}

// ConsentStore keeps what people permit and wish. Changes are audited.
type ConsentStore interface {
	Consent(ctx context.Context, c campaigns.Consent, now time.Time) (campaigns.Consent, error)

	// Consents lists a person's, the latest first, those with ids below before (zero: from the latest); an empty id is everybody.
	Consents(ctx context.Context, crmID string, before int64, limit int) ([]campaigns.Consent, error)

	// Withdraw ends one; it may be repeated.
	Withdraw(ctx context.Context, id int64, who, why string, now time.Time) error
}

// ConsentTerms are what is permitted or wished.
type ConsentTerms struct {
	CRMID      string     `json:"crm_id" minLength:"1" maxLength:"100" doc:"The person"`
	Kind       string     `json:"kind" enum:"calls,times,callback,not_number"`
	Number     string     `json:"number" required:"false" maxLength:"64" doc:"E.164: calls to this number alone; needed for not_number"`
	CampaignID int64      `json:"campaign_id" required:"false" minimum:"0" doc:"Calls of this campaign alone; 0: of any"`
	Days       []int      `json:"days" required:"false" nullable:"false" maxItems:"7" doc:"Of times: 0 is Sunday, 6 Saturday; none: every day"`
	From       Duration   `json:"from" required:"false" doc:"Of times: after midnight of the person's, such as 20h"`
	To         Duration   `json:"to" required:"false"`
	At         *time.Time `json:"at" required:"false" doc:"Of callback: the wished moment"`
	Source     string     `json:"source" minLength:"1" maxLength:"200" doc:"Where it is recorded" example:"letter of 3 June"`
	GivenAt    *time.Time `json:"given_at" required:"false" doc:"Now when left out"`
	ExpiresAt  *time.Time `json:"expires_at" required:"false" doc:"Left out: not by itself"`
}

// Consent is a permission or a wish of a person.
type Consent struct {
	ID int64 `json:"id"`
	ConsentTerms
	MadeBy      string     `json:"made_by"`
	WithdrawnAt *time.Time `json:"withdrawn_at" doc:"null: it was not"`
	WithdrawnBy string     `json:"withdrawn_by"`
}

func showConsent(c campaigns.Consent) Consent {
	days := make([]int, len(c.Days))
	for i, d := range c.Days {
		days[i] = int(d)
	}
	return Consent{ID: c.ID, MadeBy: c.MadeBy, WithdrawnAt: moment(c.WithdrawnAt), WithdrawnBy: c.WithdrawnBy,
		ConsentTerms: ConsentTerms{CRMID: c.CRMID,
			Kind: string(c.Kind), Number: c.Number, CampaignID: c.CampaignID, Days: days, From: Duration(c.From), To: Duration(c.To),
			At:     moment(c.At),
			Source: c.Source, GivenAt: moment(c.GivenAt), ExpiresAt: moment(c.ExpiresAt)}}
}

func (a *api) addConsent(ctx context.Context, in *struct{ Body ConsentTerms }) (*reply[Consent], error) {
	b, now := in.Body, a.Now()
	c := campaigns.Consent{CRMID: b.CRMID, Kind: campaigns.ConsentKind(b.Kind), CampaignID: b.CampaignID,
		From: time.Duration(b.From), To: time.Duration(b.To),
		At: timeOf(b.At), Source: b.Source, GivenAt: timeOf(b.GivenAt), ExpiresAt: timeOf(b.ExpiresAt), MadeBy: userOf(ctx).Login}
	if c.GivenAt.IsZero() {
		c.GivenAt = now
	}
	for i, d := range b.Days {
		if d < 0 || d > 6 {
			return nil, refuseField("body.days", whyWeekdays)
		}
		c.Days = append(c.Days, time.Weekday(b.Days[i]))
	}
	var err error
	if c.Number, err = oneOfTwo(ctx, "body", b.Number, "", b.CRMID); err != nil {
		return nil, err
	}
	if err := c.Validate(now); err != nil {
		return nil, err
	}
	if c, err = a.Store.Consent(ctx, c, now); err != nil {
		return nil, err
	}
	a.wakeDialer()
	return answer(showConsent(c)), nil
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

type consentsInput struct {
	Paging
	CRMID string `query:"crm_id" maxLength:"100" doc:"Only this person's"`
}

func (a *api) listConsents(ctx context.Context, in *consentsInput) (*reply[page[Consent]], error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Consents(ctx, in.CRMID, before, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showConsent, func(c campaigns.Consent) []int64 { return []int64{c.ID} }), nil
}

type withdrawInput struct {
	ByID
	Reason string `query:"reason" maxLength:"200" doc:"For the audit"`
}

func (a *api) withdrawConsent(ctx context.Context, in *withdrawInput) (*struct{}, error) {
	if err := a.Store.Withdraw(ctx, in.ID, userOf(ctx).Login, in.Reason, a.Now()); err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}
