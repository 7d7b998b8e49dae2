package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// DialOptions configure Dial. The zero value of each field means its default.
type DialOptions struct {
	Header     http.Header  // sent with every request
	HTTPClient *http.Client // makes all requests; its Timeout must be 0; default http.DefaultClient
	Transport  string       // default WebSocket
	Protocol   int          // 3 or 4; default 4
	MaxPayload int64        // of one message or poll of the server, in bytes; default 32 MiB
	SendQueue  int          // bytes that may wait for the network; default 64 MiB
}

const defaultClientMaxPayload = 32 << 20

// Handshake is what the server said at the beginning.
type Handshake struct {
	SID          string `json:"sid"`
	PingInterval int64  `json:"pingInterval"` // milliseconds; 0: not said
	PingTimeout  int64  `json:"pingTimeout"`  // milliseconds; 0: not said
	MaxPayload   int64  `json:"maxPayload"`   // bytes; 0: not said, as by protocol 3 and the first servers of 4
}

// Conn is the client's side of a session. Its goroutines, a reader and a writer, end before Closed is called.
type Conn struct {
	o         DialOptions
	url       url.URL // with all query parameters but sid
	handshake Handshake
	handler   Handler
	ws        *wsConn      // nil: polling
	arriving  atomic.Int64 // bytes that have come

	ctx     context.Context // ends with the connection
	cancel  context.CancelFunc
	wake    chan struct{} // tells the writer of a change; holds one
	workers sync.WaitGroup
	done    chan struct{} // closed after Handler.Closed

	mu           sync.Mutex
	protocol     int
	queue        []Message
	queued       int  // cost of the queue and of what is being written
	pongWaits    bool // the queue holds the reply to a ping
	closing      bool // Close was called: the writer ends after the queue
	reason       Reason
	awaitingPong bool  // protocol 3
	received     int64 // bytes, when the timer was set
	timer        *time.Timer
}

// Dial connects to a server. The URL has the scheme http or https and is complete but for Engine.IO's own query
// parameters. open returns the connection's handler and may use the connection only after that. ctx bounds the dialing, not
// the connection.
func Dial(ctx context.Context, rawURL string, o DialOptions, open func(*Conn) Handler) (*Conn, error) {
	setDefault(&o.HTTPClient, http.DefaultClient)
	setDefault(&o.Transport, WebSocket)
	setDefault(&o.Protocol, 4)
	setDefault(&o.MaxPayload, defaultClientMaxPayload)
	setDefault(&o.SendQueue, DefaultSendMemory)
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("engineio: %w", err)
	}
	query := u.Query()
	query.Set("EIO", fmt.Sprint(o.Protocol))
	query.Set("transport", o.Transport)
	if o.Transport == Polling {
		query.Set("b64", "1") // protocol 3 then sends binary as text, which 4 always does
	}
	u.RawQuery = query.Encode()
	c := &Conn{o: o, url: *u, protocol: o.Protocol, wake: make(chan struct{}, 1), done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))

	var first [][]byte // text packets that came along with the handshake
	switch o.Transport {
	case WebSocket:
		err = c.dialWebSocket(ctx)
	case Polling:
		first, err = c.dialPolling(ctx)
	default:
		err = fmt.Errorf("engineio: unknown transport %q", o.Transport)
	}
	if err != nil {
		c.cancel()
		return nil, err
	}
	c.handler = open(c)
	c.start(first)
	return c, nil
}

func (c *Conn) start(first [][]byte) {
	c.mu.Lock()
	if c.protocol == 4 {
		c.timer = time.AfterFunc(c.pingInterval()+c.pingTimeout(), c.onTimer)
	} else {
		c.timer = time.AfterFunc(c.pingInterval(), c.onTimer)
	}
	c.mu.Unlock()
	c.workers.Go(func() {
		if c.ws != nil {
			c.readWebSocket()
		} else {
			c.readPolls(first)
		}
	})
	c.workers.Go(c.writeLoop)
	go func() {
		c.workers.Wait()
		if c.ws != nil {
			_ = c.ws.conn.Close()
		}
		c.handler.Closed(c.reason)
		close(c.done)
	}()
}

func (c *Conn) pingInterval() time.Duration {
	return orDefault(c.handshake.PingInterval, DefaultPingInterval)
}
func (c *Conn) pingTimeout() time.Duration {
	return orDefault(c.handshake.PingTimeout, DefaultPingTimeout)
}

