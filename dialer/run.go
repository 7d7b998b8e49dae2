package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// run is the life of a call, from the claim to its code.
func (c *call) run(ctx context.Context) { c.conclude(ctx, c.connect(ctx)) }

// attend is run for a call that is there already; told is what its network has said of it before.
func (c *call) attend(ctx context.Context, live LiveCall, told []Progress) {
	c.s.Metrics.CallStarted(c.agent.Extension.Network)
	c.placed(live)
	end := c.follow(ctx, live, told...)
	c.s.Metrics.CallEnded(c.agent.Extension.Network) // not only when it has its code
	if end.Kind != Ended {
		return // left to the next life of the node: its lease runs on
	}
	c.s.hold()
	c.conclude(ctx, end)
}

// conclude puts the end on record and waits for the code.
func (c *call) conclude(ctx context.Context, end Progress) {
	due := c.settle(ctx, end)
	c.s.unreserve()
	if !due.IsZero() {
		c.wrapUp(due)
	}
}

// connect asks policy once more, places the call and follows it to its end.
func (c *call) connect(ctx context.Context) Progress {
	if err := c.permitted(); err != nil {
		return c.notPlaced(err)
	}
	live, err := c.order(ctx)
	if err != nil {
		return c.notPlaced(err)
	}
	c.s.Metrics.CallStarted(c.network.Name())
	defer c.s.Metrics.CallEnded(c.network.Name())
	c.placed(live)
	return c.follow(ctx, live)
}

// permitted asks policy what may have changed since the plan. Caps over other campaigns were judged by the plan, under its
// locks; the claim has looked at the do-not-call list, the permit's end and the campaign.
func (c *call) permitted() error {
	if err := c.mayRing(); err != nil {
		return err
	}
	if c.byHand() {
		return nil // a role may have overridden the refusal; the plan has said so on record
	}
	if open, _ := campaigns.OpenAt(c.claimed.Campaign, c.s.Now()); !open {
		return errPermitEnded
	}
	return nil
}

// order gives the order to the phone network of the agent's extension.
func (c *call) order(ctx context.Context) (LiveCall, error) {
	if c.network == nil {
		return nil, fmt.Errorf("dialer: extension %s belongs to phone network %q, which this node does not have", c.agent.Extension.Name, c.agent.Extension.Network)
	}
	campaign := c.claimed.Campaign
	ext := c.agent.Extension
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	c.s.Metrics.Setup(c.s.Now().Sub(c.claimedAt))
	return c.network.Place(ctx, Call{
		AttemptID: c.id, Agent: &ext, Customer: c.claimed.Attempt.Number, CallerID: campaign.CallerID, NoHiding: noHiding(campaign.Profile), Queue: campaign.Queue,
		AgentRing: campaign.AgentRing, Ring: campaign.Ring, MaxDuration: campaign.MaxDuration, Automatic: !c.byHand(),
		Reserved: c.place, BeforeCustomer: c.beforeCustomer, MayWrite: c.mayRing, Late: c.answeredLate,
	})
}

// noHiding says whether the law wants the caller's number shown. A profile that is not known might.
func noHiding(profile string) bool {
	p, known := campaigns.ProfileByName(profile)
	return !known || p.NoHiding
}

// placeLimit bounds the setting up of a call, before any phone rings.
const placeLimit = 5 * time.Second

// notPlaced is the end of a call that never began. Where the phone network is to blame the agent gets no other call until
// the extension is found reachable again, or one contact after the other would be spent on a broken line.
func (c *call) notPlaced(err error) Progress {
	c.place.Release()
	c.s.Log.Warn("call not placed", append(c.attrs(), slog.Any("error", err))...)
	outcome := campaigns.Unknown
	if errors.Is(err, errHungUp) && c.hungUp() == "agent" {
		return Progress{Kind: Ended, At: c.s.Now(), Outcome: campaigns.AgentGaveUp, HangupBy: "agent", Cause: err.Error(), NotDialed: true}
	}
	if !errors.Is(err, errLeaseOver) && !errors.Is(err, errHungUp) && !errors.Is(err, errPermitEnded) {
		outcome = campaigns.Congestion
		_, _ = c.tell(c.s.life, outOfReach(c.agent.Extension, err))
	}
	end := Progress{Kind: Ended, At: c.s.Now(), Outcome: outcome, HangupBy: "system", Cause: err.Error(), NotDialed: true}
	if errors.Is(err, ErrNotRegistered) { // as good as a phone that nobody answers
		end.Outcome, end.ErrorText = campaigns.AgentNoAnswer, whyNot(c.agent.Extension, err)
	}
	return end
}

