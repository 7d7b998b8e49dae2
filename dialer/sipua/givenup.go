package sipua

import (
	"sync"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// crossTime is how long the end of a call that we give up waits for what the far end says to our CANCEL: an answer may be on its
// way.
const crossTime = 2 * time.Second

// givenUp notices the answer that comes when we have given the customer up. Its methods may be called on nil.
type givenUp struct {
	mu   sync.Mutex
	seen bool
	came chan struct{} // closed by the answer
	late func()        // tells of an answer that comes after the call's end; nil: the end has not been told yet
}

func newGivenUp() *givenUp { return &givenUp{came: make(chan struct{})} }

// answered is called when such an answer was acknowledged and hung up.
func (g *givenUp) answered() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen {
		return
	}
	g.seen = true
	close(g.came)
	if g.late != nil {
		g.late()
	}
}

// end reports whether the answer has come. If not, late is called when it does.
func (g *givenUp) end(late func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.late = late
	return g.seen
}

// crossed is the cause of an answer that comes when we have given up.
const crossed = "answered when the call was given up"

// giveUp ends a customer's call that is not answered: CANCEL, and a short wait for what crosses it. The agent's phone does not
// wait.
func (c *call) giveUp(end *ending) *ending {
	c.silence()
	if c.agent != nil && c.nailed == nil {
		c.agent.hangup()
	}
	c.customer.cancel()
	if c.customer.silent() {
		return end // nothing to cancel yet
	}
	timer := time.NewTimer(crossTime)
	defer timer.Stop()
	for {
		select {
		case <-c.given.came:
			return end // the call's end says so
		case ev := <-c.events:
			switch {
			case ev.leg != c.customer:
			case ev.kind == answered: // told before our CANCEL, and read after it
				c.given.answered()
			case ev.kind == failed:
				end.final = ev.final
				return end
			}
		case o := <-c.orders:
			refuse(o)
		case <-c.back:
		case <-timer.C:
			return end
		}
	}
}

// confirmed reports whether the customer's far end has said that the call is over. What it says to our BYE is waited for shortly.
func (c *call) confirmed(e ending) bool {
	if e.final || c.customer == nil {
		return true
	}
	if !c.customer.wasAnswered() {
		return false
	}
	timer := time.NewTimer(crossTime)
	defer timer.Stop()
	select {
	case <-c.customer.dialog.gone:
		return true
	case <-c.n.endpoint.gone:
	case <-timer.C:
	}
	return false
}

// whoGaveUp names the end of a call that was hung up before the customer's answer: by the agent, or by a process that stops.
func whoGaveUp(end *ending, bySystem campaigns.Outcome) *ending {
	if end != nil && end.outcome == campaigns.AgentGaveUp && end.by == "system" {
		end.outcome = bySystem
	}
	return end
}

// truth is how a call ended whose customer was given up: abandoned, when the answer came all the same. One that comes later is
// told by order.Late.
func (c *call) truth(e ending) ending {
	if c.given == nil || e.final || c.told[dialer.CustomerAnswered] || !c.customer.fence.written() {
		return e
	}
	_, _ = c.queued(func(ev legEvent) (bool, *ending) {
		if ev.leg == c.customer && ev.kind == answered {
			c.given.answered()
		}
		return false, nil
	})
	tell, end, now := c.order.Late, c.n.endpoint, c.n.opts.Now
	if tell == nil {
		tell = func(dialer.Progress) {}
	}
	late := func() { // holds no call in memory
		p := dialer.Progress{Kind: dialer.Ended, At: now(), Outcome: campaigns.Abandoned, HangupBy: "system", Cause: crossed}
		end.job(func() { tell(p) })
	}
	if c.given.end(late) {
		return endingOf(campaigns.Abandoned, e.by, crossed)
	}
	return e
}
