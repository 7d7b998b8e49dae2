package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Desk takes agents' orders, at any node. They are carried out at the agent's home node, and answered within seconds.
type Desk struct{ d *Dialer }

// Desk returns the desk of this node.
func (d *Dialer) Desk() *Desk { return &Desk{d} }

// MakeCall calls a number, as typed, in the campaign whose queue is named; the number of a contact that the agent is
// shown in that contact's campaign. The agent sees Ordered at once, or why not: a refusal comes back as *RefusedError,
// ErrNumberBusy or ErrNoQueue, and as callErrorID -1001, -1002 or -1005 in the agent's state.
func (k *Desk) MakeCall(ctx context.Context, agentID int64, number, queue string) error {
	d := k.d
	l, err := d.Roster.Get(ctx, agentID)
	if err != nil {
		return err
	}
	if l.State != agents.Available {
		return fmt.Errorf("%w: a call cannot be made while %s", agents.ErrNotNow, l.State)
	}
	if l.Node == "" {
		return k.refuse(ctx, agentID, reason.Wrap(0, whyNoHome, ErrNoReply))
	}
	if err := d.MayDial(); err != nil {
		return k.refuse(ctx, agentID, err)
	}
	if l.Preview != nil {
		if l.Shows(number) {
			return k.dialShown(ctx, l)
		}
		if err := k.letGo(ctx, l, whyNotShown, 0); err != nil { // the number may be another one of the same person
			return err
		}
	}
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	a, err := d.Store.PlanManual(sql, ManualCall{AgentID: agentID, Queue: queue, Number: number, Origin: ByHand}, d.Now())
	if err != nil {
		return k.refuse(ctx, agentID, err)
	}
	call := &agents.Call{AttemptID: a.ID.String(), ContactID: a.ContactID, Number: a.Number, Queue: queue, CampaignID: a.CampaignID,
		StartedAt: d.Now()}
	in := agents.Input{Kind: agents.Ordering, AttemptID: call.AttemptID, Call: call, Until: d.Now().Add(d.Limits.Lease)}
	if _, err := d.states.apply(ctx, agentID, in); err != nil {
		d.pacer.cancel(ctx, a.ID, whyAgentBusy)
		return err
	}
	t := taskFor(a, queue)
	t.Origin, t.Agent = ByHand, agentID
	if err := d.tasks.send(ctx, l.Node, t); err != nil {
		d.pacer.cancel(ctx, a.ID, whyNoTask)
		return k.refuse(ctx, agentID, fmt.Errorf("dialer: the call cannot be sent to its node: %w", err), call.AttemptID)
	}
	return nil
}

// refuse shows the agent why there is no call, and returns why.
func (k *Desk) refuse(ctx context.Context, agentID int64, why error, attempt ...string) error {
	in := agents.Input{Kind: agents.Refused, ErrorID: agents.NotPlacedError, ErrorText: whyNotNow}
	if known := reason.Of(why); !known.IsZero() {
		in.ErrorText = known
	}
	if len(attempt) > 0 {
		in.AttemptID = attempt[0]
	}
	if errors.Is(why, ErrNumberBusy) {
		in.ErrorID, in.ErrorText = agents.NumberBusyError, whyNumberBusy
	}
	if errors.Is(why, ErrNoQueue) {
		in.ErrorID, in.ErrorText = agents.UnknownQueueError, whyNoQueue
	}
	if refused, ok := errors.AsType[*RefusedError](why); ok {
		in.ErrorText = refused.why()
		if in.ErrorID != agents.NumberBusyError {
			in.ErrorID = agents.RuleError
		}
		for _, r := range refused.Verdict.Refusals {
			k.d.Metrics.Refused(r.Rule)
		}
	}
	k.d.states.release(ctx, agentID, in)
	return why
}

// Hangup ends the agent's call, at any stage. ErrNoCall: there is none.
func (k *Desk) Hangup(ctx context.Context, agentID int64) error {
	return k.order(ctx, order{Kind: orderHangup, Agent: agentID})
}

// Hold puts the customer on hold.
func (k *Desk) Hold(ctx context.Context, agentID int64) error {
	return k.order(ctx, order{Kind: orderHold, Agent: agentID})
}

// Retrieve ends a hold.
func (k *Desk) Retrieve(ctx context.Context, agentID int64) error {
	return k.order(ctx, order{Kind: orderRetrieve, Agent: agentID})
}

// Mute silences the agent, or ends it.
func (k *Desk) Mute(ctx context.Context, agentID int64, on bool) error {
	return k.order(ctx, order{Kind: orderMute, Agent: agentID, On: on})
}

// SetCode sets the call code of the agent's call; during the call it is kept and applied after it. attemptID names the call
// as the agent was shown it: on its way the order may meet the agent's next call; empty takes whichever there is.
// callbackAt is read by codes that call back, zero means the code's own time. ErrNoSuchCode, ErrCodeSet, ErrNoCall.
func (k *Desk) SetCode(ctx context.Context, agentID int64, attemptID, codeID string, callbackAt time.Time) error {
	o := order{Kind: orderCode, Agent: agentID, Attempt: attemptID, Code: codeID, CallbackAt: callbackAt}
	err := k.order(ctx, o)
	if errors.Is(err, ErrNoReply) {
		return k.d.codeOnRecord(ctx, o) // the home node is gone; a closed call needs it no more
	}
	return err
}

// Reachable asks whether the agent's phone could be called now, and tells the agent's state; nil: it could.
func (k *Desk) Reachable(ctx context.Context, agentID int64) error {
	return k.order(ctx, order{Kind: orderReach, Agent: agentID})
}

// Restart starts afresh what the agent's phone network has running for the agent, for an agent whose state seems to hang.
func (k *Desk) Restart(ctx context.Context, agentID int64) error {
	return k.order(ctx, order{Kind: orderRestart, Agent: agentID})
}

// order goes to this node if the call is here, which needs no Redis, else to the agent's home.
func (k *Desk) order(ctx context.Context, o order) error {
	if k.d.calls.of(o.Agent) != nil {
		return k.d.orders.send(ctx, k.d.Node, o)
	}
	l, err := k.d.Roster.Get(ctx, o.Agent)
	if err != nil {
		return err
	}
	if l.Node == "" {
		return ErrNoCall
	}
	return k.d.orders.send(ctx, l.Node, o)
}
