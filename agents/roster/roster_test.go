package roster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/telemetry"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

// onBoth runs a test on a real Redis and on the embedded one.
func onBoth(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Run("redis", func(t *testing.T) { test(t, client(t, testdeps.Redis(t))) })
	t.Run("miniredis", func(t *testing.T) { test(t, client(t, miniredis.RunT(t).Addr())) })
}

func client(tb testing.TB, addr string) redis.UniversalClient {
	conn, err := redisconn.New(redisconn.Config{URL: "redis://" + addr}) // with the product's time limits
	if err != nil {
		tb.Fatal(err)
	}
	rdb := conn.Client()
	tb.Cleanup(func() { rdb.Close() })
	return rdb
}

// clock is a clock the test owns.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func newClock() *clock { return &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func node(tb testing.TB, rdb redis.UniversalClient, name string, c *clock, rec Record) *Roster {
	tb.Helper()
	r, err := New(rdb, Options{Installation: "test", Node: name, Roles: []string{RoleDialer, RoleGateway}, Record: rec,
		Log: slog.New(slog.DiscardHandler), Now: c.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// enter logs an agent on, with one tab, ready for calls.
func enter(tb testing.TB, r *Roster, id int64, queues ...string) agents.Live {
	tb.Helper()
	must(tb, r, id, agents.Input{
		Kind: agents.Login, Node: r.Node(), User: fmt.Sprint("u", id), Reachable: true,
		Agent:     &agents.Agent{ID: id, Login: fmt.Sprint("agent", id), Queues: queues, AutoCall: true, PauseID: agents.NoPause},
		Extension: &agents.Extension{Name: fmt.Sprint(3000 + id)},
	})
	return must(tb, r, id, agents.Input{Kind: agents.TabsCounted, Node: r.Node(), Count: 1})
}

func must(tb testing.TB, r *Roster, id int64, in agents.Input) agents.Live {
	tb.Helper()
	l, err := r.Apply(tb.Context(), id, in)
	if err != nil {
		tb.Fatalf("%s: %v", in.Kind, err)
	}
	return l
}

func call(attempt string) *agents.Call {
	return &agents.Call{AttemptID: attempt, Queue: "q", Automatic: true}
}

func TestClaimTakesTheLongestIdle(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := newClock()
		r, other := node(t, rdb, "n1", c, nil), node(t, rdb, "n2", c, nil)
		for _, id := range []int64{5, 3, 9, 7} {
			enter(t, r, id, "q", "also")
			c.pass(time.Second)
		}
		enter(t, other, 1, "q")
		must(t, r, 3, agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
		must(t, r, 3, agents.Input{Kind: agents.PauseEnded}) // the last to become idle

		if free := freeAt(t, r, "n1"); len(free) != 4 || !slices.Equal(free[9].Queues, []string{"also", "q"}) ||
			!free[7].Since.Before(free[3].Since) {
			t.Fatalf("free %v", free)
		}
		for i, want := range []int64{5, 9, 7, 3} {
			queue := []string{"q", "also"}[i%2]
			l, err := claim(t, r, queue, "n1", call(fmt.Sprint(i)), c.Now().Add(time.Minute))
			if err != nil || l.AgentID != want || l.State != agents.Ordered || l.Call.AttemptID != fmt.Sprint(i) {
				t.Fatalf("claim %d: %+v, %v; want agent %d", i, l, err, want)
			}
		}
		for _, queue := range []string{"q", "also", "nowhere"} {
			if l, err := claim(t, r, queue, "n1", call("x"), c.Now()); !errors.Is(err, errNoneFree) {
				t.Errorf("claim in %s: %+v, %v", queue, l, err)
			}
		}
		if free, _ := r.Free(t.Context(), "n1"); len(free) != 0 {
			t.Errorf("still free: %v", free)
		}
		if l, err := claim(t, other, "q", "n2", call("y"), c.Now().Add(time.Minute)); err != nil || l.AgentID != 1 {
			t.Errorf("the other node's agent: %+v, %v", l, err)
		}
	})
}

// freeAt are the free agents of a node, by id.
func freeAt(t *testing.T, r *Roster, node string) map[int64]agents.Idle {
	t.Helper()
	list, err := r.Free(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	free := map[int64]agents.Idle{}
	for _, a := range list {
		if _, twice := free[a.ID]; twice {
			t.Fatalf("agent %d is listed twice", a.ID)
		}
		slices.Sort(a.Queues)
		free[a.ID] = a
	}
	return free
}

var errNoneFree = errors.New("nobody is free")

// claim gives the longest-idle free agent of a queue a call, as whoever gives out calls does.
func claim(t testing.TB, r *Roster, queue, node string, call *agents.Call, until time.Time) (agents.Live, error) {
	t.Helper()
	for {
		free, err := r.Free(t.Context(), node)
		if err != nil {
			return agents.Live{}, err
		}
		free = slices.DeleteFunc(free, func(a agents.Idle) bool { return !slices.Contains(a.Queues, queue) })
		if len(free) == 0 {
			return agents.Live{}, errNoneFree
		}
		first := slices.MinFunc(free, func(a, b agents.Idle) int { return a.Since.Compare(b.Since) })
		l, err := r.Apply(t.Context(), first.ID, agents.Input{Kind: agents.Claimed, AttemptID: call.AttemptID, Node: node, Call: call,
			Until: until})
		if !errors.Is(err, agents.ErrNotNow) {
			return l, err
		}
	}
}

func TestClaimNeverGivesOneAgentTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := newClock()
		r := node(t, rdb, "n1", c, nil)
		const agentsFree, callers = 20, 50
		for id := range int64(agentsFree) {
			enter(t, r, id+1, "q", "also")
		}
		var mu sync.Mutex
		taken := map[int64]string{}
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				attempt := fmt.Sprint("a", i)
				l, err := claim(t, r, []string{"q", "also"}[i%2], "n1", call(attempt), c.Now().Add(time.Minute))
				if errors.Is(err, errNoneFree) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if before, twice := taken[l.AgentID]; twice {
					t.Errorf("agent %d taken by %s and %s", l.AgentID, before, attempt)
				}
				taken[l.AgentID] = attempt
			})
		}
		// Meanwhile tabs come and go, which changes the same states.
		for id := range int64(agentsFree) {
			wg.Go(func() { must(t, r, id+1, agents.Input{Kind: agents.TabsCounted, Node: "n2", Count: 1}) })
		}
		wg.Wait()
		if len(taken) != agentsFree {
			t.Errorf("%d of %d agents taken", len(taken), agentsFree)
		}
		for id, attempt := range taken {
			if l, err := r.Get(t.Context(), id); err != nil || l.Call == nil || l.Call.AttemptID != attempt || l.Tabs != 2 {
				t.Errorf("agent %d: %+v, %v; want attempt %s", id, l, err, attempt)
			}
		}
	})
}

