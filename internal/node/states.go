package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/roster"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// stateEvents writes agent.state_changed for the agents whose home is this node. It is a courtesy, unlike the events of
// calls: the moment's state has no transaction to share, so while SQL is away, or more changes come than it takes, some
// are left out.
type stateEvents struct {
	store *store.Store
	now   func() time.Time
	log   *slog.Logger
	queue chan webhook.Agent
	last  map[int64]agents.State // the watcher's own
}

func newStateEvents(r *roster.Roster, s *store.Store, now func() time.Time, log *slog.Logger) *stateEvents {
	e := &stateEvents{store: s, now: now, log: log, queue: make(chan webhook.Agent, 1024), last: map[int64]agents.State{}}
	r.Watch(func(int64) bool { return true }, func(l agents.Live) { e.changed(r.Node(), l) }, func() {})
	return e
}

// changed must not wait: the roster's other watchers would.
func (e *stateEvents) changed(node string, l agents.Live) {
	before, ours := e.last[l.AgentID]
	if l.Node != node && !(ours && l.State == agents.LoggedOff) {
		delete(e.last, l.AgentID) // another node's now
		return
	}
	if before == l.State {
		return
	}
	e.last[l.AgentID] = l.State
	if l.State == agents.LoggedOff {
		delete(e.last, l.AgentID)
	}
	select {
	case e.queue <- webhook.Agent{ID: l.AgentID, Login: l.Login, State: string(l.State)}:
	default:
	}
}

// run writes until ctx ends.
func (e *stateEvents) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case agent := <-e.queue:
			write, cancel := context.WithTimeout(ctx, 5*time.Second)
			if err := e.store.Journal.AgentStateChanged(write, agent, e.now()); err != nil && ctx.Err() == nil {
				e.log.Warn("agent's state event not written", "agent", agent.ID, "error", err)
			}
			cancel()
		}
	}
}
