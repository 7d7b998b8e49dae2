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

const (
	// restTime is how long a pair of ports hears nobody before another leg has it: what is still on its way to the leg before must
	// not be heard by it.
	restTime = time.Second
	// mostResting bounds the open pairs that wait for another leg, and so does a quarter of the range.
	mostResting = 1024
	// trimEvery is how often the resting pairs that nobody wanted since the last time are closed.
	trimEvery = 30 * time.Second
)

// Ports hands out pairs of UDP ports of a range, in turn, so that a port rests before it is used again: the even one for RTP, the
// next one for RTCP (RFC 3550, section 11). Pairs of legs that ended stay open for a while and are taken first: to open two
// sockets, to have them watched and to close them is a tenth of what a call's set-up costs.
type Ports struct {
	first int
	count int
	next  atomic.Uint32

	mu     sync.Mutex
	idle   map[at][]*pair // the longest rested first
	n      int            // of all of idle
	least  int            // n at its least since the last trim
	trim   *time.Timer    // nil: nothing rests
	closed bool
}

// at is where a pair listens: on all addresses of a family, or on one.
type at struct {
	network string
	ip      netip.Addr // invalid: on all
}

// pair is two sockets.
type pair struct {
	at
	rtp, rtcp *net.UDPConn
	port      int  // of RTP
	spent     bool // closed, not resting
	since     time.Time
}

// NewPorts takes the range [low, high].
func NewPorts(low, high int) (*Ports, error) {
	low += low & 1
	if low < 1024 || high > 65535 || high <= low {
		return nil, fmt.Errorf("media: RTP ports %d to %d: want a range of at least two, the first one even, within 1024 to 65535", low,
			high)
	}
	p := &Ports{first: low, count: (high - low + 1) / 2, idle: map[at][]*pair{}}
	p.next.Store(rand.Uint32())
	return p, nil
}

// Open takes a free pair of ports and begins to listen there, in the family of the address that the far end will be told: on that
// address alone when it is a loopback one, else on all. The leg hears nothing until Agree.
func (p *Ports) Open(told netip.Addr) (*UDP, error) {
	where := at{network: "udp4"}
	if told.Unmap().Is6() {
		where.network = "udp6"
	}
	if told.IsLoopback() {
		where.ip = told.Unmap()
	}
	found := p.rested(where, restTime)
	if found == nil {
		found = p.listen(where)
	}
	if found == nil {
		found = p.rested(where, 0)
	}
	if found == nil {
		return nil, ErrPortsExhausted
	}
	u := &UDP{pair: found, ports: p, closed: make(chan struct{})}
	u.format.Store(&Format{})
	u.readers.Store(2)
	go u.read() // from the beginning: what comes too early must not wait in the system's buffer
	go u.reportAndRead()
	return u, nil
}

// listen opens a pair of the range; nil: all are in use.
func (p *Ports) listen(where at) *pair {
	var ip net.IP
	if where.ip.IsValid() {
		ip = where.ip.AsSlice()
	}
	for range p.count {
		port := p.first + 2*int(p.next.Add(1)%uint32(p.count))
		sound, err := net.ListenUDP(where.network, &net.UDPAddr{IP: ip, Port: port})
		if err != nil {
			continue // in use, by us or by another
		}
		control, err := net.ListenUDP(where.network, &net.UDPAddr{IP: ip, Port: port + 1})
		if err != nil {
			_ = sound.Close()
			continue
		}
		return &pair{at: where, rtp: sound, rtcp: control, port: port}
	}
	return nil
}

// rested takes the pair that has rested longest, if that is long enough.
func (p *Ports) rested(where at, enough time.Duration) *pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle[where]
	if len(idle) == 0 || time.Since(idle[0].since) < enough {
		return nil
	}
	found := idle[0]
	p.idle[where] = idle[1:]
	p.n--
	p.least = min(p.least, p.n)
	_ = found.rtp.SetReadDeadline(time.Time{})
	if !drain(found.rtp) || !drain(found.rtcp) {
		found.close()
		return nil
	}
	return found
}

// room reports whether one more pair may rest.
func (p *Ports) room() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takes()
}

// takes is room for a caller that holds p.mu.
func (p *Ports) takes() bool { return !p.closed && p.n < min(mostResting, p.count/4) }

// rest keeps a pair whose leg has ended for another one, or closes it.
func (p *Ports) rest(done *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.takes() {
		done.close()
		return
	}
	done.since = time.Now()
	p.idle[done.at] = append(p.idle[done.at], done)
	p.n++
	if p.trim == nil {
		p.least = 0
		p.trim = time.AfterFunc(trimEvery, p.trimmed)
	}
}

// trimmed closes what nobody wanted since the last time.
func (p *Ports) trimmed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for where, idle := range p.idle {
		n := min(p.least, len(idle))
		for _, unwanted := range idle[:n] {
			unwanted.close()
		}
		p.idle[where] = idle[n:]
		p.least, p.n = p.least-n, p.n-n
	}
	p.least = p.n
	if p.trim = nil; p.n > 0 && !p.closed {
		p.trim = time.AfterFunc(trimEvery, p.trimmed)
	}
}

// Close closes the pairs that rest, and each of the others when its leg ends.
func (p *Ports) Close() {
	p.mu.Lock()
	p.closed, p.least = true, p.n
	if p.trim != nil {
		p.trim.Stop()
	}
	p.mu.Unlock()
	p.trimmed()
}

// wake ends the reads that wait.
func (w *pair) wake() {
	_ = w.rtp.SetReadDeadline(time.Unix(1, 0))
	_ = w.rtcp.SetReadDeadline(time.Unix(1, 0))
}

func (w *pair) close() {
	_ = w.rtp.Close()
	_ = w.rtcp.Close()
}

// Port is the local RTP port.
func (w *pair) Port() int { return w.port }
