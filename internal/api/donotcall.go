package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) doNotCallRoutes() {
	const tag = "Do not call"
	route(a, readers, a.bar, op(tag, "bar", "POST /do-not-call", "Never call a number or a person again", created,
		says("It holds at once, for automatic and manual calls in all campaigns, and no role may override it. An entry that is "+
			"there already stays as it was, unless the new one holds longer or protects.")))
	route(a, readers, a.listBarred, op(tag, "list-barred", "GET /do-not-call", "List the do-not-call list, newest first"))
	route(a, readers, a.checkBarred, op(tag, "check-barred", "GET /do-not-call/check",
		"Look up whether a number or a person may be called",
		says("As the gate judges: entries of the number and of every CRM id of the person; for a number alone, those of everybody "+
			"who has it.")))
	a.importBarredRoute(tag)
	route(a, readers, a.exportBarred, op(tag, "export-barred", "GET /do-not-call/export", "Export the do-not-call list as CSV",
		streams("text/csv"),
		says("Newest first, also what has expired. What a spreadsheet would take for a formula begins with an apostrophe.")))
	route(a, admins, a.unbar, op(tag, "unbar", "DELETE /do-not-call", "Take a number or a person off the list", empty,
		refuses(http.StatusNotFound)))
}

// Barred is an entry of the do-not-call list.
type Barred struct {
	Number    string     `json:"number,omitempty" doc:"E.164"`
	CRMID     string     `json:"crm_id,omitempty" doc:"The person, whatever the number"`
	Reason    string     `json:"reason"`
	Source    string     `json:"source" doc:"Where it comes from, such as a register; empty: it was said here"`
	Protected bool       `json:"protected" doc:"A law keeps the person from such calls"`
	MadeBy    string     `json:"made_by"`
	At        time.Time  `json:"at"`
	ExpiresAt *time.Time `json:"expires_at" doc:"From then on it bars no more; null: never"`
}

func showBarred(b campaigns.Barred) Barred {
	return Barred{Number: b.Number, CRMID: b.CRMID, Reason: b.Reason, Source: b.Source, Protected: b.Protected, MadeBy: b.MadeBy,
		At:        b.At.UTC(),
		ExpiresAt: moment(b.Expires)}
}

type barInput struct {
	Body struct {
		Number string `json:"number" required:"false" maxLength:"64" doc:"International, or national with region"`
		Region string `json:"region" required:"false" maxLength:"2" doc:"ISO 3166 code by which a national number is read"`
		CRMID  string `json:"crm_id" required:"false" maxLength:"100" doc:"The person, whatever the number"`
		Reason string `json:"reason" required:"false" maxLength:"200"`
		Source string `json:"source" required:"false" maxLength:"200" doc:"Where it comes from, such as a register"`

		Protected bool       `json:"protected" required:"false" doc:"A law keeps the person from such calls"`
		ExpiresAt *time.Time `json:"expires_at" required:"false" doc:"From then on it bars no more; left out: never"`
	}
}

func (a *api) bar(ctx context.Context, in *barInput) (*reply[Barred], error) {
	b := campaigns.Barred{CRMID: in.Body.CRMID, Reason: in.Body.Reason, Source: in.Body.Source, Protected: in.Body.Protected,
		MadeBy: userOf(ctx).Login,
		At:     a.Now(), Expires: timeOf(in.Body.ExpiresAt)}
	if !b.Expires.IsZero() && !b.Expires.After(b.At) {
		return nil, refuseField("body.expires_at", whyOver)
	}
	number, err := oneOfTwo(ctx, "body", in.Body.Number, in.Body.Region, in.Body.CRMID)
	if err != nil {
		return nil, err
	}
	b.Number = number
	if err := a.Store.Bar(ctx, b); err != nil {
		return nil, err
	}
	a.audit(ctx, "do_not_call.add", barredObject(b.Number, b.CRMID), b.Reason)
	return answer(showBarred(b)), nil
}

// oneOfTwo wants a number or a person, and returns the number in E.164.
func oneOfTwo(ctx context.Context, where, number, region, crmID string) (string, error) {
	if number == "" && crmID == "" {
		return "", refuseField(where+".number", whyNumberOrID)
	}
	if number == "" {
		return "", nil
	}
	normal, err := campaigns.NormalizeNumber(number, region)
	if err != nil {
		return "", refuseField(where+".number", reason.OrUnspecific(err))
	}
	return normal, nil
}

type barredInput struct {
	Paging
	Number string `query:"number" maxLength:"64" doc:"Only this one"`
	CRMID  string `query:"crm_id" maxLength:"100" doc:"Only this person"`
}

func (a *api) listBarred(ctx context.Context, in *barredInput) (*reply[page[Barred]], error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	number := ""
	if in.Number != "" {
		if number, err = campaigns.NormalizeNumber(in.Number, ""); err != nil {
			return nil, refuseField("query.number", reason.OrUnspecific(err))
		}
	}
	list, err := a.Store.BarredList(ctx, number, in.CRMID, before, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showBarred, func(b campaigns.Barred) []int64 { return []int64{b.ID} }), nil
}

type unbarInput struct {
	Number string `query:"number" maxLength:"64"`
	CRMID  string `query:"crm_id" maxLength:"100"`
	Reason string `query:"reason" required:"true" minLength:"1" maxLength:"200" doc:"For the audit: who may be called again, and why"`
}

func (a *api) unbar(ctx context.Context, in *unbarInput) (*struct{}, error) {
	number, err := oneOfTwo(ctx, "query", in.Number, "", in.CRMID)
	if err != nil {
		return nil, err
	}
	there, err := a.Store.Unbar(ctx, number, in.CRMID, a.Now())
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, refuse(http.StatusNotFound, whyNoBarred)
	}
	a.audit(ctx, "do_not_call.remove", barredObject(number, in.CRMID), in.Reason)
	return &struct{}{}, nil
}

func barredObject(number, crmID string) string {
	if number == "" {
		return "person/" + crmID
	}
	return fmt.Sprintf("number/%s", number)
}
