package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// Reasons of the self-fence not to dial a customer.
var (
	errLeaseOver   = errors.New("dialer: the lease is over, or too near its end")
	errHungUp      = errors.New("dialer: hung up before the customer's phone rang")
	errPermitEnded = errors.New("dialer: the permit to call ran out")
)

// call is one claimed attempt on its way. Its goroutine is run; orders and the renewal of leases come from others, so what
// they touch is behind the mutex.
type call struct {
	s          *supervisor
	id         AttemptID
	claimed    Claimed
	agent      agents.Live // as claimed
	network    PhoneNetwork
	card       agents.Call // what the agent's tab is shown
	claimedAt  time.Time
	place      Reservation   // kept by the network for this call; nil: of an external one
	external   bool          // another system has placed it
	unrecorded bool          // the record does not have it yet
	codeDue    time.Time     // of an unrecorded talk that is over: until then its code may be chosen
	left       chan struct{} // closed when an external call is left to the next life of the node

	mu         sync.Mutex
	lease      uptime.Instant // ours until then
	lost       bool           // another owner has the attempt
	state      State
	live       LiveCall
	hungUpBy   string
	answeredAt time.Time
	answerKept bool // Answered is committed
	agentRang  bool
	refused    bool // the self-fence has said that the customer's phone must not be dialed
	dialed     bool // it has said that it may be
	held       bool
	ended      bool         // the phone network has said so; the record may not know yet
	coding     *Coding      // chosen, not yet stored
	coded      []chan error // where those who chose it wait
	codeSignal chan struct{}
	dismissed  chan struct{} // the wait for a code is over
	dismissing sync.Once
}

func newCall(s *supervisor, claimed Claimed, agent agents.Live, lease uptime.Instant) *call {
	c := &call{
		s: s, id: claimed.Attempt.ID, claimed: claimed, agent: agent, network: s.Networks[agent.Extension.Network],
		claimedAt: s.Now(), lease: lease, state: Dialing,
		codeSignal: make(chan struct{}, 1), dismissed: make(chan struct{}), left: make(chan struct{}),
	}
	trace := claimed.Attempt.CallTraceID // known already of a call that is taken over
	if trace == "" && c.network != nil && !c.network.Can().OwnTrace {
		trace = c.id.String()
	}
	c.card = cardFor(claimed, agent.Login, trace, c.claimedAt)
	return c
}

func (c *call) attrs() []any {
	return []any{slog.String("attempt", c.id.String()), slog.Int64("campaign", c.claimed.Campaign.ID), slog.Int64("agent", c.agent.AgentID)}
}

func (c *call) byHand() bool { return c.claimed.Attempt.Origin == ByHand }

// leased notes what became of the lease. It answers false when it is lost for good, once.
func (c *call) leased(ours bool, until uptime.Instant) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ours {
		c.lease = until
		return true
	}
	first := !c.lost && c.state != Closed
	c.lost = true
	return !first
}

// mayRing says whether the customer's phone may be dialed at this very moment. It is asked at each write of what dials it, so it
// asks nobody.
func (c *call) mayRing() error {
	now := c.s.Now()
	until := c.claimed.Attempt.ValidUntil
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.hungUpBy != "":
		return errHungUp
	case c.lost || !uptime.At(now).Before(c.lease.Add(-c.s.Limits.Margin)):
		return errLeaseOver
	case !until.IsZero() && !now.Before(until):
		return errPermitEnded
	}
	return nil
}

// beforeCustomer is the self-fence. Whom it refuses is never dialed, whatever the record has heard. It is asked again only where the
// way before certainly did not take the call.
func (c *call) beforeCustomer(ctx context.Context) error {
	err := c.fence(ctx)
	if err != nil {
		c.mu.Lock()
		c.refused = true
		c.mu.Unlock()
	}
	return err
}

// fence passes when the lease is ours, it is on record that the customer's phone rings, and after the time that the record took
// the lease is still ours.
func (c *call) fence(ctx context.Context) error {
	if err := c.mayRing(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	c.mu.Lock()
	record := c.s.Store.Dialed
	if c.dialed {
		record = c.s.Store.DialedAgain
	}
	c.mu.Unlock()
	if err := record(ctx, c.id, c.s.owner, c.claimed.Attempt.Fence, c.quiet(), c.s.Now()); err != nil {
		return fmt.Errorf("dialer: the customer's ring is not on record: %w", err)
	}
	c.mu.Lock()
	c.dialed = true
	c.mu.Unlock()
	return c.mayRing()
}

// quiet is how long the customer's phone may ring from now on, should this process be lost.
func (c *call) quiet() time.Duration {
	rest := c.network.Can().UnknownRest
	if rest <= 0 {
		rest = UnknownRest
	}
	return c.claimed.Campaign.Ring + rest
}

// hungUp is who has asked for the end; empty: nobody.
func (c *call) hungUp() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hungUpBy
}

