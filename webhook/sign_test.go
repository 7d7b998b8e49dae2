package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestSignaturesDuringRotation(t *testing.T) {
	now := time.Now()
	body := []byte(`{"a": 1,  "b":"<ü>"}`) // spaces and all: what is signed is bytes
	first := Endpoint{Secret: NewSecret()}
	second := first.Rotate(now)
	third := second.Rotate(now)

	verifies := func(secret string, e Endpoint, at time.Time) bool {
		t.Helper()
		h := http.Header{}
		if err := e.sign(h, "evt_1", at, body); err != nil {
			t.Fatal(err)
		}
		v, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		return v.VerifyIgnoringTimestamp(body, h) == nil
	}
	for _, c := range []struct {
		name   string
		secret string
		e      Endpoint
		at     time.Time
		want   bool
	}{
		{"one secret", first.Secret, first, now, true},
		{"another secret", NewSecret(), first, now, false},
		{"rotated, new", second.Secret, second, now, true},
		{"rotated, old within a day", first.Secret, second, now.Add(24*time.Hour - time.Second), true},
		{"rotated, old after a day", first.Secret, second, now.Add(24 * time.Hour), false},
		{"rotated, new after a day", second.Secret, second, now.Add(24 * time.Hour), true},
		{"rotated twice, the one before", second.Secret, third, now, true},
		{"rotated twice, the first", first.Secret, third, now, false},
	} {
		if got := verifies(c.secret, c.e, c.at); got != c.want {
			t.Errorf("%s: verifies = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSecrets(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	if a == b || !strings.HasPrefix(a, "whsec_") || CheckSecret(a) != nil {
		t.Errorf("secrets %q and %q", a, b)
	}
	for _, bad := range []string{"", "whsec_", "whsec_c2hvcnQ=", strings.TrimPrefix(a, "whsec_"), "whsec_***", a + a} {
		err := CheckSecret(bad)
		if err == nil {
			t.Errorf("secret %q accepted", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) && bad != "whsec_" {
			t.Errorf("error shows the secret: %v", err)
		}
		if err := (Endpoint{Secret: bad}).sign(http.Header{}, "evt", time.Now(), nil); err == nil {
			t.Errorf("signed with secret %q", bad)
		}
	}
}
