package dialer_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
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
	c.progress <- dialer.Progress{Kind: dialer.Ended, At: time.Now(), Outcome: outcome, HangupBy: "customer", Confirmed: true}
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
		Number: number, Queue: queue, StartedAt: time.Now(), Card: &dialer.Card{Codes: []agents.Code{{ID: "7", Name: "Theirs"}}},
		Live: c,
	}
}

// conclude ends a talk of another system's and has its agent set the code.
func (n *node) conclude(a agents.Agent, call *theirs, code string) {
	n.h.tb.Helper()
	call.over(campaigns.Answered)
	n.until(a.ID, "Clerical", in(agents.Clerical))
	n.h.must(n.desk.SetCode(context.Background(), a.ID, "", code, time.Time{}))
}

func TestACallOfAnotherSystem(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		h.people(c, number(1, 9))
		n := h.node("n1")
		a := n.agent() // of no queue, so that the campaign calls nobody
		_, err := n.roster.Apply(t.Context(), a.ID, agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
		h.must(err)

		call := newTheirs()
		call.tell(dialer.AgentRinging, dialer.AgentAnswered, dialer.CustomerDialing)
		n.Adopt(call.seen(a, c.Queue, "crm-"+number(1, 9), number(1, 9)))
		l := n.until(a.ID, "In Call", func(l agents.Live) bool { return l.State == agents.Delivered && l.Call.CampaignID != 0 })
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
		n.conclude(a, call, "2")
		n.until(a.ID, "the pause again", func(l agents.Live) bool { return l.State == agents.Paused && l.PauseID == "4" })

		attempt := h.attempts()[0]
		if attempt.Origin != dialer.External || attempt.Outcome != campaigns.Answered || attempt.Code != "2" ||
			attempt.HangupBy != "customer" || attempt.AgentID != a.ID {
			t.Errorf("on record %+v", attempt)
		}
		n.stop()
		h.checkContacts()
		h.checkEvents()
	})
}

// TestACallOfAnotherSystemBesideOurs: its customer is in a call of ours. It is kept all the same, and has its code.
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
		n.until(a.ID, "talk", in(agents.Talking))
		h.eventually(1, "SELECT count(*) FROM attempts WHERE origin = 'external' AND outcome = 'unknown' AND dialed_at IS NOT NULL")
		n.conclude(a, call, "1")
		n.until(a.ID, "free again", in(agents.Available))
		h.eventually(1, "SELECT count(*) FROM attempts WHERE origin = 'external' AND outcome = 'answered' AND code = '1'")
		h.eventually(1, "SELECT count(*) FROM contacts WHERE state = 'calling'") // ours goes on
		h.must(n.desk.Hangup(t.Context(), ours.ID))
		n.until(ours.ID, "Clerical", in(agents.Clerical))
		h.must(n.desk.SetCode(t.Context(), ours.ID, "", "2", time.Time{}))
		h.eventually(1, "SELECT count(*) FROM contacts WHERE state = 'waiting' AND next_at IS NOT NULL")
		n.stop()
		h.checkEvents()
	})
}

// TestACallOfAnotherSystemWithoutTheRecord: while SQL is away the agent is shown the call, and can end it and code it; the record
// hears of all that later, and does not take the agent from the next call for it.
func TestACallOfAnotherSystemWithoutTheRecord(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		var away atomic.Bool
		away.Store(true)
		n := h.node("n1", func(d *dialer.Deps) {
			d.Store = &faultyStore{Store: d.Store, plan: func(step string) (before, after bool) {
				return step == "adopt" && away.Load() && rand.IntN(2) == 0, step == "adopt" && away.Load()
			}}
		})
		a := n.agent()
		call := newTheirs()
		call.tell(dialer.AgentRinging, dialer.CustomerAnswered)
		seen := call.seen(a, c.Queue, "crm-1", number(1, 9))
		n.Adopt(seen)
		l := n.until(a.ID, "talk", in(agents.Talking))
		if l.Call.CRMID != "crm-1" || l.Call.Number != number(1, 9) || len(l.Call.Codes) != 1 {
			t.Errorf("the tab is shown %+v", l.Call)
		}
		h.must(n.desk.Hangup(t.Context(), a.ID))
		if call.hungUp() != "agent" {
			t.Error("the agent's order did not reach the call")
		}
		n.conclude(a, call, "7")
		n.until(a.ID, "free again", in(agents.Available))

		next := newTheirs()
		next.tell(dialer.AgentRinging, dialer.CustomerAnswered)
		seen = next.seen(a, c.Queue, "crm-2", number(2, 9))
		seen.CallTraceID = "1000000002"
		n.Adopt(seen)
		talk := n.until(a.ID, "the next talk", func(l agents.Live) bool { return l.State == agents.Talking && l.Call.CRMID == "crm-2" })
		away.Store(false)
		h.eventually(1, "SELECT count(*) FROM attempts WHERE person = 'crm-1' AND outcome = 'answered' AND code = '7'")
		h.eventually(1, "SELECT count(*) FROM attempts WHERE person = 'crm-2' AND state = 'answered'")
		if now, err := n.roster.Get(t.Context(), a.ID); err != nil || now.State != agents.Talking ||
			now.Call.AttemptID != talk.Call.AttemptID {
			t.Errorf("the agent was taken from the next call: %+v, %v", now, err)
		}
		h.must(n.desk.Hangup(t.Context(), a.ID))
		if next.hungUp() != "agent" {
			t.Error("the agent's order went to the call before")
		}
		n.conclude(a, next, "1")
		h.eventually(1, "SELECT count(*) FROM attempts WHERE person = 'crm-2' AND outcome = 'answered' AND code = '1'")
		n.stop()
		h.checkEvents()
	})
}

