package engineio

import (
	"sync"
	"time"
)

// flushChunk bounds what one write takes from the queue, in bytes.
const flushChunk = 64 << 10

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
		*buf = s.takeChunk((*buf)[:0])
		n, err := s.ws.tryWrite(*buf)
		switch {
		case err != nil:
			putWriteBuffer(buf)
			s.abort(ReasonTransportError)
			return
		case n < len(*buf):
			s.wrote(n)
			s.writing = true
			s.srv.running.Go(func() { s.writeQueue((*buf)[n:], buf) })
			return
		}
		s.wrote(n)
		putWriteBuffer(buf)
	}
	s.flushed()
}

// writeOne is flush for one message and an empty queue, without a copy. The kernel takes it as it is, or a
// goroutine writes the rest.
func (s *Session) writeOne(m Message) {
	s.queued = m.cost()
	n, err := s.ws.tryWrite(m.frame)
	switch {
	case err != nil:
		s.abort(ReasonTransportError)
	case n < len(m.frame):
		s.wrote(n)
		s.writing = true
		s.srv.running.Go(func() { s.writeQueue(m.frame[n:], nil) })
	default:
		s.queued = 0
	}
}

// takeChunk moves messages from the queue into dst, as frames.
func (s *Session) takeChunk(dst []byte) []byte {
	i := 0
	for i < len(s.queue) && (i == 0 || len(dst)+len(s.queue[i].frame) <= flushChunk) {
		dst = s.ws.appendFrame(dst, s.queue[i])
		s.queued -= messageOverhead
		s.queue[i] = Message{}
		i++
	}
	s.queue = s.queue[i:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	return dst
}

// wrote takes n written bytes off the queue's account.
func (s *Session) wrote(n int) { s.queued = max(s.queued-n, 0) }

// flushed is called when everything is with the kernel. A session that is closing has said its last word then.
func (s *Session) flushed() {
	s.queued = 0
	if s.state == stateClosing && s.ws != nil {
		s.hangUp(s.ws, s.ws.closeWrite) // the reader goes on until the client closes, or its deadline
	}
}

// writeQueue writes rest and then the queue, waiting for the client as long as the session lives: it ends when the
// queue is empty, or with the connection, which the ping timeout closes. buf is what rest lies in, to give back.
func (s *Session) writeQueue(rest []byte, buf *[]byte) {
	if buf == nil {
		buf = writeBuffers.Get().(*[]byte)
	}
	var err error
	for {
		if len(rest) > 0 {
			err = s.ws.write(rest, time.Now().Add(s.patience()))
		}
		s.mu.Lock()
		s.wrote(len(rest))
		if err != nil || s.state == stateClosed || len(s.queue) == 0 {
			break
		}
		*buf = s.takeChunk((*buf)[:0])
		rest = *buf
		s.mu.Unlock()
	}
	s.writing = false
	switch {
	case s.state == stateClosed:
	case err != nil:
		s.abort(ReasonTransportError)
	default:
		s.flushed()
	}
	s.mu.Unlock()
	putWriteBuffer(buf)
}

func putWriteBuffer(buf *[]byte) {
	if cap(*buf) <= flushChunk {
		writeBuffers.Put(buf)
	}
}
