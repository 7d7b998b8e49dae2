package main

import (
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// Two nodes of one database, each with a data folder of its own: what one has sealed opens at the other, or the other says before
// it works what is to be shared.
func TestNodesShareTheWebhookKey(t *testing.T) {
	dsn := testdeps.Postgres(t)
	redis := testdeps.RedisServer(t)
	start := func(file string, environ ...string) (*node.Node, error) {
		t.Helper()
		cfg, err := node.LoadConfig(file, environ, nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := node.New(t.Context(), cfg, t.Output(), version)
		if err == nil {
			t.Cleanup(n.Close)
		}
		return n, err
	}
	first, second := ward(t, dsn, "redis://"+redis.Addr, ""), ward(t, dsn, "redis://"+redis.Addr, "")
	one, err := start(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(second); err != nil { // nothing is sealed yet
		t.Fatal(err)
	}
	e, err := webhook.Endpoint{URL: "https://crm.invalid/hook", Secret: webhook.NewSecret(), CreatedAt: time.Now(),
		Private: webhook.Private{Headers: map[string]string{"Authorization": "Bearer hush"}}}.Seal(one.Hooks)
	if err != nil {
		t.Fatal(err)
	}
	if e, err = one.Store.Webhooks.CreateEndpoint(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if _, err := start(first); err != nil {
		t.Errorf("the node that sealed it does not start again: %v", err)
	}

	says := func(what, text string) {
		t.Helper()
		for _, want := range []string{"webhook.key", "endpoint 1", "keys/webhook", "forget-sealed"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not name %q: %s", what, want, text)
			}
		}
	}
	if _, err := start(second); err == nil {
		t.Error("a node with another key starts")
	} else {
		says("the refusal", err.Error())
	}
	says("doctor", nurse(t, exitFailed, "--config", second, "--only", "webhooks"))

	key, err := config.ReadSecret(node.WebhookKeyFile(one.Config))
	if err != nil {
		t.Fatal(err)
	}
	sharing, err := start(second, "RINGMASTER_WEBHOOK_KEY="+key)
	if err != nil {
		t.Fatalf("a node with the shared key does not start: %v", err)
	}
	kept, err := sharing.Store.Webhooks.Endpoint(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := kept.Open(sharing.Hooks); err != nil || opened.Headers["Authorization"] != "Bearer hush" {
		t.Errorf("opened %v, %v", opened.Headers, err)
	}

	// The key is lost: whoever says so can go on, and the endpoint waits until its headers are set again.
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"webhook", "forget-sealed", "--config", second},
		console{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exitWell {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if _, err := start(second); err != nil {
		t.Error(err)
	}
	if kept, err = one.Store.Webhooks.Endpoint(t.Context(), e.ID); err != nil || !kept.Disabled || len(kept.Sealed) > 0 ||
		kept.Reason.IsZero() {
		t.Errorf("%+v, %v", kept, err)
	}
}
