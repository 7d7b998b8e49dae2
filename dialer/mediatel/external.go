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

// takeExternal follows a call that Mediatel gave to the agent by itself. It is called with s.mu held, as are the next two.
func (s *session) takeExternal(state *wire.State) {
	c := newCall(s, dialer.Call{Customer: state.ANI})
	c.external = true
	c.course = course{phase: ordered, number: state.ANI, former: s.former}
	s.call = c
	s.n.Log.Info("a call that was not ordered here", append(s.n.attrs(s), slog.String("calltraceid", state.CallTraceID))...)
	c.see(state)
	s.n.sessions.Go(func() { c.run(context.Background()) })
}

// show tells of an external call once it is known which it is: by its calltraceid, or because both sides talk.
func (c *call) show(state *wire.State) {
	if !c.external || c.shown || c.trace == "" && !c.talked {
		return
	}
	c.shown = true
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
