package api

import (
	"context"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

func (a *api) peopleRoutes() {
	const tag = "People"
	route(a, readers, a.meet, op(tag, "report-interaction", "POST /interactions", "Tell that a person was met outside of our calls",
		created,
		says("A call, the person's own call, an SMS, a letter, a visit: it counts in caps, gaps and rests as our own calls do, for "+
			"the person in all "+
			"campaigns and for everybody on the number. By the CRM's own id it may be told again; another content under the same id "+
			"is refused. What "+
			"was planned for the person before is planned anew.")))
	route(a, readers, a.listInteractions, op(tag, "list-interactions", "GET /interactions", "List what was told, the latest first"))
	route(a, readers, a.getPerson, op(tag, "get-person", "GET /people",
		"Who somebody is by a CRM id: other ids of the same person, numbers, zones"))
	a.dossierRoute(tag)
	a.eraseRoute(tag)
	route(a, readers, a.mergePeople, op(tag, "merge-people", "POST /people/merge", "Make people one",
		says("Their restrictions and their permissions are shared from now on, in all campaigns. Refused with 409 while two of "+
			"them are in a call.")))
	route(a, readers, a.splitPerson, op(tag, "split-person", "POST /people/split",
		"Take a CRM id out of the person that it was merged into",
		refuses(http.StatusNotFound)))
}

// PeopleStore keeps who is who, and what happened with people outside of our calls.
type PeopleStore interface {
	// Meet notes an interaction; created is false when it was told before. Conflict: it was told otherwise.
	Meet(ctx context.Context, i campaigns.Interaction, now time.Time) (noted campaigns.Interaction, created bool, err error)

	// Interactions lists them, the latest told first, those with ids below before (zero: from the latest); empty texts filter
	// nothing.
	Interactions(ctx context.Context, crmID, number string, before int64, limit int) ([]campaigns.Interaction, error)

	Person(ctx context.Context, crmID string, now time.Time) (campaigns.Person, error)

	// Erase forgets a person by CRM id, or by a contact without one, and says what stays for the law's sake. Conflict: in a call.
	Erase(ctx context.Context, crmID string, contactID int64, who, why string, now time.Time) (campaigns.Erased, error)

	// Merge makes people one, Split takes one out again; both are audited under who. Conflict: two are in a call. NotFound: merged
	// with nobody.
	Merge(ctx context.Context, into string, crmIDs []string, who, why string, now time.Time) error
	Split(ctx context.Context, crmID, who, why string, now time.Time) error
}

// Interaction is a contact with a person outside of our calls.
type Interaction struct {
	ID         string    `json:"id" doc:"The CRM's id of it"`
	Kind       string    `json:"kind"`
	CRMID      string    `json:"crm_id,omitempty"`
	Number     string    `json:"number,omitempty" doc:"E.164"`
	At         time.Time `json:"at"`
	Ring       Duration  `json:"ring"`
	Talk       Duration  `json:"talk"`
	Automatic  bool      `json:"automatic"`
	Meaningful *bool     `json:"meaningful" doc:"null: nobody has said, so it counts as if"`
	Note       string    `json:"note"`
	MadeBy     string    `json:"made_by"`
	CreatedAt  time.Time `json:"created_at"`
}

func showInteraction(i campaigns.Interaction) Interaction {
	return Interaction{ID: i.ExternalID, Kind: string(i.Kind), CRMID: i.CRMID, Number: i.Number, At: i.At.UTC(),
		Ring: Duration(i.Ring), Talk: Duration(i.Talk),
		Automatic: i.Automatic, Meaningful: i.Meaningful, Note: i.Note, MadeBy: i.MadeBy, CreatedAt: i.CreatedAt.UTC()}
}

type meetInput struct {
	Body struct {
		ID         string    `json:"id" maxLength:"100" doc:"The CRM's id of the interaction: told again, it stays as it was" example:"visit-20261128-17"`
		Kind       string    `json:"kind" enum:"call,inbound_call,sms,letter,visit" doc:"inbound_call is the person's own call"`
		CRMID      string    `json:"crm_id" required:"false" maxLength:"100" doc:"The person; or the number, or both"`
		Number     string    `json:"number" required:"false" maxLength:"64" doc:"International, or national with region"`
		Region     string    `json:"region" required:"false" maxLength:"2" doc:"ISO 3166 code by which a national number is read"`
		At         time.Time `json:"at" doc:"When it happened, or began"`
		Ring       Duration  `json:"ring" required:"false" doc:"Of a call: how long it rang"`
		Talk       Duration  `json:"talk" required:"false" doc:"How long was talked"`
		Automatic  bool      `json:"automatic" required:"false" doc:"A dialer placed the call: ring counts to the day's automatic dialing"`
		Meaningful *bool     `json:"meaningful" required:"false" doc:"Debt information was conveyed; left out, it counts as if"`
		Note       string    `json:"note" required:"false" maxLength:"1000"`
	}
}

func (a *api) meet(ctx context.Context, in *meetInput) (*reply[Interaction], error) {
	b := in.Body
	i := campaigns.Interaction{ExternalID: b.ID, Kind: campaigns.InteractionKind(b.Kind), CRMID: b.CRMID, At: b.At,
		Ring: time.Duration(b.Ring),
		Talk: time.Duration(b.Talk), Automatic: b.Automatic, Meaningful: b.Meaningful, Note: b.Note, MadeBy: userOf(ctx).Login}
	var err error
	if i.Number, err = oneOfTwo(ctx, "body", b.Number, b.Region, b.CRMID); err != nil {
		return nil, err
	}
	if err := i.Validate(a.Now()); err != nil {
		return nil, err
	}
	noted, created, err := a.Store.Meet(ctx, i, a.Now())
	if err != nil {
		return nil, err
	}
	if created {
		a.audit(ctx, "interaction.add", barredObject(noted.Number, noted.CRMID), noted.ExternalID+": "+string(noted.Kind))
	}
	return answer(showInteraction(noted)), nil
}

// aboutInput selects what is about a person or a number.
type aboutInput struct {
	Paging
	CRMID  string `query:"crm_id" maxLength:"100" doc:"Only this person's"`
	Number string `query:"number" maxLength:"64" doc:"Only this number's, E.164"`
}

// read returns the number in E.164, and where the page begins.
func (in *aboutInput) read(ctx context.Context) (number string, before int64, err error) {
	if before, err = in.after(); err != nil || in.Number == "" {
		return "", before, err
	}
	if number, err = campaigns.NormalizeNumber(in.Number, ""); err != nil {
		return "", 0, refuseField("query.number", reason.OrUnspecific(err))
	}
	return number, before, nil
}

func (a *api) listInteractions(ctx context.Context, in *aboutInput) (*reply[page[Interaction]], error) {
	number, before, err := in.read(ctx)
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Interactions(ctx, in.CRMID, number, before, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showInteraction, func(i campaigns.Interaction) []int64 { return []int64{i.ID} }), nil
}

// Person is who the record takes somebody to be.
type Person struct {
	CRMID         string   `json:"crm_id"`
	CRMIDs        []string `json:"crm_ids" nullable:"false" doc:"All ids of the person, this one too"`
	Numbers       []string `json:"numbers" nullable:"false" doc:"Of all contacts with them, and those to which contacts without a CRM id lead: what happens there counts"`
	TimeZones     []string `json:"time_zones" nullable:"false" doc:"Of all contacts with them"`
	DoNotCall     bool     `json:"do_not_call" doc:"The person is on the do-not-call list, on every number"`
	BarredNumbers []string `json:"barred_numbers" nullable:"false" doc:"Those of numbers that are on it by themselves"`
}

func showPerson(p campaigns.Person) Person {
	list := func(texts []string) []string { return append([]string{}, texts...) }
	return Person{p.CRMID, list(p.CRMIDs), list(p.Numbers), list(p.Zones), p.DoNotCall, list(p.BarredNumbers)}
}

type personInput struct {
	CRMID string `query:"crm_id" required:"true" minLength:"1" maxLength:"100"`
}

func (a *api) getPerson(ctx context.Context, in *personInput) (*reply[Person], error) {
	p, err := a.Store.Person(ctx, in.CRMID, a.Now())
	if err != nil {
		return nil, err
	}
	return answer(showPerson(p)), nil
}

type mergeInput struct {
	Body struct {
		Into   string   `json:"into" minLength:"1" maxLength:"100" doc:"CRM id of the person that the others are"`
		CRMIDs []string `json:"crm_ids" minItems:"1" maxItems:"50" nullable:"false" doc:"CRM ids of the others"`
		Reason string   `json:"reason" minLength:"1" maxLength:"200" doc:"For the audit: why they are one"`
	}
}

func (a *api) mergePeople(ctx context.Context, in *mergeInput) (*reply[Person], error) {
	for _, id := range in.Body.CRMIDs {
		if id == "" || len(id) > 100 {
			return nil, refuseField("body.crm_ids", field.Length(1, 100))
		}
		if id == in.Body.Into {
			return nil, refuseField("body.crm_ids", whyIntoAmong)
		}
	}
	if err := a.Store.Merge(ctx, in.Body.Into, in.Body.CRMIDs, userOf(ctx).Login, in.Body.Reason, a.Now()); err != nil {
		return nil, err
	}
	return a.getPerson(ctx, &personInput{in.Body.Into})
}

type splitInput struct {
	Body struct {
		CRMID  string `json:"crm_id" minLength:"1" maxLength:"100"`
		Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"For the audit: why they are two"`
	}
}

func (a *api) splitPerson(ctx context.Context, in *splitInput) (*reply[Person], error) {
	if err := a.Store.Split(ctx, in.Body.CRMID, userOf(ctx).Login, in.Body.Reason, a.Now()); err != nil {
		return nil, err
	}
	return a.getPerson(ctx, &personInput{in.Body.CRMID})
}
