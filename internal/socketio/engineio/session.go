package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// Reason says why a session ended. It is an error, so that a Handler can name the reason it wants.
type Reason string

func (r Reason) Error() string { return string(r) }

// Reasons, spelled as in the reference implementation where it has them.
const (
	ReasonTransportClose Reason = "transport close"      // the connection ended, or the client said so
	ReasonTransportError Reason = "transport error"      // the connection failed, or broke the transport's rules
	ReasonParseError     Reason = "parse error"          // a packet that is none
	ReasonPingTimeout    Reason = "ping timeout"         // no pong in time
	ReasonForcedClose    Reason = "forced close"         // Session.Close
	ReasonShutdown       Reason = "server shutting down" // Server.Close
	ReasonSlowReader     Reason = "slow reader"          // nothing was read for too long, or slowest when the send memory was full
)

// Errors of Send.
var (
	ErrClosed   = errors.New("engineio: session closed")
	ErrTooLarge = errors.New("engineio: the message is larger than the whole send memory")
)

// Handler receives what happens to one session.
type Handler interface {
	// Message is called for each message, in order, one at a time; data is the handler's to keep. While it runs the
	// client is not read. An error closes the session, for the Reason that it is or else with ReasonParseError.
	Message(data []byte, isBinary bool) error
	// Closed is called once, when the session has ended. A call of Message may still be running.
	Closed(reason Reason)
}

// Quiescer is a Handler that works on messages after Message has returned. Before a POST is replied to, and with it the
// client's next one asked for, Quiesce waits until that work is done or ctx ends.
type Quiescer interface {
	Quiesce(ctx context.Context)
}

// lingerTimeout is how long a session that was closed by the server may take to deliver its last packets, or the next of them.
const lingerTimeout = 10 * time.Second

// timerSlack is how late a timer is without a stall. A pong is due by the schedule, which the protocol's suite goes by,
// when its ping was no later than that; else the client has all of its time from the ping on. When the
// timer of the pong is later than that, what the client has sent may be unread.
const timerSlack = 20 * time.Millisecond

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // ended for the handler; last packets are on their way
	stateClosed
)

// Session is one client's connection, over whichever transport it has at the moment.
type Session struct {
	id      string
	srv     *Server
	request *http.Request
	handler Handler

	inMessage atomic.Bool // the handler has the reader: its pongs wait behind a message

	mu           sync.Mutex
	state        state
	awaitingPong bool
	spared       bool // has had its second chance for this pong
	writing      bool // a goroutine has the WebSocket's writing side
	timer        *time.Timer
	due          time.Duration // of the next ping, or while awaitingPong of the pong; since srv.began
	queue        []Message
	queued       int           // cost of the queue and of what is being written: what waits for the client
	written      int64         // bytes that the transport has taken so far
	behindSince  time.Duration // since when something has waited without a break
	behindFrom   int64         // written by then
	delivered    int64         // written, and not held by the kernel, when progress last looked
	hadBacklog   bool          // then, too
	slow         bool          // closed as a slow reader
	closeCode    ws.StatusCode // of the close frame of a session that is closing

	ws     *wsConn // nil while the transport is polling
	probe  *wsConn // a second transport on its way to replace polling
	probed bool    // the probe had its reply: polls return at once
	poll   *poller // nil for a session that began with WebSocket
}

func newSession(srv *Server, r *http.Request) *Session {
	return &Session{
		id:      newID(),
		srv:     srv,
		request: r.WithContext(context.WithoutCancel(r.Context())),
	}
}

// newID returns 20 characters of 15 random bytes.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ID returns the session's id.
func (s *Session) ID() string { return s.id }

// Request returns the handshake's request.
func (s *Session) Request() *http.Request { return s.request }

// Transport returns the name of the transport in use.
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ws == nil {
		return Polling
	}
	return WebSocket
}

// Send queues messages, which are sent in one piece: no other message comes between them. It never waits for the
// network. What the client does not take at once waits, within Options.SendMemory.
func (s *Session) Send(messages ...Message) error {
	if err := s.srv.makeRoom(costOf(messages)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.send(messages)
}

func costOf(messages []Message) (cost int) {
	for _, m := range messages {
		cost += m.cost()
	}
	return cost
}

func (s *Session) send(messages []Message) error {
	switch {
	case s.slow:
		return ReasonSlowReader
	case s.state != stateOpen:
		return ErrClosed
	}
	if len(messages) == 1 && s.ws != nil && !s.writing && len(s.queue) == 0 {
		s.writeOne(messages[0])
		return nil
	}
	s.enqueue(messages...)
	s.flush()
	return nil
}

func (s *Session) enqueue(messages ...Message) {
	s.queue = append(s.queue, messages...)
	s.owe(costOf(messages))
}

// Close ends the session: an upgrade that is under way is finished, what was sent before is still delivered, as long as
// the client goes on reading, then the transport is closed. The handler is told ReasonForcedClose.
func (s *Session) Close() { s.closeGracefully(ReasonForcedClose, ws.StatusNormalClosure) }

func (s *Session) closeGracefully(reason Reason, code ws.StatusCode) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state, s.closeCode = stateClosing, code
	s.srv.running.Add(1) // for the handler's last word: the session itself may be gone by then
	defer s.srv.running.Done()
	linger := lingerTimeout
	if s.probe != nil { // the client may have stopped polling: nothing reaches it but by the end of the upgrade
		linger += s.srv.o.UpgradeTimeout
	}
	s.due = s.srv.elapsed() + max(linger, s.patience())
	s.timer.Reset(linger)
	s.progress()
	if s.ws != nil {
		s.enqueue(closeMessage(code, ""))
	}
	s.flush()
	s.mu.Unlock()
	s.handler.Closed(reason)
}

