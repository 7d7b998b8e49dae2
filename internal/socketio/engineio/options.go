package engineio

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// The two transports of Engine.IO, as they appear in the transport query parameter.
const (
	Polling   = "polling"
	WebSocket = "websocket"
)

// Defaults of Options: those of the reference server, where it has any.
const (
	DefaultPingInterval   = 25 * time.Second
	DefaultPingTimeout    = 20 * time.Second
	DefaultUpgradeTimeout = 10 * time.Second
	DefaultMaxPayload     = 1_000_000
	DefaultSendMemory     = 64 << 20
)

// CORSOptions say which web origins besides the server's own may speak to it. They hold for WebSocket handshakes
// as well: browsers apply no same-origin rule there, so the server does.
type CORSOptions struct {
	// Origins lists the allowed origins, such as "https://crm.example.org"; "*" allows every origin.
	// An empty list allows the server's own origin only. Requests without an Origin header always pass.
	Origins []string
	// Allow judges a request's origin in place of Origins, if it is there.
	Allow func(r *http.Request) bool
	// Credentials lets the browser send cookies across origins. The allowed origin is then echoed, never "*".
	Credentials bool
	// MaxAge is how long a browser may keep the reply to a preflight request; 0 leaves it to the browser.
	MaxAge time.Duration
}

// HTTPError is an error that chooses the status and the text of an HTTP reply.
type HTTPError struct {
	Status  int    // an HTTP status, 400 to 599
	Message string // sent to the client
}

func (e *HTTPError) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Message) }

// Options configure a Server. The zero value of each field means its default.
type Options struct {
	PingInterval   time.Duration // between two pings of the server; default 25 s
	PingTimeout    time.Duration // from a ping to its pong; default 20 s
	UpgradeTimeout time.Duration // from the second transport's handshake to its upgrade packet; default 10 s
	MaxPayload     int64         // of one message or one POST body, in bytes; default 1,000,000
	Transports     []string      // default Polling and WebSocket
	// SendMemory bounds what waits for all clients together, in bytes; default 64 MiB. Above it the sessions are closed, with
	// ReasonSlowReader, that would need longest to take what waits for them at their pace so far.
	SendMemory     int
	MaxConnections int // sessions at a time, more get 503; default 0: no limit
	CORS           CORSOptions
	// CheckRequest, when set, may refuse a handshake before a session exists. An *HTTPError chooses the reply's
	// status; any other error replies 403.
	CheckRequest func(*http.Request) error
	SlowReader   func()       // called for each session closed with ReasonSlowReader; it must not wait. nil: nobody is told
	Logger       *slog.Logger // default: slog.Default
}
