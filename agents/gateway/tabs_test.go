package gateway

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/roster"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func quickGrace(d *Deps) { d.Grace = 200 * time.Millisecond }

func TestSeveralTabsOfOneAgent(t *testing.T) {
	h := newHouse(t, "")
	first := h.login(1)
	second := h.open("1")
	second.state(wire.StateIdle) // by its cookie, without a login
	if s := second.answered(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right",
		Extension: "3001"}); s.State != wire.StateIdle {
		t.Errorf("a second login: %+v", s)
	}
	testdeps.Eventually(h.tb, "two tabs", func() bool { return h.live(2001).Tabs == 2 })
	second.send(wire.Command{Type: wire.SetPause, ID: "4"})
	first.state(wire.StatePause)
	first.close()
	testdeps.Eventually(h.tb, "one tab", func() bool { l := h.live(2001); return l.Tabs == 1 && l.GoneAt.IsZero() })
	third := h.open("2") // another user sees nothing of it
	if s := third.last(); s.State != wire.StateLogout || s.AgentID != "" {
		t.Errorf("%+v", s)
	}
	second.send(wire.Command{Type: wire.Logout})
	second.state(wire.StateLogout)
}

func TestAReloadIsNoLogout(t *testing.T) {
	h := newHouse(t, "", func(d *Deps) { d.Grace = time.Hour })
	p := h.login(1)
	p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123"})
	p.state(wire.StateDelivered)
	p.close()
	testdeps.Eventually(h.tb, "no tab", func() bool { l := h.live(2001); return l.Tabs == 0 && !l.GoneAt.IsZero() })
	again := h.open("1")
	if s := again.state(wire.StateDelivered); s.Card == "" || s.CallTraceID != "1000000001" {
		t.Errorf("%+v", s)
	}
	testdeps.Eventually(h.tb, "a tab", func() bool { l := h.live(2001); return l.Tabs == 1 && l.GoneAt.IsZero() })
}

func TestALostTabLogsOffInTheEnd(t *testing.T) {
	h := newHouse(t, "", quickGrace)
	p, calling := h.login(1), h.login(2)
	if _, err := h.calls.automatic(t.Context(), "77"); err != nil { // agent 2001: idle for longest
		t.Fatal(err)
	}
	p.state(wire.StateDelivered)
	must(t, h.calls.apply(t.Context(), 2001, agents.Input{Kind: agents.Connected}))
	p.close()
	calling.close()
	testdeps.Eventually(h.tb, "the idle agent is logged off", func() bool {
		return h.live(2002).State == agents.LoggedOff && h.store.agent(2002).Extension == ""
	})
	if l := h.live(2001); l.State != agents.Talking {
		t.Errorf("the running call did not go on: %s", l.State)
	}
	must(t, h.calls.Hangup(t.Context(), 2001)) // by the customer
	if l := h.live(2001); l.State != agents.Clerical || l.Tabs != 0 {
		t.Errorf("after the call: %+v", l)
	}
	must(t, h.calls.apply(t.Context(), 2001, agents.Input{Kind: agents.WrapUpOver}))
	if _, err := h.calls.automatic(t.Context(), "78"); !errors.Is(err, errNobodyFree) {
		t.Errorf("a call for an agent without a tab: %v", err)
	}
	testdeps.Eventually(h.tb, "then the other is, too", func() bool {
		return h.live(2001).State == agents.LoggedOff && h.store.agent(2001).Extension == ""
	})
}

func TestASupervisorSwitchesTheFlag(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	must(t, h.roster.SetAutoCall(t.Context(), 2001, false))
	p.wait("the flag off", func(s wire.State) bool { return !s.AutoCall })
	if h.store.agent(2001).AutoCall {
		t.Error("not on record")
	}
	must(t, h.roster.SetAutoCall(t.Context(), 2007, false)) // who is logged off
	if h.store.agent(2007).AutoCall {
		t.Error("not on record")
	}
}