func orDefault(milliseconds int64, d time.Duration) time.Duration {
	if milliseconds <= 0 || milliseconds > int64(24*time.Hour/time.Millisecond) {
		return d
	}
	return time.Duration(milliseconds) * time.Millisecond
}

// Handshake returns what the server said at the beginning.
func (c *Conn) Handshake() Handshake { return c.handshake }

// Protocol returns the protocol revision in use, 3 or 4.
func (c *Conn) Protocol() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.protocol
}

// UseProtocol3 turns to protocol 3, when a server called with 4 proves to speak 3: from now on the client pings.
// Nothing may have been sent before.
func (c *Conn) UseProtocol3() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.protocol = 3
	if c.reason == "" {
		c.timer.Reset(c.pingInterval())
	}
}

// Send queues messages, which are sent in one piece. It never waits for the network. A connection whose queue would
// outgrow DialOptions.SendQueue is closed with ReasonSlowReader, and so is one whose server takes nothing for as long as a ping
// and its pong may take.
func (c *Conn) Send(messages ...Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.reason != "" {
		return ErrClosed
	}
	cost := 0
	for _, m := range messages {
		cost += m.cost()
	}
	if c.queued > 0 && c.queued+cost > c.o.SendQueue {
		c.fail(ReasonSlowReader)
		return ReasonSlowReader
	}
	c.enqueue(messages...)
	return nil
}

// enqueue queues messages whatever the bound. It is called with c.mu held.
func (c *Conn) enqueue(messages ...Message) {
	for _, m := range messages {
		if c.protocol == 3 && m.Binary() && c.ws != nil {
			m = binaryMessage3(m.Data())
		}
		c.queue = append(c.queue, m)
		c.queued += m.cost()
	}
	c.signal()
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Close sends what is queued, as long as the server goes on reading, closes the connection and returns when the handler has been
// told ReasonForcedClose. A handler must not call it from Message or Closed.
func (c *Conn) Close() {
	c.mu.Lock()
	c.closing = true
	if c.reason == "" {
		c.timer.Reset(lingerTimeout)
	}
	c.signal()
	c.mu.Unlock()
	<-c.done
}

// fail ends the connection for a reason; the first one counts. It is called with c.mu held.
func (c *Conn) fail(reason Reason) {
	if c.reason != "" {
		return
	}
	if c.closing {
		reason = ReasonForcedClose
	}
	c.reason = reason
	c.timer.Stop()
	c.cancel()
	if c.ws != nil {
		_ = c.ws.conn.Close()
	}
}

func (c *Conn) failWith(reason Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(reason)
}

// onTimer ends a connection whose heartbeat is overdue; with protocol 3 it also sends the pings.
func (c *Conn) onTimer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != "" {
		return
	}
	overdue := c.protocol == 4 || c.awaitingPong
	if !c.closing && overdue && c.arriving.Load() > c.received {
		c.setTimer(c.pingTimeout()) // it lies behind what is arriving
		return
	}
	if c.closing || overdue {
		c.fail(ReasonPingTimeout)
		return
	}
	c.awaitingPong = true
	c.enqueue(packetPingMessage)
	c.setTimer(c.pingTimeout())
}

// setTimer waits for the next heartbeat. It is called with c.mu held.
func (c *Conn) setTimer(d time.Duration) {
	c.received = c.arriving.Load()
	c.timer.Reset(d)
}

// receive handles one packet of the server. An error ends the connection.
func (c *Conn) receive(data []byte, isBinary bool) error {
	if isBinary {
		if c.Protocol() == 3 {
			if len(data) == 0 || data[0] != 4 {
				return ReasonParseError
			}
			data = data[1:]
		}
		return c.handler.Message(data, true)
	}
	if len(data) == 0 {
		return ReasonParseError
	}
	switch data[0] {
	case packetMessage:
		return c.handler.Message(data[1:], false)
	case packetPing, packetPong:
		c.heartbeat(data[0], string(data[1:]))
		return nil
	case packetNoop:
		return nil
	case packetClose:
		return errClientClose
	}
	return ReasonParseError
}

// heartbeat replies to the server's ping (protocol 4), or takes its pong (protocol 3). One reply waits at a time: a server
// that goes on pinging before it has read any gets no more of them.
func (c *Conn) heartbeat(typ byte, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != "" || c.closing {
		return
	}
	if typ == packetPing {
		if !c.pongWaits {
			c.pongWaits = true
			c.enqueue(packet(packetPong, data))
		}
		if c.protocol == 4 {
			c.setTimer(c.pingInterval() + c.pingTimeout())
		}
	} else if c.protocol == 3 {
		c.awaitingPong = false
		c.setTimer(c.pingInterval())
	}
}

