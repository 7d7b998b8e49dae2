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
	// LastHeard is when the last packet came; zero: none yet.
	LastHeard() time.Time
	// Stats counts what came.
	Stats() Stats
	// Closed is closed when the leg can carry no more sound.
	Closed() <-chan struct{}
	Close()
}

// Stats is what one leg received.
type Stats struct {
	Packets uint64
	Lost    uint64        // by gaps in the sequence numbers (RFC 3550, appendix A.3)
	Jitter  time.Duration // interarrival jitter (RFC 3550, section 6.4.1)
}

// inward is the receiving half that all legs share: it reads packets, counts them, and hands them to the listener.
type inward struct {
	format   atomic.Pointer[Format]
	listener atomic.Pointer[func(*Packet)]
	heard    atomic.Int64 // Unix nanoseconds

	mu      sync.Mutex
	count   counter
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

func (in *inward) Format() Format { return *in.format.Load() }

func (in *inward) LastHeard() time.Time {
	ns := in.heard.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func (in *inward) Stats() Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.count.stats()
}

// receive takes one RTP packet from the wire.
func (in *inward) receive(b []byte, now time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := &in.packet
	if in.stopped || !in.format.Load().parse(b, p) {
		return false
	}
	p.Arrived = now
	in.heard.Store(now.UnixNano())
	in.count.add(p)
	if f := in.listener.Load(); f != nil {
		(*f)(p)
	}
	return true
}

// counter follows one source's sequence numbers and arrival times.
type counter struct {
	ssrc     uint32
	started  bool
	first    uint32 // extended sequence numbers
	highest  uint32
	received uint32
	past     Stats // of sources before this one
	packets  uint64
	transit  int32
	jitter   float64 // samples
	epoch    time.Time
}

func (c *counter) add(p *Packet) {
	if !c.started || p.SSRC != c.ssrc {
		c.past = c.stats()
		*c = counter{ssrc: p.SSRC, started: true, first: uint32(p.Seq), highest: uint32(p.Seq), past: c.past,
			packets: c.packets, jitter: c.jitter, epoch: p.Arrived, transit: -int32(p.TS)}
	}
	c.packets++
	c.received++
	if step := int16(p.Seq - uint16(c.highest)); step > 0 {
		c.highest += uint32(step)
	}
	if p.Event {
		return // its timestamp is the event's beginning, not the moment
	}
	transit := int32(p.Arrived.Sub(c.epoch)*Rate/time.Second) - int32(p.TS)
	d := transit - c.transit
	c.transit = transit
	c.jitter += (float64(max(d, -d)) - c.jitter) / 16
}

func (c *counter) stats() Stats {
	s := Stats{Packets: c.packets, Lost: c.past.Lost, Jitter: time.Duration(c.jitter * float64(time.Second) / Rate)}
	if expected := c.highest - c.first + 1; c.started && expected > c.received {
		s.Lost += uint64(expected - c.received)
	}
	return s
}
