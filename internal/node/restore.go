package node

import (
	"context"
	"errors"

	"github.com/creditorro/ringmaster/agents/gateway"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/clocks"
	"github.com/creditorro/ringmaster/internal/store"
)

// callsOnRecord tells the gateway how calls stand, for agents who are entered again.
type callsOnRecord struct {
	store  *store.Store
	clocks *clocks.Clocks // the record's moments are SQL's, the gateway's Redis'
}

// Stands answers zero for a call that was shown before it was on record, and for one that is another agent's.
func (c callsOnRecord) Stands(ctx context.Context, agentID int64, attemptID string) (gateway.Standing, error) {
	id, err := dialer.ParseAttemptID(attemptID)
	if err != nil {
		return gateway.Standing{}, nil
	}
	a, err := c.store.Attempts.Attempt(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return gateway.Standing{}, nil
	case err != nil:
		return gateway.Standing{}, err
	case a.AgentID != 0 && a.AgentID != agentID:
		return gateway.Standing{}, nil
	}
	s := gateway.Standing{Open: a.State != dialer.Closed && a.State != dialer.Cancelled, EndedAt: c.clocks.ToRedis(a.EndedAt)}
	if a.CodeSetAt.IsZero() {
		s.CodeDueAt = c.clocks.ToRedis(a.CodeDueAt)
	}
	return s, nil
}
