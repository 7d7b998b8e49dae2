package media

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

// UDP is a leg over RTP: a trunk, or a desk phone.
type UDP struct {
	inward
	out outward
	*pair
	ports   *Ports
	readers atomic.Int32
	route   atomic.Pointer[route] // nil: nothing is agreed on yet
	source  source                // guarded by inward.mu
	secured atomic.Bool
	opens   *cipher // guarded by inward.mu; nil: the far end speaks in the clear
	seals   *cipher // guarded by out.mu
	sealed  []byte  // the same
	plain   []byte  // what was unsealed last; the reader's own
	shut    bool    // guarded by out.mu: the sockets may be another leg's
	once    sync.Once
	closed  chan struct{}
}

// Terms are what an SDP says of a far end.
type Terms struct {
	To         netip.AddrPort // where it hears us
	Control    netip.AddrPort // where it takes RTCP; port 0: nowhere
	Mux        bool           // RTCP shares the port of RTP (RFC 5761)
	Signalling netip.Addr     // where its SIP messages come from
	Deaf       bool           // it does not want to hear us now
	Format     Format
	Keys       *Keys // SRTP; nil: in the clear
}

// route is where we send to.
type route struct {
	to, control netip.AddrPort
	mux, deaf   bool
}

// Agree sets or changes what the far end's SDP says. Besides the address in it, sound is taken from the one that the far end's
// SIP messages come from: a phone behind a NAT names an address in its SDP that never sends.
func (u *UDP) Agree(t Terms) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.secure(t.Keys); err != nil {
		return err
	}
	u.source.agree(t.To, t.Signalling)
	u.format.Store(&t.Format)
	u.route.Store(&route{to: u.source.to, control: t.Control, mux: t.Mux, deaf: t.Deaf})
	return nil
}

// Expect lets the sound of another early dialog be heard, when the one agreed on is silent.
func (u *UDP) Expect(to netip.AddrPort) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.source.expect(to)
}

// secure takes keys into use. The caller holds u.mu.
func (u *UDP) secure(keys *Keys) error {
	u.out.mu.Lock()
	defer u.out.mu.Unlock()
	u.secured.Store(keys != nil)
	if keys == nil {
		u.opens, u.seals = nil, nil
		return nil
	}
	opens, err := u.opens.rekeyed(keys.Theirs)
	if err != nil {
		return err
	}
	seals, err := u.seals.rekeyed(keys.Ours)
	if err != nil {
		return err
	}
	u.opens, u.seals = opens, seals
	return nil
}

// datagrams are buffers of readers. Legs come and go faster than the garbage collector would have to look for it.
var datagrams = sync.Pool{New: func() any { return new([2048]byte) }}

func (u *UDP) read() {
	buf := datagrams.Get().(*[2048]byte)
	defer u.leave(buf)
	var from netip.AddrPort
	admit := func(p *Packet) bool {
		ok, moved := u.source.admit(from, p.Seq, p.Arrived)
		if moved {
			r := *u.route.Load()
			r.to = u.source.to
			u.route.Store(&r)
		}
		return ok
	}
	for {
		n, addr, err := u.rtp.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			if u.over() {
				return
			}
			continue // a port unreachable of the far end shows here, and passes
		}
		from = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
		if u.route.Load() == nil {
			continue // nothing is agreed on yet
		}
		switch b, now := buf[:n], time.Now(); {
		case isSTUN(b):
			u.keptOpen(from, now)
		case isControl(b):
			u.reported(b, from, now)
		default:
			if b = u.opened(b); b != nil {
				u.receive(b, now, admit)
			}
		}
	}
}

