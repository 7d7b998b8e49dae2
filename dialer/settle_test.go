package dialer_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// foreseen is a phone network whose calls go as a test says.
type foreseen struct{ told []dialer.Progress }

func (*foreseen) Name() string                                      { return "simulated" }
func (*foreseen) Reachable(context.Context, agents.Extension) error { return nil }

func (f *foreseen) Place(context.Context, dialer.Call) (dialer.LiveCall, error) {
	c := newTheirs()
	for _, p := range f.told {
		p.At = time.Now()
		c.progress <- p
	}
	close(c.progress)
	return c, nil
}

// TestWhatWentWrong: the tab is shown the network's own number and words apart, whenever the call fails; the record keeps its
// cause.
func TestWhatWentWrong(t *testing.T) {
	busy := dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.Busy, HangupBy: "system", ErrorID: "-101",
		ErrorText: reason.Said("Busy"), Cause: "-101 Busy"}
	silent := dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.AgentNoAnswer, HangupBy: "system", ErrorID: "-223",
		ErrorText: reason.Said("Silence"), Cause: "-223 Silence"}
	broken := dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.Congestion, HangupBy: "system", Cause: "no line"}
	engaged := dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.Busy, HangupBy: "customer", Cause: "486 Busy Here"}
	away := dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.NoAnswer, HangupBy: "system"}
	gaveUp := dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.AgentGaveUp, HangupBy: "agent", Cause: "487 Request Terminated"}
	rings := dialer.Progress{Kind: dialer.AgentRinging}
	for _, row := range []struct {
		name     string
		told     []dialer.Progress
		state    agents.State
		id, text string
	}{
		{"after the extension rang", []dialer.Progress{rings, busy}, agents.Clerical, "-101", "Busy"},
		{"before anything rang", []dialer.Progress{busy}, agents.Available, "-101", "Busy"},
		{"the extension did not answer", []dialer.Progress{rings, silent}, agents.ForcePause, "-223", "Silence"},
		{"a network without numbers", []dialer.Progress{broken}, agents.Available, agents.NotPlacedError, "the line is congested"},
		{"the customer is busy, in a network without numbers", []dialer.Progress{rings, engaged}, agents.Clerical,
			agents.NotPlacedError, "busy (486 Busy Here)"},
		{"the customer did not answer, and nothing says so", []dialer.Progress{rings, away}, agents.Clerical, agents.NotPlacedError,
			"no answer"},
		{"the agent gave up", []dialer.Progress{rings, gaveUp}, agents.Clerical, agents.NoError, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHouse(t, sqliteURL(t), steady)
			n := h.node("n1", func(d *dialer.Deps) { d.Networks["simulated"] = &foreseen{row.told} })
			c := h.campaign(func(c *campaigns.Campaign) { c.Mode = campaigns.Manual })
			a := n.agent(c.Queue)
			n.until(a.ID, "reachable phone", func(l agents.Live) bool { return l.Reachable })
			h.must(n.desk.MakeCall(t.Context(), a.ID, number(1, 9), c.Queue))
			l := n.until(a.ID, "end", func(l agents.Live) bool { return l.State == row.state && l.ErrorID == row.id })
			if l.ErrorID != row.id || phrasebook.For("en").Say(l.ErrorText) != row.text {
				t.Errorf("the tab shows %s %q, want %s %q", l.ErrorID, l.ErrorText, row.id, row.text)
			}
			cause := row.told[len(row.told)-1].Cause
			n.until(a.ID, "the cause on record", func(agents.Live) bool {
				list := h.attempts()
				return len(list) == 1 && list[0].Cause == cause
			})
		})
	}
}

// TestForeignWords: whatever a network says of the end, the end goes on record.
func TestForeignWords(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		c := h.campaign()
		h.people(c, number(1, 0))
		said := "486 B\x00sy\r\nHere \xff" + strings.Repeat("й", 600)
		n := h.node("n1", func(d *dialer.Deps) {
			d.Networks["simulated"] = &foreseen{told: []dialer.Progress{{Kind: dialer.AgentRinging},
				{Kind: dialer.Ended, Outcome: campaigns.Busy, HangupBy: "system", Cause: said}}}
		})
		n.agent(c.Queue)
		h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'busy'")
		if got, want := h.attempts()[0].Cause, "486 B sy  Here \uFFFD"; !strings.HasPrefix(got, want+"й") ||
			utf8.RuneCountInString(got) != 500 {
			t.Errorf("on record: %d characters, %.40q…, want 500, beginning with %q", utf8.RuneCountInString(got), got, want)
		}
	})
}

