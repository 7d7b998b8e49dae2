package mediatel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// call is one call at a session, ordered by us or not. What is below the line is guarded by the session's mutex.
type call struct {
	s        *session
	order    dialer.Call
	external bool
	shown    bool // to Options.External
	progress chan dialer.Progress
	ended    chan struct{} // closed when the end is known
	toggles  sync.Mutex    // one toggle at a time

	course
	end       dialer.Progress
	orderedAt time.Time
	idled     bool // the newest state since makeCall shows the agent free, as before it
	untaken   bool // Mediatel did not take makeCall
	unseen    bool // given up because the connection was lost: how it goes on is not known
	talkAt    time.Time
	cutAt     time.Time // when the connection was lost; zero: it is there, and has shown a state since
	byeAt     time.Time // when the end was first asked for
	byeIn     string    // the state in which closeCall was last sent on this connection
}

// room is how many steps of a call can wait to be read; the last place is the end's. Holding is the only step that repeats.
const room = 64

func newCall(s *session, order dialer.Call) *call {
	return &call{s: s, order: order, progress: make(chan dialer.Progress, room), ended: make(chan struct{})}
}

// take gives the session to a new call.
func (s *session) take(order dialer.Call) (*call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.call != nil:
		return nil, errBusy
	case s.unwanted:
		return nil, errNoSession
	case s.client == nil:
		return nil, s.reason()
	case s.seen != nil && stateOf(s.seen) != wire.StateIdle && !s.soonIdle():
		return nil, s.reason()
	}
	s.call = newCall(s, order)
	return s.call, nil
}

// soonIdle reports whether Mediatel's agent is on the way to where a call can be ordered, which is waited for.
func (s *session) soonIdle() bool {
	switch stateOf(s.seen) {
	case wire.StateFailed, wire.StateClerical:
		return true
	case wire.StatePause:
		return s.pausedHere
	case wire.StateLogout:
		return s.seen.LoginError == ""
	}
	return false
}

// ordered reports whether the call is ours.
func (c *call) ordered() bool { return !c.external }

// Progress is told as dialer.LiveCall says.
func (c *call) Progress() <-chan dialer.Progress { return c.progress }

// run is the call from its order to its end.
func (c *call) run(ctx context.Context) {
	if c.external || c.place(ctx) {
		c.untilOver()
	}
	c.close(ctx)
}

