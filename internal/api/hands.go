package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

func (a *api) handRoutes() {
	const tag = "Contacts"
	route(a, readers, a.findContacts, op(tag, "find-contacts", "GET /contacts",
		"Find contacts of all campaigns, by number, name or CRM id",
		says("One of the three. A whole number may be in any form that lists may have, national ones are read by region, and without "+
			"one by those of all campaigns; what is no whole number finds those that end so, from four digits on. Of a name each word "+
			"finds the words that begin so, in any order, whatever capitals, accents and apostrophes they have. A page of a search "+
			"by name may have fewer items than limit, and yet a next one.")))
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
	a.movingRoutes(tag)
}

type findInput struct {
	Paging
	Number     string `query:"number" maxLength:"64" doc:"A whole one in any form, or its last digits, at least four" example:"050 123-45-67"`
	Region     string `query:"region" maxLength:"2" doc:"ISO 3166 code by which a national number is read"`
	Name       string `query:"name" maxLength:"200" doc:"Words of it, or how they begin" example:"шевч тарас"`
	CRMID      string `query:"crm_id" maxLength:"100"`
	CampaignID int64  `query:"campaign_id" minimum:"1" doc:"Only of this campaign"`
}

func (a *api) findContacts(ctx context.Context, in *findInput) (*reply[page[Contact]], error) {
	asked := 0
	for _, q := range []string{in.Number, in.Name, in.CRMID} {
		if q != "" {
			asked++
		}
	}
	if asked != 1 {
		return nil, refuseField("query.number", whyOneSearch)
	}
	if in.Name != "" {
		return a.findByName(ctx, in)
	}
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	list, err := a.findByKey(ctx, in, after)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showContact, func(c campaigns.Contact) []int64 { return []int64{c.ID} }), nil
}

func (a *api) findByKey(ctx context.Context, in *findInput, after int64) ([]campaigns.Contact, error) {
	if in.Number == "" {
		return a.Store.Find(ctx, in.CampaignID, nil, in.CRMID, after, in.Limit)
	}
	numbers, err := a.numbersOf(ctx, in.Number, in.Region)
	if err == nil {
		return a.Store.Find(ctx, in.CampaignID, numbers, "", after, in.Limit)
	}
	digits := endOf(in.Number)
	if len(digits) < leastEnd {
		return nil, err
	}
	return a.Store.FindByEnd(ctx, in.CampaignID, digits, after, in.Limit)
}

// leastEnd is from how many digits on the end of a number finds it.
const leastEnd = 4

// endOf is the end of a number as typed; empty: it has more than digits and what people put between them.
func endOf(typed string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -().*…", r) {
			return -1
		}
		return r
	}, typed)
	if strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

func notOfWords(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func (a *api) findByName(ctx context.Context, in *findInput) (*reply[page[Contact]], error) {
	var after *campaigns.NamePlace
	if in.Cursor != "" {
		after = &campaigns.NamePlace{}
		text, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err == nil {
			_, err = fmt.Sscanf(string(text), "%q %q %d", &after.Typed, &after.Word, &after.ID)
		}
		if err != nil || after.Typed == "" || !strings.HasPrefix(after.Word, after.Typed) ||
			strings.ContainsFunc(after.Word, notOfWords) {
			return nil, refuseField("query.cursor", whyCursor)
		}
	}
	list, next, err := a.Store.FindByName(ctx, in.CampaignID, in.Name, after, in.Limit)
	if err != nil {
		return nil, err
	}
	p := page[Contact]{Items: make([]Contact, len(list))}
	for i, c := range list {
		p.Items[i] = showContact(c)
	}
	if next != nil {
		p.NextCursor = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%q %q %d", next.Typed, next.Word, next.ID))
	}
	return answer(p), nil
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