// TestACallOfALineThatNobodyKnows: it is kept in a campaign of its own, with its code.
func TestACallOfALineThatNobodyKnows(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	n := h.node("n1")
	a := n.agent()
	call := newTheirs()
	call.tell(dialer.AgentRinging, dialer.CustomerAnswered)
	n.Adopt(call.seen(a, "AUTO_9", "crm-1", number(1, 9)))
	n.until(a.ID, "talk", in(agents.Talking))
	n.conclude(a, call, "7")
	n.until(a.ID, "free again", in(agents.Available))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE person = 'crm-1' AND origin = 'external' AND outcome = 'answered' AND "+
		"code = '7'")
	n.stop()
	h.checkEvents()
}

// TestACallOfAnotherSystemThatIsNobodys: nobody can say who the customer is, so there is no record of it; the agent is In Call
// all the same, and its code is its network's alone.
func TestACallOfAnotherSystemThatIsNobodys(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	network := &codeKeeper{told: make(chan string, 1)}
	n := h.node("n1", func(d *dialer.Deps) { d.Networks["simulated"] = network })
	a := n.agent()
	told := func(want string) {
		t.Helper()
		n.until(a.ID, "free again", in(agents.Available))
		if got := <-network.told; got != want {
			t.Errorf("the network was told %q, want %q", got, want)
		}
	}
	next := func(kinds ...dialer.ProgressKind) (*theirs, dialer.ExternalCall) {
		call := newTheirs()
		call.tell(kinds...)
		return call, call.seen(a, "AUTO_9", "", "anonymous")
	}
	call, seen := next(dialer.AgentRinging, dialer.CustomerAnswered)
	n.Adopt(seen)
	n.until(a.ID, "talk", in(agents.Talking))
	n.conclude(a, call, "7")
	told("ext1 1000000001 7")

	call, seen = next(dialer.AgentRinging, dialer.CustomerAnswered) // there is no code to choose
	seen.Card = nil
	n.Adopt(seen)
	n.until(a.ID, "talk", in(agents.Talking))
	call.over(campaigns.Answered)
	told("ext1 1000000001 ")

	call, seen = next(dialer.AgentRinging)
	n.Adopt(seen)
	l := n.until(a.ID, "ringing", in(agents.Delivered))
	call.progress <- dialer.Progress{Kind: dialer.Ended, At: time.Now(), Outcome: campaigns.Busy, HangupBy: "system",
		Cause: "-101 Busy", ErrorID: "-101",
		ErrorText: reason.Said("Busy")}
	if l = n.until(a.ID, "free again", in(agents.Available)); l.ErrorID != "-101" || l.ErrorText != reason.Said("Busy") {
		t.Errorf("the tab shows %s %q", l.ErrorID, l.ErrorText)
	}
	if got := h.count("SELECT count(*) FROM attempts"); got != 0 {
		t.Errorf("%d attempts", got)
	}
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

		adopted := make(chan bool, 10)
		n = h.node("n1", func(d *dialer.Deps) {
			d.Store = &faultyStore{Store: d.Store, plan: func(string) (before, after bool) { return false, false },
				done: func(step string) {
					if step == "adopt" {
						adopted <- true
					}
				}}
		})
		call = newTheirs()
		call.tell(dialer.AgentRinging, dialer.CustomerAnswered)
		seen.Live = call
		n.Adopt(seen)
		<-adopted
		again := seen
		again.Live = newTheirs()
		n.Adopt(again) // told twice, kept once
		<-adopted
		h.eventually(1, "SELECT count(*) FROM attempts WHERE fence = 2")
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
