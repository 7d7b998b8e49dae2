package mediatel

import (
	"context"
	"log/slog"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// Calls that we did not order: Mediatel's own campaigns place them, or the agent does by another front end. They keep the
// agent from our calls, and are told to whoever keeps calls on record.

// takeExternal follows a call that Mediatel gave to the agent by itself. It is called with s.mu held, as are those below.
func (s *session) takeExternal(state *wire.State) {
	s.n.Log.Info("a call that was not ordered here", append(s.n.attrs(s), slog.String("calltraceid", state.CallTraceID))...)
	c := newCall(s, dialer.Call{Customer: state.ANI})
	c.external = true
	c.course = course{phase: ordered, number: state.ANI, former: s.former}
	s.call = c
	c.see(state)
	s.n.sessions.Go(func() { c.run(context.Background()) })
}

// late reports whether a state begins the call that was ordered last and given up because Mediatel did not seem to take it.
func (s *session) late(state *wire.State) bool {
	at := stateOf(state)
	return s.untaken != "" && s.n.Now().Sub(s.untakenAt) < s.n.Limits.Stale &&
		(at == wire.StateOrdered || at == wire.StateDelivered) &&
		sameNumber(state.ANI, s.untaken)
}

// look finds out which call an external one is. An order of ours that Mediatel takes after all is hung up, and nobody is told of
// it: its attempt is closed as not placed, and the contact may be called again. One that is up already when it is first seen is a
// call of its own: there is a talk to keep. Others are told of once it is known which they are, by the calltraceid, or because
// both sides talk.
func (c *call) look(state *wire.State) {
	s := c.s
	switch {
	case s.late(state):
		s.n.Log.Warn("Mediatel has taken an order that was given up: hung up", s.n.attrs(s)...)
		s.untaken, c.shown = "", true
		c.hangUp("system")
	case c.trace != "" || c.talked:
		c.shown = true
		c.show(state)
	}
}

func (c *call) show(state *wire.State) {
	if c.s.n.External == nil {
		return
	}
	number := state.ANI
	if number == "" {
		number = c.number
	}
	c.s.n.External(dialer.ExternalCall{
		AgentID: c.s.agentID, Extension: c.s.ext, CallTraceID: c.trace, CustomerID: state.CallCustomerID, Number: number,
		Queue: state.QueueName, StartedAt: c.s.n.Now(), Card: cardOf(state), Live: c,
	})
}

// abandon ends our part in an external call with the session: what becomes of it, another session will see.
func (c *call) abandon() {
	if c.external && c.phase != over {
		c.failed(campaigns.Unknown, "the agent's session at Mediatel has ended")
	}
}
