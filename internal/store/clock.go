package store

import (
	"context"
	"fmt"
	"time"
)

// Clock is what the database's clock shows. That of a file is this process's.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	query := s.engine.clock()
	if query == "" {
		return time.Now(), nil
	}
	now, err := one(ctx, s, func(row scanner) (now time.Time, err error) {
		err = row.Scan(&now)
		return now, err
	}, query)
	if err != nil {
		return time.Time{}, fmt.Errorf("store: clock: %w", err)
	}
	return now, nil
}

// PullDeliveries makes due what was written, or tried, by a clock that has been set back since: else it would wait for as long as
// that clock was ahead.
func (s Webhooks) PullDeliveries(ctx context.Context, now time.Time) (int, error) {
	var n int64
	err := s.inTx(ctx, func(t *tx) (err error) {
		t.later(`UPDATE deliveries SET lease_until = NULL WHERE state = 'pending' AND lease_until > $1`, at(now.Add(longestLease)))
		t.later(`UPDATE endpoints SET probe_at = $1 WHERE failing_at > $1 AND probe_at > $1`, at(now))
		n, err = t.exec(ctx, `UPDATE deliveries SET next_at = $1 WHERE state = 'pending' AND next_at > $1
			AND (created_at > $1 OR failed_at > $1)`, at(now))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: deliveries ahead of the clock: %w", err)
	}
	return int(n), nil
}

// longestLease is longer than any lease of a delivery that was taken by the clock as it is.
const longestLease = 2 * time.Minute