func TestSweepEndsWhatItsOwnerDoesNot(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := newClock()
		r := node(t, rdb, "n1", c, nil)
		enter(t, r, 1, "q")
		if _, err := claim(t, r, "q", "n1", call("a"), c.Now().Add(30*time.Second)); err != nil {
			t.Fatal(err)
		}
		state := func(want agents.State) {
			t.Helper()
			if err := r.Heartbeat(t.Context()); err != nil {
				t.Fatal(err)
			}
			rdb.Set(t.Context(), r.keys.steady(), c.Now().Add(-nodeTTL).UnixMilli(), 0)
			if err := r.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if l, _ := r.Get(t.Context(), 1); l.State != want {
				t.Fatalf("%s, want %s", l.State, want)
			}
		}
		c.pass(29 * time.Second)
		must(t, r, 1, agents.Input{Kind: agents.ClaimRenewed, AttemptID: "a", Until: c.Now().Add(30 * time.Second)})
		c.pass(29 * time.Second)
		state(agents.Ordered)
		c.pass(time.Second)
		state(agents.Available)

		if _, err := claim(t, r, "q", "n1", call("b"), c.Now().Add(30*time.Second)); err != nil {
			t.Fatal(err)
		}
		must(t, r, 1, agents.Input{Kind: agents.HungUp, AttemptID: "b", CodeDueAt: c.Now().Add(time.Minute)})
		c.pass(time.Minute)
		state(agents.Clerical)
		c.pass(wrapUpMargin)
		state(agents.Available)
	})
}

