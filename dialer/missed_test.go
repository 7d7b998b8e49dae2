package dialer_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// deafRoster is one whose Redis is away for some inputs.
type deafRoster struct {
	dialer.Roster
	deaf   []agents.Kind
	missed atomic.Int32
	heard  atomic.Bool // Redis is back
}

func (r *deafRoster) Apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error) {
	if !r.heard.Load() && slices.Contains(r.deaf, in.Kind) {
		r.missed.Add(1)
		return agents.Live{}, errAway
	}
	return r.Roster.Apply(ctx, agentID, in)
}

// TestTimeForACodeThatNobodySaw: with Redis away at a hang-up the tab goes on showing a talk, for longer than the wrap-up. The
// time for the code runs from when the agent can see it.
func TestTimeForACodeThatNobodySaw(t *testing.T) {
	t.Parallel()
	h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
	c := h.campaign(func(c *campaigns.Campaign) { c.WrapUp = 10 * time.Second })
	h.people(c, number(1, 9))
	var roster *deafRoster
	n := h.node("n1", func(d *dialer.Deps) {
		roster = &deafRoster{Roster: d.Roster, deaf: []agents.Kind{agents.HungUp}}
		d.Roster, d.Limits = roster, dialer.Limits{} // a claim outlasts the time that Redis is away
	})
	a := n.agent(c.Queue)
	n.until(a.ID, "talking", in(agents.Talking))
	h.must(n.desk.Hangup(t.Context(), a.ID))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'closed'")
	over := time.Now().Add(c.WrapUp)
	testdeps.Quiet(c.WrapUp) // the sweep of due codes looks at the record meanwhile
	h.eventually(0, "SELECT count(*) FROM attempts WHERE code_set_at IS NOT NULL")
	roster.heard.Store(true)
	l := n.until(a.ID, "Clerical", in(agents.Clerical))
	if l.CodeDueAt.Sub(over) < c.WrapUp/2 {
		t.Errorf("the time for the code ends at %s; it would have ended at %s", l.CodeDueAt, over)
	}
	h.must(n.desk.SetCode(t.Context(), a.ID, "", "2", time.Time{}))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE code = '2' AND code_reason = 'agent'")
}

// TestAgentSeesWhatRedisMissed: the tab of an agent who talks since Redis was away does not go on showing a phone that rings.
func TestAgentSeesWhatRedisMissed(t *testing.T) {
	t.Parallel()
	for name, deaf := range map[string][]agents.Kind{
		"the answer":              {agents.Connected, agents.ClaimRenewed},
		"the ring and the answer": {agents.Ringing, agents.Connected, agents.ClaimRenewed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
			c := h.campaign()
			h.people(c, number(1, 9)) // answers, and talks for long
			var roster *deafRoster
			n := h.node("n1", func(d *dialer.Deps) {
				roster = &deafRoster{Roster: d.Roster, deaf: deaf}
				d.Roster, d.Limits.Renew = roster, 200*time.Millisecond
			})
			a := n.agent(c.Queue)
			h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered'")
			roster.heard.Store(true)
			l := n.until(a.ID, "talking", func(l agents.Live) bool { return l.State == agents.Talking })
			if l.Call.CardLink == "" || roster.missed.Load() == 0 {
				t.Errorf("%+v after %d inputs missed", l.Call, roster.missed.Load())
			}
		})
	}
}

// TestACodeChosenWhileSQLWasAway: SQL is away from the code to after the end of the wrap-up. When it is back, the code is stored
// by the node that kept it, however soon another one looks for codes that are due.
func TestACodeChosenWhileSQLWasAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(func(c *campaigns.Campaign) { c.WrapUp = 10 * time.Second })
	h.people(c, number(1, 9))
	var away atomic.Bool
	cut := faulty(func(string) (bool, bool) { return away.Load(), false })
	n := h.node("n1", cut)
	a := n.agent(c.Queue)
	n.until(a.ID, "talking", in(agents.Talking))
	other := h.node("n2", cut, func(d *dialer.Deps) {
		d.Roster = unknowing{d.Roster} // Redis does not know what was chosen
		d.Limits.Lease, d.Limits.Reconcile = 30*time.Second, 20*time.Millisecond
	})
	h.must(n.desk.Hangup(t.Context(), a.ID))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE code_due_at IS NOT NULL")
	away.Store(true)
	_ = n.desk.SetCode(t.Context(), a.ID, "", "2", time.Time{}) // whether it is stored in time cannot be told
	testdeps.Lasts(c.WrapUp + time.Second)
	away.Store(false)
	h.eventually(1, "SELECT count(*) FROM attempts WHERE code = '2' AND code_reason = 'agent'")
	n.stop()
	other.stop()
	h.rest()
}
