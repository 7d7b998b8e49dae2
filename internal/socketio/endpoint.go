package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// link carries messages to the other side: an *engineio.Session or an *engineio.Conn.
type link interface {
	Send(...engineio.Message) error
}

type namedHandler struct {
	event string
	h     func(*Event)
}

// endpoint is what a Socket and a Client have in common: handlers, an inbox and replies that are awaited.
type endpoint struct {
	namespace string
	inbox     inbox

	mu       sync.Mutex
	link     link // nil: not connected
	handlers []namedHandler
	any      func(*Event)
	acks     map[int64]chan *Payload // nil in it: the connection ended
	nextAck  int64
}

func (e *endpoint) setHandler(event string, h func(*Event)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.handlers {
		if e.handlers[i].event == event {
			panic(secondHandler(event))
		}
	}
	e.handlers = append(e.handlers, namedHandler{event, h})
}

func (e *endpoint) setAny(h func(*Event)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.any != nil {
		panic("socketio: OnAny: there is a handler for every event already")
	}
	e.any = h
}

// handle calls the handlers of an event.
func (e *endpoint) handle(ev *Event) {
	e.mu.Lock()
	catchAll := e.any
	var own func(*Event)
	for i := range e.handlers {
		if e.handlers[i].event == ev.Name {
			own = e.handlers[i].h
			break
		}
	}
	e.mu.Unlock()
	if catchAll != nil {
		catchAll(ev)
	}
	if own != nil {
		own(ev)
	}
}

// send hands messages to the connection.
func (e *endpoint) send(messages []engineio.Message) error {
	e.mu.Lock()
	l := e.link
	e.mu.Unlock()
	if l == nil {
		return ErrClosed
	}
	return sendError(l.Send(messages...))
}

// sendError turns the connection's errors into this package's.
func sendError(err error) error {
	switch {
	case errors.Is(err, engineio.ErrClosed):
		return ErrClosed
	case errors.Is(err, engineio.ReasonSlowReader):
		return ErrSlowReader
	case errors.Is(err, engineio.ErrTooLarge):
		return ErrTooLarge
	}
	return err
}

// call emits an event and waits for the answer.
func (e *endpoint) call(ctx context.Context, event string, args []any) (*Payload, error) {
	answer := make(chan *Payload, 1)
	e.mu.Lock()
	if e.link == nil {
		e.mu.Unlock()
		return nil, ErrClosed
	}
	id := e.nextAck
	e.nextAck++
	if e.acks == nil {
		e.acks = map[int64]chan *Payload{}
	}
	e.acks[id] = answer
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.acks, id)
		e.mu.Unlock()
	}()
	out := outgoing{typ: packetEvent, namespace: e.namespace, ackID: id, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return nil, err
	}
	if err := e.send(messages); err != nil {
		return nil, err
	}
	select {
	case payload := <-answer:
		if payload == nil {
			return nil, ErrClosed
		}
		return payload, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// argsOf is the JSON part of a reply.
func argsOf(p *Payload, err error) ([]json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return p.Args, nil
}

// answered hands an answer to whom it may concern; unknown and repeated ones are ignored.
func (e *endpoint) answered(id int64, p *Payload) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if answer, ok := e.acks[id]; ok {
		delete(e.acks, id)
		answer <- p // has room for one
	}
}

// unlink ends the connection's use: nobody is answered any more.
func (e *endpoint) unlink() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.link = nil
	for id, answer := range e.acks {
		delete(e.acks, id)
		answer <- nil
	}
}

// guard runs a handler. A panic in it is one socket's misfortune and not everybody's: it is logged, and reported so
// that this socket can be closed.
func guard(logger *slog.Logger, do func()) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			logger.Error("socketio: a handler panicked", "panic", v, "stack", string(debug.Stack()))
			ok = false
		}
	}()
	do()
	return true
}

// assembler puts packets and their attachments together.
type assembler struct {
	pending     *packet // awaits attachments; nil: none does
	attachments [][]byte
}

// text takes the packet of a text message and returns it, if no attachments are missing.
func (a *assembler) text(p *packet) (*packet, error) {
	if a.pending != nil {
		return nil, errPacket
	}
	if p.attachments > 0 {
		a.pending = p
		return nil, nil
	}
	return p, nil
}

// binary takes an attachment and returns the packet that it completes.
func (a *assembler) binary(data []byte) (*packet, [][]byte, error) {
	if a.pending == nil {
		return nil, nil, errPacket
	}
	a.attachments = append(a.attachments, data)
	if len(a.attachments) < a.pending.attachments {
		return nil, nil, nil
	}
	p, attachments := a.pending, a.attachments
	*a = assembler{}
	return p, attachments, nil
}
