package engineio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Two requests of one client travel on two connections and may overtake each other: how long a close packet waits for
// the poll that was sent before it, and a poll, whether it waits already or comes after the probe, for the upgrade packet.
const crossingTime = 10 * time.Millisecond

// quiesceTime bounds how long a POST waits for the handlers of its messages. A handler may itself wait for the client,
// whose next POST only comes after the reply to this one.
const quiesceTime = 100 * time.Millisecond

// poller is the polling side of a session.
type poller struct {
	waiting chan []byte   // takes the body of the reply to the waiting GET, nil for an error; nil: none waits
	polls   int           // GETs so far
	sent    int           // cost of the body that is being written
	arrived chan struct{} // closed when a GET arrives; nil: nobody wants to know
	posting bool          // a POST is being handled

	// handling is held while a POST's packets are: a WebSocket that has taken over meanwhile waits for them.
	handling sync.Mutex
}

// awaitPost waits until no POST's packets are being handled.
func (p *poller) awaitPost() {
	p.handling.Lock()
	defer p.handling.Unlock()
}

// answer gives the waiting GET its body.
func (p *poller) answer(body []byte) {
	p.waiting <- body // has room for one
	p.waiting = nil
}

// flushPoll answers the waiting GET with the queue. It is called with s.mu held.
func (s *Session) flushPoll() {
	if s.poll.waiting == nil {
		return
	}
	switch {
	case len(s.queue) > 0:
		s.poll.answer(appendPayload(nil, s.takeBody()))
	case s.probed: // also while closing: what the client awaits is the end of its upgrade
		s.poll.answer(packetNoopMessage.Data())
	case s.state == stateClosing && s.poll.sent == 0:
		// In a body of its own: socket.io-client would close before it has handled the packets in front of it.
		s.end(packetCloseMessage)
	}
}

// takeBody takes the messages of one poll off the queue. They wait until they are written.
func (s *Session) takeBody() []Message {
	n, size := 0, 0
	for n < len(s.queue) && (n == 0 || size+payloadSize(s.queue[n]) <= pollChunk) {
		size += payloadSize(s.queue[n])
		n++
	}
	body := s.queue[:n]
	s.poll.sent = costOf(body)
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return body
}

// writeBody replies to a poll, piece by piece, as writePieces does.
func (s *Session) writeBody(w http.ResponseWriter, body []byte) error {
	for rest := body; len(rest) > 0; {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.patience())) // not every ResponseWriter can
		n, err := w.Write(rest[:min(len(rest), writePiece)])
		if err != nil {
			return err
		}
		rest = rest[n:]
		s.mu.Lock()
		s.written += int64(n)
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owe(-s.poll.sent)
	s.poll.sent = 0
	s.flush() // a poll may have come already
	return nil
}

