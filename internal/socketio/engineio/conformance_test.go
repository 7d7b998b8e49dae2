package engineio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// The points of the protocol's public test suite, and their corners.

func TestHandshakePolling(t *testing.T) {
	t.Parallel()
	p := suite(t)
	a := p.request("GET", "EIO=4&transport=polling", "")
	a.hasStatus(t, 200)
	checkHandshake(t, a.body, `["websocket"]`)
	if got := a.header.Get("Content-Type"); got != "text/plain; charset=UTF-8" {
		t.Errorf("content type %q", got)
	}
}

func TestHandshakeWebSocket(t *testing.T) {
	t.Parallel()
	p := suite(t)
	s := p.openSocket("EIO=4&transport=websocket")
	checkHandshake(t, s.receive(), `[]`)
}

func checkHandshake(t *testing.T, packet, upgrades string) {
	t.Helper()
	var fields map[string]json.RawMessage
	if packet[0] != '0' || json.Unmarshal([]byte(packet[1:]), &fields) != nil {
		t.Fatalf("handshake %q", packet)
	}
	if len(fields["sid"]) != 22 { // 20 characters in quotes
		t.Errorf("sid %s", fields["sid"])
	}
	delete(fields, "sid")
	want := fmt.Sprintf(`{"maxPayload":1000000,"pingInterval":300,"pingTimeout":200,"upgrades":%s}`, upgrades)
	if got, _ := json.Marshal(fields); string(got) != want {
		t.Errorf("handshake %s, want %s", got, want)
	}
}

func TestBadHandshakes(t *testing.T) {
	t.Parallel()
	p := suite(t)
	for _, c := range []struct{ method, query string }{
		{"GET", "transport=polling"},
		{"GET", "EIO=abc&transport=polling"},
		{"GET", "EIO=3&transport=polling"},
		{"GET", "EIO=4"},
		{"GET", "EIO=4&transport=abc"},
		{"GET", "EIO=4&transport=websocket"}, // without an upgrade
		{"POST", "EIO=4&transport=polling"},
		{"PUT", "EIO=4&transport=polling"},
		{"GET", "EIO=4&transport=polling&sid=unknown"},
		{"POST", "EIO=4&transport=polling&sid=unknown"},
	} {
		a := p.request(c.method, c.query, "")
		a.hasStatus(t, 400)
		var e struct {
			Code    *int
			Message string
		}
		if json.Unmarshal([]byte(a.body), &e) != nil || e.Code == nil || e.Message == "" {
			t.Errorf("%s %s: error body %q", c.method, c.query, a.body)
		}
	}
	for _, query := range []string{"transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc",
		"EIO=4&transport=polling", "EIO=4&transport=websocket&sid=unknown"} {
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		conn, resp, err := websocket.Dial(ctx, p.url+"/engine.io/?"+query, nil)
		cancel()
		if err == nil {
			_ = conn.CloseNow()
		}
		if err == nil || resp == nil || resp.StatusCode != 400 {
			t.Errorf("WebSocket with %s: %v", query, err)
		}
	}
	if n := p.srv.Len(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestPollingMessages(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	for _, body := range []string{"4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA==", "4é\u2028😀"} {
		p.post(body).is(t, 200, "ok")
		p.get().is(t, 200, body)
	}
	got := p.waiting()
	p.post("4late").is(t, 200, "ok")
	receive(t, got).is(t, 200, "4late")
}

func TestWebSocketMessages(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, Options{}).openWebSocket()
	for _, size := range []int{0, 1, 125, 126, 127, 4095, 4096, 4097, 65535, 65536, 500_000} {
		text := strings.Repeat("x", size)
		s.send("4" + text)
		if got := s.receive(); got != "4"+text {
			t.Fatalf("text of %d bytes came back as %d bytes", size, len(got)-1)
		}
		s.write(websocket.MessageBinary, text)
		if got := s.receive(); got != "b"+text {
			t.Fatalf("%d bytes came back as %d bytes", size, len(got)-1)
		}
	}
}

func TestBadPacketClosesPolling(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"abc", "", "4ok\x1e", "\x1e4x", "b***", "9", "2", "5", "0{}", "4\xff"} {
		p := serve(t, Options{}).openPolling()
		p.post(body).hasStatus(t, 200)
		p.get().hasStatus(t, 400)
		if reason := receive(t, p.h.closed); reason != ReasonParseError && reason != ReasonTransportError {
			t.Errorf("%q: reason %q", body, reason)
		}
	}
}

