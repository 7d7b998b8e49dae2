package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	reconcileEvery = 2 * time.Second
	graceEvery     = time.Second
	orphansEvery   = time.Minute
	sweepLimit     = 2000 // agents in a call are among them, and wait
)

// Run does what nobody asks for: it keeps seats and Redis in step, logs off agents whose tabs did not come back, gives back
// extensions that their agents left behind, and reads the list of pauses. It ends with ctx.
func (g *Gateway) Run(ctx context.Context) {
	g.logged("former tabs", g.forgetFormerTabs(ctx))
	var all sync.WaitGroup
	if g.memory != nil {
		all.Go(func() { g.memory.run(ctx, g.log) })
	}
	all.Go(func() {
		retry.OnBeat(ctx, pauseListAge, nil, func(ctx context.Context) { g.logged("pauses", g.readPauses(ctx)) })
	})
	all.Go(func() {
		retry.OnBeat(ctx, reconcileEvery, g.lost, func(ctx context.Context) { g.logged("reconcile", g.reconcile(ctx)) })
	})
	all.Go(func() {
		retry.OnBeat(ctx, graceEvery, nil, func(ctx context.Context) { g.logged("grace", g.endGrace(ctx)) })
	})
	all.Go(func() {
		suspects := map[int64]agents.Extension{}
		retry.OnBeat(ctx, orphansEvery, nil, func(ctx context.Context) { g.logged("orphans", g.releaseOrphans(ctx, suspects)) })
	})
	all.Wait()
}

func (g *Gateway) logged(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		g.log.Warn("gateway: a neighbour fails", slog.String("doing", what), slog.Any("error", err))
	}
}

// readPauses reads the pauses on offer and shows them to all.
func (g *Gateway) readPauses(ctx context.Context) error {
	list, err := g.Store.Pauses(ctx)
	if err != nil {
		return err
	}
	pauses := make([]wire.Pause, 0, len(list))
	for _, p := range list {
		pauses = append(pauses, wire.Pause{ID: p.ID, Name: p.Name})
	}
	g.pauses.Store(&pauses)
	for _, s := range g.held() {
		s.mu.Lock()
		s.show()
		s.mu.Unlock()
	}
	return nil
}

// reconcile compares every seat with what Redis holds: changes that were not heard are taken over, and who is lost is
// entered again.
func (g *Gateway) reconcile(ctx context.Context) error {
	seats := g.held()
	if len(seats) == 0 {
		return nil
	}
	ids := make([]int64, len(seats))
	for i, s := range seats {
		ids[i] = s.agentID
	}
	versions, err := g.Roster.Versions(ctx, ids)
	if err != nil {
		return err
	}
	var errs []error
	for i, s := range seats {
		l := s.now()
		if versions[i] != l.Version || s.uncounted() {
			one, cancel := context.WithTimeout(ctx, commandLimit)
			errs = append(errs, s.reconcile(one))
			cancel()
		}
	}
	return errors.Join(errs...)
}

// uncounted says that the roster has another number of this node's tabs than there are.
func (s *seat) uncounted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tabs) != s.live.TabsAt[s.g.Roster.Node()] || len(s.tabs) == 0
}

func (s *seat) reconcile(ctx context.Context) error {
	from := s.now().Version
	l, err := s.g.Roster.Get(ctx, s.agentID)
	if err != nil {
		return err
	}
	if l.State == agents.LoggedOff && l.ChangedAt.IsZero() {
		return s.reenter(ctx)
	}
	s.correct(l, from)
	s.count(ctx)
	return nil
}

// endGrace logs off the agents whose last tab did not come back. Those in a call, or with its code to set, come later.
func (g *Gateway) endGrace(ctx context.Context) error {
	gone, err := g.Roster.Gone(ctx, g.Now().Add(-g.Grace), sweepLimit)
	if err != nil {
		return err
	}
	for _, id := range gone {
		before, err := g.Roster.Get(ctx, id)
		if err != nil {
			return err
		}
		off, err := g.Roster.Apply(ctx, id, agents.Input{Kind: agents.GraceOver, At: g.Now()})
		if errors.Is(err, agents.ErrNotNow) {
			continue
		}
		if err != nil {
			return err
		}
		g.keep(agents.GraceOver, off)
		g.log.Info("agent logged off: no tab", slog.Int64("agent", id))
		if err := g.Store.ReleaseExtension(ctx, before.Extension); err != nil {
			return err
		}
	}
	return nil
}

// forgetFormerTabs takes off the tabs that a former life of this node still seems to have.
func (g *Gateway) forgetFormerTabs(ctx context.Context) error {
	return g.eachLive(ctx, func(l agents.Live) error {
		if l.TabsAt[g.Roster.Node()] == 0 || g.shows(l.AgentID) {
			return nil
		}
		_, err := g.Roster.Apply(ctx, l.AgentID, agents.Input{Kind: agents.TabsCounted, At: g.Now(), Node: g.Roster.Node(), Count: 0})
		if errors.Is(err, agents.ErrNotNow) {
			return nil
		}
		return err
	})
}

// releaseOrphans gives back the extensions of agents who are logged off, as after the loss of Redis or a logout without SQL.
// An extension must be found so twice, a minute apart, by the same taking: logging in takes the extension first. suspects
// are those found so before, by their ids.
func (g *Gateway) releaseOrphans(ctx context.Context, suspects map[int64]agents.Extension) error {
	all, err := g.Store.Extensions(ctx)
	if err != nil {
		return err
	}
	live := map[int64]bool{}
	if err := g.eachLive(ctx, func(l agents.Live) error { live[l.AgentID] = true; return nil }); err != nil {
		return err
	}
	for _, x := range all {
		before, suspected := suspects[x.ID]
		delete(suspects, x.ID)
		switch {
		case x.OwnerID == 0 || live[x.OwnerID] || g.shows(x.OwnerID):
		case suspected && before.OwnerID == x.OwnerID && before.Taken == x.Taken:
			if err := g.Store.ReleaseExtension(ctx, x); err != nil {
				return err
			}
			g.log.Info("extension given back for an agent who is logged off", slog.Int64("agent", x.OwnerID))
		default:
			suspects[x.ID] = x
		}
	}
	return nil
}

// eachLive calls do with every agent who is logged on.
func (g *Gateway) eachLive(ctx context.Context, do func(agents.Live) error) error {
	for after := int64(0); ; {
		page, err := g.Roster.List(ctx, after, 500)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, l := range page {
			if err := do(l); err != nil {
				return err
			}
		}
		after = page[len(page)-1].AgentID
	}
}
