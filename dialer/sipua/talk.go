package sipua

import (
	"context"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	// byeGrace is how long a browser's BYE may come after its DTLS close.
	byeGrace = 500 * time.Millisecond
	pulse    = time.Second
	// goneAfter: a phone whose connection is lost and which is silent for so long is gone; either alone may pass.
	goneAfter = 2 * time.Second
	// quietGoneAfter is the same for phones that may pause: they report by RTCP at least so often (RFC 3550, section 6.3.1).
	quietGoneAfter = 8 * time.Second
	// keyGap parts two keys: the same one twice is two.
	keyGap = 60 * time.Millisecond
)

// talk is the call while both sides are up.
func (c *call) talk() ending {
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	var limit <-chan time.Time
	if c.order.MaxDuration > 0 {
		timer := time.NewTimer(c.order.MaxDuration)
		defer timer.Stop()
		limit = timer.C
	}
	t := talk{call: c, resumed: time.Now(), silent: c.agent.sound.Closed()}
	for {
		select {
		case ev := <-c.events:
			if end := t.event(ev); end != nil {
				return *end
			}
		case now := <-ticker.C:
			if end := t.check(now); end != nil {
				return t.rather(*end)
			}
		case <-t.silent:
			if end := t.agentSilent(); end != nil {
				return *end
			}
		case b := <-c.back:
			t.phoneBack(b)
		case <-c.leave:
			c.bridge.Detach(media.Agent)
			return c.leaveMessage()
		case o := <-c.orders:
			o.reply <- o.do()
		case <-limit:
			return t.rather(endingOf(campaigns.Answered, "system", "maximum duration"))
		case <-c.hung:
			return t.rather(endingOf(campaigns.Answered, c.by, "hung up by order"))
		}
	}
}

// talk keeps what the stage must remember.
type talk struct {
	*call
	resumed time.Time       // since when silence counts: from the beginning, or the end of a hold
	silent  <-chan struct{} // closed with the agent's sound; nil while the phone is lost
	lost    time.Time       // since when the agent's phone is gone; zero: it is there
	calling bool            // a reloaded tab is being called
}

// rather is the end that has come by itself, else e: what happened counts before what we are about to do.
func (t *talk) rather(e ending) ending {
	if _, end := t.queued(t.decide); end != nil {
		return *end
	}
	return e
}

func (t *talk) decide(ev legEvent) (done bool, end *ending) { return false, t.event(ev) }

func (t *talk) event(ev legEvent) *ending {
	switch {
	case ev.leg == t.customer && ev.kind == hungUp:
		return &ending{verdict: ev.verdict, by: "customer"}
	case ev.leg == t.agent && ev.kind == hungUp:
		return &ending{verdict: ev.verdict, by: "agent"}
	case ev.leg == t.agent && ev.kind == failed: // the reloaded tab did not take the call; it may come again
		t.calling = false
		t.agent.end()
	case ev.leg == t.agent && ev.kind == answered:
		t.rejoined(ev)
	case ev.kind == overheard:
		t.hear(ev.heard)
	case ev.leg == t.agent && ev.kind == pressed:
		t.press(ev.key, ev.length)
	case ev.leg == t.agent && ev.kind == farHeld:
		t.setHold(true)
	case ev.leg == t.agent && ev.kind == farResumed:
		t.setHold(false)
	}
	return nil
}

// check looks after what happens by nothing happening.
func (t *talk) check(now time.Time) *ending {
	if t.customer.expired(now) {
		return new(endingOf(campaigns.Answered, "customer", "session timer expired"))
	}
	if !t.lost.IsZero() {
		if now.Sub(t.lost) > t.n.opts.ReloadGrace {
			return new(endingOf(campaigns.Answered, "agent", "the agent's phone was lost"))
		}
		return nil // the customer waits; both silences are known
	}
	if t.gone(now) || t.agent.expired(now) {
		t.agentLost(now)
		return nil
	}
	t.bridge.Tend(now)
	if t.held || t.agent.rests() || t.customer.rests() {
		t.resumed = now
		return nil
	}
	for _, l := range []*leg{t.agent, t.customer} {
		alive := l.sound.LastAlive()
		if alive.Before(t.resumed) {
			alive = t.resumed
		}
		if now.Sub(alive) <= t.n.opts.MediaTimeout {
			continue
		}
		if l == t.agent {
			t.agentLost(now)
			return nil
		}
		return new(endingOf(campaigns.Answered, "system", "media timeout: the customer was not heard"))
	}
	return nil
}

// gone reports whether the agent's phone has lost its connection and its sound.
func (t *talk) gone(now time.Time) bool {
	if t.held || t.n.endpoint.reachable(t.agent.currentHop()) {
		return false
	}
	if t.agent.browser != nil { // it never pauses
		return now.Sub(t.agent.sound.LastHeard()) > goneAfter
	}
	return now.Sub(t.agent.sound.LastAlive()) > quietGoneAfter
}

