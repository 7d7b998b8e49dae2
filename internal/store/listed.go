package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// listedMost is how many contacts one change of the do-not-call list puts off at once. Who is left finds out at a plan.
const listedMost = 5000

// listedNow puts off, or finishes, the waiting contacts whom new entries of the do-not-call list bar, so that they stand
// in nobody's way: a plan that came upon a hundred thousand of them would keep an agent waiting.
func (t *tx) listedNow(ctx context.Context, list []campaigns.Barred, now time.Time) error {
	var crmIDs, numbers []string
	for _, b := range list {
		if b.CRMID != "" {
			crmIDs = append(crmIDs, b.CRMID)
		}
		if b.Number != "" {
			numbers = append(numbers, b.Number)
		}
	}
	waiting, err := t.waitingOf(ctx, crmIDs, numbers, ``)
	if err != nil {
		return err
	}
	return t.putOffListed(ctx, waiting, now)
}

// waitingOf locks the waiting contacts of people and numbers, those aside whom a planner holds at this moment.
func (t *tx) waitingOf(ctx context.Context, crmIDs, numbers []string, and string) ([]*contact, error) {
	var ids []int64
	for _, by := range []struct {
		keys  []string
		query string
	}{
		{crmIDs, `SELECT c.id FROM contacts c WHERE c.crm_id = ANY($1) AND c.crm_id <> '' AND c.state = 'waiting'
			UNION SELECT c.id FROM merged_people m JOIN merged_people o ON o.root = m.root JOIN contacts c ON c.crm_id = o.crm_id
			WHERE m.crm_id = ANY($1) AND c.crm_id <> '' AND c.state = 'waiting' LIMIT $2`},
		{numbers, `SELECT p.contact_id FROM contact_phones p WHERE p.number = ANY($1)
			UNION SELECT p.contact_id FROM shared_phones p WHERE p.number = ANY($1) LIMIT $2`},
	} {
		if len(by.keys) == 0 {
			continue
		}
		some, err := all(ctx, t, scanID, by.query, by.keys, listedMost)
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	return all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1) AND c.state = 'waiting'`+and+`
		ORDER BY c.id FOR UPDATE SKIP LOCKED`, slices.Compact(ids))
}

// putOffListed moves those of some waiting contacts who are on the do-not-call list to when they may be called, or
// finishes them. Who may be called on another number instead, and was put off by what bars the listed one, is due again. All
// others stay as they are.
func (t *tx) putOffListed(ctx context.Context, waiting []*contact, now time.Time) error {
	return t.byCampaign(ctx, waiting, now, t.putOffListedOf)
}

// byCampaign does something with some contacts, those of one campaign at a time and at most clearBatch. Those of campaigns of
// which nobody is planned are left out.
func (t *tx) byCampaign(ctx context.Context, waiting []*contact, now time.Time,
	do func(context.Context, *campaigns.Campaign, []*contact, time.Time) error) error {
	byCampaign := map[int64][]*contact{}
	var order []int64
	for _, k := range waiting {
		if byCampaign[k.CampaignID] == nil {
			order = append(order, k.CampaignID)
		}
		byCampaign[k.CampaignID] = append(byCampaign[k.CampaignID], k)
	}
	for _, id := range order {
		c, err := t.db.loadCampaign(ctx, t, id)
		if err != nil {
			return err
		}
		if c.Mode == campaigns.Manual {
			continue
		}
		for list := range slices.Chunk(byCampaign[id], clearBatch) {
			if err := do(ctx, c, list, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) putOffListedOf(ctx context.Context, c *campaigns.Campaign, list []*contact, now time.Time) error {
	people := make([]subject, len(list))
	for i, k := range list {
		people[i] = subjectOf(k)
	}
	facts, err := t.db.facts(ctx, t, c, people, now)
	if err != nil {
		return err
	}
	var free []int64
	for i, k := range list {
		phone, ok := facts.nextPhone(c, k, i)
		if !ok {
			continue
		}
		q := facts.question(c, k, i, phone.Number, true, now)
		if !q.DoNotCall {
			if !k.wakeAt.IsZero() && k.NextAt.After(now) {
				free = append(free, k.ID)
			}
			continue
		}
		if err := t.putOff(facts, i, c, k, q, campaigns.Decide(q), now); err != nil {
			return err
		}
	}
	if len(free) > 0 {
		t.later(wakeThem, free, at(now))
	}
	return nil
}

// listedBefore puts off those of a batch of new contacts who are on the do-not-call list already.
func (im *importer) listedBefore(ctx context.Context, t *tx, fresh []*newContact) error {
	any, err := one(ctx, t, scanBool, `SELECT EXISTS (SELECT 1 FROM do_not_call)`)
	if err != nil || !any {
		return err
	}
	var crmIDs, numbers []string
	for _, c := range fresh {
		if c.Contact.CRMID != "" {
			crmIDs = append(crmIDs, c.Contact.CRMID)
		}
		for _, p := range c.Contact.Phones {
			numbers = append(numbers, p.Number)
		}
	}
	keys, err := all(ctx, t, scanText, `SELECT d.crm_id FROM do_not_call d WHERE d.crm_id = ANY($1)
		UNION SELECT m.crm_id FROM merged_people m JOIN merged_people o ON o.root = m.root JOIN do_not_call d ON d.crm_id = o.crm_id
		WHERE m.crm_id = ANY($1) UNION SELECT d.number FROM do_not_call d WHERE d.number = ANY($2)`, crmIDs, numbers)
	if err != nil || len(keys) == 0 {
		return err
	}
	listed := make(map[string]bool, len(keys))
	for _, k := range keys {
		listed[k] = true
	}
	var ids []int64
	for _, c := range fresh {
		if listed[c.Contact.CRMID] || slices.ContainsFunc(c.Contact.Phones, func(p campaigns.Phone) bool { return listed[p.Number] }) {
			ids = append(ids, c.id)
		}
	}
	waiting, err := all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1)
		AND c.state = 'waiting' ORDER BY c.id FOR UPDATE`, ids)
	if err != nil {
		return err
	}
	return t.putOffListed(ctx, waiting, im.now)
}

