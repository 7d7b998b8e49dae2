package dialer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	seekEvery  = 25 * time.Millisecond  // while a customer waits and nobody is free
	sparedRing = 500 * time.Millisecond // a phone that had less than that is not to blame, nor one whose customer has left
)

// seek claims an agent for the customer who waits: whoever has been free for longest, of the agents of the line who are at home
// here. Customers who wait for longer come first.
func (c *call) seek(ctx context.Context) {
	for c.now().phase == phaseAlone {
		agent, err := c.s.findAgent(ctx, c)
		switch {
		case err == nil && c.give(agent):
			return
		case err == nil: // the customer has left meanwhile
			c.s.states.release(ctx, agent.AgentID, agents.Input{Kind: agents.Released, AttemptID: c.attempt().String()})
			return
		case !errors.Is(err, agents.ErrNotNow):
			c.s.deps.Log.Warn("no agent sought for a customer who waits", append(c.attrs(), slog.Any("error", err))...)
		}
		if !retry.Sleep(ctx, retry.Spread(seekEvery, 0.25)) {
			return
		}
	}
}

// findAgent claims one; ErrNotNow: nobody is free.
func (s *supervisor) findAgent(ctx context.Context, c *call) (agents.Live, error) {
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	free, err := s.deps.Roster.Free(ctx, s.deps.Node)
	if err != nil {
		return agents.Live{}, err
	}
	queue := c.claimed.Campaign.Queue
	free = slices.DeleteFunc(free, func(a agents.Idle) bool { return !slices.Contains(a.Queues, queue) })
	slices.SortFunc(free, func(a, b agents.Idle) int { return a.Since.Compare(b.Since) })
	for _, idle := range free[min(s.waitedLonger(c), len(free)):] {
		l, err := s.deps.Roster.Get(ctx, idle.ID)
		if err != nil {
			return agents.Live{}, err
		}
		if l.Extension.Network != c.over {
			continue
		}
		card := c.cardOf(l)
		now := s.deps.Now()
		l, err = s.deps.Roster.Apply(ctx, idle.ID, agents.Input{Kind: agents.Claimed, At: now, AttemptID: card.AttemptID,
			Node: s.deps.Node, Call: &card,
			Until: now.Add(s.deps.Limits.Lease)})
		if err == nil || !beyond(err) {
			return l, err
		}
	}
	return agents.Live{}, agents.ErrNotNow
}

// waitedLonger counts the customers of the line who have waited for an agent for longer.
func (s *supervisor) waitedLonger(c *call) (n int) {
	since, queue := c.now().pickedUp, c.claimed.Campaign.Queue
	for _, other := range s.those(func(o course) bool { return o.phase == phaseAlone && o.pickedUp.Before(since) }) {
		if other.claimed.Campaign.Queue == queue && other.over == c.over {
			n++
		}
	}
	return n
}

// cardOf is the card that the agent's tab is shown.
func (c *call) cardOf(agent agents.Live) agents.Call {
	card := c.showing()
	card.CardLink = campaigns.CardLinkFor(c.claimed.Campaign, c.claimed.Contact, card.Number, card.AttemptID, card.CallTraceID,
		agent.Login)
	return card
}

// give brings a claimed agent to the customer; false: nobody waits any more.
func (c *call) give(agent agents.Live) (taken bool) {
	if before := c.s.of(agent.AgentID); before != nil {
		before.happen(event{kind: evDismissed}) // its code was set elsewhere, or the agent would not be in the next call
	}
	c.happen(event{kind: evGiven, agent: &agent, taken: &taken})
	if taken {
		c.s.takeUp(c)
	}
	return taken
}

// take makes an agent the call's. The caller holds c.mu.
func (c *call) take(e event) {
	c.agent, *e.taken = *e.agent, true
	if e.agent.Call != nil {
		c.card.CardLink = e.agent.Call.CardLink
	}
}

// letGo takes the agent out of the call, whose phone rings no more. It does not wait. The caller holds c.mu.
func (c *call) letGo(in agents.Input) {
	c.unring()
	agent := c.agent.AgentID
	in.AttemptID = c.shownAs.String()
	c.s.all.Go(func() {
		c.s.states.release(c.s.life, agent, in)
		c.s.leaveAgent(agent, c)
	})
}

// join rings the agent's phone. The caller holds c.mu.
func (c *call) join() {
	left := c.course.speakBy().Sub(c.s.deps.Now())
	limit := min(pacing.OfferLimit(left), max(c.claimed.Campaign.AgentRing, pacing.LeastOffer))
	ctx, cancel := context.WithTimeout(c.s.life, limit)
	live, ext := c.live, c.agent.Extension
	c.rung++
	nth := c.rung
	c.unring = cancel
	c.s.all.Go(func() {
		defer cancel()
		err := errCannotJoin
		if joiner, can := live.(Joiner); can {
			err = joiner.Join(ctx, ext)
		}
		if err == nil {
			return // the network tells it
		}
		spared := ctx.Err() != nil && limit < sparedRing || errors.Is(err, ErrNobodyWaits)
		if !spared {
			c.s.deps.Log.Warn("an agent's phone was not answered for a customer who waits", append(c.attrs(), slog.Any("error", err))...)
		}
		e := event{kind: evNotJoined, nth: nth, spared: spared}
		if errors.Is(err, ErrNotRegistered) {
			e.told.ErrorText = whyNot(ext, err)
		}
		c.happen(e)
	})
}

var errCannotJoin = errors.New("dialer: the phone network brings nobody into a call")
