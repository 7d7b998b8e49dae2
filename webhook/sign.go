package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32

	// overlap is how long the old secret signs beside the new one, so that a CRM can change over without a gap.
	overlap = 24 * time.Hour
)

// errSecret says nothing of the secret itself: errors are logged.
var errSecret = errors.New("webhook: secret is not whsec_ and base64 of 24 to 64 bytes")

// NewSecret makes a signing secret.
func NewSecret() string {
	key := make([]byte, secretBytes)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// CheckSecret refuses a secret that a CRM brings along unless it is "whsec_" and base64 of 24 to 64 bytes, as the
// Standard Webhooks specification has it.
func CheckSecret(secret string) error {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return errSecret
	}
	return nil
}

// NewEventID makes an id that no other event has.
func NewEventID() string {
	id := make([]byte, 16)
	rand.Read(id)
	return "evt_" + hex.EncodeToString(id)
}

// Rotate gives the endpoint a new secret. Both sign for 24 hours; a secret that was on its way out already no longer does.
func (e Endpoint) Rotate(now time.Time) Endpoint {
	e.OldSecret, e.OldUntil = e.Secret, now.Add(overlap)
	e.Secret = NewSecret()
	return e
}

// sign sets the three headers of Standard Webhooks on a request. The library joins one key to a signature; during a
// rotation there are two, which the specification puts side by side with a space between.
func (e Endpoint) sign(h http.Header, id string, now time.Time, body []byte) error {
	secrets := []string{e.Secret}
	if e.OldSecret != "" && now.Before(e.OldUntil) {
		secrets = append(secrets, e.OldSecret)
	}
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		if err := CheckSecret(secret); err != nil {
			return fmt.Errorf("webhook: endpoint %d: %w", e.ID, err)
		}
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return errSecret
		}
		if signatures[i], err = signer.Sign(id, now, body); err != nil {
			return fmt.Errorf("webhook: signing: %w", err)
		}
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}
