package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// placeLimit bounds the setting up of a call, before any phone rings.
const placeLimit = 5 * time.Second

// originate asks policy once more, and has the phone network of the agent's extension place the call.
func (c *call) originate(ctx context.Context) {
	live, err := c.placed(ctx)
	if err == nil {
		c.happen(event{kind: evPlaced, live: live})
		return
	}
	c.slot.Release()
	c.s.deps.Log.Warn("call not placed", append(c.attrs(), slog.Any("error", err))...)
	c.happen(c.notPlaced(err))
}

func (c *call) placed(ctx context.Context) (LiveCall, error) {
	if err := c.permitted(); err != nil {
		return nil, err
	}
	ext, campaign := &c.agent.Extension, c.claimed.Campaign
	if c.network == nil {
		return nil, fmt.Errorf("dialer: extension %s belongs to phone network %q, which this node does not have", ext.Name, c.over)
	}
	if c.now().first {
		ext = nil
	}
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	c.s.deps.Metrics.Setup(c.s.deps.Now().Sub(c.claimedAt))
	return c.network.Place(ctx, Call{
		AttemptID: c.id, Agent: ext, Customer: c.claimed.Attempt.Number, CallerID: c.claimed.Attempt.CallerID,
		NoHiding: noHiding(campaign.Profile), Queue: campaign.Queue,
		AgentRing: campaign.AgentRing, Ring: campaign.Ring, MaxDuration: campaign.MaxDuration, Automatic: !c.byHand(),
		Listen:   c.now().machines != campaigns.IgnoreMachines,
		Reserved: c.slot, BeforeCustomer: c.beforeCustomer, MayWrite: c.fence.mayRing, Late: c.answeredLate,
	})
}

func (c *call) byHand() bool { return c.claimed.Attempt.Origin == ByHand }

// permitted asks policy what may have changed since the plan. Caps over other campaigns were judged by the plan, under its
// locks; the claim has looked at the do-not-call list, the permit's end and the campaign.
func (c *call) permitted() error {
	if err := c.fence.mayRing(); err != nil {
		return err
	}
	if c.byHand() {
		return nil // a role may have overridden the refusal; the plan has said so on record
	}
	if open, _ := campaigns.OpenAt(c.claimed.Campaign, c.s.deps.Now()); !open {
		return errPermitEnded
	}
	return nil
}

// noHiding says whether the law wants the caller's number shown. A profile that is not known might.
func noHiding(profile string) bool {
	p, known := campaigns.ProfileByName(profile)
	return !known || p.NoHiding
}

// beforeCustomer is the self-fence. Whom it refuses is never dialed, whatever the record has heard.
func (c *call) beforeCustomer(ctx context.Context) error {
	err := c.fence.pass(ctx, func(ctx context.Context, again bool, now time.Time) error {
		record := c.s.deps.Store.Dialed
		if again {
			record = c.s.deps.Store.DialedAgain
		}
		return record(ctx, c.id, c.s.owner, c.claimed.Attempt.Fence, c.quiet(), now)
	})
	if err != nil {
		c.happen(event{kind: evRefused})
	}
	return err
}

// quiet is how long the customer's phone may ring from now on, should this process be lost.
func (c *call) quiet() time.Duration {
	rest := UnknownRest
	if known, ok := c.network.(Rester); ok {
		rest = known.UnknownRest()
	}
	return c.claimed.Campaign.Ring + rest
}

// notPlaced is the end of a call that never began. Where the phone network is to blame the agent gets no other call until
// the extension is found reachable again, or one contact after the other would be spent on a broken line.
func (c *call) notPlaced(err error) event {
	now := c.s.deps.Now()
	e := event{kind: evNotTaken, at: now, told: Progress{Kind: Ended, At: now, Outcome: campaigns.Unknown, HangupBy: "system",
		Cause: err.Error(), NotDialed: true}}
	switch {
	case errors.Is(err, errHungUp) && c.now().hungUpBy == "agent":
		e.told.Outcome, e.told.HangupBy = campaigns.AgentGaveUp, "agent"
	case errors.Is(err, errLeaseOver), errors.Is(err, errHungUp), errors.Is(err, errPermitEnded):
	case c.now().first:
		e.told.Outcome = campaigns.Congestion
		return e
	default:
		blame := outOfReach(c.agent.Extension, err)
		e.blame, e.told.Outcome = &blame, campaigns.Congestion
	}
	if errors.Is(err, ErrNotRegistered) { // as good as a phone that nobody answers
		e.told.Outcome, e.told.ErrorText = campaigns.AgentNoAnswer, whyNot(c.agent.Extension, err)
	}
	return e
}

// answeredLate notes that the customer has answered after all, when the call was given up: it was hung up at once, and is one
// that was abandoned.
func (c *call) answeredLate(p Progress) {
	c.s.deps.Log.Warn("customer answered a call that was given up", append(c.attrs(), slog.String("cause", p.Cause))...)
	c.s.deps.Metrics.AbandonedLate()
	c.happen(event{kind: evLate, told: p})
}
