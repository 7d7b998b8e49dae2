package dialer_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// nailing is a phone network that keeps legs up, or does not.
type nailing struct {
	*simulated.Network
	mu    sync.Mutex
	up    map[string]bool // by extension
	tries int
	fails error
}

func (n *nailing) Nail(ctx context.Context, ext agents.Extension) error {
	n.mu.Lock()
	n.tries++
	if err := n.fails; err != nil || n.up[ext.Name] {
		n.mu.Unlock()
		return errors.Join(err, errors.New("sipua: twice"))
	}
	n.up[ext.Name] = true
	n.mu.Unlock()
	<-ctx.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.up, ext.Name)
	return nil
}

func (n *nailing) legs() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.up)
}

// nailedUp is a house whose agents' phones are nailed up, one node of it, and an agent who is not logged in.
func nailedUp(t *testing.T) (*node, *nailing, agents.Agent) {
	t.Helper()
	h := newHouseApart(t)
	network := &nailing{Network: h.network, up: map[string]bool{}}
	n := h.node("n1", func(d *dialer.Deps) { d.Networks["simulated"] = network })
	c := h.campaign()
	a := h.newAgent(c.Queue)
	x, err := h.store.Agents.ExtensionByName(t.Context(), "ext2")
	h.must(err)
	x.NailedUp = true
	_, err = h.store.Agents.UpdateExtension(t.Context(), x)
	h.must(err)
	n.login(h.newAgent(c.Queue)) // without
	return n, network, a
}

// TestNailedUpWhileAvailable: an agent's leg is kept up from when calls may come until they may not: by a pause, the flag, a
// logout, the end of the process.
func TestNailedUpWhileAvailable(t *testing.T) {
	t.Parallel()
	n, network, a := nailedUp(t)
	n.login(a)
	legs := func(want int, when string) {
		t.Helper()
		testdeps.Seen(t, when, network.legs, func(n int) bool { return n == want })
	}
	apply := func(in agents.Input) {
		t.Helper()
		in.AttemptID = ""
		if _, err := n.roster.Apply(t.Context(), a.ID, in); err != nil {
			t.Fatal(err)
		}
	}
	legs(1, "logged in")
	apply(agents.Input{Kind: agents.PauseChosen, PauseID: "7"})
	legs(0, "paused")
	apply(agents.Input{Kind: agents.PauseEnded})
	legs(1, "back")
	apply(agents.Input{Kind: agents.AutoCallSet})
	legs(0, "flag Off")
	apply(agents.Input{Kind: agents.AutoCallSet, On: true})
	legs(1, "flag On")
	apply(agents.Input{Kind: agents.Logout})
	legs(0, "logged out")
	n.login(a)
	legs(1, "logged in again")
	n.stop()
	legs(0, "the node has stopped")
}

// TestNailedUpInVain: a leg that does not stay up is tried three times, and its agent is told why in Force Pause; who leaves that
// is given another chance.
func TestNailedUpInVain(t *testing.T) {
	t.Parallel()
	n, network, a := nailedUp(t)
	network.fails = errors.New("sipua: the agent's phone: 486 Busy Here")
	n.login(a)
	l := n.until(a.ID, "Force Pause", in(agents.ForcePause))
	if l.PauseCause.Key() != "phone.not_nailed_up" || l.ErrorID != agents.AgentNoAnswerError {
		t.Errorf("Force Pause with %v, error %s", l.PauseCause, l.ErrorID)
	}
	network.mu.Lock()
	if network.tries != 3 {
		t.Errorf("%d tries", network.tries)
	}
	network.fails = nil
	network.mu.Unlock()
	if _, err := n.roster.Apply(t.Context(), a.ID, agents.Input{Kind: agents.PauseEnded, Reachable: true}); err != nil {
		t.Fatal(err)
	}
	testdeps.Seen(t, "the leg", network.legs, func(n int) bool { return n == 1 })
}
