package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

// keptTries is how many tries of a delivery are kept, the latest.
const keptTries = 50

// Record stores tries, and what they make of the endpoint and the deliveries. See [webhook.Store].
func (s Webhooks) Record(ctx context.Context, endpointID int64, results []webhook.Result) (e webhook.Endpoint,
	states []webhook.DeliveryState, err error) {
	err = s.inTx(ctx, func(t *tx) (err error) {
		e, states, err = t.record(ctx, endpointID, results)
		return err
	})
	if errors.Is(err, webhook.ErrNoEndpoint) { // deleted meanwhile, with its deliveries
		return webhook.Endpoint{ID: endpointID, Disabled: true}, make([]webhook.DeliveryState, len(results)), nil
	}
	if err != nil {
		return e, nil, fmt.Errorf("store: record %d tries at endpoint %d: %w", len(results), endpointID, err)
	}
	return e, states, nil
}

func (t *tx) record(ctx context.Context, endpointID int64, results []webhook.Result) (webhook.Endpoint,
	[]webhook.DeliveryState, error) {
	was, err := t.judged(ctx, endpointID, results)
	if err != nil {
		return was, nil, err
	}
	deliveries, err := t.tried(ctx, results)
	if err != nil {
		return was, nil, err
	}
	e, states, pull := was, make([]webhook.DeliveryState, len(results)), time.Time{}
	for i, r := range results {
		d, known := deliveries[r.DeliveryID]
		v := webhook.Conclude(e, d, r)
		e, states[i] = v.Endpoint, v.Delivery.State
		if known {
			deliveries[r.DeliveryID] = v.Delivery
			t.laterTry(r.Try, v.Delivery.Tries)
		}
		end := r.At.Add(r.Duration)
		if v.Pull {
			pull = end
		}
		for _, kind := range v.Tell {
			if err := t.tellOfEndpoint(ctx, e, kind, end); err != nil {
				return e, nil, err
			}
		}
	}
	t.laterDeliveries(deliveries)
	if !pull.IsZero() {
		t.later(`UPDATE deliveries SET next_at = $2 WHERE endpoint_id = $1 AND state = 'pending' AND next_at > $2`, endpointID,
			at(pull))
	}
	if health(was) != health(e) {
		t.later(`UPDATE endpoints SET failing_at = $2, worked_at = $3, probe_at = $4, strikes = $5, told_at = $6, error = $7,
			disabled = $8, reason = $9 WHERE id = $1`, endpointID, at(e.FailingAt), at(e.WorkedAt), at(e.ProbeAt), e.Strikes,
			at(e.ToldAt), e.Error, e.Disabled, e.Reason.Text())
	}
	return e, states, nil
}

// judged reads the endpoint of these results. While it works and nothing failed, nobody waits for anybody.
func (t *tx) judged(ctx context.Context, id int64, results []webhook.Result) (webhook.Endpoint, error) {
	const read = `SELECT ` + endpointColumns + ` FROM endpoints WHERE id = $1`
	e, err := one(ctx, t, wholeEndpoint, read, id)
	settled := err == nil && e.FailingAt.IsZero()
	for _, r := range results {
		settled = settled && r.Fault == webhook.NoFault
	}
	if err == nil && !settled {
		e, err = one(ctx, t, wholeEndpoint, read+` FOR UPDATE`, id)
	}
	if errors.Is(err, ErrNotFound) {
		err = errNoEndpoint
	}
	return e, err
}

// tried locks the deliveries of these results.
func (t *tx) tried(ctx context.Context, results []webhook.Result) (map[int64]webhook.Delivery, error) {
	ids := make([]int64, len(results))
	for i, r := range results {
		ids[i] = r.DeliveryID
	}
	list, err := all(ctx, t, func(row scanner) (d webhook.Delivery, err error) {
		err = row.Scan(&d.ID, &d.State, &d.Tries, &d.Refusals, moment{&d.NextAt}, moment{&d.FailedAt}, moment{&d.CreatedAt})
		return d, err
	}, `SELECT d.id, d.state, d.tries, d.refusals, d.next_at, d.failed_at, d.created_at FROM deliveries d WHERE d.id = ANY($1)
		ORDER BY d.id FOR UPDATE`, ids)
	byID := make(map[int64]webhook.Delivery, len(list))
	for _, d := range list {
		byID[d.ID] = d
	}
	return byID, err
}

