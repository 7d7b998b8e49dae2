package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// bench is a node with ten free agents of a predictive campaign, all of whose neighbours are played. Time passes when somebody
// takes some.
type bench struct {
	Store
	Roster
	PhoneNetwork
	now       time.Time
	listing   time.Duration // that Redis takes
	account   time.Duration // that SQL takes
	away      error         // what SQL says
	spans     []pacing.Span
	tried     []TriedCall
	untold    error // what SQL says when asked for them
	team      []agents.Live
	room      int
	why       string
	silent    bool
	asked     string // of the store, to plan
	forgotten bool
}

func (b *bench) List(context.Context, int64, int) ([]agents.Live, error) {
	b.now = b.now.Add(b.listing)
	return b.team, nil
}

func (b *bench) Account(_ context.Context, _ int64, from time.Time) (list []AccountSpan, err error) {
	b.now = b.now.Add(b.account)
	for _, s := range b.spans {
		if !s.Begin.Before(from) {
			list = append(list, s)
		}
	}
	return list, b.away
}

func (b *bench) Shown(context.Context, int64, time.Time, time.Time) (Shown, error) {
	return Shown{AnswerRate: 0.3, RingTime: 9, Talk: 120, Wrap: 20, Worth: 100}, b.away
}

func (b *bench) Plan(_ context.Context, _ int64, n int, _ time.Time, _ ...int64) ([]Attempt, error) {
	b.asked = fmt.Sprint("with agents ", n)
	return nil, b.away
}

func (b *bench) PlanAhead(_ context.Context, _ int64, n int, _ time.Time, free ...int64) ([]Attempt, error) {
	b.asked = "ahead"
	if n <= len(free) {
		b.asked = fmt.Sprint("ahead ", n)
	}
	return nil, b.away
}

func (b *bench) Room() (int, string)                          { return b.room, b.why }
func (b *bench) Reserve(context.Context) (Reservation, error) { return unlimited{}, nil }
func (b *bench) AbandonedMessage() bool                       { return !b.silent }

func (b *bench) answers(before time.Duration, connected, abandoned int) {
	b.spans = append(b.spans, pacing.Span{Begin: b.now.Add(-before).Truncate(time.Minute), Connected: connected,
		Abandoned: abandoned})
}

// pacerOf is a node's pacer at the bench.
func (b *bench) pacerOf(node string, rdb *redis.Client, c *campaigns.Campaign) *pacer {
	d := Deps{Installation: "test", Node: node, Store: b, Tried: b.Tried, Roster: b, Redis: rdb,
		Networks: map[string]PhoneNetwork{"bench": b},
		Limits:   Limits{}.withDefaults(),
		Now:      func() time.Time { return b.now }, MayDial: func() error { return nil }, Log: slog.New(slog.DiscardHandler)}
	p := newPacer(d, nil, newSupervisor(d, node, states{}))
	p.campaigns = []*campaigns.Campaign{c}
	return p
}

// decide has the pacer decide once, some time later, and returns what it has asked the store for.
func (b *bench) decide(p *pacer, later time.Duration) string {
	b.now, b.asked = b.now.Add(later), ""
	free := map[int64]agents.Idle{}
	for i := range b.team {
		b.team[i].Node = p.node
		free[b.team[i].AgentID] = agents.Idle{ID: b.team[i].AgentID, Queues: b.team[i].Queues, Since: b.team[i].Since}
	}
	_, _ = p.runAhead(context.Background(), free, 200)
	clear(p.dryUntil) // nobody was planned
	return b.asked
}

