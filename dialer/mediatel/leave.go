package mediatel

import (
	"context"
	"log/slog"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// leaveLimit is how long an agent's log-off is tried at a Mediatel that cannot be reached.
const leaveLimit = 2 * time.Minute

// leave logs an agent off at Mediatel who has logged off here, where the session had no connection for it, until it is done,
// takes too long, or the agent is logged on again.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveLimit)
	defer cancel()
	for failures := 1; s.leaving.Load(); failures++ {
		select {
		case <-s.left:
			return
		case <-time.After(s.n.again().After(failures)):
		case <-ctx.Done():
			s.n.Log.Warn("logged off here, and perhaps not at Mediatel", s.n.attrs(s)...)
			return
		}
		if s.leaving.Load() {
			_ = s.connection(ctx) // the next try follows
		}
	}
}

// logout leaves Mediatel by the connection that is there.
func (s *session) logout() {
	s.mu.Lock()
	s.align()
	s.mu.Unlock()
	select {
	case <-s.left:
	case <-time.After(freeLimit):
	}
}

// depart is what align does for an agent who has logged off with us: the code of the last call goes first. It is called with s.mu
// held, as is the next.
func (s *session) depart() {
	switch state := stateOf(s.seen); {
	case state == wire.StateLogout:
		select {
		case <-s.left:
		default:
			close(s.left)
		}
	case state != "" && !inCall(s.seen):
		if _ = s.payCode(); s.owed == nil {
			s.try(wire.Command{Type: wire.Logout})
		}
	}
}

// moveOver has Mediatel let go of an agent whom it has at another extension or by another login, as a former day or another front
// end has left them: enter then logs in. Never in a call, and where it does not help ever more seldom, as enter goes.
func (s *session) moveOver() {
	if stateOf(s.seen) == "" || inCall(s.seen) || s.n.Now().Before(s.loginAfter) {
		return
	}
	if s.try(wire.Command{Type: wire.Logout}) {
		s.n.Log.Warn("Mediatel has the agent elsewhere: logged off there", append(s.n.attrs(s),
			slog.String("their_login", s.seen.AgentName), slog.String("their_extension", s.seen.AgentExt))...)
		s.alignAfter(s.n.Limits.Answer)
	}
}
