package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	neturl "net/url"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
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
	ConnectTimeout time.Duration // for one try, from dialing to the namespace's reply; default 20 s
	Reconnect      ReconnectOptions
	MaxPayload     int64 // of one message of the server, in bytes; default 32 MiB
	SendQueue      int   // bytes that may wait for the network; default 64 MiB
	Inbox          int   // events that may wait for the handlers; default 256, and 1 MiB of memory
	Logger         *slog.Logger

	// NoTrailingSlash is npm's addTrailingSlash: false: the path ends without its slash. Servers need the slash by default.
	NoTrailingSlash bool
}

// ReconnectOptions say how a Client comes back after a lost connection.
type ReconnectOptions struct {
	Disabled bool
	Delay    time.Duration // before the first try after a loss or a failed Connect, doubled for each one more; default 1 s
	MaxDelay time.Duration // of any delay; default 5 s
	Jitter   float64       // each delay varies by this share of it, 0 to 1; default 0.5, negative: none
	Attempts int           // in a row before giving up; default 0: no limit
}

// Client is one namespace of one server, over a connection of its own. Handlers run in order, one at a time;
// methods may be called from any goroutine. Nothing is queued while there is no connection: Emit fails with ErrClosed.
type Client struct {
	endpoint
	o       ClientOptions
	url     string          // http or https, with path and query
	ownHTTP *http.Transport // nil: the caller gave an HTTP client

	// Guarded by endpoint.mu.
	running        bool // a goroutine keeps the client connected
	closed         bool
	stop           context.CancelFunc // ends that goroutine
	stopped        chan struct{}      // closed when it has ended
	id             string
	protocol       int
	onConnect      []func()
	onDisconnect   []func(string)
	onConnectError []func(error)
}

// NewClient returns a client that is not connected: register handlers, then Connect. The URL has the scheme http, https,
// ws or wss; its path is the server's, as npm's option path names it, with or without a slash at its end, "/socket.io/" if it
// has none; its query is kept.
func NewClient(url string, o ClientOptions) (*Client, error) {
	u, err := address(url, o.NoTrailingSlash)
	if err != nil {
		return nil, err
	}
	if o.Protocol != 0 && o.Protocol != 3 && o.Protocol != 4 {
		return nil, fmt.Errorf("socketio: unknown protocol %d", o.Protocol)
	}
	setDefault(&o.Namespace, "/")
	setDefault(&o.ConnectTimeout, 20*time.Second)
	setDefault(&o.Inbox, defaultInbox)
	setDefault(&o.Logger, slog.Default())
	setDefault(&o.Reconnect.Delay, time.Second)
	setDefault(&o.Reconnect.MaxDelay, 5*time.Second)
	setDefault(&o.Reconnect.Jitter, 0.5)
	var ownHTTP *http.Transport
	if o.HTTPClient == nil {
		ownHTTP = http.DefaultTransport.(*http.Transport).Clone()
		o.HTTPClient = &http.Client{Transport: ownHTTP}
	}
	if len(o.Transports) == 0 {
		o.Transports = []string{engineio.WebSocket}
	}
	c := &Client{o: o, url: u.String(), ownHTTP: ownHTTP}
	c.namespace = o.Namespace
	return c, nil
}

// address makes of a server's URL the one that a client calls. As engine.io-client does, it ends the path with one slash: a
// server tells its own requests from others by that.
func address(url string, noTrailingSlash bool) (*neturl.URL, error) {
	u, err := neturl.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("socketio: %w", err)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, fmt.Errorf("socketio: unknown scheme %q", u.Scheme)
	}
	path, escaped := strings.TrimRight(u.Path, "/"), strings.TrimRight(u.EscapedPath(), "/")
	if path == "" {
		path, escaped = defaultPath, defaultPath
	}
	if !noTrailingSlash {
		path, escaped = path+"/", escaped+"/"
	}
	u.Path, u.RawPath = path, escaped
	return u, nil
}

const defaultPath = "/socket.io"

