package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
)

// ErrNoSuchCode says that the call's campaign has no such call code.
var ErrNoSuchCode error = reason.New(reason.Invalid, whyNoCode, "dialer: no such call code")

// errStopping says that this process will not store the code any more; the time for it runs on in another one.
var errStopping error = reason.New(reason.Unavailable, whyStopping, "dialer: the process stops")

// codeLimit bounds the telling of a code to a phone network.
const codeLimit = 4 * time.Second

// choose takes an agent's call code. Before the call is closed it is kept, and applied right after the close; afterwards the
// caller waits for what the record says.
func (c *call) choose(ctx context.Context, codeID string, callbackAt time.Time) error {
	coding := c.coding(codeID, callbackAt)
	if coding.Foreign == nil {
		return fmt.Errorf("%w: %q", ErrNoSuchCode, codeID)
	}
	reply := make(chan error, 1)
	c.mu.Lock()
	over, stopping := c.finished || c.course.phase == phaseOver, c.course.stopping
	if !over {
		c.waiting = append(c.waiting, reply)
	}
	c.mu.Unlock()
	switch {
	case over && stopping:
		return errStopping
	case over:
		return ErrCodeSet
	}
	c.happen(event{kind: evCode, coding: coding})
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// known says whether the call is this attempt, as it is on record or was shown; an empty one is any.
func (c *call) known(attempt string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return attempt == "" || attempt == c.shownAs.String() || attempt == c.id.String()
}

// coding is a code of the card with what it means; without that the card does not have it.
func (c *call) coding(codeID string, callbackAt time.Time) Coding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Coding{Code: codeID, CallbackAt: callbackAt, Foreign: foreign(c.claimed.Campaign.CallCodes, c.card.Codes, codeID)}
}

// tellCode tells a code to a phone network, if it wants to know it.
func tellCode(ctx context.Context, network PhoneNetwork, ext agents.Extension, trace, code string) error {
	setter, wants := network.(CodeSetter)
	if !wants {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), codeLimit)
	defer cancel()
	return setter.SetCode(ctx, ext, trace, code)
}

// codeToNetwork tells the code to the agent's phone network.
func (c *call) codeToNetwork(ctx context.Context, coding Coding) {
	if err := tellCode(ctx, c.network, c.agent.Extension, c.showing().CallTraceID, coding.Code); err != nil {
		c.s.deps.Log.Warn("call code not told to the phone network", append(c.attrs(), slog.Any("error", err))...)
	}
}

// storeCode puts the code of a call that no process has any more on record and moves the agent on, who may long be elsewhere.
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
		d.states.release(ctx, coding.AgentID, in)
	}
	return err
}

// codeToNetwork tells the code to the agent's phone network, if it wants to know it, before the agent is given the next call:
// the network's own agent must be free by then.
func (d *Dialer) codeToNetwork(ctx context.Context, coding Coding) {
	if !d.tellsCodes {
		return
	}
	ext, trace, err := d.callThere(context.WithoutCancel(ctx), coding)
	if errors.Is(err, errNotHere) {
		return
	}
	if err == nil {
		err = tellCode(ctx, d.Networks[ext.Network], ext, trace, coding.Code)
	}
	if err != nil {
		d.Log.Warn("call code not told to the phone network", slog.String("attempt", coding.ID.String()), slog.Any("error", err))
	}
}

// errNotHere says that it is not for this node to tell a code, or that nobody waits for it.
var errNotHere = errors.New("dialer: the agent is of another node, or beyond the call")

// callThere is the coded call as its phone network knows it. A code that another node has stored, because the home node was away,
// is not told from there: only the home node has the agent's phone. A network that still waits for a code asks the record for it.
func (d *Dialer) callThere(ctx context.Context, coding Coding) (ext agents.Extension, trace string, err error) {
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	l, err := d.Roster.Get(ctx, coding.AgentID)
	switch {
	case err != nil:
		return ext, "", err
	case l.Node != d.Node, l.Call == nil, l.Call.AttemptID != coding.ID.String():
		return ext, "", errNotHere
	}
	return l.Extension, l.Call.CallTraceID, nil
}
