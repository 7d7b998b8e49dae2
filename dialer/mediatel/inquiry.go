package mediatel

import (
	"context"
	"log/slog"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// inquiry is what the record is asked, and has said, of the code of one call in whose Clerical Mediatel waits.
type inquiry struct {
	trace  string
	asking bool
	done   bool      // the record has no more to say
	again  time.Time // not asked before that
}

// endClerical frees Mediatel's agent of a Clerical for which no code is owed here, while ours is free. It may be of a call that
// was given up or never kept: EndCode ends it. But it may as well be of a talk whose code is on record and was lost on its way,
// with the process or with Redis, or was set by another node. The record is asked first. It is called with s.mu held.
func (s *session) endClerical() {
	trace, now := s.seen.CallTraceID, s.n.Now()
	known := s.asked != nil && s.asked.trace == trace
	switch {
	case s.n.CodeOf == nil || trace == "" || known && s.asked.done:
		if s.n.EndCode != "" {
			s.try(wire.Command{Type: wire.SetCode, ID: s.n.EndCode})
		}
	case !known || !s.asked.asking && !now.Before(s.asked.again):
		asked := &inquiry{trace: trace, asking: true}
		s.asked = asked
		s.n.sessions.Go(func() { s.ask(asked) })
	}
}

// ask asks the record once. A code that is still awaited, and a record that does not answer, have it asked again for as long as
// Mediatel waits.
func (s *session) ask(asked *inquiry) {
	ctx, cancel := context.WithTimeout(context.Background(), freeLimit)
	defer cancel()
	code, awaited, err := s.n.CodeOf(ctx, s.agentID, asked.trace)
	if err != nil {
		s.n.Log.Warn("record not asked for the call code that Mediatel waits for", append(s.n.attrs(s),
			slog.String("calltraceid", asked.trace), slog.Any("error", err))...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	asked.asking = false
	if err != nil || code == "" && awaited {
		wait := s.n.Limits.Answer / 2
		asked.again = s.n.Now().Add(wait)
		s.alignAfter(wait)
		return
	}
	asked.done = true
	if code != "" && s.owed == nil {
		s.owed = &coding{trace: asked.trace, code: code} // paid as any other, by this connection or the next
	}
	s.align()
}
