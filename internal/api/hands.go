package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

func (a *api) handRoutes() {
	const tag = "Contacts"
	route(a, readers, a.findContacts, op(tag, "find-contacts", "GET /contacts",
		"Find contacts of all campaigns, by number or CRM id",
		says("The number may be in any form that lists may have; without a region it is read by those of all campaigns.")))
	route(a, readers, a.editContact, op(tag, "edit-contact", "PATCH /contacts/{id}", "Change a contact",
		says("Fields that are left out stay; phones are replaced as a whole, a number that stays keeps what the network has said "+
			"of it. Not while it is in a call."),
		refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, readers, a.finishContact, op(tag, "finish-contact", "POST /contacts/{id}/finish",
		"End a contact, as when the debt is paid",
		says("It is called no more, and a promised callback is over; the CRM is told by contact.finished. May be repeated. Not "+
			"while it is in a call."),
		refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, readers, a.reopenContact, op(tag, "reopen-contact", "POST /contacts/{id}/reopen",
		"Have a finished contact called again",
		says("It is due at once, and its attempts are counted anew; what the law counts stays, and do-not-call too. May be repeated."),
		refuses(http.StatusNotFound, http.StatusConflict)))
}

type findInput struct {
	Paging
	Number     string `query:"number" maxLength:"64" doc:"In any form" example:"050 123-45-67"`
	Region     string `query:"region" maxLength:"2" doc:"ISO 3166 code by which a national number is read"`
	CRMID      string `query:"crm_id" maxLength:"100"`
	CampaignID int64  `query:"campaign_id" minimum:"1" doc:"Only of this campaign"`
}

func (a *api) findContacts(ctx context.Context, in *findInput) (*reply[page[Contact]], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	if (in.Number == "") == (in.CRMID == "") {
		return nil, refuseField("query.number", whyNumberOrID)
	}
	var numbers []string
	if in.Number != "" {
		if numbers, err = a.numbersOf(ctx, in.Number, in.Region); err != nil {
			return nil, err
		}
	}
	list, err := a.Store.Find(ctx, in.CampaignID, numbers, in.CRMID, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showContact, func(c campaigns.Contact) []int64 { return []int64{c.ID} }), nil
}

// numbersOf are what a number as typed may mean: by the region that is said, or by that of any campaign.
func (a *api) numbersOf(ctx context.Context, typed, region string) ([]string, error) {
	regions := []string{region}
	if region == "" {
		for after := int64(0); after <= mostCampaigns; {
			list, err := a.Store.Campaigns(ctx, after, agentsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, c := range list {
				after = c.ID
				if !slices.Contains(regions, c.Region) {
					regions = append(regions, c.Region)
				}
			}
			if len(list) < agentsAtOnce {
				break
			}
		}
	}
	var numbers []string
	var refused error
	for _, r := range regions {
		n, err := campaigns.NormalizeNumber(typed, r)
		if err != nil {
			refused = err
		} else if !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return nil, refuseField("query.number", reason.OrUnspecific(refused))
	}
	return numbers, nil
}

// ContactChange is what may be changed of a contact.
type ContactChange struct {
	Name     string          `json:"name" required:"false" maxLength:"200"`
	Phones   []PhoneInput    `json:"phones" required:"false" nullable:"false" maxItems:"10"`
	TimeZone string          `json:"time_zone" required:"false" maxLength:"64" doc:"IANA name; empty: the campaign's"`
	Priority int             `json:"priority" required:"false" minimum:"-100" maximum:"100"`
	Payload  json.RawMessage `json:"payload" required:"false" doc:"An object of at most 16 KiB"`
}

// PhoneInput is one number of a contact.
type PhoneInput struct {
	Number    string `json:"number" minLength:"1" maxLength:"64" doc:"In any form; national ones are read by the campaign's region"`
	Label     string `json:"label" required:"false" maxLength:"100"`
	Extension string `json:"extension" required:"false" maxLength:"20"`
}

const mostPayload = 16 << 10

func (a *api) editContact(ctx context.Context, in *changeInput[ContactChange]) (*reply[Contact], error) {
	contact, err := a.Store.Contact(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c, err := a.Store.Campaign(ctx, contact.CampaignID)
	if err != nil {
		return nil, err
	}
	var named map[string]json.RawMessage
	_ = json.Unmarshal(in.RawBody, &named) // it has been read before
	phones, err := phonesOf(in.Body.Phones, c.Region)
	if err != nil {
		return nil, err
	}
	if _, says := named["phones"]; says && len(phones) == 0 {
		return nil, refuseField("body.phones", field.MinItems(1))
	}
	if z := in.Body.TimeZone; z != "" {
		if _, err := time.LoadLocation(z); err != nil || z == "Local" {
			return nil, refuseField("body.time_zone", field.Zone)
		}
	}
	if p := in.Body.Payload; len(p) > mostPayload || len(p) > 0 && string(p) != "null" && p[0] != '{' {
		return nil, refuseField("body.payload", field.Object)
	}
	changed, err := a.Store.EditContact(ctx, in.ID, func(k *campaigns.Contact) error {
		for name := range named {
			switch name {
			case "name":
				k.Name = strings.TrimSpace(in.Body.Name)
			case "time_zone":
				k.TimeZone = in.Body.TimeZone
			case "priority":
				k.Priority = in.Body.Priority
			case "payload":
				if k.Payload = in.Body.Payload; string(k.Payload) == "null" {
					k.Payload = nil
				}
			case "phones":
				k.Phones = keepKnown(phones, k.Phones)
			}
		}
		return nil
	}, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	a.wakeDialer()
	return answer(showContact(*changed)), nil
}

// phonesOf reads numbers by the region, each once.
func phonesOf(list []PhoneInput, region string) (phones []campaigns.Phone, err error) {
	for i, p := range list {
		number, err := campaigns.NormalizeNumber(p.Number, region)
		if err != nil {
			return nil, refuseField(fmt.Sprintf("body.phones[%d].number", i), reason.OrUnspecific(err))
		}
		if slices.ContainsFunc(phones, func(other campaigns.Phone) bool { return other.Number == number }) {
			return nil, refuseField(fmt.Sprintf("body.phones[%d].number", i), field.Unique)
		}
		phones = append(phones, campaigns.Phone{Number: number, Label: p.Label, Extension: p.Extension})
	}
	return phones, nil
}

// keepKnown keeps what is known of numbers that stay.
func keepKnown(phones, was []campaigns.Phone) []campaigns.Phone {
	list := slices.Clone(phones)
	for i, p := range list {
		for _, old := range was {
			if old.Number == p.Number {
				list[i] = p.Keeping(old)
			}
		}
	}
	return list
}

type reasonInput struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for the audit" example:"paid"`
	}
}

func (a *api) finishContact(ctx context.Context, in *reasonInput) (*reply[Contact], error) {
	c, err := a.Store.FinishContact(ctx, in.ID, in.Body.Reason, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	return answer(showContact(*c)), nil
}

func (a *api) reopenContact(ctx context.Context, in *reasonInput) (*reply[Contact], error) {
	c, err := a.Store.ReopenContact(ctx, in.ID, in.Body.Reason, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	a.wakeDialer()
	return answer(showContact(*c)), nil
}
