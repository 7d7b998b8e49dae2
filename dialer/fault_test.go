package dialer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

var errAway = errors.New("the database is away")

// faultyStore fails when its plan says so: before the real store has done anything, or after, so that the outcome is
// unknown to the caller.
type faultyStore struct {
	dialer.Store
	plan func(step string) (before, after bool)
	done func(step string) // nil: nothing
}

// through runs one step of the real store, or not.
func through[T any](f *faultyStore, step string, do func() (T, error)) (T, error) {
	var nothing T
	before, after := f.plan(step)
	if before {
		return nothing, errAway
	}
	got, err := do()
	if f.done != nil {
		f.done(step)
	}
	if after && err == nil {
		return nothing, errAway
	}
	return got, err
}

func (f *faultyStore) Plan(ctx context.Context, c int64, n int, now time.Time, free ...int64) ([]dialer.Attempt, error) {
	return through(f, "plan", func() ([]dialer.Attempt, error) { return f.Store.Plan(ctx, c, n, now, free...) })
}

func (f *faultyStore) Claim(ctx context.Context, id dialer.AttemptID, owner string, agent int64, lease time.Duration,
	now time.Time) (dialer.Claimed, error) {
	return through(f, "claim", func() (dialer.Claimed, error) { return f.Store.Claim(ctx, id, owner, agent, lease, now) })
}

func (f *faultyStore) Renew(ctx context.Context, owner string, ids []dialer.AttemptID, lease time.Duration,
	now time.Time) ([]dialer.AttemptID, error) {
	return through(f, "renew", func() ([]dialer.AttemptID, error) { return f.Store.Renew(ctx, owner, ids, lease, now) })
}

func (f *faultyStore) Dialed(ctx context.Context, id dialer.AttemptID, owner string, fence int64, quiet time.Duration,
	now time.Time) error {
	_, err := through(f, "dialed", func() (struct{}, error) { return struct{}{}, f.Store.Dialed(ctx, id, owner, fence, quiet, now) })
	return err
}

func (f *faultyStore) Joined(ctx context.Context, id dialer.AttemptID, owner string, fence, agent int64, trace string,
	now time.Time) error {
	_, err := through(f, "answered", func() (struct{}, error) {
		return struct{}{}, f.Store.Joined(ctx, id, owner, fence, agent, trace, now)
	})
	return err
}

func (f *faultyStore) PickedUp(ctx context.Context, id dialer.AttemptID, owner string, fence int64, now time.Time) error {
	_, err := through(f, "pickup", func() (struct{}, error) { return struct{}{}, f.Store.PickedUp(ctx, id, owner, fence, now) })
	return err
}

func (f *faultyStore) PlanAhead(ctx context.Context, c int64, n int, now time.Time, free ...int64) ([]dialer.Attempt, error) {
	return through(f, "plan", func() ([]dialer.Attempt, error) { return f.Store.PlanAhead(ctx, c, n, now, free...) })
}

func (f *faultyStore) Close(ctx context.Context, c dialer.Closing) (dialer.Attempt, error) {
	return through(f, "close", func() (dialer.Attempt, error) { return f.Store.Close(ctx, c) })
}

func (f *faultyStore) SetCode(ctx context.Context, c dialer.Coding) error {
	_, err := through(f, "code", func() (struct{}, error) { return struct{}{}, f.Store.SetCode(ctx, c) })
	return err
}

func (f *faultyStore) Lapsed(ctx context.Context, before time.Time, limit int) ([]dialer.Attempt, error) {
	return through(f, "lapsed", func() ([]dialer.Attempt, error) { return f.Store.Lapsed(ctx, before, limit) })
}

func (f *faultyStore) CodesDue(ctx context.Context, now time.Time, limit int) ([]dialer.Attempt, error) {
	return through(f, "due", func() ([]dialer.Attempt, error) { return f.Store.CodesDue(ctx, now, limit) })
}