func newBench(t *testing.T) (*bench, *pacer, *redis.Client, *campaigns.Campaign) {
	rdb := redis.NewClient(&redis.Options{Addr: testdeps.Redis(t)})
	t.Cleanup(func() { _ = rdb.Close() })
	c := &campaigns.Campaign{ID: 7, Name: "Seven", Queue: "q", Mode: campaigns.Predictive, Profile: "uk-ofcom", TimeZone: "UTC",
		Region: "GB", Weight: 1,
		Ring: 30 * time.Second, Status: campaigns.Running}
	b := &bench{now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), room: 200}
	for i := range 10 {
		b.team = append(b.team, agents.Live{AgentID: int64(i + 1), State: agents.Available, Since: b.now.Add(-time.Minute), Tabs: 1,
			Reachable: true, AutoCall: true,
			Queues: []string{"q"}, Extension: agents.Extension{Network: "bench"}})
	}
	b.answers(3*time.Hour, 1000, 5)
	b.answers(10*time.Minute, 100, 0)
	return b, b.pacerOf("n1", rdb, c), rdb, c
}

// TestInDoubtAnAgentIsThereFirst: whatever is wrong, nobody is called before there is an agent, and where even agents are in
// doubt nobody at all; when it is right again, calls run ahead again.
func TestInDoubtAnAgentIsThereFirst(t *testing.T) {
	for name, w := range map[string]struct {
		wrong, right func(b *bench)
		want         string
	}{
		"Redis is slow": {func(b *bench) { b.listing = 1500 * time.Millisecond }, func(b *bench) { b.listing = 0 },
			"with agents 10"},
		"the state is old":      {func(b *bench) { b.listing = 3 * time.Second }, func(b *bench) { b.listing = 0 }, "with agents 10"},
		"the state is very old": {func(b *bench) { b.listing = 11 * time.Second }, func(b *bench) { b.listing = 0 }, ""},
		"SQL is slow": {func(b *bench) { b.account = 1500 * time.Millisecond }, func(b *bench) { b.account = 0 },
			"with agents 10"},
		"SQL is away": {func(b *bench) { b.away = errors.New("away") }, func(b *bench) { b.away = nil }, "with agents 10"},
		"a trunk is in trouble": {func(b *bench) { b.room, b.why = 4, "503" }, func(b *bench) { b.room, b.why = 200, "" },
			"with agents 4"},
		"the day is over cap": {func(b *bench) { b.answers(2*time.Hour, 0, 40) }, func(b *bench) { b.answers(2*time.Hour, 2000, 0) },
			"with agents 10"},
		"the half hour is": {func(b *bench) { b.answers(5*time.Minute, 0, 12) },
			func(b *bench) { b.answers(5*time.Minute, 900, 0) }, "with agents 10"},
		"no tab is there": {func(b *bench) { b.each(func(l *agents.Live) { l.Tabs = 0 }) },
			func(b *bench) { b.each(func(l *agents.Live) { l.Tabs = 1 }) }, ""},
		"no phone is registered": {func(b *bench) { b.each(func(l *agents.Live) { l.Reachable = false }) },
			func(b *bench) { b.each(func(l *agents.Live) { l.Reachable = true }) }, ""},
		"no flag is On": {func(b *bench) { b.each(func(l *agents.Live) { l.AutoCall = false }) },
			func(b *bench) { b.each(func(l *agents.Live) { l.AutoCall = true }) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, p, _, _ := newBench(t)
			if got := b.decide(p, 0); got != "ahead" {
				t.Fatalf("when all is well: %q", got)
			}
			w.wrong(b)
			if got := b.decide(p, 2*time.Second); got != w.want {
				t.Errorf("asked for %q, want %q", got, w.want)
			}
			w.right(b)
			_ = b.decide(p, 2*time.Second) // what was slow is known to be quick again
			if got := b.decide(p, 2*time.Second); got != "ahead" {
				t.Errorf("when all is well again: %q", got)
			}
		})
	}
}

func (b *bench) each(change func(*agents.Live)) {
	for i := range b.team {
		change(&b.team[i])
	}
}

// TestNothingIsKnownYet: before the account could be read once nobody is called.
func TestNothingIsKnownYet(t *testing.T) {
	b, p, _, _ := newBench(t)
	b.away = errors.New("away")
	if got := b.decide(p, 0); got != "" {
		t.Errorf("asked for %q", got)
	}
}

