package dialer_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func predictive(c *campaigns.Campaign) { c.Mode = campaigns.Predictive }

// patient has customers wait long enough for a machine that is ten times slower.
func patient(c *campaigns.Campaign) {
	c.Mode, c.Pacing.Patience = campaigns.Predictive, time.Minute
}

// unhurried is steady with talks and answers that last for a while.
var unhurried = simulated.Script{
	Crowd: simulated.Profile{NoAnswer: 0.5, AgentAnswers: simulated.LogNormal{Median: 2 * time.Millisecond},
		SetUp: simulated.LogNormal{Median: 20 * time.Millisecond}, Answers: simulated.LogNormal{Median: 2 * time.Second, Sigma: 0.4},
		Talk: simulated.LogNormal{Median: 20 * time.Second, Sigma: 0.5}},
}

// TestACustomerIsCalledFirst: the customer's phone rings, and only then an agent is taken, shown the card and rung.
func TestACustomerIsCalledFirst(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign(patient)
		h.people(c, number(1, 9))
		n := h.node("n1", leasedLong)
		a := n.agent(c.Queue)
		l := n.until(a.ID, "talk", in(agents.Talking))
		if call := l.Call; call.CRMID != "crm-"+number(1, 9) || len(call.Codes) != 3 || !strings.Contains(call.CardLink,
			"agent="+a.Login) || !call.Automatic {
			t.Errorf("the tab is shown %+v", call)
		}
		h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered' AND agent_id = $1 AND picked_up_at IS NOT NULL", a.ID)
		if err := n.desk.SetCode(t.Context(), a.ID, "", "1", time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := n.desk.Hangup(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		n.until(a.ID, "free", in(agents.Available))
		h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'answered' AND code = '1' AND agent_id = $1", a.ID)
		h.eventually(1, "SELECT count(*) FROM pacing_minutes WHERE connected = 1 AND abandoned = 0")
		n.stop()
		h.check(h.rings())
	})
}

// TestNobodyIsThere: an answered customer for whom no agent's phone is answered hears the message and counts as abandoned, the
// agents are in Force Pause, and the number rests.
func TestNobodyIsThere(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	// More patience than usual, which a machine that stands still for a second would have spent before the phones are given up.
	c := h.campaign(predictive, func(c *campaigns.Campaign) { c.Pacing.Patience = 10 * time.Second })
	h.people(c, number(1, 9))
	n := h.node("n1", leasedLong)
	var team []agents.Agent
	for range 2 {
		a := h.newAgent(c.Queue)
		h.network.SetExtension(strings.Replace(a.Login, "agent", "ext", 1), simulated.Silent)
		team = append(team, a)
	}
	for _, a := range team {
		n.login(a)
	}
	h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'abandoned' AND picked_up_at IS NOT NULL AND answered_at IS "+
		"NULL AND agent_id IS NULL")
	h.eventually(1, "SELECT count(*) FROM pacing_minutes WHERE connected = 0 AND abandoned = 1")
	n.until(team[0].ID, "Force Pause", in(agents.ForcePause))
	h.eventually(1, "SELECT count(*) FROM contacts WHERE state = 'waiting' AND next_at > $1",
		time.Now().Add(50*time.Minute).UnixMilli())
	n.stop()
	h.check(h.rings())
}

// TestTheNextAgentIsTried: one whose phone cannot be called is in Force Pause, and the customer talks with another one.
func TestTheNextAgentIsTried(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(patient)
	broken := h.newAgent(c.Queue)
	n := h.node("n1", leasedLong)
	n.login(broken) // free for longest
	n.until(broken.ID, "free", agents.Live.Free)
	well := n.agent(c.Queue)
	h.network.SetExtension(strings.Replace(broken.Login, "agent", "ext", 1), simulated.Silent)
	h.people(c, number(1, 9)) // now that both are there
	n.until(broken.ID, "Force Pause", in(agents.ForcePause))
	n.until(well.ID, "talk", in(agents.Talking))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered' AND agent_id = $1", well.ID)
}

// TestTheAbandonedAreCalledWithAnAgent: within the profile's rest a person who was abandoned is called only when an agent is
// there first.
func TestTheAbandonedAreCalledWithAnAgent(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(patient, func(c *campaigns.Campaign) {
		c.Profile, c.Pacing.Patience = "uk-ofcom", 0
		c.Retry[campaigns.Abandoned] = campaigns.RetryRule{}
	})
	h.people(c, number(1, 9))
	n := h.node("n1", leasedLong)
	silent := h.newAgent(c.Queue)
	ext := strings.Replace(silent.Login, "agent", "ext", 1)
	h.network.SetExtension(ext, simulated.Silent)
	n.login(silent)
	h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'abandoned'")
	well := n.agent(c.Queue)
	n.until(well.ID, "talk", in(agents.Talking))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered' AND picked_up_at IS NULL AND agent_id = $1", well.ID)
}

