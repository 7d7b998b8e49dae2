package mediatel

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

var errNoSuchCode = errors.New("mediatel: Mediatel does not know the call code, and no code for the end of Clerical is " +
	"configured")

// freeLimit is how long Mediatel may take to free an agent whose code is set.
const freeLimit = 2 * time.Second

// coding is a call code that is owed to Mediatel until it is seen to have left the call's Clerical: the connection may be lost
// before the code is sent, and what was sent may be lost with it.
type coding struct {
	trace string // of the call; empty: not known
	code  string // empty: none was set
	sent  bool   // on this connection
}

// setCode has the code set there, and waits until Mediatel waits for it no more. Where that takes too long the code stays owed.
func (s *session) setCode(ctx context.Context, trace, code string) error {
	ctx, cancel := context.WithTimeout(ctx, freeLimit)
	defer cancel()
	s.mu.Lock()
	err := s.owe(trace, code)
	owed := s.owed
	s.mu.Unlock()
	if err == nil {
		err = s.await(ctx, func() bool { return s.owed != owed || owed == nil })
	}
	if err != nil {
		s.unreachable(context.WithoutCancel(ctx))
	}
	return err
}

// owe notes a code for Mediatel, and sends it if it can be sent now. It is called with s.mu held, as are those below.
func (s *session) owe(trace, code string) error {
	s.disown()
	s.owed, s.tried = &coding{trace: trace, code: code}, wire.Command{}
	if s.seen == nil {
		return errNoState
	}
	return s.payCode()
}

// payCode sends the code that is owed once Mediatel waits for it, and forgets it once Mediatel waits no more.
func (s *session) payCode() error {
	owed := s.owed
	if owed == nil || !s.hasNews(owed.trace) {
		return nil
	}
	if stateOf(s.seen) != wire.StateClerical || !s.tellsOf(owed.trace) {
		s.disown()
		return nil
	}
	code := owed.code
	if code == "" || len(s.seen.Codes) > 0 && !slices.ContainsFunc(s.seen.Codes, func(c wire.Code) bool { return c.ID == code }) {
		code = s.n.EndCode
	}
	if code == "" {
		s.disown()
		return errNoSuchCode
	}
	s.try(wire.Command{Type: wire.SetCode, ID: code})
	owed.sent = true
	return nil
}

// hasNews reports whether Mediatel's state says what has become of the call's Clerical: not while the call itself goes on, nor
// before the agent has logged in again.
func (s *session) hasNews(trace string) bool {
	state := stateOf(s.seen)
	return state != "" && state != wire.StateLogout && !(inCall(s.seen) && s.tellsOf(trace))
}

func (s *session) tellsOf(trace string) bool {
	return trace == "" || s.seen.CallTraceID == "" || s.seen.CallTraceID == trace
}

// disown forgets the code that is owed. One that this connection has not carried may be lost: Mediatel's own limit was faster, or
// the session ends.
func (s *session) disown() {
	if owed := s.owed; owed != nil && owed.code != "" && !owed.sent {
		s.n.Log.Warn("call code not known to be set at Mediatel",
			append(s.n.attrs(s), slog.String("calltraceid", owed.trace), slog.String("code", owed.code))...)
	}
	s.owed = nil
}