// follow tells the agent, and the record, how the call goes on, until it ends. An external call may be left before that.
func (c *call) follow(ctx context.Context, live LiveCall, told ...Progress) Progress {
	for _, p := range told {
		if p.Kind == Ended {
			return p
		}
		c.progress(ctx, p)
	}
	for {
		select {
		case p, open := <-live.Progress():
			if !open {
				return Progress{Kind: Ended, At: c.s.Now(), Outcome: campaigns.Unknown, HangupBy: "system", Cause: "the phone network told no end"}
			}
			if p.Kind == Ended {
				return p
			}
			c.progress(ctx, p)
		case <-c.left:
			return Progress{}
		case <-ctx.Done():
			if c.external {
				return Progress{}
			}
			if end, ended := c.caughtUp(ctx, live); ended {
				return end
			}
			live.Hangup("system")
			return Progress{Kind: Ended, At: c.s.Now(), Outcome: campaigns.Unknown, HangupBy: "system", Cause: "the process has stopped"}
		}
	}
}

// caughtUp takes what the network has told already, and the end if that is in it.
func (c *call) caughtUp(ctx context.Context, live LiveCall) (end Progress, ended bool) {
	for {
		select {
		case p, open := <-live.Progress():
			switch {
			case !open:
				return Progress{}, false
			case p.Kind == Ended:
				return p, true
			}
			c.progress(ctx, p)
		default:
			return Progress{}, false
		}
	}
}

// progress is one step of a call that goes on.
func (c *call) progress(ctx context.Context, p Progress) {
	switch p.Kind {
	case AgentRinging, AgentAnswered, CustomerDialing, CustomerRinging:
		c.ring(ctx)
	case TraceKnown:
		link := c.traced(p.CallTraceID)
		_, _ = c.tell(ctx, agents.Input{Kind: agents.TraceKnown, TraceID: p.CallTraceID, CardLink: link})
		c.keepTrace(ctx, p.CallTraceID)
	case CardKnown:
		c.complete(ctx, p.Card)
	case CustomerAnswered:
		c.ring(ctx)
		c.answered(ctx, p.At)
	case HeldProgress, ResumedProgress:
		kind := agents.Retrieved
		if p.Kind == HeldProgress {
			kind = agents.Held
		}
		c.mu.Lock()
		c.held = p.Kind == HeldProgress
		c.mu.Unlock()
		_, _ = c.tell(ctx, agents.Input{Kind: kind})
	}
}

// ring shows the agent the complete card, once: with the first sign of life of the agent's phone.
func (c *call) ring(ctx context.Context) {
	c.mu.Lock()
	first := !c.agentRang
	c.agentRang = true
	c.mu.Unlock()
	if first {
		card := c.showing()
		_, _ = c.tell(ctx, agents.Input{Kind: agents.Ringing, Call: &card})
	}
}

// answered has the agent see it first, for whom every moment counts; what SQL misses now is told with the close.
func (c *call) answered(ctx context.Context, at time.Time) {
	c.step(StepAnswer)
	c.mu.Lock()
	if c.answeredAt.IsZero() { // or it was taken over in the midst of the talk
		c.answeredAt = at
	}
	c.mu.Unlock()
	_, _ = c.tell(ctx, agents.Input{Kind: agents.Connected})
	if err := c.keepAnswer(ctx); err != nil && !errors.Is(err, ErrFenced) {
		c.s.Log.Warn("answer not on record yet", append(c.attrs(), slog.Any("error", err))...)
	}
}

// keepTrace has the record know the calltraceid of the network's own at once: by it the call is found again should this process die.
// What SQL misses now is told with the answer or the close.
func (c *call) keepTrace(ctx context.Context, trace string) {
	if c.unrecorded || trace == "" || trace == c.claimed.Attempt.CallTraceID {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	if err := c.s.Store.Traced(ctx, c.id, c.s.owner, c.claimed.Attempt.Fence, trace); err != nil {
		c.s.Log.Warn("calltraceid not on record yet", append(c.attrs(), slog.Any("error", err))...)
	}
}

// keepAnswer commits the answer, if there is one that is not on record.
func (c *call) keepAnswer(ctx context.Context) error {
	c.mu.Lock()
	at, kept, trace := c.answeredAt, c.answerKept, c.card.CallTraceID
	c.mu.Unlock()
	if kept || at.IsZero() || c.unrecorded {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	err := c.s.Store.Answered(ctx, c.id, c.s.owner, c.claimed.Attempt.Fence, trace, at)
	if err == nil || errors.Is(err, ErrFenced) {
		c.mu.Lock()
		c.answerKept = true // or it is past being kept: the close tells it
		c.mu.Unlock()
	}
	return err
}
