package sipua

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) issue(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return made, key
}

// pair is a certificate for this machine's loopback addresses, of a server or a client.
func (a *authority) pair(use x509.ExtKeyUsage) tls.Certificate {
	a.t.Helper()
	c, key := a.issue(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{use}})
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// streamSocket makes a listener's connections look like a packet socket to a [far] end: a packet is a SIP message.
type streamSocket struct {
	net.Listener
	packets chan streamPacket
	mu      sync.Mutex
	conns   map[string]net.Conn
}

type streamPacket struct {
	data []byte
	from net.Addr
}

func newStreamSocket(t *testing.T, l net.Listener) *streamSocket {
	s := &streamSocket{Listener: l, packets: make(chan streamPacket, 100), conns: map[string]net.Conn{}}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			s.mu.Lock()
			s.conns[conn.RemoteAddr().String()] = conn
			s.mu.Unlock()
			go s.read(conn)
		}
	}()
	return s
}

func (s *streamSocket) read(conn net.Conn) {
	defer conn.Close()
	for r := bufio.NewReader(conn); ; {
		var head bytes.Buffer
		length := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			head.WriteString(line)
			if rest, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(rest))
			}
			if line == "\r\n" {
				break
			}
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		s.packets <- streamPacket{append(head.Bytes(), body...), conn.RemoteAddr()}
	}
}

func (s *streamSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	p, ok := <-s.packets
	if !ok {
		return 0, nil, net.ErrClosed
	}
	return copy(b, p.data), p.from, nil
}

func (s *streamSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.mu.Lock()
	conn := s.conns[to.String()]
	s.mu.Unlock()
	return conn.Write(b)
}

func (s *streamSocket) LocalAddr() net.Addr              { return s.Addr() }
func (s *streamSocket) SetDeadline(time.Time) error      { return nil }
func (s *streamSocket) SetReadDeadline(time.Time) error  { return nil }
func (s *streamSocket) SetWriteDeadline(time.Time) error { return nil }

// secureCarrier is a trunk over TLS that demands a client certificate of an authority of its own.
func secureCarrier(t *testing.T, server, clients *authority) *far {
	t.Helper()
	return secureCarrierAt(t, "127.0.0.1", server, clients)
}

func secureCarrierAt(t *testing.T, ip string, server, clients *authority) *far {
	t.Helper()
	l, err := tls.Listen("tcp", net.JoinHostPort(ip, "0"),
		&tls.Config{Certificates: []tls.Certificate{server.pair(x509.ExtKeyUsageServerAuth)},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.pool()})
	if err != nil {
		t.Fatal(err)
	}
	f := farOn(t, newStreamSocket(t, l))
	sound := newFarAt(t, ip)
	f.sound = sound.sound
	return f
}

// TestTrunkOverTLS: each trunk has its own authority and its own certificate, and a call goes through, by IPv4 or IPv6.
func TestTrunkOverTLS(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.1", "::1"} {
		t.Run(ip, func(t *testing.T) { t.Parallel(); callOverTLS(t, ip) })
	}
}

func callOverTLS(t *testing.T, ip string) {
	type side struct{ server, client *authority }
	sides := []side{{newAuthority(t), newAuthority(t)}, {newAuthority(t), newAuthority(t)}}
	var trunks []Trunk
	var carriers []*far
	for i, s := range sides {
		f := secureCarrierAt(t, ip, s.server, s.client)
		carriers = append(carriers, f)
		trunks = append(trunks, Trunk{Name: "t" + strconv.Itoa(i), Host: f.addr, Transport: "tls", TLS: &tls.Config{
			RootCAs: s.server.pool(), Certificates: []tls.Certificate{s.client.pair(x509.ExtKeyUsageClientAuth)}}})
	}
	agent := newFar(t)
	n := startNetwork(t, func(o *Options) { o.Advertise6, o.Trunks = netip.IPv6Loopback(), trunks })
	agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
	carriers[0].run(func(f *far) { f.answer(f.await("INVITE"), "503 Service Unavailable"); f.await("ACK") })
	carriers[1].run(func(f *far) { f.pickUp(); f.awaitBye() })
	order := orderTo(nil)
	order.Agent = agent.extension()
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	agent.ended()
	for _, f := range carriers {
		f.ended()
		if via := f.invite.get("Via"); !strings.HasPrefix(via, "SIP/2.0/TLS ") {
			t.Errorf("Via: %s", via)
		}
	}
}

