package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// moveBatch is how many contacts are moved in one transaction.
const moveBatch = 200

// MoveContacts puts contacts into another campaign, in transactions of some hundreds, so that what was moved stays so when it
// breaks off. Attempts, counters and what was promised go with the contact, and what the law counts goes by the person anyway;
// the list by which it came is the other campaign's and does not. Whoever is in a call stays, and so does whoever is in that
// campaign already. Each is audited under who. ErrConflict: it was one alone, and that one stays.
func (s Contacts) MoveContacts(ctx context.Context, m campaigns.Moving, why, who string, now time.Time) (r campaigns.Moved,
	err error) {
	to, err := s.loadCampaign(ctx, s, m.To)
	if err != nil {
		return r, err
	}
	query := `SELECT c.id FROM contacts c WHERE c.list_id = $1 AND c.id > $2 AND (CAST($3 AS TEXT) = '' OR c.state = $3)`
	args := []any{m.ListID, int64(0), string(m.State)}
	if len(m.IDs) > 0 {
		query = `SELECT c.id FROM contacts c WHERE c.id = ANY($1) AND c.id > $2 AND (CAST($3 AS TEXT) = '' OR c.state = $3)`
		args[0] = m.IDs
	}
	if len(m.Finish) > 0 {
		query += ` AND c.state = 'finished' AND c.reason = ANY($4)`
		args = append(args, m.Finish)
	}
	for {
		batch := campaigns.Moved{}
		var ids []int64
		err := s.inTx(ctx, func(t *tx) (err error) {
			batch = campaigns.Moved{}
			if ids, err = all(ctx, t, scanID, query+fmt.Sprintf(` ORDER BY c.id LIMIT %d`, moveBatch), args...); err != nil {
				return err
			}
			for _, id := range ids {
				if err := t.move(ctx, id, to, why, who, now, &batch); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return r, fmt.Errorf("store: move contacts to campaign %d: %w", m.To, err)
		}
		r.Moved, r.InCall, r.There = r.Moved+batch.Moved, r.InCall+batch.InCall, r.There+batch.There
		r.Stayed = append(r.Stayed, batch.Stayed[:min(len(batch.Stayed), campaigns.MaxStayed-len(r.Stayed))]...)
		if len(ids) < moveBatch {
			break
		}
		args[1] = ids[len(ids)-1]
	}
	if len(m.IDs) == 1 && r.Moved == 0 {
		return r, s.whyStayed(ctx, m.IDs[0], to)
	}
	return r, nil
}

// whyStayed says why the one contact that was to be moved was not.
func (s Contacts) whyStayed(ctx context.Context, id int64, to *campaigns.Campaign) error {
	c, err := s.Contact(ctx, id)
	switch {
	case err != nil:
		return err
	case c.State != campaigns.Waiting && c.State != campaigns.Complete:
		return contradiction(whyContactIs(c.State.Word()))
	}
	return contradiction(whyIsThere(to.Name))
}

// move moves one contact, or counts why it stays.
func (t *tx) move(ctx context.Context, id int64, to *campaigns.Campaign, why, who string, now time.Time,
	r *campaigns.Moved) error {
	c, err := t.lockContact(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil // it was deleted a moment ago
	}
	if err != nil {
		return err
	}
	there, err := t.isThere(ctx, c, to.ID)
	switch {
	case err != nil:
		return err
	case c.State != campaigns.Waiting && c.State != campaigns.Complete:
		r.InCall++
		r.Stayed = append(r.Stayed, id)
		return nil
	case there:
		r.There++
		r.Stayed = append(r.Stayed, id)
		return nil
	}
	from, phones := c.CampaignID, c.Phones
	c.Phones = nil
	t.changePhones(c, phones) // found there no more
	t.later(`UPDATE contacts SET campaign_id = $2, list_id = NULL, place = $3, skill = $4 WHERE id = $1`, id, to.ID,
		to.Order.Rank(id, c.Payload), to.SkillFor(c.Payload))
	t.later(`UPDATE callbacks SET campaign_id = $2 WHERE contact_id = $1 AND done_at IS NULL`, id, to.ID)
	c.CampaignID, c.Phones = to.ID, phones
	t.changePhones(c, nil)
	if c.State == campaigns.Waiting && !c.wakeAt.IsZero() { // it was put off by the rules of the other campaign
		if c.NextAt = c.wakeAt; c.NextAt.Before(now) {
			c.NextAt = now
		}
	}
	t.save(c, now)
	t.audit(who, "contact.move", fmt.Sprintf("contact/%d", id),
		fmt.Sprintf("from campaign/%d to campaign/%d; reason: %s", from, to.ID, why), now)
	r.Moved++
	// Where the person is, and by which rules, may be seen differently now: what others have planned for the person is planned anew.
	return t.touch(ctx, now, subjectOf(c))
}

// isThere says whether a contact's person is in a campaign, as an import judges it: by the CRM's id, or by a number where one of
// the two has no id.
func (t *tx) isThere(ctx context.Context, c *contact, campaignID int64) (bool, error) {
	if c.CampaignID == campaignID {
		return true, nil
	}
	numbers := make([]string, len(c.Phones))
	for i, p := range c.Phones {
		numbers[i] = p.Number
	}
	ids, err := all(ctx, t, scanID, `SELECT k.id FROM contacts k WHERE k.campaign_id = $1 AND k.crm_id = $2 AND k.crm_id <> ''
		UNION ALL SELECT k.id FROM contact_phones p JOIN contacts k ON k.id = p.contact_id
		WHERE p.campaign_id = $1 AND p.number = ANY($3) AND (k.crm_id = '' OR CAST($2 AS TEXT) = '')
		UNION ALL SELECT k.id FROM shared_phones p JOIN contacts k ON k.id = p.contact_id
		WHERE k.campaign_id = $1 AND p.number = ANY($3) AND (k.crm_id = '' OR CAST($2 AS TEXT) = '') LIMIT 1`, campaignID, c.CRMID, numbers)
	return len(ids) > 0, err
}
