package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// A browser answers our keep-alive (RFC 5626, section 3.5.1), so a flow that is silent for longer is dead.
	keepAlive      = 25 * time.Second
	wsReadTimeout  = 60 * time.Second
	wsWriteTimeout = 10 * time.Second
	maxFlows       = 10_000
)

// ServeWS is the handler of /ws, SIP over WebSocket (RFC 7118). The cookie is checked here, before the upgrade, and so is
// all that could stall: sipgo upgrades one connection at a time and without a deadline, so it is handed only requests that
// are complete.
func (n *Network) ServeWS() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.opts.CheckRequest == nil || n.opts.CheckRequest(r) != nil {
			http.Error(w, "sign in first", http.StatusForbidden)
			return
		}
		if err := wantsSIP(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if n.flows.Load() >= maxFlows {
			http.Error(w, "too many phones", http.StatusServiceUnavailable)
			return
		}
		doors := n.ws
		if r.TLS != nil {
			doors = n.wss
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, "this server cannot do WebSocket", http.StatusInternalServerError)
			return
		}
		_ = conn.SetDeadline(time.Time{})
		replay := upgradeRequest(r)
		if k := buffered.Reader.Buffered(); k > 0 {
			early, _ := buffered.Reader.Peek(k)
			replay = append(replay, early...)
		}
		if !doors.put(n.flow(conn, doors.transport, replay)) {
			_ = conn.Close()
		}
	})
}

// wantsSIP checks that a request is a WebSocket handshake (RFC 6455, section 4.2.1) for SIP.
func wantsSIP(r *http.Request) error {
	switch {
	case r.Method != http.MethodGet || !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket"):
		return errors.New("this address speaks WebSocket")
	case r.Header.Get("Sec-WebSocket-Version") != "13" || len(r.Header.Get("Sec-WebSocket-Key")) != 24:
		return errors.New("want WebSocket version 13 with a key")
	case !hasToken(r.Header, "Sec-WebSocket-Protocol", "sip"):
		return errors.New("want the WebSocket protocol sip")
	}
	return nil
}

func hasToken(h http.Header, name, token string) bool {
	for _, value := range h.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// upgradeRequest writes the handshake again for sipgo, with nothing that it does not need.
func upgradeRequest(r *http.Request) []byte {
	return fmt.Appendf(nil,
		"GET / HTTP/1.1\r\nHost: sip\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: sip\r\n\r\n", strings.Map(printable, r.Header.Get("Sec-WebSocket-Key")))
}

func printable(r rune) rune {
	if r <= ' ' || r > '~' {
		return -1
	}
	return r
}

// flow is a phone's connection. Its end is the end of what registered over it.
type flow struct {
	net.Conn
	replay bytes.Reader
	once   sync.Once
	lost   func()
}

func (n *Network) flow(conn net.Conn, transport string, replay []byte) *flow {
	source := conn.RemoteAddr().String()
	f := &flow{Conn: conn, lost: func() { n.flowLost(transport, source) }}
	f.replay.Reset(replay)
	n.flows.Add(1)
	return f
}

func (f *flow) Read(b []byte) (int, error) {
	if f.replay.Len() > 0 {
		return f.replay.Read(b)
	}
	return f.Conn.Read(b)
}

// Close is called by sipgo whenever the connection ends, by whichever side.
func (f *flow) Close() error {
	err := f.Conn.Close()
	f.once.Do(f.lost)
	return err
}

// doors is a listener whose connections were accepted elsewhere.
type doors struct {
	transport string
	addr      net.Addr
	conns     chan net.Conn
	once      sync.Once
	shut      chan struct{}
}

func newDoors(transport string, addr net.Addr) *doors {
	return &doors{transport: transport, addr: addr, conns: make(chan net.Conn), shut: make(chan struct{})}
}

func (d *doors) put(c net.Conn) bool {
	select {
	case d.conns <- c:
		return true
	case <-d.shut:
		return false
	}
}

// Accept implements [net.Listener].
func (d *doors) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (d *doors) Close() error { d.once.Do(func() { close(d.shut) }); return nil }

// Addr implements [net.Listener].
func (d *doors) Addr() net.Addr { return d.addr }

// phones is a listener for desk phones' and trunks' connections: counted, and closed when silent.
type phones struct {
	net.Listener
	n         *Network
	transport string
}

// tcpSilence is how long a connection may say nothing: phones refresh their registration or send keep-alives more often.
const tcpSilence = maxExpires + time.Minute

// Accept implements [net.Listener].
func (p phones) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if p.n.flows.Load() >= maxFlows {
			_ = conn.Close()
			continue
		}
		return p.n.flow(impatient{conn}, p.transport, nil), nil
	}
}

// impatient closes a silent connection.
type impatient struct{ net.Conn }

func (c impatient) Read(b []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(tcpSilence))
	return c.Conn.Read(b)
}

func (c impatient) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(wsWriteTimeout))
	return c.Conn.Write(b)
}
