package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// Server is an Engine.IO server: an http.Handler that keeps sessions.
type Server struct {
	o    Options
	open func(*Session) Handler

	began time.Time

	waiting atomic.Int64 // bytes that wait for clients, of all sessions
	relief  sync.Mutex   // held by whoever closes slow readers

	mu       sync.Mutex
	sessions map[string]*Session
	pending  int // handshakes under way
	closing  bool
	running  sync.WaitGroup // sessions, handshakes and the readers of WebSockets
}

// NewServer returns a server that calls open for each new session; open returns the session's handler, and may use the
// session only after that. It fails on options out of range.
func NewServer(o Options, open func(*Session) Handler) (*Server, error) {
	setDefault(&o.PingInterval, DefaultPingInterval)
	setDefault(&o.PingTimeout, DefaultPingTimeout)
	setDefault(&o.UpgradeTimeout, DefaultUpgradeTimeout)
	setDefault(&o.MaxPayload, DefaultMaxPayload)
	setDefault(&o.SendMemory, DefaultSendMemory)
	setDefault(&o.Logger, slog.Default())
	if len(o.Transports) == 0 {
		o.Transports = []string{Polling, WebSocket}
	}
	for _, t := range o.Transports {
		if t != Polling && t != WebSocket {
			return nil, fmt.Errorf("engineio: unknown transport %q", t)
		}
	}
	if o.PingInterval < 0 || o.PingTimeout < 0 || o.UpgradeTimeout < 0 || o.MaxPayload < 0 || o.SendMemory < 0 ||
		o.MaxConnections < 0 {
		return nil, errors.New("engineio: negative option")
	}
	return &Server{o: o, open: open, began: time.Now(), sessions: map[string]*Session{}}, nil
}

// elapsed is the time since the server was made: a third of a time.Time in each session.
func (srv *Server) elapsed() time.Duration { return time.Since(srv.began) }

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Len returns the number of sessions.
func (srv *Server) Len() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return len(srv.sessions)
}

// Close refuses new sessions, ends the others with ReasonShutdown and waits until their connections are closed.
// When ctx ends first, the connections are cut and ctx's error is returned at once.
func (srv *Server) Close(ctx context.Context) error {
	for _, s := range srv.shut() {
		s.closeGracefully(ReasonShutdown, ws.StatusGoingAway)
	}
	done := make(chan struct{})
	go func() {
		srv.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, s := range srv.shut() {
		s.close(ReasonShutdown, packetCloseMessage)
	}
	return ctx.Err()
}

// shut stops the server from taking sessions and returns those it has.
func (srv *Server) shut() []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.closing = true
	return srv.all()
}

// list returns the sessions there are.
func (srv *Server) list() []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.all()
}

// all is called with srv.mu held.
func (srv *Server) all() []*Session {
	sessions := make([]*Session, 0, len(srv.sessions))
	for _, s := range srv.sessions {
		sessions = append(sessions, s)
	}
	return sessions
}

func (srv *Server) remove(s *Session) {
	srv.mu.Lock()
	delete(srv.sessions, s.id)
	srv.mu.Unlock()
	srv.running.Done()
}

func (srv *Server) session(id string) *Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.sessions[id]
}

// The error codes of the reference server, sent as JSON with their message.
const (
	codeUnknownTransport = iota
	codeUnknownSession
	codeBadMethod
	codeBadRequest
	codeForbidden
	codeUnsupportedProtocol
)

var codeTexts = [...]string{
	"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden",
	"Unsupported protocol version",
}

func writeError(w http.ResponseWriter, status, code int) {
	writeErrorText(w, status, code, codeTexts[code])
}

func writeErrorText(w http.ResponseWriter, status, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	message, _ := json.Marshal(text) // a string never fails
	_, _ = fmt.Fprintf(w, `{"code":%d,"message":%s}`, code, message)
}

// ServeHTTP replies to handshakes, polls, posts and WebSocket requests, by their query parameters alone.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !srv.o.CORS.apply(w, r) {
		writeError(w, http.StatusForbidden, codeForbidden)
		return
	}
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	query := r.URL.Query()
	transport, sid := query.Get("transport"), query.Get("sid")
	if !slices.Contains(srv.o.Transports, transport) {
		writeError(w, http.StatusBadRequest, codeUnknownTransport)
		return
	}
	isUpgrade := isWebSocketRequest(r)
	if (transport == WebSocket) != isUpgrade {
		writeError(w, http.StatusBadRequest, codeBadRequest)
		return
	}
	if sid != "" {
		srv.serveSession(w, r, sid, transport)
		return
	}
	switch {
	case r.Method != http.MethodGet:
		writeError(w, http.StatusBadRequest, codeBadMethod)
	case query.Get("EIO") != "4":
		writeError(w, http.StatusBadRequest, codeUnsupportedProtocol)
	default:
		srv.serveHandshake(w, r, transport)
	}
}

