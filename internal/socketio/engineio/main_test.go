package engineio

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The timers of the protocol suites.
const (
	testPingInterval = 300 * time.Millisecond
	testPingTimeout  = 200 * time.Millisecond
	testWait         = 30 * time.Second // what must happen, happens within
)

// recorder is a handler that echoes and tells what happens.
type recorder struct {
	session *Session
	closed  chan Reason
	echo    bool
	handle  func(data string) // called first; nil: nothing is
}

func (h *recorder) Message(data []byte, isBinary bool) error {
	if h.handle != nil {
		h.handle(string(data))
	}
	if !h.echo {
		return nil
	}
	return ignoreSlow(h.session.Send(message(string(data), isBinary)))
}

func (h *recorder) Closed(reason Reason) { h.closed <- reason }

// ignoreSlow lets the session's own reason stand.
func ignoreSlow(err error) error {
	if errors.Is(err, ReasonSlowReader) || errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

func message(data string, isBinary bool) Message {
	buf := append(make([]byte, Headroom), data...)
	if isBinary {
		return NewBinaryMessage(buf)
	}
	return NewTextMessage(buf)
}

// peer is a server under test and the sessions it has opened.
type peer struct {
	t        *testing.T
	srv      *Server
	url      string
	sessions chan *recorder
}

func serve(t *testing.T, o Options) *peer {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	p := &peer{t: t, sessions: make(chan *recorder, 64)}
	srv, err := NewServer(o, func(s *Session) Handler {
		h := &recorder{session: s, closed: make(chan Reason, 1), echo: true}
		p.sessions <- h
		return h
	})
	if err != nil {
		t.Fatal(err)
	}
	p.srv = srv
	ts := httptest.NewServer(srv)
	p.url = ts.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		_ = srv.Close(ctx) // clients that have left without a word are given up
		ts.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return p
}

// suite has the options of the protocol suites' server.
func suite(t *testing.T) *peer {
	return serve(t, Options{
		PingInterval: testPingInterval,
		PingTimeout:  testPingTimeout,
		CORS:         CORSOptions{Origins: []string{"*"}},
	})
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
}

func (p *peer) request(method, query, body string) answer {
	return p.requestWith(context.Background(), method, query, body, nil)
}

func (p *peer) requestWith(ctx context.Context, method, query, body string, header http.Header) answer {
	ctx, cancel := context.WithTimeout(ctx, testWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url+"/engine.io/?"+query, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(text), resp.Header, err}
}

func (a answer) is(t *testing.T, status int, body string) {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	if a.status != status || a.body != body {
		t.Errorf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
}

func (a answer) hasStatus(t *testing.T, status int) {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	if a.status != status {
		t.Errorf("got %d %q, want status %d", a.status, a.body, status)
	}
}

// poll is a polling session.
type poll struct {
	*peer
	query string
	h     *recorder
}

func (p *peer) openPolling() *poll {
	p.t.Helper()
	a := p.request("GET", "EIO=4&transport=polling", "")
	a.hasStatus(p.t, 200)
	h := receive(p.t, p.sessions)
	return &poll{p, "EIO=4&transport=polling&sid=" + h.session.ID(), h}
}

func (p *poll) get() answer             { return p.request("GET", p.query, "") }
func (p *poll) post(body string) answer { return p.request("POST", p.query, body) }

// beginPost starts a POST whose body ends when finish is called, and returns when the server has begun with it.
func (p *poll) beginPost(body string) (posted <-chan answer, finish func()) {
	p.t.Helper()
	r, w := io.Pipe()
	got := make(chan answer, 1)
	go func() {
		resp, err := http.Post(p.url+"/engine.io/?"+p.query, "text/plain", r)
		if err != nil {
			got <- answer{err: err}
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		got <- answer{resp.StatusCode, string(text), resp.Header, err}
	}()
	_, _ = io.WriteString(w, body)
	p.until(func(s *Session) bool { return s.poll.posting })
	return got, func() { _ = w.Close() }
}

// waiting starts a GET and returns when the server has it.
func (p *poll) waiting() <-chan answer {
	p.t.Helper()
	got := make(chan answer, 1)
	go func() { got <- p.get() }()
	p.until(func(s *Session) bool { return s.poll.waiting != nil })
	return got
}

// until waits for a state of the session.
func (p *poll) until(reached func(*Session) bool) {
	p.t.Helper()
	s := p.h.session
	testdeps.Eventually(p.t, "the session to get there", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return reached(s)
	})
}

// socket is a WebSocket of an implementation that is not ours.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func (p *peer) openSocket(query string) *socket {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, p.url+"/engine.io/?"+query, nil)
	if err != nil {
		p.t.Fatal(err, resp)
	}
	conn.SetReadLimit(1 << 26)
	p.t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{p.t, conn}
}

// openWebSocket opens a session over WebSocket and returns its handshake too.
func (p *peer) openWebSocket() (*socket, *recorder) {
	p.t.Helper()
	s := p.openSocket("EIO=4&transport=websocket")
	if got := s.receive(); !strings.HasPrefix(got, "0{") {
		p.t.Fatalf("handshake %q", got)
	}
	return s, receive(p.t, p.sessions)
}

func (s *socket) send(text string) {
	s.t.Helper()
	s.write(websocket.MessageText, text)
}

func (s *socket) write(typ websocket.MessageType, data string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	if err := s.conn.Write(ctx, typ, []byte(data)); err != nil {
		s.t.Fatal(err)
	}
}

// receive returns the next message, a binary one as b and its bytes.
func (s *socket) receive() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	typ, data, err := s.conn.Read(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	if typ == websocket.MessageBinary {
		return "b" + string(data)
	}
	return string(data)
}

// closed waits for the end and returns its status; messages before it are dropped.
func (s *socket) closed() websocket.StatusCode {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	for {
		if _, _, err := s.conn.Read(ctx); err != nil {
			if ctx.Err() != nil {
				s.t.Fatal("not closed in time")
			}
			return websocket.CloseStatus(err)
		}
	}
}

// receive waits for a value.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(testWait):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
