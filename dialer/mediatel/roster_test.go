package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestRosterForgets: a Redis that is back empty costs nobody a talk. Who is not entered again loses the session after two looks,
// or when the talk is over.
func TestRosterForgets(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 4, known, unhurried)
	calls := map[int64]*live{}
	for agent := range int64(4) {
		h.ready(agent + 1)
		for _, on := range []bool{false, true} {
			_, err := h.roster.Apply(t.Context(), agent+1, agents.Input{Kind: agents.AutoCallSet, On: on, At: time.Now()})
			must(t, err)
		}
	}
	for _, agent := range []int64{1, 2} {
		l, err := h.order(agent, ann+string(rune('0'+agent)), true)
		must(t, err)
		l.until(dialer.CustomerAnswered)
		calls[agent] = l
	}
	h.roster.forget()
	h.roster.logOn(3)
	testdeps.Eventually(t, "agent 4 to be given up", func() bool {
		h.roster.missed()
		held, _ := h.Sessions()
		return held == 3
	})
	h.at(4, wire.StateLogout)
	h.roster.logOn(1)
	for agent, l := range calls {
		if got := h.stateOf(agent); got != wire.StateActive {
			t.Errorf("agent %d's talk is %s", agent, got)
		}
		l.Hangup("agent")
		if end := l.until(dialer.Ended); end.Outcome != campaigns.Answered || end.HangupBy != "agent" {
			t.Errorf("agent %d: end %+v", agent, end)
		}
	}
	h.at(2, wire.StateLogout)
	if n := h.server.Commands()[wire.Login]; n != 4 || len(h.others) != 0 {
		t.Errorf("%d logins of 4 agents, %d calls taken for others'", n, len(h.others))
	}
	// The state that was begun anew is followed, though its versions are lower.
	must(t, h.SetCode(t.Context(), ext(1), calls[1].trace, "4"))
	for _, agent := range []int64{1, 3} {
		_, err := h.roster.Apply(t.Context(), agent, agents.Input{Kind: agents.PauseChosen, PauseID: "4", At: time.Now()})
		must(t, err)
		h.at(agent, wire.StatePause)
	}
}
