package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const contactColumns = `c.id, c.campaign_id, c.crm_id, c.name, c.phones, c.time_zone, c.priority, c.payload, c.state,
	c.reason, c.next_at,
	c.attempts, c.ordinals, c.sequence, c.callback_at, c.callback_agent, c.calltraceid, c.recording_link, c.updated_at,
	c.place, c.skill, c.last_agent, c.callback_open_at, c.callback_until, c.callback_tries, c.wake_at, c.list_id`

// contact is a row of contacts.
type contact struct {
	campaigns.Contact
	ordinals   int       // attempts planned
	sequence   int64     // of its last event
	callbackAt time.Time // agreed with the customer, not kept yet

	place         int64     // among those whom nobody has tried yet
	skill         string    // that an agent needs for the call; empty: none
	lastAgent     int64     // who talked last with the contact
	callbackOpen  time.Time // from then on any agent may keep the promise; zero: any may at once
	callbackUntil time.Time // no longer is it tried; zero: it was not tried yet
	callbackTries int       // to keep it
	wakeAt        time.Time // NextAt before policy put it off; zero: it did not
	list          int64     // by which it came; zero: none
}

// rawContact is what is kept as JSON.
type rawContact struct{ phones, payload string }

// contactFields are where contactColumns go; fill then reads the raw ones.
func contactFields(c *contact, raw *rawContact) []any {
	return []any{&c.ID, &c.CampaignID, &c.CRMID, &c.Name, &raw.phones, &c.TimeZone, &c.Priority, orZero(&raw.payload), &c.State,
		orZero(&c.Reason), moment{&c.NextAt}, &c.Attempts, &c.ordinals, &c.sequence, moment{&c.callbackAt}, orZero(&c.CallbackAgent),
		orZero(&c.CallTraceID), orZero(&c.RecordingLink), moment{&c.UpdatedAt},
		&c.place, &c.skill, orZero(&c.lastAgent), moment{&c.callbackOpen}, moment{&c.callbackUntil}, &c.callbackTries,
		moment{&c.wakeAt}, orZero(&c.list)}
}

func (c *contact) fill(raw rawContact) error {
	if raw.payload != "" {
		c.Payload = json.RawMessage(raw.payload)
	}
	if err := json.Unmarshal([]byte(raw.phones), &c.Phones); err != nil {
		return fmt.Errorf("store: contact %d: phones: %w", c.ID, err)
	}
	return nil
}

func scanContact(row scanner) (*contact, error) {
	var c contact
	var raw rawContact
	if err := row.Scan(contactFields(&c, &raw)...); err != nil {
		return nil, err
	}
	return &c, c.fill(raw)
}

// public is the contact as the rooms know it: what its row keeps only to restore a cancelled attempt is not shown.
func (c *contact) public() *campaigns.Contact {
	p := c.Contact
	if p.State != campaigns.Waiting {
		p.NextAt = time.Time{}
	}
	if p.State != campaigns.Complete {
		p.Reason = ""
	}
	return &p
}

// person is whom policy counts by: the CRM's id, the same in all campaigns; without one, the number.
func (c *contact) person(number string) string {
	if c != nil && c.CRMID != "" {
		return c.CRMID
	}
	return number
}

// person is by whom attempts at a number of the subject count.
func (r *relation) person(number string) string {
	if r.root != "" {
		return r.root
	}
	return number
}

func (t *tx) lockContact(ctx context.Context, id int64) (*contact, error) {
	c, err := one(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = $1 FOR UPDATE`, id)
	if err != nil {
		return nil, fmt.Errorf("store: contact %d: %w", id, err)
	}
	return c, nil
}

// dispose lets a disposition become true of the contact. It returns whether the contact is finished by it.
func (t *tx) dispose(c *contact, number string, d campaigns.Disposition, now time.Time) (finished bool) {
	if d.BadNumber {
		for i := range c.Phones {
			if c.Phones[i].Number == number {
				c.Phones[i].Invalid = true
			}
		}
	}
	c.State, c.NextAt, c.Reason = d.State, d.NextAt, d.Reason
	if d.State != campaigns.Complete {
		return false
	}
	t.endCallback(c, missed, now)
	return true
}

// Contact reads one contact.
func (s Contacts) Contact(ctx context.Context, id int64) (*campaigns.Contact, error) {
	c, err := one(ctx, s, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("store: contact %d: %w", id, err)
	}
	return c.public(), nil
}

// Contacts lists a campaign's contacts with ids above after, by id; an empty state or CRM id filters nothing.
func (s Contacts) Contacts(ctx context.Context, campaignID int64, state campaigns.ContactState, crmID string, after int64,
	limit int) (
	[]campaigns.Contact, error) {
	// Each filter has a query of its own, that one index serves.
	query, args := `SELECT `+contactColumns+` FROM contacts c WHERE c.campaign_id = $1 AND c.id > $2`, []any{campaignID, after, limit}
	if crmID != "" {
		query, args = query+` AND c.crm_id <> '' AND c.crm_id = $4`, append(args, crmID)
	}
	if state != "" {
		args = append(args, string(state))
		query += fmt.Sprintf(` AND c.state = $%d`, len(args))
	}
	list, err := all(ctx, s, scanPublic, query+` ORDER BY c.id LIMIT $3`, args...)
	if err != nil {
		return nil, fmt.Errorf("store: contacts of campaign %d: %w", campaignID, err)
	}
	return list, nil
}

func scanPublic(row scanner) (campaigns.Contact, error) {
	c, err := scanContact(row)
	if err != nil {
		return campaigns.Contact{}, err
	}
	return *c.public(), nil
}

// ContactsByID reads contacts; those that are not there are left out.
func (s Contacts) ContactsByID(ctx context.Context, ids []int64) ([]campaigns.Contact, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := all(ctx, s, scanPublic, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("store: contacts: %w", err)
	}
	return list, nil
}
