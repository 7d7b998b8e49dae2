package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

var errNoEndpoint = fmt.Errorf("%w (%w)", webhook.ErrNoEndpoint, ErrNotFound)

const endpointColumns = `id, url, types, secret, ordered, rate, concurrent, disabled, reason,
	failing_at, created_at`

func scanEndpoint(row scanner) (e webhook.Endpoint, err error) {
	var types string
	err = row.Scan(&e.ID, &e.URL, &types, &e.Secret, &e.Ordered, &e.Rate, &e.Concurrent,
		&e.Disabled,
		&e.Reason, moment{&e.FailingAt}, moment{&e.CreatedAt})
	for t := range strings.SplitSeq(strings.Trim(types, ","), ",") {
		if t != "" {
			e.Types = append(e.Types, webhook.Type(t))
		}
	}
	return e, err
}

// typeList is how the column types is searched by: each type between commas.
func typeList(types []webhook.Type) string {
	var b strings.Builder
	for i, t := range types {
		if i == 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(t) + ",")
	}
	return b.String()
}

// Endpoint reads one endpoint, or answers [webhook.ErrNoEndpoint].
func (s *Store) Endpoint(ctx context.Context, id int64) (webhook.Endpoint, error) {
	e, err := one(ctx, s, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, id)
	if errors.Is(err, ErrNotFound) {
		return e, errNoEndpoint
	}
	if err == nil {
		e.Old, err = all(ctx, s, scanSecret, `SELECT `+secretColumns+` FROM endpoint_secrets WHERE endpoint_id = $1
			AND ends_at IS NOT NULL ORDER BY id DESC`, id)
	}
	if err != nil {
		return e, fmt.Errorf("store: endpoint %d: %w", id, err)
	}
	return e, nil
}

// Endpoints reads all endpoints.
func (s *Store) Endpoints(ctx context.Context) ([]webhook.Endpoint, error) {
	list, err := all(ctx, s, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("store: endpoints: %w", err)
	}
	place := make(map[int64]int, len(list))
	for i, e := range list {
		place[e.ID] = i
	}
	_, err = all(ctx, s, func(row scanner) (secret webhook.Secret, err error) {
		var endpoint int64
		err = row.Scan(&secret.ID, &secret.Value, moment{&secret.CreatedAt}, moment{&secret.EndsAt}, &endpoint)
		if i, ok := place[endpoint]; ok {
			list[i].Old = append(list[i].Old, secret)
		}
		return secret, err
	}, `SELECT `+secretColumns+`, endpoint_id FROM endpoint_secrets WHERE ends_at IS NOT NULL ORDER BY endpoint_id, id DESC`)
	if err != nil {
		return nil, fmt.Errorf("store: endpoints' secrets: %w", err)
	}
	return list, nil
}

// CreateEndpoint stores a new endpoint.
func (s *Store) CreateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error) {
	var id int64
	err := s.inTx(ctx, func(t *tx) (err error) {
		id, err = one(ctx, t, scanID, `INSERT INTO endpoints (url, types, secret, ordered, rate, concurrent, disabled, reason, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`, e.URL, typeList(e.Types), e.Secret, e.Ordered, e.Rate, e.Concurrent,
			e.Disabled, e.Reason, at(e.CreatedAt))
		t.later(insertSecret, id, e.Secret, at(e.CreatedAt))
		return err
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("store: new endpoint: %w", err)
	}
	return s.Endpoint(ctx, id)
}

// UpdateEndpoint replaces what a supervisor may set of an endpoint; its secrets stay: see [Store.RotateSecret]. One that is
// enabled begins anew: it is not failing.
func (s *Store) UpdateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error) {
	if !e.Disabled {
		e.Reason = ""
	}
	n, err := s.exec(ctx, `UPDATE endpoints SET url = $2, types = $3, ordered = $4, rate = $5, concurrent = $6, disabled = $7, reason = $8,
		failing_at = CASE WHEN disabled AND NOT $7 THEN NULL ELSE failing_at END WHERE id = $1`,
		e.ID, e.URL, typeList(e.Types), e.Ordered, e.Rate, e.Concurrent, e.Disabled, e.Reason)
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("store: endpoint %d: %w", e.ID, err)
	}
	if n == 0 {
		return webhook.Endpoint{}, errNoEndpoint
	}
	s.onEvent() // what waited while it was disabled is due
	return s.Endpoint(ctx, e.ID)
}

// DeleteEndpoint forgets an endpoint with its deliveries.
func (s *Store) DeleteEndpoint(ctx context.Context, id int64) error {
	return s.inTx(ctx, func(t *tx) error {
		t.later(`DELETE FROM tries WHERE delivery_id IN (SELECT id FROM deliveries WHERE endpoint_id = $1)`, id)
		t.later(`DELETE FROM deliveries WHERE endpoint_id = $1`, id)
		n, err := t.exec(ctx, `DELETE FROM endpoints WHERE id = $1`, id)
		if err == nil && n == 0 {
			return errNoEndpoint
		}
		return err
	})
}

// MarkEndpoint stores since when an endpoint fails, and disables it when a reason is given. See [webhook.Store].
func (s *Store) MarkEndpoint(ctx context.Context, id int64, failingAt time.Time, disableReason string) error {
	_, err := s.exec(ctx, `UPDATE endpoints SET
		failing_at = CASE WHEN failing_at < $2 THEN failing_at ELSE CAST($2 AS BIGINT) END,
		disabled = CASE WHEN $3 = '' THEN disabled ELSE TRUE END,
		reason = CASE WHEN $3 = '' THEN reason ELSE $3 END WHERE id = $1`, id, at(failingAt), disableReason)
	if err != nil {
		return fmt.Errorf("store: mark endpoint %d: %w", id, err)
	}
	return nil
}

// PingEndpoint writes a test event for one endpoint and answers its delivery.
func (s *Store) PingEndpoint(ctx context.Context, id int64, now time.Time) (deliveryID int64, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		if _, err := one(ctx, t, scanID, `SELECT id FROM endpoints WHERE id = $1`, id); err != nil {
			return errNoEndpoint
		}
		key := fmt.Sprintf("endpoint:%d", id)
		sequence, err := t.nextSequence(ctx, key)
		if err != nil {
			return err
		}
		event, err := newEvent(key, sequence, webhook.Ping, webhook.Data{}, now)
		if err != nil {
			return err
		}
		t.later(insertEvents, rowset([]eventRow{event}))
		t.events = true
		deliveryID, err = one(ctx, t, scanID, `INSERT INTO deliveries (event_id, endpoint_id, type, key, sequence, state, next_at,
			created_at)
			VALUES ($1, $2, $3, $4, $5, 'pending', $6, $6) RETURNING id`, event.ID, id, string(webhook.Ping), key, sequence, at(now))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: ping endpoint %d: %w", id, err)
	}
	return deliveryID, nil
}