// writeLoop sends the queue until the connection ends.
func (c *Conn) writeLoop() {
	for {
		select {
		case <-c.wake:
		case <-c.ctx.Done():
			return
		}
		for {
			c.mu.Lock()
			queue := c.queue
			c.queue, c.pongWaits = nil, false
			closing, protocol := c.closing, c.protocol
			c.mu.Unlock()
			if len(queue) == 0 && !closing {
				break
			}
			if err := c.write(queue, protocol, closing); err != nil {
				c.failWith(ReasonTransportError)
				return
			}
			if closing {
				c.finish()
				return
			}
		}
	}
}

// askedWrite is how long the writing of a message may take that was asked for: what it may do now it may not do later.
const askedWrite = time.Second

// permitted leaves out the messages that may not be written any more. asked: there are some that might not have been.
func permitted(queue []Message) (left []Message, asked bool) {
	for i, m := range queue {
		if m.may != nil {
			asked = true
		}
		if m.may == nil || m.may() == nil {
			left = append(left, queue[i])
		}
	}
	return left, asked
}

// write sends the queue batch by batch: so much as one POST may carry, or one write should.
func (c *Conn) write(queue []Message, protocol int, closing bool) error {
	if closing {
		queue = append(queue, c.lastWord())
	}
	limit := flushChunk
	if c.ws == nil {
		limit = int(c.handshake.MaxPayload)
		if limit == 0 {
			limit = DefaultMaxPayload
		}
	}
	for len(queue) > 0 {
		n, size := 0, 0
		for n < len(queue) && (n == 0 || size+payloadSize(queue[n]) <= limit) {
			size += payloadSize(queue[n])
			n++
		}
		if err := c.writeBatch(queue[:n], protocol); err != nil {
			return err
		}
		c.mu.Lock()
		c.queued -= costOf(queue[:n])
		if c.closing && c.reason == "" {
			c.timer.Reset(lingerTimeout) // the server goes on reading
		}
		c.mu.Unlock()
		queue = queue[n:]
	}
	return nil
}

// writeBatch writes what may still be written of a batch. A server that takes nothing of it for too long is given up.
func (c *Conn) writeBatch(batch []Message, protocol int) error {
	batch, asked := permitted(batch)
	if len(batch) == 0 {
		return nil
	}
	if asked {
		defer time.AfterFunc(askedWrite, func() { c.failWith(ReasonTransportError) }).Stop()
	}
	if c.ws == nil {
		return c.post(batch, protocol)
	}
	var out []byte
	for _, m := range batch {
		out = c.ws.appendFrame(out, m)
	}
	patience := c.pingInterval() + c.pingTimeout()
	stuck := time.AfterFunc(patience, func() { c.failWith(ReasonSlowReader) })
	defer stuck.Stop()
	for len(out) > 0 {
		n, err := c.ws.conn.Write(out[:min(len(out), writePiece)])
		if err != nil {
			return err
		}
		out = out[n:]
		stuck.Reset(patience)
	}
	return nil
}

// lastWord tells the server that the client goes.
func (c *Conn) lastWord() Message {
	if c.ws != nil {
		return closeMessage(ws.StatusNormalClosure, "")
	}
	return packetCloseMessage
}

// finish ends the connection after the last write. A server replies to a WebSocket's close frame by closing, which ends the
// reader; the timer set by Close bounds the wait.
func (c *Conn) finish() {
	if c.ws != nil {
		<-c.ctx.Done()
		return
	}
	c.failWith(ReasonForcedClose)
}

func parseHandshake(packet []byte) (h Handshake, err error) {
	if len(packet) == 0 || packet[0] != packetOpen {
		return h, errors.New("engineio: the server does not begin with a handshake")
	}
	if err := json.Unmarshal(packet[1:], &h); err != nil || h.SID == "" {
		return h, errors.New("engineio: malformed handshake")
	}
	return h, nil
}

// readFailed ends the connection after the reader met err.
func (c *Conn) readFailed(err error) {
	var closing *closeError
	var reason Reason
	switch {
	case errors.As(err, &reason):
	case errors.Is(err, errClientClose):
		reason = ReasonTransportClose
	case errors.As(err, &closing) && closing.text != closedByPeer:
		reason = ReasonTransportError
	default:
		reason = ReasonTransportClose
	}
	c.failWith(reason)
}
