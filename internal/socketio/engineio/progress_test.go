package engineio

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gobwas/ws"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// slowSocket is a WebSocket over a connection whose kernel takes little ahead of what is read.
type slowSocket struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func (p *peer) openSlowSocket() (*slowSocket, *recorder) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
	_, _ = io.WriteString(conn, "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	s := &slowSocket{p.t, conn, bufio.NewReader(conn)}
	resp, err := http.ReadResponse(s.r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		p.t.Fatal(resp, err)
	}
	s.frame(func() {})
	return s, receive(p.t, p.sessions)
}

// frame reads one frame, and calls between after each 64 kB of it.
func (s *slowSocket) frame(between func()) (op byte, size int, err error) {
	var head [10]byte
	if _, err = io.ReadFull(s.r, head[:2]); err != nil {
		return 0, 0, err
	}
	switch size = int(head[1]); size {
	case 126:
		_, err = io.ReadFull(s.r, head[2:4])
		size = int(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, err = io.ReadFull(s.r, head[2:10])
		size = int(binary.BigEndian.Uint64(head[2:]))
	}
	for left := int64(size); left > 0 && err == nil; {
		var n int64
		n, err = io.CopyN(io.Discard, s.r, min(left, 64<<10))
		left -= n
		between()
	}
	return head[0] & 0x0f, size, err
}

func (s *slowSocket) send(text string) { _, _ = io.WriteString(s.conn, masked(0x81, text)) }

// TestPingBehindLargeEvent has a client read one large event for longer than it may take for a pong: it is at work all the time.
func TestPingBehindLargeEvent(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	peer := serve(t, Options{PingInterval: 100 * time.Millisecond, PingTimeout: 3 * time.Second})
	s, h := peer.openSlowSocket()
	if err := h.session.Send(message(strings.Repeat("x", size), false)); err != nil {
		t.Fatal(err)
	}
	var got int
	for got < size {
		var err error
		// The pace of the client, not a wait for anything: 8 MB in longer than the ping has patience.
		if _, got, err = s.frame(func() { testdeps.Lasts(30 * time.Millisecond) }); err != nil {
			t.Fatalf("the client was cut off: %v", err)
		}
		s.send("3")
	}
	s.send("4alive")
	var err error
	for got := 0; got != len("4alive"); {
		if _, got, err = s.frame(func() {}); err != nil {
			t.Fatalf("the client was cut off: %v", err)
		}
		s.send("3")
	}
	// One that reads nothing any more is not at work.
	_ = h.session.Send(message(strings.Repeat("x", size), false)) // or it is closed already, for the same reason
	if reason := receive(t, h.closed); reason != ReasonPingTimeout && reason != ReasonSlowReader {
		t.Errorf("reason %q", reason)
	}
}

// TestLargeMessages sends what is more than any buffer to clients that read it, by both transports.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{WebSocket, Polling} {
		for name, c := range map[string]struct{ count, size int }{"one": {1, 5 << 20}, "many": {5000, 1000}} {
			t.Run(transport+"-"+name, func(t *testing.T) {
				peer := serve(t, Options{})
				ctx, cancel := context.WithTimeout(context.Background(), testWait)
				defer cancel()
				counter := &counter{closed: make(chan Reason, 1), all: make(chan struct{}), want: int64(c.count * c.size)}
				conn, err := Dial(ctx, peer.url+"/engine.io/", DialOptions{Transport: transport}, func(*Conn) Handler { return counter })
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				h := receive(t, peer.sessions)
				for range c.count {
					if err := h.session.Send(message(strings.Repeat("x", c.size), false)); err != nil {
						t.Fatal(err)
					}
				}
				receive(t, counter.all)
				if n := peer.srv.waiting.Load(); n > 4096 {
					testdeps.Eventually(t, "no bytes to wait for nobody", func() bool { return peer.srv.waiting.Load() == 0 })
				}
			})
		}
	}
}

type counter struct {
	closed    chan Reason
	all       chan struct{}
	got, want int64
}

func (c *counter) Message(data []byte, _ bool) error {
	if c.got += int64(len(data)); c.got == c.want {
		close(c.all)
	}
	return nil
}

func (c *counter) Closed(reason Reason) { c.closed <- reason }

// TestSlowestGoFirst fills the send memory by clients that read nothing: they are closed, told to whoever counts them, and a
// client that reads is not.
func TestSlowestGoFirst(t *testing.T) {
	t.Parallel()
	var told atomic.Int32
	peer := serve(t, Options{SendMemory: 4 << 20, SlowReader: func() { told.Add(1) }})
	var stalled []*recorder
	for range 3 {
		_, h := peer.openSlowSocket()
		stalled = append(stalled, h)
	}
	other, h := peer.openWebSocket()
	block := strings.Repeat("x", 100<<10)
	for i := 0; told.Load() < 3; i++ {
		if i == 2000 {
			t.Fatal("200 MB to each, and nobody is closed")
		}
		for _, h := range stalled {
			if err := h.session.Send(message(block, false)); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err,
				ReasonSlowReader) {
				t.Fatal(err)
			}
		}
		if err := h.session.Send(message(fmt.Sprint(i), false)); err != nil {
			t.Fatalf("the client that reads: %v", err)
		}
		if got := other.receive(); got != fmt.Sprint("4", i) {
			t.Fatal(got)
		}
		if n := peer.srv.waiting.Load(); n > 4<<20 {
			t.Fatalf("%d bytes wait", n)
		}
	}
	for _, h := range stalled {
		if reason := receive(t, h.closed); reason != ReasonSlowReader {
			t.Errorf("reason %q", reason)
		}
	}
	if err := h.session.Send(message(strings.Repeat("x", 5<<20), false)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message larger than the memory: %v", err)
	}
	if n := peer.srv.Len(); n != 1 {
		t.Errorf("%d sessions left", n)
	}
}

