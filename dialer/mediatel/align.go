package mediatel

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
)

// align makes Mediatel's agent follow ours, a command at a time: logged in, in the same pause, and with the same flag where
// Mediatel calls by itself. It is called with s.mu held, after each change on either side.
func (s *session) align() {
	if s.seen == nil || s.client == nil {
		return
	}
	state, ours := stateOf(s.seen), s.wanted
	switch {
	case s.leaving.Load():
		s.depart()
		return
	case state == wire.StateLogout:
		s.enter()
		return
	case !s.theirs():
		s.moveOver()
		return
	}
	s.logins = 0
	if !s.looked && state != "" {
		s.looked = true
		s.pausedHere = state == wire.StatePause && offered(s.seen, s.seen.PauseID) // left by a former life of the node: pauses are ours
	}
	_ = s.payCode() // whoever set the code has been told
	switch {
	case state == wire.StateIdle && ours.State == agents.Paused && offered(s.seen, ours.PauseID):
		s.pausedHere = true
		s.try(wire.Command{Type: wire.SetPause, ID: ours.PauseID})
	case state == wire.StateClerical && ours.State == agents.Available && s.call == nil && s.owed == nil:
		s.endClerical()
	case state != wire.StatePause:
		s.pausedHere = s.pausedHere && (state != wire.StateIdle || s.pausing()) // it may be of the moment before our pause
	case forced(s.seen) && ours.State == agents.Available && s.call == nil:
		cause := s.seen.CallError // its number is always the same
		s.n.sessions.Go(func() { s.forcePause(cause) })
	case ours.State == agents.Paused && ours.PauseID == s.seen.PauseID:
		s.pausedHere = true
	case s.pausedHere && ours.State == agents.Paused && offered(s.seen, ours.PauseID):
		s.try(wire.Command{Type: wire.SetPause, ID: ours.PauseID})
	case s.pausedHere && ours.State != agents.Paused && ours.State != agents.ForcePause:
		s.try(wire.Command{Type: wire.SetPause, ID: agents.NoPause})
	}
	s.alignFlag()
}

// alignFlag toggles Mediatel's own flag where it differs from ours, and then waits until it is seen to follow: to toggle
// again on a state of the moment before would undo it. A flag that does not follow is looked at again: nothing else may happen.
func (s *session) alignFlag() {
	now, wait := s.n.Now(), 2*s.n.Limits.Answer
	switch {
	case !s.n.OwnCampaigns || !s.seen.AutoCallTold || stateOf(s.seen) == "":
	case s.seen.AutoCall == s.wanted.AutoCall:
		s.toggledAt = time.Time{}
	case !s.toggledAt.IsZero() && now.Sub(s.toggledAt) < wait:
	case len(s.seen.Commands) > 0 && !slices.Contains(s.seen.Commands, wire.CmdPredictive):
	default:
		if s.send(wire.Command{Type: wire.Predictive}) == nil {
			s.toggledAt = now
			s.alignAfter(wait)
		}
	}
}

// enter logs the agent in. What is refused is tried again, ever more seldom: a wrong password must not lock the login.
func (s *session) enter() {
	now := s.n.Now()
	if s.leaving.Load() || now.Before(s.loginAfter) {
		return
	}
	if s.logins > 0 {
		s.n.Log.Warn("login at Mediatel refused", append(s.n.attrs(s), slog.String("error", s.seen.LoginErrorID),
			slog.String("text", s.seen.LoginError))...)
	}
	if s.logins++; s.logins > 1 {
		s.n.sessions.Go(s.learnLogin)
	}
	wait := max(s.n.again().After(s.logins+1), s.n.Limits.Retry)
	s.loginAfter = now.Add(wait)
	s.tried = wire.Command{}
	s.try(wire.Command{Type: wire.Login, User: s.login.User, Password: s.login.Password, Extension: s.login.Extension})
	s.alignAfter(wait)
}

// learnLogin reads the agent's login anew, for the next try: what was refused may have been mended meanwhile.
func (s *session) learnLogin() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	login, err := s.n.Credentials.Login(ctx, s.agentID)
	if err != nil {
		s.n.Log.Warn("login at Mediatel not read", append(s.n.attrs(s), slog.Any("error", err))...)
		return
	}
	if login.Extension == "" {
		login.Extension = s.ext.Name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login = login
}

func (s *session) alignAfter(wait time.Duration) {
	time.AfterFunc(wait+time.Millisecond, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.align()
	})
}

// try is send for what the states ask for: a failure is seen by the loss of the connection, and what Mediatel refuses, which
// it answers with the state that asked for it, is not sent again at once. True: it was sent.
func (s *session) try(c wire.Command) bool {
	now := s.n.Now()
	if c != s.tried || !s.trying(now) {
		s.tried, s.triedAt = c, now
		err := s.send(c)
		if err != nil {
			s.n.Log.Debug("command not sent to Mediatel", append(s.n.attrs(s), slog.Any("command", c), slog.Any("error", err))...)
		}
		return err == nil
	}
	return false
}

// trying reports whether the last command may still be on its way.
func (s *session) trying(now time.Time) bool { return now.Sub(s.triedAt) < s.n.Limits.Answer }

// pausing reports whether that is one for a pause.
func (s *session) pausing() bool {
	return s.tried.Type == wire.SetPause && s.tried.ID != agents.NoPause && s.trying(s.n.Now())
}

// forcePause makes Mediatel's Force Pause ours.
func (s *session) forcePause(cause string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := s.n.Roster.Apply(ctx, s.agentID, agents.Input{Kind: agents.ForcePaused, At: s.n.Now(), ErrorText: reason.Said(cause)})
	if err != nil && !errors.Is(err, agents.ErrNotNow) {
		s.n.Log.Warn("Mediatel's Force Pause not taken over", append(s.n.attrs(s), slog.Any("error", err))...)
	}
}

// revive ends Mediatel's Force Pause, or another pause that keeps our agent from calls, and waits until it has.
func (s *session) revive(ctx context.Context) error {
	s.mu.Lock()
	if s.seen != nil && stateOf(s.seen) == wire.StatePause {
		_ = s.send(wire.Command{Type: wire.SetPause, ID: agents.NoPause}) // waited for below
	}
	s.mu.Unlock()
	if s.await(ctx, s.idle) != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.reason()
	}
	return nil
}

// restart has Mediatel start the agent's process afresh, and waits until the agent is logged in again. What it showed until now
// holds no more; what has become of a call, the next states tell.
func (s *session) restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, freeLimit)
	defer cancel()
	_ = s.await(ctx, func() bool { return s.client != nil }) // a session that is just beginning; failing that, send says so
	s.mu.Lock()
	err := s.send(wire.Command{Type: wire.Exit})
	if err == nil {
		s.seen, s.tried, s.loginAfter = nil, wire.Command{}, time.Time{}
		s.turned()
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.await(ctx, func() bool { return s.seen != nil && stateOf(s.seen) != wire.StateLogout })
}