// TestRedisForgets: whoever has a tab is entered again where it stood, a call goes on, the others are logged off.
func TestRedisForgets(t *testing.T) {
	server := testdeps.RedisServer(t)
	h := newHouse(t, server.Addr)
	idle, paused, talking, tabless, reloaded := h.login(1), h.login(2), h.login(3), h.login(4), h.login(5)
	paused.send(wire.Command{Type: wire.SetPause, ID: "4"})
	paused.state(wire.StatePause)
	talking.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123"})
	talking.state(wire.StateDelivered)
	must(t, h.calls.apply(t.Context(), 2003, agents.Input{Kind: agents.Connected}))
	talking.state(wire.StateActive)
	tabless.close()
	testdeps.Eventually(h.tb, "its tab is gone", func() bool { return h.live(2004).Tabs == 0 })

	server.Kill()
	if s := idle.answered(wire.Command{Type: wire.Predictive}); s.State != wire.StateIdle || !s.AutoCall {
		t.Errorf("without Redis: %+v", s)
	}
	early := h.open("1") // a second tab of the idle agent
	reloaded.close()
	again := h.open("5")
	lonely := h.open("7")
	if len(lonely.other) != 2 || lonely.other[1] != "agentUnavailable " {
		t.Errorf("greeted with %q", lonely.other)
	}
	server.Start()

	back := func(id int64, want agents.State) {
		t.Helper()
		testdeps.Eventually(h.tb, "entered again", func() bool { // the client may think Redis away for another second
			return h.stands(id, func(l agents.Live) bool {
				return l.State == want && l.Tabs > 0 && l.Extension.Name != "" && l.Node == "n1"
			})
		})
	}
	back(2001, agents.Available)
	back(2002, agents.Paused)
	back(2003, agents.Talking)
	if l := h.live(2004); l.State != agents.LoggedOff {
		t.Errorf("who has no tab: %+v", l)
	}
	if l, err := h.calls.automatic(t.Context(), "78"); err != nil || l.AgentID != 2001 {
		t.Errorf("%+v, %v", l, err)
	}
	idle.state(wire.StateDelivered)
	early.state(wire.StateDelivered)
	again.state(wire.StateIdle)
	talking.send(wire.Command{Type: wire.CloseCall})
	talking.state(wire.StateClerical)
	paused.send(wire.Command{Type: wire.SetPause, ID: "0"})
	paused.state(wire.StateIdle)
}

// TestRedisHangs: a tab is replied to while Redis is not, and all goes on afterwards.
func TestRedisHangs(t *testing.T) {
	server := testdeps.RedisServer(t)
	h := newHouse(t, server.Addr)
	p := h.login(1)
	server.Pause()
	if s := p.answered(wire.Command{Type: wire.SetPause, ID: "4"}); s.State != wire.StateIdle {
		t.Errorf("%+v", s)
	}
	server.Resume()
	testdeps.Eventually(h.tb, "the pause", func() bool {
		p.send(wire.Command{Type: wire.SetPause, ID: "1"})
		testdeps.Lasts(20 * time.Millisecond)
		return p.last().PauseID == "1"
	})
}

// deaf is a roster whose news are lost.
type deaf struct{ Roster }

func (deaf) Watch(func(int64) bool, func(agents.Live), func()) {}

