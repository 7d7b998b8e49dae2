package sipua

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
)

// fenceTimeout bounds BeforeCustomer: an answer that takes longer is a no.
const fenceTimeout = 5 * time.Second

// dialCustomer dials the customer's phone until it is answered; nil: it was.
func (c *call) dialCustomer() *ending {
	t, release, err := c.n.pickTrunk(c.ctx, c.hung)
	if err != nil {
		return new(endingOf(campaigns.Congestion, "system", err.Error()))
	}
	c.release = release
	if err := c.callCustomer(t); err != nil {
		return new(endingOf(campaigns.Congestion, "system", err.Error()))
	}
	over := false
	left := endingOf(campaigns.AgentGaveUp, "", "hung up before the customer answered")
	end := c.wait(c.order.Ring, endingOf(campaigns.NoAnswer, "system", "rang out"), left, func(ev legEvent) (bool, *ending) {
		switch {
		case ev.leg == c.agent:
			return c.agentBeforeAnswer(ev)
		case ev.kind == ringing && ev.code == sip.StatusTrying: // from the fence: the INVITE is being written
			c.say(dialer.CustomerDialing)
		case ev.kind == ringing:
			c.say(dialer.CustomerRinging)
			c.earlyMedia(ev)
		case ev.kind == sounded && c.agent != nil:
			c.silence()
			c.bridge.Attach(media.Customer, c.customer.sound)
		case ev.kind == answered:
			over = true
			return c.customerAnswered(ev, t.Name)
		case ev.kind == failed:
			over = true
			return true, customerFailed(ev.verdict)
		case ev.kind == keptBack:
			return true, new(endingOf(cmp.Or(ev.outcome, campaigns.Unknown), "system", ev.cause))
		}
		return false, nil
	})
	if !over {
		end = c.giveUp(whoGaveUp(end, campaigns.NoAnswer))
	}
	c.silence()
	switch silent := c.customer.silent(); {
	case !silent:
		t.heard(true)
	case end.outcome == campaigns.NoAnswer || end.cause == noResponse:
		t.heard(false)
		end.cause = noResponse
	}
	return end
}

// customerFailed is the end of a call whose INVITE failed.
func customerFailed(v verdict) *ending {
	e := ending{verdict: v, by: "customer"}
	switch v.outcome {
	case "": // the self-fence refused: nothing was dialed
		e.outcome, e.by = campaigns.Unknown, "system"
	case campaigns.Congestion:
		e.by = "system"
	}
	return &e
}

func (c *call) agentBeforeAnswer(ev legEvent) (bool, *ending) {
	if ev.kind != hungUp {
		return false, nil
	}
	return true, new(endingOf(campaigns.AgentGaveUp, "agent", "the agent hung up before the customer answered"))
}

// callCustomer sends the one INVITE that the attempt may send to its customer, right after the self-fence.
func (c *call) callCustomer(t *trunk) error {
	udp, err := c.n.rtp.Open(c.n.ip)
	if err != nil {
		return err
	}
	number := t.dialed(c.order.Customer)
	w := way{hop: t.hop(), to: sip.Uri{Scheme: "sip", User: userPart(number), Host: hostOf(t.Host), Port: portOf(t.Host)}}
	if t.Username != "" {
		w.cred = &credentials{t.Username, t.Password}
	}
	d := c.n.newDialog(c.order.AttemptID.String()+"@"+c.n.opts.Realm, "rm"+c.order.AttemptID.String(), w)
	caller := c.order.CallerID
	if caller == "" {
		caller = t.CallerID
	}
	c.guard(d)
	d.from = sip.Uri{Scheme: "sip", User: userPart(caller), Host: t.FromDomain}
	l := newLeg(media.Customer, d, udp, c.n.ip, c.preferred(t.Codecs), t.SRTP, c.tell)
	c.customer = l
	if !c.n.endpoint.add(d) {
		return errors.New("sipua: this attempt is being dialed, or was a moment ago")
	}
	if c.agent != nil {
		c.bridge.Attach(media.Agent, c.agent.sound)
		c.comfort(c.agent, c.n.ringback)
	}
	c.n.endpoint.job(func() { d.invite(l.local, c.before(d)) })
	return nil
}

