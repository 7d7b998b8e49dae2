package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const listColumns = `l.id, l.campaign_id, l.name, l.made_by, l.created_at, l.closed_at, l.closed_by, l.weight, l.quota`

func scanList(row scanner) (l campaigns.List, err error) {
	err = row.Scan(&l.ID, &l.CampaignID, &l.Name, &l.MadeBy, moment{&l.CreatedAt}, moment{&l.ClosedAt}, &l.ClosedBy, &l.Weight,
		&l.Quota)
	return l, err
}

// Lists are a campaign's, with ids above after, by id, without counts.
func (s Imports) Lists(ctx context.Context, campaignID, after int64, limit int) ([]campaigns.List, error) {
	list, err := all(ctx, s, scanList, `SELECT `+listColumns+
		` FROM lists l WHERE l.campaign_id = $1 AND l.id > $2 ORDER BY l.id LIMIT $3`, campaignID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("store: lists of campaign %d: %w", campaignID, err)
	}
	return list, nil
}

// ListName is what a list is called; empty: there is none.
func (s Imports) ListName(ctx context.Context, id int64) (string, error) {
	names, err := all(ctx, s, scanText, `SELECT l.name FROM lists l WHERE l.id = $1`, id)
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

// List reads one, with what its contacts have come to.
func (s Imports) List(ctx context.Context, id int64) (campaigns.List, error) {
	l, err := one(ctx, s, scanList, `SELECT `+listColumns+` FROM lists l WHERE l.id = $1`, id)
	if err != nil {
		return l, fmt.Errorf("store: list %d: %w", id, err)
	}
	l.Contacts, l.Reasons = map[campaigns.ContactState]int{}, map[string]int{}
	err = s.tallied(ctx, l.CampaignID, id, l.Contacts, func(kind, key string, n int64) {
		if kind == "finished" {
			l.Reasons[key] += int(n)
		}
	})
	if err != nil {
		return l, fmt.Errorf("store: contacts of list %d: %w", id, err)
	}
	return l, nil
}

// ListToday counts the calls of the day of a list, by the clock of its campaign's zone: those to whom nobody had called before,
// without those that ended before the person's phone was dialed.
func (s Imports) ListToday(ctx context.Context, l campaigns.List, now time.Time) (calls int, err error) {
	c, err := s.loadCampaign(ctx, s, l.CampaignID)
	if err == nil {
		err = s.callsToday(ctx, s, c, now, func(list int64, n int) {
			if list == l.ID {
				calls = n
			}
		})
	}
	if err != nil {
		return 0, fmt.Errorf("store: calls of list %d: %w", l.ID, err)
	}
	return calls, nil
}

// SetList changes how a list shares the calls of its campaign, with its entry in the audit log. A [campaigns.ValidationError]:
// a setting is out of range.
func (s Imports) SetList(ctx context.Context, id int64, set campaigns.ListSetting, who string, now time.Time) (campaigns.List,
	error) {
	if err := set.Validate(); err != nil {
		return campaigns.List{}, err
	}
	err := s.inTx(ctx, func(t *tx) error {
		l, err := one(ctx, t, scanList, `SELECT `+listColumns+` FROM lists l WHERE l.id = $1 FOR UPDATE`, id)
		if err != nil {
			return err
		}
		was := l
		if set.Weight != nil {
			l.Weight = *set.Weight
		}
		if set.Quota != nil {
			l.Quota = *set.Quota
		}
		if l.Weight == was.Weight && l.Quota == was.Quota {
			return nil
		}
		t.later(`UPDATE lists SET weight = $2, quota = $3 WHERE id = $1`, id, l.Weight, l.Quota)
		t.audit(who, "list.change", fmt.Sprintf("list/%d", id), fmt.Sprintf("%q of campaign %d: weight %d → %d, quota %d → %d", l.Name,
			l.CampaignID, was.Weight, l.Weight, was.Quota, l.Quota), now)
		return nil
	})
	if err != nil {
		return campaigns.List{}, fmt.Errorf("store: change list %d: %w", id, err)
	}
	return s.List(ctx, id)
}

// listBatch is how many contacts of a list change in one transaction: calls of others get their turn between them.
const listBatch = 2000

// CloseList has nobody who came by it dialed any more, from the first moment on: what is prepared is given up, and no claim
// passes. Then its waiting contacts are finished, some thousands at once, and promises to them end. Whoever is in a call at this
// moment stays so. It may be repeated, and goes on where it broke off. It returns how many contacts are finished by it.
func (s Imports) CloseList(ctx context.Context, id int64, who, why string, now time.Time) (int, error) {
	err := s.inTx(ctx, func(t *tx) error {
		l, err := one(ctx, t, scanList, `SELECT `+listColumns+` FROM lists l WHERE l.id = $1 FOR UPDATE`, id)
		if err != nil || !l.ClosedAt.IsZero() {
			return err
		}
		t.later(`UPDATE lists SET closed_at = $2, closed_by = $3 WHERE id = $1`, id, at(now), who)
		t.audit(who, "list.close", fmt.Sprintf("list/%d", id), fmt.Sprintf("%q of campaign %d; reason: %s", l.Name, l.CampaignID, why),
			now)
		return nil
	})
	if err == nil {
		err = s.inTx(ctx, func(t *tx) error {
			_, err := t.cancel(ctx, whyPlanAnew, now, `ended_at IS NULL AND state = 'prepared' AND origin <> 'manual'
				AND contact_id IN (SELECT c.id FROM contacts c WHERE c.list_id = $3)`, id)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("store: close list %d: %w", id, err)
	}
	return s.eachOfList(ctx, id, `c.state = 'waiting'`, func(t *tx, ids []int64) {
		t.closeWaiting(ids, now)
	})
}

// closeWaiting finishes waiting contacts of closed lists, with what was promised to them.
func (t *tx) closeWaiting(ids []int64, now time.Time) {
	t.later(`UPDATE callbacks SET done_at = $2, ended = $3 WHERE contact_id = ANY($1) AND done_at IS NULL`, ids, at(now), missed)
	t.later(`UPDATE contacts SET state = 'finished', reason = $2, updated_at = $3, callback_at = NULL, callback_agent = NULL,
		callback_open_at = NULL, callback_until = NULL, callback_tries = 0 WHERE id = ANY($1) AND state = 'waiting'`, ids,
		campaigns.ListClosed, at(now))
}

// ReopenList has those who came by it called again: those whom its close has finished are due at once.
func (s Imports) ReopenList(ctx context.Context, id int64, who, why string, now time.Time) (int, error) {
	err := s.inTx(ctx, func(t *tx) error {
		l, err := one(ctx, t, scanList, `SELECT `+listColumns+` FROM lists l WHERE l.id = $1 FOR UPDATE`, id)
		if err != nil || l.ClosedAt.IsZero() {
			return err
		}
		t.later(`UPDATE lists SET closed_at = NULL, closed_by = '' WHERE id = $1`, id)
		t.audit(who, "list.reopen", fmt.Sprintf("list/%d", id), fmt.Sprintf("%q of campaign %d; reason: %s", l.Name, l.CampaignID, why),
			now)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("store: reopen list %d: %w", id, err)
	}
	return s.eachOfList(ctx, id, `c.state = 'finished' AND c.reason = $4`, func(t *tx, ids []int64) {
		t.later(`UPDATE contacts SET state = 'waiting', reason = NULL, next_at = $2, updated_at = $2 WHERE id = ANY($1) AND state =
			'finished'`, ids, at(now))
	}, campaigns.ListClosed)
}

// RecycleList has finished contacts of a list called once more, and returns how many. Nobody who is on the do-not-call list, or
// beyond what the law permits, is: the gate judges each call anew. Who has used up the campaign's attempts, which do not count
// anew, stays finished: the gate would finish them again at once. ErrConflict: the list is closed.
func (s Imports) RecycleList(ctx context.Context, id int64, r campaigns.Recycling, who string, now time.Time) (int, error) {
	l, err := s.List(ctx, id)
	if err != nil {
		return 0, err
	}
	if !l.ClosedAt.IsZero() {
		return 0, contradiction(whyListIsClosed(l.Name))
	}
	reasons := r.Reasons
	if len(reasons)+len(r.Codes) == 0 {
		reasons = campaigns.RecycledReasons
	}
	for _, code := range r.Codes {
		reasons = append(slices.Clip(reasons), "code:"+code)
	}
	c, err := s.loadCampaign(ctx, s, l.CampaignID)
	if err != nil {
		return 0, err
	}
	set, which, args := "", `c.state = 'finished' AND c.reason = ANY($4)`, []any{reasons}
	if r.ResetAttempts {
		set = ", attempts = 0"
	} else if c.MaxAttempts > 0 {
		args = append(args, c.MaxAttempts)
		which += fmt.Sprintf(` AND c.attempts < $%d`, len(args)+3)
	}
	if r.MaxAttempts > 0 {
		args = append(args, r.MaxAttempts)
		which += fmt.Sprintf(` AND c.attempts <= $%d`, len(args)+3)
	}
	if !r.CalledBefore.IsZero() {
		args = append(args, at(r.CalledBefore))
		which += fmt.Sprintf(` AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.contact_id = c.id AND a.dialed_at >= $%d)`, len(args)+3)
	}
	n, err := s.eachOfList(ctx, id, which, func(t *tx, ids []int64) {
		t.later(`UPDATE contacts SET state = 'waiting', reason = NULL, next_at = $2, updated_at = $2`+set+
			` WHERE id = ANY($1) AND state = 'finished'`, ids, at(now))
	}, args...)
	if err != nil {
		return n, err
	}
	return n, s.inTx(ctx, func(t *tx) error {
		t.audit(who, "list.recycle", fmt.Sprintf("list/%d", id),
			fmt.Sprintf("%d contacts, finished by %s", n, strings.Join(reasons, ", ")), now)
		return nil
	})
}

// eachOfList changes contacts of a list that are as which says, with args from $4 on, in transactions of some thousands, by id.
func (s Imports) eachOfList(ctx context.Context, id int64, which string, change func(t *tx, ids []int64), args ...any) (total int,
	err error) {
	for after := int64(0); ; {
		var ids []int64
		err := s.inTx(ctx, func(t *tx) (err error) {
			if ids, err = all(ctx, t, scanID, `SELECT c.id FROM contacts c WHERE c.list_id = $1 AND c.id > $2 AND `+which+
				` ORDER BY c.id LIMIT $3 FOR UPDATE`,
				append([]any{id, after, listBatch}, args...)...); err != nil || len(ids) == 0 {
				return err
			}
			change(t, ids)
			return nil
		})
		if err != nil {
			return total, fmt.Errorf("store: contacts of list %d: %w", id, err)
		}
		total += len(ids)
		if len(ids) < listBatch {
			return total, nil
		}
		after = ids[len(ids)-1]
	}
}

// ListContacts lists those who came by a list, with ids above after, by id.
func (s Imports) ListContacts(ctx context.Context, id, after int64, limit int) ([]campaigns.Contact, error) {
	rows, err := all(ctx, s, scanContact, `SELECT `+contactColumns+
		` FROM contacts c WHERE c.list_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3`, id, after, limit)
	if err != nil {
		return nil, fmt.Errorf("store: contacts of list %d: %w", id, err)
	}
	list := make([]campaigns.Contact, len(rows))
	for i, c := range rows {
		list[i] = *c.public()
	}
	return list, nil
}
