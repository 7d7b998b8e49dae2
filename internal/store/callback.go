package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Promise sets a callback on a contact that is waiting or finished; one agreed before is replaced. ErrConflict: the contact is
// in a call, or waits for its call code.
func (s Contacts) Promise(ctx context.Context, c campaigns.Callback, now time.Time) (*campaigns.Contact, error) {
	var promised *campaigns.Contact
	err := s.inTx(ctx, func(t *tx) error {
		contact, err := t.lockContact(ctx, c.ContactID)
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
		t.promise(contact, c, wish, now)
		t.save(contact, now)
		promised = contact.public()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return promised, nil
}

// promise notes a callback agreed with the customer. It replaces an earlier one. Where it names an agent, others may call from
// open on.
func (t *tx) promise(c *contact, p campaigns.Callback, wish string, now time.Time) {
	t.endCallback(c, replaced, now)
	c.callbackAt, c.CallbackAgent, c.callbackOpen = p.At, p.AgentID, time.Time{}
	if p.AgentID != 0 {
		c.callbackOpen = p.At.Add(p.Fallback)
	}
	t.later(`INSERT INTO callbacks (campaign_id, contact_id, agent_id, at, open_at, made_by, created_at, consent_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT max(w.id) FROM consents w WHERE w.source = $8 AND w.crm_id = $9 AND $8 <> ''))`,
		c.CampaignID, c.ID, orNull(p.AgentID), at(p.At), at(c.callbackOpen), p.MadeBy, at(now), wish, c.CRMID)
}

// How a promise ended.
const (
	kept      = "kept"      // they talked
	missed    = "missed"    // nobody was reached, or the contact was finished by something else
	cancelled = "cancelled" // by a supervisor
	replaced  = "replaced"  // by another promise
	moved     = "moved"     // to another moment
)

// endCallback notes how a promised callback ended.
func (t *tx) endCallback(c *contact, how string, now time.Time) {
	if c.callbackAt.IsZero() {
		return
	}
	c.callbackAt, c.CallbackAgent, c.callbackOpen, c.callbackUntil, c.callbackTries = time.Time{}, 0, time.Time{}, time.Time{}, 0
	t.later(`UPDATE callbacks SET done_at = $2, ended = $3 WHERE contact_id = $1 AND done_at IS NULL`, c.ID, at(now), how)
}

// calledBack notes that a contact was dialed to whom a callback was promised. A call before the agreed moment keeps no promise.
func (t *tx) calledBack(c *contact, dialedAt time.Time) {
	if !c.callbackAt.IsZero() && !dialedAt.Before(c.callbackAt.Add(-campaigns.PromiseLate)) {
		t.later(`UPDATE callbacks SET called_at = $2 WHERE contact_id = $1 AND done_at IS NULL AND called_at IS NULL`, c.ID,
			at(dialedAt))
	}
}

// MoveCallback sets another moment for a promised callback, and says whose it is. ErrNotFound: nothing is promised to the
// contact. ErrConflict: the contact is in a call.
func (s Contacts) MoveCallback(ctx context.Context, c campaigns.Callback, now time.Time) (*campaigns.Contact, error) {
	return s.changeCallback(ctx, c.ContactID, func(t *tx, k *contact) error {
		k.NextAt = c.At
		k.callbackAt, k.CallbackAgent, k.callbackOpen, k.callbackUntil, k.callbackTries = c.At, c.AgentID, time.Time{}, time.Time{}, 0
		if c.AgentID != 0 {
			k.callbackOpen = c.At.Add(c.Fallback)
		}
		// The former promise stays as a row, so that reports tell what was agreed first and what became of it.
		t.later(`UPDATE callbacks SET done_at = $2, ended = $3 WHERE contact_id = $1 AND done_at IS NULL`, k.ID, at(now), moved)
		t.later(`INSERT INTO callbacks (campaign_id, contact_id, agent_id, at, open_at, made_by, created_at, consent_id)
			SELECT campaign_id, contact_id, $2, $3, $4, made_by, $5, consent_id FROM callbacks WHERE contact_id = $1
			ORDER BY id DESC LIMIT 1`, k.ID, orNull(c.AgentID), at(c.At), at(k.callbackOpen), at(now))
		t.audit(c.MadeBy, "callback.move", fmt.Sprintf("contact/%d", k.ID), c.At.UTC().Format(time.RFC3339), now)
		return nil
	}, now)
}

// CancelCallback takes a promised callback back; the contact goes on as if it had not been promised. who is for the audit.
func (s Contacts) CancelCallback(ctx context.Context, contactID int64, who, why string, now time.Time) (*campaigns.Contact,
	error) {
	return s.changeCallback(ctx, contactID, func(t *tx, k *contact) error {
		c, err := s.loadCampaign(ctx, t, k.CampaignID)
		if err != nil {
			return err
		}
		t.audit(who, "callback.cancel", fmt.Sprintf("contact/%d", k.ID),
			fmt.Sprintf("of %s; %s", k.callbackAt.UTC().Format(time.RFC3339), why), now)
		t.endCallback(k, cancelled, now)
		if c.MaxAttempts > 0 && k.Attempts >= c.MaxAttempts {
			t.dispose(k, "", campaigns.Disposition{State: campaigns.Complete, Reason: "max_attempts"}, now)
			return t.contactFinished(c, k, now)
		}
		return nil
	}, now)
}

func (s Contacts) changeCallback(ctx context.Context, contactID int64, change func(*tx, *contact) error,
	now time.Time) (*campaigns.Contact, error) {
	var changed *campaigns.Contact
	err := s.inTx(ctx, func(t *tx) error {
		k, err := t.lockContact(ctx, contactID)
		switch {
		case err != nil:
			return err
		case k.callbackAt.IsZero():
			return reason.Wrap(reason.Missing, whyNoCallback, ErrNotFound)
		case k.State != campaigns.Waiting:
			return contradiction(whyContactIs(k.State.Word()))
		}
		if err := change(t, k); err != nil {
			return err
		}
		t.save(k, now)
		changed = k.public()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

const callbackColumns = `contact_id, campaign_id, at, agent_id, made_by, consent_id, open_at, called_at, late_at`

func scanCallback(row scanner) (c campaigns.Callback, err error) {
	err = row.Scan(&c.ContactID, &c.CampaignID, moment{&c.At}, orZero(&c.AgentID), &c.MadeBy, orZero(&c.ConsentID),
		moment{&c.OpenAt},
		moment{&c.CalledAt}, moment{&c.LateAt})
	return c, err
}

// Callback is what is promised to a contact. ErrNotFound: nothing.
func (s Contacts) Callback(ctx context.Context, contactID int64) (campaigns.Callback, error) {
	c, err := one(ctx, s, scanCallback, `SELECT `+callbackColumns+` FROM callbacks WHERE contact_id = $1 AND done_at IS NULL`,
		contactID)
	if errors.Is(err, ErrNotFound) {
		return c, reason.Wrap(reason.Missing, whyNoCallback, ErrNotFound)
	}
	if err != nil {
		return c, fmt.Errorf("store: callback: %w", err)
	}
	return c, nil
}

// Callbacks lists promised callbacks that are not fulfilled, by time and contact, those after the ones given; zero ids of
// campaign or agent filter nothing.
func (s Contacts) Callbacks(ctx context.Context, campaignID, agentID int64, after time.Time, afterContact int64,
	limit int) ([]campaigns.Callback, error) {
	list, err := all(ctx, s, scanCallback, `SELECT `+callbackColumns+` FROM callbacks
		WHERE done_at IS NULL AND (CAST($1 AS BIGINT) = 0 OR campaign_id = $1) AND (CAST($2 AS BIGINT) = 0 OR agent_id = $2)
		AND (CAST($3 AS BIGINT) IS NULL OR at > $3 OR (at = $3 AND contact_id > $4))
		ORDER BY at, contact_id LIMIT $5`, campaignID, agentID, at(after), afterContact, limit)
	if err != nil {
		return nil, fmt.Errorf("store: callbacks: %w", err)
	}
	return list, nil
}

// PermitCallbacks says of each when law and settings allow it, at the agreed moment or later: the contact may be put off by now.
func (s Contacts) PermitCallbacks(ctx context.Context, list []campaigns.Callback, now time.Time) error {
	places := map[int64][]int{} // by campaign
	for i, c := range list {
		places[c.CampaignID] = append(places[c.CampaignID], i)
	}
	for id, of := range places {
		campaign, err := s.loadCampaign(ctx, s, id)
		if err != nil {
			return err
		}
		ids := make([]int64, len(of))
		for i, place := range of {
			ids[i] = list[place].ContactID
		}
		contacts, err := all(ctx, s, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1) ORDER BY c.id`, ids)
		if err != nil {
			return fmt.Errorf("store: contacts of callbacks: %w", err)
		}
		people := make([]subject, len(contacts))
		for i, k := range contacts {
			people[i] = subjectOf(k)
		}
		facts, err := s.facts(ctx, s, campaign, people, now)
		if err != nil {
			return err
		}
		permitted := map[int64]time.Time{}
		for i, k := range contacts {
			if phone, ok := facts.nextPhone(campaign, k, i); ok {
				permitted[k.ID] = campaigns.NextPermit(facts.question(campaign, k, i, phone.Number, true, latest(now, k.NextAt)))
			}
		}
		for _, place := range of {
			list[place].PermittedAt = permitted[list[place].ContactID]
		}
	}
	return nil
}
