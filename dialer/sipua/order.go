package sipua

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// turn is a request's place in the order of the wire. The transaction layer gives each message a goroutine of its own, so that an
// ACK and the re-INVITE behind it, or two pressed keys, would change places.
type turn struct {
	before <-chan struct{} // closed when the request before was handled; nil: there was none
	done   chan struct{}
}

const (
	// turnWait bounds the wait for the request before, which the transaction layer may have dropped.
	turnWait = time.Second
	// maxTurns bounds how many requests of one dialog may wait.
	maxTurns = 64
)

// arrive notes a request of the far end, in the order of the wire. A resent one has no turn: it is answered by its transaction.
func (d *dialog) arrive(req *sip.Request) {
	if req.IsAck() {
		d.arriveAck(req)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := req.CSeq().SeqNo; !req.IsCancel() && n > d.arrived && len(d.turns) < maxTurns {
		d.arrived = n
		if d.turns == nil {
			d.turns = map[uint32]turn{}
		}
		d.turns[n] = d.newTurn()
	}
}

// newTurn is the place behind all others. The caller holds d.mu.
func (d *dialog) newTurn() turn {
	t := turn{before: d.last, done: make(chan struct{})}
	d.last = t.done
	return t
}

// arriveAck takes the ACK of our 2xx to a re-INVITE. It has nothing to answer, so it waits for no transaction.
func (d *dialog) arriveAck(req *sip.Request) {
	if !d.onAck(req.CSeq().SeqNo) || len(req.Body()) == 0 {
		return
	}
	d.mu.Lock()
	t, o := d.newTurn(), d.owner
	d.mu.Unlock()
	d.e.job(func() {
		defer close(t.done)
		t.await()
		o.acknowledged(req.Body())
	})
}

// inTurn handles a request when those before it are handled.
func (d *dialog) inTurn(req *sip.Request, handle func()) {
	d.mu.Lock()
	t, ok := d.turns[req.CSeq().SeqNo]
	delete(d.turns, req.CSeq().SeqNo)
	d.mu.Unlock()
	if ok {
		defer close(t.done)
		t.await()
	}
	handle()
}

func (t turn) await() {
	if t.before == nil {
		return
	}
	timer := time.NewTimer(turnWait)
	defer timer.Stop()
	select {
	case <-t.before:
	case <-timer.C:
	}
}
