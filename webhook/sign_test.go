package webhook

import (
	"errors"
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
	rotate := func(e Endpoint, at time.Time) Endpoint {
		e, err := e.Rotate(NewSecret(), at)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	second := rotate(first, now)
	third := rotate(second, now.Add(time.Hour))

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
		{"rotated twice, the first within its day", first.Secret, third, now.Add(24*time.Hour - time.Second), true},
		{"rotated twice, the first after its day", first.Secret, third, now.Add(24 * time.Hour), false},
		{"rotated twice, the one before within its day", second.Secret, third, now.Add(25*time.Hour - time.Second), true},
		{"rotated twice, the newest", third.Secret, third, now.Add(48 * time.Hour), true},
	} {
		if got := verifies(c.secret, c.e, c.at); got != c.want {
			t.Errorf("%s: verifies = %v, want %v", c.name, got, c.want)
		}
	}
}

// TestRotationsAreBounded: the headers of a request do not grow without end, and grow again once secrets have ended.
func TestRotationsAreBounded(t *testing.T) {
	now, e := time.Now(), Endpoint{Secret: NewSecret()}
	var err error
	for range MaxSecrets - 1 {
		if e, err = e.Rotate(NewSecret(), now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = e.Rotate(NewSecret(), now.Add(overlap-time.Second)); !errors.Is(err, ErrTooManySecrets) {
		t.Errorf("one too many: %v", err)
	}
	if e, err = e.Rotate(NewSecret(), now.Add(overlap)); err != nil || len(e.Old) != 1 {
		t.Errorf("when they have ended: %v, %d old ones", err, len(e.Old))
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
