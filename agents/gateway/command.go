package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// command carries out what a tab asks for. Whatever goes wrong, the tab stays connected and is shown the present state, with the
// reason. What is carried out is replied to too, even if it changes nothing.
func (g *Gateway) command(socket *socketio.Socket, ev *socketio.Event) {
	t, ok := socket.Data().(*tab)
	if !ok {
		return
	}
	defer func() {
		if ev.NeedsAck() {
			_ = ev.Ack()
		}
	}()
	if t.throttled() {
		return
	}
	var c wire.Command
	err := fmt.Errorf("%w: an event without one", wire.ErrMalformed)
	if len(ev.Args) > 0 {
		err = c.UnmarshalJSON(ev.Args[0])
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(g.running, commandLimit)
		defer cancel()
		t.begin()
		err = t.carryOut(ctx, c)
	}
	if err == nil {
		t.confirm()
		return
	}
	g.log.Warn("command not carried out", slog.String("tab", t.username), slog.Any("command", c), slog.Any("error", err))
	var login loginError
	if errors.As(err, &login) { // it has a place of its own
		t.answer()
		return
	}
	t.refuse(refusalOf(c, err))
}

// commands are what a tab on a seat may send: the name in availableCommand, and what it does.
var commands = map[string]struct {
	cmd string
	do  func(s *seat, ctx context.Context, l agents.Live, c wire.Command) error
}{
	wire.Logout:     {wire.CmdLogout, (*seat).logout},
	wire.MakeCall:   {wire.CmdMakeCall, (*seat).makeCall},
	wire.Skip:       {wire.CmdSkip, (*seat).skip},
	wire.CloseCall:  {wire.CmdCloseCall, (*seat).closeCall},
	wire.SetPause:   {wire.CmdPause, (*seat).pause},
	wire.Predictive: {wire.CmdPredictive, (*seat).toggleAutoCall},
	wire.HoldCall:   {wire.CmdHoldCall, (*seat).hold},
	wire.Retrieve:   {wire.CmdRetrieve, (*seat).retrieve},
	wire.MuteCall:   {wire.CmdMute, (*seat).mute},
	wire.SetCode:    {wire.CmdSetCode, (*seat).setCode},
}

func (t *tab) carryOut(ctx context.Context, c wire.Command) error {
	s := t.sitsOn()
	switch {
	case c.Type == wire.Exit:
		return t.exit(ctx)
	case c.Type == wire.Login && s == nil:
		return t.login(ctx, c)
	case c.Type == wire.Login:
		if c.User == s.now().Login {
			t.answer() // logged on already, as a page that was reloaded finds
			return nil
		}
		return notAllowed(whyLoggedOn(s.now().Login))
	}
	command, known := commands[c.Type]
	switch {
	case !known:
		return notAllowed(whyUnknown(clip(c.Type)))
	case s == nil:
		return notAllowed(whyLogInFirst)
	}
	l := s.now()
	switch {
	case allows(l, command.cmd):
	case c.Type == wire.SetCode && (l.State == agents.Available || l.State == agents.Paused || l.State == agents.ForcePause):
		return tooLate(whyNothingToCode)
	default:
		return notIn(l, c.Type)
	}
	return command.do(s, ctx, l, c)
}

func (s *seat) logout(ctx context.Context, l agents.Live, _ wire.Command) error {
	if _, err := s.apply(ctx, agents.Input{Kind: agents.Logout, At: s.g.Now()}); err != nil {
		return err
	}
	// As it was taken for the shift that has just ended: another tab may log in again before this is done. If SQL is away
	// now, the sweep of orphaned extensions does it later.
	return s.g.Store.ReleaseExtension(ctx, l.Extension)
}

const maxNumber = 40 // characters of a number as typed

func (s *seat) makeCall(ctx context.Context, l agents.Live, c wire.Command) error {
	number := strings.TrimSpace(c.PhoneNumber)
	if number == "" || len(number) > maxNumber || strings.Trim(number, "+0123456789 ()-./*#") != "" {
		return refusal{agents.NotPlacedError, whyNumber(maxNumber)}
	}
	queues := s.g.callable(l)
	if c.QueueName == "" && len(queues) > 0 {
		c.QueueName = queues[0]
	}
	switch {
	case l.Shows(number):
		c.QueueName = l.Preview.Queue // whatever line is named
	case len(queues) == 0:
		return refusal{agents.UnknownQueueError, whyNoQueues}
	case !slices.Contains(queues, c.QueueName):
		return refusal{agents.UnknownQueueError, whyQueue(clip(c.QueueName), queues[:min(len(queues), 10)])}
	}
	err := s.g.Calls.MakeCall(ctx, s.agentID, number, c.QueueName)
	s.refresh(ctx)
	if err == nil {
		return nil
	}
	s.g.log.Info("call not placed", slog.Int64("agent", s.agentID), slog.Any("error", err))
	if now := s.now(); now.State != agents.Available || now.FailedAt.After(l.FailedAt) {
		return nil // whoever refused the call has said why
	}
	_, err = s.apply(ctx, agents.Input{
		Kind: agents.Refused, At: s.g.Now(), ErrorID: agents.NotPlacedError, ErrorText: whyNotPlaced,
	})
	return err
}