func TestMissedChangesAreFound(t *testing.T) {
	h := newHouse(t, "", func(d *Deps) { d.Roster = deaf{d.Roster} })
	p := h.login(1)
	_, err := h.roster.Apply(t.Context(), 2001, agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
	must(t, err)
	p.state(wire.StatePause)
	_, err = h.roster.Apply(t.Context(), 2001, agents.Input{Kind: agents.Logout})
	must(t, err)
	p.state(wire.StateLogout)
}

// TestBursts: of many changes at once some may be skipped, never the last, and never is an older one shown after a newer.
func TestBursts(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	before := p.count()
	const changes = 300
	for i := range changes {
		_, err := h.roster.Apply(t.Context(), 2001, agents.Input{Kind: agents.PauseChosen, PauseID: strconv.Itoa(10 + i)})
		must(t, err)
	}
	p.wait("the last", func(s wire.State) bool { return s.PauseID == strconv.Itoa(10+changes-1) })
	if n := p.count() - before; n > changes+1 {
		t.Errorf("%d snapshots of %d changes", n, changes)
	}
	last := 0
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seen[before:] {
		n, _ := strconv.Atoi(s.PauseID)
		if n < last {
			t.Errorf("%d shown after %d", n, last)
		}
		last = n
	}
}

// TestTwoGateways: a change at one is shown at the other, and tabs are counted by node.
func TestTwoGateways(t *testing.T) {
	addr := testdeps.Redis(t)
	h := newHouse(t, addr)
	other := newHouse(t, addr, func(d *Deps) { d.Roster = secondNode(t, addr) })
	here, there := h.login(1), other.open("1")
	there.state(wire.StateIdle)
	testdeps.Eventually(h.tb, "a tab at each", func() bool { l := h.live(2001); return l.TabsAt["n1"] == 1 && l.TabsAt["n2"] == 1 })
	there.send(wire.Command{Type: wire.SetPause, ID: "4"})
	here.state(wire.StatePause)
	other.stop()
	testdeps.Eventually(h.tb, "one tab left", func() bool { l := h.live(2001); return l.Tabs == 1 && l.GoneAt.IsZero() })
	here.send(wire.Command{Type: wire.Logout})
	here.state(wire.StateLogout)
}

// secondNode is the roster of another process.
func secondNode(t *testing.T, addr string) Roster {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	r, err := roster.New(rdb, roster.Options{Installation: "test", Node: "n2", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done; rdb.Close() })
	return lateRoster{r, func() { go func() { defer close(done); r.Run(ctx) }() }}
}

// lateRoster runs once it is watched.
type lateRoster struct {
	*roster.Roster
	run func()
}

func (l lateRoster) Watch(wants func(int64) bool, changed func(agents.Live), missed func()) {
	l.Roster.Watch(wants, changed, missed)
	l.run()
}

// TestLogoutsElsewhere: a gateway that missed a logout does not enter the agent again.
func TestLogoutsElsewhere(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	_, err := h.roster.Apply(t.Context(), 2001, agents.Input{Kind: agents.Logout})
	must(t, err)
	p.state(wire.StateLogout)
	must(t, h.gateway.reconcile(t.Context()))
	if l := h.live(2001); l.State != agents.LoggedOff {
		t.Errorf("entered again: %+v", l)
	}
}

func TestSweeps(t *testing.T) {
	h := newHouse(t, "")
	h.login(1)
	ctx := t.Context()
	// A former life of this node had a tab of agent 2002; an orphan, 2003, still owns an extension.
	_, err := h.gateway.enter(ctx, h.store.agent(2002), "3002", "u")
	must(t, err)
	_, err = h.roster.Apply(ctx, 2002, agents.Input{Kind: agents.TabsCounted, Node: "n1", Count: 3})
	must(t, err)
	must(t, h.gateway.forgetFormerTabs(ctx))
	if former, mine := h.live(2002), h.live(2001); former.Tabs != 0 || mine.Tabs != 1 {
		t.Errorf("former %+v, mine %+v", former, mine)
	}
	_, err = h.store.TakeExtension(ctx, 2003, "3003")
	must(t, err)
	suspects := map[int64]agents.Extension{}
	must(t, h.gateway.releaseOrphans(ctx, suspects))
	if h.store.agent(2003).Extension == "" {
		t.Error("released at first sight: it may be logging in")
	}
	_, err = h.store.TakeExtension(ctx, 2003, "3003") // it was: another login follows
	must(t, err)
	must(t, h.gateway.releaseOrphans(ctx, suspects))
	if h.store.agent(2003).Extension == "" {
		t.Error("released though it was taken again")
	}
	must(t, h.gateway.releaseOrphans(ctx, suspects))
	if h.store.agent(2003).Extension != "" || h.store.agent(2001).Extension == "" || h.store.agent(2002).Extension == "" {
		t.Error("released the wrong extensions")
	}
}

func TestExitStartsAfresh(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	must(t, h.rdb.FlushAll(t.Context()).Err())
	p.send(wire.Command{Type: wire.Exit})
	testdeps.Eventually(h.tb, "entered again", func() bool { l := h.live(2001); return l.State == agents.Available && l.Tabs == 1 })
	p.state(wire.StateIdle)
	stranger := h.open("2")
	if s := stranger.answered(wire.Command{Type: wire.Exit}); s.State != wire.StateLogout {
		t.Errorf("%+v", s)
	}
}

// TestNotEnteredAgain: who was disabled, or whose extension is another's by now, is shown to be logged off.
func TestNotEnteredAgain(t *testing.T) {
	h := newHouse(t, "")
	disabled, robbed := h.login(1), h.login(2)
	must(t, h.store.change(2001, func(a *agents.Agent) { a.Disabled = true }))
	must(t, h.store.change(2002, func(*agents.Agent) { h.store.owners["3002"] = 2003 }))
	must(t, h.rdb.FlushAll(t.Context()).Err())
	disabled.state(wire.StateLogout)
	robbed.state(wire.StateLogout)
}

// TestSQLIsAway: nothing that must survive is changed without it, but a pause is taken.
func TestSQLIsAway(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	h.store.mu.Lock()
	h.store.err = errors.New("SQL is away")
	h.store.mu.Unlock()
	p.send(wire.Command{Type: wire.SetPause, ID: "4"})
	p.state(wire.StatePause)
	if s := p.answered(wire.Command{Type: wire.SetPause, ID: "0"}); s.State != wire.StatePause {
		t.Errorf("left a pause that is on record: %+v", s)
	}
	other := h.open("2")
	if s := other.answered(wire.Command{Type: wire.Login, User: "mt_agent2", Password: "right"}); s.LoginErrorID != errAgain.id {
		t.Errorf("%+v", s)
	}
}
