package roster

import (
	"context"
	"strconv"
	"sync"

	"github.com/creditorro/ringmaster/agents"
)

// last is what this node has stored itself and nobody has changed since, as far as it has heard. Most changes of an agent in a
// call come from the node that has the call, one after the other: what it wrote last need not be read again. A version alone does
// not tell a state from another that was written after a failover of Redis, which may forget the latest writes; the tag does.
type last struct {
	mu     sync.Mutex
	writes uint64
	states map[int64]written
}

// written is one state, and the tag of its write.
type written struct {
	live agents.Live
	tag  string
}

// tag names the next write of the process that goes by life.
func (w *last) tag(life string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return life + ":" + strconv.FormatUint(w.writes, 36)
}

func (w *last) keep(l agents.Live, tag string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case l.State == agents.LoggedOff:
		delete(w.states, l.AgentID)
	case w.states == nil:
		w.states = map[int64]written{}
		fallthrough
	case w.states[l.AgentID].live.Version < l.Version: // two changes of one process may come here in the other order
		w.states[l.AgentID] = written{l, tag}
	}
}

func (w *last) forget(agentID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.states, agentID)
}

// outdated takes away what was changed since, by what is told of all nodes' writes.
func (w *last) outdated(l agents.Live) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.states[l.AgentID].live.Version < l.Version {
		delete(w.states, l.AgentID)
	}
}

func (w *last) of(agentID int64) (written, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	is, known := w.states[agentID]
	return is, known
}

// applyLast tries an input on what this node stored last, if the state machine takes it there and nothing of it goes on record
// before. All else is for a state that is read.
func (r *Roster) applyLast(ctx context.Context, agentID int64, in agents.Input) (agents.Live, bool, error) {
	was, known := r.last.of(agentID)
	if !known {
		return agents.Live{}, false, nil
	}
	next, err := agents.Next(was.live, in)
	if err != nil {
		return agents.Live{}, false, nil
	}
	if flag, pause := r.forRecord(was.live, next, in.Kind); flag || pause {
		return agents.Live{}, false, nil
	}
	done, err := r.store(ctx, was.live, next, true, was.tag)
	if err != nil || !done {
		return agents.Live{}, false, err
	}
	return next, true, nil
}
