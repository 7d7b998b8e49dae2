package dialer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// call is one call of this process. Whatever happens to it, [next] says what to do about it; the call does that. What waits for
// Redis or for the phone network is done in order by the call's own goroutine, run; the record hears of it by the outbox.
type call struct {
	s         *supervisor
	over      string // the phone network that it goes by
	network   PhoneNetwork
	claimedAt time.Time
	first     bool        // its customer is called before there is an agent
	odds      pacing.Odds // of first: that the customer answers
	campaign  int64
	slot      Reservation  // kept by the network for this call; nil: of a call of another system's
	seen      ExternalCall // what another system has placed
	fence     *fence
	outbox    *outbox
	signal    chan struct{}

	mu       sync.Mutex
	agent    agents.Live        // as claimed; of a customer who is called first: the one who was found, the last one
	unring   context.CancelFunc // ends the ringing of that agent's phone
	rung     int                // agents' phones that were rung for the customer
	course   course
	id       AttemptID // as on record
	shownAs  AttemptID // as the agent is shown it
	claimed  Claimed
	card     agents.Call // what the agent's tab is shown
	theirs   *Card       // what the network itself would show
	live     LiveCall
	told     bool // the network has told the end
	queue    []effect
	timer    *time.Timer
	waiting  []chan error // those who have chosen a code
	finished bool
}

// newCall makes one of an attempt that was claimed, with its agent, or without one where the customer is called first.
func newCall(s *supervisor, claimed Claimed, agent agents.Live, network string) *call {
	c := &call{
		s: s, agent: agent, over: network, network: s.deps.Networks[network], claimedAt: s.deps.Now(), signal: make(chan struct{}, 1),
		first: agent.AgentID == 0, campaign: claimed.Campaign.ID,
		id: claimed.Attempt.ID, shownAs: claimed.Attempt.ID, claimed: claimed, unring: func() {},
		course: course{phase: phaseWaiting, origin: claimed.Attempt.Origin, record: recordKept, agent: agent.AgentID != 0,
			first:    agent.AgentID == 0,
			patience: claimed.Campaign.Pace().Patience},
	}
	if c.first {
		c.odds = s.paces.odds(claimed, c.claimedAt)
	}
	if claimed.Attempt.Origin != ByHand {
		c.course.machines = claimed.Campaign.ListensFor(c.first)
	}
	c.fence = &fence{now: s.deps.Now, until: claimed.Attempt.ValidUntil, margin: s.deps.Limits.Margin,
		hungUp: func() bool { return c.now().hungUpBy != "" }}
	c.outbox = &outbox{
		store: s.deps.Store, owner: s.owner, lease: s.deps.Limits.Lease, now: s.deps.Now, log: s.deps.Log, life: s.life, heard: c.heard,
		id: c.id, fence: claimed.Attempt.Fence, spawn: s.spawn,
	}
	c.outbox.ctx, c.outbox.end = context.WithCancel(s.life)
	c.card = cardFor(claimed, agent.Login, c.traceOf(claimed), c.claimedAt)
	return c
}

// traceOf is the calltraceid from the beginning, if the network does not number calls itself.
func (c *call) traceOf(claimed Claimed) string {
	if _, numbers := c.network.(Numberer); numbers || c.network == nil || claimed.Attempt.CallTraceID != "" {
		return claimed.Attempt.CallTraceID // known already of a call that is taken over
	}
	return claimed.Attempt.ID.String()
}

func (c *call) attrs() []any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []any{slog.String("attempt", c.id.String()), slog.Int64("campaign", c.claimed.Campaign.ID),
		slog.Int64("agent", c.agent.AgentID)}
}

// now is where the call stands.
func (c *call) now() course {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.course
}

func (c *call) attempt() AttemptID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// agentID is the agent of the call, or who was the last one; zero: nobody yet.
func (c *call) agentID() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.agent.AgentID
}

