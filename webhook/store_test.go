package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
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

// databases are the two that the deliverer is tried over.
var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
	"postgres": func(t testing.TB) string { return testdeps.Postgres(t) },
}

// plant is a store with one endpoint, a CRM that keeps what comes, and nodes that deliver.
type plant struct {
	t     testing.TB
	store *store.Store
	crm   *crm
	allow webhook.AllowList

	mu    sync.Mutex
	nodes []*webhook.Deliverer
}

// crm is a receiver that verifies each request, and can be away: then nobody listens at its address.
type crm struct {
	t        testing.TB
	verifier *standardwebhooks.Webhook
	address  string
	server   *http.Server

	mu   sync.Mutex
	seen map[string]bool
	got  []arrival
	more chan struct{}
}

type arrival struct {
	at, made        time.Time
	agent, sequence int64
}

func newPlant(t testing.TB, url string, change func(*webhook.Endpoint)) *plant {
	p := &plant{t: t, crm: &crm{t: t, seen: map[string]bool{}, more: make(chan struct{}, 1)}}
	var err error
	p.store, err = store.Open(t.Context(), url, store.Options{Logger: slog.New(slog.DiscardHandler), OnEvent: p.wake})
	p.must(err)
	t.Cleanup(func() { p.store.Disconnect() })
	p.must(p.store.Migrate(t.Context()))
	secret := webhook.NewSecret()
	p.crm.verifier, err = standardwebhooks.NewWebhook(secret)
	p.must(err)
	p.crm.address = testdeps.FreeAddress(t)
	p.crm.comes()
	t.Cleanup(p.crm.goes)
	e := webhook.Endpoint{URL: "http://" + p.crm.address, Secret: secret, Types: []webhook.Type{webhook.AgentStateChanged},
		CreatedAt: time.Now()}
	if change != nil {
		change(&e)
	}
	_, err = p.store.Webhooks.CreateEndpoint(t.Context(), e)
	p.must(err)
	p.allow, err = webhook.ParseAllowList([]string{"127.0.0.1"})
	p.must(err)
	return p
}

func (p *plant) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// wake wakes the last node, as Asynq would one of them.
func (p *plant) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.nodes); n > 0 {
		p.nodes[n-1].Wake()
	}
}

// node starts a deliverer; what it returns stops it.
func (p *plant) node() (stop func()) {
	d, err := webhook.NewDeliverer(webhook.Deps{Store: p.store.Webhooks, Allow: p.allow, Logger: slog.New(slog.DiscardHandler)})
	p.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.Run(ctx); err != nil {
			p.t.Error(err)
		}
	})
	p.mu.Lock()
	p.nodes = append(p.nodes, d)
	p.mu.Unlock()
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	p.t.Cleanup(stop)
	return stop
}

// event writes an event of an agent.
func (p *plant) event(agent int) {
	p.must(p.store.Journal.AgentStateChanged(p.t.Context(), webhook.Agent{ID: int64(agent), Login: "agent", State: "available"},
		time.Now()))
}

func (c *crm) comes() {
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.address = listener.Addr().String()
	c.server = &http.Server{Handler: c}
	go c.server.Serve(listener)
}

func (c *crm) goes() { c.server.Close() }

func (c *crm) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it went away in the middle
	}
	var e webhook.Event
	err = errors.Join(c.verifier.Verify(body, r.Header), json.Unmarshal(body, &e))
	if err != nil || e.ID != r.Header.Get("webhook-id") {
		c.t.Errorf("%v: %s", err, body)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.seen[e.ID] {
		c.seen[e.ID] = true
		c.got = append(c.got, arrival{at, e.At, e.Data.Agent.ID, e.Sequence})
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// wait returns the first n arrivals when they are there.
func (c *crm) wait(n int, limit time.Duration) []arrival {
	c.t.Helper()
	deadline := time.After(limit)
	for {
		c.mu.Lock()
		got := slices.Clone(c.got)
		c.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-c.more:
		case <-deadline:
			c.t.Fatalf("%d of %d events after %v", len(got), n, limit)
		}
	}
}

// inOrder reports an agent's event that came before an earlier one of his.
func inOrder(t testing.TB, got []arrival) {
	t.Helper()
	last := map[int64]int64{}
	for _, a := range got {
		if a.sequence <= last[a.agent] {
			t.Errorf("agent %d: event %d after %d", a.agent, a.sequence, last[a.agent])
		}
		last[a.agent] = a.sequence
	}
}

// The deliverer over the real store, on both databases: all events written by transactions arrive signed and in order, while
// another node takes over in the middle and the CRM is away for a moment.
func TestWithTheRealStore(t *testing.T) {
	const agents, events = 6, 25
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, url(t), func(e *webhook.Endpoint) { e.Rate = 1000 })
			stopFirst := p.node()
			p.node()
			for n := range events {
				switch n {
				case events / 3:
					p.crm.goes()
				case events / 2:
					stopFirst() // between two events, and perhaps within a try
				case events * 2 / 3:
					p.crm.comes()
				}
				for a := range agents {
					p.event(a + 1)
				}
			}
			inOrder(t, p.crm.wait(agents*events, 2*time.Minute))
		})
	}
}
