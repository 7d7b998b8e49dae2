package engineio

import (
	"errors"
	"os"
	"sync"
	"time"
)

const (
	flushChunk = 64 << 10 // bounds what one write takes from the queue, in bytes
	writePiece = 16 << 10 // what a client must take in Session.patience to be no slow reader
	pollChunk  = 1 << 20  // bounds the body of one poll, unless one message is larger
)

var writeBuffers = sync.Pool{New: func() any { return new([]byte) }}

// flush hands the queue to the transport. It is called with s.mu held.
func (s *Session) flush() {
	if s.ws == nil {
		s.flushPoll()
		return
	}
	if s.writing || len(s.queue) == 0 {
		return
	}
	if s.ws.raw == nil {
		s.writing = true
		s.srv.running.Go(func() { s.writeQueue(nil, nil) })
		return
	}
	for len(s.queue) > 0 {
		buf := writeBuffers.Get().(*[]byte)
		chunk := s.takeChunk(buf)
		n, err := s.ws.tryWrite(chunk)
		s.wrote(n)
		switch {
		case err != nil:
			putWriteBuffer(buf)
			s.abort(ReasonTransportError)
			return
		case n < len(chunk):
			s.writing = true
			s.srv.running.Go(func() { s.writeQueue(chunk[n:], buf) })
			return
		}
		putWriteBuffer(buf)
	}
	s.flushed()
}

// writeOne is flush for one message and an empty queue, without a copy. The kernel takes it as it is, or a
// goroutine writes the rest.
func (s *Session) writeOne(m Message) {
	n, err := s.ws.tryWrite(m.frame)
	switch {
	case err != nil:
		s.abort(ReasonTransportError)
	case n < len(m.frame):
		s.owe(len(m.frame))
		s.wrote(n)
		s.writing = true
		s.srv.running.Go(func() { s.writeQueue(m.frame[n:], nil) })
	default:
		s.written += int64(n)
	}
}

// takeChunk takes the next frames off the queue, copied into buf, or a large one as it lies.
func (s *Session) takeChunk(buf *[]byte) (chunk []byte) {
	chunk = (*buf)[:0]
	i := 0
	for i < len(s.queue) && len(chunk)+len(s.queue[i].frame) <= flushChunk {
		chunk = append(chunk, s.queue[i].frame...)
		s.queue[i] = Message{}
		i++
	}
	*buf = chunk
	if i == 0 {
		chunk = s.queue[0].frame
		s.queue[0] = Message{}
		i = 1
	}
	s.owe(-i * messageOverhead)
	if s.queue = s.queue[i:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return chunk
}

// owe changes what waits for the client, in the session's account and the server's.
func (s *Session) owe(cost int) {
	cost = max(cost, -s.queued)
	if s.queued == 0 && cost > 0 {
		s.behindSince, s.behindFrom = s.srv.elapsed(), s.written
	}
	s.queued += cost
	s.srv.waiting.Add(int64(cost))
}

// wrote notes that the transport has taken n bytes.
func (s *Session) wrote(n int) {
	s.written += int64(n)
	s.owe(-n)
}

// flushed is called when everything is with the kernel. A session that is closing has said its last word then.
func (s *Session) flushed() {
	s.owe(-s.queued)
	if s.state == stateClosing && s.ws != nil {
		s.hangUp(s.ws, s.ws.closeWrite) // the reader goes on until the client closes, or until the timer
	}
}

// writeQueue writes rest and then the queue, waiting for the client as long as it takes something now and then: it ends when
// the queue is empty, or with the connection. buf is what rest lies in, to give back.
func (s *Session) writeQueue(rest []byte, buf *[]byte) {
	if buf == nil {
		buf = writeBuffers.Get().(*[]byte)
	}
	var err error
	for {
		err = s.writePieces(rest)
		s.mu.Lock()
		if err != nil || s.state == stateClosed || len(s.queue) == 0 {
			break
		}
		rest = s.takeChunk(buf)
		s.mu.Unlock()
	}
	s.writing = false
	switch {
	case s.state == stateClosed:
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.dropSlow("nothing was read")
	case err != nil:
		s.abort(ReasonTransportError)
	default:
		s.flushed()
	}
	s.mu.Unlock()
	putWriteBuffer(buf)
}

// writePieces writes p, piece by piece. It fails when the client does not take any of a piece in time.
func (s *Session) writePieces(p []byte) error {
	for len(p) > 0 {
		n, err := s.ws.write(p[:min(len(p), writePiece)], time.Now().Add(s.patience()))
		s.mu.Lock()
		s.wrote(n)
		s.mu.Unlock()
		p = p[n:]
		// TLS is of no use after a write that has failed half-way.
		if slow := n > 0 && s.ws.raw != nil && errors.Is(err, os.ErrDeadlineExceeded); err != nil && !slow {
			return err
		}
	}
	return nil
}

func putWriteBuffer(buf *[]byte) {
	if cap(*buf) <= flushChunk {
		writeBuffers.Put(buf)
	}
}

// backlogSize is the least that may hold up what is sent behind it, in bytes.
const backlogSize = 16 << 10

// progress tells whether the client has taken some of a backlog since the last look: it is at work then, and what lies
// behind the backlog, such as a ping, may not have reached it.
func (s *Session) progress() bool {
	held := 0
	if s.ws != nil && s.ws.fd != noFD {
		held = unacknowledged(s.ws.fd)
	}
	delivered := s.written - int64(held)
	moved := s.hadBacklog && delivered > s.delivered
	s.delivered, s.hadBacklog = delivered, s.queued+held >= backlogSize
	return moved
}

// makeRoom closes the slowest sessions until cost more bytes may wait. It is called without a session's lock.
func (srv *Server) makeRoom(cost int) error {
	limit := int64(srv.o.SendMemory)
	if srv.waiting.Load()+int64(cost) <= limit {
		return nil
	}
	if int64(cost) > limit {
		return ErrTooLarge
	}
	srv.relief.Lock()
	defer srv.relief.Unlock()
	for srv.waiting.Load()+int64(cost) > limit {
		if !srv.dropSlowest() {
			return nil // what waits has just gone out
		}
	}
	return nil
}

// dropSlowest closes the session that would need longest, at its pace so far, to take what waits for it.
func (srv *Server) dropSlowest() bool {
	var slowest *Session
	longest := -1.0
	now := srv.elapsed()
	for _, s := range srv.list() {
		s.mu.Lock()
		if s.queued > 0 && s.state != stateClosed {
			taken := s.written - s.behindFrom + flushChunk // whoever has only begun has some credit
			if d := float64(s.queued) * float64(now-s.behindSince) / float64(taken); d > longest {
				slowest, longest = s, d
			}
		}
		s.mu.Unlock()
	}
	if slowest == nil {
		return false
	}
	slowest.mu.Lock()
	defer slowest.mu.Unlock()
	slowest.dropSlow("the server's send memory is full")
	return true
}

// dropSlow closes a session whose client reads too slowly.
func (s *Session) dropSlow(why string) {
	if s.state == stateClosed {
		return
	}
	s.srv.o.Logger.Warn("engineio: slow reader closed", "why", why, "waiting_bytes", s.queued,
		"behind_for", (s.srv.elapsed() - s.behindSince).Round(time.Millisecond), "remote", s.request.RemoteAddr)
	s.slow = true
	s.abort(ReasonSlowReader)
	if s.srv.o.SlowReader != nil {
		s.srv.o.SlowReader()
	}
}
