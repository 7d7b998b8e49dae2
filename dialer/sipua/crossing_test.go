package sipua

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestWhatHappenedComesBeforeWhatWeDo has an answer, or the agent's end, ready in the very moment in which the loop looks at its
// timer or at an order to hang up: the event decides, each time.
func TestWhatHappenedComesBeforeWhatWeDo(t *testing.T) {
	n := startNetwork(t, func(*Options) {})
	<-n.ready
	rangOut, left := endingOf(campaigns.NoAnswer, "system", "rang out"), endingOf(campaigns.AgentGaveUp, "", "hung up")
	for _, test := range []struct {
		name  string
		ready func(*call) (limit time.Duration) // beside the event
	}{
		{"the time of ringing is over", func(*call) time.Duration { return 1 }},
		{"an order to hang up", func(c *call) time.Duration { c.Hangup("agent"); return 0 }},
		{"both", func(c *call) time.Duration { c.Hangup("agent"); return 1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 500 {
				c := n.newCall(orderTo(nil))
				agent, customer := &leg{}, &leg{}
				c.events <- legEvent{customer, event{kind: ringing}}
				c.events <- legEvent{customer, event{kind: answered}}
				c.events <- legEvent{agent, event{kind: hungUp}}
				said := ""
				end := c.wait(test.ready(c), rangOut, left, func(ev legEvent) (bool, *ending) {
					switch {
					case ev.leg == agent:
						return c.agentBeforeAnswer(ev)
					case ev.kind == ringing:
						testdeps.Lasts(time.Microsecond) // the timer of 1 ns is over
					case ev.kind == answered:
						said = "answered"
						return true, nil
					}
					return false, nil
				})
				if said != "answered" || end != nil {
					t.Fatalf("the answer was overlooked: %+v", end)
				}
				if end := c.wait(test.ready(c), rangOut, left, func(ev legEvent) (bool, *ending) {
					return c.agentBeforeAnswer(ev)
				}); end == nil || end.by != "agent" || end.cause == left.cause {
					t.Fatalf("the agent's own hang-up was overlooked: %+v", end)
				}
				c.stop()
			}
		})
	}
}

// TestAnAnswerAtTheLastMoment lets customers answer, and agents hang up, in the very moment in which the phone has rung for long
// enough: whoever has answered is on record as somebody who did.
func TestAnAnswerAtTheLastMoment(t *testing.T) {
	const calls, ring = 40, 400 * time.Millisecond
	for _, test := range []struct {
		name      string
		agentEnds bool
	}{{"the ring is over", false}, {"the agent hangs up", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var all sync.WaitGroup
			var late atomic.Int32
			for range calls {
				agent, customer := newFar(t), newFar(t)
				n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
				end := make(chan struct{})
				agent.run(func(f *far) {
					f.pickUp()
					if test.agentEnds {
						<-end
						f.request("BYE")
						f.status("200")
						return
					}
					f.awaitBye()
				})
				moment := ring + time.Duration(rand.IntN(6)-3)*time.Millisecond // on both sides of it
				customer.run(func(f *far) {
					invite := f.await("INVITE")
					began := time.Now()
					f.answer(invite, "180 Ringing")
					testdeps.Lasts(moment - time.Since(began)) // the subject
					close(end)
					f.answer(invite, "200 OK", f.sdp())
					for { // acknowledged, and hung up by whomever; a CANCEL may have crossed it
						switch m := f.next("ACK and BYE"); m.word() {
						case "CANCEL":
							f.answer(m, "200 OK")
						case "BYE":
							f.answer(m, "200 OK")
							return
						}
					}
				})
				order := orderTo(nil)
				order.Agent, order.Ring = agent.extension(), ring
				if test.agentEnds {
					order.Ring = 15 * time.Second
				}
				c := place(t, n, order)
				all.Go(func() {
					rings := false // a busy machine may hear of it only after the ring's end: then nobody has answered a call that rang
					for p := range c.Progress() {
						rings = rings || p.Kind == dialer.CustomerRinging || p.Kind == dialer.CustomerAnswered
						switch {
						case p.Kind == dialer.CustomerAnswered && !test.agentEnds:
							c.Hangup("agent")
						case p.Kind == dialer.Ended && !rings:
							late.Add(1)
						case p.Kind == dialer.Ended && p.Outcome != campaigns.Answered && p.Outcome != campaigns.Abandoned:
							t.Errorf("the customer has answered, and it is on record as %+v", p)
						}
					}
				})
			}
			all.Wait()
			if late.Load() == calls {
				t.Skip("this machine was too busy to hear any phone ring")
			}
		})
	}
}
