package store

import (
	"context"
	"fmt"
	"time"
)

const (
	replyKept      = 48 * time.Hour   // how long a reply is kept, at least
	replyAbandoned = 10 * time.Minute // a request that has not ended by then never will: its process died
	replyRunning   = -1               // the status of a request that is still served
)

// BeginReply takes an Idempotency-Key. Status 0: it is the caller's, and EndReply must follow. Else the request was made
// before with this fingerprint, and had a reply with this status and body; status -1: it is still being served.
func (s Replies) BeginReply(ctx context.Context, key string, fingerprint []byte, now time.Time) (status int, kept,
	body []byte, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		t.later(`DELETE FROM replies WHERE begun_at < $1 OR (begun_at < $2 AND status IS NULL)`,
			at(now.Add(-replyKept)), at(now.Add(-replyAbandoned)))
		n, err := t.exec(ctx, `INSERT INTO replies (key, fingerprint, begun_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			key, fingerprint, at(now))
		if err != nil || n == 1 {
			status, kept, body = 0, nil, nil
			return err
		}
		_, err = one(ctx, t, func(row scanner) (none struct{}, err error) {
			err = row.Scan(orZero(&status), &kept, &body)
			return none, err
		}, `SELECT status, fingerprint, body FROM replies WHERE key = $1`, key)
		if status == 0 {
			status = replyRunning
		}
		return err
	})
	if err != nil {
		return 0, nil, nil, fmt.Errorf("store: idempotency key: %w", err)
	}
	return status, kept, body, nil
}

// EndReply keeps the reply to a request; status 0 gives the key back, so that the request may be made again.
func (s Replies) EndReply(ctx context.Context, key string, status int, body []byte, now time.Time) error {
	var err error
	if status == 0 {
		_, err = s.exec(ctx, `DELETE FROM replies WHERE key = $1 AND status IS NULL`, key)
	} else {
		_, err = s.exec(ctx, `UPDATE replies SET status = $2, body = $3, begun_at = $4 WHERE key = $1 AND status IS NULL`, key,
			status, body, at(now))
	}
	if err != nil {
		return fmt.Errorf("store: idempotency key: %w", err)
	}
	return nil
}
