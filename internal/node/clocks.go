package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/roster"
	"github.com/creditorro/ringmaster/internal/clocks"
)

// wallClock is the clock of a node's machine. Tests put it wrong; no flag and no variable can.
var wallClock = func(_ string) time.Time { return time.Now() }

// makeClocks makes what the rooms read the time from. It is read for the first time when SQL and Redis are connected.
func (n *Node) makeClocks() {
	o := clocks.Options{Wall: func() time.Time { return wallClock(n.Config.Node) }, Log: n.Log, Metrics: n.metrics,
		SetBack: n.clockSetBack}
	if !n.Config.SQLite() {
		o.SQL = func(ctx context.Context) (time.Time, error) { return n.Store.Clock(ctx) }
	}
	if !n.Config.EmbeddedRedis() {
		o.Redis = func(ctx context.Context) (time.Time, error) { return n.Roster.Clock(ctx) }
	}
	n.Clocks = clocks.New(o)
}

func (n *Node) lookAtClocks(ctx context.Context) error {
	n.Clocks.Look(ctx)
	return nil
}

// clockSetBack has events sent that were written while SQL's clock was ahead: their next try would be as far away as it was.
func (n *Node) clockSetBack(ctx context.Context, now time.Time) {
	pulled, err := n.Store.Webhooks.PullDeliveries(ctx, now)
	if err != nil {
		n.Log.Error("deliveries may wait for as long as SQL's clock was ahead", slog.Any("error", err))
		return
	}
	n.Log.Warn("SQL's clock was set back: deliveries written before are due again", slog.Int("deliveries", pulled))
	n.deliverer.Wake()
}

func (n *Node) liveRoster() liveRoster { return liveRoster{n.Roster, n.Clocks} }

// liveRoster is the roster for those who live by SQL's clock: what Redis holds is by Redis', and is put right on the way.
type liveRoster struct {
	*roster.Roster
	clocks *clocks.Clocks
}

// Apply takes an input whose moments are SQL's.
func (r liveRoster) Apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error) {
	in.At, in.Until, in.CodeDueAt = r.clocks.ToRedis(in.At), r.clocks.ToRedis(in.Until), r.clocks.ToRedis(in.CodeDueAt)
	l, err := r.Roster.Apply(ctx, agentID, in)
	return r.read(l), err
}

// Get returns SQL's moments, as the next ones do.
func (r liveRoster) Get(ctx context.Context, agentID int64) (agents.Live, error) {
	l, err := r.Roster.Get(ctx, agentID)
	return r.read(l), err
}

// List is the roster's.
func (r liveRoster) List(ctx context.Context, after int64, limit int) ([]agents.Live, error) {
	list, err := r.Roster.List(ctx, after, limit)
	for i, l := range list {
		list[i] = r.read(l)
	}
	return list, err
}

// Watch is the roster's.
func (r liveRoster) Watch(wants func(agentID int64) bool, changed func(agents.Live), missed func()) {
	r.Roster.Watch(wants, func(l agents.Live) { changed(r.read(l)) }, missed)
}

func (r liveRoster) read(l agents.Live) agents.Live {
	for _, at := range []*time.Time{&l.ChangedAt, &l.Since, &l.GoneAt, &l.LoggedOn, &l.ClaimUntil, &l.CodeDueAt, &l.FailedAt} {
		*at = r.clocks.ToSQL(*at)
	}
	return l
}
