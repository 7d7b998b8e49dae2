package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/dialer"
)

// Keep keeps by what an attempt's talk can be ended should its process be lost. See [dialer.Store].
func (s Dialing) Keep(ctx context.Context, k dialer.KeptTalk) error {
	return s.step(ctx, step{id: k.ID, check: func(h *locked) error {
		if h.Owner != k.Owner || h.Fence != k.Fence || h.State != dialer.Dialing && h.State != dialer.InTalk || h.DialedAt.IsZero() {
			return dialer.ErrFenced
		}
		return nil
	}, take: func(ctx context.Context, t *tx, _ *locked) error {
		_, err := t.exec(ctx, `INSERT INTO kept_talks (attempt_id, node, owner, network, kept) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (attempt_id) DO UPDATE SET node = $2, owner = $3, network = $4, kept = $5`,
			int64(k.ID), k.Node, k.Owner, k.Network, k.Kept)
		return err
	}})
}

// Left lists the talks that former lives of a node have left. See [dialer.Store].
func (s Dialing) Left(ctx context.Context, node, owner string, now time.Time, limit int) ([]dialer.LeftTalk, error) {
	_, err := s.exec(ctx, `DELETE FROM kept_talks WHERE EXISTS (SELECT 1 FROM attempts a WHERE a.id = kept_talks.attempt_id
		AND a.ended_at IS NOT NULL AND (a.outcome <> 'unknown' OR a.ended_at < $1))`, at(now.Add(-time.Hour)))
	if err != nil {
		return nil, fmt.Errorf("store: forget kept talks: %w", err)
	}
	list, err := all(ctx, s, func(row scanner) (l dialer.LeftTalk, err error) {
		err = row.Scan(append(attemptFields(&l.Attempt), &l.Network, &l.Kept)...)
		return l, err
	}, `SELECT `+attemptColumns+`, kept_talks.network, kept_talks.kept FROM kept_talks JOIN attempts ON attempts.id =
		kept_talks.attempt_id
		WHERE kept_talks.node = $1 AND kept_talks.owner <> $2 ORDER BY attempts.id LIMIT $3`, node, owner, limit)
	if err != nil {
		return nil, fmt.Errorf("store: talks left: %w", err)
	}
	for i, l := range list {
		c, err := s.loadCampaign(ctx, s, l.Attempt.CampaignID)
		if err != nil {
			return nil, err
		}
		list[i].WrapUp = c.WrapUp
	}
	return list, nil
}
