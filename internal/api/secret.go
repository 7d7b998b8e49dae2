package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

// WebhookSecret is a secret that signs an endpoint's requests, without what it is.
type WebhookSecret struct {
	ID          int64      `json:"id"`
	Fingerprint string     `json:"fingerprint" doc:"The first 8 hexadecimal digits of the secret's SHA-256: which one a receiver has" example:"9f86d081"`
	CreatedAt   time.Time  `json:"created_at"`
	EndsAt      *time.Time `json:"ends_at" doc:"null: the present one"`
}

func showSecret(s webhook.Secret) WebhookSecret {
	sum := sha256.Sum256([]byte(s.Value))
	return WebhookSecret{ID: s.ID, Fingerprint: hex.EncodeToString(sum[:4]), CreatedAt: s.CreatedAt.UTC(), EndsAt: moment(s.EndsAt)}
}

func (a *api) listSecrets(ctx context.Context, in *ByID) (*reply[page[WebhookSecret]], error) {
	list, err := a.Store.Secrets(ctx, in.ID, a.Now())
	if err != nil {
		return nil, err
	}
	return pageOf(list, len(list)+1, showSecret, nil), nil // webhook.MaxSecrets at most
}

func (a *api) rotateSecret(ctx context.Context, in *ByID) (*reply[WebhookWithSecret], error) {
	secret := webhook.NewSecret()
	e, err := a.Store.RotateSecret(ctx, in.ID, secret, a.Now())
	if err != nil {
		return nil, err
	}
	a.audit(ctx, "webhook.rotate", webhookObject(e.ID), "")
	return answer(WebhookWithSecret{a.showWebhook(ctx, e), secret}), nil
}

func (a *api) endSecret(ctx context.Context, in *struct {
	ByID
	Secret int64 `path:"secret_id" minimum:"1"`
}) (*struct{}, error) {
	if err := a.Store.EndSecret(ctx, in.ID, in.Secret); err != nil {
		return nil, err
	}
	a.audit(ctx, "webhook.end_secret", webhookObject(in.ID), fmt.Sprintf("secret/%d", in.Secret))
	return &struct{}{}, nil
}
