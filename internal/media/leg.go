package media

import (
	"sync"
	"sync/atomic"
	"time"
)

// Leg is one side of a call's sound. It is safe for concurrent use.
type Leg interface {
	// Send speaks to the leg's far end. It never blocks on the network.
	Send(p *Packet)
	// Listen sets who hears the far end; nil: nobody. The listener is called by one goroutine and must not block.
	Listen(func(p *Packet))
	// Format is what was agreed with the far end.
	Format() Format
	// LastHeard is when the last sound, key or comfort noise came; zero: none yet.
	LastHeard() time.Time
	// LastAlive is when the far end last gave any sign of life: sound, a report by RTCP, or the keeping open of its path.
	LastAlive() time.Time
	// Stats counts what came.
	Stats() Stats
	// Closed is closed when the leg can carry no more sound.
	Closed() <-chan struct{}
	Close()
}

// inward is the receiving half that all legs share: it reads packets, counts them, and hands them to the listener.
type inward struct {
	format   atomic.Pointer[Format]
	listener atomic.Pointer[func(*Packet)]
	overhear atomic.Pointer[func(*Packet)]
	heard    atomic.Int64 // Unix nanoseconds
	alive    atomic.Int64 // Unix nanoseconds

	mu      sync.Mutex
	count   counter
	reports reports
	packet  Packet
	stopped bool
}

func (in *inward) Listen(f func(*Packet)) {
	if f == nil {
		in.listener.Store(nil)
		return
	}
	in.listener.Store(&f)
}

// Overhear sets who hears the far end beside the listener, and before it, for as long as the leg lives. It must not block, nor
// change or keep the packet.
func (in *inward) Overhear(f func(*Packet)) { in.overhear.Store(&f) }

func (in *inward) Format() Format { return *in.format.Load() }

func (in *inward) LastHeard() time.Time { return moment(&in.heard) }

func (in *inward) LastAlive() time.Time { return moment(&in.alive) }

func moment(at *atomic.Int64) time.Time {
	ns := at.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func (in *inward) Stats() Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.count.stats()
	s.RTT, s.FarLost, s.FarJitter = in.reports.rtt, in.reports.farLost, in.reports.farJitter
	return s
}

// receive takes one packet from the wire. admit, when there is one, may refuse it.
func (in *inward) receive(b []byte, now time.Time, admit func(p *Packet) bool) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := &in.packet
	if in.stopped {
		return false
	}
	content, ok := in.format.Load().parse(b, p)
	if !ok {
		return false
	}
	p.Arrived = now
	if admit != nil && !admit(p) {
		return false
	}
	in.alive.Store(now.UnixNano())
	in.count.add(p, content)
	if content == Foreign {
		return true
	}
	in.heard.Store(now.UnixNano())
	if f := in.overhear.Load(); f != nil {
		(*f)(p)
	}
	if f := in.listener.Load(); f != nil {
		(*f)(p)
	}
	return true
}