// TestNobodyIsCalledFirstWithoutAMessage: where the law wants one, the campaign does not run ahead, and its agents are given
// calls as in the other modes.
func TestNobodyIsCalledFirstWithoutAMessage(t *testing.T) {
	b, p, _, c := newBench(t)
	b.silent = true
	if got := b.decide(p, 0); got != "" || p.aheadOf(c) != "" {
		t.Errorf("asked for %q, ahead by %q", got, p.aheadOf(c))
	}
	if wanting, _ := p.wanting(10); len(wanting) != 1 {
		t.Errorf("%d campaigns want agents, want 1", len(wanting))
	}
	c.Profile = campaigns.NoProfile
	if got := b.decide(p, time.Second); got != "ahead" {
		t.Errorf("without such a law: %q", got)
	}
}

// TestNodesShareTheAccount: a node that comes to the campaign of another one has agents there first until the other certainly
// knows of it; each may then put at risk what its agents are of all. A node that no longer tells the others that it is there has
// no part.
func TestNodesShareTheAccount(t *testing.T) {
	b, first, rdb, c := newBench(t)
	if got := b.decide(first, 0); got != "ahead" {
		t.Fatalf("alone: %q", got)
	}
	second := b.pacerOf("n2", rdb, c)
	for range 5 {
		if got := b.decide(second, time.Second); got != "with agents 10" {
			t.Errorf("a node that has just come: %q", got)
		}
		_ = b.decide(first, 0)
	}
	if got := b.decide(second, time.Second); got != "ahead" {
		t.Errorf("a node that is known: %q", got)
	}
	if got := b.decide(first, time.Second); got != "ahead" {
		t.Errorf("the node that was there: %q", got)
	}
	for _, p := range []*pacer{first, second} {
		if share := p.paces.get(c.ID).share; share != 0.5 {
			t.Errorf("%s has %v of the account, want half", p.node, share)
		}
	}
	_ = rdb.Close()
	_ = b.decide(first, 3*time.Second)
	if got := b.decide(first, 3*time.Second); got != "with agents 10" {
		t.Errorf("a node that cannot be heard: %q", got)
	}
}

// TestOldAccountsAreForgottenOnceAnHour: not at every look around.
func TestOldAccountsAreForgottenOnceAnHour(t *testing.T) {
	b, _, _, _ := newBench(t)
	d := &Dialer{Deps: Deps{Store: b, Now: func() time.Time { return b.now }}}
	for _, w := range []struct {
		later time.Duration
		want  bool
	}{{0, true}, {time.Minute, false}, {time.Hour, true}} {
		b.forgotten, b.now = false, b.now.Add(w.later)
		if err := d.forgetAccounts(t.Context()); err != nil || b.forgotten != w.want {
			t.Errorf("after %v: forgotten %v, %v", w.later, b.forgotten, err)
		}
	}
}

func (b *bench) ForgetAccounts(context.Context, time.Time) error {
	b.forgotten = true
	return nil
}

func (b *bench) KeepRecord(context.Context, int64, string, time.Time, []byte) error { return nil }

// TestAbandonedCallsCountOnce: a call counts from when its customer is left alone, and the account never falls when SQL has it:
// that would be learned from once more.
func TestAbandonedCallsCountOnce(t *testing.T) {
	b, p, _, c := newBench(t)
	day := func(later time.Duration) pacing.Tally {
		b.decide(p, later)
		return p.paces.get(c.ID).last.Day
	}
	if got, want := day(0), (pacing.Tally{Answered: 1105, Abandoned: 5}); got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
	alone := course{first: true, phase: phaseSorry, pickedUp: b.now}
	p.calls.calls = map[AttemptID]*call{1: {first: true, campaign: c.ID, course: alone}}
	want := pacing.Tally{Answered: 1106, Abandoned: 6}
	if got := day(200 * time.Millisecond); got != want {
		t.Errorf("alone: %+v, want %+v", got, want)
	}
	clear(p.calls.calls) // its end is written
	b.answers(0, 0, 1)
	for range 3 {
		if got := day(200 * time.Millisecond); got != want {
			t.Errorf("on record: %+v, want %+v", got, want)
		}
	}
}