const maxSkipReason = 200 // bytes of why a contact is skipped

// skip lets go of the contact that is shown.
func (s *seat) skip(ctx context.Context, l agents.Live, c wire.Command) error {
	if l.Preview == nil {
		return notIn(l, c.Type)
	}
	if len(c.Reason) > maxSkipReason {
		return notAllowed(whySkipReason(maxSkipReason))
	}
	defer s.refresh(ctx)
	return s.g.Calls.Skip(ctx, s.agentID, c.Reason)
}

func (s *seat) closeCall(ctx context.Context, _ agents.Live, _ wire.Command) error {
	defer s.refresh(ctx)
	return s.g.Calls.Hangup(ctx, s.agentID)
}

func (s *seat) hold(ctx context.Context, _ agents.Live, _ wire.Command) error {
	defer s.refresh(ctx)
	return s.g.Calls.Hold(ctx, s.agentID)
}

func (s *seat) retrieve(ctx context.Context, _ agents.Live, _ wire.Command) error {
	defer s.refresh(ctx)
	return s.g.Calls.Retrieve(ctx, s.agentID)
}

func (s *seat) mute(ctx context.Context, l agents.Live, _ wire.Command) error {
	defer s.refresh(ctx)
	return s.g.Calls.Mute(ctx, s.agentID, !l.Muted)
}

const (
	pastGrace      = time.Minute          // by which a tab's clock may be behind
	longestPromise = 366 * 24 * time.Hour // how far ahead a callback may be agreed
)

func (s *seat) setCode(ctx context.Context, l agents.Live, c wire.Command) error {
	switch {
	case l.Call == nil:
		return tooLate(whyNothingToCode)
	case c.CallTraceID != "" && c.CallTraceID != l.Call.CallTraceID:
		return tooLate(whyOtherCall(clip(c.CallTraceID)))
	case !slices.ContainsFunc(l.Call.Codes, func(code agents.Code) bool { return code.ID == c.ID }):
		return notAllowed(whyNoCode(clip(c.ID)))
	case !c.CallbackAt.IsZero() && (c.CallbackAt.Before(s.g.Now().Add(-pastGrace)) ||
		c.CallbackAt.After(s.g.Now().Add(longestPromise))):
		return notAllowed(whyPast)
	}
	err := s.g.Calls.SetCode(ctx, s.agentID, l.Call.AttemptID, c.ID, c.CallbackAt)
	s.refresh(ctx)
	now := s.now()
	over := now.Call == nil || now.Call.AttemptID != l.Call.AttemptID
	if err != nil && (over || errors.Is(err, agents.ErrCodeTooLate)) {
		return tooLate(whyCoded)
	}
	return err
}

func (s *seat) toggleAutoCall(ctx context.Context, l agents.Live, _ wire.Command) error {
	_, err := s.apply(ctx, agents.Input{Kind: agents.AutoCallSet, At: s.g.Now(), On: !l.AutoCall})
	return err
}

// pause chooses a pause, or ends one. Force Pause ends only when the phone was just found reachable; else the reason is shown.
func (s *seat) pause(ctx context.Context, l agents.Live, c wire.Command) error {
	if c.ID == agents.NoPause {
		in := agents.Input{Kind: agents.PauseEnded, Reachable: true}
		if l.State == agents.ForcePause {
			if err := s.g.Calls.Reachable(ctx, s.agentID); err != nil {
				in.Reachable, in.ErrorText = false, reason.OrUnspecific(err)
				s.g.log.Info("Force Pause goes on", slog.Int64("agent", s.agentID), slog.Any("error", err))
			}
		}
		in.At = s.g.Now()
		_, err := s.apply(ctx, in)
		return err
	}
	if !slices.ContainsFunc(*s.g.pauses.Load(), func(p wire.Pause) bool { return p.ID == c.ID }) {
		return notAllowed(whyPause(clip(c.ID)))
	}
	_, err := s.apply(ctx, agents.Input{Kind: agents.PauseChosen, At: s.g.Now(), PauseID: c.ID})
	return err
}

// restarter are Calls whose phone network may have a process of its own for an agent, which hangs as well.
type restarter interface {
	Restart(ctx context.Context, agentID int64) error
}

// exit starts afresh for an agent whose state seems to hang: all that this node holds is read again, and entered again where
// it is lost, and so does the phone network.
func (t *tab) exit(ctx context.Context) error {
	s := t.sitsOn()
	if s == nil {
		t.resume(ctx)
		return nil
	}
	err := s.reconcile(ctx)
	if calls, ok := s.g.Calls.(restarter); ok {
		err = errors.Join(err, calls.Restart(ctx, s.agentID))
	}
	if err != nil {
		return err
	}
	t.answer()
	return nil
}
