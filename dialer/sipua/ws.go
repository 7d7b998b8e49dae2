package sipua

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// ServeWS is the handler of /ws, SIP over WebSocket (RFC 7118). Who may come is decided before the upgrade: the cookie and the
// page first, then whether it is SIP at all.
func (n *Network) ServeWS() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.opts.CheckRequest == nil {
			http.Error(w, "sign in first", http.StatusForbidden)
			return
		}
		if err := n.opts.CheckRequest(r); errors.Is(err, fs.ErrPermission) {
			http.Error(w, "sign in first", http.StatusForbidden)
			return
		} else if err != nil {
			n.log.Warn("whether a phone may come in cannot be asked", "error", err)
			http.Error(w, "try again in a moment", http.StatusServiceUnavailable)
			return
		}
		if err := wantsSIP(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s := n.newSocket(r)
		below := &hijacker{ResponseWriter: w}
		conn, err := websocket.Accept(below, r, &websocket.AcceptOptions{
			Subprotocols:       []string{"sip"},
			InsecureSkipVerify: true, // CheckRequest has looked at Origin, and knows the pages that are allowed
		})
		if err != nil {
			return // Accept has said why
		}
		n.serveSocket(s, conn, below.conn)
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

// hijacker remembers the connection that was taken out of the HTTP server: the WebSocket does not show it.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack implements [http.Hijacker].
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, buffered, err
}

// doors is a listener whose connections were accepted elsewhere.
type doors struct {
	addr  net.Addr
	conns chan net.Conn
	once  sync.Once
	shut  chan struct{}
}

func newDoors(addr net.Addr) *doors {
	return &doors{addr: addr, conns: make(chan net.Conn), shut: make(chan struct{})}
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
