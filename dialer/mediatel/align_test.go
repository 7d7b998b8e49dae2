package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/mediateltest"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// TestFlagFollowsAtOnce: a flag that is set On and soon Off again is Off at Mediatel, too, long before a command could be thought lost.
func TestFlagFollowsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(_ *mediateltest.Options, near *mediatel.Options) {
		near.OwnCampaigns, near.Limits.Answer = true, time.Minute
	})
	h.ready(1)
	follows := func(on bool) {
		t.Helper()
		eventually(t, "the flag to follow", func() bool { return h.server.State("mt_agent1").AutoCall == on })
	}
	follows(true)
	h.apply(agents.Input{Kind: agents.AutoCallSet, On: false})
	follows(false)
	h.apply(agents.Input{Kind: agents.AutoCallSet, On: true})
	follows(true)
}

// TestPauseOfAFormerLife: a pause that the node's former life has set is ended when our agent is back without one.
func TestPauseOfAFormerLife(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	h.ready(1)
	h.apply(agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
	h.at(1, wire.StatePause)
	h.stop()
	r := newRoster()
	next, err := mediatel.New(mediatel.Options{Node: "n1", Roster: r, Credentials: passwords("secret"), Cookies: cookies{},
		URL: h.web.URL + "/mediatel/socket.io", EndCode: "7", Limits: mediatel.Limits{Retry: 20 * time.Millisecond}})
	must(t, err)
	r.logOn(1)
	go next.Run(t.Context())
	h.at(1, wire.StateIdle)
}
