package dialer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// Adopt keeps a call that another system has placed and given to an agent whose home is this node: the agent is In Call, and
// the call is an attempt on record like our own, from here to its code. It does not wait. A call of ours that has lost its
// process is gone on with in the same way.
//
// Nobody here decides that such a call begins, and nobody here ends it when the process stops: the next life of the node
// finds it again.
func (d *Dialer) Adopt(seen ExternalCall) {
	if d.calls.adopt(seen) {
		return
	}
	d.Log.Warn("a call of another system is not kept: there is no room, or the process stops", seen.attrs()...)
}

func (x ExternalCall) attrs() []any {
	return []any{slog.Int64("agent", x.AgentID), slog.String("calltraceid", x.CallTraceID), slog.String("queue", x.Queue)}
}

// adopt gives the call a place and a goroutine; false: there is none.
func (s *supervisor) adopt(seen ExternalCall) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || s.places >= s.Limits.MaxCalls {
		return false
	}
	s.places++
	s.all.Go(func() { s.keep(seen) })
	return true
}

// keep is the life of an external call here.
func (s *supervisor) keep(seen ExternalCall) {
	claimed, told, err := s.recorded(s.coding, seen)
	if err != nil {
		s.unreserve()
		s.Log.Warn("a call of another system is not on record", append(seen.attrs(), slog.Any("error", err))...)
		return
	}
	redis, cancel := context.WithTimeout(s.life, redisLimit)
	agent, err := s.Roster.Get(redis, seen.AgentID)
	cancel()
	if err != nil {
		agent = agents.Off(seen.AgentID) // the call is entered into its state with a later renewal
	}
	agent.Extension = seen.Extension
	c := newCall(s, claimed, agent, time.Time{}) // it lets no phone ring, so it needs no lease to believe in
	c.external, c.answeredAt = true, claimed.Attempt.AnsweredAt
	c.answerKept = !c.answeredAt.IsZero()
	c.lost = claimed.Attempt.State == Closed // only its late truth is still of use
	c.complete(s.life, seen.Card)
	s.mu.Lock()
	s.calls[c.id], s.agents[seen.AgentID] = c, c // a call before it may still wait for its code
	s.mu.Unlock()
	defer s.forget(c)
	s.Log.Info("a call of another system is kept", append(seen.attrs(), c.attrs()...)...)
	c.renewClaim(s.life)
	c.attend(s.life, seen.Live, told)
}

// recorded puts the call on record, again and again while it goes on and a little longer: while SQL is away, and while its
// customer is in another call. It answers what the network has told meanwhile. It ends with ctx, for a process that stops
// leaves the call to the next one.
func (s *supervisor) recorded(ctx context.Context, seen ExternalCall) (claimed Claimed, told []Progress, err error) {
	var over time.Time
	doubt := false
	for range tries(ctx) {
		told = append(told, heard(seen.Live.Progress())...)
		if n := len(told); over.IsZero() && n > 0 && told[n-1].Kind == Ended {
			over = s.Now()
		}
		sql, cancel := context.WithTimeout(ctx, sqlLimit)
		claimed, err = s.Store.Adopt(sql, seen, s.owner, s.Limits.Lease, s.Now())
		cancel()
		if err == nil || errors.Is(err, ErrNotClaimed) && !doubt || !over.IsZero() && s.Now().Sub(over) > 2*s.Limits.Lease {
			return claimed, told, err
		}
		doubt = doubt || !errors.Is(err, ErrNumberBusy) // an earlier try may have been committed, and its lease has to run out
	}
	return claimed, told, errors.Join(ctx.Err(), err)
}

// heard is what a call has told and nobody has read.
func heard(progress <-chan Progress) (told []Progress) {
	for {
		select {
		case p, open := <-progress:
			if !open {
				return told
			}
			told = append(told, p)
		default:
			return told
		}
	}
}
