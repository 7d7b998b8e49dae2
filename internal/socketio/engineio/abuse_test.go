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
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{MaxPayload: 1000})
	p := peer.openPolling()
	p.post("4"+strings.Repeat("x", 999)).is(t, 200, "ok")
	p.get().hasStatus(t, 200)
	p.post("4"+strings.Repeat("x", 1000)).hasStatus(t, 413)
	// The length that counts is the body's, not the header's.
	req, _ := http.NewRequest("POST", p.url+"/engine.io/?"+p.query,
		io.MultiReader(strings.NewReader("4"), strings.NewReader(strings.Repeat("x", 1000))))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("chunked body over the limit: %d", resp.StatusCode)
	}
	s, h := peer.openWebSocket()
	s.write(websocket.MessageBinary, strings.Repeat("x", 1001))
	if code := s.closed(); code != websocket.StatusMessageTooBig {
		t.Errorf("status %d", code)
	}
	if reason := receive(t, h.closed); reason != ReasonTransportError {
		t.Errorf("reason %q", reason)
	}
}

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{MaxConnections: 2})
	s, h := peer.openWebSocket()
	peer.openPolling()
	peer.request("GET", "EIO=4&transport=polling", "").hasStatus(t, 503)
	h.session.Close()
	s.closed()
	receive(t, h.closed)
	testdeps.Eventually(t, "the session to go", func() bool { return peer.srv.Len() <= 1 })
	peer.openPolling()
}

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{CheckRequest: func(r *http.Request) error {
		switch _, err := r.Cookie("VouchCookie"); {
		case err == nil:
			return nil
		case r.Header.Get("X-Plain") != "":
			return errors.New("no")
		}
		return &HTTPError{Status: 401, Message: "log in first"}
	}})
	peer.request("GET", "EIO=4&transport=polling", "").is(t, 401, `{"code":4,"message":"log in first"}`)
	ctx := context.Background()
	peer.requestWith(ctx, "GET", "EIO=4&transport=polling", "", http.Header{"X-Plain": {"1"}}).hasStatus(t, 403)
	peer.requestWith(ctx, "GET", "EIO=4&transport=polling", "", http.Header{"Cookie": {"VouchCookie=x"}}).hasStatus(t, 200)
}

// TestSlowReader fills the queue of a client that does not read: it is closed, and another one never waits for it.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{SendMemory: 256 << 10})
	_, stalled := peer.openWebSocket() // its reader stands still from here
	other, h := peer.openWebSocket()
	block := strings.Repeat("x", 32<<10)
	var err error
	for i := 0; err == nil; i++ {
		if i > 10_000 {
			t.Fatal("300 MB were taken")
		}
		if err = stalled.session.Send(message(block, false)); err == nil && i%100 == 0 {
			_ = h.session.Send(message("quick", false))
			if got := other.receive(); got != "4quick" {
				t.Fatal(got)
			}
		}
	}
	if !errors.Is(err, ReasonSlowReader) {
		t.Errorf("error %v", err)
	}
	if reason := receive(t, stalled.closed); reason != ReasonSlowReader {
		t.Errorf("reason %q", reason)
	}
	p := peer.openPolling() // the same without a poll
	for err = nil; err == nil; {
		err = p.h.session.Send(message(block, true))
	}
	if reason := receive(t, p.h.closed); reason != ReasonSlowReader {
		t.Errorf("reason %q", reason)
	}
	p.get().hasStatus(t, 400)
}

