package socketio

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// CORSOptions say which web origins may speak to the server.
type CORSOptions = engineio.CORSOptions

// HTTPError is an error that chooses the status of an HTTP answer; see ServerOptions.CheckRequest.
type HTTPError = engineio.HTTPError

// ServerOptions configure a Server. The zero value of each field means its default, which is the reference
// server's where that has one.
type ServerOptions struct {
	Path           string        // where the server is mounted; default "/socket.io/"
	PingInterval   time.Duration // between two pings; default 25 s
	PingTimeout    time.Duration // from a ping to its pong; default 20 s
	ConnectTimeout time.Duration // for a client to join a first namespace; default 45 s
	UpgradeTimeout time.Duration // for an upgrade from polling to WebSocket; default 10 s
	MaxPayload     int64         // of one message or one POST body, in bytes; default 1,000,000
	Transports     []string      // "polling", "websocket"; default both
	CORS           CORSOptions   // default: the server's own origin only
	// CheckRequest sees each handshake request before a session exists and may refuse it: an *HTTPError chooses
	// the status (401, 403, …), any other error answers 403.
	CheckRequest func(*http.Request) error
	Recovery     *RecoveryOptions // nil: no connection state recovery
	Adapter      Adapter          // nil: one node
	// SendQueue bounds what one client may leave unread, in bytes; default 1 MiB. A client that exceeds it is closed
	// with ReasonSlowReader.
	SendQueue int
	// Inbox bounds the events of one socket that wait for its handlers; default 256. While it is full the
	// client is not read, and after PingTimeout without progress it is closed with ReasonFlood.
	Inbox          int
	MaxConnections int          // clients at a time, more are answered 503; default 0: no limit
	Logger         *slog.Logger // default slog.Default
}

// RecoveryOptions let a client that was cut off resume: same id, same rooms, and the events it missed.
type RecoveryOptions struct {
	MaxDisconnection time.Duration // how long a cut-off client may stay away; default 2 min
	MaxPackets       int           // events kept a namespace, the oldest go first; default 10,000
	MaxBytes         int           // bytes of events kept a namespace, the oldest go first; default 16 MiB
	RunMiddleware    bool          // run the namespace's middleware for recovered sockets too
}

// Server is a Socket.IO server: an http.Handler to mount at ServerOptions.Path.
type Server struct{}

// NewServer returns a server that answers for no namespace yet: Of makes them. It fails on options out of range
// and when the adapter does not start.
func NewServer(o ServerOptions) (*Server, error) { panic("not yet") }

// ServeHTTP answers polling requests and WebSocket handshakes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("not yet") }

// Of returns the namespace with that name, such as "/" or "/agents", making it when it is new.
func (s *Server) Of(namespace string) *Namespace { panic("not yet") }

// Close refuses new clients, disconnects the others with ReasonServerShutdown and waits until their handlers have
// returned or ctx ends. It returns ctx's error in the latter case.
func (s *Server) Close(ctx context.Context) error { panic("not yet") }