// happen moves the call on, whoever has noticed what happens. What does not wait is done at once.
func (c *call) happen(e event) {
	if e.at.IsZero() {
		e.at = c.s.deps.Now()
	}
	c.mu.Lock()
	if e.live != nil {
		c.live = e.live
	}
	switch {
	case e.kind == evGiven && arrowFor(c.course.phase, evGiven) != nil:
		c.take(e)
	case e.kind == evNotJoined && e.nth != c.rung: // of an agent who was let go of
		c.mu.Unlock()
		return
	}
	e.codes = len(c.card.Codes) > 0
	was := c.course
	var effects []effect
	c.course, effects = next(was, e)
	live, hangUpBy, takeUp, message := c.live, "", false, false
	answered, rangOut := c.course.pickedUp.After(was.pickedUp), c.course.ended() && !was.ended() && c.course.pickedUp.IsZero()
	for _, do := range effects {
		switch do.do {
		case doWrite:
			c.outbox.put(c.filled(do.note))
		case doDrop:
			c.outbox.drop()
		case doTimer:
			if c.timer != nil {
				c.timer.Stop() // the time for a code begins anew
			}
			due := event{kind: do.then} // held for long: the rest of an effect is large
			c.timer = time.AfterFunc(do.at.Sub(c.s.deps.Now()), func() { c.happen(due) })
		case doHangUp:
			hangUpBy = do.by
		case doMessage:
			message = true
		case doTakeUp:
			takeUp = true
		case doCount:
			c.s.deps.Metrics.CallStarted(c.over)
		case doUncount:
			c.s.deps.Metrics.CallEnded(c.over)
		case doLetGo:
			c.letGo(*do.in)
		case doSeek:
			c.s.all.Go(func() { c.seek(c.s.life) })
		case doJoin:
			c.join()
		default:
			c.queue = append(c.queue, do)
		}
	}
	c.mu.Unlock()
	if c.first && (answered || rangOut) {
		c.s.paces.rang(c.campaign, e.at.Sub(c.claimedAt), answered, c.odds)
	}
	if takeUp {
		c.s.reserveAnyway()
	}
	switch {
	case live == nil:
	case hangUpBy != "":
		live.Hangup(hangUpBy)
	case message:
		leaveMessage(live)
	}
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

// filled adds to a note what the course does not know.
func (c *call) filled(n *note) *note {
	n.seen, n.coding.AgentID, n.agent = c.seen, c.agent.AgentID, c.agent.AgentID
	n.kept.Node, n.kept.Network = c.s.deps.Node, c.over
	if c.course.first && !c.course.talkedAt.IsZero() {
		n.closing.AgentID = c.agent.AgentID
	}
	if n.trace == "" {
		n.trace = c.card.CallTraceID
	}
	if n.closing.CallTraceID == "" {
		n.closing.CallTraceID = c.card.CallTraceID
	}
	return n
}

// run does, one after the other, what is to be done and may take its time, until the call is over.
func (c *call) run(ctx context.Context) {
	defer c.finish()
	for {
		c.mu.Lock()
		todo, over, live := c.queue, c.course.phase == phaseOver, c.listening()
		c.queue = nil
		c.mu.Unlock()
		var progress <-chan Progress
		if live != nil {
			progress = live.Progress()
		}
		for _, e := range todo {
			c.do(ctx, e)
		}
		if len(todo) > 0 {
			continue
		}
		if over {
			return
		}
		select {
		case p, open := <-progress:
			c.hear(p, open)
		case <-c.signal:
		case <-ctx.Done():
			for _, p := range heard(progress) { // the end may be in it
				c.hear(p, true)
			}
			c.happen(event{kind: evAbandoned})
		}
	}
}

// listening is the live call while it tells how it goes on; nil: it has told all, or is not listened to yet.
func (c *call) listening() LiveCall {
	if c.told || c.course.phase == phaseSeen {
		return nil
	}
	return c.live
}

// heard is what a call has told and nobody has read.
func heard(progress <-chan Progress) (told []Progress) {
	for {
		select {
		case p, open := <-progress:
			if !open {
				return told
			}
			told = append(told, p)
		default:
			return told
		}
	}
}

// hear takes one step that the phone network tells.
func (c *call) hear(p Progress, open bool) {
	if !open {
		p = Progress{Kind: Ended, Outcome: campaigns.Unknown, HangupBy: "system", Cause: "the phone network told no end"}
	}
	if p.At.IsZero() {
		p.At = c.s.deps.Now()
	}
	e := event{kind: eventKind(p.Kind), told: p}
	switch p.Kind {
	case Ended:
		c.mu.Lock()
		c.told = true
		c.mu.Unlock()
	case TraceKnown:
		e.link = c.traced(p.CallTraceID)
	case CardKnown:
		if !c.complete(p.Card) {
			return
		}
	}
	c.happen(e)
}

func (c *call) do(ctx context.Context, e effect) {
	switch e.do {
	case doPlace:
		c.originate(ctx)
	case doEnter:
		c.enter(ctx)
	case doTell:
		if e.in.Kind == agents.Ringing {
			card := c.showing()
			e.in.Call = &card
		}
		_, _ = c.tell(ctx, *e.in)
	case doPart:
		c.part(ctx, *e.in)
	case doNetwork:
		c.codeToNetwork(ctx, *e.coding)
	case doReply:
		c.reply(e.err)
	case doFree:
		c.s.unreserve()
	}
}

// finish lets go of a call that is over.
func (c *call) finish() {
	c.mu.Lock()
	c.finished = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.outbox.end()
	lost := c.course.record == recordAsked && c.told
	c.mu.Unlock()
	if lost {
		c.s.deps.Log.Error("the process stops before the record has heard of a call of another system", c.attrs()...)
	}
	c.s.forget(c)
	c.reply(errStopping)
}

// heard is what the record says to a note of the outbox.
func (c *call) heard(n *note, claimed Claimed, err error) {
	switch {
	case n.kind == noteAdopt:
		c.adopted(claimed, err)
	case !c.outbox.done(n, err):
		c.happen(event{kind: evAway, err: err})
	case n.kind == noteClose:
		if err == nil {
			c.s.deps.Metrics.AttemptClosed(c.over, string(n.closing.Outcome))
		} else {
			c.s.deps.Log.Warn("attempt was closed by another owner",
				append(c.attrs(), slog.String("outcome", string(n.closing.Outcome)))...)
		}
		c.happen(event{kind: evClosed})
	case n.kind == noteCode:
		c.happen(event{kind: evCoded, coding: n.coding, err: err})
	}
}

// leased notes what became of the lease.
func (c *call) leased(ours bool, until uptime.Instant) {
	if !c.fence.renewed(ours, until) && c.now().open() {
		c.s.deps.Log.Warn("attempt lost to another owner: its customer will not be dialed any more", c.attrs()...)
	}
}

// hangup ends the call at any stage; false: it has ended already.
func (c *call) hangup(by string) bool {
	c.happen(event{kind: evHangUp, by: by})
	return c.now().open()
}

// line is the live call for orders that need one; nil: there is none.
func (c *call) line() LiveCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.course.alive() {
		return nil
	}
	return c.live
}