// TestBacklogKeepsOrder sends more than the kernel takes to a client that reads late.
func TestBacklogKeepsOrder(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	s, h := peer.openWebSocket()
	filler := strings.Repeat("x", 10_000)
	for i := range 2000 {
		if err := h.session.Send(message(fmt.Sprint(i, filler), i%3 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2000 {
		got := s.receive()
		if number, _, _ := strings.Cut(got[1:], " "); number != fmt.Sprint(i) && got[1:] != fmt.Sprint(i, filler) {
			t.Fatalf("message %d is %.20q", i, got)
		}
	}
}

func TestServerClose(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	p := peer.openPolling()
	waiting := p.waiting()
	s, h := peer.openWebSocket()
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		defer cancel()
		done <- peer.srv.Close(ctx)
	}()
	if code := s.closed(); code != websocket.StatusGoingAway {
		t.Errorf("status %d", code)
	}
	receive(t, waiting).is(t, 200, "1")
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
	for _, h := range []*recorder{h, p.h} {
		if reason := receive(t, h.closed); reason != ReasonShutdown {
			t.Errorf("reason %q", reason)
		}
	}
	peer.request("GET", "EIO=4&transport=polling", "").hasStatus(t, 503)
}

// TestServerCloseInTime has a handler that does not return while the server closes.
func TestServerCloseInTime(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	s, h := peer.openWebSocket()
	began, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	h.handle = func(string) { close(began); <-release }
	s.send("4x")
	receive(t, began)
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		done <- peer.srv.Close(ctx)
	}()
	if err := receive(t, done); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closed: %v", err)
	}
	if reason := receive(t, h.closed); reason != ReasonShutdown {
		t.Errorf("reason %q", reason)
	}
}

// TestServerCloseWaitsForLastWord has a handler that is still being told of its session's end when the server closes.
func TestServerCloseWaitsForLastWord(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	for name, end := range map[string]func(*Session){
		"gracefully": (*Session).Close,
		"at once":    func(s *Session) { s.close(ReasonPingTimeout, packetCloseMessage) },
	} {
		s, h := peer.openWebSocket()
		h.closed <- "" // the next one waits
		go end(h.session)
		s.closed()
		testdeps.Eventually(t, "the session to go", func() bool { return peer.srv.Len() == 0 })
		testdeps.Quiet(10 * time.Millisecond) // for its reader
		waiting := make(chan struct{})
		go func() { peer.srv.running.Wait(); close(waiting) }() // as Close does
		select {
		case <-waiting:
			t.Errorf("%s: nobody waits for the handler", name)
		case <-time.After(20 * time.Millisecond):
		}
		receive(t, h.closed)
		receive(t, h.closed)
		receive(t, waiting)
	}
}

// rawSocket is a WebSocket client that may break every rule.
type rawSocket struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// openRaw opens a session. Its first message travels with the handshake, as nothing forbids.
func (p *peer) openRaw() (*rawSocket, *recorder) {
	p.t.Helper()
	s := p.dialRaw("EIO=4&transport=websocket", masked(0x81, "4early"))
	if op, payload := s.frame(); op != 0x81 || !strings.HasPrefix(payload, "0{") {
		p.t.Fatalf("frame %x %q", op, payload)
	}
	if op, payload := s.frame(); op != 0x81 || payload != "4early" {
		p.t.Fatalf("frame %x %q", op, payload)
	}
	return s, receive(p.t, p.sessions)
}

// dialRaw opens a WebSocket and sends frames in the same write as the handshake.
func (p *peer) dialRaw(query, frames string) *rawSocket {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testWait))
	fmt.Fprintf(conn, "GET /engine.io/?%s HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"+
		"Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n%s", query, frames)
	s := &rawSocket{p.t, conn, bufio.NewReader(conn)}
	resp, err := http.ReadResponse(s.r, nil)
	if err != nil || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		p.t.Fatal("handshake: ", err, resp)
	}
	return s
}

// masked makes a client's frame; first is FIN, RSV and opcode.
func masked(first byte, payload string) string {
	mask := [4]byte{1, 2, 3, 4}
	b := []byte{first, 0x80 | byte(len(payload)), mask[0], mask[1], mask[2], mask[3]}
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return string(b)
}

func (s *rawSocket) frame() (first byte, payload string) {
	s.t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(s.r, head); err != nil {
		s.t.Fatal(err)
	}
	if head[1] > 125 {
		s.t.Fatalf("frame length %d", head[1])
	}
	body := make([]byte, head[1])
	if _, err := io.ReadFull(s.r, body); err != nil {
		s.t.Fatal(err)
	}
	return head[0], string(body)
}

