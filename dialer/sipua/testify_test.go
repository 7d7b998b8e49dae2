package sipua

import (
	"testing"

	"github.com/creditorro/ringmaster/dialer"
)

// TestTestify: a call is up from its order to its end, and of other processes' calls nothing is known.
func TestTestify(t *testing.T) {
	t.Parallel()
	agent, customer := newFar(t), newFar(t)
	agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
	customer.run(func(f *far) { f.pickUp(); f.awaitBye() })
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
	order := orderTo(nil)
	order.Agent = agent.extension()
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	var witness dialer.Witness = n
	if up, err := witness.Testify(t.Context(), order.AttemptID); !up || err != nil {
		t.Errorf("a call that is up: %v, %v", up, err)
	}
	if up, err := witness.Testify(t.Context(), order.AttemptID+1); up || err == nil {
		t.Errorf("a call of nobody: %v, %v", up, err)
	}
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	if up, err := witness.Testify(t.Context(), order.AttemptID); up || err == nil {
		t.Errorf("a call that is over: %v, %v", up, err)
	}
	agent.ended()
	customer.ended()
}