func (f *faultyStore) Adopt(ctx context.Context, c dialer.ExternalCall, owner string, lease time.Duration,
	now time.Time) (dialer.Claimed, error) {
	return through(f, "adopt", func() (dialer.Claimed, error) { return f.Store.Adopt(ctx, c, owner, lease, now) })
}

func (f *faultyStore) Cancel(ctx context.Context, id dialer.AttemptID, why reason.Reason, now time.Time) (bool, error) {
	return through(f, "cancel", func() (bool, error) { return f.Store.Cancel(ctx, id, why, now) })
}

// once fails the first time a step is reached.
func once(step string, unknown bool) (func(string) (bool, bool), *atomic.Bool) {
	var failed atomic.Bool
	return func(s string) (before, after bool) {
		if s != step || !failed.CompareAndSwap(false, true) {
			return false, false
		}
		return !unknown, unknown
	}, &failed
}

// faulty makes a node whose store fails by plan.
func faulty(plan func(string) (bool, bool)) func(*dialer.Deps) {
	return func(d *dialer.Deps) {
		d.Store = &faultyStore{Store: d.Store, plan: plan}
		d.Limits.Lease, d.Limits.Stale = 6*time.Second, 3*time.Second
	}
}

func TestSQLFailsAtEachStep(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		step    string
		unknown bool // the commit was done, and its answer lost
		rings   bool // the customer's phone may ring for all that
	}{
		{"plan", false, true}, {"plan", true, true}, {"claim", false, true}, {"claim", true, false},
		{"dialed", false, false}, {"dialed", true, false}, {"answered", false, true}, {"answered", true, true},
		{"close", false, true}, {"close", true, true}, {"code", false, true}, {"code", true, true},
	} {
		name := row.step + " refused"
		if row.unknown {
			name = row.step + " unknown"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
			c := h.campaign(func(c *campaigns.Campaign) { c.WrapUp = 2 * time.Second })
			h.people(c, number(1, 0))
			plan, failed := once(row.step, row.unknown)
			n := h.node("n1", faulty(plan))
			n.agent(c.Queue)
			n.coder("1")
			h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'closed' AND (code_due_at IS NULL OR code_set_at IS NOT NULL)")
			if !failed.Load() {
				t.Fatal("the fault did not happen")
			}
			n.stop()
			h.check(h.rings())
			if rings := len(h.network.Rung()); rings > 1 || (rings == 1) != row.rings {
				t.Errorf("%d rings, want them: %v", rings, row.rings)
			}
		})
	}
}

func TestSQLStuttersAllTheTime(t *testing.T) {
	t.Parallel()
	eachApart(t, steady, func(t *testing.T, h *house) {
		c := h.campaign(func(c *campaigns.Campaign) { c.WrapUp = time.Second })
		h.people(c, append(numbers(30, 0), numbers(10, 1)...)...)
		n := h.node("n1", faulty(func(string) (before, after bool) {
			draw := rand.Float64()
			return draw < 0.1, draw > 0.9
		}))
		for range 4 {
			n.agent(c.Queue)
		}
		n.coder("1")
		h.eventually(0, `SELECT count(*) FROM contacts WHERE state IN ('calling', 'coding') OR (state = 'waiting' AND ordinals = 0)`)
		n.stop()
		h.rest()
	})
}

func TestALeaseThatIsNotRenewedDialsNobody(t *testing.T) {
	script := steady
	script.Crowd.AgentAnswers.Median = 30 * time.Second // 1.5 s at this speed
	h := newHouse(t, sqliteURL(t), script)
	c := h.campaign(func(c *campaigns.Campaign) { c.AgentRing = time.Minute })
	h.people(c, number(1, 0))
	n := h.node("n1", faulty(func(step string) (bool, bool) { return step == "renew", false }), func(d *dialer.Deps) {
		d.Limits.Lease, d.Limits.Reconcile = time.Second, time.Hour
	})
	a := n.agent(c.Queue)
	h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'unknown' AND dialed_at IS NULL")
	n.until(a.ID, "Available", in(agents.Available))
	n.stop()
	h.check(h.rings())
	if len(h.network.Rung()) > 0 {
		t.Error("the customer was dialed without a lease")
	}
}

