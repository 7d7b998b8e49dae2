package dialer

import (
	"context"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

const (
	// atOnce is how long a call of another system's may take to be put on record before its agent is shown it without that.
	atOnce = 300 * time.Millisecond

	// unrecordedWrapUp is how long a code may be chosen for a call that is over and whose campaign is not known.
	unrecordedWrapUp = time.Minute
)

// Adopt follows a call that another system has placed and given to an agent whose home is this node: the agent is In Call at
// once, and the call is an attempt on record like our own, from here to its code. It does not wait. A call of ours that has lost
// its process is gone on with in the same way.
//
// Nobody here decides that such a call begins, and nobody here ends it when the process stops: the next life of the node
// finds it again.
func (d *Dialer) Adopt(seen ExternalCall) {
	seen.ID = AttemptID(d.IDs.Next(d.Now()))
	if !d.calls.adopt(seen) {
		d.Log.Error("a call of another system is not kept: too many calls, or the process has stopped", seen.attrs()...)
	}
}

func (x ExternalCall) attrs() []any {
	return []any{slog.Int64("agent", x.AgentID), slog.String("calltraceid", x.CallTraceID), slog.String("queue", x.Queue)}
}

// adopt gives the call a goroutine; false: the process has done with calls, or has too many.
func (s *supervisor) adopt(seen ExternalCall) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left || len(s.calls) >= 2*s.deps.Limits.MaxCalls {
		return false
	}
	s.all.Go(func() {
		agent := s.agentOf(seen)
		c := newCall(s, Claimed{
			Attempt:  Attempt{ID: seen.ID, Number: seen.Number, Origin: External, AgentID: seen.AgentID, CallTraceID: seen.CallTraceID},
			Campaign: &campaigns.Campaign{Queue: seen.Queue, WrapUp: unrecordedWrapUp},
		}, agent, agent.Extension.Network)
		c.course.phase, c.seen = phaseSeen, seen
		c.card.CRMID = seen.CustomerID
		c.complete(seen.Card)
		if s.register(c) {
			c.happen(event{kind: evSeen, live: seen.Live, wrapUp: unrecordedWrapUp})
			c.run(s.life)
		}
	})
	return true
}

// agentOf reads the agent's live state; where Redis does not answer it is entered with a later renewal of the claim.
func (s *supervisor) agentOf(seen ExternalCall) agents.Live {
	ctx, cancel := context.WithTimeout(s.life, redisLimit)
	defer cancel()
	agent, err := s.deps.Roster.Get(ctx, seen.AgentID)
	if err != nil {
		agent = agents.Off(seen.AgentID)
	}
	if agent.Extension.Name == "" {
		agent.Extension = seen.Extension
	}
	return agent
}
