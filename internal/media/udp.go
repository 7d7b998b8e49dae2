package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ErrPortsExhausted says that every port of the RTP range is in use.
var ErrPortsExhausted = errors.New("media: RTP ports exhausted")

// Ports hands out the UDP ports of a range, even ones as RFC 3550 wishes, in turn, so that a port rests before it is used again.
type Ports struct {
	ip    net.IP
	first int
	count int
	next  atomic.Uint32
}

// NewPorts takes the range [low, high] on ip.
func NewPorts(ip net.IP, low, high int) (*Ports, error) {
	low += low & 1
	if low < 1024 || high > 65535 || high < low {
		return nil, fmt.Errorf("media: RTP ports %d to %d: want a range within 1024 to 65535", low, high)
	}
	p := &Ports{ip: ip, first: low, count: (high-low)/2 + 1}
	p.next.Store(rand.Uint32())
	return p, nil
}

// Open takes a free port and begins to listen on it. The leg hears nothing until Agree.
func (p *Ports) Open() (*UDP, error) {
	for range p.count {
		port := p.first + 2*int(p.next.Add(1)%uint32(p.count))
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: p.ip, Port: port})
		if err != nil {
			continue // in use, by us or by another
		}
		u := &UDP{conn: conn, port: port, closed: make(chan struct{})}
		u.format.Store(&Format{})
		return u, nil
	}
	return nil, ErrPortsExhausted
}

// UDP is a leg over plain RTP: a trunk, or a desk phone.
type UDP struct {
	inward
	out    outward
	conn   *net.UDPConn
	port   int
	peer   atomic.Pointer[peer]
	once   sync.Once
	closed chan struct{}
}

// peer is the far end: where we send to, and from which addresses we listen.
type peer struct {
	to      netip.AddrPort
	allowed [2]netip.Addr
	latched bool // to is where packets really come from (symmetric RTP, RFC 4961)
}

// Port is the local RTP port.
func (u *UDP) Port() int { return u.port }

// Agree sets or changes the far end and the format. Besides the address in its SDP, sound is taken from signalling, the
// address that its SIP messages come from: a phone behind a NAT names an address in its SDP that never sends.
func (u *UDP) Agree(to netip.AddrPort, signalling netip.Addr, f Format) {
	first := u.peer.Load() == nil
	next := &peer{to: to, allowed: [2]netip.Addr{to.Addr(), signalling}}
	if old := u.peer.Load(); old != nil && old.latched && old.allowed == next.allowed {
		next.to, next.latched = old.to, to.Port() == old.to.Port() || old.latched
	}
	u.format.Store(&f)
	u.peer.Store(next)
	if first {
		go u.read()
	}
}

func (u *UDP) read() {
	buf := make([]byte, 2048)
	for {
		n, from, err := u.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // a port unreachable of the far end shows here, and passes
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		p := u.peer.Load()
		if from.Addr() != p.allowed[0] && from.Addr() != p.allowed[1] {
			continue
		}
		if u.receive(buf[:n], time.Now()) && from != p.to {
			u.peer.CompareAndSwap(p, &peer{to: from, allowed: p.allowed, latched: true})
		}
	}
}

// Send writes p to the far end.
func (u *UDP) Send(p *Packet) {
	peer := u.peer.Load()
	if peer == nil || !peer.to.IsValid() || peer.to.Port() == 0 || peer.to.Addr().IsUnspecified() {
		return
	}
	u.out.write(p, u.Format(), func(b []byte) { _, _ = u.conn.WriteToUDPAddrPort(b, peer.to) })
}

// Closed is closed by Close alone: plain RTP has no end of its own.
func (u *UDP) Closed() <-chan struct{} { return u.closed }

// Close frees the port. Nobody is called by the leg afterwards.
func (u *UDP) Close() {
	u.once.Do(func() {
		_ = u.conn.Close()
		u.mu.Lock()
		u.stopped = true
		u.mu.Unlock()
		close(u.closed)
	})
}
