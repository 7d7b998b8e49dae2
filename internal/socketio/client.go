package socketio

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// ClientOptions configure a Client. The zero value of each field means its default.
type ClientOptions struct {
	Namespace string     // default "/"
	Auth      func() any // makes the auth payload of each connect, anything JSON; nil: none. Not sent by protocol 3.
	Header    http.Header
	// HTTPClient makes all requests, with its TLS settings, proxy and cookie jar; default: a client of its own with
	// http.DefaultTransport. Its Timeout must be 0.
	HTTPClient *http.Client
	Transports []string // tried in this order; default "websocket" alone. There is no upgrade.
	// Protocol is the Engine.IO revision: 4 (Socket.IO 3.x and 4.x), 3 (Socket.IO 2.x), or 0, the default, to find
	// out: the server is called with 4, and a 2.x server's answer makes it 3.
	Protocol       int
	ConnectTimeout time.Duration // for one try, from dialing to the namespace's answer; default 20 s
	Reconnect      ReconnectOptions
	MaxPayload     int64 // of one message of the server, in bytes; default 16 MiB
	SendQueue      int   // bytes that may wait for the network; default 1 MiB
	Inbox          int   // events that may wait for the handlers; default 256
	Logger         *slog.Logger
}

// ReconnectOptions say how a Client comes back after a lost connection.
type ReconnectOptions struct {
	Disabled bool
	Delay    time.Duration // before the first try, doubled after each; default 1 s
	MaxDelay time.Duration // default 5 s
	Jitter   float64       // each delay varies by this share of it, 0 to 1; default 0.5, negative: none
	Attempts int           // in a row before giving up; default 0: no limit
}

// Client is one namespace of one server, over a connection of its own. Handlers run in order, one at a time;
// methods may be called from any goroutine. Nothing is queued while there is no connection: Emit fails with ErrClosed.
type Client struct{}

// NewClient returns a client that is not connected: register handlers, then Connect. The URL has the scheme http, https,
// ws or wss; its path is the server's, "/socket.io/" if it has none; its query is kept.
func NewClient(url string, o ClientOptions) (*Client, error) { panic("not yet") }

// Dial is NewClient and Connect.
func Dial(ctx context.Context, url string, o ClientOptions) (*Client, error) { panic("not yet") }

// Connect connects and returns when the namespace has accepted the client. It fails with a *ConnectError when the
// server refuses, with ctx's error, or with the last error when reconnection is disabled or its attempts are
// used up. After a success the client reconnects by itself until Close.
func (c *Client) Connect(ctx context.Context) error { panic("not yet") }

// On sets the handler of an event, in place of an earlier one.
func (c *Client) On(event string, h func(ev *Event)) { panic("not yet") }

// OnAny sets a handler for every event, called before the event's own.
func (c *Client) OnAny(h func(ev *Event)) { panic("not yet") }

// OnConnect adds a handler that runs after each connect, the first included.
func (c *Client) OnConnect(h func()) { panic("not yet") }

// OnDisconnect adds a handler that runs when the connection is lost or closed.
func (c *Client) OnDisconnect(h func(reason string)) { panic("not yet") }

// OnConnectError adds a handler for each try that failed: a *ConnectError when the server refused.
func (c *Client) OnConnectError(h func(err error)) { panic("not yet") }

// Emit sends an event; see Socket.Emit for the arguments and errors.
func (c *Client) Emit(event string, args ...any) error { panic("not yet") }

// EmitWithAck emits and waits for the server's answer; see Socket.EmitWithAck.
func (c *Client) EmitWithAck(ctx context.Context, event string, args ...any) ([]json.RawMessage, error) {
	panic("not yet")
}

// Call is EmitWithAck with the whole answer, attachments included.
func (c *Client) Call(ctx context.Context, event string, args ...any) (*Payload, error) {
	panic("not yet")
}

// ID returns the socket's id at the server, "" while there is no connection.
func (c *Client) ID() string { panic("not yet") }

// Connected tells whether the client is in its namespace now.
func (c *Client) Connected() bool { panic("not yet") }

// Recovered tells whether the last connect resumed the one before.
func (c *Client) Recovered() bool { panic("not yet") }

// Protocol returns the Engine.IO revision in use, 4 or 3; 0 before the first connect.
func (c *Client) Protocol() int { panic("not yet") }

// Close leaves the namespace, closes the connection and waits for the handlers. Handlers must not call it
// directly: go c.Close().
func (c *Client) Close() error { panic("not yet") }
