package sipua

import (
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
	l, err := c.callAgent()
	if err != nil {
		return new(endingOf(campaigns.AgentNoAnswer, "system", err.Error()))
	}
	c.agent = l
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

// callAgent sends the INVITE to the agent's phone, wherever it is.
func (c *call) callAgent() (*leg, error) {
	way, err := c.n.wayTo(c.extension)
	if err != nil {
		return nil, err
	}
	d := c.n.newDialog(c.order.AttemptID.String()+"-a-"+sip.GenerateTagN(8), sip.GenerateTagN(16), way)
	d.from = sip.Uri{Scheme: "sip", User: userPart(c.order.Customer), Host: c.n.opts.Realm}
	d.shown = c.order.Customer
	if c.order.Automatic {
		d.extra = autoAnswer()
	}
	l, err := c.n.newLegTo(media.Agent, d, way, codecsOf(c.extension), c.tell)
	if err != nil {
		return nil, err
	}
	if !c.n.endpoint.add(d) {
		l.sound.Close()
		return nil, errClosed
	}
	c.n.endpoint.job(func() { d.invite(l.local, func() error { return nil }) })
	return l, nil
}

// reclaim rings a reloaded tab, which then takes the place of the lost one in the running call.
func (c *call) reclaim() bool {
	l, err := c.callAgent()
	if err != nil {
		c.n.log.Warn("the agent's phone is back, but cannot be called", "attempt", c.order.AttemptID, "error", err)
		return false
	}
	c.agent = l
	return true
}

// dropAgent lets go of the agent's lost leg, keeping what was counted of it.
func (c *call) dropAgent() {
	c.stats[media.Agent] = c.stats[media.Agent].Add(c.agent.sound.Stats())
	c.bridge.Detach(media.Agent)
	c.agent.end()
}

// awaitAgent keeps an answered customer until Join brings an agent; nil: one is there, and answered.
func (c *call) awaitAgent() *ending {
	c.comfort(c.customer, c.n.opts.Comfort)
	end := c.awaitJoin()
	if end == nil {
		rangOut := endingOf(campaigns.Abandoned, "system", "the agent's phone was not answered")
		hungUp := endingOf(campaigns.Abandoned, "", "hung up while the agent's phone rang")
		end = c.wait(max(c.order.AgentRing, 5*time.Second), rangOut, hungUp, c.joining)
	}
	switch {
	case end == nil:
		c.silence()
		c.join(time.Now())
	case end.by != "customer":
		c.apologise()
	}
	return end
}

// awaitJoin lets the customer wait until Join has rung an agent.
func (c *call) awaitJoin() *ending {
	for c.agent == nil {
		select {
		case o := <-c.orders:
			o.reply <- o.do()
		case ev := <-c.events:
			if _, end := c.alone(ev); end != nil {
				return end
			}
		case <-c.hung:
			if _, end := c.queued(c.alone); end != nil {
				return end
			}
			return new(endingOf(campaigns.Abandoned, c.by, "no agent in time"))
		}
	}
	return nil
}

// alone decides what an event means while an answered customer waits.
func (c *call) alone(ev legEvent) (done bool, end *ending) {
	if ev.leg == c.customer && ev.kind == hungUp {
		return true, customerLeft()
	}
	return false, nil
}

// joining decides what an event means while the agent of an answered customer is rung.
func (c *call) joining(ev legEvent) (done bool, end *ending) {
	switch {
	case ev.leg == c.customer && ev.kind == hungUp:
		return true, customerLeft()
	case ev.leg != c.agent:
	case ev.kind == ringing:
		c.say(dialer.AgentRinging)
	case ev.kind == failed:
		return true, new(endingOf(campaigns.Abandoned, "agent", ev.cause))
	case ev.kind == answered:
		if err := c.agent.accept(ev.tag, ev.body); err != nil {
			return true, new(endingOf(campaigns.Abandoned, "system", err.Error()))
		}
		c.say(dialer.AgentAnswered)
		return true, nil
	}
	return false, nil
}

// customerLeft is the end of a call whose customer was gone before an agent came, and before we ended it: answered, and nobody was
// abandoned.
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
		if n.holds(b) {
			return way{hop: b.hop(), to: b.uri, browser: b.browser(), binding: b}, nil
		}
		n.forgetPhone(b)
	}
	return way{}, fmt.Errorf("sipua: extension %s: %w", ext.Name, dialer.ErrNotRegistered)
}