// TestTrunkOverTLSRefused: who does not prove himself is not called, and the cause says so.
func TestTrunkOverTLSRefused(t *testing.T) {
	t.Parallel()
	server, clients, stranger := newAuthority(t), newAuthority(t), newAuthority(t)
	ours := []tls.Certificate{clients.pair(x509.ExtKeyUsageClientAuth)}
	for name, test := range map[string]struct {
		config *tls.Config
		cause  string
	}{
		"an authority that we do not trust": {&tls.Config{RootCAs: stranger.pool(), Certificates: ours},
			"certificate signed by unknown authority"},
		"the system's authorities": {nil, "certificate signed by unknown authority"},
		"no certificate of ours":   {&tls.Config{RootCAs: server.pool()}, "remote error: tls: certificate required"},
		"a certificate that it does not trust": {&tls.Config{RootCAs: server.pool(),
			Certificates: []tls.Certificate{stranger.pair(x509.ExtKeyUsageClientAuth)}}, "remote error: tls: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := secureCarrier(t, server, clients)
			trunk := Trunk{Name: "t", Host: f.addr, Transport: "tls", TLS: test.config}
			if _, err := Ping(context.Background(), trunk, "127.0.0.1", netip.Addr{}); err == nil || !strings.Contains(err.Error(),
				test.cause) {
				t.Errorf("ping: %v; want %q", err, test.cause)
			}
			trunk.Check = time.Minute
			n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{trunk} })
			testdeps.Eventually(t, "the trunk is down", func() bool { return n.TrunkStatus()[0].State == TrunkDown })
			if why := n.TrunkStatus()[0].Cause; !strings.Contains(why, test.cause) {
				t.Errorf("down, because %q; want %q", why, test.cause)
			}
			if len(f.in) > 0 {
				t.Error("something was sent")
			}
		})
	}
}

// TestAuthoritiesChange: the authorities are asked for at each connection, so that a trunk whose certificate was renewed by
// another one is up again without a restart.
func TestAuthoritiesChange(t *testing.T) {
	t.Parallel()
	server, clients, stranger := newAuthority(t), newAuthority(t), newAuthority(t)
	f := secureCarrier(t, server, clients)
	var believed atomic.Pointer[x509.CertPool]
	believed.Store(stranger.pool())
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: f.addr, Transport: "tls", Authorities: believed.Load,
			TLS: &tls.Config{Certificates: []tls.Certificate{clients.pair(x509.ExtKeyUsageClientAuth)}}}}
	})
	<-n.ready
	if _, err := n.OptionsPing(t.Context(), "t"); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("ping: %v", err)
	}
	believed.Store(server.pool())
	f.run(func(f *far) { f.answer(f.await("OPTIONS"), "200 OK") })
	if _, err := n.OptionsPing(t.Context(), "t"); err != nil {
		t.Errorf("ping: %v", err)
	}
	f.ended()
}

// TestPingOverTLS is what doctor does.
func TestPingOverTLS(t *testing.T) {
	t.Parallel()
	server, clients := newAuthority(t), newAuthority(t)
	f := secureCarrier(t, server, clients)
	f.run(func(f *far) { f.answer(f.await("OPTIONS"), "200 OK") })
	trunk := Trunk{Name: "t", Host: f.addr, Transport: "tls", TLS: &tls.Config{RootCAs: server.pool(),
		Certificates: []tls.Certificate{clients.pair(x509.ExtKeyUsageClientAuth)}}}
	if _, err := Ping(context.Background(), trunk, "127.0.0.1", netip.Addr{}); err != nil {
		t.Error(err)
	}
	f.ended()
}

// TestTwoTrunksAtOneAddress: the connection of one trunk is no other one's, which has other certificates.
func TestTwoTrunksAtOneAddress(t *testing.T) {
	t.Parallel()
	server, clients := newAuthority(t), newAuthority(t)
	f := secureCarrier(t, server, clients)
	trunk := func(name string) Trunk {
		return Trunk{Name: name, Host: f.addr, Transport: "tls", TLS: &tls.Config{RootCAs: server.pool(),
			Certificates: []tls.Certificate{clients.pair(x509.ExtKeyUsageClientAuth)}}}
	}
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{trunk("a"), trunk("b")} })
	<-n.ready
	f.run(func(f *far) { f.answer(f.await("OPTIONS"), "200 OK") })
	if _, err := n.OptionsPing(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.OptionsPing(t.Context(), "b"); err == nil || !strings.Contains(err.Error(),
		"for another trunk, with other certificates") {
		t.Errorf("got %v", err)
	}
	f.ended()
}
