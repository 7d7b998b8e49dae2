package dialer_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// Calls that live while a node's way to SQL or to Redis does not. Their phone network cannot be asked for other nodes' calls, as
// most cannot.
type silentNetwork struct{ dialer.PhoneNetwork }

// ways are a node's ways to what it shares with others, which a test may cut or clog.
type ways struct{ sql, hangs, redis atomic.Bool }

func (w *ways) change(d *dialer.Deps) {
	d.Store, d.Roster = wayToSQL{d.Store, w}, wayToRedis{d.Roster, w}
	d.Networks["simulated"] = silentNetwork{d.Networks["simulated"]}
}

type wayToSQL struct {
	dialer.Store
	*ways
}

func (w wayToSQL) Renew(ctx context.Context, owner string, ids []dialer.AttemptID, lease time.Duration,
	now time.Time) ([]dialer.AttemptID, error) {
	if w.sql.Load() {
		return nil, errAway
	}
	return w.Store.Renew(ctx, owner, ids, lease, now)
}

func (w wayToSQL) Lapsed(ctx context.Context, before time.Time, limit int) ([]dialer.Attempt, error) {
	switch {
	case w.hangs.Load():
		<-ctx.Done() // a connection whose other end has vanished
		return nil, ctx.Err()
	case w.sql.Load():
		return nil, errAway
	}
	return w.Store.Lapsed(ctx, before, limit)
}

type wayToRedis struct {
	dialer.Roster
	*ways
}

func (w wayToRedis) Apply(ctx context.Context, id int64, in agents.Input) (agents.Live, error) {
	if w.redis.Load() {
		<-ctx.Done()
		return agents.Live{}, ctx.Err()
	}
	return w.Roster.Apply(ctx, id, in)
}

const talks = "SELECT count(*) FROM attempts WHERE state = 'answered'"

// TestLivingCallsOutliveTheirLeases: when SQL is back after longer than a lease, or was away for one node alone, nobody closes
// calls that are up, and the agent's code is kept.
func TestLivingCallsOutliveTheirLeases(t *testing.T) {
	t.Parallel()
	for name, both := range map[string]bool{"SQL away for all": true, "SQL away for one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
			c := h.campaign(func(c *campaigns.Campaign) { c.WrapUp = time.Second })
			h.people(c, number(1, 9))
			var near, far ways
			n := h.node("n1", near.change)
			a := n.agent(c.Queue)
			h.eventually(1, talks)
			h.node("n2", far.change)
			testdeps.Lasts(2 * quick.Lease / 3) // the other one has had SQL for long enough to judge
			near.sql.Store(true)
			far.sql.Store(both)
			testdeps.Lasts(2 * quick.Lease)
			far.sql.Store(false)
			testdeps.Lasts(5 * quick.Reconcile)
			near.sql.Store(false)
			if got := h.count(talks); got != 1 || n.Active() != 1 {
				t.Fatalf("%d calls in talk on record, %d up: want the one", got, n.Active())
			}
			h.must(n.desk.SetCode(t.Context(), a.ID, "", "1", time.Time{}))
			h.must(n.desk.Hangup(t.Context(), a.ID))
			h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'answered' AND code = '1'")
		})
	}
}

// TestLeasesDoNotWaitForRedis: while Redis answers nobody, the leases of many calls are renewed.
func TestLeasesDoNotWaitForRedis(t *testing.T) {
	t.Parallel()
	h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
	c := h.campaign()
	const calls = 80 // 16 at a time, each for redisLimit: longer than a lease
	h.people(c, numbers(calls, 9)...)
	var way ways
	n := h.node("n1", way.change)
	for range calls {
		n.agent(c.Queue)
	}
	h.eventually(calls, talks)
	way.redis.Store(true)
	defer way.redis.Store(false)
	limit := time.Now().Add(2 * quick.Lease)
	for time.Now().Before(limit) {
		// Behind Redis they would be renewed every ten seconds, four too late; two may be the machine's.
		if late := h.count("SELECT count(*) FROM attempts WHERE state = 'answered' AND lease_until < $1",
			time.Now().Add(-2*time.Second).UnixMilli()); late > 0 {
			t.Fatalf("%d leases ran out although SQL is well", late)
		}
		testdeps.Lasts(100 * time.Millisecond)
	}
}

// TestReconcilingGoesOnBesideAConnectionThatHangs: the kinds that come after it are done.
func TestReconcilingGoesOnBesideAConnectionThatHangs(t *testing.T) {
	t.Parallel()
	h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
	var way ways
	way.hangs.Store(true)
	h.node("n1", way.change, func(d *dialer.Deps) { d.Limits.Stale = time.Second })
	c := h.campaign()
	h.people(c, number(1, 1))
	planned, err := h.store.Dialing.Plan(t.Context(), c.ID, 1, time.Now()) // nobody sends its task
	h.must(err)
	if len(planned) != 1 {
		t.Fatalf("%d attempts planned, want 1", len(planned))
	}
	h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'cancelled'")
}