// tell puts an input of this call through the agent's state machine.
func (c *call) tell(ctx context.Context, in agents.Input) (agents.Live, error) {
	c.mu.Lock()
	agent := c.agent.AgentID
	in.AttemptID = c.shownAs.String()
	c.mu.Unlock()
	return c.s.states.apply(ctx, agent, in)
}

// part tells the agent until it is heard, or the claim on the agent has run out by itself. The time for a code runs from when the
// agent can see that it does.
func (c *call) part(ctx context.Context, in agents.Input) {
	until := c.s.deps.Now().Add(c.s.deps.Limits.Lease)
	for try := range again.Tries(ctx) {
		if try > 1 && !in.CodeDueAt.IsZero() {
			c.happen(event{kind: evUntold})
			in.CodeDueAt = c.now().due
		}
		if _, err := c.tell(ctx, in); err == nil || beyond(err) || c.s.deps.Now().After(until) {
			return
		}
		c.happen(event{kind: evUntold, at: c.s.deps.Now().Add(2 * again.Last)}) // not over before the next try
	}
}

// enter makes the call its agent's present one, or shows the agent who is in it what is known by now.
func (c *call) enter(ctx context.Context) {
	c.s.takeUp(c)
	id := c.attempt()
	c.mu.Lock()
	again := c.shownAs != id || c.course.phase != phaseWaiting
	c.mu.Unlock()
	if !again {
		c.renewClaim(ctx)
		return
	}
	card := c.showing()
	_, _ = c.tell(ctx, agents.Input{Kind: agents.Given, Call: &card, Until: c.s.deps.Now().Add(c.s.deps.Limits.Lease)})
	c.mu.Lock()
	c.shownAs = id
	c.mu.Unlock()
}