// TestAPredictiveDay: many agents and customers; each answer is accounted for exactly, and nobody waits in vain who need not.
func TestAPredictiveDay(t *testing.T) {
	each(t, unhurried, func(t *testing.T, h *house) {
		c := h.campaign(patient)
		h.people(c, numbers(80, 0)...)
		n := h.node("n1", leasedLong)
		for range 10 {
			n.agent(c.Queue)
		}
		n.coder("1")
		h.closed(80)
		h.pause(c)
		n.stop()
		h.checkAccount(c)
		h.checkContacts()
		h.checkEvents()
		h.check(h.rings())
	})
}

// TestTwoNodesAhead: two nodes call a campaign's customers first while SQL fails now and then, and one of them is stopped. Nobody
// is called twice, and the account is exact.
func TestTwoNodesAhead(t *testing.T) {
	t.Parallel()
	eachApart(t, unhurried, func(t *testing.T, h *house) {
		c := h.campaign(patient, func(c *campaigns.Campaign) { c.WrapUp = 2 * time.Second })
		h.people(c, append(numbers(50, 0), numbers(10, 1)...)...)
		stutters := faulty(func(string) (before, after bool) {
			draw := rand.Float64()
			return draw < 0.03, draw > 0.97
		})
		first, second := h.node("n1", stutters), h.node("n2", stutters)
		for _, n := range []*node{first, second} {
			for range 4 {
				n.agent(c.Queue)
			}
			n.coder("1")
		}
		testdeps.Seen(t, "calls of both nodes", func() int {
			return h.count("SELECT count(DISTINCT substr(owner, 1, 2)) FROM attempts WHERE state = 'closed'")
		}, func(n int) bool { return n == 2 })
		first.stop()
		h.eventually(0, `SELECT count(*) FROM contacts WHERE state IN ('calling', 'coding') OR (state = 'waiting' AND ordinals = 0)`)
		second.stop()
		h.rest()
		h.checkAccount(c)
	})
}

// TestACustomerWhoLeavesBlamesNoPhone: one who hangs up before an agent's phone could be rung puts nobody into Force Pause. The
// agent, who is the only one, goes on.
func TestACustomerWhoLeavesBlamesNoPhone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sqliteURL(t), steady) // whose customers wait for some milliseconds
	c := h.campaign(patient)
	h.people(c, numbers(30, 0)...)
	n := h.node("n1", leasedLong)
	a := n.agent(c.Queue)
	n.coder("1")
	h.within(12*time.Minute, 30, "SELECT min(30, count(*)) FROM attempts WHERE state = 'closed'")
	if l, err := n.roster.Get(t.Context(), a.ID); err != nil || l.State == agents.ForcePause {
		t.Errorf("%+v, %v", l, err)
	}
	n.stop()
	h.rest()
}

// TestRedisAwayAhead is TestRedisAway with customers who are called first.
func TestRedisAwayAhead(t *testing.T) {
	t.Parallel()
	h, c := redisAway(t, 3*time.Second, patient)
	h.rest()
	h.checkAccount(c)
}

// checkAccount holds a campaign's account to its attempts.
func (h *house) checkAccount(c *campaigns.Campaign) {
	h.tb.Helper()
	spans, err := h.store.Campaigns.Account(h.tb.Context(), c.ID, time.Now().Add(-time.Hour), time.Time{})
	h.must(err)
	var got dialer.AccountSpan
	for _, s := range spans {
		got.Connected += s.Connected
		got.Abandoned += s.Abandoned
		got.HungUp += s.HungUp
		got.Machines += s.Machines
	}
	count := func(where string) int {
		return h.count("SELECT count(*) FROM attempts WHERE state = 'closed' AND campaign_id = $1 AND "+where, c.ID)
	}
	want := dialer.AccountSpan{
		Connected: count("answered_at IS NOT NULL AND agent_id IS NOT NULL AND outcome <> 'abandoned' AND NOT machine"),
		Machines:  count("outcome = 'answering_machine' OR machine AND answered_at IS NOT NULL"),
		HungUp:    count("outcome = 'answered' AND agent_id IS NULL"),
		Abandoned: count("(outcome = 'abandoned' OR outcome = 'unknown' AND picked_up_at IS NOT NULL AND answered_at IS NULL)"),
	}
	got.Begin = want.Begin
	if got != want {
		h.tb.Errorf("the account says %+v, the attempts %+v", got, want)
	}
}