func TestBadPacketClosesWebSocket(t *testing.T) {
	t.Parallel()
	for _, packet := range []string{"abc", "", "7", "2", "5"} {
		s, h := serve(t, Options{}).openWebSocket()
		s.send(packet)
		s.closed()
		receive(t, h.closed)
	}
}

func TestSecondPollEndsSession(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	first := p.waiting()
	p.get().hasStatus(t, 400)
	receive(t, first).is(t, 200, "1")
	p.get().hasStatus(t, 400)
	if reason := receive(t, p.h.closed); reason != ReasonTransportError {
		t.Errorf("reason %q", reason)
	}
}

func TestCancelledPollEndsSession(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan answer, 1)
	go func() { got <- p.requestWith(ctx, "GET", p.query, "", nil) }()
	p.until(func(s *Session) bool { return s.poll.waiting != nil })
	cancel()
	receive(t, got)
	if reason := receive(t, p.h.closed); reason != ReasonTransportClose {
		t.Errorf("reason %q", reason)
	}
	p.get().hasStatus(t, 400)
}

func TestOverlappingPostsEndSession(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	p.until(func(s *Session) bool { s.poll.posting = true; return true })
	p.post("4x").hasStatus(t, 400)
	if reason := receive(t, p.h.closed); reason != ReasonTransportError {
		t.Errorf("reason %q", reason)
	}
}

func TestHeartbeatPolling(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{PingInterval: testPingInterval}).openPolling()
	for range 3 {
		began := time.Now()
		p.get().is(t, 200, "2")
		if waited := time.Since(began); waited < testPingInterval/2 {
			t.Errorf("ping after %v", waited)
		}
		p.post("3").is(t, 200, "ok")
	}
}

func TestHeartbeatWebSocket(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, Options{PingInterval: testPingInterval}).openWebSocket()
	for range 3 {
		if got := s.receive(); got != "2" {
			t.Fatalf("got %q", got)
		}
		s.send("3")
	}
}

func TestPingTimeout(t *testing.T) {
	t.Parallel()
	peer := suite(t)
	p := peer.openPolling()
	began := time.Now()
	if reason := receive(t, p.h.closed); reason != ReasonPingTimeout {
		t.Errorf("reason %q", reason)
	}
	if took := time.Since(began); took < testPingInterval || took > testPingInterval+testPingTimeout+2*time.Second {
		t.Errorf("closed after %v", took)
	}
	p.get().hasStatus(t, 400)
	s, h := peer.openWebSocket()
	s.closed()
	if reason := receive(t, h.closed); reason != ReasonPingTimeout {
		t.Errorf("reason %q", reason)
	}
}

// TestLateTimer has a poll find out, before the timer does, that the pong is overdue.
func TestLateTimer(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	p.until(func(s *Session) bool {
		_ = s.send([]Message{packetPingMessage})
		s.awaitingPong, s.due = true, s.srv.elapsed()
		return true
	})
	p.get().hasStatus(t, 400)
	if reason := receive(t, p.h.closed); reason != ReasonPingTimeout {
		t.Errorf("reason %q", reason)
	}
}

// TestPingAfterStall has the process stand still when a ping is due: the client has as long for its pong as ever. A
// timer that is not late keeps to the schedule.
func TestPingAfterStall(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{PingTimeout: time.Minute})
	for late, moves := range map[time.Duration]bool{time.Hour: true, -time.Second: false} {
		socket, h := peer.openWebSocket()
		s := h.session
		s.mu.Lock()
		was := s.srv.elapsed() - late
		s.due = was
		s.mu.Unlock()
		s.onTimer()
		if got := socket.receive(); got != "2" {
			t.Errorf("got %q", got)
		}
		s.mu.Lock()
		if left := s.due - s.srv.elapsed(); moves && left < 50*time.Second || !moves && s.due != was+time.Minute {
			t.Errorf("%v late: %v left for the pong", late, left)
		}
		s.mu.Unlock()
		socket.send("3")
		socket.send("4alive")
		if got := socket.receive(); got != "4alive" {
			t.Errorf("got %q", got)
		}
	}
}