// TestAnOutageFreesNobody: claims that nobody could renew while Redis was away are not taken for abandoned.
func TestAnOutageFreesNobody(t *testing.T) {
	server := testdeps.RedisServer(t)
	c := newClock()
	r := node(t, client(t, server.Addr), "n1", c, nil)
	if err := r.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	enter(t, r, 1, "q")
	if _, err := claim(t, r, "q", "n1", call("a"), c.Now().Add(30*time.Second)); err != nil {
		t.Fatal(err)
	}
	c.pass(nodeTTL)
	server.Pause()
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.Heartbeat(soon); err == nil {
		t.Fatal("a heartbeat without Redis")
	}
	c.pass(time.Minute)
	server.Resume()
	sweep := func(after time.Duration, want agents.State) {
		t.Helper()
		for ; after > 0; after -= 5 * time.Second {
			c.pass(5 * time.Second)
			if err := r.Heartbeat(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l, _ := r.Get(t.Context(), 1); l.State != want {
			t.Fatalf("%s, want %s", l.State, want)
		}
	}
	sweep(5*time.Second, agents.Ordered)
	must(t, r, 1, agents.Input{Kind: agents.ClaimRenewed, AttemptID: "a", Until: c.Now().Add(30 * time.Second)})
	sweep(20*time.Second, agents.Ordered)
	sweep(10*time.Second, agents.Available)
}

func TestNodesThatAreGone(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := newClock()
		r, lost := node(t, rdb, "n1", c, nil), node(t, rdb, "n2", c, nil)
		beat := func(nodes ...*Roster) {
			t.Helper()
			for _, n := range nodes {
				if err := n.Heartbeat(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		beat(r, lost)
		if home, err := r.Home(t.Context()); err != nil || home != "n1" {
			t.Fatal(home, err)
		}
		enter(t, lost, 1, "q")
		enter(t, lost, 2, "q")
		if _, err := claim(t, lost, "q", "n2", call("a"), c.Now().Add(10*time.Second)); err != nil { // agent 1
			t.Fatal(err)
		}
		if home, err := lost.Home(t.Context()); err != nil || home != "n1" {
			t.Errorf("home %q, %v: n1 has fewer agents", home, err)
		}

		c.pass(nodeTTL + time.Millisecond)
		beat(r) // the first since: all were silent, so nobody may be judged yet
		if err := r.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l, _ := r.Get(t.Context(), 2); l.Tabs != 1 || l.Node != "n2" {
			t.Fatalf("judged too early: %+v", l)
		}
		c.pass(nodeTTL)
		beat(r)
		if err := r.Sweep(t.Context()); err != nil { // the claim of agent 1 has run out by now
			t.Fatal(err)
		}
		for _, id := range []int64{1, 2} {
			if l, _ := r.Get(t.Context(), id); l.Tabs != 0 || l.Node != "n1" || l.State != agents.Available || l.Free() {
				t.Errorf("agent %d: %+v", id, l)
			}
		}
		if gone, err := r.Gone(t.Context(), c.Now(), 10); err != nil || len(gone) != 2 {
			t.Errorf("gone: %v, %v", gone, err)
		}
		if nodes, err := r.Nodes(t.Context(), RoleDialer); err != nil || len(nodes) != 1 {
			t.Errorf("nodes: %v, %v", nodes, err)
		}
	})
}

func TestLogoutLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := newClock()
		r := node(t, rdb, "n1", c, nil)
		first := enter(t, r, 1, "q")
		if id, err := r.OfUser(t.Context(), "u1"); err != nil || id != 1 {
			t.Fatal(id, err)
		}
		enter(t, r, 2, "q")
		must(t, r, 1, agents.Input{Kind: agents.Logout})
		if _, err := r.OfUser(t.Context(), "u1"); !errors.Is(err, agents.ErrNoAgent) {
			t.Error(err)
		}
		if list, err := r.List(t.Context(), 0, 10); err != nil || len(list) != 1 || list[0].AgentID != 2 {
			t.Errorf("list %+v, %v", list, err)
		}
		if list, err := r.List(t.Context(), 2, 10); err != nil || len(list) != 0 {
			t.Errorf("next page %+v, %v", list, err)
		}
		if v, err := r.Versions(t.Context(), []int64{1, 2}); err != nil || v[0] != first.Version+1 || v[1] == 0 {
			t.Error(v, err)
		}
		must(t, r, 2, agents.Input{Kind: agents.Logout})
		nodes := []string{r.keys.queues(), r.keys.nodes(RoleDialer), r.keys.nodes(RoleGateway)}
		for _, key := range rdb.Keys(t.Context(), "*").Val() {
			if ttl := rdb.PTTL(t.Context(), key).Val(); !slices.Contains(nodes, key) && (ttl <= 0 || ttl > loggedOffFor) {
				t.Errorf("left behind: %s for %v", key, ttl)
			}
		}
		c.pass(time.Second)
		if again := enter(t, r, 1, "q"); again.Version <= first.Version {
			t.Errorf("version %d after %d", again.Version, first.Version)
		}
		if ttl := rdb.PTTL(t.Context(), r.keys.agent(1)).Val(); ttl > 0 {
			t.Errorf("a logged-on agent is forgotten in %v", ttl)
		}
	})
}

