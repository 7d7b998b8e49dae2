package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Bounds of a dossier. What is left out is said in it.
const (
	dossierContacts = 200
	dossierAttempts = 5_000
	dossierOthers   = 500 // of each other kind
)

func (a *api) dossierRoute(tag string) {
	route(a, supervisors, a.dossier, op(tag, "dossier", "GET /people/dossier",
		"Everything on one person, or on one number, as one file", refuses(http.StatusNotFound),
		says("For a complaint, an access request or the regulator: contacts in all campaigns and why each is or is not called now, "+
			"every attempt with its cause, code and "+
			"recording, refused ones too, interactions, consents, promised callbacks, do-not-call entries, what people did at it, and "+
			"the campaigns' rules. By a CRM id it is "+
			"about the person with all ids and numbers; by a number, about whoever has it. Reading it is audited.")))
}

// Dossier is all that is on record of a person or a number.
type Dossier struct {
	MadeAt       time.Time        `json:"made_at"`
	MadeBy       string           `json:"made_by"`
	CRMIDs       []string         `json:"crm_ids" nullable:"false" doc:"Of the person; by a number, of everybody who has it"`
	Numbers      []string         `json:"numbers" nullable:"false"`
	Contacts     []DossierContact `json:"contacts" nullable:"false"`
	Attempts     []Attempt        `json:"attempts" nullable:"false" doc:"The latest first: automatic and manual ones, and those that the gate has taken back, with the reason"`
	Interactions []Interaction    `json:"interactions" nullable:"false"`
	Consents     []Consent        `json:"consents" nullable:"false" doc:"Also those that are over or were taken back"`
	DoNotCall    []Barred         `json:"do_not_call" nullable:"false" doc:"Also entries that have expired"`
	Audit        []AuditEntry     `json:"audit" nullable:"false" doc:"What people did at these contacts, this person and these numbers"`
	Rules        []Campaign       `json:"rules" nullable:"false" doc:"The campaigns in question, with the profile and the limits that calls are judged by"`
	RulesChanged []AuditEntry     `json:"rules_changed" nullable:"false" doc:"From what to what those campaigns were changed, and when"`
	LeftOut      []string         `json:"left_out" nullable:"false" doc:"Kinds of which there is more than is shown, the latest being shown"`
}

// DossierContact is a contact with why it is or is not called.
type DossierContact struct {
	Contact
	Callback *Callback    `json:"callback" doc:"What is promised; null: nothing"`
	Why      *Explanation `json:"why"`
}

type dossierInput struct {
	CRMID  string `query:"crm_id" maxLength:"100"`
	Number string `query:"number" maxLength:"64" doc:"In any form; national ones with region"`
	Region string `query:"region" maxLength:"2" doc:"ISO 3166 code by which a national number is read"`
}

type dossierReply struct {
	Disposition string `header:"Content-Disposition"`
	Cache       string `header:"Cache-Control"`
	Body        Dossier
}

// dossier gathers; its parts may be of moments that differ by as long as it takes.
func (a *api) dossier(ctx context.Context, in *dossierInput) (*dossierReply, error) {
	number, err := oneOfTwo(ctx, "query", in.Number, in.Region, in.CRMID)
	if err != nil {
		return nil, err
	}
	if number != "" && in.CRMID != "" {
		return nil, refuseField("query.number", whyNumberOrID)
	}
	d := &dossier{a: a, ctx: ctx, v: Dossier{MadeAt: a.Now().UTC(), MadeBy: userOf(ctx).Login, CRMIDs: []string{},
		Numbers: []string{}, Contacts: []DossierContact{}, Attempts: []Attempt{},
		Interactions: []Interaction{}, Consents: []Consent{}, DoNotCall: []Barred{}, Audit: []AuditEntry{}, Rules: []Campaign{},
		RulesChanged: []AuditEntry{}, LeftOut: []string{}}}
	if err := d.gather(in.CRMID, number); err != nil {
		return nil, err
	}
	if len(d.v.Contacts)+len(d.v.Attempts)+len(d.v.Interactions)+len(d.v.Consents)+len(d.v.DoNotCall) == 0 {
		return nil, refuse(http.StatusNotFound, whyNobody)
	}
	a.audit(ctx, "person.dossier", barredObject(number, in.CRMID),
		fmt.Sprintf("%d contacts, %d attempts", len(d.v.Contacts), len(d.v.Attempts)))
	return &dossierReply{fmt.Sprintf(`attachment; filename="dossier-%s.json"`, d.v.MadeAt.Format("2006-01-02")), "no-store", d.v},
		nil
}

