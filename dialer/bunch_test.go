package dialer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestAgentsLeaveInABunch: while many phones ring, all agents but one pause, log out or turn automatic calls off. No further call
// is dialed for them; who rings on is given up, but not before the legal minimum, counted from the first ringing; who answers
// all the same gets the agent who is left, or is abandoned within the patience, and counts so. All by the defaults of a campaign.
func TestAgentsLeaveInABunch(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sqliteURL(t), steady)
	const connecting = 2 * time.Second
	network, err := simulated.New(simulated.Options{Clock: simulated.Hurried(1), Script: simulated.Script{
		Crowd: simulated.Profile{AgentAnswers: simulated.LogNormal{Median: 2 * time.Millisecond},
			SetUp: simulated.LogNormal{Median: connecting}, Answers: simulated.LogNormal{Median: time.Hour},
			Talk: simulated.LogNormal{Median: time.Hour}},
		Rules: []simulated.Rule{{Suffix: "0", Outcome: campaigns.Answered, Answers: 9 * time.Second},
			{Suffix: "1", Outcome: campaigns.Answered, Answers: 9500 * time.Millisecond},
			{Suffix: "2", Outcome: campaigns.Answered, Answers: 12 * time.Second}},
	}})
	h.must(err)
	t.Cleanup(network.Close)
	h.network = network
	c := h.campaign(predictive, func(c *campaigns.Campaign) { c.Ring = 30 * time.Second })
	n := h.node("n1", leasedLong)
	var team []agents.Agent
	for range 10 {
		a := h.newAgent(c.Queue)
		n.login(a)
		team = append(team, a)
	}
	for _, a := range team {
		n.until(a.ID, "free", agents.Live.Free)
	}
	var people []string
	for i := range 40 {
		people = append(people, number(i, []int{0, 5, 1, 6, 2, 7, 8, 9}[i%8]))
	}
	h.people(c, people...)
	n.Wake()
	const dialed = "SELECT count(*) FROM attempts WHERE dialed_at IS NOT NULL"
	rang := testdeps.Seen(t, "calls ring", func() int { return h.count(dialed) }, func(n int) bool { return n >= 20 })

	left := time.Now()
	for i, a := range team[1:] {
		in := []agents.Input{{Kind: agents.PauseChosen, PauseID: "7"}, {Kind: agents.Logout}, {Kind: agents.AutoCallSet}}[i%3]
		in.At = time.Now()
		_, err := n.roster.Apply(t.Context(), a.ID, in)
		h.must(err)
	}
	if took := time.Since(left); took > 2*connecting { // long before anybody answers
		t.Fatalf("they took %v to leave", took)
	}
	n.until(team[0].ID, "talk", in(agents.Talking))
	h.within(3*time.Minute, 1, "SELECT count(*) FROM attempts WHERE state NOT IN ('closed', 'cancelled')") // the talk
	if got := h.count(dialed); got != rang {
		t.Errorf("%d calls were dialed when the agents left, and %d later", rang, got)
	}
	const answers = " AND (number LIKE '%0' OR number LIKE '%1' OR number LIKE '%2')"
	all := h.count("SELECT count(*) FROM attempts WHERE state = 'closed'")
	answered := h.count("SELECT count(*) FROM attempts WHERE state = 'closed'" + answers)
	tooShort := fmt.Sprintf("outcome = 'no_answer' AND ended_at - dialed_at < %d", (c.MinimumRing() + connecting).Milliseconds())
	for what, want := range map[string]int{
		"outcome = 'abandoned' AND picked_up_at > 0 AND agent_id IS NULL": answered,
		"outcome = 'no_answer' AND hangup_by = 'system'":                  all - answered,
		"outcome = 'abandoned' AND ended_at - picked_up_at > 5000":        0, // the patience, and what a busy machine takes
		tooShort: 0,
	} {
		if got := h.count("SELECT count(*) FROM attempts WHERE " + what); got != want {
			t.Errorf("%d calls with %s, want %d", got, what, want)
		}
	}
	if h.count("SELECT count(*) FROM attempts WHERE outcome = 'no_answer'") < 10 {
		t.Error("too few calls were given up: it proves too little")
	}
	if rest := h.count("SELECT count(*) FROM attempts WHERE outcome = 'no_answer' AND ended_at - dialed_at > 27000"); rest > 1 {
		t.Errorf("%d calls rang on for one agent, who is busy", rest)
	}
	h.must(n.desk.Hangup(t.Context(), team[0].ID))
	n.until(team[0].ID, "the end", in(agents.Clerical))
	h.checkAccount(c)
	n.stop()
}