// guard puts the fence at the write of the customer's INVITE, which tells the far end how long it may ring: should this process be
// lost, nobody else will (RFC 3261, section 13.2.1).
func (c *call) guard(d *dialog) {
	c.given = newGivenUp()
	d.given = c.given
	d.fence = &fence{
		ring: c.order.Ring,
		ask: func() error {
			if d.cancelled() {
				return errGivenUp
			}
			return c.order.Write()
		},
		kept: func(err error) {
			v := verdict{cause: err.Error()}
			switch {
			case errors.Is(err, errGivenUp):
				return // the call knows
			case errors.Is(err, errRangOut):
				v.outcome = campaigns.NoAnswer
			default:
				c.n.log.Warn("an INVITE was kept back", "attempt", c.order.AttemptID, "error", err)
			}
			c.tell(c.customer, event{kind: keptBack, verdict: v})
		},
	}
	if c.order.Ring > 0 {
		d.extra = append(d.extra, sip.NewHeader("Expires", strconv.Itoa(int((c.order.Ring+time.Second-1)/time.Second))))
	}
}

// before asks BeforeCustomer once, and the fence each time right before the INVITE is written.
func (c *call) before(d *dialog) func() error {
	asked := false
	return func() error {
		if asked { // the same INVITE again, with credentials
			return d.fence.may()
		}
		asked = true
		if c.order.BeforeCustomer != nil {
			ctx, stop := context.WithTimeout(c.ctx, fenceTimeout)
			defer stop()
			if err := c.order.BeforeCustomer(ctx); err != nil {
				return err
			}
		}
		if err := d.fence.may(); err != nil {
			return err
		}
		if c.order.Agent == nil {
			c.n.figures.invited(time.Since(c.began).Seconds())
		}
		c.tell(c.customer, event{kind: ringing, code: sip.StatusTrying})
		return nil
	}
}

// preferred puts the agent's codec first, so that nothing needs to be converted.
func (c *call) preferred(codecs []media.Codec) []media.Codec {
	if c.agent == nil || len(codecs) < 2 || c.agent.sound.Format().Codec == codecs[0] {
		return codecs
	}
	return []media.Codec{codecs[1], codecs[0]}
}

// earlyMedia gets ready for the network's own ringing and announcements. The agent hears them once they really sound: many a carrier
// promises sound with its 183 and sends none.
func (c *call) earlyMedia(ev legEvent) {
	if len(ev.body) == 0 || c.customer.ringing(ev.tag, ev.body) != nil || c.promised {
		return
	}
	c.promised = true
	l, told := c.customer, false
	l.sound.Listen(func(p *media.Packet) {
		if !told && !p.Noise && !p.Event {
			told = true
			go c.tell(l, event{kind: sounded})
		}
	})
}

// customerAnswered takes the customer's answer. One that we cannot use is a person who said hello and heard nothing.
func (c *call) customerAnswered(ev legEvent, trunk string) (bool, *ending) {
	if err := c.customer.accept(ev.tag, ev.body); err != nil {
		c.n.figures.unusable(trunk)
		c.n.log.Error("the trunk's answer cannot be used: its customer was hung up", "trunk", trunk, "attempt", c.order.AttemptID,
			"error", err)
		return true, new(endingOf(campaigns.Abandoned, "system", "the answer cannot be used: "+err.Error()))
	}
	c.silence()
	now := time.Now()
	if c.agent != nil {
		c.join(now)
	}
	c.sayAt(dialer.CustomerAnswered, now)
	return true, nil
}

// join lets both sides hear each other, and begins the recording.
func (c *call) join(now time.Time) {
	c.joined = true
	c.startRecording(now)
	c.bridge.Attach(media.Agent, c.agent.sound)
	c.bridge.Attach(media.Customer, c.customer.sound)
	if notice := c.n.opts.Notice; len(notice) > 0 {
		c.noticing = true
		c.n.endpoint.job(func() {
			c.bridge.Announce(c.ctx, notice)
			_ = c.ask(c.ctx, func() error { c.noticed(); return nil })
		})
	}
	c.setGates()
	if c.agent.holding() { // it answered so
		c.setHold(true)
	}
}

// noticed is called when the notice has been played.
func (c *call) noticed() {
	c.noticing = false
	c.setGates()
	if c.held {
		c.comfort(c.customer, c.n.opts.Comfort)
	}
}
