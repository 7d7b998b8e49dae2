package dialer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// toy is a whole phone network: everybody picks up at once, and customers hang up after a moment. It can nothing that it need
// not.
type toy struct {
	mu   sync.Mutex
	rang map[string]int
}

func (*toy) Name() string { return "simulated" }

func (*toy) Reachable(context.Context, agents.Extension) error { return nil }

func (n *toy) Place(_ context.Context, order dialer.Call) (dialer.LiveCall, error) {
	c := &toyCall{progress: make(chan dialer.Progress, 8), bye: make(chan string, 1)}
	go func() {
		defer close(c.progress)
		c.tell(dialer.Progress{Kind: dialer.AgentRinging})
		c.tell(dialer.Progress{Kind: dialer.AgentAnswered})
		if err := order.BeforeCustomer(context.Background()); err != nil {
			c.tell(dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.Unknown, HangupBy: "system", Cause: err.Error(),
				NotDialed: true})
			return
		}
		n.mu.Lock()
		n.rang[order.Customer]++
		n.mu.Unlock()
		c.tell(dialer.Progress{Kind: dialer.CustomerDialing})
		c.tell(dialer.Progress{Kind: dialer.CustomerAnswered})
		by := "customer"
		select {
		case by = <-c.bye:
		case <-time.After(10 * time.Millisecond):
		}
		c.tell(dialer.Progress{Kind: dialer.Ended, Outcome: campaigns.Answered, HangupBy: by})
	}()
	return c, nil
}

type toyCall struct {
	progress chan dialer.Progress
	bye      chan string
}

func (c *toyCall) tell(p dialer.Progress) {
	p.At = time.Now()
	c.progress <- p
}

func (c *toyCall) Progress() <-chan dialer.Progress { return c.progress }

func (c *toyCall) Hangup(by string) {
	select {
	case c.bye <- by:
	default:
	}
}

// TestAToyNetwork: that is all that a phone network needs.
func TestAToyNetwork(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign()
	h.people(c, numbers(10, 0)...)
	network := &toy{rang: map[string]int{}}
	n := h.node("n1", func(d *dialer.Deps) { d.Networks["simulated"] = network })
	for range 2 {
		n.agent(c.Queue)
	}
	n.coder("1")
	h.eventually(10, "SELECT count(*) FROM attempts WHERE outcome = 'answered' AND code = '1'")
	n.stop()
	h.checkContacts()
	h.checkEvents()
	for number, times := range network.rang {
		if times != 1 {
			t.Errorf("%s rang %d times", number, times)
		}
	}
}
