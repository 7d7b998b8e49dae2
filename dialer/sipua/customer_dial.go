package sipua

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
)

// takeSlot takes a place on a trunk before any phone rings, if the order does not bring one.
func (c *call) takeSlot() *ending {
	if s, ok := c.order.Reserved.(*slot); ok {
		if !c.order.NoHiding || !s.t.Privacy {
			c.slot = s
			return nil
		}
		s.Release() // it was taken for any call
	}
	s, err := c.n.reserve(c.ctx, c.hung, c.order.NoHiding)
	if err != nil {
		return new(notSent(err))
	}
	c.slot = s
	return nil
}

// notSent is the end of a call for which no trunk was there, so that the customer's phone was never dialed.
func notSent(err error) ending {
	e := endingOf(campaigns.Congestion, "system", err.Error())
	e.unsent, e.fault = true, true
	return e
}

// dialCustomer dials the customer's phone until it is answered; nil: it was. A trunk that certainly did not take the call is
// followed by the next one, under the fence; what is not certain is never tried again.
func (c *call) dialCustomer() *ending {
	var tried []*trunk
	for sent := 0; ; {
		if !c.slot.still() { // it was well when the agent's phone began to ring
			c.slot.Release()
			s, err := c.n.reserve(c.ctx, c.hung, c.order.NoHiding, tried...)
			if err != nil {
				return new(notSent(err))
			}
			c.slot = s
		}
		tried = append(tried, c.slot.t)
		end := c.dialServers(c.slot, &sent)
		if end == nil || !end.mayGoOn {
			return end
		}
		c.slot.Release()
		next, err := c.n.reserve(c.ctx, c.hung, c.order.NoHiding, tried...)
		if err != nil {
			return end
		}
		c.n.log.Info("the next trunk is tried", "attempt", c.order.AttemptID, "trunk", next.t.Name, "failed", c.slot.t.Name, "cause",
			end.cause)
		c.dropCustomer()
		c.slot = next
	}
}

// dialServers dials over a trunk's servers, each followed by the next one under the rule of trunks. nth counts the attempt's
// INVITEs.
func (c *call) dialServers(s *slot, nth *int) (end *ending) {
	for i, h := range s.t.hops() {
		if i > 0 {
			if !s.still() {
				return end
			}
			c.n.log.Info("the trunk's next server is tried", "attempt", c.order.AttemptID, "trunk", s.t.Name, "server", h.addr, "cause",
				end.cause)
			c.dropCustomer()
		}
		*nth++
		if end = c.dialOver(s, h, *nth); end == nil || !end.mayGoOn {
			return end
		}
	}
	return end
}

// dropCustomer lets go of the leg of a trunk that did not take the call.
func (c *call) dropCustomer() {
	if l := c.customer; l != nil {
		c.stats[media.Customer] = c.stats[media.Customer].Add(l.sound.Stats())
		c.bridge.Detach(media.Customer)
		l.end()
		c.customer, c.promised = nil, false
	}
}

// dialOver dials over one server of a trunk, the attempt's first or a later one.
func (c *call) dialOver(s *slot, h hop, nth int) *ending {
	if end := c.awaitTurn(s); end != nil {
		return end
	}
	c.try = trunkCall{at: time.Now()}
	if err := c.callCustomer(s, h, nth); err != nil {
		return new(notSent(err))
	}
	rang, sent, over := false, false, false
	sign := func() { // of the customer
		if !rang {
			rang = true
			c.try.setup = max(time.Since(c.try.at), 1)
			s.tell(callTaken)
		}
	}
	left := endingOf(campaigns.AgentGaveUp, "", "hung up before the customer answered")
	end := c.wait(c.order.Ring, endingOf(campaigns.NoAnswer, "system", "rang out"), left, func(ev legEvent) (bool, *ending) {
		switch {
		case ev.leg == c.agent:
			return c.agentBeforeAnswer(ev)
		case ev.leg != c.customer: // of a trunk before
		case ev.kind == ringing && ev.code == sip.StatusTrying: // from the fence: the INVITE is being written
			c.try.at, sent = time.Now(), true
			c.say(dialer.CustomerDialing)
		case ev.kind == ringing:
			sign()
			c.say(dialer.CustomerRinging)
			c.earlyMedia(ev)
		case ev.kind == overheard:
			if said := c.network(s, ev.heard); said != nil {
				sign()
				return true, said
			}
		case ev.kind == sounded && c.agent != nil:
			c.silence()
			c.bridge.Attach(media.Customer, c.customer.sound)
		case ev.kind == answered:
			sign()
			over = true
			return c.customerAnswered(ev, s.t.Name)
		case ev.kind == keptBack:
			return true, new(endingOf(cmp.Or(ev.outcome, campaigns.Unknown), "system", ev.cause))
		case ev.kind == failed:
			over = true
			return true, c.customerFailed(s, ev.verdict, rang)
		}
		return false, nil
	})
	if !over {
		end = c.giveUp(whoGaveUp(end, campaigns.NoAnswer))
	}
	c.silence()
	c.tellTrunk(s, c.said(end), rang, sent)
	return end
}

