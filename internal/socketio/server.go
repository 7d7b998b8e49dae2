package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// CORSOptions say which web origins may speak to the server.
type CORSOptions = engineio.CORSOptions

// HTTPError is an error that chooses the status of an HTTP reply; see ServerOptions.CheckRequest.
type HTTPError = engineio.HTTPError

// ServerOptions configure a Server. The zero value of each field means its default, which is the reference
// server's where that has one.
type ServerOptions struct {
	Path           string        // where the server is mounted, a slash at the end or not; default "/socket.io/"
	PingInterval   time.Duration // between two pings; default 25 s
	PingTimeout    time.Duration // from a ping to its pong; default 20 s
	ConnectTimeout time.Duration // for a client to join a first namespace; default 45 s
	UpgradeTimeout time.Duration // for an upgrade from polling to WebSocket; default 10 s
	MaxPayload     int64         // of one message or one POST body, in bytes; default 1,000,000
	Transports     []string      // "polling", "websocket"; default both
	CORS           CORSOptions   // default: the server's own origin only
	// CheckRequest sees each handshake request before a session exists and may refuse it: an *HTTPError chooses
	// the status (401, 403, …), any other error replies 403.
	CheckRequest func(*http.Request) error
	// SendMemory bounds what all clients together may leave unread, in bytes; default 64 MiB. A client may leave as much of it
	// as it likes while it goes on reading. Above it the slowest are closed, with ReasonSlowReader.
	SendMemory int
	SlowReader func() // called for each client closed as a slow reader; it must not wait. nil: nobody is told
	// Inbox bounds the events of one socket that wait for its handlers; default 256, and 1 MiB of memory. While it is
	// full the client is not read, and after PingTimeout without progress it is closed with ReasonFlood.
	Inbox          int
	MaxConnections int          // clients at a time, more get 503; default 0: no limit
	Logger         *slog.Logger // default slog.Default
}

// Server is a Socket.IO server: an http.Handler to mount at ServerOptions.Path.
type Server struct {
	o      ServerOptions
	engine *engineio.Server

	// handling counts sockets until their last handler has returned. One is added while its connection is open, which
	// the engine's Close waits for: never beside a Wait.
	handling sync.WaitGroup

	mu         sync.RWMutex
	namespaces map[string]*Namespace
}

// NewServer returns a server that has no namespace yet: Of makes them. It fails on options out of range
func NewServer(o ServerOptions) (*Server, error) {
	setDefault(&o.Path, "/socket.io/")
	o.Path = strings.TrimSuffix(o.Path, "/") + "/" // as clients have it
	setDefault(&o.PingTimeout, engineio.DefaultPingTimeout)
	setDefault(&o.ConnectTimeout, defaultConnectTimeout)
	setDefault(&o.Inbox, defaultInbox)
	setDefault(&o.Logger, slog.Default())
	if o.ConnectTimeout < 0 || o.Inbox < 0 {
		return nil, errors.New("socketio: negative option")
	}
	s := &Server{o: o, namespaces: map[string]*Namespace{}}
	engine, err := engineio.NewServer(engineio.Options{
		PingInterval:   o.PingInterval,
		PingTimeout:    o.PingTimeout,
		UpgradeTimeout: o.UpgradeTimeout,
		MaxPayload:     o.MaxPayload,
		Transports:     o.Transports,
		SendMemory:     o.SendMemory,
		SlowReader:     o.SlowReader,
		MaxConnections: o.MaxConnections,
		CORS:           o.CORS,
		CheckRequest:   o.CheckRequest,
		Logger:         o.Logger,
	}, func(session *engineio.Session) engineio.Handler { return newConnection(s, session) })
	if err != nil {
		return nil, err
	}
	s.engine = engine
	return s, nil
}

const (
	defaultConnectTimeout = 45 * time.Second
	defaultInbox          = 256
)

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// newID returns 20 characters of 15 random bytes.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ServeHTTP replies to polling requests and WebSocket handshakes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != s.o.Path && r.URL.Path+"/" != s.o.Path {
		http.NotFound(w, r)
		return
	}
	s.engine.ServeHTTP(w, r)
}

// Of returns the namespace with that name, such as "/" or "/agents", making it when it is new.
func (s *Server) Of(namespace string) *Namespace {
	if !strings.HasPrefix(namespace, "/") {
		namespace = "/" + namespace
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[namespace]
	if n == nil {
		n = newNamespace(s, namespace)
		s.namespaces[namespace] = n
	}
	return n
}

// namespace returns a namespace if there is one.
func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// Len returns the number of connected clients of this node, those that have joined no namespace included.
func (s *Server) Len() int { return s.engine.Len() }

// Close refuses new clients, disconnects the others with ReasonServerShutdown and waits until their connections are closed
// and all handlers have returned, or ctx ends. It returns ctx's error in the latter case.
func (s *Server) Close(ctx context.Context) error {
	if err := s.engine.Close(ctx); err != nil {
		return err
	}
	return s.awaitHandlers(ctx)
}

// awaitHandlers waits, once no client is connected, until no handler is at work, or ctx ends.
func (s *Server) awaitHandlers(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.handling.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
