package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// ErrNoSuchCode says that the call's campaign has no such call code.
var ErrNoSuchCode = errors.New("dialer: no such call code")

// choose notes an agent's call code. Before the call is closed it is kept, and applied right after the close; afterwards
// the caller waits for what the record says.
func (c *call) choose(ctx context.Context, codeID string, callbackAt time.Time) error {
	known := func(cc agents.Code) bool { return cc.ID == codeID }
	card := c.showing()
	if !slices.ContainsFunc(card.Codes, known) {
		return fmt.Errorf("%w: %q", ErrNoSuchCode, codeID)
	}
	coding := &Coding{ID: c.id, Code: codeID, CallbackAt: callbackAt, AgentID: c.agent.AgentID,
		Foreign: foreign(c.claimed.Campaign.CallCodes, card.Codes, codeID)}
	answer := make(chan error, 1)
	c.mu.Lock()
	c.coding = coding
	closed := c.state == Closed
	if closed {
		c.coded = append(c.coded, answer)
	}
	c.mu.Unlock()
	select {
	case c.codeSignal <- struct{}{}:
	default:
	}
	if c.unrecorded && c.hasEnded() {
		c.chosenUnrecorded(*coding)
		return nil
	}
	if !closed {
		_, err := c.tell(ctx, agents.Input{Kind: agents.CodeChosen, CodeID: codeID})
		if settled(err) {
			return nil // the agent is ahead of the record, or behind: the code is kept all the same
		}
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-c.dismissed:
		if c.s.coding.Err() != nil {
			return errStopping
		}
		return ErrCodeSet
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errStopping says that this process will not store the code any more; the time for it runs on in another one.
var errStopping = errors.New("dialer: the process stops")

// wrapUp waits for the call code, or for the end of the time for it. When the process stops first, whoever sweeps codes
// goes on.
func (c *call) wrapUp(due time.Time) {
	defer c.dismiss() // whoever chooses too late hears so at once
	ctx := c.s.coding
	timeout := time.NewTimer(due.Sub(c.s.Now()))
	defer timeout.Stop()
	over := false
	for {
		// One that was chosen is stored also while the process begins to stop: its agent was told that it is kept.
		if c.applyChosen(c.s.life) || over && c.timeOut(ctx, due) {
			return
		}
		var again <-chan time.Time
		if over || c.chosen() != nil {
			again = time.After(jittered(time.Second)) // SQL was away
		}
		select {
		case <-c.codeSignal:
		case <-again:
		case <-timeout.C:
			over = true
		case <-c.dismissed:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (c *call) chosen() *Coding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.coding
}

// applyChosen stores the chosen code; true: the attempt has one now, and the agent goes on.
func (c *call) applyChosen(ctx context.Context) bool {
	c.mu.Lock()
	coding, waiting := c.coding, c.coded
	c.coded = nil
	c.mu.Unlock()
	if coding == nil {
		return false
	}
	chosen := *coding
	chosen.Now = c.s.Now()
	err := c.s.storeCode(ctx, chosen)
	for _, answer := range waiting {
		answer <- err
	}
	return err == nil || errors.Is(err, ErrCodeSet)
}

// timeOut applies what the campaign says when no code was set in time.
func (c *call) timeOut(ctx context.Context, due time.Time) bool {
	now := c.s.Now()
	if now.Before(due) {
		now = due // the timer and the clock may differ by a hair
	}
	err := c.s.storeCode(ctx, Coding{ID: c.id, AgentID: c.agent.AgentID, TimedOut: true, Now: now})
	return err == nil || errors.Is(err, ErrCodeSet)
}

// storeCode puts a code on record and moves the agent on, who may long be elsewhere.
func (d *Dialer) storeCode(ctx context.Context, coding Coding) error {
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	err := d.Store.SetCode(sql, coding)
	if err != nil && !errors.Is(err, ErrCodeSet) {
		if ctx.Err() == nil {
			d.Log.Warn("call code not on record", slog.String("attempt", coding.ID.String()), slog.Any("error", err))
		}
		return err
	}
	if coding.AgentID != 0 {
		d.codeToNetwork(ctx, coding)
		in := agents.Input{Kind: agents.CodeSet, AttemptID: coding.ID.String(), At: d.Now()}
		if coding.TimedOut {
			in.Kind = agents.WrapUpOver
		}
		d.release(ctx, coding.AgentID, in)
	}
	return err
}

// codeToNetwork tells the code to the agent's phone network, if it wants to know it, before the agent is given the next call:
// the network's own agent must be free by then.
func (d *Dialer) codeToNetwork(ctx context.Context, coding Coding) {
	if !d.tellsCodes {
		return
	}
	ctx = context.WithoutCancel(ctx)
	ext, trace, err := d.callThere(ctx, coding)
	if errors.Is(err, errNotHere) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, codeLimit)
	defer cancel()
	if setter, ok := d.Networks[ext.Network].(CodeSetter); err == nil && ok {
		err = setter.SetCode(ctx, ext, trace, coding.Code)
	}
	if err != nil {
		d.Log.Warn("call code not told to the phone network", slog.String("attempt", coding.ID.String()), slog.Any("error", err))
	}
}

// errNotHere says that it is not for this node to tell a code, or that nobody waits for it.
var errNotHere = errors.New("dialer: the agent is of another node, or beyond the call")

// callThere is the coded call as its phone network knows it. Where Redis does not say, the call itself does, if it is its agent's last here.
// A code that another node has stored, because the home node was away, is not told from there: only the home node has the agent's
// phone. A network that still waits for a code asks the record for it.
func (d *Dialer) callThere(ctx context.Context, coding Coding) (ext agents.Extension, trace string, err error) {
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	l, err := d.Roster.Get(ctx, coding.AgentID)
	switch {
	case err != nil:
		if c := d.calls.of(coding.AgentID); c != nil && c.id == coding.ID {
			return c.agent.Extension, c.showing().CallTraceID, nil
		}
		return ext, "", err
	case l.Node != d.Node, l.Call == nil, l.Call.AttemptID != coding.ID.String():
		return ext, "", errNotHere
	}
	return l.Extension, l.Call.CallTraceID, nil
}

// codeLimit bounds the telling of a code.
const codeLimit = 4 * time.Second