// awaitTurn keeps the INVITE until those before it are far enough; nil: it may go. The agent hears the ringing meanwhile.
func (c *call) awaitTurn(s *slot) *ending {
	wait := s.t.pace.line(time.Now())
	if wait <= 0 {
		return nil
	}
	if c.agent != nil {
		c.comfort(c.agent, c.n.ringback)
	}
	itsTurn := ending{}
	left := endingOf(campaigns.AgentGaveUp, "", "hung up before the customer answered")
	end := c.wait(wait, itsTurn, left, func(ev legEvent) (bool, *ending) {
		if ev.leg == c.agent {
			return c.agentBeforeAnswer(ev)
		}
		return false, nil
	})
	if end == nil || *end == itsTurn {
		return nil
	}
	return whoGaveUp(end, campaigns.NoAnswer)
}

// tellTrunk has the trunk know what its call came to, where no response has told it.
func (c *call) tellTrunk(s *slot, end *ending, rang, sent bool) {
	if end == nil {
		c.try.code = sip.StatusOK // it is counted when the talk is over
		return
	}
	c.try.code = end.code
	if sent {
		c.n.count(s.t, c.try)
	}
	rangOut := end.outcome == campaigns.NoAnswer || end.outcome == campaigns.Unknown && end.cause == noResponse
	if rang || end.code > 0 || !rangOut || !sent {
		return // it is known what came of it, or it was we who stopped
	}
	if c.customer.silent() {
		end.outcome, end.cause = campaigns.Unknown, noResponse
		s.tell(callSilent)
	} else {
		end.outcome, end.cause = campaigns.Unknown, "100 Trying, and nothing more"
		s.tell(callSwallowed)
	}
}

// customerFailed is the end of a call whose INVITE failed.
func (c *call) customerFailed(s *slot, v verdict, rang bool) *ending {
	e := ending{verdict: v, by: "customer"}
	switch {
	case v.outcome == "": // the self-fence refused: nothing was dialed
		e.outcome, e.by = campaigns.Unknown, "system"
	case v.unsent:
		e.by, e.fault, e.mayGoOn = "system", true, true
		s.tell(neverSent)
	case v.code == 0: // it broke off: nobody knows what the customer's phone does
		e.by = "system"
	case v.outcome == campaigns.Congestion:
		e.by, e.fault, e.mayGoOn = "system", !rang, v.refusal && !rang
		if !rang {
			s.tell(callRefused)
		}
		if v.code == sip.StatusServiceUnavailable && v.retryAfter > 0 {
			s.n.note(s.t, func(c circuit, now time.Time) circuit { return c.resting(v.retryAfter, now) })
		}
	default:
		s.tell(callTaken)
		if !s.told(v.unknown) && v.unknown { // so many numbers are gone at once that the trunk is not believed
			e.outcome, e.by, e.fault = campaigns.Congestion, "system", !rang
			e.cause += "; not believed: trunk " + s.t.Name + " suddenly knows hardly any number"
		}
	}
	return &e
}

// callCustomer sends the one INVITE that the attempt may send to its customer over a trunk, right after the self-fence.
func (c *call) callCustomer(s *slot, h hop, nth int) error {
	t := s.t
	ip := c.n.ourIP(h)
	udp, err := c.n.rtp.Open(ip)
	if err != nil {
		return err
	}
	number := t.dialed(c.order.Customer)
	w := way{hop: h, to: sip.Uri{Scheme: "sip", User: userPart(number), Host: hostOf(t.Host), Port: portOf(t.Host)}}
	if t.Username != "" {
		w.cred = &credentials{t.Username, t.Password}
	}
	name := c.order.AttemptID.String()
	if nth > 1 { // another call to the carriers, and still the attempt's
		name += "-" + strconv.Itoa(nth)
	}
	d := c.n.newDialog(name+"@"+c.n.opts.Realm, "rm"+name, w)
	c.guard(d)
	t.identify(d, cmp.Or(c.order.CallerID, t.CallerID))
	l := newLeg(media.Customer, d, udp, ip, c.preferred(t.Codecs), t.SRTP, c.tell)
	c.customer = l
	c.listen(l)
	if !c.n.endpoint.add(d) {
		return errors.New("sipua: this attempt is being dialed, or was a moment ago")
	}
	if c.agent != nil {
		c.bridge.Attach(media.Agent, c.agent.sound)
		c.comfort(c.agent, c.n.ringback)
	}
	c.n.endpoint.job(func() { d.invite(l.local, c.before(s, d)) })
	return nil
}
