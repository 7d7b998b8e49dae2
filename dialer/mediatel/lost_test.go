package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer"
)

// TestLossIsToldAtOnce: an agent whose connection is lost is out of reach without anybody asking, and who asks is answered at once.
func TestLossIsToldAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2, known)
	h.ready(1)
	h.ready(2)
	l, err := h.order(2, ann, true)
	must(t, err)
	l.until(dialer.CustomerAnswered)
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	h.server.Cut("mt_agent2")
	eventually(t, "agent 1 out of reach", func() bool { return !h.roster.get(1).Reachable })
	began := time.Now()
	if err := h.Reachable(t.Context(), ext(1)); err == nil || time.Since(began) > time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	h.server.SetAway(false)
	h.ready(1)

	// A talk that goes on takes its agent with it.
	h.server.HangUp("mt_agent2")
	l.until(dialer.Ended)
	must(t, h.SetCode(t.Context(), ext(2), l.trace, "4"))
	if !h.roster.get(2).Reachable {
		t.Error("agent 2 out of reach after a talk that outlived the connection")
	}
}