// TestPongAfterStall has the process stand still until a pong is overdue. A client that had the ping is given the time for
// its pong to be read, once; one that had not, or whose timer is not late, is closed.
func TestPongAfterStall(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{PingInterval: time.Hour, PingTimeout: time.Hour})
	overdue := func(s *Session, late time.Duration) {
		s.mu.Lock()
		s.awaitingPong, s.due = true, s.srv.elapsed()-late
		s.mu.Unlock()
		s.onTimer()
	}
	socket, h := peer.openWebSocket()
	for range 2 { // for each ping anew
		overdue(h.session, time.Minute)
		h.session.mu.Lock()
		if left := h.session.due - h.session.srv.elapsed(); left > secondChance {
			t.Errorf("%v left for the pong", left)
		}
		h.session.timer.Stop() // the machine may be slow
		h.session.mu.Unlock()
		socket.send("3")
		socket.send("4alive")
		if got := socket.receive(); got != "4alive" {
			t.Errorf("got %q", got)
		}
	}
	p := peer.openPolling()
	p.until(func(s *Session) bool { s.awaitingPong, s.due = true, s.srv.elapsed()-time.Minute; return true })
	got := p.waiting() // before the timer, it finds the same
	p.h.session.onTimer()
	p.until(func(s *Session) bool { s.timer.Stop(); return true })
	p.post("3\x1e4alive").is(t, 200, "ok")
	receive(t, got).is(t, 200, "4alive")

	for name, end := range map[string]func(*poll){
		"not late": func(p *poll) { overdue(p.h.session, -time.Minute) },
		"a second time": func(p *poll) {
			overdue(p.h.session, time.Minute)
			overdue(p.h.session, time.Minute)
		},
		"not fetched": func(p *poll) {
			_ = p.h.session.Send(packetPingMessage)
			overdue(p.h.session, time.Minute)
		},
	} {
		p := peer.openPolling()
		end(p)
		if reason := receive(t, p.h.closed); reason != ReasonPingTimeout {
			t.Errorf("%s: reason %q", name, reason)
		}
	}
}

func TestClientClose(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	p := peer.openPolling()
	got := p.waiting()
	p.post("1").is(t, 200, "ok")
	receive(t, got).is(t, 200, "6")
	p.get().hasStatus(t, 400)
	if reason := receive(t, p.h.closed); reason != ReasonTransportClose {
		t.Errorf("reason %q", reason)
	}

	// Both requests at once, as a browser that leaves sends them. On a busy machine the poll may be later than a close waits.
	for tries := 1; ; tries++ {
		p = peer.openPolling()
		crossing := make(chan answer, 1)
		go func() { crossing <- p.get() }()
		p.post("1").is(t, 200, "ok")
		a := receive(t, crossing)
		if tries < 20 && a.err == nil && a.status == 400 {
			continue
		}
		a.is(t, 200, "6")
		break
	}

	s, h := peer.openWebSocket()
	s.send("1")
	s.closed()
	if reason := receive(t, h.closed); reason != ReasonTransportClose {
		t.Errorf("reason %q", reason)
	}
}

