package dialer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// Roster is the moment's state of all agents.
type Roster interface {
	// Apply puts an input through the agents' state machine and stores the result.
	Apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error)

	// Get reads one agent's present state.
	Get(ctx context.Context, agentID int64) (agents.Live, error)

	// List reads up to limit agents who are logged on, with ids above after, in the order of their ids.
	List(ctx context.Context, after int64, limit int) ([]agents.Live, error)

	// Rehome makes node the home of an agent who is in no call, if it is a dialer that lives; false: the agent stays.
	Rehome(ctx context.Context, agentID int64, node string) (bool, error)

	// Watch has changed called with every state stored for an agent whom wants accepts, and missed when some may have been
	// lost. The functions must not wait.
	Watch(wants func(agentID int64) bool, changed func(agents.Live), missed func())

	// Free lists the free agents whose home is node.
	Free(ctx context.Context, node string) ([]agents.Idle, error)

	// Changed delivers a signal after changes on this node that may have freed an agent; it never blocks the sender.
	Changed() <-chan struct{}
}

// states changes agents' live states.
type states struct {
	roster Roster
	now    func() time.Time
	log    *slog.Logger
}

// apply tells the roster of a change, within the time that Redis is given.
func (s states) apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisLimit)
	defer cancel()
	if in.At.IsZero() {
		in.At = s.now()
	}
	l, err := s.roster.Apply(ctx, agentID, in)
	if err != nil && !beyond(err) {
		s.log.Warn("agent's state not changed", slog.Int64("agent", agentID), slog.String("input", string(in.Kind)),
			slog.Any("error", err))
	}
	return l, err
}

// release gives an agent back who gets no call after all, or whose code is stored. If Redis does not hear it the claim runs out
// by itself.
func (s states) release(ctx context.Context, agentID int64, in agents.Input) {
	for n := range again.Tries(context.WithoutCancel(ctx)) {
		if _, err := s.apply(ctx, agentID, in); err == nil || beyond(err) || n == 5 {
			return
		}
	}
}

// beyond says that the agent's state is beyond the input already: to tell it again would change nothing.
func beyond(err error) bool {
	return errors.Is(err, agents.ErrNotNow) || errors.Is(err, agents.ErrOtherCall)
}
