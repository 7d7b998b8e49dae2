package engineio

import (
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/gobwas/ws"
)

// serveProbe takes a WebSocket that is to replace polling. Until the client's upgrade packet both transports are up;
// from then on the WebSocket alone is.
func (s *Session) serveProbe(c *wsConn) {
	if s.upgraded(c) {
		s.serveWebSocket(c)
		return
	}
	_ = c.conn.Close()
	c.release()
	s.srv.running.Done()
}

// upgraded makes c the session's transport, if the client wants it in time.
func (s *Session) upgraded(c *wsConn) bool {
	s.mu.Lock()
	if s.state != stateOpen || s.ws != nil || s.probe != nil {
		s.mu.Unlock()
		frame := closeMessage(ws.StatusPolicyViolation, "transport already upgraded")
		_, _ = c.write(frame.frame, time.Now().Add(lingerTimeout))
		return false
	}
	s.probe = c
	s.mu.Unlock()

	deadline := time.Now().Add(s.srv.o.UpgradeTimeout)
	c.setReadDeadline(deadline)
	c.onControl = func(op uint8, payload []byte) error {
		switch op {
		case opClose:
			return errClientClose
		case opPong:
			return nil
		}
		_, err := c.write(controlMessage(opPong, payload).frame, deadline)
		return err
	}
	if !s.probeUpgrades(c, deadline) {
		s.probeFailed()
		return false
	}
	s.poll.awaitPost() // its messages came first
	return true
}

// probeFailed goes back to polling. A client that was told to stop polling does not begin again by itself: it is gone unless
// it has a poll under way or sends one soon.
func (s *Session) probeFailed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.probed
	s.probe, s.probed = nil, false
	if s.state == stateClosed {
		return
	}
	s.flush()
	if told && s.poll.waiting == nil && s.state == stateOpen {
		polls := s.poll.polls
		time.AfterFunc(probeGrace, func() {
			s.mu.Lock()
			gone := s.poll.polls == polls
			s.mu.Unlock()
			if gone {
				s.close(ReasonTransportClose, packetCloseMessage)
			}
		})
	}
}

// probeGrace is how long a client whose upgrade has failed half-way may take to poll again.
const probeGrace = 2 * time.Second

// probeUpgrades holds the upgrade's conversation and reports whether c is the transport now.
func (s *Session) probeUpgrades(c *wsConn, deadline time.Time) bool {
	if data, isBinary, err := c.readMessage(); err != nil || isBinary || string(data) != "2probe" {
		return false
	}
	s.mu.Lock()
	s.probed = true
	s.mu.Unlock()
	if _, err := c.write(packetProbeMessage.frame, deadline); err != nil {
		return false
	}
	if !c.hasUnread() { // else the upgrade packet came along with the probe: a waiting poll is too late
		crossed := time.AfterFunc(crossingTime, s.endPoll)
		defer crossed.Stop()
	}
	if data, isBinary, err := c.readMessage(); err != nil || isBinary || string(data) != "5" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return false
	}
	if s.poll.waiting != nil {
		s.poll.answer(nil) // the client has stopped polling: this one came too late
	}
	s.ws, s.probe = c, nil // what is queued goes out first
	c.onControl = s.onControl
	c.setReadDeadline(time.Time{})
	if s.state == stateClosing {
		s.timer.Reset(lingerTimeout)
		s.enqueue(closeMessage(s.closeCode, ""))
	}
	s.flush()
	return true
}

// endPoll ends a waiting poll, so that the client can stop polling. It does nothing once the upgrade is done, or has
// failed.
func (s *Session) endPoll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
}

// onControl replies to the WebSocket's own control frames.
func (s *Session) onControl(op uint8, payload []byte) error {
	switch op {
	case opPong:
		return nil
	case opPing:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.queued < backlogSize { // a client that asks and does not read gets no more replies
			_ = s.send([]Message{controlMessage(opPong, payload)}) // closed: nobody to answer
		}
		return nil
	}
	return closeFrame(payload)
}

const closedByPeer = "closed by the other side"

// serveWebSocket reads messages until the connection ends, by whichever side.
//
// Between messages it does not stay: a goroutine that has handled one has a grown stack, which it would keep while it
// waits, most of a day. So it leaves the waiting to a new one, with the smallest stack there is.
func (s *Session) serveWebSocket(c *wsConn) {
	for {
		if c.canWait() {
			go s.awaitBytes(c)
			return
		}
		if err := s.readOne(c); err != nil {
			s.endWebSocket(c, err)
			return
		}
	}
}

// awaitBytes waits until there is something to read and then serves it. It must need little stack up to the wait.
func (s *Session) awaitBytes(c *wsConn) {
	if err := c.fill(); err != nil {
		s.endWebSocket(c, &ioError{err})
		return
	}
	s.serveWebSocket(c)
}

// readOne reads and handles one message.
func (s *Session) readOne(c *wsConn) (err error) {
	defer s.contain(&err)
	data, isBinary, err := c.readMessage()
	if err != nil {
		var closing *closeError
		if !errors.As(err, &closing) {
			err = &ioError{err}
		}
		return err
	}
	if !s.isOpen() {
		return nil // closed by us: only the client's close frame is of interest
	}
	return s.receive(data, isBinary)
}

// endWebSocket closes the session and the connection for the reason that err is.
func (s *Session) endWebSocket(c *wsConn, err error) {
	defer s.srv.running.Done()
	c.forget()
	var closing *closeError
	switch {
	case errors.As(err, &closing) && closing.text == closedByPeer:
		s.closeGracefully(ReasonTransportClose, closing.code)
	case errors.As(err, &closing):
		s.closeGracefully(ReasonTransportError, closing.code)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		s.close(ReasonTransportClose, packetCloseMessage)
	case isIOError(err):
		s.close(ReasonTransportError, packetCloseMessage)
	default:
		s.closeGracefully(reasonOf(err), ws.StatusNormalClosure)
	}
	// Unread bytes would turn the close into a reset and lose what the client has not read yet.
	for c.fill() == nil {
	}
	s.close(ReasonTransportClose, packetCloseMessage)
	c.release()
}

// contain makes a panic an error that ends the session: nothing above a WebSocket's reader would recover it, and one
// client's bug is not to cost all of them their connection.
func (s *Session) contain(err *error) {
	if v := recover(); v != nil {
		s.srv.o.Logger.Error("engineio: a session's reader panicked", "panic", v, "stack", string(debug.Stack()))
		*err = ReasonParseError
	}
}

func (s *Session) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen
}

// ioError is a failure of the connection itself.
type ioError struct{ error }

func (e *ioError) Unwrap() error { return e.error }

func isIOError(err error) bool {
	var e *ioError
	return errors.As(err, &e)
}
