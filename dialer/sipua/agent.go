package sipua

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
)

// ringAgent rings the agent's phone until it is answered; nil: it was.
func (c *call) ringAgent() *ending {
	l, up, err := c.callAgent()
	if err != nil {
		return new(endingOf(campaigns.AgentNoAnswer, "system", err.Error()))
	}
	c.agent = l
	if up {
		c.opening = c.n.opts.StartTone
		c.say(dialer.AgentRinging)
		c.say(dialer.AgentAnswered)
		return nil
	}
	c.n.figures.invited(time.Since(c.began).Seconds())
	rangOut := endingOf(campaigns.AgentNoAnswer, "system", "the agent's phone was not answered")
	hungUp := endingOf(campaigns.AgentGaveUp, "", "hung up while the agent's phone rang")
	return whoGaveUp(c.wait(c.order.AgentRing, rangOut, hungUp, func(ev legEvent) (bool, *ending) {
		switch ev.kind {
		case ringing:
			c.say(dialer.AgentRinging)
		case failed:
			return true, new(endingOf(campaigns.AgentNoAnswer, "agent", ev.cause))
		case answered:
			if err := l.accept(ev.tag, ev.body); err != nil {
				return true, new(endingOf(campaigns.AgentNoAnswer, "system", err.Error()))
			}
			c.say(dialer.AgentAnswered)
			return true, nil
		}
		return false, nil
	}), campaigns.Unknown)
}

// callAgent takes the nailed-up leg to the agent's phone, which may be up already, or sends it an INVITE, wherever it is.
func (c *call) callAgent() (l *leg, up bool, err error) {
	told := c.tell
	if c.nailed == nil {
		if k := c.n.nailedOf(c.extension); k != nil {
			if l, up := k.take(c); l != nil {
				c.nailed, c.counted = k, l.sound.Stats()
				return l, up, nil
			}
		}
	} else { // a reloaded tab's leg outlives the call in the place of the lost one
		told = c.nailed.tell
	}
	l, err = c.n.ringPhone(c.order.AttemptID.String()+"-a-"+sip.GenerateTagN(8), c.extension, userPart(c.order.Customer),
		c.order.Customer, c.order.Automatic, told)
	if err == nil {
		c.counted = media.Stats{}
	}
	return l, false, err
}

// ringPhone sends an INVITE to an agent's phone, which shows caller and name.
func (n *Network) ringPhone(callID string, ext agents.Extension, caller, name string, automatic bool,
	told func(*leg, event)) (*leg, error) {
	way, err := n.wayTo(ext)
	if err != nil {
		return nil, err
	}
	d := n.newDialog(callID, sip.GenerateTagN(16), way)
	d.from = sip.Uri{Scheme: "sip", User: caller, Host: n.opts.Realm}
	d.shown = name
	if automatic {
		d.extra = autoAnswer()
	}
	l, err := n.newLegTo(media.Agent, d, way, codecsOf(ext), told)
	if err != nil {
		return nil, err
	}
	if !n.endpoint.add(d) {
		l.sound.Close()
		return nil, errClosed
	}
	n.endpoint.job(func() { d.invite(l.local, func() error { return nil }) })
	return l, nil
}

// reclaim rings a reloaded tab, which then takes the place of the lost one in the running call.
func (c *call) reclaim() bool {
	l, _, err := c.callAgent()
	if err != nil {
		c.n.log.Warn("the agent's phone is back, but cannot be called", "attempt", c.order.AttemptID, "error", err)
		return false
	}
	c.agent = l
	return true
}

// dropAgent lets go of the agent's lost leg, keeping what was counted of it.
func (c *call) dropAgent() {
	c.countAgent()
	c.bridge.Detach(media.Agent)
	c.agent.end()
}

// countAgent adds what the agent's leg has counted, in this call, and was not added yet.
func (c *call) countAgent() {
	now := c.agent.sound.Stats()
	c.stats[media.Agent] = c.stats[media.Agent].Add(now.Since(c.counted))
	c.counted = now
}

// partAgent ends the agent's leg, or keeps it for the next call.
func (c *call) partAgent() {
	c.countAgent()
	c.bridge.Detach(media.Agent)
	if c.nailed == nil {
		c.agent.end()
		return
	}
	c.nailed.giveBack(c.agent)
	c.nailed = nil
}

// awaitAgent keeps an answered customer until Join has brought an agent; nil: one is there, and answered. A phone that does not
// answer is let go of, and the customer waits on for the next one.
func (c *call) awaitAgent() *ending {
	c.comfort(c.customer, c.n.opts.Comfort)
	for {
		select {
		case o := <-c.orders:
			o.reply <- o.do()
			if c.joined { // by a leg that was up
				return nil
			}
		case ev := <-c.events:
			if done, end := c.joining(ev); done || end != nil {
				return end
			}
		case <-c.back: // it is rung as a new call, if at all
		case <-c.leave:
			return new(c.leaveMessage())
		case <-c.hung:
			if done, end := c.queued(c.joining); done || end != nil {
				return end
			}
			c.unjoin(errEnded)
			if !c.told[dialer.MachineHeard] {
				c.apologise()
			}
			return new(endingOf(campaigns.Abandoned, c.by, "no agent in time"))
		}
	}
}