// opened takes the protection off a packet; nil: it is not the far end's.
func (u *UDP) opened(b []byte) []byte {
	if !u.secured.Load() {
		return b
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.opens == nil {
		return nil
	}
	plain, err := u.opens.context.DecryptRTP(u.plain[:0], b, nil)
	if err != nil {
		return nil
	}
	u.plain = plain
	return plain
}

// keptOpen takes a STUN message of the known source as a sign of life.
func (u *UDP) keptOpen(from netip.AddrPort, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if from == u.source.known {
		u.alive.Store(now.UnixNano())
	}
}

// reported takes RTCP.
func (u *UDP) reported(b []byte, from netip.AddrPort, now time.Time) (taken bool) {
	u.mu.Lock()
	known, opens := u.source.mayBe(from.Addr()), u.opens
	var err error
	if opens != nil {
		b, err = opens.context.DecryptRTCP(nil, b, nil)
	}
	u.mu.Unlock()
	if !known || err != nil {
		return false
	}
	u.out.mu.Lock()
	ours := u.out.name()
	u.out.mu.Unlock()
	return u.control(b, ours, now)
}

// reportAndRead sends our reports and takes the far end's. One goroutine does both: the read's deadline is the clock.
func (u *UDP) reportAndRead() {
	buf := datagrams.Get().(*[2048]byte)
	defer u.leave(buf)
	var learned netip.AddrPort // where the far end's reports come from
	next := time.Now().Add(reportIn() / 2)
	for {
		_ = u.rtcp.SetReadDeadline(next)
		if u.over() { // after the deadline is set, for Close sets another one
			return
		}
		n, from, err := u.rtcp.ReadFromUDPAddrPort(buf[:])
		switch {
		case err != nil && u.over():
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			next = time.Now().Add(reportIn())
			u.report(learned)
		case err == nil && u.route.Load() != nil && isControl(buf[:n]):
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			if u.reported(buf[:n], from, time.Now()) {
				learned = from
			}
		}
	}
}

// report tells the far end how it is heard. Where it sits behind a NAT, that is where its own reports come from.
func (u *UDP) report(learned netip.AddrPort) {
	r := u.route.Load()
	if r == nil {
		return
	}
	conn, to := u.rtcp, r.control
	switch {
	case r.mux:
		conn, to = u.rtp, r.to
	case to.Port() == 0:
		return // it wants none
	case r.to.Addr() == to.Addr(): // it is where it says
	case learned.Addr() == r.to.Addr():
		to = learned
	default:
		to = netip.AddrPortFrom(r.to.Addr(), r.to.Port()+1)
	}
	if !sendable(to) {
		return
	}
	b, err := rtcp.Marshal(report(&u.inward, &u.out, time.Now()))
	if err != nil {
		return // of our own making: it would not be understood
	}
	u.out.mu.Lock()
	defer u.out.mu.Unlock()
	if u.shut {
		return
	}
	if u.seals != nil {
		if b, err = u.seals.context.EncryptRTCP(nil, b, nil); err != nil {
			return
		}
	}
	_, _ = conn.WriteToUDPAddrPort(b, to)
}

// sendable reports whether something may be there: an SDP may name no address, which was hold in RFC 2543.
func sendable(to netip.AddrPort) bool {
	return to.IsValid() && to.Port() != 0 && !to.Addr().IsUnspecified()
}

// Send writes p to the far end, unless that does not want to hear us.
func (u *UDP) Send(p *Packet) {
	r := u.route.Load()
	if r == nil || r.deaf || !sendable(r.to) {
		return
	}
	u.out.write(p, u.format.Load(), func(b []byte) {
		if u.shut {
			return
		}
		if u.seals != nil {
			var err error
			if u.sealed, err = u.seals.context.EncryptRTP(u.sealed[:0], b, nil); err != nil {
				return
			}
			b = u.sealed
		}
		_, _ = u.rtp.WriteToUDPAddrPort(b, r.to)
	})
}

// Closed is closed by Close alone: plain RTP has no end of its own.
func (u *UDP) Closed() <-chan struct{} { return u.closed }

// over reports whether Close was called.
func (u *UDP) over() bool {
	select {
	case <-u.closed:
		return true
	default:
		return false
	}
}

// Close lets the ports rest. Nobody is called by the leg afterwards, and nothing is sent.
func (u *UDP) Close() {
	u.once.Do(func() {
		u.out.mu.Lock()
		u.shut = true
		u.out.mu.Unlock()
		u.mu.Lock()
		u.stopped = true
		u.mu.Unlock()
		u.spent = !u.ports.room()
		close(u.closed)
		if u.spent {
			u.pair.close()
			return
		}
		u.wake()
	})
}

// leave is the end of one of the two readers. The ports may rest when both are gone.
func (u *UDP) leave(buf *[2048]byte) {
	datagrams.Put(buf)
	if u.readers.Add(-1) == 0 && !u.spent {
		u.ports.rest(u.pair)
	}
}
