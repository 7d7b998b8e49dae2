package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

// The deliverer over the real store, on both databases: events written by transactions arrive signed, in order, within a
// second, with a receiver that fails now and then, and while another node takes over in the middle.
func TestWithTheRealStore(t *testing.T) {
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": func() string { return testdeps.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) { deliverFromStore(t, url()) })
	}
}

func deliverFromStore(t *testing.T, url string) {
	const agents, events = 6, 25
	ctx := t.Context()
	log := slog.New(slog.DiscardHandler)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var wake func()
	s, err := store.Open(ctx, url, store.Options{Logger: log, OnEvent: func() { wake() }})
	must(err)
	defer s.Disconnect()
	must(s.Migrate(ctx))

	secret := webhook.NewSecret()
	verifier, err := standardwebhooks.NewWebhook(secret)
	must(err)
	var mu sync.Mutex
	var delays []time.Duration
	sequences, seen, all := map[int64][]int64{}, 0, make(chan struct{})
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e webhook.Event
		err := errors.Join(verifier.Verify(body, r.Header), json.Unmarshal(body, &e))
		if err != nil || e.ID != r.Header.Get("webhook-id") {
			t.Errorf("%v: %s", err, body)
		}
		mu.Lock()
		defer mu.Unlock()
		delays = append(delays, time.Since(e.At))
		sequences[e.Data.Agent.ID] = append(sequences[e.Data.Agent.ID], e.Sequence)
		if seen++; seen == agents*events {
			close(all)
		}
	}))
	defer crm.Close()
	_, err = s.CreateEndpoint(ctx, webhook.Endpoint{
		URL: crm.URL, Secret: secret, Types: []webhook.Type{webhook.AgentStateChanged}, Ordered: true, Rate: 1000, CreatedAt: time.Now(),
	})
	must(err)

	allow, err := webhook.ParseAllowList([]string{"127.0.0.1"})
	must(err)
	node := func() (*webhook.Deliverer, func()) {
		d, err := webhook.NewDeliverer(webhook.Deps{Store: s, Allow: allow, Logger: log})
		must(err)
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { must(d.Run(ctx)) })
		return d, func() { cancel(); running.Wait() }
	}
	first, stopFirst := node()
	second, stopSecond := node()
	defer stopSecond()
	wake = func() { first.Wake() }
	for n := range events {
		if n == events/2 {
			stopFirst() // between two events, and perhaps within a try
			wake = func() { second.Wake() }
		}
		for a := range int64(agents) {
			must(s.AgentStateChanged(ctx, webhook.Agent{ID: a + 1, Login: "agent", State: "available"}, time.Now()))
		}
	}
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Fatalf("%d of %d events after 30 s", seen, agents*events)
	}
	mu.Lock()
	defer mu.Unlock()
	for a, got := range sequences {
		if len(got) != events || !slices.IsSorted(got) {
			t.Errorf("agent %d: sequence %v", a, got)
		}
	}
	slices.Sort(delays)
	if p99 := delays[len(delays)*99/100]; p99 > time.Second {
		t.Errorf("p99 of the first try is %v, want 1 s at most", p99)
	}
	t.Logf("from the event to the CRM: p50 %v, p99 %v", delays[len(delays)/2], delays[len(delays)*99/100])
}
