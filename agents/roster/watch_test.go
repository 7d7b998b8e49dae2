package roster

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// wait fails the test when nothing comes in time.
func wait[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(2 * time.Minute):
		t.Fatal("waited in vain for " + what)
		panic("unreachable")
	}
}

func run(t *testing.T, r *Roster) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { r.Run(ctx) })
	t.Cleanup(func() { cancel(); done.Wait() })
}

func TestWatchHearsOtherNodes(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := newClock()
		here, there := node(t, rdb, "n1", c, nil), node(t, rdb, "n2", c, nil)
		states, missed := make(chan agents.Live, 100), make(chan struct{}, 100)
		here.Watch(func(id int64) bool { return id == 1 }, func(l agents.Live) { states <- l }, func() { missed <- struct{}{} })
		run(t, here)
		wait(t, missed, "the start")
		wait(t, here.Changed(), "the signal of the start")

		enter(t, there, 2, "q")
		must(t, there, 2, agents.Input{Kind: agents.HomeChanged, Node: "n1"})
		wait(t, here.Changed(), "the signal that an agent of this node is free")
		enter(t, there, 1, "q")
		first, second := wait(t, states, "a state"), wait(t, states, "a state")
		if first.Tabs != 0 || second.Tabs != 1 || second.Version != first.Version+1 || second.AgentID != 1 {
			t.Errorf("%+v, then %+v", first, second)
		}
	})
}

// TestRedisRestarts loses everything: nobody is free until entered again, and watchers are told.
func TestRedisRestarts(t *testing.T) {
	server := testdeps.RedisServer(t)
	c := newClock()
	r := node(t, client(t, server.Addr), "n1", c, nil)
	missed := make(chan struct{}, 100)
	r.Watch(func(int64) bool { return true }, func(agents.Live) {}, func() { missed <- struct{}{} })
	run(t, r)
	wait(t, missed, "the start")
	enter(t, r, 1, "q")
	held := must(t, r, 1, agents.Input{Kind: agents.Ordering, Call: call("a"), Until: c.Now().Add(time.Minute)})

	server.Kill()
	if _, err := r.Get(t.Context(), 1); err == nil {
		t.Error("read an agent without Redis")
	}
	if _, err := claim(t, r, "q", "n1", call("b"), c.Now()); err == nil {
		t.Error("claimed an agent without Redis")
	}
	server.Start()
	wait(t, missed, "the end of the outage")
	// The client may think Redis away for another second.
	l := testdeps.Seen(t, "the agent without a state", func() (l agents.Live) {
		l, _ = r.Get(t.Context(), 1)
		return l
	}, func(l agents.Live) bool { return l.AgentID == 1 })
	if l.State != agents.LoggedOff {
		t.Fatalf("%+v", l)
	}
	if _, err := claim(t, r, "q", "n1", call("b"), c.Now()); err != errNoneFree {
		t.Errorf("claimed: %v", err)
	}

	c.pass(time.Second)
	l = must(t, r, 1, agents.Input{
		Kind: agents.Login, Node: "n1", Last: &held, Until: c.Now().Add(30 * time.Second),
		Agent: &agents.Agent{ID: 1, Queues: []string{"q"}, AutoCall: true}, Extension: &held.Extension,
	})
	if l.State != agents.Ordered || l.Call.AttemptID != "a" || l.Version <= held.Version {
		t.Errorf("entered again: %+v", l)
	}
}
