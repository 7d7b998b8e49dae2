package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/internal/reason"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32

	// overlap is how long the old secret signs beside the new one, so that a CRM can change over without a gap.
	overlap = 24 * time.Hour
)

// errSecret says nothing of the secret itself: errors are logged.
var errSecret error = reason.New(reason.Invalid, whyBadSecret, "webhook: secret is not whsec_ and base64 of 24 to 64 bytes")

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

// Secret is one that signs an endpoint's requests.
type Secret struct {
	ID        int64
	Value     string // "whsec_…"; never in a reply, but to the making of it
	CreatedAt time.Time
	EndsAt    time.Time // zero: not before the next rotation
}

// MaxSecrets bounds the secrets of an endpoint that sign at once: each makes every request longer.
const MaxSecrets = 8

// Refusals of what would leave a receiver without the secret that it has.
var (
	ErrTooManySecrets error = reason.New(reason.Conflict, whyTooManySecrets(MaxSecrets),
		fmt.Sprintf("webhook: %d secrets of the endpoint sign already: end one of them first", MaxSecrets))
	ErrPresentSecret error = reason.New(reason.Conflict, whyPresentSecret,
		"webhook: this is the endpoint's present secret: rotate it first")
	ErrNoSecret error = reason.New(reason.Missing, whyNoSecret, "webhook: no such secret")
)

// Rotate gives the endpoint a new secret. The one before it signs too for 24 hours, and those before that to their ends: nobody
// knows yet which of them the receiver has.
func (e Endpoint) Rotate(secret string, now time.Time) (Endpoint, error) {
	live := e.live(now)
	if len(live) >= MaxSecrets {
		return e, ErrTooManySecrets
	}
	live[0].EndsAt = now.Add(overlap)
	e.Secret, e.Old = secret, live
	return e, nil
}

// live are the secrets that sign now, the present one first.
func (e Endpoint) live(now time.Time) []Secret {
	live := []Secret{{Value: e.Secret}}
	for _, s := range e.Old {
		if now.Before(s.EndsAt) {
			live = append(live, s)
		}
	}
	return live
}

// sign sets the three headers of Standard Webhooks on a request. The library joins one key to a signature; after a rotation
// there are several, which the specification puts side by side with spaces between.
func (e Endpoint) sign(h http.Header, id string, now time.Time, body []byte) error {
	var secrets []string
	for _, s := range e.live(now) {
		secrets = append(secrets, s.Value)
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
