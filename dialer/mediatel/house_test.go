package mediatel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// patience is for one thing to happen on a busy machine.
const patience = 2 * time.Minute

// house is one node's agents, a Mediatel server, and the network between them.
type house struct {
	*mediatel.Network
	tb     testing.TB
	roster *roster
	server *simulator.Server
	web    *httptest.Server
	others chan dialer.ExternalCall
	near   mediatel.Options
	stop   context.CancelFunc
}

type setting func(*simulator.Options, *mediatel.Options)

// newHouse has agents 1 to n logged on at extensions x1 to xn.
func newHouse(tb testing.TB, n int, settings ...setting) *house {
	tb.Helper()
	h := &house{tb: tb, roster: newRoster(), others: make(chan dialer.ExternalCall, 100)}
	far := simulator.Options{Seed: 1}
	for i := range n {
		far.Agents = append(far.Agents, simulator.Agent{ID: fmt.Sprint(2001 + i), Login: login(int64(i + 1)), Password: "secret",
			Queues: []string{"MANUAL_1", "AUTO_1"}})
	}
	near := mediatel.Options{
		Node: "n1", Roster: h.roster, Credentials: passwords("secret"), EndCode: "7",
		Log:      slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		External: func(seen dialer.ExternalCall) { h.others <- seen },
		Limits: mediatel.Limits{Answer: 5 * time.Second, Stale: time.Second, Settle: 10 * time.Second, Resync: 4 * time.Second,
			Retry: 20 * time.Millisecond},
	}
	for _, set := range settings {
		set(&far, &near)
	}
	var err error
	h.server, err = simulator.New(far)
	must(tb, err)
	h.web = httptest.NewServer(h.server)
	near.URL = h.web.URL + "/mediatel/socket.io"
	h.near = near
	h.live(n)
	tb.Cleanup(func() {
		h.stop()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = h.server.Close(ctx)
		h.web.Close()
	})
	return h
}

