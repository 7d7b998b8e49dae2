package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/webhook"
)

// WatchPromises tells the CRM of promised callbacks that are late. See [dialer.Store].
func (s Dialing) WatchPromises(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		n = 0
		late, err := all(ctx, t, scanCallback, `SELECT `+callbackColumns+` FROM callbacks WHERE done_at IS NULL AND late_at IS NULL
			AND called_at IS NULL AND at < $1 ORDER BY at, contact_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
			at(now.Add(-campaigns.PromiseLate)), limit)
		if err != nil {
			return err
		}
		for _, c := range late {
			k, err := t.lockContact(ctx, c.ContactID)
			if err != nil {
				return err
			}
			if k.State == campaigns.Calling {
				continue // it is being kept at this moment
			}
			if err := t.tellLate(ctx, k, c, now); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("store: late promises: %w", err)
	}
	return n, nil
}

func (t *tx) tellLate(ctx context.Context, k *contact, c campaigns.Callback, now time.Time) error {
	campaign, err := t.db.loadCampaign(ctx, t, c.CampaignID)
	if err != nil {
		return err
	}
	data := webhook.Data{Campaign: &webhook.Campaign{ID: campaign.ID, Name: campaign.Name},
		Callback: &webhook.Callback{At: c.At.UTC(), OpenAt: moments(c.OpenAt)}}
	if c.AgentID != 0 {
		who, err := all(ctx, t, func(row scanner) (a webhook.Agent, err error) {
			err = row.Scan(&a.ID, &a.Login, &a.UserID)
			return a, err
		}, `SELECT id, login, user_id FROM agents WHERE id = $1`, c.AgentID)
		if err != nil {
			return err
		}
		if len(who) > 0 {
			data.Agent = &who[0]
		}
	}
	t.later(`UPDATE callbacks SET late_at = $2 WHERE contact_id = $1 AND done_at IS NULL`, c.ContactID, at(now))
	return t.tellContact(k, webhook.CallbackLate, data, now)
}

// Promises says how promises are kept. See [dialer.Store].
func (s Contacts) Promises(ctx context.Context, campaignID int64, from, now time.Time) (campaigns.PromiseClock, error) {
	return Dialing(s).Promises(ctx, campaignID, from, now)
}

// fate is what became of a promise, by the first that is true: what was dialed counts as it was dialed, also when it was moved
// afterwards. $1 is how late a promise may be kept, in milliseconds.
const fate = `CASE WHEN called_at <= at + $1 THEN 'in_time' WHEN called_at > at + $1 THEN 'late'
	WHEN ended = '` + cancelled + `' THEN 'cancelled' WHEN ended IN ('` + moved + `', '` + replaced + `') THEN 'moved'
	WHEN done_at IS NOT NULL THEN 'missed' WHEN at + $1 < $2 THEN 'overdue' ELSE 'waiting' END`

// fates counts promises by fate, in the order of campaigns.PromiseCount.
const fates = `count(*), count(CASE WHEN fate = 'in_time' THEN 1 END), count(CASE WHEN fate = 'late' THEN 1 END),
	count(CASE WHEN fate = 'missed' THEN 1 END), count(CASE WHEN fate = 'moved' THEN 1 END),
	count(CASE WHEN fate = 'cancelled' THEN 1 END), count(CASE WHEN fate = 'waiting' THEN 1 END),
	count(CASE WHEN fate = 'overdue' THEN 1 END)`

func fatesOf(p *campaigns.PromiseCount) []any {
	return []any{&p.Made, &p.InTime, &p.Late, &p.Missed, &p.Moved, &p.Cancelled, &p.Waiting, &p.Overdue}
}

// Promises says how promises are kept whose agreed moment lies from from until now. See [dialer.Store].
func (s Dialing) Promises(ctx context.Context, campaignID int64, from, now time.Time) (campaigns.PromiseClock, error) {
	p, err := one(ctx, s, func(row scanner) (p campaigns.PromiseCount, err error) {
		return p, row.Scan(fatesOf(&p)...)
	}, `SELECT `+fates+` FROM (SELECT `+fate+` AS fate FROM callbacks WHERE at >= $3 AND at <= $2
		AND (CAST($4 AS BIGINT) = 0 OR campaign_id = $4)) promises`, campaigns.PromiseLate.Milliseconds(), at(now), at(from), campaignID)
	if err != nil {
		return campaigns.PromiseClock{}, fmt.Errorf("store: promises: %w", err)
	}
	return p.Clock(), nil
}
