package dialer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// each runs a test on both databases.
func each(t *testing.T, script simulated.Script, test func(t *testing.T, h *house)) {
	for engine, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": testdeps.Postgres} {
		t.Run(engine, func(t *testing.T) { test(t, newHouse(t, url(t), script)) })
	}
}

// eachApart does so beside other tests, with a Redis of its own.
func eachApart(t *testing.T, script simulated.Script, test func(t *testing.T, h *house)) {
	for engine, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": testdeps.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newHouseAt(t, url(t), testdeps.RedisServer(t).Addr, script))
		})
	}
}

func TestACampaignRings(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		var all []string
		for digit := range 6 {
			all = append(all, numbers(8, digit)...)
		}
		h.people(c, all...)
		n := h.node("n1", leasedLong)
		for range 4 {
			n.agent(c.Queue)
		}
		n.coder("1")
		h.eventually(len(all), "SELECT count(*) FROM attempts WHERE state = 'closed'")
		for outcome, want := range map[campaigns.Outcome]int{campaigns.Answered: 8, campaigns.Busy: 8, campaigns.NoAnswer: 8,
			campaigns.Rejected: 8, campaigns.InvalidNumber: 8, campaigns.Congestion: 8} {
			if got := h.count("SELECT count(*) FROM attempts WHERE outcome = $1", string(outcome)); got != want {
				t.Errorf("%d attempts %s, want %d", got, outcome, want)
			}
		}
		for _, a := range h.attempts() {
			if t.Failed() {
				t.Logf("%s: %s %s, cause %q, dialed %v", a.Number, a.State, a.Outcome, a.Cause, a.DialedAt)
			}
		}
		h.eventually(8, "SELECT count(*) FROM contacts WHERE state = 'finished' AND reason = 'code:1'")
		if got := h.count("SELECT count(*) FROM contacts WHERE calltraceid IS NOT NULL AND recording_link LIKE '%' || calltraceid " +
			"|| '.wav'"); got != 8 {
			t.Errorf("%d contacts keep their calltraceid and recording link, want 8", got)
		}
		n.stop()
		h.check(h.rings())
		if rings := len(h.network.Rung()); rings != len(all) {
			t.Errorf("%d phones rang, want %d", rings, len(all))
		}
	})
}

func TestTheCardComesWithTheCall(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, number(1, 9)) // talks for an hour
	n := h.node("n1")
	a := n.agent(c.Queue)
	l := n.until(a.ID, "talk", in(agents.Talking))
	call := l.Call
	if call.CRMID != "crm-"+number(1, 9) || call.Number != number(1, 9) || len(call.Codes) != 3 ||
		call.CallTraceID != call.AttemptID ||
		call.CardLink != "https://crm.example.com/card/crm-%2B447700900019?call="+call.CallTraceID+"&agent="+a.Login ||
		!call.Automatic || call.Queue != c.Queue {
		t.Errorf("the tab is shown %+v", call)
	}
	ctx := t.Context()
	const earlier = "1" // what was chosen for another call meets this one on its way
	if err := n.desk.SetCode(ctx, a.ID, earlier, "2", time.Time{}); !errors.Is(err, dialer.ErrCodeSet) {
		t.Errorf("a code of an earlier call: %v", err)
	}
	for _, step := range []struct {
		name  string
		order func() error
		is    func(agents.Live) bool
	}{
		{"hold", func() error { return n.desk.Hold(ctx, a.ID) }, in(agents.Holding)},
		{"retrieve", func() error { return n.desk.Retrieve(ctx, a.ID) }, in(agents.Talking)},
		{"mute", func() error { return n.desk.Mute(ctx, a.ID, true) }, func(l agents.Live) bool { return l.Muted }},
		{"code in the call", func() error { return n.desk.SetCode(ctx, a.ID, call.AttemptID, "2", time.Time{}) },
			func(l agents.Live) bool { return l.Call.CodeID == "2" }},
		{"hang-up", func() error { return n.desk.Hangup(ctx, a.ID) }, in(agents.Available)}, // the code was chosen already
	} {
		if err := step.order(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		n.until(a.ID, step.name, step.is)
	}
	attempt := h.attempts()[0]
	if attempt.Code != "2" || attempt.HangupBy != "agent" || attempt.Outcome != campaigns.Answered {
		t.Errorf("%+v", attempt)
	}
	if err := n.desk.Hangup(ctx, a.ID); !errors.Is(err, dialer.ErrNoCall) {
		t.Errorf("a second hang-up: %v", err)
	}
	n.stop()
	h.check(h.rings())
}

