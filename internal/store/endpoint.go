package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/webhook"

	"github.com/creditorro/ringmaster/internal/reason"
)

var errNoEndpoint = fmt.Errorf("%w (%w)", webhook.ErrNoEndpoint, ErrNotFound)

const endpointColumns = `id, url, types, secret, ordered, rate, concurrent, disabled, reason,
	failing_at, worked_at, probe_at, strikes, told_at, error, created_at, campaigns, version, sealed`

func wholeEndpoint(row scanner) (webhook.Endpoint, error) { return scanEndpoint(row) }

// scanEndpoint reads the columns of an endpoint, and then others.
func scanEndpoint(row scanner, others ...any) (e webhook.Endpoint, err error) {
	var types, campaigns string
	err = row.Scan(append([]any{&e.ID, &e.URL, &types, &e.Secret, &e.Ordered, &e.Rate, &e.Concurrent,
		&e.Disabled, why{&e.Reason}, moment{&e.FailingAt}, moment{&e.WorkedAt}, moment{&e.ProbeAt}, &e.Strikes, moment{&e.ToldAt},
		&e.Error,
		moment{&e.CreatedAt}, &campaigns, &e.Version, &e.Sealed}, others...)...)
	for id := range strings.SplitSeq(strings.Trim(campaigns, ","), ",") {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			e.Campaigns = append(e.Campaigns, n)
		}
	}
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

// Endpoint reads one endpoint, or returns [webhook.ErrNoEndpoint].
func (s Webhooks) Endpoint(ctx context.Context, id int64) (webhook.Endpoint, error) {
	e, err := one(ctx, s, wholeEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, id)
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
func (s Webhooks) Endpoints(ctx context.Context) ([]webhook.Endpoint, error) {
	list, err := all(ctx, s, wholeEndpoint, `SELECT `+endpointColumns+` FROM endpoints ORDER BY id`)
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
func (s Webhooks) CreateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error) {
	var id int64
	err := s.inTx(ctx, func(t *tx) (err error) {
		if _, err := t.nextSequence(ctx, "endpoints"); err != nil { // its row is locked: two that come at once do not both count 49
			return err
		}
		there, err := one(ctx, t, scanID, `SELECT count(*) FROM endpoints`)
		if err != nil {
			return err
		}
		if there >= webhook.MaxEndpoints {
			return conflicts(webhook.ErrTooManyEndpoints)
		}
		id, err = one(ctx, t, scanID, `INSERT INTO endpoints (url, types, secret, ordered, rate, concurrent, disabled, reason,
			created_at,
			campaigns, version, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id`, e.URL, typeList(e.Types),
			e.Secret, e.Ordered, e.Rate, e.Concurrent, e.Disabled, e.Reason.Text(), at(e.CreatedAt), idList(e.Campaigns),
			max(1, e.Version), e.Sealed)
		t.later(insertSecret, id, e.Secret, at(e.CreatedAt))
		return err
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("store: new endpoint: %w", err)
	}
	return s.Endpoint(ctx, id)
}

// UpdateEndpoint replaces what a supervisor may set of an endpoint; its secrets stay: see [Webhooks.RotateSecret]. One that is
// enabled begins anew: it is not failing. One that fails is asked at once whether the change has mended it.
func (s Webhooks) UpdateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error) {
	if !e.Disabled {
		e.Reason = reason.Reason{}
	}
	n, err := s.exec(ctx, `UPDATE endpoints SET url = $2, types = $3, ordered = $4, rate = $5, concurrent = $6, disabled = $7,
		reason = $8,
		campaigns = $9, version = $10, sealed = $11, slot_at = NULL, failing_at = CASE WHEN disabled AND NOT $7 THEN NULL ELSE
		failing_at END,
		told_at = CASE WHEN disabled AND NOT $7 THEN NULL ELSE told_at END,
		strikes = CASE WHEN disabled AND NOT $7 THEN 0 ELSE strikes END,
		error = CASE WHEN disabled AND NOT $7 THEN '' ELSE error END, probe_at = CASE WHEN probe_at IS NULL THEN NULL ELSE 0 END
		WHERE id = $1`, e.ID, e.URL, typeList(e.Types), e.Ordered, e.Rate, e.Concurrent, e.Disabled, e.Reason.Text(),
		idList(e.Campaigns), max(1, e.Version), e.Sealed)
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
func (s Webhooks) DeleteEndpoint(ctx context.Context, id int64) error {
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
