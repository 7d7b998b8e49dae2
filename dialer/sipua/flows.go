package sipua

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// proofTime is what a connection has to prove itself: a phone by a registration, anybody else by a message of a dialog of ours.
	proofTime = 10 * time.Second
	// What waits for its proof, in all and from one network. A newcomer beyond it takes the place of the one that has been silent
	// for longest, so that the silent keep nobody out.
	maxWaiting     = 1000
	maxWaitingFrom = 200
	maxFlows       = 10_000 // that have proven themselves; of each kind
)

// kind keeps the places of phones in browsers apart from those of all other connections.
type kind int

const (
	ofDesks kind = iota // TCP and TLS: desk phones, trunks, strangers
	ofBrowsers
)

// stage is how far a connection has come.
type stage int

const (
	silent stage = iota // nothing that SIP knows was heard
	spoke               // it asked to be registered
	trusted
	departed
)

// flow is a connection that somebody opened to us. Its end is the end of what registered over it.
type flow struct {
	transport string
	remote    string     // the connection's far end, by which sipgo and bindings know it
	client    netip.Addr // who is there; behind a trusted proxy not the same
	kind      kind
	network   netip.Prefix // that its place is counted for: an address, or what one subscriber has of IPv6
	since     time.Time
	shut      func() // breaks the connection, without waiting

	stage stage // under flows.mu, as all that follows
	timer *time.Timer
}

func networkOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// flows are all connections that were opened to us, and who may stay.
type flows struct {
	refused func(reason string)
	bound   func() map[string]bool // flows (transport and remote) that carry a registered phone

	mu    sync.Mutex
	open  map[string]*flow
	halls [2]hall // by kind
}

// hall is the flows of a kind.
type hall struct {
	waiting map[*flow]struct{}
	trusted map[*flow]struct{}
}

func newFlows(refused func(string), bound func() map[string]bool) *flows {
	s := &flows{refused: refused, bound: bound, open: map[string]*flow{}}
	for i := range s.halls {
		s.halls[i] = hall{map[*flow]struct{}{}, map[*flow]struct{}{}}
	}
	return s
}

func flowKey(transport, remote string) string { return transport + " " + remote }

// enter gives a new connection a place to wait in, and the time to prove itself.
func (s *flows) enter(f *flow) {
	f.since, f.network = time.Now(), networkOf(f.client)
	s.mu.Lock()
	h := &s.halls[f.kind]
	var out *flow
	if count(h.waiting, f.network) >= maxWaitingFrom {
		out = longestSilent(h.waiting, func(o *flow) bool { return o.network == f.network })
	} else if len(h.waiting) >= maxWaiting {
		out = longestSilent(h.waiting, func(*flow) bool { return true })
	}
	if out != nil {
		s.remove(out)
	}
	h.waiting[f] = struct{}{}
	s.open[flowKey(f.transport, f.remote)] = f
	f.timer = time.AfterFunc(proofTime, func() { s.tooLate(f) })
	s.mu.Unlock()
	if out != nil {
		s.refused("crowd")
		out.shut()
	}
}

func count(waiting map[*flow]struct{}, from netip.Prefix) (n int) {
	for f := range waiting {
		if f.network == from {
			n++
		}
	}
	return n
}

// longestSilent is who goes first: who said nothing before who asked to be registered, and of these who came first.
func longestSilent(waiting map[*flow]struct{}, which func(*flow) bool) (out *flow) {
	for f := range waiting {
		if which(f) && (out == nil || f.stage < out.stage || f.stage == out.stage && f.since.Before(out.since)) {
			out = f
		}
	}
	return out
}

func (s *flows) tooLate(f *flow) {
	s.mu.Lock()
	late := f.stage < trusted
	if late {
		s.remove(f)
	}
	s.mu.Unlock()
	if late {
		s.refused("idle")
		f.shut()
	}
}

// remove takes a flow out. The caller holds s.mu.
func (s *flows) remove(f *flow) {
	f.stage = departed
	f.timer.Stop()
	delete(s.halls[f.kind].waiting, f)
	delete(s.halls[f.kind].trusted, f)
	if key := flowKey(f.transport, f.remote); s.open[key] == f {
		delete(s.open, key)
	}
}