// TestCodeChosenBeforeTheEnd: a code that an agent was told is kept is stored, though the node stops before the call ends.
func TestCodeChosenBeforeTheEnd(t *testing.T) {
	t.Parallel()
	h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
	c := h.campaign()
	h.people(c, number(1, 9))
	n := h.node("n1", func(d *dialer.Deps) { d.Limits.Drain = 30 * time.Second })
	a := n.agent(c.Queue)
	h.eventually(1, talks)
	h.must(n.desk.SetCode(t.Context(), a.ID, "", "4", time.Time{}))
	var stopped sync.WaitGroup
	stopped.Go(n.stop)
	testdeps.Lasts(300 * time.Millisecond)
	h.must(n.desk.Hangup(t.Context(), a.ID))
	stopped.Wait()
	if got := h.attempts()[0]; got.Code != "4" || h.count("SELECT count(*) FROM do_not_call") != 1 {
		t.Errorf("code %q, want 4, and the number barred", got.Code)
	}
}

// TestCodeThatTheCampaignLost: a code of the card does what it did when the call began, though the campaign has it no longer.
func TestCodeThatTheCampaignLost(t *testing.T) {
	t.Parallel()
	h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
	c := h.campaign()
	h.people(c, number(1, 9))
	n := h.node("n1")
	a := n.agent(c.Queue)
	h.eventually(1, talks)
	edited := *c
	edited.CallCodes = c.CallCodes[:2]
	_, err := h.store.Campaigns.UpdateCampaign(t.Context(), edited, time.Now())
	h.must(err)
	h.must(n.desk.SetCode(t.Context(), a.ID, "", "4", time.Time{}))
	h.must(n.desk.Hangup(t.Context(), a.ID))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE code = '4'")
	if got := h.count("SELECT count(*) FROM do_not_call"); got != 1 {
		t.Errorf("%d numbers barred, want 1", got)
	}
}

// cardNetwork has a code of its own on each card.
type cardNetwork struct{ dialer.PhoneNetwork }

type cardCall struct {
	dialer.LiveCall
	progress chan dialer.Progress
}

func (c *cardCall) Progress() <-chan dialer.Progress { return c.progress }

func (n cardNetwork) Place(ctx context.Context, order dialer.Call) (dialer.LiveCall, error) {
	live, err := n.PhoneNetwork.Place(ctx, order)
	if err != nil {
		return nil, err
	}
	c := &cardCall{live, make(chan dialer.Progress, 64)}
	c.progress <- dialer.Progress{Kind: dialer.CardKnown, Card: &dialer.Card{Codes: []agents.Code{{ID: "77", Name: "Own"}}}}
	go func() {
		defer close(c.progress)
		for p := range live.Progress() {
			c.progress <- p
		}
	}()
	return c, nil
}

// TestOwnCodeOfALostProcess: a code of the network's own that was chosen in a process that is lost goes on record in time, and
// keeps no other one waiting.
func TestOwnCodeOfALostProcess(t *testing.T) {
	t.Parallel()
	h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
	c := h.campaign(func(c *campaigns.Campaign) { c.WrapUp = 2 * time.Second })
	h.people(c, number(1, 9))
	var way ways
	n := h.node("n1", func(d *dialer.Deps) {
		d.Networks["simulated"] = cardNetwork{d.Networks["simulated"]}
		d.Store = codeless{d.Store, &way}
	})
	a := n.agent(c.Queue)
	h.eventually(1, talks)
	h.must(n.desk.SetCode(t.Context(), a.ID, "", "77", time.Time{}))
	way.sql.Store(true) // so that the process is lost with it
	h.must(n.desk.Hangup(t.Context(), a.ID))
	h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'closed'")
	n.stop()
	h.node("n1")
	h.eventually(1, "SELECT count(*) FROM attempts WHERE code = '77'")
}

// codeless is a way to SQL by which no code comes.
type codeless struct {
	dialer.Store
	*ways
}

func (w codeless) SetCode(ctx context.Context, c dialer.Coding) error {
	if w.sql.Load() {
		return errAway
	}
	return w.Store.SetCode(ctx, c)
}

// TestOrderThatFindsNoRoom: whoever ordered a call that is not placed is free again at once.
func TestOrderThatFindsNoRoom(t *testing.T) {
	t.Parallel()
	h := newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
	c := h.campaign(func(c *campaigns.Campaign) { c.Mode = campaigns.Manual })
	n := h.node("n1", func(d *dialer.Deps) { d.Limits.MaxCalls, d.Limits.Lease = 1, time.Minute })
	a, b := n.agent(c.Queue), n.agent(c.Queue)
	h.must(n.desk.MakeCall(t.Context(), a.ID, number(1, 9), c.Queue))
	h.eventually(1, talks)
	h.must(n.desk.MakeCall(t.Context(), b.ID, number(2, 9), c.Queue))
	l := n.until(b.ID, "word of it", func(l agents.Live) bool { return l.State == agents.Available && !l.ErrorText.IsZero() })
	if l.ErrorID != agents.NotPlacedError {
		t.Errorf("the tab is told %q %q", l.ErrorID, l.ErrorText)
	}
}
