package sipua

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestConfirmedEnds ends calls in all ways, and wants the end to be told as confirmed exactly where the far end has said so:
// whoever swallows our CANCEL may let the customer's phone ring on, whatever the outcome on record is.
func TestConfirmedEnds(t *testing.T) {
	byUs := func(t *testing.T, c dialer.LiveCall) {
		until(t, c, dialer.CustomerAnswered)
		c.Hangup("agent")
	}
	onceSent := func(t *testing.T, c dialer.LiveCall) {
		until(t, c, dialer.CustomerDialing)
		testdeps.Lasts(time.Second) // then it is on the wire
		c.Hangup("agent")
	}
	for _, test := range []struct {
		name      string
		ring      time.Duration // zero: for as long as it may
		we        func(*testing.T, dialer.LiveCall)
		customer  func(*far)
		outcome   campaigns.Outcome
		confirmed bool
	}{
		{"the agent gives up, and the CANCEL is swallowed", 0, whileRinging("agent"), func(f *far) {
			f.answer(f.await("INVITE"), "180 Ringing")
			f.await("CANCEL")
		}, campaigns.AgentGaveUp, false},
		{"the agent gives up, and the CANCEL is agreed to without an end", 0, whileRinging("agent"), func(f *far) { rings(f) },
			campaigns.AgentGaveUp, false},
		{"the agent gives up, and the far end says nothing at all", 0, onceSent, func(f *far) { f.await("INVITE") },
			campaigns.AgentGaveUp, false},
		{"the agent gives up, and the far end agrees", 0, whileRinging("agent"), cancelled, campaigns.AgentGaveUp, true},
		{"a process that stops, and the CANCEL is swallowed", 0, whileRinging("system"), func(f *far) {
			f.answer(f.await("INVITE"), "180 Ringing")
			f.await("CANCEL")
		}, campaigns.NoAnswer, false},
		{"it rings out, and the CANCEL is swallowed", 300 * time.Millisecond, nil, func(f *far) {
			f.answer(f.await("INVITE"), "180 Ringing")
			f.await("CANCEL")
		}, campaigns.NoAnswer, false},
		{"it rings out, and the far end agrees", 300 * time.Millisecond, nil, cancelled, campaigns.NoAnswer, true},
		{"it rings out, and the end is another one", 300 * time.Millisecond, nil, func(f *far) {
			f.answer(rings(f), "480 Temporarily Unavailable")
			f.await("ACK")
		}, campaigns.NoAnswer, true},
		{"an answer crosses our CANCEL, and the BYE is agreed to", 300 * time.Millisecond, nil, func(f *far) {
			f.answer(rings(f), "200 OK", f.sdp())
			hungUpAtOnce(f)
		}, campaigns.Abandoned, true},
		{"an answer crosses our CANCEL, and the BYE is swallowed", 300 * time.Millisecond, nil, func(f *far) {
			f.answer(rings(f), "200 OK", f.sdp())
			f.await("ACK")
			f.await("BYE")
		}, campaigns.Abandoned, false},
		{"busy", 0, nil, func(f *far) { f.answer(f.await("INVITE"), "486 Busy Here"); f.await("ACK") }, campaigns.Busy, true},
		{"the trunk refuses", 0, nil, func(f *far) { f.answer(f.await("INVITE"), "500 Server Internal Error"); f.await("ACK") },
			campaigns.Congestion, true},
		{"an answer of no use, and the BYE is swallowed", 0, nil, func(f *far) {
			f.answer(f.await("INVITE"), "200 OK")
			f.await("ACK")
			f.await("BYE")
		}, campaigns.Abandoned, false},
		{"a talk that the customer ends", 0, nil, func(f *far) { f.pickUp(); f.hangUp() }, campaigns.Answered, true},
		{"a talk that we end", 0, byUs, func(f *far) { f.pickUp(); f.awaitBye() }, campaigns.Answered, true},
		{"a talk that we end, and the far end has forgotten", 0, byUs, func(f *far) {
			f.pickUp()
			f.answer(f.await("BYE"), "481 Call/Transaction Does Not Exist")
		}, campaigns.Answered, true},
		{"a talk that we end, and the BYE is swallowed", 0, byUs, func(f *far) { f.pickUp(); f.await("BYE") }, campaigns.Answered,
			false},
		{"a talk that we end, and a proxy cannot reach the phone", 0, byUs, func(f *far) {
			f.pickUp()
			f.answer(f.await("BYE"), "503 Service Unavailable")
		}, campaigns.Answered, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			agent, customer := newFar(t), newFar(t)
			agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
			customer.run(test.customer)
			n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
			order := orderTo(nil)
			order.Agent = agent.extension()
			if test.ring > 0 {
				order.Ring = test.ring
			}
			c := place(t, n, order)
			if test.we != nil {
				test.we(t, c)
			}
			got := until(t, c, dialer.Ended)
			if got.Outcome != test.outcome || got.Confirmed != test.confirmed || got.NotDialed {
				t.Errorf("ended %s, confirmed %v; want %s, %v: %+v", got.Outcome, got.Confirmed, test.outcome, test.confirmed, got)
			}
			agent.ended()
			customer.ended()
		})
	}
}
