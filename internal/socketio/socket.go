package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// Socket is one client in one namespace. Its handlers run in order, one at a time; its methods may be called from
// any goroutine. A handler that waits for the client, in EmitWithAck, holds up the events behind it, and the reply only
// when these fill the inbox: a client is not read then, and the reply lies behind the event that found no room.
type Socket struct {
	endpoint
	id   string
	ns   *Namespace
	conn *connection
	auth json.RawMessage

	// Guarded by endpoint.mu.
	data         any
	ctx          context.Context // made when first asked for
	cancel       context.CancelFunc
	onDisconnect []func(string)
	gone         bool

	admitted bool // of the inbox: OnConnect handlers have run
}

func newSocket(c *connection, n *Namespace, auth json.RawMessage) *Socket {
	s := &Socket{id: newID(), ns: n, conn: c, auth: auth}
	s.namespace = n.name
	return s
}

// ID returns the socket's id: 20 characters of 15 random bytes, not the Engine.IO session's.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Request returns the HTTP request of the handshake: header, cookies, URL and remote address. Its body is gone, its
// context keeps its values and never ends.
func (s *Socket) Request() *http.Request { return s.conn.session.Request() }

// Auth returns the payload the client connected with, a JSON object; `{}` if it sent none.
func (s *Socket) Auth() json.RawMessage { return s.auth }

// SetData keeps a value of the caller's with the socket.
func (s *Socket) SetData(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = v
}

// Data returns the value given to SetData, or nil.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// Context ends when the socket is disconnected.
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(s.Request().Context())
		if s.gone {
			s.cancel()
		}
	}
	return s.ctx
}

// Connected tells whether the socket is in its namespace.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link != nil
}

// On sets the handler of an event. An event has one: a second On for it panics, since either would be lost.
func (s *Socket) On(event string, h func(ev *Event)) { s.setHandler(event, h) }

// OnAny sets a handler for every event, called before the event's own.
func (s *Socket) OnAny(h func(ev *Event)) { s.setAny(h) }

// OnDisconnect adds a handler for the end of the socket. It runs after the handlers of all earlier events; the
// reason is one of the Reason constants.
func (s *Socket) OnDisconnect(h func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onDisconnect = append(s.onDisconnect, h)
}

// Emit queues an event for the client. An argument is a json.RawMessage, sent byte for byte; a []byte, sent as a
// binary attachment; a Value, JSON with attachments inside; or anything that encoding/json takes. Emit never
// waits for the client. It fails with ErrClosed, ErrSlowReader, or when an argument cannot be encoded.
func (s *Socket) Emit(event string, args ...any) error {
	out := outgoing{typ: packetEvent, namespace: s.namespace, ackID: noAck, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	return s.send(messages)
}

// EmitWithAck emits and waits for the client's reply, until ctx ends or the socket is closed. Give ctx a
// deadline: a client need not answer. It is Call for answers without binary values.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) ([]json.RawMessage, error) {
	return argsOf(s.call(ctx, event, args))
}

// Call is EmitWithAck with the whole answer, attachments included.
func (s *Socket) Call(ctx context.Context, event string, args ...any) (*Payload, error) {
	return s.call(ctx, event, args)
}

// Disconnect takes the client out of the namespace; with closeTransport out of all of them, and closes the connection.
func (s *Socket) Disconnect(closeTransport bool) {
	if closeTransport {
		s.conn.disconnect()
		return
	}
	if s.conn.remove(s, true) {
		_ = s.conn.session.Send(controlPacket(packetDisconnect, s.namespace, nil)) // closed: nobody to tell
		s.leave(ReasonServerDisconnect)
	}
}

// run does one task of the inbox.
func (s *Socket) run(t task) {
	ok := guard(s.conn.srv.o.Logger, func() {
		if t.ev != nil {
			s.ns.handle(s, t.ev)
			return
		}
		t.do()
	})
	if !ok {
		s.conn.session.Close()
	}
}

// connect runs the middleware and admits the socket or refuses it.
func (s *Socket) connect() {
	for _, middleware := range s.ns.middlewares() {
		if err := middleware(s); err != nil {
			s.refuse(err)
			return
		}
	}
	if s.enter() {
		s.admit()
	}
}

// enter connects the socket: greeted first, so that nothing reaches the client before. It reports false when the socket has
// left while the middleware was at work.
func (s *Socket) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	_ = s.conn.session.Send(s.greeting()) // closed: leave follows
	s.link = s.conn.session
	return true
}

func (s *Socket) admit() {
	s.conn.joined()
	s.admitted = true
	for _, h := range s.ns.connectHandlers() {
		h(s)
	}
}

// refuse tells the client why it may not come in. The connection stays.
func (s *Socket) refuse(err error) {
	refusal := &ConnectError{Message: err.Error()}
	errors.As(err, &refusal)
	data, err := refusal.encode()
	if err != nil {
		data, _ = (&ConnectError{Message: refusal.Message}).encode() // cannot fail
	}
	if s.conn.remove(s, true) {
		_ = s.conn.session.Send(controlPacket(packetConnectError, s.namespace, data)) // closed: nobody to tell
		s.leave(ReasonServerDisconnect)
	}
}

// greeting is the packet that tells a client it is connected.
func (s *Socket) greeting() engineio.Message {
	return controlPacket(packetConnect, s.namespace, []byte(`{"sid":"`+s.id+`"}`))
}

// leave ends the socket, which is off its connection already.
func (s *Socket) leave(reason string) {
	s.mu.Lock()
	s.gone = true
	cancel := s.cancel
	s.mu.Unlock()
	s.unlink()
	if cancel != nil {
		cancel()
	}
	s.inbox.close()
	s.inbox.put(task{do: func() {
		defer s.conn.done()
		if !s.admitted {
			return
		}
		s.mu.Lock()
		handlers := s.onDisconnect
		s.mu.Unlock()
		for _, h := range handlers {
			h(reason)
		}
	}}, s.run)
}
