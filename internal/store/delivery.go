package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

const deliveryColumns = `d.id, d.event_id, d.endpoint_id, d.type, d.state, d.tries, d.next_at, v.body, d.key, d.sequence,
	d.created_at`

func scanDelivery(row scanner) (d webhook.Delivery, err error) {
	err = row.Scan(&d.ID, &d.EventID, &d.EndpointID, &d.Type, &d.State, &d.Tries, moment{&d.NextAt}, &d.Body, &d.Key, &d.Sequence,
		moment{&d.CreatedAt})
	return d, err
}

// DueEndpoints lists the enabled endpoints with deliveries that are pending, due and not leased.
func (s *Store) DueEndpoints(ctx context.Context, now time.Time) ([]webhook.Backlog, error) {
	list, err := all(ctx, s, func(row scanner) (b webhook.Backlog, err error) {
		err = row.Scan(&b.EndpointID, moment{&b.Oldest})
		return b, err
	}, `SELECT id, oldest FROM (
			SELECT p.id, (SELECT min(d.next_at) FROM deliveries d WHERE d.endpoint_id = p.id AND d.state = 'pending' AND d.next_at <= $1
				AND (d.lease_until IS NULL OR d.lease_until <= $1)) AS oldest
			FROM endpoints p WHERE NOT p.disabled) AS backlog
		WHERE oldest IS NOT NULL ORDER BY oldest, id`, at(now))
	if err != nil {
		return nil, fmt.Errorf("store: endpoints with deliveries due: %w", err)
	}
	return list, nil
}

// Due leases up to limit due deliveries of one endpoint. See [webhook.Store].
func (s *Store) Due(ctx context.Context, endpointID int64, limit int, now, leaseUntil time.Time) ([]webhook.Delivery, error) {
	var due []webhook.Delivery
	err := s.inTx(ctx, func(t *tx) error {
		var events []string
		leased, err := all(ctx, t, func(row scanner) (id int64, err error) {
			var event string
			err = row.Scan(&id, &event)
			events = append(events, event)
			return id, err
		}, `UPDATE deliveries SET lease_until = $4 WHERE id IN (
				SELECT d.id FROM deliveries d JOIN endpoints p ON p.id = d.endpoint_id
				WHERE d.endpoint_id = $1 AND NOT p.disabled AND d.state = 'pending' AND d.next_at <= $2
				AND (d.lease_until IS NULL OR d.lease_until <= $2)
				AND (NOT p.ordered OR NOT EXISTS (SELECT 1 FROM deliveries e
					WHERE e.endpoint_id = d.endpoint_id AND e.key = d.key AND e.state = 'pending' AND e.sequence < d.sequence))
				ORDER BY d.next_at, d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED)
			RETURNING id, event_id`, endpointID, at(now), limit, at(leaseUntil))
		if err != nil || len(leased) == 0 {
			return err
		}
		due, err = all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries d JOIN events v ON v.id = d.event_id
			WHERE d.id = ANY($1) AND v.id = ANY($2) ORDER BY d.next_at, d.id`, leased, events)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: deliveries due at endpoint %d: %w", endpointID, err)
	}
	return due, nil
}

// Record stores a try and the delivery's next state. A delivery that was forgotten meanwhile stays so.
func (s *Store) Record(ctx context.Context, try webhook.Try, next webhook.DeliveryState, nextAt time.Time) error {
	if next != webhook.Pending {
		nextAt = time.Time{}
	}
	err := s.inTx(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE deliveries SET tries = tries + 1, lease_until = NULL,
			state = CASE WHEN state = 'delivered' THEN state ELSE $2 END,
			next_at = CASE WHEN state = 'delivered' THEN NULL ELSE CAST($3 AS BIGINT) END WHERE id = $1`,
			try.DeliveryID, string(next), at(nextAt))
		if err != nil || n == 0 {
			return err
		}
		t.later(`INSERT INTO tries (delivery_id, number, at, duration_ms, status, error, reply)
			SELECT $1, COALESCE(max(number), 0) + 1, $2, $3, $4, $5, $6 FROM tries WHERE delivery_id = $1`,
			try.DeliveryID, at(try.At), try.Duration.Milliseconds(), try.Status, try.Error, try.Reply)
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: record a try of delivery %d: %w", try.DeliveryID, err)
	}
	return nil
}

// Release ends the leases of deliveries that were not sent after all; they are due again at once.
func (s *Store) Release(ctx context.Context, deliveryIDs []int64) error {
	_, err := s.exec(ctx, `UPDATE deliveries SET lease_until = NULL WHERE id = ANY($1) AND state = 'pending'`, deliveryIDs)
	if err != nil {
		return fmt.Errorf("store: release deliveries: %w", err)
	}
	return nil
}

// Replay makes the selected deliveries of an endpoint pending again. Those that are being sent at this moment are left out.
func (s *Store) Replay(ctx context.Context, endpointID int64, which webhook.Selection, now time.Time) (int, error) {
	n, err := s.exec(ctx, `UPDATE deliveries SET state = 'pending', next_at = $2, tries = 0, lease_until = NULL
		WHERE endpoint_id = $1 AND (lease_until IS NULL OR lease_until <= $2)
		AND (CAST($3 AS BIGINT) IS NULL OR id = $3)
		AND (CAST($3 AS BIGINT) IS NOT NULL OR ((NOT $4 OR state = 'failed')
			AND (CAST($5 AS BIGINT) IS NULL OR created_at >= $5) AND (CAST($6 AS BIGINT) IS NULL OR created_at < $6)))`,
		endpointID, at(now), orNull(which.DeliveryID), which.OnlyFailed, at(which.From), at(which.To))
	if err != nil {
		return 0, fmt.Errorf("store: replay at endpoint %d: %w", endpointID, err)
	}
	if n > 0 {
		s.onEvent()
	}
	return int(n), nil
}

// Prune forgets up to limit events that happened before the moment given, with their deliveries and tries.
func (s *Store) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
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
func (s *Store) Deliveries(ctx context.Context, endpointID int64, state webhook.DeliveryState, before int64,
	limit int) ([]webhook.Delivery, error) {
	list, err := all(ctx, s, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries d JOIN events v ON v.id = d.event_id
		WHERE d.endpoint_id = $1 AND ($2 = '' OR d.state = $2) AND (CAST($3 AS BIGINT) = 0 OR d.id < $3) ORDER BY d.id DESC LIMIT $4`,
		endpointID, string(state), before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: deliveries of endpoint %d: %w", endpointID, err)
	}
	return list, nil
}

// Tries lists the requests of a delivery, in their order.
func (s *Store) Tries(ctx context.Context, deliveryID int64) ([]webhook.Try, error) {
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
