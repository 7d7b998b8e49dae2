package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

var errNoSecret = fmt.Errorf("%w (%w)", webhook.ErrNoSecret, ErrNotFound)

const (
	secretColumns = `id, secret, created_at, ends_at`
	insertSecret  = `INSERT INTO endpoint_secrets (endpoint_id, secret, created_at) VALUES ($1, $2, $3)`
)

func scanSecret(row scanner) (secret webhook.Secret, err error) {
	err = row.Scan(&secret.ID, &secret.Value, moment{&secret.CreatedAt}, moment{&secret.EndsAt})
	return secret, err
}

// Secrets lists the secrets that sign an endpoint's requests now, the present one first.
func (s Webhooks) Secrets(ctx context.Context, endpointID int64, now time.Time) ([]webhook.Secret, error) {
	list, err := all(ctx, s, scanSecret, `SELECT `+secretColumns+` FROM endpoint_secrets WHERE endpoint_id = $1
		AND (ends_at IS NULL OR ends_at > $2) ORDER BY id DESC`, endpointID, at(now))
	if err == nil && list == nil {
		return nil, errNoEndpoint // every endpoint has one
	}
	if err != nil {
		return nil, fmt.Errorf("store: secrets of endpoint %d: %w", endpointID, err)
	}
	return list, nil
}

// RotateSecret gives an endpoint a new secret; see [webhook.Endpoint.Rotate].
func (s Webhooks) RotateSecret(ctx context.Context, endpointID int64, secret string, now time.Time) (webhook.Endpoint, error) {
	err := s.inTx(ctx, func(t *tx) error {
		e, err := one(ctx, t, wholeEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1 FOR UPDATE`, endpointID)
		if errors.Is(err, ErrNotFound) {
			return errNoEndpoint
		}
		if err == nil {
			e.Old, err = all(ctx, t, scanSecret, `SELECT `+secretColumns+` FROM endpoint_secrets WHERE endpoint_id = $1
				AND ends_at IS NOT NULL ORDER BY id DESC`, endpointID)
		}
		if err != nil {
			return err
		}
		if e, err = e.Rotate(secret, now); err != nil {
			return conflicts(err)
		}
		t.later(`DELETE FROM endpoint_secrets WHERE endpoint_id = $1 AND ends_at <= $2`, endpointID, at(now))
		t.later(`UPDATE endpoint_secrets SET ends_at = $2 WHERE endpoint_id = $1 AND ends_at IS NULL`, endpointID, at(e.Old[0].EndsAt))
		t.later(insertSecret, endpointID, secret, at(now))
		t.later(`UPDATE endpoints SET secret = $2 WHERE id = $1`, endpointID, secret)
		return nil
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("store: rotate secret of endpoint %d: %w", endpointID, err)
	}
	return s.Endpoint(ctx, endpointID)
}

// EndSecret has a secret that is on its way out sign no more. The present one is ErrConflict.
func (s Webhooks) EndSecret(ctx context.Context, endpointID, id int64) error {
	err := s.inTx(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM endpoint_secrets WHERE id = $1 AND endpoint_id = $2 AND ends_at IS NOT NULL`, id, endpointID)
		if err != nil || n == 1 {
			return err
		}
		if _, err := one(ctx, t, scanID, `SELECT id FROM endpoint_secrets WHERE id = $1 AND endpoint_id = $2`, id,
			endpointID); err == nil {
			return conflicts(webhook.ErrPresentSecret)
		}
		return errNoSecret
	})
	if err != nil {
		return fmt.Errorf("store: end secret %d of endpoint %d: %w", id, endpointID, err)
	}
	return nil
}
