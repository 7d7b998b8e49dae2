package gateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// Standing is how a call stands in the system of record. Zero: it is over, and nothing more is awaited from its agent; or the
// record does not know it.
type Standing struct {
	Open      bool      // its end is not on record: its owner may speak of it still
	EndedAt   time.Time // zero while it is open
	CodeDueAt time.Time // its agent's code is awaited until then; zero: none is
}

// Record says how calls stand; the store does, in cmd's words.
type Record interface {
	// Stands returns how an agent's call stands, by the attempt's id as tabs know it.
	Stands(ctx context.Context, agentID int64, attemptID string) (Standing, error)
}

// Restore enters the agents again who were logged on when the process ended. Call it before tabs may come: theirs come back
// within the grace period, and need no second login.
func (g *Gateway) Restore(ctx context.Context) {
	if g.memory == nil {
		return
	}
	list, err := g.memory.read()
	if err != nil {
		g.log.Warn("live states of the last run not read: agents log in anew", slog.Any("error", err))
		return
	}
	for _, last := range list {
		one, cancel := context.WithTimeout(ctx, commandLimit)
		l, err := g.restore(one, last)
		cancel()
		if err != nil {
			g.log.Warn("agent not entered again", slog.Int64("agent", last.AgentID), slog.Any("error", err))
			continue
		}
		g.memory.note(l)
	}
}

func (g *Gateway) restore(ctx context.Context, last agents.Live) (agents.Live, error) {
	agent, err := g.Store.Agent(ctx, last.AgentID)
	switch {
	case err != nil:
		return agents.Live{}, err
	case agent.Disabled:
		return agents.Live{}, errCredentials
	case agent.Bound() && !agent.BelongsTo(userOf(last.User)):
		return agents.Live{}, errNotYours // it was given to somebody else meanwhile
	}
	ext, err := g.Store.TakeExtension(ctx, last.AgentID, last.Extension.Name)
	if err != nil {
		return agents.Live{}, err
	}
	last.Reachable = false // until it was asked
	return g.enterAgain(ctx, agent, ext, last)
}

// enterAgain logs an agent on as it was last seen, put right by the record: what was seen may be older than the end of a call, or
// its code. A call that is open goes on; its owner has as long to speak of it as after a claim.
func (g *Gateway) enterAgain(ctx context.Context, agent agents.Agent, ext agents.Extension, last agents.Live) (agents.Live,
	error) {
	if g.Record != nil && last.Call != nil {
		call, err := g.Record.Stands(ctx, agent.ID, last.Call.AttemptID)
		if err != nil {
			return agents.Live{}, err
		}
		last = onRecord(last, call)
	}
	now := g.Now()
	l, err := g.Roster.Apply(ctx, agent.ID, agents.Input{
		Kind: agents.Login, At: now, Agent: &agent, Extension: &ext, Node: last.Node, User: last.User, Reachable: last.Reachable,
		Last: &last, Until: now.Add(callOwnersTime),
	})
	if err != nil || l.State != agents.Available || last.NextPause == "" || last.NextPause == agents.ForcePauseID {
		return l, err
	}
	return g.Roster.Apply(ctx, agent.ID, agents.Input{Kind: agents.PauseChosen, At: now, PauseID: last.NextPause})
}

// onRecord is what was last seen of an agent with a call, as the record has the call.
func onRecord(last agents.Live, call Standing) agents.Live {
	switch {
	case call.Open && last.State == agents.Clerical: // no code can be set before the end is on record
		last.State, last.CodeDueAt = agents.Talking, time.Time{}
	case call.Open:
	case !call.CodeDueAt.IsZero():
		if last.State != agents.Clerical {
			last.State, last.Since = agents.Clerical, call.EndedAt
		}
		last.CodeDueAt = call.CodeDueAt
	default: // as the end of a call or its code leads to: available, or the pause that was asked for
		last.State, last.Call, last.Since = agents.LoggedOff, nil, time.Time{}
	}
	return last
}