// Dial is NewClient and Connect.
func Dial(ctx context.Context, url string, o ClientOptions) (*Client, error) {
	c, err := NewClient(url, o)
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Connect connects and returns when the namespace has accepted the client. It fails with a *ConnectError when the
// server refuses, with ctx's error, or with the last error when reconnection is disabled or its attempts are
// used up. After a success the client reconnects by itself, refusals notwithstanding, until Close, or until the server
// disconnects it; Connect may then be called again.
func (c *Client) Connect(ctx context.Context) error {
	c.mu.Lock()
	if c.closed || c.running {
		c.mu.Unlock()
		return errors.New("socketio: the client is closed or connected already")
	}
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.running, c.stop, c.stopped = true, stop, make(chan struct{})
	stopped := c.stopped
	c.mu.Unlock()
	first := make(chan error, 1)
	go func() {
		defer close(stopped)
		defer stop()
		c.keepConnected(runCtx, first)
		c.mu.Lock()
		c.running = false
		c.mu.Unlock()
	}()
	select {
	case err := <-first:
		if err != nil {
			<-stopped
		}
		return err
	case <-ctx.Done():
		stop()
		<-stopped
		return ctx.Err()
	}
}

// keepConnected connects, waits for the end of the connection, and begins again. It tells first how the first connect
// went.
func (c *Client) keepConnected(ctx context.Context, first chan<- error) {
	failures, waits := 0, 0 // since the last success
	for {
		cc, err := c.connectOnce(ctx)
		if err == nil {
			failures, waits = 0, 0
			if first != nil {
				first <- nil
				first = nil
			}
			if reason := c.untilLost(ctx, cc); reason == ReasonIODisconnect || ctx.Err() != nil || c.o.Reconnect.Disabled {
				return
			}
		} else {
			failures++
			c.tell(func() {
				for _, h := range c.connectErrorHandlers() {
					h(err)
				}
			})
			var refusal *ConnectError
			final := c.o.Reconnect.Disabled || ctx.Err() != nil ||
				c.o.Reconnect.Attempts > 0 && failures >= c.o.Reconnect.Attempts
			if final || first != nil && errors.As(err, &refusal) {
				if first != nil {
					first <- err
				}
				return
			}
		}
		select {
		case <-time.After(c.o.Reconnect.delay(waits)):
			waits++
		case <-ctx.Done():
			if first != nil {
				first <- ctx.Err()
			}
			return
		}
	}
}

// delay returns the wait before the next try, after so many waits in a row. Once they have reached MaxDelay it varies
// downwards alone.
func (o *ReconnectOptions) delay(waits int) time.Duration {
	longest := float64(o.MaxDelay)
	d := min(float64(o.Delay)*math.Pow(2, float64(waits)), longest)
	if o.Jitter > 0 {
		d *= 1 + min(o.Jitter, 1)*(2*rand.Float64()-1)
	}
	return time.Duration(min(d, longest))
}

// connectOnce tries the transports in turn.
func (c *Client) connectOnce(ctx context.Context) (cc *clientConn, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.ConnectTimeout)
	defer cancel()
	for _, transport := range c.o.Transports {
		if cc, err = c.dial(ctx, transport); err == nil {
			return cc, nil
		}
		var refusal *ConnectError
		if errors.As(err, &refusal) || ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// untilLost waits for the end of the connection and tells the handlers.
func (c *Client) untilLost(ctx context.Context, cc *clientConn) (reason string) {
	select {
	case reason = <-cc.lost:
	case <-ctx.Done():
		_ = cc.conn.Send(controlPacket(packetDisconnect, c.namespace, nil)) // lost: nobody to tell
		reason = ReasonIOClient
	}
	c.unlink()
	cc.conn.Close()
	c.mu.Lock()
	c.id = ""
	handlers := slices.Clone(c.onDisconnect)
	c.mu.Unlock()
	c.tell(func() {
		for _, h := range handlers {
			h(reason)
		}
	})
	return reason
}

func (c *Client) connectErrorHandlers() []func(error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.onConnectError
}

// tell runs something in the handlers' order.
func (c *Client) tell(do func()) { c.inbox.put(task{do: do}, c.run) }

func (c *Client) run(t task) {
	guard(c.o.Logger, func() {
		if t.ev != nil {
			c.handle(t.ev)
			return
		}
		t.do()
	})
}

// On sets the handler of an event. An event has one: a second On for it panics, since either would be lost.
func (c *Client) On(event string, h func(ev *Event)) { c.setHandler(event, h) }

// OnAny sets a handler for every event, called before the event's own.
func (c *Client) OnAny(h func(ev *Event)) { c.setAny(h) }

// OnConnect adds a handler that runs after each connect, the first included.
func (c *Client) OnConnect(h func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onConnect = append(c.onConnect, h)
}

// OnDisconnect adds a handler that runs when the connection is lost or closed.
func (c *Client) OnDisconnect(h func(reason string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onDisconnect = append(c.onDisconnect, h)
}

// OnConnectError adds a handler for each try that failed: a *ConnectError when the server refused.
func (c *Client) OnConnectError(h func(err error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onConnectError = append(c.onConnectError, h)
}

// Emit sends an event; see Socket.Emit for the arguments and errors.
func (c *Client) Emit(event string, args ...any) error {
	out := outgoing{typ: packetEvent, namespace: c.namespace, ackID: noAck, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	return c.send(messages)
}

// EmitIf is Emit of an event that must not leave late: may is asked right before it is written to the network, and if it returns
// an error the event is dropped; so is the connection when the writing does not end soon.
func (c *Client) EmitIf(may func() error, event string, args ...any) error {
	out := outgoing{typ: packetEvent, namespace: c.namespace, ackID: noAck, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	if len(messages) > 1 {
		return errors.New("socketio: attachments cannot be sent on a condition")
	}
	messages[0] = messages[0].If(may)
	return c.send(messages)
}

// EmitWithAck emits and waits for the server's reply; see Socket.EmitWithAck.
func (c *Client) EmitWithAck(ctx context.Context, event string, args ...any) ([]json.RawMessage, error) {
	return argsOf(c.call(ctx, event, args))
}

// Call is EmitWithAck with the whole answer, attachments included.
func (c *Client) Call(ctx context.Context, event string, args ...any) (*Payload, error) {
	return c.call(ctx, event, args)
}

// ID returns the socket's id at the server, "" while there is no connection.
func (c *Client) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// Connected tells whether the client is in its namespace now.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link != nil
}

// Protocol returns the Engine.IO revision in use, 4 or 3; 0 before the first connect.
func (c *Client) Protocol() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.protocol
}

// Close leaves the namespace, closes the connection and waits, at most ten seconds, for the handlers. A handler must not
// call it directly: go c.Close().
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	stop, stopped := c.stop, c.stopped
	c.mu.Unlock()
	if stop == nil {
		return nil
	}
	c.inbox.close() // a reader that waits for room in it would hold up the connection's end
	stop()
	<-stopped
	if c.ownHTTP != nil {
		c.ownHTTP.CloseIdleConnections()
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return c.inbox.quiesce(ctx)
}

const closeTimeout = 10 * time.Second
