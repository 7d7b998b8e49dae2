package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// EditContact changes a contact that no call is under way at: its name, phones, time zone, priority and payload, as edit leaves
// them. It is audited, with what it was and became. ErrConflict: it is in a call, or waits for its call code. edit may be called
// more than once.
func (s Contacts) EditContact(ctx context.Context, id int64, edit func(*campaigns.Contact) error, who string,
	now time.Time) (*campaigns.Contact, error) {
	return s.handle(ctx, id, "contact.edit", "", who, now, func(t *tx, campaign *campaigns.Campaign, c *contact) error {
		was, zone, called := slices.Clone(c.Phones), c.TimeZone, c.Name
		if err := edit(&c.Contact); err != nil {
			return err
		}
		if zone != c.TimeZone || !slices.Equal(was, c.Phones) { // another contact of the same person may be on its way to a call
			before, after := subjectOf(&contact{Contact: campaigns.Contact{CRMID: c.CRMID, Phones: was}}), subjectOf(c)
			if err := t.touch(ctx, now, before, after); err != nil {
				return err
			}
			t.wakeAfter(now, before, after)
			if c.State == campaigns.Waiting && !c.wakeAt.IsZero() { // it was put off as somebody with other phones, or elsewhere
				if c.NextAt = c.wakeAt; c.NextAt.Before(now) {
					c.NextAt = now
				}
			}
		}
		t.later(`UPDATE contacts SET name = $2, time_zone = $3, priority = $4, payload = $5, place = $6, skill = $7, zone = $8
			WHERE id = $1`,
			c.ID, c.Name, c.TimeZone,
			c.Priority, orNull(string(c.Payload)), campaign.Order.Rank(c.ID, c.Payload), campaign.SkillFor(c.Payload),
			campaigns.Whereabouts(&c.Contact))
		t.anywhere([]string{c.CRMID})
		t.changePhones(c, was)
		t.findBy(c.ID, called, c.Name)
		return nil
	})
}

// FinishContact ends a contact by hand, as when the debt is paid: it is called no more, and its callback is over. One that is
// finished already stays as it was.
func (s Contacts) FinishContact(ctx context.Context, id int64, why, who string, now time.Time) (*campaigns.Contact, error) {
	return s.handle(ctx, id, "contact.finish", why, who, now, func(t *tx, campaign *campaigns.Campaign, c *contact) error {
		if c.State == campaigns.Complete {
			return nil
		}
		t.dispose(c, "", campaigns.Disposition{State: campaigns.Complete, Reason: campaigns.FinishedByHand}, now)
		return t.contactFinished(campaign, c, now)
	})
}

// ReopenContact has a finished contact called again, its attempts counted anew. What the law counts stays. One that waits stays
// as it was.
func (s Contacts) ReopenContact(ctx context.Context, id int64, why, who string, now time.Time) (*campaigns.Contact, error) {
	return s.handle(ctx, id, "contact.reopen", why, who, now, func(t *tx, _ *campaigns.Campaign, c *contact) error {
		if c.State == campaigns.Complete {
			c.State, c.Reason, c.NextAt, c.Attempts = campaigns.Waiting, "", now, 0
		}
		return nil
	})
}

// handle is a supervisor's deed at a contact, in one transaction with its entry in the audit log.
func (s Contacts) handle(ctx context.Context, id int64, what, why, who string, now time.Time,
	do func(*tx, *campaigns.Campaign, *contact) error) (changed *campaigns.Contact, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		c, err := t.lockContact(ctx, id)
		if err != nil {
			return err
		}
		if c.State != campaigns.Waiting && c.State != campaigns.Complete {
			return contradiction(whyContactIs(c.State.Word()))
		}
		campaign, err := s.loadCampaign(ctx, t, c.CampaignID)
		if err != nil {
			return err
		}
		before := auditedOf(c)
		if err := do(t, campaign, c); err != nil {
			return err
		}
		t.save(c, now)
		t.auditChange(who, what, fmt.Sprintf("contact/%d", id), why, before, auditedOf(c), now)
		changed = c.public()
		return nil
	})
	return changed, err
}

