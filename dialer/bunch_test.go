package dialer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
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
	n := h.node("n1")
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
	if took := time.Since(left); took > time.Second {
		t.Fatalf("they took %v to leave", took)
	}
	n.until(team[0].ID, "talk", in(agents.Talking))
	h.within(40*time.Second, 1, "SELECT count(*) FROM attempts WHERE state NOT IN ('closed', 'cancelled')") // the talk
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
		"outcome = 'abandoned' AND ended_at - picked_up_at > 2000":        0,
		tooShort: 0,
	} {
		if got := h.count("SELECT count(*) FROM attempts WHERE " + what); got != want {
			t.Errorf("%d calls with %s, want %d", got, what, want)
		}
	}
	if h.count("SELECT count(*) FROM attempts WHERE outcome = 'no_answer'") < 10 {
		t.Error("too few calls were given up: it proves too little")
	}
	if rest := h.count("SELECT count(*) FROM attempts WHERE outcome = 'no_answer' AND ended_at - dialed_at > 20000"); rest > 1 {
		t.Errorf("%d calls rang on for one agent, who is busy", rest)
	}
	h.must(n.desk.Hangup(t.Context(), team[0].ID))
	n.until(team[0].ID, "the end", in(agents.Clerical))
	h.checkAccount(c)
	n.stop()
}
