package sipua

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/recording"
)

// call is one call in the making or up. One goroutine, run, owns it; all others speak to it by channels.
type call struct {
	n     *Network
	order dialer.Call
	began time.Time
	ctx   context.Context // ends with the call
	stop  context.CancelFunc

	progress chan dialer.Progress
	events   chan legEvent
	orders   chan order
	back     chan Binding // the agent's phone registered anew
	hung     chan struct{}
	hangOnce sync.Once
	by       string // who asked for the hang-up; written before hung is closed

	extension agents.Extension // the agent's phone, when there is one
	agent     *leg
	nailed    *nailed     // that the agent's leg goes back to; nil: it ends with the call
	counted   media.Stats // of the agent's leg that are counted already, or are of calls before
	opening   media.Clip  // that the agent hears before anything else
	customer  *leg
	given     *givenUp
	slot      *slot     // the call's place on a trunk
	try       trunkCall // what is counted of it there
	bridge    media.Bridge
	recorder  *recording.Recorder
	stats     [2]media.Stats
	held      bool
	muted     bool
	noticing  bool       // the notice is being played to the customer
	dialling  bool       // keys are being pressed for the customer
	keys      []key      // that wait to be
	joins     chan error // of Join, while an agent's phone rings for the waiting customer
	joined    bool       // both sides were brought together
	promised  bool       // the customer's network said that it would send sound before the answer
	told      map[dialer.ProgressKind]bool
	ear       *ear          // listens to the customer; nil: nobody does
	leave     chan struct{} // closed when a machine is to hear the message
	leaveOnce sync.Once
	silence   context.CancelFunc // stops what a waiting side hears
}

type legEvent struct {
	*leg
	event
}

// order is a wish of the agent's or the system's, answered once.
type order struct {
	do    func() error
	reply chan error
}

// ending is how a call ended.
type ending struct {
	verdict
	by      string
	fault   bool // infrastructure failed, and nothing rang
	mayGoOn bool // the next trunk may be tried: this one certainly did not take the call
}

// progressRoom is how many steps Progress holds. Holding and resuming have no end, so their progress is dropped when little
// room is left.
const (
	progressRoom = 14
	progressRest = 10
)

func (n *Network) newCall(o dialer.Call) *call {
	ctx, stop := context.WithCancel(context.Background())
	return &call{
		n: n, order: o, began: time.Now(), ctx: ctx, stop: stop,
		progress: make(chan dialer.Progress, progressRoom),
		events:   make(chan legEvent, 6),
		orders:   make(chan order),
		back:     make(chan Binding, 1),
		hung:     make(chan struct{}),
		leave:    make(chan struct{}),
		told:     map[dialer.ProgressKind]bool{},
		silence:  func() {},
	}
}

// run is the life of the call.
func (c *call) run() { c.end(c.live()) }

func (c *call) live() ending {
	if end := c.takeSlot(); end != nil {
		return *end
	}
	if c.order.Agent != nil {
		if end := c.ringAgent(); end != nil {
			return *end
		}
	}
	if end := c.dialCustomer(); end != nil {
		return *end
	}
	if c.agent == nil {
		if end := c.awaitAgent(); end != nil {
			return *end
		}
	}
	return c.talk()
}

// end takes everything down and says so.
func (c *call) end(e ending) {
	now := time.Now()
	c.silence()
	if c.agent != nil {
		c.partAgent()
	}
	if l := c.customer; l != nil {
		c.stats[media.Customer] = c.stats[media.Customer].Add(l.sound.Stats())
		l.end()
	}
	if c.slot != nil {
		if c.try.code == sip.StatusOK {
			c.try.talk = time.Since(c.try.at) - c.try.setup
			c.n.count(c.slot.t, c.try)
		}
		c.slot.Release()
	}
	c.stop()
	e = c.truth(e)
	if c.customer != nil {
		c.customer.fence.close()
	}
	c.n.drop(c)
	c.n.figures.ended(e.outcome, c.stats)
	c.progress <- dialer.Progress{Kind: dialer.Ended, At: c.n.opts.Now(), Outcome: e.outcome, HangupBy: e.by, Cause: e.cause,
		RetryAfter: e.retryAfter, NotDialed: c.customer == nil || !c.customer.fence.written(), Fault: e.fault,
		Confirmed: c.confirmed(e)}
	close(c.progress)
	c.finishRecording(now)
}

