package day

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/webhook"
)

// crm verifies each webhook by the scheme's own library and keeps the events, each once; it can be out of order.
type crm struct {
	*httptest.Server
	t      *testing.T
	id     any // of our endpoint
	down   atomic.Bool
	signer atomic.Pointer[standardwebhooks.Webhook]

	mu       sync.Mutex
	events   map[string]webhook.Event // by id
	repeated int
	refused  int
}

func newCRM(t *testing.T) *crm {
	c := &crm{t: t, events: map[string]webhook.Event{}}
	c.Server = httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(c.Close)
	return c
}

// trust takes what Ringmaster said of the new endpoint.
func (c *crm) trust(endpoint map[string]any) {
	c.id = endpoint["id"]
	signer, err := standardwebhooks.NewWebhook(endpoint["secret"].(string))
	if err != nil {
		c.t.Fatal(err)
	}
	c.signer.Store(signer)
}

func (c *crm) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down.Load() {
		c.refused++
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	}
	var e webhook.Event
	if err == nil {
		err = c.signer.Load().Verify(body, r.Header)
	}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil || r.Header.Get("webhook-id") != e.ID {
		c.t.Errorf("webhook not to be trusted: %v: %s", err, body)
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	if _, again := c.events[e.ID]; again {
		c.repeated++
	}
	c.events[e.ID] = e
}

// of lists the events of a type by attempt.
func (c *crm) of(kind webhook.Type) map[string][]webhook.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := map[string][]webhook.Event{}
	for _, e := range c.events {
		if e.Type == kind && e.Data.Call != nil {
			list[e.Data.Call.AttemptID] = append(list[e.Data.Call.AttemptID], e)
		}
	}
	return list
}