// place waits for Mediatel's agent to be free, asks the self-fence, and sends makeCall. Whatever happens afterwards, it is not
// sent again. False: it was not sent.
func (c *call) place(ctx context.Context) bool {
	s := c.s
	settle, cancel := context.WithTimeout(ctx, s.n.Limits.Settle)
	err := s.await(settle, func() bool { return s.idle() || c.hungUpBy != "" })
	cancel()
	if err != nil {
		s.unreachable(ctx)
		return c.fail(campaigns.Congestion, "Mediatel's agent did not become free")
	}
	if err := c.order.BeforeCustomer(ctx); err != nil {
		return c.fail(campaigns.Unknown, err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.hungUpBy != "" {
		return c.failed(gaveUp(c.hungUpBy, campaigns.Unknown), "hung up before the call was ordered")
	}
	if !s.idle() {
		return c.failed(campaigns.Congestion, "Mediatel's agent was no longer free")
	}
	c.number, c.former, c.stale = c.order.Customer, s.former, said(s.seen, "")
	makeCall := wire.Command{Type: wire.MakeCall, PhoneNumber: c.order.Customer, QueueName: s.queueFor(c.order.Queue)}
	if err := s.sendIf(c.mayWrite, makeCall); err != nil {
		return c.failed(campaigns.Congestion, err.Error())
	}
	c.phase, c.orderedAt = ordered, s.n.Now()
	s.untaken = ""
	return true
}

// mayWrite is asked right at the writing of makeCall, which may have waited for the network.
func (c *call) mayWrite() error {
	err := c.order.Write()
	if err != nil {
		go c.keptBack(err)
	}
	return err
}

// keptBack ends a call whose makeCall was not written.
func (c *call) keptBack(err error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.phase == over {
		return
	}
	c.phase = unordered
	c.failed(campaigns.Unknown, err.Error())
	c.s.turned()
}

// queueFor is the campaign's line if Mediatel has one of that name for the agent; else Mediatel takes the agent's first.
func (s *session) queueFor(queue string) string {
	for _, q := range s.seen.Queues {
		if q == queue {
			return q
		}
	}
	return ""
}

func (c *call) fail(outcome campaigns.Outcome, cause string) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.failed(outcome, cause)
}

// failed ends the call by our own judgement. It is called with s.mu held.
func (c *call) failed(outcome campaigns.Outcome, cause string) bool {
	if c.phase == over {
		return false
	}
	by := c.hungUpBy
	if by == "" {
		by = "system"
	}
	if c.phase != unordered {
		c.s.leftover = true
	}
	end := dialer.Progress{
		Kind: dialer.Ended, At: c.s.n.Now(), Outcome: outcome, HangupBy: by, Cause: cause, CallTraceID: c.trace,
		NotDialed: c.phase == unordered,
	}
	if c.untaken {
		end.NotDialed, end.RetryAfter = true, refusedPause
	}
	c.phase = over
	c.over(end)
	return false
}

// see reads a state. It is called with s.mu held, as are the next three.
func (c *call) see(state *wire.State) {
	if stateOf(state) != wire.StateLogout {
		c.cutAt = time.Time{}
	}
	if c.external && c.number == "" {
		c.number = state.ANI // known late
	}
	var told []dialer.Progress
	talked := c.talked
	c.course, told = c.next(state, c.s.n.Now())
	c.idled = c.phase == ordered && stateOf(state) == wire.StateIdle
	if c.talked && !talked {
		c.talkAt = c.s.n.Now()
	}
	for _, p := range told {
		c.tell(p)
	}
	if c.external && !c.shown {
		c.look(state)
	}
	c.bye()
}

func (c *call) tell(p dialer.Progress) {
	if p.Kind == dialer.Ended {
		c.over(p)
		return
	}
	if len(c.progress) < cap(c.progress)-1 {
		c.progress <- p // the only sender, with s.mu held
	}
}

func (c *call) over(end dialer.Progress) {
	c.end = end
	close(c.ended)
}

// cutOff notes the loss of the connection.
func (c *call) cutOff() {
	if c.phase != unordered && c.phase != over {
		c.gap, c.cutAt, c.byeIn, c.idled = true, c.s.n.Now(), "", false
	}
}

// bye sends closeCall once in each state of the call, for a state may not have allowed it.
func (c *call) bye() {
	s := c.s
	if c.hungUpBy == "" || c.phase == unordered || c.phase == over || s.seen == nil || !inCall(s.seen) || c.byeIn == s.seen.State {
		return
	}
	if s.send(wire.Command{Type: wire.CloseCall}) == nil {
		c.byeIn = s.seen.State
	}
}

// Hangup ends the call. See dialer.LiveCall.
func (c *call) Hangup(by string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.hangUp(by)
	c.s.turned()
}

func (c *call) hangUp(by string) {
	if c.hungUpBy == "" {
		c.hungUpBy, c.byeAt = by, c.s.n.Now()
	}
	c.bye()
}

// untilOver waits for the end, and judges by itself when one that should come does not.
func (c *call) untilOver() {
	s := c.s
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		c.checkLimits()
		wait, turn := c.untilNextLimit(), s.turn
		s.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-c.ended:
			return
		case <-turn:
		case <-timer.C:
		}
	}
}

// byeLimit is how long Mediatel may take to end a call that was hung up.
const byeLimit = 10 * time.Second

// slack is what an answer may take beyond the limits of ringing.
const slack = 5 * time.Second

// checkLimits is called with s.mu held.
func (c *call) checkLimits() {
	now := c.s.n.Now()
	switch {
	case c.phase == over:
	case c.idled && now.Sub(c.orderedAt) >= c.s.n.Limits.Settle:
		c.notTaken()
	case !c.cutAt.IsZero() && now.Sub(c.cutAt) >= c.s.n.Limits.Resync:
		c.giveUp("the connection to Mediatel is lost")
	case !c.byeAt.IsZero() && c.cutAt.IsZero() && now.Sub(c.byeAt) >= byeLimit:
		c.giveUp("Mediatel does not end the call")
	case c.hungUpBy != "":
	case c.ringsTooLong(now):
		c.hangUp("system")
	case c.order.MaxDuration > 0 && c.talked && now.Sub(c.talkAt) >= c.order.MaxDuration:
		c.hangUp("system")
	}
}

func (c *call) ringsTooLong(now time.Time) bool {
	return !c.talked && c.order.Ring > 0 && now.Sub(c.orderedAt) >= c.order.AgentRing+c.order.Ring+slack
}

// giveUp ends the call here; at Mediatel it may go on.
func (c *call) giveUp(why string) {
	if c.talked {
		c.failed(campaigns.Answered, why)
		return
	}
	c.unseen = !c.cutAt.IsZero()
	c.failed(campaigns.Unknown, why)
	if c.unseen { // the customer may answer yet: who talks when the connection is back is told of as of a call that we did not order
		c.s.leftover, c.s.unseen = false, c.trace
	}
}

