package dialer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// gone knows which agents of this node wait for calls without a phone: Available, with the flag On, and an extension for which
// no phone is registered. They are given some time for it to come back, more of it after a login and after a restart of
// ours, when all phones register anew; then they are taken into Force Pause, or nobody would know that they wait in vain.
//
// What it knows is this process's alone: whoever takes over, or starts anew, gives the time anew.
type gone struct {
	node   string
	limits Limits
	now    func() time.Time

	mu    sync.Mutex
	homes map[int64]time.Time // since when an agent's home is here, as far as this process knows
	since map[int64]time.Time // since when one waits without a phone
	until map[int64]time.Time // when that is over
}

func newGone(d Deps) *gone {
	return &gone{node: d.Node, limits: d.Limits, now: d.Now, homes: map[int64]time.Time{}, since: map[int64]time.Time{},
		until: map[int64]time.Time{}}
}

// inVain says that an agent waits for calls that cannot come for want of a phone.
func inVain(l agents.Live) bool {
	return l.State == agents.Available && l.AutoCall && !l.Reachable && l.NoPhone
}

// note takes an agent's state, new or as it is. It reports whether the agent has come home to this node since the last one.
func (g *gone) note(l agents.Live) (came bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.State == agents.LoggedOff || l.Node != g.node {
		delete(g.homes, l.AgentID)
		delete(g.since, l.AgentID)
		delete(g.until, l.AgentID)
		return false
	}
	now := g.now()
	home, known := g.homes[l.AgentID]
	if !known || l.LoggedOn.After(home) {
		home = now
		g.homes[l.AgentID] = now
	}
	since, waits := g.since[l.AgentID]
	switch {
	case !inVain(l):
		delete(g.since, l.AgentID)
		delete(g.until, l.AgentID)
		return !known
	case !waits:
		since = now
		g.since[l.AgentID] = now
	}
	g.until[l.AgentID] = latest(since.Add(g.limits.NoPhone), home.Add(g.limits.NewHome))
	return !known
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// due lists those whose time is over, each once a second until it is settled.
func (g *gone) due() (ids []int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for id, until := range g.until {
		if !now.Before(until) {
			ids = append(ids, id)
			g.until[id] = now.Add(time.Second)
		}
	}
	return ids
}

// takeOut has an agent in Force Pause whose phone did not come back. The phone, and the agent, are looked at once more.
func (r *reach) takeOut(ctx context.Context, agentID int64) {
	if err := r.check(ctx, agentID); !errors.Is(err, ErrNotRegistered) {
		return
	}
	l, err := r.roster.Get(ctx, agentID)
	if err != nil || !inVain(l) || l.Node != r.node {
		return
	}
	_, err = r.states.apply(ctx, agentID, agents.Input{Kind: agents.ForcePaused, ErrorText: l.WhyNot})
	if err != nil && !errors.Is(err, agents.ErrNotNow) {
		r.log.Warn("agent without a phone not taken into Force Pause", slog.Int64("agent", agentID), slog.Any("error", err))
		return
	}
	r.log.Info("Force Pause: no phone is registered", slog.Int64("agent", agentID), slog.String("extension", l.Extension.Name))
}