// leave forgets a flow that has ended.
func (s *flows) leave(f *flow) {
	s.mu.Lock()
	s.remove(f)
	s.mu.Unlock()
}

func (s *flows) find(transport, remote string) *flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[flowKey(transport, remote)]
}

// hears notes that a waiting flow asks to be registered.
func (s *flows) hears(f *flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.stage == silent {
		f.stage = spoke
	}
}

// trust lets a flow stay that has proven itself; false: it has gone, or there is no place. Where all are taken, one that no
// phone is registered over any more makes room.
func (s *flows) trust(f *flow) bool {
	s.mu.Lock()
	if f.stage >= trusted {
		defer s.mu.Unlock()
		return f.stage == trusted
	}
	h := &s.halls[f.kind]
	var out *flow
	if len(h.trusted) >= maxFlows {
		bound := s.bound()
		out = longestSilent(h.trusted, func(o *flow) bool { return !bound[flowKey(o.transport, o.remote)] })
		if out == nil {
			s.mu.Unlock()
			s.refused("full")
			return false
		}
		s.remove(out)
	}
	delete(h.waiting, f)
	h.trusted[f] = struct{}{}
	f.stage = trusted
	f.timer.Stop()
	s.mu.Unlock()
	if out != nil {
		out.shut()
	}
	return true
}

// clientOf is who sent a message: behind a trusted proxy the browser, not the proxy.
func (n *Network) clientOf(msg sip.Message) netip.Addr {
	if f := n.flows.find(sip.ASCIIToUpper(msg.Transport()), msg.Source()); f != nil {
		return f.client
	}
	return addrOf(msg.Source())
}

// trustFlow lets the connection of a phone stay that has proven itself; false: there is no place. Over UDP there is none.
func (n *Network) trustFlow(req *sip.Request) bool {
	if f := n.flows.find(sip.ASCIIToUpper(req.Transport()), req.Source()); f != nil {
		return n.flows.trust(f)
	}
	return true
}

// noteFlow sees every message, and trusts a connection over which one of a dialog of ours comes: a trunk's own, whether it
// answers us or hangs up. It must not block.
func (n *Network) noteFlow(msg sip.Message) {
	transport := sip.ASCIIToUpper(msg.Transport())
	if transport == "UDP" {
		return
	}
	f := n.flows.find(transport, msg.Source())
	if f == nil { // we opened it
		return
	}
	callID, ours := msg.CallID(), ""
	switch msg := msg.(type) {
	case *sip.Request:
		if msg.Method == sip.REGISTER {
			n.flows.hears(f)
			return
		}
		if to := msg.To(); to != nil {
			ours = to.Params.GetOr("tag", "")
		}
	case *sip.Response:
		if from := msg.From(); from != nil {
			ours = from.Params.GetOr("tag", "")
		}
	}
	if callID != nil && ours != "" && n.endpoint.find(string(*callID), ours) != nil {
		n.flows.trust(f)
	}
}

// phones is a listener for the connections of desk phones and trunks.
type phones struct {
	net.Listener
	n         *Network
	transport string
}

// tcpSilence is how long a trusted connection may say nothing: phones refresh their registration or send keep-alives more often,
// and a trunk that is not asked by OPTIONS may have nothing to say for as long as a talk lasts.
const tcpSilence = time.Hour

// Accept implements [net.Listener].
func (p phones) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	below := conn
	if secured, ok := conn.(*tls.Conn); ok {
		below = secured.NetConn() // whose Close says no farewell, and so waits for nobody
	}
	f := &flow{transport: p.transport, remote: conn.RemoteAddr().String(), client: addrOf(conn.RemoteAddr().String()),
		kind: ofDesks, shut: func() { _ = below.Close() }}
	c := &phoneConn{Conn: conn, lost: func() { p.n.flowLost(f) }}
	p.n.flows.enter(f)
	return c, nil
}

// phoneConn closes a silent connection, and tells when it is lost.
type phoneConn struct {
	net.Conn
	once sync.Once
	lost func()
}

func (c *phoneConn) Read(b []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(tcpSilence))
	return c.Conn.Read(b)
}

func (c *phoneConn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.Conn.Write(b)
}

// Close is called by sipgo whenever the connection ends, by whichever side.
func (c *phoneConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.lost)
	return err
}