// notTaken ends a call whose makeCall Mediatel has answered by showing the agent free as before. A server so slow that this was
// the state of the moment before begins the call yet: see look.
func (c *call) notTaken() {
	c.untaken, c.s.untaken, c.s.untakenAt = true, c.number, c.s.n.Now()
	c.failed(campaigns.Congestion, "Mediatel did not take the order")
	c.s.leftover = false // nothing is up there
}

// untilNextLimit is the wait until checkLimits may have something to say without a change.
func (c *call) untilNextLimit() time.Duration {
	wait := time.Hour
	note := func(from time.Time, limit time.Duration) {
		if !from.IsZero() && limit > 0 {
			wait = min(wait, max(from.Add(limit).Sub(c.s.n.Now()), time.Millisecond))
		}
	}
	note(c.cutAt, c.s.n.Limits.Resync)
	if c.idled {
		note(c.orderedAt, c.s.n.Limits.Settle)
	}
	if c.cutAt.IsZero() {
		note(c.byeAt, byeLimit)
	}
	if c.hungUpBy == "" && !c.talked && c.order.Ring > 0 {
		note(c.orderedAt, c.order.AgentRing+c.order.Ring+slack)
	}
	if c.hungUpBy == "" {
		note(c.talkAt, c.order.MaxDuration)
	}
	return wait
}

// close tells the end, once Mediatel's agent is where ours is about to be: free, unless a code is awaited on both sides.
func (c *call) close(ctx context.Context) {
	s := c.s
	<-c.ended
	codeAwaited := c.end.Outcome == campaigns.Answered || !c.order.Automatic
	switch {
	case c.unseen:
		s.away() // nor is a code owed: there may be a talk yet
	case c.phaseReached() && !codeAwaited && !c.external:
		c.freeAgent(ctx)
	}
	if c.untaken {
		s.unreachable(ctx) // or one contact after the other would be spent on it
	}
	s.mu.Lock()
	if c.trace != "" && !c.unseen {
		s.former = c.trace
	}
	s.call = nil
	c.progress <- c.end // its place is kept
	close(c.progress)
	if s.seen != nil { // what the last state tells of others than this call was not looked at
		s.follow(s.seen)
	}
	if c.external {
		s.align()
	}
	if s.unwanted {
		s.n.missed() // whether it is still so, the roster knows
	}
	s.turned()
	s.mu.Unlock()
}

// phaseReached reports whether makeCall was sent.
func (c *call) phaseReached() bool { return !c.orderedAt.IsZero() }

// freeAgent ends Mediatel's Clerical after a call that reached nobody.
func (c *call) freeAgent(ctx context.Context) {
	s := c.s
	settle, cancel := context.WithTimeout(ctx, freeLimit)
	defer cancel()
	s.mu.Lock()
	err := s.owe(c.trace, "")
	s.mu.Unlock()
	if err == nil {
		err = s.await(settle, s.idle)
	}
	if err != nil {
		s.unreachable(ctx)
	}
}

var (
	errNoTalk     = errors.New("mediatel: there is no talk now")
	errNotCarried = errors.New("mediatel: not carried out there")
)

// carryOut sends a command that the talk needs, and waits until done.
func (c *call) carryOut(ctx context.Context, may func() bool, command string, done func() bool) error {
	c.toggles.Lock()
	defer c.toggles.Unlock()
	ctx, cancel := context.WithTimeout(ctx, c.s.n.Limits.Answer)
	defer cancel()
	c.s.mu.Lock()
	if done() && c.phase != over {
		c.s.mu.Unlock()
		return nil
	}
	err := errNoTalk
	if may() && c.s.seen != nil {
		err = c.s.send(wire.Command{Type: command})
	}
	c.s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := c.s.await(ctx, func() bool { return done() || c.phase == over }); err != nil {
		return fmt.Errorf("%w: %s: %w", errNotCarried, command, err)
	}
	return nil
}

// Hold puts the customer on hold.
func (c *call) Hold(ctx context.Context) error {
	return c.carryOut(ctx, func() bool { return c.phase == talking }, wire.HoldCall, func() bool { return c.phase == holding })
}

// Retrieve ends the hold.
func (c *call) Retrieve(ctx context.Context) error {
	return c.carryOut(ctx, func() bool { return c.phase == holding }, wire.Retrieve, func() bool { return c.phase == talking })
}

// Mute toggles only where Mediatel shows the other state.
func (c *call) Mute(ctx context.Context, on bool) error {
	return c.carryOut(ctx, func() bool { return c.phase == talking || c.phase == holding }, wire.MuteCall,
		func() bool { return c.s.seen != nil && c.s.seen.Muted == on })
}