type dossier struct {
	a         *api
	ctx       context.Context
	v         Dossier
	campaigns []int64
}

func (d *dossier) gather(crmID, number string) error {
	var found []campaigns.Contact
	if crmID == "" {
		d.v.Numbers = append(d.v.Numbers, number)
		list, err := d.a.Store.Find(d.ctx, 0, d.v.Numbers, "", 0, dossierContacts+1)
		if err != nil {
			return err
		}
		found = list
		for _, c := range found {
			if c.CRMID != "" && !slices.Contains(d.v.CRMIDs, c.CRMID) {
				d.v.CRMIDs = append(d.v.CRMIDs, c.CRMID)
			}
		}
	} else {
		p, err := d.a.Store.Person(d.ctx, crmID, d.a.Now())
		if err != nil {
			return err
		}
		d.v.CRMIDs = append(d.v.CRMIDs, p.CRMIDs...)
		for _, id := range p.CRMIDs {
			list, err := d.a.Store.Find(d.ctx, 0, nil, id, 0, dossierContacts+1)
			if err != nil {
				return err
			}
			found = append(found, list...)
		}
		for _, c := range found {
			for _, phone := range c.Phones {
				if !slices.Contains(d.v.Numbers, phone.Number) {
					d.v.Numbers = append(d.v.Numbers, phone.Number)
				}
			}
		}
	}
	for _, step := range []func() error{
		func() error { return d.contacts(latest(d, "contacts", found, dossierContacts)) },
		func() error { return d.attempts(crmID == "") }, d.others, d.rules,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// latest are the first ones of a list, which is noted where there are more.
func latest[T any](d *dossier, kind string, list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	if !slices.Contains(d.v.LeftOut, kind) {
		d.v.LeftOut = append(d.v.LeftOut, kind)
	}
	return list[:most]
}

func (d *dossier) in(campaignID int64) {
	if campaignID != 0 && !slices.Contains(d.campaigns, campaignID) {
		d.campaigns = append(d.campaigns, campaignID)
	}
}

func (d *dossier) contacts(list []campaigns.Contact) error {
	for _, c := range list {
		d.in(c.CampaignID)
		v := DossierContact{Contact: showContact(c)}
		why, err := d.a.explainContact(d.ctx, &ByID{ID: c.ID})
		if err != nil && reason.ClassOf(err) != reason.Missing { // erased a moment ago
			return err
		}
		if err == nil {
			v.Why = &why.Body
		}
		callback, err := d.a.Store.Callback(d.ctx, c.ID)
		switch {
		case err == nil:
			v.Callback = new(showCallback(callback))
		case reason.ClassOf(err) != reason.Missing:
			return err
		}
		d.v.Contacts = append(d.v.Contacts, v)
	}
	return nil
}

// attempts are those at the contacts, and those by hand that were at no contact; of a number, all at it.
func (d *dossier) attempts(all bool) error {
	var list []dialer.Attempt
	ours := map[int64]bool{}
	read := func(f dialer.AttemptFilter, keep func(dialer.Attempt) bool) error {
		some, err := d.a.Store.Attempts(d.ctx, f, 0, dossierAttempts+1)
		for _, t := range some {
			if keep(t) {
				list = append(list, t)
			}
		}
		return err
	}
	if !all {
		for _, c := range d.v.Contacts {
			ours[c.ID] = true
			if err := read(dialer.AttemptFilter{ContactID: c.ID}, func(dialer.Attempt) bool { return true }); err != nil {
				return err
			}
		}
	}
	for _, n := range d.v.Numbers {
		if err := read(dialer.AttemptFilter{Number: n}, func(t dialer.Attempt) bool {
			return all || t.ContactID == 0 && (t.Person == n || slices.Contains(d.v.CRMIDs, t.Person))
		}); err != nil {
			return err
		}
	}
	slices.SortFunc(list, func(a, b dialer.Attempt) int { return cmp.Compare(b.ID, a.ID) })
	show := d.a.showAttempts(d.ctx)
	for _, t := range latest(d, "attempts", list, dossierAttempts) {
		d.in(t.CampaignID)
		v := show(t)
		kept, err := d.a.recordingOf(d.ctx, t.CallTraceID)
		if err != nil {
			return err
		}
		v.Recording = kept
		d.v.Attempts = append(d.v.Attempts, v)
	}
	return nil
}

func (d *dossier) others() error {
	objects := []string{}
	for _, c := range d.v.Contacts {
		objects = append(objects, fmt.Sprintf("contact/%d", c.ID))
	}
	seen, barred := map[string]bool{}, map[int64]bool{}
	note := func(crmID, number string) error {
		objects = append(objects, barredObject(number, crmID))
		met, err := d.a.Store.Interactions(d.ctx, crmID, number, 0, dossierOthers+1)
		if err != nil {
			return err
		}
		for _, i := range latest(d, "interactions", met, dossierOthers) {
			// Two people on one number stay two: what is known to be of another one is not this one's.
			if i.CRMID != "" && !slices.Contains(d.v.CRMIDs, i.CRMID) || seen[i.ExternalID] {
				continue
			}
			seen[i.ExternalID] = true
			d.v.Interactions = append(d.v.Interactions, showInteraction(i))
		}
		entries, err := d.a.Store.BarredList(d.ctx, number, crmID, 0, dossierOthers)
		for _, b := range entries {
			if !barred[b.ID] {
				barred[b.ID] = true
				d.v.DoNotCall = append(d.v.DoNotCall, showBarred(b))
			}
		}
		return err
	}
	for _, id := range d.v.CRMIDs {
		if err := note(id, ""); err != nil {
			return err
		}
		consents, err := d.a.Store.Consents(d.ctx, id, 0, dossierOthers+1)
		if err != nil {
			return err
		}
		for _, c := range latest(d, "consents", consents, dossierOthers) {
			d.v.Consents = append(d.v.Consents, showConsent(c))
		}
	}
	for _, n := range d.v.Numbers {
		if err := note("", n); err != nil {
			return err
		}
	}
	var err error
	d.v.Audit, err = d.audit(objects, "audit", "")
	return err
}

// audit is what was done at some objects, the latest first.
func (d *dossier) audit(objects []string, kind, what string) ([]AuditEntry, error) {
	entries := []AuditEntry{}
	for _, o := range objects {
		list, err := d.a.Store.AuditEntries(d.ctx, access.AuditFilter{Object: o, What: what}, 0, dossierOthers+1)
		if err != nil {
			return nil, err
		}
		for _, e := range latest(d, kind, list, dossierOthers) {
			entries = append(entries, AuditEntry{e.ID, e.At.UTC(), e.Who, e.What, e.Object, e.Detail, e.Before, e.After})
		}
	}
	slices.SortFunc(entries, func(a, b AuditEntry) int { return cmp.Compare(b.ID, a.ID) })
	return entries, nil
}

func (d *dossier) rules() error {
	objects := make([]string, len(d.campaigns))
	for i, id := range d.campaigns {
		objects[i] = campaignObject(id)
		c, err := d.a.Store.Campaign(d.ctx, id)
		if err != nil {
			return err
		}
		d.v.Rules = append(d.v.Rules, showCampaign(c))
	}
	var err error
	d.v.RulesChanged, err = d.audit(objects, "rules_changed", "campaign.change")
	return err
}
