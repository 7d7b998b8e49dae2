package simulator

import (
	"fmt"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// awaitCall has an agent who is idle with the flag On given a call of the server's own after a while. Whoever has no page open
// has nobody to take it. It is called with s.mu held, as is the next.
func (d *desk) awaitCall() {
	d.turn++
	if d.s.Auto <= 0 || d.state != wire.StateIdle || !d.autoCall {
		return
	}
	turn := d.turn
	d.s.after(d.s.Auto, func() {
		switch {
		case d.turn != turn:
		case len(d.sockets) == 0:
			d.awaitCall()
		default:
			d.ring(d.nextCustomer())
		}
	})
}

// nextCustomer is the next of a thousand customers at numbers from a range of fiction, each with a card to open. The call is in
// the last of the agent's queues.
func (d *desk) nextCustomer() *call {
	n := d.s.given % 1000
	d.s.given++
	id := fmt.Sprint(10000001 + n)
	queue := ""
	if queues := d.agent.Queues; len(queues) > 0 {
		queue = queues[len(queues)-1]
	}
	return &call{
		number: fmt.Sprintf("+447700900%03d", n), customer: id, queue: queue, card: "https://crm.example.com/contacts/" + id,
		automatic: true,
		startedAt: d.s.Now(),
	}
}
