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

// Promises says how promises are kept whose agreed moment lies from from until now. See [dialer.Store].
func (s Dialing) Promises(ctx context.Context, campaignID int64, from, now time.Time) (campaigns.PromiseClock, error) {
	late := campaigns.PromiseLate.Milliseconds()
	p, err := one(ctx, s, func(row scanner) (p campaigns.PromiseClock, err error) {
		err = row.Scan(&p.Due, &p.InTime, &p.Late, &p.Missed, &p.Waiting, &p.Overdue)
		return p, err
	}, `SELECT count(*), count(CASE WHEN called_at <= at + $4 THEN 1 END), count(CASE WHEN called_at > at + $4 THEN 1 END),
		count(CASE WHEN called_at IS NULL AND done_at IS NOT NULL THEN 1 END),
		count(CASE WHEN called_at IS NULL AND done_at IS NULL AND at + $4 >= $3 THEN 1 END),
		count(CASE WHEN called_at IS NULL AND done_at IS NULL AND at + $4 < $3 THEN 1 END)
		FROM callbacks WHERE at >= $2 AND at <= $3 AND ended NOT IN ('cancelled', 'replaced') AND (CAST($1 AS BIGINT) = 0 OR campaign_id = $1)`,
		campaignID, at(from), at(now), late)
	if err != nil {
		return p, fmt.Errorf("store: promises: %w", err)
	}
	return p, nil
}