// unknowing is a Redis that has lost all agents.
type unknowing struct{ dialer.Roster }

func (unknowing) Get(_ context.Context, agentID int64) (agents.Live, error) {
	return agents.Off(agentID), nil
}

func TestSQLAwayDuringACall(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, number(1, 9))
	var away atomic.Bool
	n := h.node("n1", faulty(func(string) (bool, bool) { return away.Load(), false }))
	a := n.agent(c.Queue)
	h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered'")
	away.Store(true)
	// The lease runs out, and Redis has forgotten who claims the agent: the attempt is closed as unknown from elsewhere, the talk
	// goes on.
	h2 := h.node("n2", func(d *dialer.Deps) {
		d.Networks, d.Roster = map[string]dialer.PhoneNetwork{"other": blind{h.network}}, unknowing{d.Roster}
		d.Limits.Lease = 3 * time.Second
	})
	h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'unknown'")
	if l := n.until(a.ID, "state", func(agents.Live) bool { return true }); l.State != agents.Talking {
		t.Errorf("the agent is %s while the talk goes on", l.State)
	}
	h.must(n.desk.Hangup(t.Context(), a.ID))
	n.until(a.ID, "Clerical", in(agents.Clerical)) // although SQL is away
	away.Store(false)
	h.eventually(0, "SELECT count(*) FROM attempts WHERE outcome = 'unknown'") // the late truth
	h.must(n.desk.SetCode(t.Context(), a.ID, "", "1", time.Time{}))
	n.until(a.ID, "Available", in(agents.Available))
	n.stop()
	h2.stop()
	h.rest()
}

// A call that has ended, and cannot be closed while SQL is away, must not take its agent again.
func TestSQLAwayAfterACall(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, number(1, 1)) // busy
	var gone, back atomic.Bool
	renewed := make(chan struct{}, 1000)
	n := h.node("n1", faulty(func(step string) (bool, bool) {
		if step == "close" {
			gone.Store(true)
		}
		away := gone.Load() && !back.Load()
		if step == "renew" && away {
			renewed <- struct{}{}
		}
		return away, false
	}))
	a := n.agent(c.Queue)
	free := n.until(a.ID, "Available after the call", func(l agents.Live) bool { return gone.Load() && l.State == agents.Available })
	for range 3 { // by the third one the claims have been renewed twice
		<-renewed
	}
	if l, err := n.roster.Get(t.Context(), a.ID); err != nil || l.State != agents.Available || l.Version != free.Version {
		t.Errorf("the agent is %s (%v), and was Available: the call has ended", l.State, err)
	}
	back.Store(true)
	h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'busy'")
	n.stop()
	h.rest()
}

// blind is a phone network that cannot tell what became of lost calls.
type blind struct{ dialer.PhoneNetwork }