func (t *tx) laterTry(try webhook.Try, tries int) {
	t.later(`INSERT INTO tries (delivery_id, number, at, duration_ms, status, error, reply)
		SELECT $1, COALESCE(max(number), 0) + 1, $2, $3, $4, $5, $6 FROM tries WHERE delivery_id = $1`,
		try.DeliveryID, at(try.At), try.Duration.Milliseconds(), try.Status, try.Error, try.Reply)
	if tries > keptTries {
		t.later(`DELETE FROM tries WHERE delivery_id = $1 AND number <= (SELECT max(k.number) FROM tries k WHERE k.delivery_id = $1) -
			$2`,
			try.DeliveryID, keptTries)
	}
}

// deliveryRow is what a try may change of a delivery.
type deliveryRow struct {
	ID       int64  `json:"id"`
	State    string `json:"state"`
	Tries    int    `json:"tries"`
	Refusals int    `json:"refusals"`
	NextAt   *int64 `json:"next_at"`
	FailedAt *int64 `json:"failed_at"`
}

func (t *tx) laterDeliveries(deliveries map[int64]webhook.Delivery) {
	if len(deliveries) == 0 {
		return
	}
	rows, ids := make([]deliveryRow, 0, len(deliveries)), make([]int64, 0, len(deliveries))
	for id, d := range deliveries {
		row := deliveryRow{id, string(d.State), d.Tries, d.Refusals, millis(d.NextAt), millis(d.FailedAt)}
		if d.State != webhook.Pending {
			row.NextAt = nil
		}
		rows, ids = append(rows, row), append(ids, id)
	}
	t.later(`UPDATE deliveries SET state = r.state, tries = r.tries, refusals = r.refusals, next_at = r.next_at, failed_at =
		r.failed_at,
			lease_until = NULL
		FROM ROWS($1: id BIGINT, state TEXT, tries INTEGER, refusals INTEGER, next_at BIGINT, failed_at BIGINT) AS r
		WHERE deliveries.id = r.id AND deliveries.id = ANY($2)`, rowset(rows), ids)
}

// health is what results change of an endpoint.
func health(e webhook.Endpoint) any {
	return struct {
		failing, worked, probe, told time.Time
		strikes                      int
		error, reason                string
		disabled                     bool
	}{e.FailingAt, e.WorkedAt, e.ProbeAt, e.ToldAt, e.Strikes, e.Error, e.Reason.Text(), e.Disabled}
}

// tellOfEndpoint writes an event about an endpoint, for all others that want it.
func (t *tx) tellOfEndpoint(ctx context.Context, e webhook.Endpoint, kind webhook.Type, now time.Time) error {
	waiting, err := one(ctx, t, scanID, `SELECT count(*) FROM deliveries WHERE endpoint_id = $1 AND state = 'pending'`, e.ID)
	if err != nil {
		return err
	}
	f := &webhook.Failure{ID: e.ID, FailingSince: moments(e.FailingAt), Error: e.Error, Waiting: waiting}
	if u, err := url.Parse(e.URL); err == nil {
		f.Host = u.Host
	}
	if kind == webhook.EndpointFailing && !e.FailingAt.IsZero() {
		f.DisabledAt = moments(e.DisabledAt())
	}
	key := "endpoint:" + strconv.FormatInt(e.ID, 10)
	sequence, err := t.nextSequence(ctx, key)
	if err != nil {
		return err
	}
	if err := t.emit(key, sequence, kind, webhook.Data{Endpoint: f, Reason: e.Reason.Key()}, now); err != nil {
		return err
	}
	t.changed.events[len(t.changed.events)-1].But = e.ID
	return nil
}
