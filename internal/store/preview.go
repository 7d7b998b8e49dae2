package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Show keeps prepared attempts whose contacts are shown to agents. See [dialer.Previews].
func (s Previews) Show(ctx context.Context, of []dialer.AttemptID, until, now time.Time) ([]dialer.Claimed, error) {
	versions := map[dialer.AttemptID]int64{}
	list, err := all(ctx, changing(s), func(row scanner) (a dialer.Attempt, err error) {
		var version int64
		err = row.Scan(append(attemptFields(&a), &version)...)
		versions[a.ID] = version
		return a, err
	}, `UPDATE attempts SET shown_until = $2 WHERE id = ANY($1) AND state = 'prepared' AND valid_until > $3
		AND EXISTS (SELECT 1 FROM campaigns c WHERE c.id = attempts.campaign_id AND c.status = 'running'
			AND (attempts.rules_seen IS NULL OR c.rules_at <= attempts.rules_seen))
		RETURNING `+attemptColumns+`, (SELECT c.version FROM campaigns c WHERE c.id = attempts.campaign_id)`,
		numbers(of), at(until), at(now))
	if err != nil {
		return nil, fmt.Errorf("store: keep previews: %w", err)
	}
	company, err := s.company(ctx, s, list, versions)
	if err != nil {
		return nil, fmt.Errorf("store: what is shown: %w", err)
	}
	shown := make([]dialer.Claimed, len(list))
	for i, a := range list {
		shown[i] = *company[a.ID]
	}
	return shown, nil
}

// Skip gives up a prepared attempt and has its contact wait. See [dialer.Previews].
func (s Previews) Skip(ctx context.Context, id dialer.AttemptID, why reason.Reason, next, now time.Time) (skipped bool,
	err error) {
	err = s.inTx(ctx, func(t *tx) error {
		n, err := t.cancel(ctx, why, now, `id = $3 AND state = 'prepared'`, int64(id))
		if skipped = n > 0; err != nil || !skipped {
			return err
		}
		contacts, err := all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c
			WHERE c.id = (SELECT a.contact_id FROM attempts a WHERE a.id = $1) AND c.state = 'waiting' FOR UPDATE`, int64(id))
		for _, k := range contacts {
			if k.NextAt.Before(next) {
				t.dueAt(k, next, false, now)
			}
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store: skip attempt %s: %w", id, err)
	}
	return skipped, nil
}
