package sipua

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/amd"
	"github.com/creditorro/ringmaster/internal/media"
)

const (
	earPulse = 100 * time.Millisecond
	// earWaits is how long a far end may send nothing before that counts as silence: many send none between words.
	earWaits = 400 * time.Millisecond
	// longestSkip bounds the silence that a jump of the far end's timestamps stands for.
	longestSkip = 3 * time.Second

	// beepWait is how long a machine's beep is waited for, quietWait how long a silence stands for one that was not heard.
	beepWait  = time.Minute
	quietWait = 2500 * time.Millisecond
)

// ear listens to a customer's leg, from the first early sound to the verdict.
type ear struct {
	mu       sync.Mutex
	detector amd.Detector
	wasHuman bool   // it was taken for a person first
	ssrc     uint32 // of the stream that is heard
	next     uint32 // the timestamp that follows
	heard    bool   // there was a packet
	last     time.Time
	news     chan struct{} // what is known has changed
}

// listen begins to listen to the customer's leg: before the answer to what the network says.
func (c *call) listen(l *leg) {
	if !c.order.Listen || l.udp == nil {
		return
	}
	e := &ear{news: make(chan struct{}, 1)}
	e.detector.Early()
	c.ear = e
	l.udp.Overhear(e.take)
	c.n.endpoint.job(func() { e.attend(c.ctx, func(v amd.Verdict) { c.tell(l, event{kind: overheard, heard: v}) }) })
}

// answered begins anew: from now on the customer is heard.
func (e *ear) answered() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.detector.Answered()
}

// take hears a packet. It is called by the goroutine that receives.
func (e *ear) take(p *media.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.detector.Verdict()
	if was.Final {
		return
	}
	e.last = p.Arrived
	if p.Event {
		return
	}
	const longest = int32(longestSkip * media.Rate / time.Second)
	skip := int32(p.TS - e.next) // timestamps go round
	switch {
	case !e.heard || p.SSRC != e.ssrc || skip > longest || skip < -longest:
		e.heard, e.ssrc = true, p.SSRC
	case skip < 0:
		return // it comes twice, or too late
	case skip > 0:
		e.silence(int(skip))
	}
	e.next = p.TS
	if p.Noise {
		return // the silence that it stands for is filled in by its time
	}
	e.next += uint32(len(p.Payload))
	coding := amd.ULaw
	if p.Codec == media.ALaw {
		coding = amd.ALaw
	}
	e.noted(was, e.detector.HearCodes(p.Payload, coding))
}

var earSilence [amd.FrameSamples]int16

// silence hears nothing for so many samples. The caller holds e.mu.
func (e *ear) silence(samples int) {
	for was := e.detector.Verdict(); samples > 0; samples -= len(earSilence) {
		is := e.detector.Hear(earSilence[:min(samples, len(earSilence))])
		e.noted(was, is)
		was = is
	}
}

// noted wakes who attends where something new is known. The caller holds e.mu.
func (e *ear) noted(was, is amd.Verdict) {
	if was.Kind == is.Kind && was.Beep == is.Beep {
		return
	}
	e.wasHuman = e.wasHuman || is.Kind == amd.Person
	select {
	case e.news <- struct{}{}:
	default:
	}
}

// attend tells what becomes known, and has time pass for a far end that sends nothing while it says nothing.
func (e *ear) attend(ctx context.Context, tell func(amd.Verdict)) {
	ticker := time.NewTicker(earPulse)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.news:
			tell(e.verdict())
		case now := <-ticker.C:
			e.pass(now)
		}
	}
}

// pass is one pulse: of a machine that stalls, one that has passed is one, however late it comes.
func (e *ear) pass(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.heard && now.Sub(e.last) > earWaits && !e.detector.Verdict().Final {
		e.silence(int(earPulse * amd.Rate / time.Second))
	}
}

func (e *ear) verdict() amd.Verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.detector.Verdict()
}