// TestFrames sends frames that RFC 6455 allows and others that it does not.
func TestFrames(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{MaxPayload: 1000})

	s, _ := peer.openRaw()
	for _, b := range []byte(masked(0x01, "4he") + masked(0x89, "ping") + masked(0x00, "l") + masked(0x8a, "") + masked(0x80,
		"lo")) {
		if _, err := s.conn.Write([]byte{b}); err != nil { // byte by byte
			t.Fatal(err)
		}
	}
	if op, payload := s.frame(); op != 0x8a || payload != "ping" {
		t.Errorf("ping answered by %x %q", op, payload)
	}
	if op, payload := s.frame(); op != 0x81 || payload != "4hello" {
		t.Errorf("fragments answered by %x %q", op, payload)
	}
	_, _ = io.WriteString(s.conn, masked(0x88, "\x03\xe9bye"))
	if op, payload := s.frame(); op != 0x88 || payload != "\x03\xe9" {
		t.Errorf("close answered by %x %q", op, payload)
	}
	if _, err := s.r.ReadByte(); err != io.EOF {
		t.Errorf("after the close: %v", err)
	}

	for name, c := range map[string]struct {
		frames string
		code   uint16
	}{
		"unmasked":                 {"\x81\x024x", 1002},
		"reserved bit":             {masked(0xc1, "4x"), 1002},
		"reserved opcode":          {masked(0x83, "4x"), 1002},
		"continuation of nothing":  {masked(0x80, "4x"), 1002},
		"new message in fragments": {masked(0x01, "4x") + masked(0x81, "4y"), 1002},
		"fragmented ping":          {masked(0x09, "x"), 1002},
		"no UTF-8":                 {masked(0x81, "4\xff"), 1007},
		"too long":                 {"\x81\xfe\x03\xe9\x00\x00\x00\x00", 1009},
		"absurdly long":            {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1002},
		"too long in fragments": {masked(0x01, strings.Repeat("4", 100)) + strings.Repeat(masked(0x00, strings.Repeat("x", 100)),
			10), 1009},
		"close code out of range": {masked(0x88, "\x00\x01"), 1002},
		"half a close code":       {masked(0x88, "\x03"), 1002},
	} {
		s, h := peer.openRaw()
		if _, err := io.WriteString(s.conn, c.frames); err != nil {
			t.Fatal(err)
		}
		op, payload := s.frame()
		if op != 0x88 || len(payload) < 2 || binary.BigEndian.Uint16([]byte(payload)) != c.code {
			t.Errorf("%s: answered by %x %x, want %d", name, op, payload, c.code)
		}
		if reason := receive(t, h.closed); reason != ReasonTransportError {
			t.Errorf("%s: reason %q", name, reason)
		}
	}

	s, h := peer.openRaw()
	_ = s.conn.Close() // without a word
	if reason := receive(t, h.closed); reason != ReasonTransportClose && reason != ReasonTransportError {
		t.Errorf("reason %q", reason)
	}
}

// TestFragmentsAreNotKept has a client go in the middle of a message: nothing of it stays with the session, which the
// handler may keep.
func TestFragmentsAreNotKept(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	s, h := peer.openRaw()
	if _, err := io.WriteString(s.conn, masked(0x01, "4half")+masked(0x89, "ping")); err != nil {
		t.Fatal(err)
	}
	if op, payload := s.frame(); op != 0x8a || payload != "ping" {
		t.Errorf("ping answered by %x %q", op, payload)
	}
	_ = s.conn.Close()
	receive(t, h.closed)
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	if err := peer.srv.Close(ctx); err != nil { // its reader has ended then
		t.Fatal(err)
	}
	if kept := h.session.ws.fragments; kept != nil {
		t.Errorf("%q is kept", kept)
	}
}

// TestClaimedLengthCostsNothing opens frames of the largest size and sends nothing more.
func TestClaimedLengthCostsNothing(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{MaxPayload: 1 << 40})
	s, _ := peer.openRaw()
	if _, err := io.WriteString(s.conn, "\x82\xff\x00\x00\x00\xff\xff\xff\xff\xff\x01\x02\x03\x04abc"); err != nil {
		t.Fatal(err)
	}
	// The process would be out of memory had the server believed it; another session is served meanwhile.
	other, _ := peer.openWebSocket()
	other.send("4alive")
	if got := other.receive(); got != "4alive" {
		t.Error(got)
	}
}