// live begins a life of the node's process, with agents 1 to n logged on.
func (h *house) live(n int) {
	h.tb.Helper()
	var err error
	h.Network, err = mediatel.New(h.near)
	must(h.tb, err)
	for i := range n {
		h.roster.logOn(int64(i + 1))
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	network := h.Network
	go func() { defer close(ended); network.Run(ctx) }()
	h.stop = sync.OnceFunc(func() { stop(); <-ended })
}

// restart ends the process, and has agent 1 logged on anew in its next life.
func (h *house) restart() {
	h.tb.Helper()
	h.stop()
	h.roster = newRoster()
	h.near.Roster = h.roster
	h.live(1)
}

// unhurried has a login sent once, however late a busy machine answers it.
func unhurried(_ *simulator.Options, near *mediatel.Options) { near.Limits.Retry = 5 * time.Second }

// known has the server know agents by their cookie; else each connection begins logged off.
func known(far *simulator.Options, near *mediatel.Options) {
	far.Identify, near.Cookies = identify, cookies{}
}

func login(agentID int64) string { return fmt.Sprintf("mt_agent%d", agentID) }

func ext(agentID int64) agents.Extension {
	return agents.Extension{Name: fmt.Sprintf("x%d", agentID), Network: mediatel.Name}
}

type passwords string

func (p passwords) Login(_ context.Context, agentID int64) (mediatel.Login, error) {
	return mediatel.Login{User: login(agentID), Password: string(p)}, nil
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// ready waits until the agent could be called.
func (h *house) ready(agentID int64) {
	h.tb.Helper()
	var why error
	defer func() {
		if h.tb.Failed() {
			h.tb.Logf("not reachable: %v; at Mediatel %s", why, h.stateOf(agentID))
		}
	}()
	testdeps.Eventually(h.tb, "agent reachable", func() bool {
		why = h.Reachable(h.tb.Context(), ext(agentID))
		return why == nil
	})
}

// order places a call as the dialer would, and counts how often the customer was about to be called.
func (h *house) order(agentID int64, number string, automatic bool) (*live, error) {
	l := &live{h: h}
	e := ext(agentID)
	call, err := h.Place(h.tb.Context(), dialer.Call{
		AttemptID: 1, Agent: &e, Customer: number, Queue: "AUTO_1", AgentRing: 5 * time.Second, Ring: 5 * time.Second,
		Automatic:      automatic,
		BeforeCustomer: func(context.Context) error { l.fenced++; return l.refuse },
	})
	l.LiveCall = call
	return l, err
}

// live is a call, with what it has told.
type live struct {
	dialer.LiveCall
	h      *house
	fenced int
	refuse error
	told   []string
	trace  string
	card   *dialer.Card
}

// until reads the call's progress up to the kind, and answers it.
func (l *live) until(kind dialer.ProgressKind) dialer.Progress {
	l.h.tb.Helper()
	deadline := time.After(patience)
	for {
		select {
		case p, open := <-l.Progress():
			if !open {
				l.h.tb.Fatalf("the call ended before %s; told: %v", kind, l.told)
			}
			l.told = append(l.told, string(p.Kind))
			switch p.Kind {
			case dialer.TraceKnown:
				l.trace = p.CallTraceID
			case dialer.CardKnown:
				l.card = p.Card
			}
			if p.Kind == kind {
				return p
			}
			if p.Kind == dialer.Ended {
				l.h.tb.Fatalf("the call ended before %s: %+v", kind, p)
			}
		case <-deadline:
			l.h.tb.Fatalf("waited in vain for %s; told: %v", kind, l.told)
		}
	}
}

// roster is our agents' state machine, in memory.
type roster struct {
	mu      sync.Mutex
	live    map[int64]agents.Live
	changed []func(agents.Live)
	missed  func()
}

func newRoster() *roster { return &roster{live: map[int64]agents.Live{}} }

func (r *roster) logOn(agentID int64) {
	e := ext(agentID)
	_, err := r.Apply(context.Background(), agentID, agents.Input{
		Kind: agents.Login, At: time.Now(), Agent: &agents.Agent{ID: agentID, Login: login(agentID), Queues: []string{"AUTO_1"},
			AutoCall: true}, Extension: &e,
		Node: "n1", Reachable: true,
	})
	if err != nil {
		panic(err)
	}
}

func (r *roster) Apply(_ context.Context, agentID int64, in agents.Input) (agents.Live, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.live[agentID]
	if !ok {
		l = agents.Off(agentID)
	}
	next, err := agents.Next(l, in)
	if err != nil {
		return l, err
	}
	r.live[agentID] = next
	for _, tell := range r.changed {
		tell(next)
	}
	return next, nil
}

func (r *roster) get(agentID int64) agents.Live {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live[agentID]
}

func (r *roster) List(_ context.Context, after int64, limit int) (list []agents.Live, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, l := range r.live {
		if id > after && l.State != agents.LoggedOff {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b agents.Live) int { return int(a.AgentID - b.AgentID) })
	return list[:min(limit, len(list))], nil
}

func (r *roster) Watch(_ func(int64) bool, changed func(agents.Live), missed func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed, r.missed = append(r.changed, changed), missed
}

// forget is the loss of Redis: it is back, and knows nobody.
func (r *roster) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.live)
	r.missed()
}

var errNoCookie = errors.New("no cookie")

// stateOf is the agent's state at the server.
func (h *house) stateOf(agentID int64) string { return h.server.State(login(agentID)).State }

func (h *house) at(agentID int64, state string) {
	h.tb.Helper()
	testdeps.Eventually(h.tb, "Mediatel's agent in "+state, func() bool { return h.stateOf(agentID) == state })
}

// atMostOneMakeCall is the invariant: orders sent are orders placed here, and no number was called twice for one.
func (h *house) atMostOneMakeCall(orders int) {
	h.tb.Helper()
	if n := h.server.Commands()[wire.MakeCall]; n > orders {
		h.tb.Errorf("%d makeCall for %d orders", n, orders)
	}
	seen := map[string]int{}
	for _, p := range h.server.Placed() {
		seen[p.Number]++
		if seen[p.Number] > 1 && strings.HasPrefix(p.Number, "+44") {
			h.tb.Errorf("%s was called %d times", p.Number, seen[p.Number])
		}
	}
}