func TestAnAgentWhoDoesNotAnswer(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(func(c *campaigns.Campaign) { c.Retry[campaigns.AgentNoAnswer] = campaigns.RetryRule{} })
	h.people(c, number(1, 0))
	n := h.node("n1")
	a := n.h.newAgent(c.Queue)
	ext := strings.Replace(a.Login, "agent", "ext", 1)
	h.network.SetExtension(ext, simulated.Silent)
	n.login(a)
	l := n.until(a.ID, "Force Pause", in(agents.ForcePause))
	if l.ErrorID != agents.AgentNoAnswerError {
		t.Errorf("error %q", l.ErrorID)
	}
	if kept, err := h.store.Agents.Agent(t.Context(), a.ID); err != nil || kept.PauseID != agents.ForcePauseID {
		t.Errorf("on record: pause %q, %v", kept.PauseID, err)
	}
	h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'agent_no_answer' AND dialed_at IS NULL")
	if len(h.network.Rung()) > 0 {
		t.Error("the customer was dialed")
	}

	// Force Pause ends with a reachable phone; the contact comes to the next free agent.
	h.network.SetExtension(ext, simulated.Unreachable)
	if err := n.desk.Reachable(t.Context(), a.ID); !errors.Is(err, dialer.ErrUnreachable) {
		t.Errorf("an unreachable phone: %v", err)
	}
	h.network.SetExtension(ext, simulated.Well)
	if err := n.desk.Reachable(t.Context(), a.ID); err != nil {
		t.Error(err)
	}
	_, err := n.roster.Apply(t.Context(), a.ID, agents.Input{Kind: agents.PauseEnded, Reachable: true})
	h.must(err)
	n.coder("1")
	h.eventually(1, "SELECT count(*) FROM contacts WHERE state = 'finished'")
	n.stop()
	h.check(h.rings())
}

func TestCallsByHand(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(func(c *campaigns.Campaign) { c.Mode = campaigns.Manual })
	home, other := h.node("n1"), h.node("n2") // the tab is at another gateway than the phone
	a := home.agent(c.Queue)
	ctx := t.Context()
	home.until(a.ID, "reachable phone", func(l agents.Live) bool { return l.Reachable })

	h.must(other.desk.MakeCall(ctx, a.ID, "07700 900019", c.Queue))
	l := home.until(a.ID, "talk", in(agents.Talking))
	if l.Call.Automatic || l.Call.Number != number(1, 9) || len(l.Call.Codes) != 3 {
		t.Errorf("%+v", l.Call)
	}
	if err := other.desk.MakeCall(ctx, a.ID, number(2, 9), c.Queue); !errors.Is(err, agents.ErrNotNow) {
		t.Errorf("a second call in a call: %v", err)
	}
	second := other.agent(c.Queue)
	if err := home.desk.MakeCall(ctx, second.ID, number(1, 9), c.Queue); !errors.Is(err, dialer.ErrNumberBusy) {
		t.Errorf("a number in a call: %v", err)
	}
	other.until(second.ID, "error -1002", func(l agents.Live) bool { return l.ErrorID == agents.NumberBusyError })

	h.must(other.desk.Hold(ctx, a.ID))
	home.until(a.ID, "hold", in(agents.Holding))
	h.must(other.desk.Hangup(ctx, a.ID))
	call := home.until(a.ID, "Clerical", in(agents.Clerical)).Call
	if err := other.desk.SetCode(ctx, a.ID, call.AttemptID, "77", time.Time{}); !errors.Is(err, dialer.ErrNoSuchCode) {
		t.Errorf("a code of no campaign: %v", err)
	}
	if err := other.desk.SetCode(ctx, a.ID, "1", "4", time.Time{}); !errors.Is(err, dialer.ErrCodeSet) {
		t.Errorf("a code of an earlier call, over another node: %v", err)
	}
	h.must(other.desk.SetCode(ctx, a.ID, call.AttemptID, "4", time.Time{}))
	home.until(a.ID, "Available", in(agents.Available))

	var refused *dialer.RefusedError
	if err := home.desk.MakeCall(ctx, a.ID, number(1, 9), c.Queue); !errors.As(err, &refused) {
		t.Errorf("a number on the do-not-call list: %v", err)
	}
	l = home.until(a.ID, "error -1001", func(l agents.Live) bool { return l.ErrorID == agents.RuleError })
	if !strings.Contains(l.ErrorText.String(), "do_not_call") {
		t.Errorf("the tab is told %q", l.ErrorText)
	}

	// A customer who is not reached: Clerical, with something to say about the number.
	h.must(home.desk.MakeCall(ctx, a.ID, number(1, 1), c.Queue))
	call = home.until(a.ID, "Clerical", in(agents.Clerical)).Call
	h.must(home.desk.SetCode(ctx, a.ID, call.AttemptID, "2", time.Time{}))
	home.until(a.ID, "Available", in(agents.Available))
	home.stop()
	other.stop()
	h.check(h.rings())
}