// mayLeave says that the machine now records: after its beep, or when it has been silent for so long that the beep was missed.
func (e *ear) mayLeave() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.detector.Verdict().Beep > 0 || e.detector.Quiet() >= quietWait
}

// doubtful says that only its talking on has made a machine of a person.
func (e *ear) doubtful(v amd.Verdict) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.wasHuman && v.Key != amd.ByBeep && v.Key != amd.ByFax
}

// network is the end of a call of which the network has said, before the answer, that it fails; nil: go on.
func (c *call) network(s *slot, v amd.Verdict) *ending {
	if v.Kind != amd.Special {
		return nil
	}
	end := endingOf(campaigns.NoAnswer, "customer", "special information tones: "+string(v.SIT))
	switch {
	case v.SIT.NotInService():
		end.outcome = campaigns.InvalidNumber
		if !s.told(true) {
			end.outcome = campaigns.Congestion
			end.cause += "; not believed: trunk " + s.t.Name + " suddenly knows hardly any number"
		}
	case v.SIT.Congested():
		end.outcome = campaigns.Congestion
	}
	return &end
}

// said adds what the network said before an end that does not tell more.
func (c *call) said(end *ending) *ending {
	if c.ear == nil || end == nil || end.outcome != campaigns.NoAnswer {
		return end
	}
	if v := c.ear.verdict(); v.Kind == amd.Announcement {
		end.cause = strings.TrimSpace(end.cause + "; an announcement was heard")
	}
	return end
}

// hear takes a verdict on who has answered.
func (c *call) hear(v amd.Verdict) {
	if v.Kind != amd.Machine || c.told[dialer.MachineHeard] || !c.told[dialer.CustomerAnswered] {
		return
	}
	c.told[dialer.MachineHeard] = true
	c.progress <- dialer.Progress{Kind: dialer.MachineHeard, At: c.n.opts.Now(), Doubtful: c.ear.doubtful(v),
		Cause: string(v.Key) + " at " + v.At.Round(10*time.Millisecond).String()}
}

// MachineMessage implements [dialer.Listener].
func (n *Network) MachineMessage() bool { return len(n.opts.MachineMessage) > 0 }

// LeaveMessage implements [dialer.MessageLeaver].
func (c *call) LeaveMessage() { c.leaveOnce.Do(func() { close(c.leave) }) }

// leaveMessage lets the agent go, and leaves the message after the machine's beep. A machine that speaks for a minute, or is a
// fax, is hung up.
func (c *call) leaveMessage() ending {
	c.silence()
	c.unjoin(errEnded)
	if c.recorder == nil {
		c.startRecording(time.Now())
	}
	c.bridge.Attach(media.Customer, c.customer.sound) // for the recording alone
	c.say(dialer.AgentParted)
	hungUpByUs := endingOf(campaigns.Answered, "system", "no message: the machine was hung up")
	if len(c.n.opts.MachineMessage) == 0 || c.ear == nil || c.ear.verdict().Key == amd.ByFax {
		return hungUpByUs
	}
	ticker := time.NewTicker(earPulse)
	defer ticker.Stop()
	late := time.NewTimer(beepWait)
	defer late.Stop()
	var done chan struct{}
	for {
		select {
		case o := <-c.orders:
			refuse(o)
		case <-c.back:
		case ev := <-c.events:
			if ev.leg == c.customer && ev.kind == hungUp {
				return endingOf(campaigns.Answered, "customer", "the machine hung up")
			}
		case <-ticker.C:
			if done == nil && c.ear.mayLeave() {
				done = make(chan struct{})
				c.n.endpoint.job(func() {
					defer close(done)
					media.Play(c.ctx, c.customer.sound, c.n.opts.MachineMessage, false)
				})
			}
		case <-done:
			return endingOf(campaigns.Answered, "system", "message left")
		case <-late.C:
			if done == nil {
				return hungUpByUs
			}
		case <-c.hung:
			hungUpByUs.by = c.by
			return hungUpByUs
		case <-c.n.stopping:
			return hungUpByUs
		}
	}
}