// TestCloseDuringUpgrade closes a session whose client has been told to stop polling: what it is owed comes when the upgrade
// is done, and then the end; or by polling, if there is no upgrade after all.
func TestCloseDuringUpgrade(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *poll){
		"session": func(_ *testing.T, p *poll) { p.h.session.Close() },
		"server": func(t *testing.T, p *poll) {
			done := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), testWait)
				defer cancel()
				done <- p.srv.Close(ctx)
			}()
			p.until(func(s *Session) bool { return s.state == stateClosing })
			t.Cleanup(func() {
				if err := receive(t, done); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		},
	} {
		probe := func(t *testing.T) (*poll, *socket) {
			p := serve(t, Options{}).openPolling()
			waiting := p.waiting()
			s := p.openSocket(strings.Replace(p.query, "polling", "websocket", 1))
			s.send("2probe")
			if got := s.receive(); got != "3probe" {
				t.Fatal(got)
			}
			receive(t, waiting).is(t, 200, "6")
			for i := range 100 {
				_ = p.h.session.Send(message(fmt.Sprint(i), false))
			}
			end(t, p)
			receive(t, p.h.closed)
			return p, s
		}
		t.Run(name+"-upgraded", func(t *testing.T) {
			t.Parallel()
			_, s := probe(t)
			s.send("5")
			for i := range 100 {
				if got := s.receive(); got != fmt.Sprint("4", i) {
					t.Fatalf("message %d is %q", i, got)
				}
			}
			if code := s.closed(); code != websocket.StatusNormalClosure && code != websocket.StatusGoingAway {
				t.Errorf("status %d", code)
			}
		})
		t.Run(name+"-not-upgraded", func(t *testing.T) {
			t.Parallel()
			p, s := probe(t)
			_ = s.conn.CloseNow()
			if a := p.get(); a.status != 200 || strings.Count(a.body, "\x1e") != 99 {
				t.Errorf("got %d, %q", a.status, a.body)
			}
			p.get().is(t, 200, "1")
		})
	}
}

// TestUpgradeCutShort: a client that dies between the two transports is gone, and not only when its pong is overdue.
func TestUpgradeCutShort(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	s := p.openSocket(strings.Replace(p.query, "polling", "websocket", 1))
	s.send("2probe")
	if got := s.receive(); got != "3probe" {
		t.Fatal(got)
	}
	_ = s.conn.CloseNow()
	if reason := receive(t, p.h.closed); reason != ReasonTransportClose {
		t.Errorf("reason %q", reason)
	}
}

// TestCloseCodes has a client close with codes that a close frame may have, and with others.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	for code, want := range map[ws.StatusCode]Reason{
		1000: ReasonTransportClose, 1001: ReasonTransportClose, 1011: ReasonTransportClose, 1014: ReasonTransportClose,
		3000: ReasonTransportClose, 4999: ReasonTransportClose,
		0: ReasonTransportError, 999: ReasonTransportError, 1004: ReasonTransportError, 1005: ReasonTransportError,
		1006: ReasonTransportError, 1015: ReasonTransportError, 1016: ReasonTransportError, 2999: ReasonTransportError,
		5000: ReasonTransportError, 65535: ReasonTransportError,
	} {
		s, h := peer.openSlowSocket()
		_, _ = io.WriteString(s.conn, masked(0x88, string(ws.NewCloseFrameBody(code, ""))))
		if reason := receive(t, h.closed); reason != want {
			t.Errorf("code %d: reason %q, want %q", code, reason, want)
		}
		_ = s.conn.Close()
	}
}

// TestCutClients cuts many clients at once, in every way and at every moment: each is noticed at once, not when its pong is
// overdue.
func TestCutClients(t *testing.T) {
	t.Parallel()
	const each = 50
	peer := serve(t, Options{})
	peer.sessions = make(chan *recorder, 1024)
	var handlers []*recorder
	var conns []*net.TCPConn
	for _, moment := range []func(*slowSocket, *recorder){
		func(*slowSocket, *recorder) {}, // idle
		func(s *slowSocket, _ *recorder) { // half a frame
			_, _ = io.WriteString(s.conn, masked(0x81, "4hello")[:4])
		},
		func(_ *slowSocket, h *recorder) { // with unread messages
			_ = h.session.Send(message(strings.Repeat("x", 100_000), false))
		},
	} {
		for range 2 * each {
			s, h := peer.openSlowSocket()
			moment(s, h)
			handlers = append(handlers, h)
			conns = append(conns, s.conn.(*net.TCPConn))
		}
	}
	for i, conn := range conns {
		if i%2 == 0 {
			_ = conn.SetLinger(0) // RST
		}
		_ = conn.Close()
	}
	for _, h := range handlers {
		receive(t, h.closed)
	}
}