func TestLateAndRepeatedTasks(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, number(1, 0))
	planned, err := h.store.Dialing.Plan(t.Context(), c.ID, 1, time.Now())
	h.must(err)
	n := h.node("n1", func(d *dialer.Deps) { d.Limits.Reconcile = time.Hour })
	agent := n.agent(c.Queue)
	n.coder("1")
	client := asynq.NewClientFromRedisClient(n.rdb)
	send := func(prepared time.Time) {
		t.Helper()
		body := `{"attempt":"` + planned[0].ID.String() + `","campaign":1,"queue":"` + c.Queue + `","origin":"automatic","agent":` +
			fmt.Sprint(agent.ID) + `,"prepared_at":"` + prepared.Format(time.RFC3339Nano) + `"}`
		queue := asynq.Queue(dialer.TaskQueue(h.installation, "n1"))
		_, err := client.Enqueue(asynq.NewTask("dial", []byte(body)), queue, asynq.MaxRetry(0))
		h.must(err)
	}
	for range 5 {
		send(time.Now())
	}
	h.eventually(1, "SELECT count(*) FROM contacts WHERE state = 'finished'")
	for range 5 {
		send(time.Now())
	}
	_, err = client.Enqueue(asynq.NewTask("dial", []byte("{")), asynq.Queue(dialer.TaskQueue(h.installation, "n1")))
	h.must(err)
	inspector := asynq.NewInspectorFromRedisClient(n.rdb)
	testdeps.Eventually(t, "the task that is none to be archived", func() bool {
		info, err := inspector.GetQueueInfo(dialer.TaskQueue(h.installation, "n1"))
		return err == nil && info.Pending+info.Active == 0 && info.Archived == 1
	})
	h.people(c, number(2, 0))
	planned, err = h.store.Dialing.Plan(t.Context(), c.ID, 1, time.Now())
	h.must(err)
	if len(planned) == 1 { // the node's own pacer may have been first
		send(time.Now().Add(-time.Minute))
		h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'cancelled' AND cause LIKE '%late%'")
	}
	h.eventually(2, "SELECT count(*) FROM contacts WHERE state = 'finished'")
	n.stop()
	h.check(h.rings())
}

func TestRedisAway(t *testing.T) {
	away := 30 * time.Second
	if testing.Short() {
		away = 3 * time.Second
	}
	t.Parallel()
	h, _ := redisAway(t, away)
	h.rest()
}

// redisAway has a node's Redis lost while calls are up, and work on when it is back.
func redisAway(t *testing.T, away time.Duration, change ...func(*campaigns.Campaign)) (*house, *campaigns.Campaign) {
	server := testdeps.RedisServer(t)
	h := newHouseAt(t, sqliteURL(t), server.Addr, steady)
	c := h.campaign(append(change, func(c *campaigns.Campaign) { c.WrapUp = 2 * time.Second })...)
	h.people(c, append([]string{number(1, 9)}, numbers(200, 0)...)...) // the long talk comes first
	n := h.node("n1")
	var people []agents.Agent
	for range 4 {
		people = append(people, n.agent(c.Queue))
	}
	n.coder("1")
	h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'answered' AND number LIKE '%9'")
	server.Kill() // and all it knew
	testdeps.Quiet(time.Second)
	before := h.network.Placed()
	testdeps.Quiet(away)
	if placed := h.network.Placed() - before; placed != 0 {
		t.Errorf("%d calls placed while Redis was away", placed)
	}
	if h.count("SELECT count(*) FROM attempts WHERE state = 'answered' AND number LIKE '%9'") != 1 {
		t.Error("the running talk did not survive")
	}
	server.Start()
	// Gateways enter their open tabs again.
	for _, a := range people {
		h.reenter(n, a)
	}
	h.within(8*time.Minute, 200, "SELECT count(*) FROM contacts WHERE state = 'finished' OR (state = 'waiting' AND ordinals > 0)")
	n.stop()
	return h, c
}

// reenter is what a gateway does for an open tab after Redis was lost.
func (h *house) reenter(n *node, a agents.Agent) {
	h.tb.Helper()
	testdeps.Seen(h.tb, "the agent to be entered again", func() error {
		ext, err := h.store.Agents.TakeExtension(context.Background(), a.ID, "")
		if err != nil {
			return err
		}
		if _, err = n.roster.Apply(context.Background(), a.ID,
			agents.Input{Kind: agents.Login, Agent: &a, Extension: &ext, Node: n.Node}); err != nil && !errors.Is(err, agents.ErrNotNow) {
			return err
		}
		_, err = n.roster.Apply(context.Background(), a.ID, agents.Input{Kind: agents.TabsCounted, Node: n.Node, Count: 1})
		return err
	}, func(err error) bool { return err == nil })
}