func (srv *Server) serveSession(w http.ResponseWriter, r *http.Request, sid, transport string) {
	s := srv.session(sid)
	switch {
	case s == nil:
		writeError(w, http.StatusBadRequest, codeUnknownSession)
	case transport == WebSocket:
		if !srv.enter() {
			writeError(w, http.StatusBadRequest, codeUnknownSession)
		} else if c := srv.hijack(w, r); c == nil {
			srv.running.Done()
		} else {
			go s.serveProbe(c) // the goroutine of net/http has a grown stack and buffers
		}
	case s.poll == nil:
		writeError(w, http.StatusBadRequest, codeBadRequest)
	case r.Method == http.MethodGet:
		s.serveGet(w, r)
	case r.Method == http.MethodPost:
		s.servePost(w, r)
	default:
		writeError(w, http.StatusBadRequest, codeBadMethod)
	}
}

// serveHandshake makes a session.
func (srv *Server) serveHandshake(w http.ResponseWriter, r *http.Request, transport string) {
	if check := srv.o.CheckRequest; check != nil {
		if err := check(r); err != nil {
			refusal := &HTTPError{Status: http.StatusForbidden, Message: codeTexts[codeForbidden]}
			if errors.As(err, &refusal); refusal.Status < 400 || refusal.Status > 599 {
				refusal.Status = http.StatusForbidden
			}
			writeErrorText(w, refusal.Status, codeForbidden, refusal.Message)
			return
		}
	}
	if !srv.reserve() {
		writeErrorText(w, http.StatusServiceUnavailable, codeForbidden, "Too many connections")
		return
	}
	s := newSession(srv, r)
	if transport == Polling {
		s.poll = &poller{}
		s.start()
		srv.running.Done()
		s.serveGet(w, r)
		return
	}
	c := srv.hijack(w, r)
	if c == nil {
		srv.release()
		return
	}
	s.ws = c
	c.onControl = s.onControl
	go func() { // the goroutine of net/http has a grown stack and buffers
		s.start()
		s.serveWebSocket(c)
	}()
}

// enter announces work that Close waits for, unless the server is closing.
func (srv *Server) enter() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if !srv.closing {
		srv.running.Add(1)
	}
	return !srv.closing
}

// reserve is enter for a handshake, which also needs room for a session.
func (srv *Server) reserve() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.closing || srv.o.MaxConnections > 0 && len(srv.sessions)+srv.pending >= srv.o.MaxConnections {
		return false
	}
	srv.pending++
	srv.running.Add(1)
	return true
}

// release takes a reservation back.
func (srv *Server) release() {
	srv.mu.Lock()
	srv.pending--
	srv.mu.Unlock()
	srv.running.Done()
}

// register makes a reservation a session that can be found by its id.
func (srv *Server) register(s *Session) {
	srv.mu.Lock()
	srv.pending--
	srv.sessions[s.id] = s
	srv.running.Add(1)
	closing := srv.closing
	srv.mu.Unlock()
	if closing { // Close has missed it
		s.close(ReasonShutdown, packetCloseMessage)
	}
}

// start sends the handshake and brings the session to life.
func (s *Session) start() {
	o := &s.srv.o
	upgrades := `[]`
	if s.ws == nil && slices.Contains(o.Transports, WebSocket) {
		upgrades = `["websocket"]`
	}
	s.mu.Lock()
	s.enqueue(packet(packetOpen, fmt.Sprintf(
		`{"sid":"%s","upgrades":%s,"pingInterval":%d,"pingTimeout":%d,"maxPayload":%d}`,
		s.id, upgrades, o.PingInterval.Milliseconds(), o.PingTimeout.Milliseconds(), o.MaxPayload)))
	s.handler = s.srv.open(s)
	s.due = s.srv.elapsed() + o.PingInterval
	s.timer = time.AfterFunc(o.PingInterval, s.onTimer)
	s.mu.Unlock()
	s.srv.register(s)
	s.mu.Lock()
	s.flush()
	s.mu.Unlock()
}

// isWebSocketRequest tells a WebSocket handshake; hijack checks the rest of it.
func isWebSocketRequest(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// hijack completes the WebSocket handshake, RFC 6455 section 4.2. It returns nil when it failed, with the reply sent.
func (srv *Server) hijack(w http.ResponseWriter, r *http.Request) *wsConn {
	upgrader := ws.HTTPUpgrader{Timeout: srv.o.UpgradeTimeout, Header: w.Header()}
	conn, rw, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		srv.o.Logger.Debug("engineio: websocket handshake failed", "error", err, "remote", r.RemoteAddr)
		if conn != nil {
			_ = conn.Close()
		}
		return nil
	}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered())
	return newWSConn(conn, early, srv.o.MaxPayload, false)
}
