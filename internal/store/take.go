package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

// DueEndpoints lists the enabled endpoints with deliveries that are pending, due and not leased.
func (s Webhooks) DueEndpoints(ctx context.Context, now time.Time) ([]webhook.Backlog, error) {
	list, err := all(ctx, s, func(row scanner) (b webhook.Backlog, err error) {
		var e webhook.Endpoint
		err = row.Scan(&b.EndpointID, moment{&b.Oldest}, moment{&e.FailingAt}, moment{&e.ProbeAt}, &e.Strikes)
		b.Ready = e.Admits(now) != webhook.Admission{FreshOnly: true}
		return b, err
	}, `SELECT id, oldest, failing_at, probe_at, strikes FROM (
			SELECT p.id, p.failing_at, p.probe_at, p.strikes, (SELECT min(d.next_at) FROM deliveries d
				WHERE d.endpoint_id = p.id AND d.state = 'pending' AND d.next_at <= $1
				AND (d.lease_until IS NULL OR d.lease_until <= $1)) AS oldest
			FROM endpoints p WHERE NOT p.disabled) AS backlog
		WHERE oldest IS NOT NULL ORDER BY oldest, id`, at(now))
	if err != nil {
		return nil, fmt.Errorf("store: endpoints with deliveries due: %w", err)
	}
	return list, nil
}

// Take leases what an endpoint admits of its due deliveries. See [webhook.Store].
func (s Webhooks) Take(ctx context.Context, endpointID int64, now, leaseUntil time.Time) (webhook.Batch, error) {
	e, err := s.Endpoint(ctx, endpointID)
	if err != nil {
		return webhook.Batch{}, err
	}
	batch := webhook.Batch{Endpoint: e}
	if admits := e.Admits(now); admits.Limit == 0 && !admits.Probe {
		return batch, nil
	}
	// Lanes ask after each try whether there is more: mostly there is not, and nobody need wait for the answer.
	waiting, err := one(ctx, s, scanBool, `SELECT EXISTS (SELECT 1 FROM deliveries d WHERE `+dueNow+`)`, endpointID, at(now))
	if err == nil && waiting {
		err = s.inTx(ctx, func(t *tx) (err error) {
			batch, err = t.take(ctx, endpointID, now, leaseUntil)
			batch.Endpoint.Old = e.Old
			return err
		})
	}
	if err != nil {
		return webhook.Batch{}, fmt.Errorf("store: deliveries due at endpoint %d: %w", endpointID, err)
	}
	return batch, nil
}

const (
	dueNow = `d.endpoint_id = $1 AND d.state = 'pending' AND d.next_at <= $2 AND (d.lease_until IS NULL OR d.lease_until <= $2)`

	// inTurn keeps the order of a contact's events: the earlier one goes first, unless it was refused by itself twice and
	// the endpoint ($3) is not ordered.
	inTurn = ` AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.endpoint_id = d.endpoint_id AND e.key = d.key
		AND e.state = 'pending' AND e.sequence < d.sequence AND ($3 OR e.refusals < 2))`

	// fresh leaves out what has failed since the endpoint does ($4, zero: it works).
	fresh = ` AND (CAST($4 AS BIGINT) IS NULL OR d.failed_at IS NULL OR d.failed_at < $4)`

	// probes is how many of the oldest deliveries a probe is chosen from.
	probes = `500`
)

func (t *tx) take(ctx context.Context, endpointID int64, now, leaseUntil time.Time) (webhook.Batch, error) {
	var slot time.Time
	e, err := one(ctx, t, func(row scanner) (webhook.Endpoint, error) { return scanEndpoint(row, micro{&slot}) },
		`SELECT `+endpointColumns+`, slot_at FROM endpoints WHERE id = $1 FOR UPDATE`, endpointID)
	batch := webhook.Batch{Endpoint: e, First: now}
	if err != nil {
		return batch, err
	}
	admits := e.Admits(now)
	var ids []int64
	if admits.Limit > 0 {
		ids, err = all(ctx, t, scanID, `SELECT d.id FROM deliveries d WHERE `+dueNow+inTurn+fresh+
			` ORDER BY d.id LIMIT $5 FOR UPDATE OF d SKIP LOCKED`, endpointID, at(now), e.Ordered, at(e.FailingAt), admits.Limit)
		if err != nil {
			return batch, err
		}
	}
	var probe int64
	if admits.Probe {
		if probe, err = t.probe(ctx, e, admits, now); err != nil {
			return batch, err
		}
		if probe != 0 {
			ids = append(ids, probe)
			batch.Endpoint = e.Claimed(now)
		}
	}
	if len(ids) == 0 {
		return batch, nil
	}
	if slot.After(now) {
		batch.First = slot
	}
	t.later(`UPDATE endpoints SET slot_at = $2, probe_at = $3 WHERE id = $1`, endpointID,
		batch.First.Add(time.Duration(len(ids))*e.Spacing()).UnixMicro(), at(batch.Endpoint.ProbeAt))
	t.later(`UPDATE deliveries SET lease_until = $2 WHERE id = ANY($1)`, ids, at(leaseUntil))
	batch.Deliveries, err = all(ctx, t, wholeDelivery,
		`SELECT `+deliveryColumns+` FROM deliveries d JOIN events v ON v.id = d.event_id
		WHERE d.id = ANY($1) ORDER BY d.id`, ids)
	for i := range batch.Deliveries {
		batch.Deliveries[i].Probe = batch.Deliveries[i].ID == probe
	}
	return batch, err
}

// probe chooses the delivery that asks a failing endpoint; 0: there is none. While the endpoint is only doubted, it is one of
// those that were refused: the others go anyway.
func (t *tx) probe(ctx context.Context, e webhook.Endpoint, admits webhook.Admission, now time.Time) (int64, error) {
	ids, err := all(ctx, t, scanID, `SELECT c.id FROM (
			SELECT d.id, d.type, d.failed_at IS NOT NULL AS failed, d.failed_at FROM deliveries d WHERE `+dueNow+inTurn+`
			AND (NOT $5 OR d.failed_at >= $4) ORDER BY d.id LIMIT `+probes+` FOR UPDATE OF d SKIP LOCKED) AS c
		ORDER BY c.failed, EXISTS (SELECT 1 FROM deliveries f WHERE f.endpoint_id = $1 AND f.state = 'pending' AND f.failed_at >= $4
			AND f.type = c.type), CASE WHEN c.failed THEN c.failed_at ELSE 0 END, c.id LIMIT 1`,
		e.ID, at(now), e.Ordered, at(e.FailingAt), admits.Limit > 0)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}

// Release ends the leases of deliveries that were not sent after all; they are due again at once, a probe too.
func (s Webhooks) Release(ctx context.Context, endpointID int64, deliveryIDs []int64, probe bool, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		if probe {
			t.later(probeNow, endpointID, at(now))
		}
		t.later(`UPDATE deliveries SET lease_until = NULL WHERE id = ANY($1) AND state = 'pending'`, deliveryIDs)
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: release deliveries: %w", err)
	}
	return nil
}

const probeNow = `UPDATE endpoints SET probe_at = $2 WHERE id = $1 AND failing_at IS NOT NULL AND probe_at > $2`

// Probe makes the next probe of a failing endpoint due now.
func (s Webhooks) Probe(ctx context.Context, endpointID int64, now time.Time) error {
	if _, err := s.exec(ctx, probeNow, endpointID, at(now)); err != nil {
		return fmt.Errorf("store: probe endpoint %d: %w", endpointID, err)
	}
	return nil
}

func scanBool(row scanner) (is bool, err error) {
	err = row.Scan(&is)
	return is, err
}