// record is a system of record that can fail, and that can be slower than what happens meanwhile.
type record struct {
	mu        sync.Mutex
	did       []string
	err       error
	meanwhile func()
}

func (r *record) note(what string) error {
	r.mu.Lock()
	r.did = append(r.did, what)
	meanwhile, err := r.meanwhile, r.err
	r.meanwhile = nil
	r.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return err
}

func (r *record) SetAutoCall(_ context.Context, id int64, on bool) error {
	return r.note(fmt.Sprint("flag ", id, on))
}

func (r *record) SetPause(_ context.Context, id int64, pause string, cause reason.Reason) error {
	return r.note(fmt.Sprint("pause ", id, " ", pause, " ", cause))
}

func (r *record) ReleaseExtension(_ context.Context, x agents.Extension) error {
	return r.note("release " + x.Name)
}

func TestRecordComesFirst(t *testing.T) {
	rdb := client(t, miniredis.RunT(t).Addr())
	c := newClock()
	rec := &record{}
	r := node(t, rdb, "n1", c, rec)
	apply := func(in agents.Input, fails bool) agents.Live {
		t.Helper()
		l, err := r.Apply(t.Context(), 1, in)
		if (err != nil) != fails {
			t.Fatalf("%s: %v", in.Kind, err)
		}
		return l
	}
	enter(t, r, 1, "q")
	apply(agents.Input{Kind: agents.PauseChosen, PauseID: "4"}, false)
	apply(agents.Input{Kind: agents.PauseEnded}, false)
	if err := r.SetAutoCall(t.Context(), 1, false); err != nil {
		t.Fatal(err)
	}
	apply(agents.Input{Kind: agents.Ordering, Call: call("a"), Until: c.Now().Add(time.Minute)}, false)
	apply(agents.Input{Kind: agents.AgentDidNotReply, AttemptID: "a"}, false)
	apply(agents.Input{Kind: agents.Logout}, false)
	if err := r.SetAutoCall(t.Context(), 1, true); err != nil {
		t.Fatal(err)
	}
	// A call of another system's interrupts a pause, which stays on record until it is taken back.
	enter(t, r, 1, "q")
	apply(agents.Input{Kind: agents.PauseChosen, PauseID: "4"}, false)
	apply(agents.Input{Kind: agents.Given, Call: call("b"), Until: c.Now().Add(time.Minute)}, false)
	apply(agents.Input{Kind: agents.PauseEnded}, false)
	apply(agents.Input{Kind: agents.Released, AttemptID: "b"}, false)
	apply(agents.Input{Kind: agents.Logout}, false)
	want := []string{"pause 1 4 ", "pause 1 0 ", "flag 1 false", "pause 1 1000 phone.not_answered", "pause 1 0 ", "flag 1 true",
		"pause 1 4 ", "pause 1 0 "}
	if !slices.Equal(rec.did, want) {
		t.Errorf("recorded %q, want %q", rec.did, want)
	}

	// Without the record an agent may become less callable, never more.
	enter(t, r, 1, "q")
	rec.err = errors.New("SQL is away")
	if err := r.SetAutoCall(t.Context(), 1, false); err != nil {
		t.Error("off refused:", err)
	}
	if err := r.SetAutoCall(t.Context(), 1, true); err == nil {
		t.Error("on without the record")
	}
	apply(agents.Input{Kind: agents.PauseChosen, PauseID: "4"}, false)
	if l := apply(agents.Input{Kind: agents.PauseEnded}, true); l.State != agents.Paused {
		t.Errorf("left the pause without the record: %s", l.State)
	}
}

