package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

const deliveryColumns = `d.id, d.event_id, d.endpoint_id, d.type, d.state, d.tries, d.refusals, d.next_at, d.failed_at, v.body, d.key,
	d.sequence, d.created_at`

func wholeDelivery(row scanner) (webhook.Delivery, error) { return scanDelivery(row) }

// scanDelivery reads the columns of a delivery, and then others.
func scanDelivery(row scanner, others ...any) (d webhook.Delivery, err error) {
	err = row.Scan(append([]any{&d.ID, &d.EventID, &d.EndpointID, &d.Type, &d.State, &d.Tries, &d.Refusals, moment{&d.NextAt},
		moment{&d.FailedAt}, &d.Body,
		&d.Key, &d.Sequence, moment{&d.CreatedAt}}, others...)...)
	return d, err
}

// Replay makes the selected deliveries of an endpoint pending again, those that wait too. Those that are being sent at this
// moment are left out.
func (s Webhooks) Replay(ctx context.Context, endpointID int64, which webhook.Selection, now time.Time) (int, error) {
	var n int64
	err := s.inTx(ctx, func(t *tx) (err error) {
		t.later(probeNow, endpointID, at(now))
		n, err = t.exec(ctx, `UPDATE deliveries SET state = 'pending', next_at = $2, tries = 0, refusals = 0, failed_at = NULL,
			lease_until = NULL
			WHERE endpoint_id = $1 AND (lease_until IS NULL OR lease_until <= $2)
			AND (CAST($3 AS BIGINT) IS NULL OR id = $3)
			AND (CAST($3 AS BIGINT) IS NOT NULL OR ((NOT $4 OR state <> 'delivered')
				AND (CAST($5 AS BIGINT) IS NULL OR created_at >= $5) AND (CAST($6 AS BIGINT) IS NULL OR created_at < $6)))`,
			endpointID, at(now), orNull(which.DeliveryID), which.OnlyFailed, at(which.From), at(which.To))
		t.events = n > 0
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: replay at endpoint %d: %w", endpointID, err)
	}
	return int(n), nil
}

// Prune forgets up to limit events that happened before the moment given, with their deliveries and tries.
func (s Webhooks) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	var n int
	err := s.inTx(ctx, func(t *tx) error {
		old, err := all(ctx, t, func(row scanner) (id string, err error) {
			err = row.Scan(&id)
			return id, err
		}, `SELECT id FROM events WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED`, at(before), limit)
		if n = len(old); err != nil || n == 0 {
			return err
		}
		t.later(`DELETE FROM tries WHERE delivery_id IN (SELECT id FROM deliveries WHERE event_id = ANY($1))`, old)
		t.later(`DELETE FROM deliveries WHERE event_id = ANY($1)`, old)
		t.later(`DELETE FROM journal WHERE event_id = ANY($1)`, old)
		t.later(`DELETE FROM events WHERE id = ANY($1)`, old)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("store: prune events: %w", err)
	}
	return n, nil
}

// Deliveries lists an endpoint's deliveries, the latest first: those with an id below before (zero: all), in the state given
// (empty: any), at most limit.
func (s Journal) Deliveries(ctx context.Context, endpointID int64, state webhook.DeliveryState, before int64,
	limit int) ([]webhook.Delivery, error) {
	list, err := all(ctx, s, wholeDelivery, `SELECT `+deliveryColumns+` FROM deliveries d JOIN events v ON v.id = d.event_id
		WHERE d.endpoint_id = $1 AND ($2 = '' OR d.state = $2) AND (CAST($3 AS BIGINT) = 0 OR d.id < $3) ORDER BY d.id DESC LIMIT $4`,
		endpointID, string(state), before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: deliveries of endpoint %d: %w", endpointID, err)
	}
	return list, nil
}

// Tries lists the requests of a delivery, in their order.
func (s Journal) Tries(ctx context.Context, deliveryID int64) ([]webhook.Try, error) {
	list, err := all(ctx, s, func(row scanner) (t webhook.Try, err error) {
		err = row.Scan(&t.DeliveryID, &t.Number, moment{&t.At}, span{&t.Duration}, &t.Status, &t.Error, &t.Reply)
		return t, err
	}, `SELECT delivery_id, number, at, duration_ms, status, error, reply FROM tries WHERE delivery_id = $1 ORDER BY number`,
		deliveryID)
	if err != nil {
		return nil, fmt.Errorf("store: tries of delivery %d: %w", deliveryID, err)
	}
	return list, nil
}
