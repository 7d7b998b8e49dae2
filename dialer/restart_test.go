package dialer_test

import (
	"context"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// restarting is a phone network with a process for each agent.
type restarting struct {
	foreseen
	restarted chan string
}

func (r *restarting) Restart(_ context.Context, ext agents.Extension) error {
	r.restarted <- ext.Name
	return nil
}

// TestRestart: the order finds its way to the home node, and a network that has nothing to restart is no error.
func TestRestart(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	network := &restarting{restarted: make(chan string, 100)}
	home, other := h.node("n1", func(d *dialer.Deps) { d.Networks["simulated"] = network }), h.node("n2")
	a, b := home.agent("Q"), other.agent("Q")
	for _, way := range []struct {
		from *node
		to   agents.Agent
	}{{home, b}, {other, a}} {
		testdeps.Eventually(t, "the other node to listen", func() bool { return way.from.desk.Restart(t.Context(), way.to.ID) == nil })
	}
	<-network.restarted // that of a
	for _, n := range []*node{home, other} {
		h.must(n.desk.Restart(t.Context(), a.ID))
		if got, want := <-network.restarted, home.until(a.ID, "logged on", in(agents.Available)).Extension.Name; got != want {
			t.Errorf("restarted %s, want %s", got, want)
		}
		h.must(n.desk.Restart(t.Context(), b.ID))
	}
}