// agentSilent is called when the agent's sound has closed: a BYE that is on its way ends the call, else the phone is lost.
func (t *talk) agentSilent() *ending {
	timer := time.NewTimer(byeGrace)
	defer timer.Stop()
	for {
		select {
		case ev := <-t.events:
			if end := t.event(ev); end != nil {
				return end
			}
		case <-t.hung:
			return new(t.rather(endingOf(campaigns.Answered, t.by, "hung up by order")))
		case <-timer.C:
			if _, end := t.queued(t.decide); end != nil {
				return end
			}
			t.agentLost(time.Now())
			return nil
		}
	}
}

// agentLost keeps the customer while the agent's tab may come back.
func (t *talk) agentLost(now time.Time) {
	if !t.lost.IsZero() {
		return
	}
	t.lost, t.silent = now, nil
	t.dropAgent()
	t.comfort(t.customer, t.n.opts.Comfort)
	t.n.log.Info("the agent's phone is lost during a call", "attempt", t.order.AttemptID)
}

// phoneBack is called when the agent's phone registered. The same phone by a new connection keeps its dialog; a reloaded tab is
// a new phone, and is called.
func (t *talk) phoneBack(b Binding) {
	switch {
	case t.calling:
	case t.lost.IsZero() && b.key() == t.agent.binding.key():
		t.agent.moved(b.hop())
	case t.lost.IsZero() && t.n.endpoint.reachable(t.agent.currentHop()):
		// a second phone of the same agent; the first one is well
	default:
		t.agentLost(time.Now())
		t.calling = t.reclaim()
	}
}

func (t *talk) rejoined(ev legEvent) {
	t.calling = false
	if err := t.agent.accept(ev.tag, ev.body); err != nil {
		t.n.log.Warn("the reloaded phone's answer is of no use", "attempt", t.order.AttemptID, "error", err)
		return
	}
	t.lost, t.resumed, t.silent = time.Time{}, time.Now(), t.agent.sound.Closed()
	if !t.held {
		t.silence()
	}
	t.bridge.Attach(media.Agent, t.agent.sound)
}

// setHold parts the two sides, or joins them again. Both the agent's phone, by re-INVITE, and the tab, by order, may do so.
func (c *call) setHold(on bool) {
	if c.held == on {
		return
	}
	c.held = on
	c.setGates()
	switch {
	case !on:
		c.silence()
		c.say(dialer.ResumedProgress)
		return
	case !c.noticing: // else it comes after the notice
		c.comfort(c.customer, c.n.opts.Comfort)
	}
	c.say(dialer.HeldProgress)
}

// setGates lets through what may be heard now.
func (c *call) setGates() {
	agent, customer := media.Open, media.Open
	if c.muted {
		agent = media.Hush
	}
	if c.held {
		customer = media.Hush
	}
	if c.held || c.noticing || c.dialling {
		agent = media.Shut
	}
	c.bridge.Gate(media.Agent, agent)
	c.bridge.Gate(media.Customer, customer)
}

// maxKeys bounds the keys that wait to be pressed.
const maxKeys = 32

// key is one that the agent pressed.
type key struct {
	key    byte
	length time.Duration
}

// press presses a key for the customer's side, behind those before it; the agent's voice waits, for both would share one stream.
func (c *call) press(k byte, length time.Duration) {
	if len(c.keys) == maxKeys {
		return
	}
	c.keys = append(c.keys, key{k, length})
	if c.dialling {
		return
	}
	c.dialling = true
	c.setGates()
	c.pressNext()
}

// pressNext presses the first key that waits, and then goes on.
func (c *call) pressNext() {
	next := c.keys[0]
	c.keys = c.keys[1:]
	c.n.endpoint.job(func() {
		media.Digit(c.ctx, c.customer.sound, next.key, next.length)
		retry.Sleep(c.ctx, keyGap)
		_ = c.ask(c.ctx, func() error {
			if len(c.keys) > 0 {
				c.pressNext()
				return nil
			}
			c.dialling = false
			c.setGates()
			return nil
		})
	})
}

func (c *call) up() bool { return c.told[dialer.CustomerAnswered] && c.agent != nil }

// Hold implements [dialer.LiveCall]: the customer hears comfort, the agent silence.
func (c *call) Hold(ctx context.Context) error {
	return c.ask(ctx, c.whenUp(func() { c.setHold(true) }))
}

// Retrieve implements [dialer.LiveCall].
func (c *call) Retrieve(ctx context.Context) error {
	return c.ask(ctx, c.whenUp(func() { c.setHold(false) }))
}

// Mute implements [dialer.LiveCall]: the customer hears silence, the agent still hears the customer.
func (c *call) Mute(ctx context.Context, on bool) error {
	return c.ask(ctx, c.whenUp(func() {
		c.muted = on
		c.setGates()
	}))
}

func (c *call) whenUp(do func()) func() error {
	return func() error {
		if !c.up() {
			return errNotTalking
		}
		do()
		return nil
	}
}
