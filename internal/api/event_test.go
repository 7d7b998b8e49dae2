package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/webhook"
)

// A CRM reads on from where it was, with nothing left out and nothing twice, and chooses what it reads.
func TestReconcilingByCursor(t *testing.T) {
	h := newHouse(t)
	var made api.WebhookWithSecret
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/hook", "campaigns": [1]}`).want(http.StatusCreated, &made)
	one, two := h.campaign("One"), h.campaign("Two")
	h.contact(one.ID, "7", "+447700900123")
	h.talk(one.ID)
	h.contact(two.ID, "8", "+447700900124")
	h.talk(two.ID)

	var all []api.Event
	for cursor := ""; ; {
		var page struct {
			Items      []api.Event
			NextCursor string `json:"next_cursor"`
		}
		h.do("GET", "/api/v1/events?limit=2&cursor="+url.QueryEscape(cursor), "").want(http.StatusOK, &page)
		all = append(all, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	seen := map[string]bool{}
	for _, e := range all {
		var body webhook.Event
		if err := json.Unmarshal(e.Payload, &body); err != nil || body.ID != e.ID || body.Type != e.Type || seen[e.ID] {
			t.Errorf("%+v: %v", e, err)
		}
		seen[e.ID] = true
	}
	if len(all) < 6 {
		t.Fatalf("%d events", len(all))
	}
	count := func(query string) int {
		var page struct{ Items []json.RawMessage }
		h.do("GET", query, "").want(http.StatusOK, &page)
		return len(page.Items)
	}
	last := all[len(all)-1]
	for query, want := range map[string]int{
		"/api/v1/events?cursor=" + last.Cursor:                         0,
		"/api/v1/events?cursor=" + all[1].Cursor:                       len(all) - 2,
		"/api/v1/events?type=call.completed":                           2,
		fmt.Sprintf("/api/v1/events?campaign=%d", two.ID):              len(all) / 2,
		"/api/v1/events?contact=999":                                   0,
		"/api/v1/events?until=2020-01-01T00:00:00Z":                    0,
		"/api/v1/events?since=2020-01-01T00:00:00Z":                    len(all),
		"/api/v1/deliveries":                                           len(all) / 2, // of campaign 1 alone
		"/api/v1/deliveries?state=delivered":                           0,
		"/api/v1/deliveries?type=call.completed&state=pending":         1,
		fmt.Sprintf("/api/v1/deliveries?endpoint=%d", made.ID+1):       0,
		fmt.Sprintf("/api/v1/deliveries?campaign=%d&limit=1", two.ID):  0,
		fmt.Sprintf("/api/v1/deliveries?endpoint=%d&limit=1", made.ID): 1,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	var one1 api.Event
	h.do("GET", "/api/v1/events/"+last.ID, "").want(http.StatusOK, &one1)
	if string(one1.Payload) != string(last.Payload) {
		t.Errorf("%s", one1.Payload)
	}
	h.do("GET", "/api/v1/events/evt_0", "").refused(http.StatusNotFound, "event")
	h.do("GET", "/api/v1/events?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "").refused(http.StatusUnprocessableEntity,
		"until")
}

// What a CRM may set of its endpoint, and what of it is never shown.
func TestEndpointSettings(t *testing.T) {
	h := newHouse(t)
	secret := webhook.NewSecret()
	var made api.WebhookWithSecret
	h.do("POST", "/api/v1/webhooks", fmt.Sprintf(`{"url": "https://crm.example.com/hook", "secret": %q, "campaigns": [3, 1, 3],
		"headers": {"Authorization": "Bearer hush", "X-Tenant": "7"}}`, secret)).want(http.StatusCreated, &made)
	if made.Secret != secret || len(made.Campaigns) != 2 || strings.Join(made.HeaderNames, " ") != "Authorization X-Tenant" ||
		made.Version != 1 {
		t.Errorf("%+v", made)
	}
	path := fmt.Sprintf("/api/v1/webhooks/%d", made.ID)
	var got api.Webhook
	h.do("PATCH", path, `{"rate": 5}`).want(http.StatusOK, &got)
	if text, _ := json.Marshal(got); len(got.HeaderNames) != 2 || strings.Contains(string(text), "hush") ||
		strings.Contains(string(text), "whsec") {
		t.Errorf("%s", text)
	}
	stored, err := h.store.Webhooks.Endpoint(ctx, made.ID)
	h.must(err)
	if strings.Contains(string(stored.Sealed), "hush") || len(stored.Headers) != 0 {
		t.Errorf("the headers are readable in the record: %q", stored.Sealed)
	}
	h.do("PATCH", path, `{"headers": {}}`).want(http.StatusOK, &got)
	if len(got.HeaderNames) != 0 {
		t.Errorf("%+v", got)
	}
	for body, says := range map[string]string{
		`{"headers": {"Connection": "close"}}`:                    "Connection",
		`{"headers": {"webhook-signature": "x"}}`:                 "Webhook-Signature",
		`{"headers": {"X": "a\r\nY: b"}}`:                         "control characters",
		`{"headers": {"X": "` + strings.Repeat("x", 2000) + `"}}`: "1024",
		`{"headers": {"a b": "c"}}`:                               "name",
		`{"payload_version": 2}`:                                  "want 1 to 1",
		`{"ca": "nonsense"}`:                                      "PEM",
		`{"certificate": "nonsense", "key": "x"}`:                 "PEM pair",
		`{"campaigns": [0]}`:                                      "id of a campaign",
		`{"secret": "` + secret + `"}`:                            "rotating",
	} {
		h.do("PATCH", path, body).refused(http.StatusUnprocessableEntity, says)
	}
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/hook", "secret": "whsec_short"}`).refused(
		http.StatusUnprocessableEntity, "whsec_")
	for n := 1; n < webhook.MaxEndpoints; n++ {
		h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/hook"}`).want(http.StatusCreated, &made)
	}
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/hook"}`).refused(http.StatusConflict, "50")
}

// What one node seals under a key that is not the others' would be of no use to them.
func TestHeadersUnderAnotherKey(t *testing.T) {
	h := newHouse(t)
	kept, err := h.store.Webhooks.CreateEndpoint(ctx,
		webhook.Endpoint{URL: "https://crm.example.com/hook", Secret: webhook.NewSecret(),
			CreatedAt: time.Now(), Sealed: []byte("another key's")})
	h.must(err)
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/hook", "headers": {"X-Tenant": "7"}}`).refused(
		http.StatusConflict, "webhook.key")
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/hook"}`).want(http.StatusCreated, nil)
	h.do("PATCH", fmt.Sprintf("/api/v1/webhooks/%d", kept.ID),
		`{"headers": {"X-Tenant": "7"}, "ca": "", "certificate": "", "key": ""}`).want(http.StatusOK, nil)
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/hook", "headers": {"X-Tenant": "7"}}`).want(
		http.StatusCreated, nil)
}

// xorSealer is no encryption, but what is stored cannot be read either.
type xorSealer struct{}

func (xorSealer) Seal(plain []byte) []byte {
	sealed := make([]byte, len(plain))
	for i, b := range plain {
		sealed[i] = b ^ 0x55
	}
	return sealed
}

func (x xorSealer) Open(sealed []byte) ([]byte, error) { return x.Seal(sealed), nil }
