package node

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// What waits on a listener with no request in hand: newcomers who have not asked for anything yet, or only for half of it, and
// those who may ask again. Beyond that the one that has waited for longest goes, so that the silent keep nobody out.
const (
	maxWaiting     = 4096
	maxWaitingFrom = 1024 // from one address, or from what one subscriber has of IPv6
)

// crowd is a listener's connections without a request in hand.
type crowd struct {
	mu      sync.Mutex
	waiting map[net.Conn]guest
	from    map[netip.Prefix]int
}

type guest struct {
	network netip.Prefix
	since   time.Time
}

type connKey struct{}

// watch has a server's connections counted.
func (c *crowd) watch(s *http.Server) {
	c.waiting, c.from = map[net.Conn]guest{}, map[netip.Prefix]int{}
	next := s.Handler
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew, http.StateIdle:
			c.enter(conn, time.Now())
		case http.StateHijacked, http.StateClosed:
			c.leave(conn)
		}
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
			c.leave(conn) // it has asked for something
		}
		next.ServeHTTP(w, r)
	})
}

func (c *crowd) enter(conn net.Conn, now time.Time) {
	g := guest{networkOf(conn.RemoteAddr().String()), now}
	c.mu.Lock()
	var out net.Conn
	switch {
	case c.from[g.network] >= maxWaitingFrom:
		out = c.longest(func(o guest) bool { return o.network == g.network })
	case len(c.waiting) >= maxWaiting:
		out = c.longest(func(guest) bool { return true })
	}
	if out != nil {
		c.remove(out)
	}
	c.remove(conn)
	c.waiting[conn] = g
	c.from[g.network]++
	c.mu.Unlock()
	if secured, ok := out.(*tls.Conn); ok {
		out = secured.NetConn() // whose Close says no farewell, and so waits for nobody
	}
	if out != nil {
		_ = out.Close()
	}
}

func (c *crowd) longest(which func(guest) bool) (out net.Conn) {
	var since time.Time
	for conn, g := range c.waiting {
		if which(g) && (out == nil || g.since.Before(since)) {
			out, since = conn, g.since
		}
	}
	return out
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	c.remove(conn)
	c.mu.Unlock()
}

// remove forgets a connection. The caller holds c.mu.
func (c *crowd) remove(conn net.Conn) {
	g, ok := c.waiting[conn]
	if !ok {
		return
	}
	delete(c.waiting, conn)
	if c.from[g.network]--; c.from[g.network] == 0 {
		delete(c.from, g.network)
	}
}

func networkOf(hostport string) netip.Prefix {
	peer, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return netip.Prefix{}
	}
	bits, addr := 32, peer.Addr().Unmap().WithZone("")
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits)
	return p
}
