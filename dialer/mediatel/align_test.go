package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestFlagFollowsAtOnce: a flag that is set On and soon Off again is Off at Mediatel, too, long before a command could be thought
// lost.
func TestFlagFollowsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) {
		near.OwnCampaigns, near.Limits.Answer = true, time.Minute
	})
	h.ready(1)
	follows := func(on bool) {
		t.Helper()
		testdeps.Eventually(t, "the flag to follow", func() bool { return h.server.State("mt_agent1").AutoCall == on })
	}
	follows(true)
	h.apply(agents.Input{Kind: agents.AutoCallSet, On: false})
	follows(false)
	h.apply(agents.Input{Kind: agents.AutoCallSet, On: true})
	follows(true)
}

// TestFlagThatDoesNotFollow: a toggle that Mediatel declines is sent once more after a while, though nothing else happens, and
// not before.
func TestFlagThatDoesNotFollow(t *testing.T) {
	t.Parallel()
	const answer = 2 * time.Second
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) {
		near.OwnCampaigns, near.Limits.Answer = true, answer
	})
	h.ready(1)
	testdeps.Eventually(t, "the flag to follow", func() bool { return h.server.State("mt_agent1").AutoCall })
	h.server.SetDeclined(wire.Predictive, 1)
	began := time.Now()
	h.apply(agents.Input{Kind: agents.AutoCallSet, On: false})
	testdeps.Eventually(t, "the flag to follow", func() bool { return !h.server.State("mt_agent1").AutoCall })
	if took := time.Since(began); took < 2*answer {
		t.Errorf("toggled again after %v", took)
	}
	if n := h.server.Commands()[wire.Predictive]; n != 3 {
		t.Errorf("toggled %d times, want On, Off in vain, and Off", n)
	}
}

// TestPauseOfAFormerLife: a pause that the node's former life has set is ended when our agent is back without one.
func TestPauseOfAFormerLife(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	h.ready(1)
	h.apply(agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
	h.at(1, wire.StatePause)
	h.restart()
	h.at(1, wire.StateIdle)
	h.ready(1)
}