// wokenNow is when a contact that policy has put off is due again: as if it had not been.
const wokenNow = `next_at = CASE WHEN wake_at > CAST($2 AS BIGINT) THEN wake_at ELSE $2 END, wake_at = NULL, listed = FALSE,
	updated_at = $2`

const wakeThem = `UPDATE contacts SET ` + wokenNow + ` WHERE id = ANY($1)`

// wake makes those due again whom policy has put off, after something was recorded of them that may permit what was
// refused. The next plan judges them anew.
func (t *tx) wake(ctx context.Context, now time.Time, who ...subject) error {
	relations, err := t.db.kin(ctx, t, who)
	if err != nil {
		return err
	}
	crmIDs, numbers := keysOf(relations)
	waiting, err := t.waitingOf(ctx, crmIDs, numbers, ` AND c.wake_at IS NOT NULL`)
	if err != nil || len(waiting) == 0 {
		return err
	}
	ids := make([]int64, len(waiting))
	for i, k := range waiting {
		ids[i] = k.ID
	}
	t.later(wakeThem, ids, at(now))
	return nil
}

// wakeAfter has those woken, when all else of the transaction is written, whom something recorded now may permit to be called.
func (t *tx) wakeAfter(now time.Time, who ...subject) {
	if t.woken == nil {
		t.woken = map[int64][]subject{}
	}
	t.woken[now.UnixMilli()] = append(t.woken[now.UnixMilli()], who...)
}

func (t *tx) wakeWoken(ctx context.Context) error {
	woken := t.woken
	t.woken = nil
	for _, moment := range slices.Sorted(maps.Keys(woken)) {
		if err := t.wake(ctx, time.UnixMilli(moment), woken[moment]...); err != nil {
			return err
		}
	}
	return nil
}

// wakeAll makes all those of a campaign due again whom its rules have put off: they are others now. Who is on the
// do-not-call list stays where it is.
func (t *tx) wakeAll(campaignID int64, now time.Time) {
	t.later(`UPDATE contacts SET `+wokenNow+` WHERE campaign_id = $1 AND state = 'waiting' AND wake_at IS NOT NULL AND NOT listed
		AND next_at > $2`, campaignID, at(now))
}

// touchAndWake is touch for what may permit more than before.
func (t *tx) touchAndWake(ctx context.Context, now time.Time, who ...subject) error {
	if err := t.touch(ctx, now, who...); err != nil {
		return err
	}
	return t.wake(ctx, now, who...)
}