// renewClaim keeps the agent In Call. Where Redis has forgotten, and the agent's tab has entered the agent again as idle,
// the call is entered again too; not one that has ended and only waits for SQL, for its agent is idle by right. A call of another
// system's is entered in the same way, whatever its agent was at. What Redis did not hear while it was away is told now: the tab
// of an agent who talks must not go on showing a phone that rings.
func (c *call) renewClaim(ctx context.Context) {
	until := c.s.deps.Now().Add(c.s.deps.Limits.Lease)
	l, err := c.tell(ctx, agents.Input{Kind: agents.ClaimRenewed, Until: until})
	is, card := c.now(), c.showing()
	enter := agents.Input{Kind: agents.Ordering, Call: &card, Until: until}
	again := errors.Is(err, agents.ErrNotNow) && l.State == agents.Available
	if is.origin == External {
		enter.Kind, again = agents.Given, beyond(err)
	}
	if !is.alive() || err != nil && !again {
		return
	}
	if err != nil {
		c.s.deps.Log.Info("call entered into its agent's state", c.attrs()...)
		if _, err := c.tell(ctx, enter); err != nil {
			return
		}
		l.State, l.Call = agents.Ordered, &card
	}
	for _, in := range is.missed(l, &card) {
		if _, err := c.tell(ctx, in); err != nil {
			return
		}
	}
}

// reply tells those who have chosen a code what became of it.
func (c *call) reply(err error) {
	c.mu.Lock()
	waiting := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, w := range waiting {
		w <- err
	}
}

// adopted is what the record says to a call of another system's.
func (c *call) adopted(claimed Claimed, err error) {
	switch {
	case errors.Is(err, ErrKept):
		c.happen(event{kind: evElsewhere})
		return
	case errors.Is(err, ErrNotClaimed):
		c.s.deps.Log.Error("a call of another system is not on record", append(c.attrs(), slog.Any("error", err))...)
		c.happen(event{kind: evUnkept})
		return
	case err != nil:
		return // it is asked again
	}
	c.mu.Lock()
	before, theirs := c.id, c.theirs
	card := cardFor(claimed, c.agent.Login, cmp.Or(c.card.CallTraceID, claimed.Attempt.CallTraceID), c.claimedAt)
	card.CodeID = c.course.code.Code
	c.id, c.claimed, c.card = claimed.Attempt.ID, claimed, card
	if c.course.phase == phaseSeen {
		c.shownAs = c.id
	}
	e := event{kind: evAdopted, talked: claimed.Attempt.AnsweredAt, wrapUp: claimed.Campaign.WrapUp}
	c.mu.Unlock()
	c.complete(theirs)
	// chosen in a former life of this node
	if last := c.agent.Call; last != nil && last.AttemptID == claimed.Attempt.ID.String() && last.CodeID != "" {
		e.coding = c.coding(last.CodeID, time.Time{})
	}
	if claimed.Attempt.State == Closed {
		c.fence.renewed(false, uptime.Instant{}) // only its late truth is still of use
	}
	c.s.rekey(before, c)
	c.s.deps.Log.Info("a call of another system is kept", c.attrs()...)
	c.happen(e)
}
