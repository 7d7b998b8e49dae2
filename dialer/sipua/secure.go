package sipua

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// security is how TLS connections to one trunk are opened: whom we believe, and what we prove ourselves with. sipgo knows one
// configuration for all, so that we open them ourselves, and hand them over as if they had come in.
type security struct {
	config *tls.Config // with the trunk's name in ServerName; without one: the name or address that is called
	// authorities are those that are believed now; nil: config says.
	authorities func() *x509.CertPool
	turn        chan struct{} // held by who opens a connection: those that wait then find it

	mu    sync.Mutex
	fault error // why the last connection broke: a peer refuses our certificate only after the handshake
}

func newSecurity(config *tls.Config, name string) *security {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	config.ServerName = name
	return &security{config: config, turn: make(chan struct{}, 1)}
}

func (s *security) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// because adds to an error what the connection broke of, if that is known.
func (s *security) because(err error) error {
	if s == nil || err == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		return err
	}
	return fmt.Errorf("%w: TLS: %w", err, s.fault)
}

// errNotSecured keeps sipgo from opening TLS connections of its own, which would prove nothing and believe whom the system does.
var errNotSecured = errors.New("sipua: the TLS connection is lost")

func refuseTLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: func(tls.ConnectionState) error { return errNotSecured }}
}

// secured are the TLS connections that we opened, by the far end's address.
type secured struct {
	door  *doors    // through which sipgo gets them
	plain *security // of who has none of its own

	mu sync.Mutex
	by map[string]*security
}

// secure has a TLS connection to addr stand, opened as h wants it.
func (e *endpoint) secure(ctx context.Context, addr string, h hop) error {
	s := h.security
	if s == nil {
		s = e.secured.plain
	}
	if e.stands(addr) { // who needs no new connection waits for nobody
		return e.ownedBy(addr, h)
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.stands(addr) {
		return e.ownedBy(addr, h)
	}
	dial := streamDialer(nil)
	below, err := dial.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("sipua: %w", err)
	}
	config := s.config.Clone()
	if config.ServerName == "" {
		config.ServerName = hostOf(h.addr)
	}
	if s.authorities != nil {
		config.RootCAs = s.authorities()
	}
	conn := tls.Client(below, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = below.Close()
		return fmt.Errorf("sipua: TLS to %s: %w", config.ServerName, err)
	}
	s.note(nil)
	c := &securedConn{Conn: conn, below: below, s: s, gone: make(chan struct{})}
	c.lost = func() { e.secured.forget(addr, s); close(c.gone) }
	e.secured.enter(addr, s)
	if !e.secured.door.put(c) {
		_ = c.Close()
		return errClosed
	}
	for !e.stands(addr) { // sipgo takes it in at once, without a word
		select {
		case <-c.gone:
			return s.because(errNotSecured)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// ownedBy refuses a connection that was opened with other certificates than h wants.
func (e *endpoint) ownedBy(addr string, h hop) error {
	opener := e.secured.opener(addr)
	if opener == h.security || h.security == nil && opener == e.secured.plain {
		return nil
	}
	return fmt.Errorf("sipua: TLS: %s is connected to for another trunk, with other certificates; give both trunks the same, or "+
		"other addresses", addr)
}

// stands says whether sipgo has a TLS connection to addr.
func (e *endpoint) stands(addr string) bool {
	c, err := e.tp.GetConnection("tls", addr)
	if err != nil {
		return false
	}
	_, _ = c.TryClose()
	return true
}

func (s *secured) opener(addr string) *security {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by[addr]
}

func (s *secured) enter(addr string, by *security) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by[addr] = by
}

func (s *secured) forget(addr string, by *security) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[addr] == by {
		delete(s.by, addr)
	}
}

// securedConn remembers what it broke of, and tells when it is closed.
type securedConn struct {
	net.Conn
	below net.Conn // whose Close says no farewell, and so waits for nobody
	s     *security
	once  sync.Once
	lost  func()
	gone  chan struct{}
}

func (c *securedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		c.s.note(err)
	}
	return n, err
}

// Close is called by sipgo whenever the connection ends, by whichever side.
func (c *securedConn) Close() error {
	err := c.below.Close()
	c.once.Do(c.lost)
	return err
}
