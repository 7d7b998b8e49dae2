package dialer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestAvailableWithoutAPhone: who waits for calls without a phone is told why none comes, and is in Force Pause when the phone
// does not come; a phone that comes in time, a flag that is Off and a process that starts anew take nobody out.
func TestAvailableWithoutAPhone(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	patient := func(d *dialer.Deps) { d.Limits.NoPhone, d.Limits.NewHome = 10*time.Second, 15*time.Second }
	n := h.node("n1", patient)
	gone, back, off := h.newAgent(c.Queue), h.newAgent(c.Queue), h.newAgent(c.Queue)
	ext := func(a agents.Agent) string { return strings.Replace(a.Login, "agent", "ext", 1) }
	for _, a := range []agents.Agent{gone, back, off} {
		h.network.SetExtension(ext(a), simulated.Unreachable)
	}
	n.login(gone)
	n.login(back)
	off.AutoCall = false
	n.login(off)
	told := func(a agents.Agent) func(agents.Live) bool {
		return func(l agents.Live) bool {
			return l.State == agents.Available && l.NoPhone && l.WhyNot.Key() == "phone.not_registered"
		}
	}
	n.passes(gone.ID, "the reason", told(gone))
	h.network.SetExtension(ext(back), simulated.Well)
	n.PhoneChanged(ext(back))
	n.until(back.ID, "the phone that came back", func(l agents.Live) bool { return l.Reachable && l.WhyNot.IsZero() && !l.NoPhone })

	l := n.until(gone.ID, "Force Pause", in(agents.ForcePause))
	if l.PauseCause.Key() != "phone.not_registered" || l.ErrorText != l.PauseCause || l.ErrorID != agents.AgentNoAnswerError {
		t.Errorf("Force Pause with %q, error %q %q", l.PauseCause, l.ErrorID, l.ErrorText)
	}
	if kept, err := h.store.Agents.Agent(t.Context(), gone.ID); err != nil || kept.PauseID != agents.ForcePauseID {
		t.Errorf("on record: pause %q, %v", kept.PauseID, err)
	}
	for a, want := range map[int64]agents.State{back.ID: agents.Available, off.ID: agents.Available} {
		if l, err := n.roster.Get(t.Context(), a); err != nil || l.State != want {
			t.Errorf("agent %d: %s, %v", a, l.State, err)
		}
	}

	// A process that starts anew gives phones their time, however long the roster has thought them gone.
	h.network.SetExtension(ext(back), simulated.Unreachable)
	n.PhoneChanged(ext(back))
	n.until(back.ID, "the reason again", told(back))
	n.stop()
	next := h.node("n1", func(d *dialer.Deps) { d.Limits.NoPhone, d.Limits.NewHome = time.Millisecond, time.Hour })
	next.login(h.newAgent(c.Queue)) // it runs
	testdeps.Quiet(2 * time.Second) // nothing must happen: there is no signal for that
	if l, err := next.roster.Get(t.Context(), back.ID); err != nil || l.State != agents.Available {
		t.Errorf("after a restart: %s, %v", l.State, err)
	}
}

// TestCallWithoutAPhone: a call for which the network finds no phone is one that the agent did not answer, by hand or not.
func TestCallWithoutAPhone(t *testing.T) {
	for _, byHand := range []bool{true, false} {
		t.Run(map[bool]string{true: "by hand", false: "automatic"}[byHand], func(t *testing.T) {
			t.Parallel()
			h := newHouseApart(t)
			c := h.campaign(func(c *campaigns.Campaign) {
				if byHand {
					c.Mode = campaigns.Manual
				}
			})
			n := h.node("n1", func(d *dialer.Deps) { d.Networks["simulated"] = withoutPhones{h.network} })
			a := n.agent(c.Queue)
			n.until(a.ID, "reachable phone", func(l agents.Live) bool { return l.Reachable })
			if byHand {
				h.must(n.desk.MakeCall(t.Context(), a.ID, "07700 900019", c.Queue))
			} else {
				h.people(c, number(1, 9))
			}
			l := n.until(a.ID, "Force Pause", in(agents.ForcePause))
			if l.ErrorID != agents.AgentNoAnswerError || l.ErrorText.Key() != "phone.not_registered" {
				t.Errorf("error %q %q", l.ErrorID, l.ErrorText)
			}
			h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'agent_no_answer' AND dialed_at IS NULL")
			if len(h.network.Rung()) > 0 {
				t.Error("the customer was dialed")
			}
		})
	}
}
