package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestLogOff: who logs off with us logs off there; a process that ends leaves its agents logged in.
func TestLogOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2, known)
	h.ready(1)
	h.ready(2)
	_, err := h.roster.Apply(t.Context(), 1, agents.Input{Kind: agents.Logout, At: time.Now()})
	must(t, err)
	h.at(1, wire.StateLogout)
	testdeps.Eventually(t, "no session", func() bool { held, _ := h.Sessions(); return held == 1 })
	h.stop()
	if got := h.stateOf(2); got != wire.StateIdle {
		t.Errorf("agent 2 in %s after the process ended", got)
	}
}

// logOffAway logs agent 1 off while Mediatel cannot be reached.
func (h *house) logOffAway() {
	h.tb.Helper()
	h.ready(1)
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	testdeps.Eventually(h.tb, "the loss to be noticed", func() bool { return h.server.Connections() == 0 })
	h.apply(agents.Input{Kind: agents.Logout})
	testdeps.Eventually(h.tb, "no session", func() bool { held, _ := h.Sessions(); return held == 0 })
}

// TestLogOffWhileDisconnected: it is made up for.
func TestLogOffWhileDisconnected(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, unhurried)
	h.logOffAway()
	if got := h.stateOf(1); got != wire.StateIdle {
		t.Fatalf("Mediatel's agent in %s before the connection is back", got)
	}
	h.server.SetAway(false)
	h.at(1, wire.StateLogout)
	testdeps.Eventually(t, "no connection", func() bool { return h.server.Connections() == 0 })
	if n := h.server.Commands()[wire.Login]; n != 1 {
		t.Errorf("%d logins, want that of the beginning", n)
	}
}

// TestElsewhere: an agent whom Mediatel still has at another extension is moved to ours, and the log-off that was not done is not
// made up for.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, unhurried)
	h.logOffAway()
	e := agents.Extension{Name: "y9", Network: mediatel.Name}
	h.apply(agents.Input{
		Kind: agents.Login, Agent: &agents.Agent{ID: 1, Login: login(1), Queues: []string{"AUTO_1"}, AutoCall: true}, Extension: &e,
		Node: "n1", Reachable: true,
	})
	testdeps.Eventually(t, "a session", func() bool { held, _ := h.Sessions(); return held == 1 })
	h.server.SetAway(false)
	testdeps.Eventually(t, "reachable at the new extension", func() bool { return h.Reachable(t.Context(), e) == nil })
	testdeps.Quiet(200 * time.Millisecond) // for what the former session might still do
	if s := h.server.State("mt_agent1"); s.AgentExt != "y9" || s.State != wire.StateIdle {
		t.Errorf("Mediatel has the agent at %s in %s", s.AgentExt, s.State)
	}
	if n := h.server.Commands(); n[wire.Login] != 2 || n[wire.Logout] != 1 {
		t.Errorf("commands %v, want one more login, and one logout before it", n)
	}
}