func TestCountsItsOwnAgents(t *testing.T) {
	rdb := client(t, miniredis.RunT(t).Addr())
	c := newClock()
	r, other := node(t, rdb, "n1", c, nil), node(t, rdb, "n2", c, nil)
	reg := prometheus.NewRegistry()
	r.o.Metrics = telemetry.New(reg)
	enter(t, r, 1, "q")
	enter(t, r, 2, "q")
	enter(t, other, 3, "q")
	must(t, r, 2, agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
	if err := r.countStates(t.Context()); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "ringmaster_agents" && m.GetGauge().GetValue() > 0 {
				counts[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	if want := map[string]float64{"available": 1, "paused": 1}; !maps.Equal(counts, want) {
		t.Errorf("counted %v, want %v", counts, want)
	}
}

func TestTheHomelessFindAHome(t *testing.T) {
	rdb := client(t, miniredis.RunT(t).Addr())
	c := newClock()
	r := node(t, rdb, "n1", c, nil)
	for id, home := range map[int64]string{1: "", 2: "never heard"} {
		enter(t, r, id, "q")
		must(t, r, id, agents.Input{Kind: agents.HomeChanged, Node: home})
	}
	homes := func(first, second string) {
		t.Helper()
		if err := r.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[int64]string{1: first, 2: second} {
			if l, _ := r.Get(t.Context(), id); l.Node != want {
				t.Errorf("agent %d at %q, want %q", id, l.Node, want)
			}
		}
	}
	homes("", "never heard")
	if err := r.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	homes("n1", "never heard") // whose silence must last
	c.pass(nodeTTL)
	if err := r.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	homes("n1", "n1")
}

// TestOnACluster runs the scripts where keys of different slots would be refused.
func TestOnACluster(t *testing.T) {
	server := testdeps.RedisServer(t, "--cluster-enabled", "yes")
	if err := client(t, server.Addr).Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{server.Addr}})
	t.Cleanup(func() { rdb.Close() })
	testdeps.Seen(t, "the cluster to come up", func() error { return rdb.Set(t.Context(), "up", 1, 0).Err() },
		func(err error) bool { return err == nil })
	c := newClock()
	r := node(t, rdb, "n1", c, nil)
	states := make(chan agents.Live, 100)
	missed := make(chan struct{}, 10)
	r.Watch(func(int64) bool { return true }, func(l agents.Live) { states <- l }, func() { missed <- struct{}{} })
	run(t, r)
	wait(t, missed, "the start")
	enter(t, r, 1, "q", "also")
	if l, err := claim(t, r, "also", "n1", call("a"), c.Now().Add(time.Minute)); err != nil || l.AgentID != 1 {
		t.Fatal(l, err)
	}
	for l := wait(t, states, "a state"); l.State != agents.Ordered; l = wait(t, states, "a state") {
	}
	if list, err := r.List(t.Context(), 0, 10); err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	if free, err := r.Free(t.Context(), "n1"); err != nil || len(free) != 0 {
		t.Error(free, err)
	}
	if v, err := r.Versions(t.Context(), []int64{1, 2}); err != nil || v[0] == 0 || v[1] != 0 {
		t.Error(v, err)
	}
	must(t, r, 1, agents.Input{Kind: agents.Released, AttemptID: "a"})
	if err := r.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRecordFollowsTheState: a change that overtakes one on its way leaves no wrong pause on record.
func TestRecordFollowsTheState(t *testing.T) {
	for name, overtakes := range map[string]agents.Input{
		"a call":   {Kind: agents.Ordering, Call: call("a"), Until: time.Now().Add(time.Hour)}, // the pause is remembered
		"a logout": {Kind: agents.Logout},                                                      // the pause is refused
	} {
		t.Run(name, func(t *testing.T) {
			rec := &record{}
			r := node(t, client(t, miniredis.RunT(t).Addr()), "n1", newClock(), rec)
			enter(t, r, 1, "q")
			rec.meanwhile = func() { must(t, r, 1, overtakes) }
			_, _ = r.Apply(t.Context(), 1, agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
			if want := []string{"pause 1 4 ", "pause 1 0 "}; !slices.Equal(rec.did, want) {
				t.Errorf("recorded %q, want %q", rec.did, want)
			}
		})
	}
}
