package sipua

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// ringsFor gives the customer so long to answer.
func ringsFor(d time.Duration) func(*dialer.Call) { return func(o *dialer.Call) { o.Ring = d } }

// whileRinging hangs up when the customer's phone rings.
func whileRinging(by string) func(*testing.T, dialer.LiveCall) {
	return func(t *testing.T, c dialer.LiveCall) {
		until(t, c, dialer.CustomerRinging)
		c.Hangup(by)
	}
}

// rings takes the call and lets the phone ring until the CANCEL, which is agreed to.
func rings(f *far) (invite *message) {
	invite = f.await("INVITE")
	f.answer(invite, "180 Ringing")
	f.answer(f.await("CANCEL"), "200 OK")
	return invite
}

// cancelled is rings to the end.
func cancelled(f *far) {
	f.answer(rings(f), "487 Request Terminated")
	f.await("ACK")
}

// hungUpAtOnce is a customer whose answer is acknowledged, and hung up.
func hungUpAtOnce(f *far) {
	f.await("ACK")
	f.awaitBye()
}

// unusable answers with SDP that we cannot take.
func unusable(sdp ...extra) func(*far) {
	return func(f *far) {
		invite := f.await("INVITE")
		f.answer(invite, "180 Ringing")
		f.answer(invite, "200 OK", sdp...)
		hungUpAtOnce(f)
	}
}

func audio(media, address string) extra {
	return rawSDP("v=0\r\no=- 1 1 IN " + address + "\r\ns=-\r\nc=IN " + address + "\r\nt=0 0\r\n" + media + "\r\n")
}

// giveUpBehaviours are calls that end before both sides talk, because one of us gives up or the answer is of no use.
var giveUpBehaviours = []behaviour{
	{name: "it rings out", order: ringsFor(300 * time.Millisecond), customer: cancelled,
		outcome: campaigns.NoAnswer, by: "system", cause: "rang out"},
	{name: "it rings out, and the answer crosses our CANCEL", order: ringsFor(300 * time.Millisecond), customer: func(f *far) {
		f.answer(rings(f), "200 OK", f.sdp())
		hungUpAtOnce(f)
	}, outcome: campaigns.Abandoned, by: "system", cause: crossed},
	{name: "the agent gives up by order", customer: cancelled, we: whileRinging("agent"),
		outcome: campaigns.AgentGaveUp, by: "agent"},
	{name: "the agent hangs up the phone", agent: func(f *far) {
		f.pickUp()
		testdeps.Lasts(200 * time.Millisecond)
		f.hangUp()
	}, customer: cancelled, outcome: campaigns.AgentGaveUp, by: "agent"},
	{name: "the agent gives up, and the answer crosses our CANCEL", we: whileRinging("agent"), customer: func(f *far) {
		f.answer(rings(f), "200 OK", f.sdp())
		hungUpAtOnce(f)
	}, outcome: campaigns.Abandoned, by: "agent", cause: crossed},
	{name: "the agent gives up, and the answer crosses our CANCEL without a word to it", we: whileRinging("agent"),
		customer: func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "180 Ringing")
			f.await("CANCEL")
			f.answer(invite, "200 OK", f.sdp())
			for {
				m := f.next("ACK and BYE")
				if m.word() == "BYE" {
					f.answer(m, "200 OK")
					return
				}
			}
		}, outcome: campaigns.Abandoned, by: "agent", cause: crossed},
	{name: "the process stops while the customer's phone rings", customer: cancelled, we: whileRinging("system"),
		outcome: campaigns.NoAnswer, by: "system"},
	{name: "the agent gives up when the customer is busy already", we: whileRinging("agent"), customer: func(f *far) {
		f.answer(rings(f), "486 Busy Here")
		f.await("ACK")
	}, outcome: campaigns.AgentGaveUp, by: "agent"},
	{name: "an answer without SDP", customer: unusable(), outcome: campaigns.Abandoned, by: "system", cause: "cannot be used"},
	{name: "an answer with G.729 alone", customer: unusable(audio("m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000",
		"IP4 127.0.0.1")),
		outcome: campaigns.Abandoned, by: "system", cause: "cannot be used"},
	{name: "an answer with an IPv6 address", customer: unusable(audio("m=audio 4000 RTP/AVP 8", "IP6 ::1")),
		outcome: campaigns.Abandoned, by: "system", cause: "cannot be used"},
	{name: "an answer that refuses the audio", customer: unusable(audio("m=audio 0 RTP/AVP 8", "IP4 127.0.0.1")),
		outcome: campaigns.Abandoned, by: "system", cause: "cannot be used"},
	{name: "an answer that wants SRTP", customer: unusable(audio("m=audio 4000 RTP/SAVP 8", "IP4 127.0.0.1")),
		outcome: campaigns.Abandoned, by: "system", cause: "cannot be used"},
	{name: "an answer that is no SDP", customer: unusable(rawSDP("hello")), outcome: campaigns.Abandoned, by: "system",
		cause: "cannot be used"},
	{name: "the self-fence refuses", order: func(o *dialer.Call) {
		o.BeforeCustomer = func(context.Context) error { return errors.New("not ours") }
	}, customer: func(*far) {}, outcome: campaigns.Unknown, by: "system", cause: "not ours"},
	{name: "the fence at the write refuses the first", order: func(o *dialer.Call) {
		o.MayWrite = func() error { return errors.New("no longer ours") }
	}, customer: func(*far) {}, outcome: campaigns.Unknown, by: "system", cause: "no longer ours"},
	{name: "customer first: the customer leaves before an agent comes", order: customerFirst, customer: func(f *far) {
		f.pickUp()
		f.hangUp()
	}, outcome: campaigns.Answered, by: "customer", cause: "customer_left"},
	{name: "customer first: no agent in time", order: customerFirst, customer: func(f *far) { f.pickUp(); f.awaitBye() },
		we: func(t *testing.T, c dialer.LiveCall) {
			until(t, c, dialer.CustomerAnswered)
			c.Hangup("system")
		}, outcome: campaigns.Abandoned, by: "system"},
	{name: "the INVITE says for how long the phone may ring", order: ringsFor(20*time.Second + time.Millisecond),
		customer: func(f *far) {
			invite := f.await("INVITE")
			f.check(invite.get("Expires") == "21", "Expires: %q", invite.get("Expires"))
			f.answer(invite, "486 Busy Here")
			f.await("ACK")
		}, outcome: campaigns.Busy, by: "customer"},
}

