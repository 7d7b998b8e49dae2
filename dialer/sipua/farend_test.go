package sipua

import (
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// behaviour is something that carriers or phones do, and what must come of it. A call is placed from the agent's phone to the
// customer by a trunk; both are scripts, see [far], and each fails at what it did not expect.
type behaviour struct {
	name     string
	options  func(*Options)                    // beside the trunk, which is the customer's far end
	order    func(*dialer.Call)                // beside the agent's phone; without one: the customer first
	agent    func(*far)                        // the agent's phone; nil: it picks up, talks, and waits for our BYE
	customer func(*far)                        // the customer's side of the trunk
	we       func(*testing.T, dialer.LiveCall) // what we do when the call is placed; nil: nothing

	outcome campaigns.Outcome
	by      string // who hung up
	cause   string // the cause has this
	wire    string // what the customer's side saw, without resends: "<INVITE" came, ">180" went; "": the script says it all
}

// TestFarEnd plays all behaviours. A room adds a table of its own here, in a file of its own.
func TestFarEnd(t *testing.T) {
	for _, b := range slices.Concat(dialogBehaviours, giveUpBehaviours, mediaBehaviours) {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.play(t)
		})
	}
}

func (b behaviour) play(t *testing.T) {
	agent, customer := newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer.addr}}
		if b.options != nil {
			b.options(o)
		}
	})
	order := orderTo(nil)
	order.Agent = agent.extension()
	if b.order != nil {
		b.order(&order)
	}
	if b.agent == nil {
		b.agent = func(f *far) { f.pickUp(); f.awaitBye() }
	}
	if order.Agent == nil {
		b.agent = func(*far) {}
	}
	agent.run(b.agent)
	customer.run(b.customer)
	c := place(t, n, order)
	if b.we != nil {
		b.we(t, c)
	}
	got := until(t, c, dialer.Ended)
	if got.Outcome != b.outcome || got.HangupBy != b.by || !strings.Contains(got.Cause, b.cause) {
		t.Errorf("ended %s by %s, %q; want %s by %s, %q", got.Outcome, got.HangupBy, got.Cause, b.outcome, b.by, b.cause)
	}
	agent.ended()
	customer.ended()
	if saw := strings.Join(customer.wire, " "); b.wire != "" && saw != b.wire {
		t.Errorf("the customer's side saw %s; want %s", saw, b.wire)
	}
}