func TestAPromiseIsKeptByWhoGaveIt(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(func(c *campaigns.Campaign) {
		c.CallCodes = append(c.CallCodes, campaigns.CallCode{ID: "3", Name: "Call back", Action: campaigns.CallbackAt,
			After: time.Hour})
	})
	h.people(c, number(1, 9))
	n := h.node("n1")
	promiser := n.agent(c.Queue)
	n.until(promiser.ID, "talk", in(agents.Talking))
	n.agent(c.Queue) // idle for longer
	n.agent(c.Queue)
	h.must(n.desk.Hangup(t.Context(), promiser.ID))
	n.until(promiser.ID, "Clerical", in(agents.Clerical))
	h.must(n.desk.SetCode(t.Context(), promiser.ID, "", "3", time.Now().Add(4*time.Second))) // and is free before that
	h.eventually(1, "SELECT count(*) FROM attempts WHERE origin = 'callback' AND state = 'answered'")
	if a := h.attempts()[1]; a.AgentID != promiser.ID {
		t.Errorf("agent %d calls back, %d promised", a.AgentID, promiser.ID)
	}
}

func TestTheTimeForACodeRunsOut(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(func(c *campaigns.Campaign) { c.WrapUp = time.Second; c.DefaultCode = "2" })
	h.people(c, number(1, 0))
	n := h.node("n1", func(d *dialer.Deps) { d.Limits.Reconcile = time.Hour }) // the call's own timer, not the sweep
	a := n.agent(c.Queue)
	n.passes(a.ID, "Clerical", in(agents.Clerical))
	n.until(a.ID, "Available", in(agents.Available))
	if got := h.attempts()[0]; got.Code != "" || got.CodeSetAt.IsZero() {
		t.Errorf("%+v", got)
	}
	if n := h.count("SELECT count(*) FROM contacts WHERE state = 'waiting'"); n != 1 {
		t.Error("the campaign's default code was not applied")
	}
	n.stop()
	h.check(h.rings())
}

func TestPriorityAndClosedWindows(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	low := h.campaign(func(c *campaigns.Campaign) { c.Priority = -1 })
	high := h.campaign(func(c *campaigns.Campaign) { c.Priority = 1 })
	shut := h.campaign(func(c *campaigns.Campaign) {
		yesterday := time.Now().UTC().AddDate(0, 0, -1)
		c.Windows = []campaigns.Window{{Cron: yesterday.Format("4 15 2 1 *"), Duration: time.Minute}}
	})
	h.people(low, number(1, 9))
	h.people(high, number(2, 9))
	h.people(shut, number(3, 9))
	n := h.node("n1")
	a := n.agent(low.Queue, high.Queue, shut.Queue)
	if l := n.until(a.ID, "talk", in(agents.Talking)); l.Call.CampaignID != high.ID {
		t.Errorf("campaign %d came first, want %d", l.Call.CampaignID, high.ID)
	}
	b := n.agent(shut.Queue)
	n.until(b.ID, "reachable phone", func(l agents.Live) bool { return l.Free() })
	testdeps.Quiet(100 * time.Millisecond) // time enough for a wrong call
	if l := n.until(b.ID, "rest", in(agents.Available)); !l.Free() {
		t.Error("a closed campaign called")
	}
	if got := h.count("SELECT count(*) FROM attempts WHERE campaign_id = $1", shut.ID); got != 0 {
		t.Errorf("%d attempts of a closed campaign", got)
	}
}