func (c *call) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == Closed
}

func (c *call) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// step moves the attempt's state. SQL is the judge of it; here a wrong step would be a network's fault.
func (c *call) step(s Step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, err := c.state.After(s, campaigns.Unknown)
	if err != nil {
		c.s.Log.Error("strange progress of a call", append(c.attrs(), slog.Any("error", err))...)
	}
	c.state = next
}

// placed notes the live call. An order to hang up that came before is obeyed now.
func (c *call) placed(live LiveCall) {
	c.mu.Lock()
	c.live = live
	by := c.hungUpBy
	c.mu.Unlock()
	if by != "" {
		live.Hangup(by)
	}
}

// hangup ends the call at any stage; false: it has ended already.
func (c *call) hangup(by string) bool {
	c.mu.Lock()
	if c.state == Closed {
		c.mu.Unlock()
		return false
	}
	if c.hungUpBy == "" {
		c.hungUpBy = by
	}
	live := c.live
	c.mu.Unlock()
	if live != nil {
		live.Hangup(by)
	}
	return true
}

// leave ends our part in an external call that goes on.
func (c *call) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.left:
	default:
		close(c.left)
	}
}

// line is the live call for orders that need one.
func (c *call) line() LiveCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == Closed {
		return nil
	}
	return c.live
}

// dismiss ends the wait for a code that was set elsewhere.
func (c *call) dismiss() { c.dismissing.Do(func() { close(c.dismissed) }) }

// tell puts an input of this call through the agent's state machine.
func (c *call) tell(ctx context.Context, in agents.Input) (agents.Live, error) {
	in.AttemptID = c.id.String()
	return c.s.apply(ctx, c.agent.AgentID, in)
}

// renewClaim keeps the agent In Call. Where Redis has forgotten, and the agent's tab has entered the agent again as idle,
// the call is entered again too; not one that has ended and only waits for SQL, for its agent is idle by right. An external
// call is entered in the same way, whatever its agent was at. What Redis did not hear while it was away is told now: the tab of an
// agent who talks must not go on showing a phone that rings.
func (c *call) renewClaim(ctx context.Context) {
	until := c.s.Now().Add(c.s.Limits.Lease)
	l, err := c.tell(ctx, agents.Input{Kind: agents.ClaimRenewed, Until: until})
	again := errors.Is(err, agents.ErrNotNow) && l.State == agents.Available
	enter := agents.Ordering
	if c.external {
		again, enter = settled(err), agents.Given
	}
	if c.hasEnded() || err != nil && !again {
		return
	}
	card := c.showing()
	var inputs []agents.Input
	if err != nil {
		c.s.Log.Info("call entered into its agent's state", c.attrs()...)
		inputs = append(inputs, agents.Input{Kind: enter, Call: &card, Until: until})
		l.State, l.Call = agents.Ordered, &card
	}
	for _, in := range append(inputs, c.missed(l, &card)...) {
		if _, err := c.tell(ctx, in); err != nil {
			return
		}
	}
}

// missed is what the agent's state has not heard of the call.
func (c *call) missed(l agents.Live, card *agents.Call) (inputs []agents.Input) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.agentRang && l.State == agents.Ordered {
		inputs = append(inputs, agents.Input{Kind: agents.Ringing, Call: card})
	} else if l.Call.CallTraceID != card.CallTraceID {
		inputs = append(inputs, agents.Input{Kind: agents.TraceKnown, TraceID: card.CallTraceID, CardLink: card.CardLink})
	}
	if c.state != InTalk {
		return inputs
	}
	if l.State == agents.Ordered || l.State == agents.Delivered {
		inputs = append(inputs, agents.Input{Kind: agents.Connected})
	}
	switch holding := l.State == agents.Holding; {
	case c.held && !holding:
		inputs = append(inputs, agents.Input{Kind: agents.Held})
	case !c.held && holding:
		inputs = append(inputs, agents.Input{Kind: agents.Retrieved})
	}
	return inputs
}

// showing is the card with what has been told and chosen until now.
func (c *call) showing() agents.Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	card := c.card
	if c.coding != nil {
		card.CodeID = c.coding.Code
	}
	return card
}