// joining decides what an event means while an answered customer waits for an agent; done: one is there.
func (c *call) joining(ev legEvent) (done bool, end *ending) {
	switch {
	case ev.leg == c.customer && ev.kind == hungUp:
		c.unjoin(errEnded)
		return true, customerLeft()
	case ev.kind == overheard:
		c.hear(ev.heard)
	case c.agent == nil || ev.leg != c.agent:
	case ev.kind == ringing:
		c.say(dialer.AgentRinging)
	case ev.kind == failed || ev.kind == hungUp:
		c.unjoin(fmt.Errorf("sipua: the agent's phone: %s", ev.cause))
	case ev.kind == answered:
		if err := c.agent.accept(ev.tag, ev.body); err != nil {
			c.unjoin(err)
			return false, nil
		}
		c.bringIn()
		return true, nil
	}
	return false, nil
}

// bringIn joins the agent, whose leg is up, with the customer who waits.
func (c *call) bringIn() {
	c.silence()
	c.join(time.Now())
	c.say(dialer.AgentAnswered)
	c.say(dialer.Joined)
	c.joins <- nil
	c.joins = nil
}

// unjoin lets go of an agent who is not there in time; why is what Join returns.
func (c *call) unjoin(why error) {
	if c.agent != nil {
		c.partAgent()
		c.agent = nil
	}
	if c.joins != nil {
		c.joins <- why
		c.joins = nil
	}
}

// customerLeft is the end of a call whose customer was gone before an agent came, and before we ended it: answered, and nobody
// was abandoned.
func customerLeft() *ending { return new(endingOf(campaigns.Answered, "customer", "customer_left")) }

// apologise plays the message for a customer for whom there is no agent.
func (c *call) apologise() {
	if len(c.n.opts.Abandoned) == 0 {
		return
	}
	c.silence()
	done := make(chan struct{})
	c.n.endpoint.job(func() { defer close(done); media.Play(c.ctx, c.customer.sound, c.n.opts.Abandoned, false) })
	for {
		select {
		case <-done:
			return
		case <-c.n.stopping:
			return
		case o := <-c.orders:
			refuse(o)
		case ev := <-c.events:
			if ev.leg == c.customer && ev.kind == hungUp {
				return
			}
			if ev.kind == overheard {
				c.hear(ev.heard)
			}
		}
	}
}

// codecsOf are those of an extension that we speak, in its order; none named: both.
func codecsOf(ext agents.Extension) []media.Codec {
	var codecs []media.Codec
	for _, name := range ext.Codecs {
		switch name {
		case "g711a", "PCMA", "pcma", "alaw":
			codecs = append(codecs, media.ALaw)
		case "g711u", "PCMU", "pcmu", "ulaw":
			codecs = append(codecs, media.ULaw)
		}
	}
	if len(codecs) == 0 {
		codecs = []media.Codec{media.ALaw, media.ULaw}
	}
	return codecs
}

// way is where an extension's phone is called.
type way struct {
	hop     hop
	to      sip.Uri
	cred    *credentials
	browser bool
	binding Binding // of our own registrar
}

// wayTo finds an extension's phone: on its telephony server, or by the newest binding here that is its owner's still: a tab
// that a former owner left open is never rung, nor a desk phone whose password is another by now.
func (n *Network) wayTo(ext agents.Extension) (way, error) {
	if ext.Server != "" {
		s := n.server(ext.Server)
		h := hop{transport: sip.ASCIIToUpper(s.Transport), addr: withPort(ext.Server, s.Transport)}
		w := way{hop: h, to: sip.Uri{Scheme: "sip", User: userPart(ext.Number), Host: hostOf(ext.Server), Port: portOf(ext.Server)}}
		if s.Username != "" {
			w.cred = &credentials{s.Username, s.Password}
		}
		return w, nil
	}
	for range maxPhones {
		b, ok := n.locations.newest(ext.Name, ext.OwnerID)
		if !ok {
			break
		}
		if n.stillOwned(b) {
			return way{hop: b.hop(), to: b.uri, browser: b.browser(), binding: b}, nil
		}
		n.forgetPhone(b)
	}
	return way{}, fmt.Errorf("sipua: extension %s: %w", ext.Name, dialer.ErrNotRegistered)
}

// AbandonedMessage implements [dialer.CustomerFirst].
func (n *Network) AbandonedMessage() bool { return len(n.opts.Abandoned) > 0 }

// Join implements [dialer.Joiner]: it rings the agent's phone while the customer waits.
func (c *call) Join(ctx context.Context, ext agents.Extension) error {
	joined := make(chan error, 1)
	err := c.ask(ctx, func() error {
		if c.agent != nil || c.order.Agent != nil || !c.told[dialer.CustomerAnswered] {
			return errNotTalking
		}
		c.n.mu.Lock() // who registers is looked for among the calls
		c.extension = ext
		c.n.mu.Unlock()
		l, up, err := c.callAgent()
		if err != nil {
			return fmt.Errorf("sipua: join: %w", err)
		}
		c.agent, c.joins = l, joined
		if up {
			c.bringIn()
		}
		return nil
	})
	if errors.Is(err, errNotTalking) { // or the call has ended: see refuse
		return fmt.Errorf("sipua: join: %w", dialer.ErrNobodyWaits)
	}
	if err != nil {
		return err
	}
	select {
	case err := <-joined:
		return err
	case <-c.ctx.Done():
		return errEnded
	case <-ctx.Done():
	}
	late := fmt.Errorf("sipua: the agent's phone was not answered in time: %w", ctx.Err())
	_ = c.ask(c.ctx, func() error {
		if c.joins == joined {
			c.unjoin(late)
		}
		return nil
	})
	select {
	case err := <-joined:
		return err
	default:
		return errEnded
	}
}
