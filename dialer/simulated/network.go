package simulated

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
)

// ErrClosed says that the network is closed.
var ErrClosed = errors.New("simulated: network closed")

// Options of a [Network].
type Options struct {
	Name   string // what Extension.Network says; empty: "simulated"
	Script Script
	Clock  Clock   // nil: Real
	Ledger *Ledger // nil: none
}

// Network is a phone network of scripted phones. It is safe for concurrent use.
type Network struct {
	name   string
	script Script
	clock  Clock
	ledger *Ledger
	agenda *agenda
	placed atomic.Int64

	mu         sync.Mutex
	closed     bool
	calls      map[dialer.AttemptID]*call // in the making or up
	rung       map[dialer.AttemptID]int   // customers' rings
	dialogs    map[string]int             // a number's calls between its ring and its end
	crossed    []string                   // numbers that were rung while they were in a call
	extensions map[string]Condition       // those that are not Well
}

// Condition is what an agent's phone is like.
type Condition int

// Conditions of an agent's phone.
const (
	Well        Condition = iota // reachable, and answers unless the script says otherwise
	Silent                       // reachable, rings, is not answered
	Unreachable                  // cannot be called
	Slow                         // reachable, and answered after a long while
)

const slowAnswer = 9 * time.Second // of an agent's phone that is Slow

// New starts a network; [Network.Close] ends it. It refuses a script that cannot be played.
func New(o Options) (*Network, error) {
	if err := o.Script.check(); err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "simulated"
	}
	if o.Clock == nil {
		o.Clock = Real()
	}
	return &Network{
		name: o.Name, script: o.Script, clock: o.Clock, ledger: o.Ledger, agenda: newAgenda(o.Clock),
		calls: map[dialer.AttemptID]*call{}, rung: map[dialer.AttemptID]int{}, dialogs: map[string]int{},
		extensions: map[string]Condition{},
	}, nil
}

// Close hangs every call up and ends the network.
func (n *Network) Close() {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return
	}
	n.closed = true
	calls := make([]*call, 0, len(n.calls))
	for _, c := range n.calls {
		calls = append(calls, c)
	}
	n.mu.Unlock()
	for _, c := range calls {
		c.Hangup("system")
	}
	n.agenda.close()
}

// Name is what Extension.Network says.
func (n *Network) Name() string { return n.name }

// SetExtension changes what the agent's phone of that name is like from now on, also in calls that ring it already.
func (n *Network) SetExtension(name string, c Condition) {
	n.mu.Lock()
	n.extensions[name] = c
	n.mu.Unlock()
}

func (n *Network) condition(name string) Condition {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.extensions[name]
}

// answers reports whether a phone like that is answered at all, and after how long.
func (c Condition) answers(usual time.Duration) (after time.Duration, ever bool) {
	if c == Slow {
		return max(usual, slowAnswer), true
	}
	return usual, c == Well
}

// Reachable says whether the extension's phone could be called now.
func (n *Network) Reachable(_ context.Context, ext agents.Extension) error {
	if n.condition(ext.Name) == Unreachable {
		return fmt.Errorf("simulated: extension %s: %w", ext.Name, dialer.ErrNotRegistered)
	}
	return nil
}

// Place begins a call.
func (n *Network) Place(_ context.Context, order dialer.Call) (dialer.LiveCall, error) {
	c := &call{
		net: n, order: order, fate: n.script.fate(order.AttemptID, order.Customer),
		progress: make(chan dialer.Progress, progressRoom), waits: moment{index: -1}, listens: moment{index: -1},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	n.mu.Lock()
	if _, twice := n.calls[order.AttemptID]; twice || n.closed {
		n.mu.Unlock()
		c.cancel()
		if twice {
			return nil, fmt.Errorf("simulated: attempt %s is in a call already", order.AttemptID)
		}
		return nil, ErrClosed
	}
	n.calls[order.AttemptID] = c
	n.mu.Unlock()
	n.placed.Add(1)
	c.begin()
	return c, nil
}

// ring counts a customer's ring. In a ledger it is written before the phone rings; an error means that it does not.
func (n *Network) ring(id dialer.AttemptID, number string) error {
	if n.ledger != nil {
		if err := n.ledger.write(Ring{id, number, n.clock.Now()}); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rung[id]++
	n.dialogs[number]++
	if n.dialogs[number] > 1 {
		n.crossed = append(n.crossed, number)
	}
	return nil
}

// over forgets a call that has ended.
func (n *Network) over(c *call, rang bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.calls, c.order.AttemptID)
	if rang {
		if n.dialogs[c.order.Customer]--; n.dialogs[c.order.Customer] == 0 {
			delete(n.dialogs, c.order.Customer)
		}
	}
}

// Placed counts the calls ever placed.
func (n *Network) Placed() int64 { return n.placed.Load() }

// Active counts the calls in the making or up.
func (n *Network) Active() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.calls)
}

// Rung returns how often each attempt rang its customer.
func (n *Network) Rung() map[dialer.AttemptID]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	rung := make(map[dialer.AttemptID]int, len(n.rung))
	for id, times := range n.rung {
		rung[id] = times
	}
	return rung
}

// Crossed lists the numbers that were rung while they were in a call already.
func (n *Network) Crossed() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.crossed...)
}

// Testify says whether an attempt's call is up.
func (n *Network) Testify(_ context.Context, id dialer.AttemptID) (up bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, up = n.calls[id]
	return up, nil
}

// fenceLimit bounds the self-fence: a dialer whose database does not answer by then may not dial.
const fenceLimit = 10 * time.Second

// AbandonedMessage implements [dialer.CustomerFirst]: all is played.
func (n *Network) AbandonedMessage() bool { return true }

// MachineMessage implements [dialer.Listener].
func (n *Network) MachineMessage() bool { return true }

var (
	_ dialer.Listener      = (*Network)(nil)
	_ dialer.PhoneNetwork  = (*Network)(nil)
	_ dialer.CustomerFirst = (*Network)(nil)
	_ dialer.Witness       = (*Network)(nil)
)