// abort ends the session at once, from under the lock: the handler is told by another goroutine, since the caller may
// hold locks of its own.
func (s *Session) abort(reason Reason) {
	if s.state == stateOpen {
		s.srv.running.Go(func() { s.handler.Closed(reason) })
	}
	s.end(packetCloseMessage)
}

// close ends the session at once; a waiting poll is replied to with last.
func (s *Session) close(reason Reason, last Message) {
	s.mu.Lock()
	open := s.state == stateOpen
	if open {
		s.srv.running.Add(1) // as in closeGracefully
		defer s.srv.running.Done()
	}
	s.end(last)
	s.mu.Unlock()
	if open {
		s.handler.Closed(reason)
	}
}

// end releases all that the session holds.
func (s *Session) end(last Message) {
	if s.state == stateClosed {
		return
	}
	s.state = stateClosed
	s.timer.Stop()
	s.srv.remove(s)
	if s.poll != nil && s.poll.waiting != nil {
		s.poll.answer(appendPayload(nil, []Message{last}))
	}
	for _, c := range []*wsConn{s.probe, s.ws} {
		if c != nil {
			c.fd = noFD
			s.hangUp(c, func() { _ = c.conn.Close() })
		}
	}
	s.queue = nil
	s.owe(-s.queued)
}

// hangUp closes a connection, or half of it. TLS says goodbye first and may wait for the client in that, so it must
// not do it under the lock.
func (s *Session) hangUp(c *wsConn, hangUp func()) {
	if c.raw != nil {
		hangUp()
		return
	}
	s.srv.running.Go(hangUp)
}

// patience is how long one read or write may take: by then the ping would be overdue.
func (s *Session) patience() time.Duration { return s.srv.o.PingInterval + s.srv.o.PingTimeout }

// schedule sets when the next ping or its pong is due.
func (s *Session) schedule(after time.Duration) {
	s.due = s.srv.elapsed() + after
	s.timer.Reset(after)
}

// secondChance bounds how long after a stall a pong may take that was there, unread, when it was due.
const secondChance = time.Second

// overdue tells a session that the timer, a little late, is about to close.
func (s *Session) overdue() bool {
	return s.state == stateOpen && s.awaitingPong && s.srv.elapsed() >= s.due && !s.stalled() && !s.hadBacklog
}

// stalled tells, when a pong is overdue, that the process may have stood still rather than the client: the timer itself is
// late, and the pong may be among what the kernel has. A polling client that has not fetched the ping cannot have replied.
// A pong is waited for once.
func (s *Session) stalled() bool {
	return s.srv.elapsed()-s.due > timerSlack && !s.spared && (s.ws != nil || len(s.queue) == 0)
}

// onTimer sends the pings, and ends sessions whose pong or whose last delivery is overdue.
func (s *Session) onTimer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == stateClosed:
	case s.state == stateClosing:
		if s.progress() && s.srv.elapsed() < s.due {
			s.timer.Reset(lingerTimeout)
			return
		}
		s.end(packetCloseMessage)
	case !s.awaitingPong:
		s.awaitingPong = true
		s.progress()
		now := s.srv.elapsed()
		if now-s.due > timerSlack {
			s.due = now
		}
		s.due += s.srv.o.PingTimeout
		s.timer.Reset(s.due - now)
		_ = s.send([]Message{packetPingMessage})
	case s.inMessage.Load():
		s.schedule(s.srv.o.PingTimeout) // the pong may be there, unread
	case s.progress():
		s.schedule(s.srv.o.PingTimeout) // the ping lies behind what the client is reading
	case s.stalled():
		s.spared = true
		s.schedule(min(secondChance, s.srv.o.PingTimeout))
	default:
		s.abort(ReasonPingTimeout) // under the lock still: no pong is taken in between
	}
}

var (
	packetCloseMessage = packet(packetClose, "")
	packetPingMessage  = packet(packetPing, "")
	packetNoopMessage  = packet(packetNoop, "")
	packetProbeMessage = packet(packetPong, "probe")
)

// receive handles one packet of the client. An error closes the session.
func (s *Session) receive(data []byte, isBinary bool) error {
	if isBinary {
		return s.deliver(data, true)
	}
	if len(data) == 0 {
		return ReasonParseError
	}
	switch data[0] {
	case packetMessage:
		return s.deliver(data[1:], false)
	case packetPong:
		s.mu.Lock()
		if s.state == stateOpen && s.awaitingPong {
			s.awaitingPong, s.spared = false, false
			s.schedule(s.srv.o.PingInterval)
		}
		s.mu.Unlock()
		return nil
	case packetClose:
		return errClientClose
	case packetNoop:
		return nil
	case packetPing, packetUpgrade, packetOpen: // not the client's to send, here
		return ReasonTransportError
	}
	return ReasonParseError
}

// errClientClose is the client's close packet: the session ends with ReasonTransportClose.
var errClientClose = errors.New("engineio: closed by the client")

func (s *Session) deliver(data []byte, isBinary bool) error {
	s.inMessage.Store(true)
	defer s.inMessage.Store(false)
	return s.handler.Message(data, isBinary)
}

// reasonOf turns what ended a session's reading into the handler's reason.
func reasonOf(err error) Reason {
	var reason Reason
	switch {
	case errors.As(err, &reason):
		return reason
	case errors.Is(err, errClientClose):
		return ReasonTransportClose
	}
	return ReasonParseError
}
