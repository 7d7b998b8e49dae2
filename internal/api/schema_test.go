package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/webhook"
)

// Events as the record writes them are what their schemas say, and what is not an event is refused.
func TestEventsMatchTheirSchemas(t *testing.T) {
	h := newHouse(t)
	var list struct{ Items []api.EventSchema }
	h.do("GET", "/api/v1/event-schemas", "").want(http.StatusOK, &list)
	compiled := map[webhook.Type]*jsonschema.Schema{}
	for _, s := range list.Items {
		var text json.RawMessage
		h.do("GET", s.Href, "").want(http.StatusOK, &text)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		h.must(err)
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		h.must(compiler.AddResource(string(s.Type)+".json", document))
		compiled[s.Type], err = compiler.Compile(string(s.Type) + ".json")
		h.must(err)
	}
	h.do("GET", "/api/v1/event-schemas/call.lost", "").refused(http.StatusNotFound, "call.lost")

	// Real events: an endpoint that fails for long, an agent, a whole call with its code, and a campaign at its end.
	made, err := h.store.Webhooks.CreateEndpoint(ctx,
		webhook.Endpoint{URL: "https://crm.example.com/hook", Secret: webhook.NewSecret(), CreatedAt: now})
	h.must(err)
	h.must(h.store.Journal.AgentStateChanged(ctx, webhook.Agent{ID: 1, Login: "a", State: "paused"}, now)) // nobody asks for it
	_, err = h.store.Webhooks.CreateEndpoint(ctx,
		webhook.Endpoint{URL: "https://crm.example.com/hook", Secret: webhook.NewSecret(), CreatedAt: now,
			Types: []webhook.Type{webhook.AgentStateChanged}})
	h.must(err)
	h.must(h.store.Journal.AgentStateChanged(ctx, webhook.Agent{ID: 1, Login: "a", State: "paused"}, now))
	c := h.campaign("One")
	h.contact(c.ID, "7", "+447700900123")
	h.talk(c.ID)
	batch, err := h.store.Webhooks.Take(ctx, made.ID, time.Now(), time.Now().Add(time.Minute))
	h.must(err)
	fail := func(after time.Duration, fault webhook.Fault) {
		_, _, err := h.store.Webhooks.Record(ctx, made.ID, []webhook.Result{{Fault: fault, Probe: true,
			Try: webhook.Try{DeliveryID: batch.Deliveries[0].ID, At: now.Add(after), Error: "no answer"}}})
		h.must(err)
	}
	fail(0, webhook.Down)
	fail(time.Minute, webhook.Down)
	fail(2*time.Minute, webhook.NoFault)
	fail(time.Hour, webhook.Down)
	fail(6*24*time.Hour, webhook.Down)

	events, err := h.store.Journal.Events(ctx, webhook.Filter{}, 100)
	h.must(err)
	seen := map[webhook.Type]bool{}
	for _, e := range events {
		body, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Body))
		h.must(err)
		if err := compiled[e.Type].Validate(body); err != nil {
			t.Errorf("%s\n%v", e.Body, err)
		}
		seen[e.Type] = true
		for other, schema := range compiled {
			if other != e.Type && schema.Validate(body) == nil {
				t.Errorf("a %s is taken for a %s", e.Type, other)
			}
		}
		body.(map[string]any)["sequence"] = "seven"
		if compiled[e.Type].Validate(body) == nil {
			t.Errorf("%s: a text is taken for a number", e.Type)
		}
	}
	for _, want := range []webhook.Type{webhook.CallAnswered, webhook.CallCompleted, webhook.CallCodeSet, webhook.AgentStateChanged,
		webhook.EndpointFailing, webhook.EndpointRecovered} {
		if !seen[want] {
			t.Errorf("no %s among %d events", want, len(events))
		}
	}
}