// serveGet replies to a poll: at once when something is queued, else as soon as something is.
func (s *Session) serveGet(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.state == stateClosed || s.ws != nil {
		s.mu.Unlock()
		writeError(w, http.StatusBadRequest, codeBadRequest)
		return
	}
	if s.overdue() {
		s.abort(ReasonPingTimeout)
		s.mu.Unlock()
		writeError(w, http.StatusBadRequest, codeUnknownSession)
		return
	}
	if s.poll.waiting != nil {
		s.mu.Unlock()
		s.close(ReasonTransportError, packetCloseMessage)
		writeError(w, http.StatusBadRequest, codeBadRequest)
		return
	}
	wait := make(chan []byte, 1)
	s.poll.waiting = wait
	s.poll.polls++
	if s.poll.arrived != nil {
		close(s.poll.arrived)
		s.poll.arrived = nil
	}
	var crossed <-chan time.Time
	if !s.probed {
		s.flush()
	} else { // the upgrade packet may be on its way, ahead of this poll
		timer := time.NewTimer(crossingTime)
		defer timer.Stop()
		crossed = timer.C
	}
	s.mu.Unlock()

	var body []byte
	for body == nil {
		select {
		case body = <-wait:
			if body == nil {
				writeError(w, http.StatusBadRequest, codeBadRequest)
				return
			}
		case <-crossed:
			s.mu.Lock()
			s.flush()
			s.mu.Unlock()
		case <-r.Context().Done():
			s.close(ReasonTransportClose, packetCloseMessage)
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if err := s.writeBody(w, body); err != nil {
		s.pollFailed(err)
	}
}

// pollFailed ends a session whose poll could not be replied to.
func (s *Session) pollFailed(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.close(ReasonTransportError, packetCloseMessage)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropSlow("nothing was read")
}

// servePost takes a client's packets. Their handlers have run before it replies, so that the next poll finds all
// their replies together.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	state, taken := s.state, s.ws != nil || s.poll.posting
	if !taken {
		s.poll.posting = true
	}
	s.mu.Unlock()
	switch {
	case state == stateClosed:
		writeError(w, http.StatusBadRequest, codeUnknownSession)
		return
	case taken:
		s.mu.Lock()
		overlap := s.ws == nil
		s.mu.Unlock()
		if overlap {
			s.close(ReasonTransportError, packetCloseMessage)
		}
		writeError(w, http.StatusBadRequest, codeBadRequest)
		return
	}
	defer func() {
		s.mu.Lock()
		s.poll.posting = false
		s.mu.Unlock()
	}()
	body, status := s.readBody(w, r)
	if status != 0 {
		writeError(w, status, codeBadRequest)
		return
	}
	switch err := s.receivePayload(body); {
	case err == nil:
		s.quiesce(r.Context())
	case errors.Is(err, errUpgraded):
		writeError(w, http.StatusBadRequest, codeBadRequest)
		return
	default:
		last := packetCloseMessage
		if errors.Is(err, errClientClose) {
			s.awaitPoll(r.Context())
			last = packetNoopMessage
		}
		s.close(reasonOf(err), last)
	}
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok")
}

// readBody reads a POST's body, within the limit and by the time the session's ping would be overdue.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request) (body []byte, status int) {
	limit := s.srv.o.MaxPayload
	if r.ContentLength > limit {
		return nil, http.StatusRequestEntityTooLarge
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.patience())) // not every ResponseWriter can
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		s.close(ReasonTransportError, packetCloseMessage)
		return nil, http.StatusBadRequest
	case int64(len(body)) > limit:
		return nil, http.StatusRequestEntityTooLarge
	}
	return body, 0
}

// errUpgraded is a POST that came to its end after the WebSocket had taken polling's place.
var errUpgraded = errors.New("engineio: upgraded meanwhile")

// receivePayload handles a POST's packets. An error other than errUpgraded closes the session.
func (s *Session) receivePayload(body []byte) (err error) {
	s.poll.handling.Lock()
	defer s.poll.handling.Unlock()
	defer s.contain(&err)
	if s.Transport() != Polling {
		return errUpgraded
	}
	for rest := body; rest != nil; {
		var (
			data     []byte
			isBinary bool
		)
		if data, isBinary, rest, err = nextPacket(rest); err != nil {
			return ReasonParseError
		}
		if !s.isOpen() {
			return nil
		}
		if err = s.receive(data, isBinary); err != nil {
			return err
		}
	}
	return nil
}

// quiesce waits for the handler's work on a POST's messages.
func (s *Session) quiesce(ctx context.Context) {
	if quiescer, ok := s.handler.(Quiescer); ok {
		ctx, cancel := context.WithTimeout(ctx, quiesceTime)
		defer cancel()
		quiescer.Quiesce(ctx)
	}
}

// awaitPoll waits a moment for a GET that a close packet has overtaken.
func (s *Session) awaitPoll(ctx context.Context) {
	s.mu.Lock()
	if s.poll.waiting != nil || s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	arrived := make(chan struct{})
	s.poll.arrived = arrived
	s.mu.Unlock()
	timer := time.NewTimer(crossingTime)
	defer timer.Stop()
	select {
	case <-arrived:
	case <-timer.C:
	case <-ctx.Done():
	}
}
