package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/clocks"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// putWrong is how far the clocks of this process's nodes are off, by name.
var putWrong sync.Map

func init() {
	wallClock = func(node string) time.Time {
		off := time.Duration(0)
		if wrong, is := putWrong.Load(node); is {
			off = time.Duration(wrong.(*atomic.Int64).Load())
		}
		return time.Now().Add(off)
	}
}

func TestMain(m *testing.M) { testdeps.Main(m) }

// ticking is a whole node whose clock a test sets.
type ticking struct {
	*Node
	t   *testing.T
	off atomic.Int64
}

func startTicking(t *testing.T, name, dsn, redis, ledger string) *ticking {
	t.Helper()
	n := &ticking{t: t}
	name += "-" + filepath.Base(t.TempDir()) // the clocks are found by it
	putWrong.Store(name, &n.off)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	file := filepath.Join(t.TempDir(), "ringmaster.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `
node: %s
listen: %s
data: %s
database: {url: '%s'}
redis: {url: 'redis://%s'}
vouch: {secret: %s}
api: {jwt_secret: %s}
webhook: {allow: [127.0.0.1]}
limits: {lease: 10s, drain_timeout: 0s}
telephony: {simulated: {profile: prompt, speed: 0.1, ledger: '%s'}}
`, name, listener.Addr(), t.TempDir(), dsn, redis, strings.Repeat("v", 44), strings.Repeat("j", 44), ledger), 0o600))
	cfg, err := config.Load(file, nil, nil)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	n.Node, err = New(ctx, cfg, t.Output(), "test")
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx, listener) }()
	t.Cleanup(func() {
		n.off.Store(0)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("node %s: %v", name, err)
		}
		n.Close()
	})
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// soon waits until it is so, for as long as a busy machine may need.
func soon(t *testing.T, what string, so func() bool) {
	t.Helper()
	testdeps.SeenWithin(t, 5*time.Minute, what, so, func(is bool) bool { return is })
}

func (n *ticking) get(path string) (int, string) {
	n.t.Helper()
	reply, err := http.Get("http://" + n.Config.Listen + path)
	must(n.t, err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	must(n.t, err)
	return reply.StatusCode, string(body)
}

// agent makes one whose home is this node, with a tab and the flag On.
func (n *ticking) agent(name string) agents.Agent {
	n.t.Helper()
	ctx := n.t.Context()
	a, err := n.Store.Agents.CreateAgent(ctx, agents.Agent{Login: name, Name: name, Queues: []string{"Q"}, AutoCall: true},
		time.Now())
	must(n.t, err)
	_, err = n.Store.Agents.CreateExtension(ctx, agents.Extension{Name: "x" + name, Number: "1" + name, Network: "simulated"})
	must(n.t, err)
	ext, err := n.Store.Agents.TakeExtension(ctx, a.ID, "x"+name)
	must(n.t, err)
	for _, in := range []agents.Input{
		{Kind: agents.Login, Agent: &a, Extension: &ext, Node: n.Config.Node},
		{Kind: agents.TabsCounted, Node: n.Config.Node, Count: 1},
	} {
		_, err = n.Roster.Apply(ctx, a.ID, in)
		must(n.t, err)
	}
	return a
}

func (n *ticking) live(a agents.Agent) agents.Live {
	n.t.Helper()
	l, err := n.Roster.Get(n.t.Context(), a.ID)
	must(n.t, err)
	return l
}

func (n *ticking) people(campaign int64, numbers ...string) {
	n.t.Helper()
	var lines iter.Seq2[campaigns.Line, error] = func(yield func(campaigns.Line, error) bool) {
		for i, number := range numbers {
			c := campaigns.Contact{CRMID: number, Name: "Person", Phones: []campaigns.Phone{{Number: number}}}
			if !yield(campaigns.Line{Number: i + 1, Contact: c}, nil) {
				return
			}
		}
	}
	report, err := n.Store.Contacts.ImportContacts(n.t.Context(), campaign, lines, n.Clocks.SQL())
	must(n.t, err)
	if report.Accepted != len(numbers) {
		n.t.Fatalf("%+v", report)
	}
	n.dialer.Wake()
}

// TestOneNodesClockIsWrong puts the clock of one of two nodes wrong while both have calls, and right again, many times.
func TestOneNodesClockIsWrong(t *testing.T) {
	if testing.Short() {
		t.Skip("two nodes, PostgreSQL and Redis")
	}
	var delivered sync.Map // agent/state → events
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e webhook.Event
		if json.NewDecoder(r.Body).Decode(&e) == nil && e.Data.Agent != nil {
			count, _ := delivered.LoadOrStore(fmt.Sprint(e.Data.Agent.ID, e.Data.Agent.State), new(atomic.Int64))
			count.(*atomic.Int64).Add(1)
		}
	}))
	t.Cleanup(crm.Close)
	heard := func(a agents.Agent, s agents.State) int64 {
		count, is := delivered.Load(fmt.Sprint(a.ID, s))
		if !is {
			return 0
		}
		return count.(*atomic.Int64).Load()
	}

	dsn, redis := testdeps.Postgres(t), testdeps.RedisServer(t).Addr
	rings := filepath.Join(t.TempDir(), "rings")
	right, wrong := startTicking(t, "right", dsn, redis, rings+"1"), startTicking(t, "wrong", dsn, redis, rings+"2")
	ctx := t.Context()
	_, err := right.Store.Webhooks.CreateEndpoint(ctx,
		webhook.Endpoint{URL: crm.URL + "/hook", Secret: webhook.NewSecret(), CreatedAt: time.Now(),
			Types: []webhook.Type{webhook.AgentStateChanged}})
	must(t, err)
	c, err := right.Store.Campaigns.CreateCampaign(ctx,
		campaigns.Campaign{Name: "C", Queue: "Q", Mode: campaigns.Progressive, Profile: "none", TimeZone: "UTC", Region: "GB",
			MaxAttempts: 1, AgentRing: time.Minute, Ring: 2 * time.Minute, WrapUp: time.Minute,
			CallCodes: []campaigns.CallCode{{ID: "1", Name: "Done", Action: campaigns.Finish}}}, time.Now())
	must(t, err)
	_, err = right.Store.Campaigns.SetStatus(ctx, c.ID, campaigns.Running, []campaigns.Status{campaigns.Draft}, time.Now())
	must(t, err)
	ann, bob := right.agent("1"), wrong.agent("2")
	right.people(c.ID, "+447700900101", "+447700900102")
	talks := func(n *ticking, a agents.Agent, s agents.State) func() bool {
		return func() bool { l := n.live(a); return l.State == s && l.Call != nil }
	}
	soon(t, "both talk", func() bool { return talks(right, ann, agents.Talking)() && talks(right, bob, agents.Talking)() })
	was := [2]string{right.live(ann).Call.AttemptID, right.live(bob).Call.AttemptID}

	// At the node whose clock is wrong somebody waits for a call, and there is somebody to call.
	var free agents.Agent
	for _, off := range []time.Duration{5 * time.Second, -5 * time.Second, time.Minute, -time.Minute, time.Hour, -time.Hour} {
		wrong.off.Store(int64(off))
		if free.ID == 0 {
			free = wrong.agent("3")
			wrong.people(c.ID, "+447700900103")
		}
		if status, said := wrong.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(said, "clock") {
			t.Errorf("%s: /readyz of the wrong node: %d %s", off, status, said)
		}
		soon(t, "the other node is ready", func() bool { status, _ := right.get("/readyz"); return status == http.StatusOK })
		var differ clocks.Error
		if err := wrong.dialer.Desk().MakeCall(ctx, free.ID, "+447700900109", "Q"); !errors.As(err, &differ) {
			t.Errorf("%s: a call is made by hand: %v", off, err)
		}
		// Orders pass both ways, and events come in time. The rounds take as long as leases, claims and heartbeats do.
		for range 2 {
			before := [2]int64{heard(ann, agents.Holding), heard(bob, agents.Holding)}
			must(t, wrong.dialer.Desk().Hold(ctx, ann.ID))
			must(t, right.dialer.Desk().Hold(ctx, bob.ID))
			soon(t, "both hold", func() bool { return talks(right, ann, agents.Holding)() && talks(right, bob, agents.Holding)() })
			soon(t, "the CRM knows", func() bool {
				return heard(ann, agents.Holding) > before[0] && heard(bob,
					agents.Holding) > before[1]
			})
			must(t, wrong.dialer.Desk().Retrieve(ctx, ann.ID))
			must(t, right.dialer.Desk().Retrieve(ctx, bob.ID))
			soon(t, "both talk", func() bool { return talks(right, ann, agents.Talking)() && talks(right, bob, agents.Talking)() })
			renewed(right, was)
			must(t, errors.Join(right.Roster.Sweep(ctx), wrong.Roster.Sweep(ctx)))
		}
		if is := [2]string{right.live(ann).Call.AttemptID, right.live(bob).Call.AttemptID}; is != was {
			t.Fatalf("%s: the calls were %v and are %v", off, was, is)
		}
		for _, id := range was {
			attempt, err := dialer.ParseAttemptID(id)
			must(t, err)
			if a, err := right.Store.Attempts.Attempt(ctx, attempt); err != nil || a.State != dialer.InTalk ||
				time.Until(a.LeaseUntil).Abs() > time.Minute {
				t.Fatalf("%s: call %s is %s, leased until %s: %v", off, id, a.State, a.LeaseUntil, err)
			}
		}
		if l := right.live(free); l.State != agents.Available {
			t.Fatalf("%s: the agent whose node must not dial is %s", off, l.State)
		}
	}
	for _, n := range []*ticking{right, wrong} {
		if l := n.live(free); time.Since(l.Since).Abs() > 10*time.Minute {
			t.Errorf("idle since %s", l.Since)
		}
	}

	wrong.off.Store(0)
	soon(t, "the wrong node dials again", talks(right, free, agents.Talking))
	must(t, right.dialer.Desk().Hangup(ctx, bob.ID))
	must(t, wrong.dialer.Desk().Hangup(ctx, ann.ID))
	soon(t, "both have hung up", func() bool { return talks(right, ann, agents.Clerical)() && talks(right, bob, agents.Clerical)() })
	rung := ""
	for _, node := range []string{"1", "2"} {
		text, err := os.ReadFile(rings + node)
		must(t, err)
		rung += string(text)
	}
	for _, number := range []string{"+447700900101", "+447700900102", "+447700900103"} {
		if n := strings.Count(rung, number); n != 1 {
			t.Errorf("%s has rung %d times", number, n)
		}
	}
}

// renewed waits until the leases of calls have been renewed.
func renewed(n *ticking, calls [2]string) {
	n.t.Helper()
	lease := func(call string) time.Time {
		id, err := dialer.ParseAttemptID(call)
		must(n.t, err)
		a, err := n.Store.Attempts.Attempt(n.t.Context(), id)
		must(n.t, err)
		return a.LeaseUntil
	}
	for _, call := range calls {
		before := lease(call)
		soon(n.t, "call "+call+" is leased anew", func() bool { return lease(call).After(before) })
	}
}
