package dialer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// theirs is a call of another system, which a test plays.
type theirs struct {
	progress chan dialer.Progress
	mu       sync.Mutex
	hungUpBy string
}

func newTheirs() *theirs { return &theirs{progress: make(chan dialer.Progress, 16)} }

func (c *theirs) tell(kinds ...dialer.ProgressKind) {
	for _, kind := range kinds {
		c.progress <- dialer.Progress{Kind: kind, At: time.Now()}
	}
}

func (c *theirs) over(outcome campaigns.Outcome) {
	c.progress <- dialer.Progress{Kind: dialer.Ended, At: time.Now(), Outcome: outcome, HangupBy: "customer"}
	close(c.progress)
}

func (c *theirs) Progress() <-chan dialer.Progress { return c.progress }

func (c *theirs) Hangup(by string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hungUpBy = by
}

func (c *theirs) hungUp() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hungUpBy
}

func (c *theirs) Hold(context.Context) error                   { return nil }
func (c *theirs) Retrieve(context.Context) error               { return nil }
func (c *theirs) Mute(context.Context, bool) error             { return nil }
func (c *theirs) Join(context.Context, agents.Extension) error { return nil }

// seen is a call that the other system has given to the agent.
func (c *theirs) seen(a agents.Agent, queue, customer, number string) dialer.ExternalCall {
	return dialer.ExternalCall{
		AgentID: a.ID, Extension: agents.Extension{Name: "x", Network: "simulated"}, CallTraceID: "1000000001", CustomerID: customer,
		Number: number, Queue: queue, StartedAt: time.Now(), Card: &dialer.Card{Codes: []agents.Code{{ID: "7", Name: "Theirs"}}}, Live: c,
	}
}

func TestACallOfAnotherSystem(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		h.people(c, number(1, 9))
		n := h.node("n1")
		a := n.h.newAgent(c.Queue)
		n.login(a)
		_, err := n.roster.Apply(t.Context(), a.ID, agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
		h.must(err)

		call := newTheirs()
		call.tell(dialer.AgentRinging, dialer.AgentAnswered, dialer.CustomerDialing)
		n.Adopt(call.seen(a, c.Queue, "crm-"+number(1, 9), number(1, 9)))
		l := n.until(a.ID, "In Call", in(agents.Delivered))
		if l.Call.CRMID != "crm-"+number(1, 9) || l.Call.CallTraceID != "1000000001" || len(l.Call.Codes) != 4 ||
			l.Call.CardLink != "https://crm.example.com/card/crm-%2B447700900019?call=1000000001&agent="+a.Login || !l.Call.Automatic {
			t.Errorf("the tab is shown %+v", l.Call)
		}
		call.tell(dialer.CustomerAnswered)
		n.until(a.ID, "talk", in(agents.Talking))
		h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered' AND origin = 'external' AND calltraceid = '1000000001'")
		h.must(n.desk.Hangup(t.Context(), a.ID))
		if call.hungUp() != "agent" {
			t.Error("the agent's order did not reach the call")
		}
		call.over(campaigns.Answered)
		n.until(a.ID, "Clerical", in(agents.Clerical))
		h.must(n.desk.SetCode(t.Context(), a.ID, "2", time.Time{}))
		n.until(a.ID, "the pause again", func(l agents.Live) bool { return l.State == agents.Paused && l.PauseID == "4" })

		attempts := h.attempts() // the pacer may have planned one before
		attempt := attempts[len(attempts)-1]
		if attempt.Origin != dialer.External || attempt.Outcome != campaigns.Answered || attempt.Code != "2" || attempt.HangupBy != "customer" || attempt.AgentID != a.ID {
			t.Errorf("on record %+v", attempt)
		}
		n.stop()
		h.checkContacts()
		h.checkEvents()
	})
}

// TestACallOfAnotherSystemBesideOurs: its customer is in a call of ours, so it goes on record when that is over, even if it is
// over itself by then.
func TestACallOfAnotherSystemBesideOurs(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		h.people(c, number(1, 9))
		n := h.node("n1")
		ours := n.agent(c.Queue)
		n.until(ours.ID, "talk", in(agents.Talking))
		a := n.agent()
		call := newTheirs()
		call.tell(dialer.AgentRinging, dialer.CustomerAnswered)
		n.Adopt(call.seen(a, c.Queue, "", number(1, 9)))
		call.over(campaigns.Answered)
		time.Sleep(200 * time.Millisecond) // it is tried, in vain
		h.eventually(1, "SELECT count(*) FROM attempts")
		h.must(n.desk.Hangup(t.Context(), ours.ID))
		h.eventually(1, "SELECT count(*) FROM attempts WHERE origin = 'external' AND outcome = 'answered'")
		n.stop()
		h.checkEvents()
	})
}

// TestACallOfAnotherSystemOutlivesUs: the process that stops leaves it alone, and the node's next life goes on with it.
func TestACallOfAnotherSystemOutlivesUs(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		h.people(c, number(1, 9))
		n := h.node("n1", func(d *dialer.Deps) { d.Limits.Drain = -1 })
		a := n.agent()
		call := newTheirs()
		call.tell(dialer.AgentRinging, dialer.CustomerAnswered)
		seen := call.seen(a, c.Queue, "", number(1, 9))
		n.Adopt(seen)
		n.until(a.ID, "talk", in(agents.Talking))
		h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered'")
		n.stop()
		if call.hungUp() != "" {
			t.Errorf("hung up by %s", call.hungUp())
		}
		h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered'")

		n = h.node("n1")
		call = newTheirs()
		call.tell(dialer.AgentRinging, dialer.CustomerAnswered)
		seen.Live = call
		n.Adopt(seen)
		h.eventually(1, "SELECT count(*) FROM attempts WHERE fence = 2")
		again := seen
		again.Live = newTheirs()
		n.Adopt(again) // told twice, kept once
		call.over(campaigns.Answered)
		h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'answered' AND fence = 2")
		if got := h.count("SELECT count(*) FROM attempts"); got != 1 {
			t.Errorf("%d attempts, want 1", got)
		}
		n.until(a.ID, "Clerical", in(agents.Clerical))
		n.stop()
		h.checkEvents()
	})
}