func TestServerCloseDeliversFirst(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	p := peer.openPolling()
	_ = p.h.session.Send(message("last words", false))
	p.h.session.Close()
	if reason := receive(t, p.h.closed); reason != ReasonForcedClose {
		t.Errorf("reason %q", reason)
	}
	p.post("4ignored").is(t, 200, "ok")
	p.get().is(t, 200, "4last words")
	p.get().is(t, 200, "1")
	p.get().hasStatus(t, 400)

	s, h := peer.openWebSocket()
	_ = h.session.Send(message("last words", false))
	h.session.Close()
	if got := s.receive(); got != "4last words" {
		t.Errorf("got %q", got)
	}
	if code := s.closed(); code != websocket.StatusNormalClosure {
		t.Errorf("status %d", code)
	}
	if err := h.session.Send(message("x", false)); err != ErrClosed {
		t.Errorf("send after close: %v", err)
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	waiting := p.waiting()
	s := p.openSocket(strings.Replace(p.query, "polling", "websocket", 1))
	s.send("2probe")
	if got := s.receive(); got != "3probe" {
		t.Fatalf("probe answered by %q", got)
	}
	receive(t, waiting).is(t, 200, "6")
	p.get().is(t, 200, "6") // a later poll as well
	_ = p.h.session.Send(message("in between", false))
	s.send("5")
	if got := s.receive(); got != "4in between" {
		t.Fatalf("got %q", got)
	}
	s.send("4hello")
	if got := s.receive(); got != "4hello" {
		t.Fatalf("got %q", got)
	}
	p.get().hasStatus(t, 400)
	p.post("4x").hasStatus(t, 400)
	if got := p.h.session.Transport(); got != WebSocket {
		t.Errorf("transport %q", got)
	}

	second := p.openSocket(strings.Replace(p.query, "polling", "websocket", 1))
	second.closed()
	s.send("4still here")
	if got := s.receive(); got != "4still here" {
		t.Fatalf("got %q", got)
	}
}

func TestFailedUpgradeLeavesPolling(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{UpgradeTimeout: 50 * time.Millisecond})
	for _, packets := range [][]string{{"4x"}, {"2probe", "4x"}, {"2probe"}, {}, {"1"}} {
		p := peer.openPolling()
		s := p.openSocket(strings.Replace(p.query, "polling", "websocket", 1))
		for _, packet := range packets {
			s.send(packet)
		}
		s.closed()
		p.until(func(s *Session) bool { return s.probe == nil })
		p.post("4hello").is(t, 200, "ok")
		p.get().is(t, 200, "4hello")
	}
}

// TestUpgradeKeepsOrder sends without a pause while the transport changes: nothing is lost, doubled or overtaken.
func TestUpgradeKeepsOrder(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	const total = 3000
	go func() {
		for i := range total {
			_ = p.h.session.Send(message(fmt.Sprint(i), false))
		}
	}()
	var got []string
	take := func(body string) {
		for _, packet := range strings.Split(body, "\x1e") {
			if packet != "6" {
				got = append(got, strings.TrimPrefix(packet, "4"))
			}
		}
	}
	take(p.get().body)
	s := p.openSocket(strings.Replace(p.query, "polling", "websocket", 1))
	s.send("2probe")
	take(p.get().body)
	if answer := s.receive(); answer != "3probe" {
		t.Fatal(answer)
	}
	take(p.get().body)
	s.send("5")
	for len(got) < total {
		take(s.receive())
	}
	for i, text := range got {
		if text != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, text)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const handshake = "EIO=4&transport=polling"
	origin := func(o string) http.Header { return http.Header{"Origin": {o}} }
	ctx := context.Background()

	p := suite(t)
	a := p.requestWith(ctx, "GET", handshake, "", origin("https://a.example"))
	if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 200 || got != "*" {
		t.Errorf("any origin: %d %q", a.status, got)
	}
	a = p.requestWith(ctx, "GET", "EIO=9", "", origin("https://a.example"))
	if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 400 || got != "*" {
		t.Errorf("on an error: %d %q", a.status, got)
	}

	p = serve(t, Options{CORS: CORSOptions{Origins: []string{"https://a.example"}, Credentials: true, MaxAge: time.Hour}})
	preflight := origin("https://a.example")
	preflight.Set("Access-Control-Request-Method", "POST")
	preflight.Set("Access-Control-Request-Headers", "content-type")
	a = p.requestWith(ctx, "OPTIONS", handshake, "", preflight)
	a.is(t, 204, "")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":      "https://a.example",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "GET, POST, OPTIONS",
		"Access-Control-Allow-Headers":     "content-type",
		"Access-Control-Max-Age":           "3600",
		"Vary":                             "Origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	a = p.requestWith(ctx, "GET", handshake, "", origin("https://b.example"))
	if a.status != 403 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("foreign origin: %d", a.status)
	}
	p.requestWith(ctx, "GET", handshake, "", origin(p.url)).hasStatus(t, 200) // the server's own
	dialCtx, cancel := context.WithTimeout(ctx, testWait)
	defer cancel()
	_, resp, err := websocket.Dial(dialCtx, p.url+"/engine.io/?EIO=4&transport=websocket",
		&websocket.DialOptions{HTTPHeader: origin("https://b.example")})
	if err == nil || resp.StatusCode != 403 {
		t.Errorf("WebSocket from a foreign origin: %v", err)
	}
}