// agentByItself is a network that rings the agent by itself: the self-fence is passed before its order.
type agentByItself struct {
	foreseen
	refuses error
}

func (f *agentByItself) Place(ctx context.Context, call dialer.Call) (dialer.LiveCall, error) {
	err := call.BeforeCustomer(ctx)
	if f.refuses != nil || err != nil {
		return nil, errors.Join(f.refuses, err)
	}
	return f.foreseen.Place(ctx, call)
}

// TestWhoWasNeverDialedIsNotCounted: the self-fence is passed, and the customer's phone does not ring after all.
func TestWhoWasNeverDialedIsNotCounted(t *testing.T) {
	ended := func(outcome campaigns.Outcome, certain bool) foreseen {
		return foreseen{told: []dialer.Progress{{Kind: dialer.AgentRinging},
			{Kind: dialer.Ended, Outcome: outcome, HangupBy: "system", NotDialed: certain, RetryAfter: 10 * time.Minute}}}
	}
	late, _ := once("dialed", true)
	never := func(string) (before, after bool) { return false, false }
	for _, row := range []struct {
		name    string
		network agentByItself
		plan    func(string) (before, after bool)
		counts  int
	}{
		{"the agent's phone was not answered", agentByItself{foreseen: ended(campaigns.AgentNoAnswer, true)}, never, 0},
		{"the network does not know", agentByItself{foreseen: ended(campaigns.AgentNoAnswer, false)}, never, 1},
		{"the order was refused", agentByItself{refuses: errors.New("no line")}, never, 0},
		{"the self-fence does not know its commit", agentByItself{}, late, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHouse(t, sqliteURL(t), steady)
			c := h.campaign()
			h.people(c, number(1, 0))
			n := h.node("n1", faulty(row.plan), func(d *dialer.Deps) { d.Networks["simulated"] = &row.network })
			n.agent(c.Queue)
			h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'closed'")
			n.stop()
			if a := h.attempts()[0]; a.DialedAt.IsZero() != (row.counts == 0) {
				t.Errorf("on record %+v", a)
			}
			if got := h.count("SELECT attempts FROM contacts"); got != row.counts {
				t.Errorf("the contact counts %d attempts, want %d", got, row.counts)
			}
			h.checkContacts()
		})
	}
}

// forgetful is a roster that does not answer while it is away.
type forgetful struct {
	dialer.Roster
	away atomic.Bool
}

func (r *forgetful) Get(ctx context.Context, agentID int64) (agents.Live, error) {
	if r.away.Load() {
		return agents.Live{}, errAway
	}
	return r.Roster.Get(ctx, agentID)
}

// codeKeeper is a network that wants to know the codes.
type codeKeeper struct {
	agentByItself
	told chan string
}

func (k *codeKeeper) SetCode(ctx context.Context, ext agents.Extension, trace, code string) error {
	k.told <- ext.Name + " " + trace + " " + code
	return ctx.Err()
}

// TestCodeReachesTheNetworkWithoutRedis: the call itself knows where its code belongs.
func TestCodeReachesTheNetworkWithoutRedis(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, number(1, 0))
	network := &codeKeeper{told: make(chan string, 1)}
	network.foreseen.told = []dialer.Progress{{Kind: dialer.AgentRinging}, {Kind: dialer.TraceKnown, CallTraceID: "77"},
		{Kind: dialer.CustomerAnswered}, {Kind: dialer.Ended, Outcome: campaigns.Answered}}
	var roster *forgetful
	n := h.node("n1", func(d *dialer.Deps) {
		roster = &forgetful{Roster: d.Roster}
		d.Roster, d.Networks["simulated"] = roster, network
	})
	a := n.agent(c.Queue)
	n.until(a.ID, "Clerical", in(agents.Clerical))
	roster.away.Store(true)
	h.must(n.desk.SetCode(t.Context(), a.ID, "", "1", time.Time{}))
	select {
	case got := <-network.told:
		if want := "ext2 77 1"; got != want {
			t.Errorf("the network was told %q, want %q", got, want)
		}
	default:
		t.Error("the network was told nothing")
	}
}
