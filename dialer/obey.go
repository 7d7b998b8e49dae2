package dialer

import (
	"context"
	"errors"
	"fmt"

	"github.com/creditorro/ringmaster/agents"
)

// obey carries out an order to a call of this node.
func (s *supervisor) obey(ctx context.Context, o order) error {
	switch o.Kind {
	case orderReach:
		s.reach.revive(ctx, o.Agent)
		return s.reach.check(ctx, o.Agent)
	case orderCode:
		return s.setCode(ctx, o)
	case orderRestart:
		return s.restart(ctx, o.Agent)
	}
	c := s.of(o.Agent)
	if c == nil {
		return ErrNoCall
	}
	if o.Kind == orderHangup {
		if !c.hangup("agent") {
			return ErrNoCall
		}
		return nil
	}
	live := c.line()
	if live == nil {
		return ErrNoCall
	}
	holder, holds := live.(Holder)
	muter, mutes := live.(Muter)
	switch {
	case o.Kind == orderHold && holds:
		return holder.Hold(ctx)
	case o.Kind == orderRetrieve && holds:
		return holder.Retrieve(ctx)
	case o.Kind == orderMute && mutes:
		if err := muter.Mute(ctx, o.On); err != nil {
			return err
		}
		_, err := c.tell(ctx, agents.Input{Kind: agents.MuteSet, On: o.On})
		return err
	}
	return fmt.Errorf("dialer: phone network %q cannot %s a call", c.over, o.Kind)
}

// restart starts afresh what the agent's phone network has running for the agent, if it has.
func (s *supervisor) restart(ctx context.Context, agentID int64) error {
	l, err := s.deps.Roster.Get(ctx, agentID)
	if err != nil {
		return err
	}
	network, ok := s.deps.Networks[l.Extension.Network].(Restarter)
	if !ok {
		return nil
	}
	return network.Restart(ctx, l.Extension)
}

// setCode gives the code to the agent's call, or straight to the record when no process has the call any more.
func (s *supervisor) setCode(ctx context.Context, o order) error {
	c := s.of(o.Agent)
	if c != nil && c.known(o.Attempt) {
		return c.choose(ctx, o.Code, o.CallbackAt)
	}
	err := s.codeOnRecord(ctx, o)
	if c != nil && errors.Is(err, ErrNoCall) {
		return ErrCodeSet // the agent has the next call by now
	}
	return err
}

// codeOnRecord sets the code of the call that an agent in Clerical had, without its process.
func (d *Dialer) codeOnRecord(ctx context.Context, o order) error {
	l, err := d.Roster.Get(ctx, o.Agent)
	if err != nil {
		return err
	}
	if l.State != agents.Clerical || l.Call == nil {
		return ErrNoCall
	}
	if o.Attempt != "" && o.Attempt != l.Call.AttemptID {
		return ErrCodeSet
	}
	id, err := ParseAttemptID(l.Call.AttemptID)
	if err != nil {
		return err
	}
	offered := foreign(nil, l.Call.Codes, o.Code) // whether the campaign has it, the record knows
	if offered == nil {
		return fmt.Errorf("%w: %q", ErrNoSuchCode, o.Code)
	}
	return d.storeCode(ctx, Coding{ID: id, Code: o.Code, Foreign: offered, CallbackAt: o.CallbackAt, AgentID: o.Agent, Now: d.Now()})
}