// say tells a step, the steps of setting up only once.
func (c *call) say(kind dialer.ProgressKind) {
	repeats := kind == dialer.HeldProgress || kind == dialer.ResumedProgress
	if repeats && len(c.progress) > progressRoom-progressRest || !repeats && c.told[kind] {
		return
	}
	c.told[kind] = true
	p := dialer.Progress{Kind: kind, At: c.n.opts.Now()}
	if kind == dialer.CustomerAnswered || kind == dialer.Joined {
		p.Kept = c.keep()
	}
	c.progress <- p
}

// tell is called by the legs, from their own goroutines.
func (c *call) tell(l *leg, ev event) {
	select {
	case c.events <- legEvent{l, ev}:
	case <-c.ctx.Done():
	}
	if ev.kind == answered && c.ctx.Err() != nil { // nobody may read it any more
		l.given.answered()
	}
}

// Progress implements [dialer.LiveCall].
func (c *call) Progress() <-chan dialer.Progress { return c.progress }

// Hangup implements [dialer.LiveCall].
func (c *call) Hangup(by string) {
	c.hangOnce.Do(func() {
		c.by = by
		close(c.hung)
	})
}

var (
	errNotTalking = errors.New("sipua: the call is not up")
	errEnded      = fmt.Errorf("sipua: the call has ended: %w", dialer.ErrNobodyWaits)
)

// ask hands a wish to the call's goroutine and waits for the answer.
func (c *call) ask(ctx context.Context, do func() error) error {
	o := order{do: do, reply: make(chan error, 1)}
	select {
	case c.orders <- o:
	case <-c.ctx.Done():
		return errEnded
	case <-ctx.Done():
		return fmt.Errorf("sipua: the call is not ready for this: %w", ctx.Err())
	}
	select {
	case err := <-o.reply:
		return err
	case <-c.ctx.Done():
		return errEnded
	}
}

// refuse answers wishes that the call's present stage has no room for.
func refuse(o order) { o.reply <- errNotTalking }

// queued takes the events that have come, until one decides: what happened counts before what we are about to do. false: none
// did.
func (c *call) queued(decide func(legEvent) (done bool, end *ending)) (decided bool, end *ending) {
	for {
		select {
		case ev := <-c.events:
			if done, end := decide(ev); done || end != nil {
				return true, end
			}
		default:
			return false, nil
		}
	}
}

// wait is one stage of the setting up: it takes events until one decides. The timer's end and the hang-up are endings of
// their own, after the events that have come before.
func (c *call) wait(limit time.Duration, rangOut, hungUp ending, decide func(legEvent) (done bool, end *ending)) *ending {
	var timer <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		timer = t.C
	}
	for {
		select {
		case ev := <-c.events:
			if done, end := decide(ev); done || end != nil {
				return end
			}
		case o := <-c.orders:
			refuse(o)
		case <-c.back: // nothing to come back into yet
		case <-c.hung:
			if decided, end := c.queued(decide); decided {
				return end
			}
			hungUp.by = c.by
			return &hungUp
		case <-timer:
			if decided, end := c.queued(decide); decided {
				return end
			}
			return &rangOut
		}
	}
}

func endingOf(outcome campaigns.Outcome, by, cause string) ending {
	return ending{verdict: verdict{outcome: outcome, cause: cause}, by: by}
}

// comfort lets l hear clip in a loop until silence is called.
func (c *call) comfort(l *leg, clip media.Clip) {
	c.silence()
	ctx, stop := context.WithCancel(c.ctx)
	c.silence = stop
	var opening media.Clip
	if l == c.agent {
		opening, c.opening = c.opening, nil
	}
	c.n.endpoint.job(func() {
		media.Play(ctx, l.sound, opening, false)
		media.Play(ctx, l.sound, clip, true)
	})
}
