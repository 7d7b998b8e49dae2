package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Promise sets a callback on a contact that is waiting or finished; one agreed before is replaced. ErrConflict: the contact is
// in a call, or waits for its call code.
func (s Contacts) Promise(ctx context.Context, c campaigns.Callback, now time.Time) (*campaigns.Contact, error) {
	var promised *campaigns.Contact
	err := s.inTx(ctx, func(t *tx) error {
		contact, err := t.holdContact(ctx, c.ContactID)
		if err != nil {
			return err
		}
		if contact.State != campaigns.Waiting && contact.State != campaigns.Complete {
			return contradiction(whyContactIs(contact.State.Word()))
		}
		contact.State, contact.NextAt, contact.Reason = campaigns.Waiting, c.At, ""
		wish := ""
		if c.Wish != "" {
			wish = t.wish(contact, c.At, c.Wish, c.MadeBy, now)
		}
		t.promise(contact, c.At, c.AgentID, c.MadeBy, wish, now)
		t.save(contact, now)
		promised = contact.public()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return promised, nil
}

// promise notes a callback agreed with the customer. It replaces an earlier one.
func (t *tx) promise(c *contact, when time.Time, agentID int64, madeBy, wish string, now time.Time) {
	t.endCallback(c, now)
	c.callbackAt, c.CallbackAgent = when, agentID
	t.later(`INSERT INTO callbacks (campaign_id, contact_id, agent_id, at, made_by, created_at, consent_id)
		VALUES ($1, $2, $3, $4, $5, $6, (SELECT max(w.id) FROM consents w WHERE w.source = $7 AND w.crm_id = $8 AND $7 <> ''))`,
		c.CampaignID, c.ID, orNull(agentID), at(when), madeBy, at(now), wish, c.CRMID)
}

// endCallback notes that a promised callback was kept, or that there is nothing left to keep.
func (t *tx) endCallback(c *contact, now time.Time) {
	if c.callbackAt.IsZero() {
		return
	}
	c.callbackAt, c.CallbackAgent = time.Time{}, 0
	t.later(`UPDATE callbacks SET done_at = $2 WHERE contact_id = $1 AND done_at IS NULL`, c.ID, at(now))
}

// Callbacks lists promised callbacks that are not fulfilled, by time and contact, those after the ones given; zero ids of
// campaign or agent filter nothing.
func (s Contacts) Callbacks(ctx context.Context, campaignID, agentID int64, after time.Time, afterContact int64,
	limit int) ([]campaigns.Callback, error) {
	list, err := all(ctx, s, func(row scanner) (c campaigns.Callback, err error) {
		err = row.Scan(&c.ContactID, &c.CampaignID, moment{&c.At}, orZero(&c.AgentID), &c.MadeBy, orZero(&c.ConsentID))
		return c, err
	}, `SELECT contact_id, campaign_id, at, agent_id, made_by, consent_id FROM callbacks
		WHERE done_at IS NULL AND (CAST($1 AS BIGINT) = 0 OR campaign_id = $1) AND (CAST($2 AS BIGINT) = 0 OR agent_id = $2)
		AND (CAST($3 AS BIGINT) IS NULL OR at > $3 OR (at = $3 AND contact_id > $4))
		ORDER BY at, contact_id LIMIT $5`, campaignID, agentID, at(after), afterContact, limit)
	if err != nil {
		return nil, fmt.Errorf("store: callbacks: %w", err)
	}
	return list, nil
}