// slow is a phone network whose ways to the customer are held up: before a call has a slot, or before its customer is dialed.
type slow struct {
	*simulated.Network
	slots chan struct{} // closed: there are some
	held  atomic.Int64  // calls that wait, or have waited
	lines bool          // slots are there, and the customers' lines are slow
}

const heldUp = 4900 * time.Millisecond // at most: nearly as long as a call may wait for its slot

func (s *slow) Room() (int, string) { return 100, "" }

func (s *slow) Reserve(context.Context) (dialer.Reservation, error) {
	if s.lines {
		return freeSlot{}, nil
	}
	s.held.Add(1)
	select {
	case <-s.slots:
	case <-time.After(heldUp):
	}
	return freeSlot{}, nil
}

type freeSlot struct{}

func (freeSlot) Release() {}

// Place waits until the call may not be placed any more.
func (s *slow) Place(ctx context.Context, c dialer.Call) (dialer.LiveCall, error) {
	if s.lines {
		s.held.Add(1)
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for late := time.After(time.Minute); c.MayWrite() == nil; {
			select {
			case <-look.C:
				continue
			case <-late:
			}
			break
		}
	}
	return s.Network.Place(ctx, c)
}

// TestAgentsLeaveBeforeTheDialing: calls prepared for agents who then leave, and not dialed yet, are not dialed any more:
// neither those that wait for a slot of the trunk, nor those that are about to be dialed. The people are called another time.
func TestAgentsLeaveBeforeTheDialing(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]bool{"slots": false, "lines": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, sqliteURL(t), steady)
			c := h.campaign(predictive)
			trunk := &slow{Network: h.network, slots: make(chan struct{}), lines: lines}
			n := h.node("n1", leasedLong, func(d *dialer.Deps) { d.Networks = map[string]dialer.PhoneNetwork{"simulated": trunk} })
			var team []agents.Agent
			for range 6 {
				a := h.newAgent(c.Queue)
				n.login(a)
				team = append(team, a)
			}
			for _, a := range team {
				n.until(a.ID, "free", agents.Live.Free)
			}
			var people []string
			for i := range 20 {
				people = append(people, number(i, 0))
			}
			h.people(c, people...)
			n.Wake()
			testdeps.Seen(t, "calls wait", func() int { return int(trunk.held.Load()) }, func(n int) bool { return n >= 6 })
			for _, a := range team {
				_, err := n.roster.Apply(t.Context(), a.ID, agents.Input{Kind: agents.PauseChosen, PauseID: "7", At: time.Now()})
				h.must(err)
			}
			n.Wake()
			if !lines {
				h.eventually(0, "SELECT count(*) FROM attempts WHERE state = 'prepared'")
				close(trunk.slots)
			}
			h.eventually(0, "SELECT count(*) FROM attempts WHERE state NOT IN ('closed', 'cancelled')")
			if got := h.count("SELECT count(*) FROM attempts"); got < 6 {
				t.Errorf("%d attempts: it proves too little", got)
			}
			if got := len(h.network.Rung()); got > 0 {
				t.Errorf("%d customers were dialed for agents who had left", got)
			}
			h.eventually(20, "SELECT count(*) FROM contacts WHERE state = 'waiting'")
			h.checkAccount(c)
			n.stop()
		})
	}
}
