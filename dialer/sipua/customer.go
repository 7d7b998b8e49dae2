package sipua

import (
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

func (c *call) agentBeforeAnswer(ev legEvent) (bool, *ending) {
	if ev.kind != hungUp {
		return false, nil
	}
	return true, new(endingOf(campaigns.AgentGaveUp, "agent", "the agent hung up before the customer answered"))
}

// guard puts the fence at the write of the customer's INVITE, which tells the far end how long it may ring: should this process
// be lost, nobody else will (RFC 3261, section 13.2.1).
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

// before asks BeforeCustomer once for each trunk, and the fence each time right before the INVITE is written.
func (c *call) before(s *slot, d *dialog) func() error {
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
		if err := waitFor(c.ctx, d.quit, s.t.pace.pass(time.Now())); err != nil {
			return errGivenUp
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

// earlyMedia gets ready for the network's own ringing and announcements. The agent hears them once they really sound: many a
// carrier promises sound with its 183 and sends none.
func (c *call) earlyMedia(ev legEvent) {
	if len(ev.body) == 0 || c.customer.rung(ev.tag, ev.body) != nil || c.promised {
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
	c.ear.answered()
	now := time.Now()
	if c.agent != nil {
		c.join(now)
	}
	c.say(dialer.CustomerAnswered)
	return true, nil
}

// join lets both sides hear each other, and begins the recording.
func (c *call) join(now time.Time) {
	c.joined = true
	c.startRecording(now)
	c.bridge.Attach(media.Customer, c.customer.sound)
	if c.nailed != nil && c.order.Agent == nil && len(c.n.opts.Notice) == 0 {
		c.nailed.latest.begin(&c.bridge)
	}
	c.bridge.Attach(media.Agent, c.agent.sound)
	if notice := c.n.opts.Notice; len(notice) > 0 {
		c.noticing = true
		c.n.endpoint.job(func() {
			c.bridge.Announce(c.ctx, notice)
			_ = c.ask(c.ctx, func() error { c.noticed(); return nil })
		})
	} else if c.nailed != nil && c.order.Agent == nil {
		c.n.endpoint.job(func() { c.bridge.Whisper(c.ctx, c.n.opts.StartTone) })
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