func TestAPausedCampaignRingsNobody(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, numbers(1000, 1)...)
	n := h.node("n1")
	for range 4 {
		n.agent(c.Queue)
	}
	h.eventually(1, "SELECT min(1, count(*)) FROM attempts WHERE dialed_at IS NOT NULL")
	_, err := h.store.Campaigns.SetStatus(t.Context(), c.ID, campaigns.Paused, []campaigns.Status{campaigns.Running}, time.Now())
	h.must(err)
	acknowledged := time.Now()
	testdeps.Quiet(1500 * time.Millisecond)
	n.stop()
	if late := h.count("SELECT count(*) FROM attempts WHERE dialed_at > $1", acknowledged.UnixMilli()); late > 0 {
		t.Errorf("%d phones rang after the pause", late)
	}
	h.rest() // a claim of unknown outcome stays open until its lease is over
}

func TestTwoNodesShareACampaign(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		people := append(numbers(60, 0), numbers(40, 1)...)
		first, second := h.node("n1", leasedLong), h.node("n2", leasedLong)
		for _, n := range []*node{first, second} {
			for range 3 {
				a := n.agent(c.Queue)
				n.until(a.ID, "a free agent", agents.Live.Free)
			}
			n.coder("1")
		}
		h.people(c, people...) // once both nodes can call
		h.eventually(len(people), "SELECT count(*) FROM attempts WHERE state = 'closed' AND (code_due_at IS NULL OR code_set_at IS "+
			"NOT NULL)")
		first.stop()
		second.stop()
		h.check(h.rings())
		if rings := len(h.network.Rung()); rings != len(people) {
			t.Errorf("%d phones rang, want %d", rings, len(people))
		}
		for _, n := range []string{"n1", "n2"} {
			if h.count("SELECT count(*) FROM attempts WHERE owner LIKE $1", n+"/%") == 0 {
				t.Errorf("node %s had no calls", n)
			}
		}
	})
}

func TestDrain(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, append(numbers(2, 9), numbers(50, 0)...)...)
	n := h.node("n1", func(d *dialer.Deps) { d.Limits.Drain = 300 * time.Millisecond })
	for range 3 {
		n.agent(c.Queue)
	}
	n.coder("1")
	h.eventually(2, "SELECT count(*) FROM attempts WHERE state = 'answered' AND number LIKE '%9'")
	n.stop() // the talks of an hour are hung up after the limit
	if n.Active() != 0 || h.network.Active() != 0 {
		t.Errorf("%d calls active, %d on the network", n.Active(), h.network.Active())
	}
	if got := h.count("SELECT count(*) FROM attempts WHERE hangup_by = 'system' AND outcome = 'answered'"); got != 2 {
		t.Errorf("%d talks were hung up by the system, want 2", got)
	}
	before := h.network.Placed()
	testdeps.Quiet(50 * time.Millisecond)
	if h.network.Placed() != before {
		t.Error("a stopped node places calls")
	}
	if got := h.count("SELECT count(*) FROM attempts WHERE state IN ('prepared', 'dialing', 'answered')"); got != 0 {
		t.Errorf("%d attempts are left open", got)
	}
}

func TestRunningCallsEndInPeace(t *testing.T) {
	script := steady
	script.Crowd.Talk = simulated.LogNormal{Median: 2 * time.Minute} // six seconds
	h := newHouse(t, sqliteURL(t), script)
	c := h.campaign()
	n := h.node("n1", leasedLong, func(d *dialer.Deps) { d.Limits.Drain = time.Minute })
	for range 3 {
		a := n.agent(c.Queue)
		n.until(a.ID, "a free agent", agents.Live.Free)
	}
	h.people(c, numbers(20, 0)...) // all three talk at the same time
	h.eventually(3, "SELECT count(*) FROM attempts WHERE state = 'answered'")
	n.stop()
	if got := h.count("SELECT count(*) FROM attempts WHERE state = 'closed' AND outcome = 'answered' AND hangup_by IN ('agent', " +
		"'customer')"); got != 3 {
		t.Errorf("%d calls ended by themselves, want 3", got)
	}
	if got := len(h.network.Rung()); got != 3 {
		t.Errorf("%d phones rang, want 3", got)
	}
}
