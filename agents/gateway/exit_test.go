package gateway

import (
	"context"
	"errors"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// hanging are calls whose phone network has a process for each agent.
type hanging struct {
	*exchange
	restarted chan int64
}

func (x *hanging) Restart(_ context.Context, agentID int64) error {
	x.restarted <- agentID
	return errors.New("it hangs all the same")
}

// TestExitIsRelayed to the phone network, and what is lost here is entered again whatever that says.
func TestExitIsRelayed(t *testing.T) {
	calls := &hanging{restarted: make(chan int64, 1)}
	h := newHouse(t, "", func(d *Deps) { calls.exchange = d.Calls.(*exchange); d.Calls = calls })
	p := h.login(1)
	must(t, h.rdb.FlushAll(t.Context()).Err())
	if s := p.answered(wire.Command{Type: wire.Exit}); s.State != wire.StateIdle {
		t.Errorf("the tab is shown %s", s.State)
	}
	if id := <-calls.restarted; id != 2001 {
		t.Errorf("restarted for agent %d", id)
	}
	testdeps.Eventually(h.tb, "entered again", func() bool { return h.live(2001).State == agents.Available })
}