func customerFirst(o *dialer.Call) { o.Agent = nil }

// TestLateAnswers has the customer answer when the call's end was told already.
func TestLateAnswers(t *testing.T) {
	for _, test := range []struct {
		name     string
		outcome  campaigns.Outcome // as it is told first; silence proves nothing
		customer func(f *far, ended <-chan struct{})
	}{
		{"after our CANCEL", campaigns.NoAnswer, func(f *far, ended <-chan struct{}) {
			invite := rings(f)
			<-ended
			f.answer(invite, "200 OK", f.sdp())
			hungUpAtOnce(f)
		}},
		{"of a trunk that was silent", campaigns.Unknown, func(f *far, ended <-chan struct{}) {
			invite := f.await("INVITE")
			<-ended
			f.answer(invite, "200 OK", f.sdp())
			hungUpAtOnce(f)
		}},
		{"of a trunk that was silent, and rings first", campaigns.Unknown, func(f *far, ended <-chan struct{}) {
			invite := f.await("INVITE")
			<-ended
			f.answer(invite, "180 Ringing")
			f.answer(f.await("CANCEL"), "200 OK")
			f.answer(invite, "200 OK", f.sdp())
			hungUpAtOnce(f)
		}},
		{"when the INVITE's transaction is over", campaigns.Unknown, func(f *far, ended <-chan struct{}) {
			invite := f.await("INVITE")
			<-ended
			testdeps.Lasts(linger + time.Second) // timer B of RFC 3261
			f.answer(invite, "183 Session Progress")
			f.answer(f.await("CANCEL"), "481 Call/Transaction Does Not Exist")
			f.answer(invite, "200 OK", f.sdp())
			hungUpAtOnce(f)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent, customer := newFar(t), newFar(t)
			agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
			ended, late := make(chan struct{}), make(chan dialer.Progress, 2)
			customer.run(func(f *far) { test.customer(f, ended) })
			n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
			order := orderTo(nil)
			order.Agent, order.Ring = agent.extension(), 500*time.Millisecond
			order.Late = func(p dialer.Progress) { late <- p }
			c := place(t, n, order)
			if got := until(t, c, dialer.Ended); got.Outcome != test.outcome || got.NotDialed {
				t.Errorf("ended %+v", got)
			}
			close(ended)
			customer.ended()
			agent.ended()
			if got := <-late; got.Outcome != campaigns.Abandoned || got.Kind != dialer.Ended || !strings.Contains(got.Cause, "given up") {
				t.Errorf("late: %+v", got)
			}
		})
	}
}
