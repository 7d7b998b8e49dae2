package dialer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/hibiken/asynq"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// dial handles a contact task: it claims an agent and the attempt, hands both to the supervisor and returns. From then on
// the lease in SQL speaks for the call, not Asynq. It never asks for the task to come again: whoever cannot be called now
// is planned anew.
func (d *Dialer) dial(ctx context.Context, t *asynq.Task) error {
	o, err := decodeTask(t.Payload())
	if err != nil {
		return err
	}
	if age := d.Now().Sub(o.PreparedAt); age > d.Limits.Stale {
		d.refuse(ctx, o, whyLate)
		return nil
	}
	if err := d.MayDial(); err != nil {
		d.refuse(ctx, o, reason.OrUnspecific(err))
		return nil
	}
	if !d.calls.reserve() {
		d.refuse(ctx, o, whyNoRoom)
		return nil
	}
	if o.first() {
		d.dialFirst(ctx, o)
		return nil
	}
	agent, err := d.takeAgent(ctx, o)
	if err != nil {
		d.calls.unreserve()
		if !beyond(err) {
			d.Log.Warn("no agent claimed", slog.String("attempt", o.Attempt.String()), slog.Any("error", err))
		}
		d.refuse(ctx, o, whyNobodyFree)
		return nil
	}
	slot, err := d.reserve(ctx, agent.Extension.Network)
	if err != nil {
		d.calls.unreserve()
		if o.Origin == ByHand {
			d.refuse(ctx, o, reason.OrUnspecific(err))
			d.Log.Info("no slot for a call", slog.String("attempt", o.Attempt.String()), slog.Any("error", err))
			return nil
		}
		d.states.release(ctx, agent.AgentID, agents.Input{Kind: agents.Released, AttemptID: o.Attempt.String(), At: d.Now()})
		d.pacer.noSlot(ctx, o.Attempt, reason.OrUnspecific(err))
		return nil
	}
	d.pacer.arrived(o.Attempt)
	d.claim(ctx, o, agent, slot)
	return nil
}

// dialFirst is dial for a call whose customer is called before there is an agent.
func (d *Dialer) dialFirst(ctx context.Context, o task) {
	_, can := d.Networks[o.Network].(CustomerFirst)
	slot, err := Reservation(unlimited{}), error(errCannotJoin)
	if can {
		slot, err = d.reserve(ctx, o.Network)
	}
	if err != nil {
		d.calls.unreserve()
		d.refuse(ctx, o, reason.OrUnspecific(err))
		return
	}
	d.claim(ctx, o, agents.Live{}, slot)
	d.pacer.arrived(o.Attempt)
}

// unlimited is what a network that knows no limit reserves.
type unlimited struct{}

func (unlimited) Release() {}

// reserve has the agent's phone network keep a slot for the call, before any phone rings: what it is limited in must never
// fail a call that an agent has answered.
func (d *Dialer) reserve(ctx context.Context, network string) (Reservation, error) {
	limited, ok := d.Networks[network].(Limited)
	if !ok {
		return unlimited{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	return limited.Reserve(ctx)
}

// refuse gives up an attempt that cannot be called now. An agent who ordered it, and waits for it, is told.
func (d *Dialer) refuse(ctx context.Context, o task, why reason.Reason) {
	d.pacer.cancel(ctx, o.Attempt, why)
	if o.Origin == ByHand {
		d.states.release(ctx, o.Agent, agents.Input{Kind: agents.Refused, AttemptID: o.Attempt.String(), At: d.Now(),
			ErrorID: agents.NotPlacedError, ErrorText: whyNotPlaced(why)})
	}
}

// takeAgent claims who shall talk, if still free: an agent whom the pacer has matched with the call. Whoever ordered it waits for
// it.
func (d *Dialer) takeAgent(ctx context.Context, o task) (agents.Live, error) {
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	if o.Origin == ByHand {
		return d.orderedBy(ctx, o)
	}
	call := &agents.Call{AttemptID: o.Attempt.String(), Queue: o.Queue, CampaignID: o.Campaign, Automatic: true, StartedAt: d.Now()}
	return d.Roster.Apply(ctx, o.Agent, agents.Input{Kind: agents.Claimed, At: d.Now(), AttemptID: call.AttemptID, Node: d.Node,
		Call:  call,
		Until: d.Now().Add(d.Limits.Lease)})
}

// orderedBy finds the agent who ordered a call waiting for it.
func (d *Dialer) orderedBy(ctx context.Context, o task) (agents.Live, error) {
	l, err := d.Roster.Get(ctx, o.Agent)
	if err != nil {
		return agents.Live{}, err
	}
	if l.State != agents.Ordered || l.Call == nil || l.Call.AttemptID != o.Attempt.String() {
		return agents.Live{}, agents.ErrNotNow
	}
	return l, nil
}

// claim makes the attempt ours and starts the call. Whatever else happens, also an unknown commit: nothing is dialed.
func (d *Dialer) claim(ctx context.Context, o task, agent agents.Live, slot Reservation) {
	now := d.Now()
	began := uptime.At(now)
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	claimed, err := d.Store.Claim(sql, o.Attempt, d.owner, agent.AgentID, d.Limits.Lease, now)
	if err == nil {
		d.calls.start(claimed, agent, cmp.Or(o.Network, agent.Extension.Network), began, slot)
		return
	}
	d.calls.unreserve()
	slot.Release()
	if errors.Is(err, ErrNotClaimed) {
		d.pacer.cancel(ctx, o.Attempt, whyForbidden) // if it is still to be had
	} else {
		d.Log.Warn("attempt not claimed", slog.String("attempt", o.Attempt.String()), slog.Any("error", err))
	}
	if o.first() {
		return
	}
	in := agents.Input{Kind: agents.Released, AttemptID: o.Attempt.String(), At: d.Now()}
	if o.Origin == ByHand {
		in.Kind, in.ErrorID, in.ErrorText = agents.Refused, agents.NotPlacedError, whyNoLonger
	}
	d.states.release(ctx, agent.AgentID, in)
}