// audited is what the audit log keeps of a contact. It says who the person is by id alone: names, numbers and payloads would
// outlive their erasure there.
type audited struct {
	CRMID    string `json:"crm_id"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Phones   int    `json:"phones"`
	TimeZone string `json:"time_zone"`
	Priority int    `json:"priority"`
	Attempts int    `json:"attempts"`
}

func auditedOf(c *contact) audited {
	p := c.public()
	return audited{p.CRMID, string(p.State), p.Reason, len(p.Phones), p.TimeZone, p.Priority, p.Attempts}
}

// changePhones keeps the tables by which numbers are found like the contact's phones.
func (t *tx) changePhones(c *contact, was []campaigns.Phone) {
	has := func(list []campaigns.Phone, number string) bool {
		return slices.ContainsFunc(list, func(p campaigns.Phone) bool { return p.Number == number })
	}
	for _, p := range was {
		if has(c.Phones, p.Number) {
			continue
		}
		t.later(`DELETE FROM shared_phones WHERE number = $1 AND contact_id = $2`, p.Number, c.ID)
		t.later(`DELETE FROM contact_phones WHERE campaign_id = $1 AND number = $2 AND contact_id = $3`, c.CampaignID, p.Number, c.ID)
		// Somebody else of the campaign on the same number is found by it from now on.
		t.later(`INSERT INTO contact_phones (campaign_id, number, contact_id) SELECT k.campaign_id, s.number, s.contact_id FROM
			shared_phones s
			JOIN contacts k ON k.id = s.contact_id WHERE s.number = $2 AND k.campaign_id = $1 ORDER BY s.contact_id LIMIT 1 ON CONFLICT DO NOTHING`,
			c.CampaignID, p.Number)
		t.later(`DELETE FROM shared_phones WHERE number = $1 AND EXISTS (SELECT 1 FROM contact_phones p WHERE p.campaign_id = $2 AND
			p.number = $1
			AND p.contact_id = shared_phones.contact_id)`, p.Number, c.CampaignID)
	}
	for _, p := range c.Phones {
		if has(was, p.Number) {
			continue
		}
		t.later(`INSERT INTO contact_phones (campaign_id, number, contact_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, c.CampaignID,
			p.Number, c.ID)
		t.later(`INSERT INTO shared_phones (number, contact_id) SELECT $2, $3 WHERE NOT EXISTS (SELECT 1 FROM contact_phones p
			WHERE p.campaign_id = $1 AND p.number = $2 AND p.contact_id = $3) ON CONFLICT DO NOTHING`, c.CampaignID, p.Number, c.ID)
	}
}

// Find lists contacts of all campaigns, or of one, by any of some numbers or by the CRM's id, those with ids above after, by id.
func (s Contacts) Find(ctx context.Context, campaignID int64, numbers []string, crmID string, after int64,
	limit int) ([]campaigns.Contact, error) {
	if crmID == "" {
		return s.found(ctx, campaignID, `SELECT contact_id FROM contact_phones WHERE number = ANY($1) AND contact_id > $2
			UNION SELECT contact_id FROM shared_phones WHERE number = ANY($1) AND contact_id > $2`, numbers, after, limit)
	}
	return s.found(ctx, campaignID, `SELECT id FROM contacts WHERE crm_id = $1 AND crm_id <> '' AND id > $2`, crmID, after, limit)
}

// EndDigits is how many digits at the end of a number find it, at least.
const EndDigits = 4

// FindByEnd lists contacts of all campaigns, or of one, by the last digits of a number, [EndDigits] at least, as Find does.
func (s Contacts) FindByEnd(ctx context.Context, campaignID int64, digits string, after int64,
	limit int) ([]campaigns.Contact, error) {
	if len(digits) < EndDigits {
		return nil, nil
	}
	end := s.engine.end("number")
	one := `SELECT contact_id FROM %s WHERE ` + end + ` = $5 AND number LIKE $1 AND contact_id > $2`
	return s.found(ctx, campaignID, fmt.Sprintf(one, "contact_phones")+` UNION `+fmt.Sprintf(one, "shared_phones"), "%"+digits,
		after, limit, digits[len(digits)-EndDigits:])
}

// found reads the contacts whose ids a query has. It is done first: beside "ORDER BY id LIMIT n" a planner may go through all
// ids.
func (s Contacts) found(ctx context.Context, campaignID int64, ids string, key any, after int64, limit int, more ...any) (
	[]campaigns.Contact, error) {
	list, err := all(ctx, s, scanPublic, `WITH found (id) AS MATERIALIZED (`+ids+`) SELECT `+contactColumns+
		` FROM found JOIN contacts c ON c.id = found.id
		WHERE CAST($3 AS BIGINT) = 0 OR c.campaign_id = $3 ORDER BY c.id LIMIT $4`,
		append([]any{key, after, campaignID, limit}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("store: find contacts: %w", err)
	}
	return list, nil
}
