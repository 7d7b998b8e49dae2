package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// Socket is one client in one namespace. Its handlers run in order, one at a time; its methods may be called from
// any goroutine. A handler that waits for the client, in EmitWithAck, holds up the events behind it, and the answer only
// when these fill the inbox: a client is not read then, and the answer lies behind the event that found no room.
type Socket struct {
	endpoint
	id   string
	pid  string // names the session to a client that may recover; "" without recovery
	ns   *Namespace
	conn *connection
	auth json.RawMessage

	// Guarded by endpoint.mu.
	data         any
	ctx          context.Context // made when first asked for
	cancel       context.CancelFunc
	onDisconnect []func(string)
	gone         bool

	recovered bool     // set before any middleware or handler runs
	next      uint64   // of a recovered socket: the first event it may have missed
	admitted  bool     // of the inbox: OnConnect handlers have run
	rooms     []string // guarded by ns.mu
	place     int      // in ns.order; guarded by ns.mu
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

// SetData keeps a value of the caller's with the socket. It survives a recovery.
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

// Recovered tells whether the socket resumed an earlier one: rooms, data and missed events are as before.
func (s *Socket) Recovered() bool { return s.recovered }

// Connected tells whether the socket is in its namespace.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link != nil
}

// On sets the handler of an event, in place of an earlier one.
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
	if s.ns.recovery != nil {
		if !s.Connected() {
			return ErrClosed
		}
		return s.ns.emit(target{rooms: []string{s.id}}, event, args)
	}
	out := outgoing{typ: packetEvent, namespace: s.namespace, ackID: noAck, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	return s.send(messages)
}

// EmitVolatile is Emit, but the event is dropped, without an error, when the client cannot take it at once.
func (s *Socket) EmitVolatile(event string, args ...any) error {
	out := outgoing{typ: packetEvent, namespace: s.namespace, ackID: noAck, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	return s.sendVolatile(messages)
}

func (s *Socket) sendVolatile(messages []engineio.Message) error {
	if !s.Connected() {
		return ErrClosed
	}
	_, err := s.conn.session.SendVolatile(messages...)
	return sendError(err)
}

// EmitWithAck emits and waits for the client's answer, until ctx ends or the socket is closed. Give ctx a
// deadline: a client need not answer. It is Call for answers without binary values.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) ([]json.RawMessage, error) {
	return argsOf(s.call(ctx, event, args))
}

// Call is EmitWithAck with the whole answer, attachments included.
func (s *Socket) Call(ctx context.Context, event string, args ...any) (*Payload, error) {
	return s.call(ctx, event, args)
}

// Join puts the socket into rooms. It does nothing once the socket is disconnected.
func (s *Socket) Join(rooms ...string) { s.ns.join(s, rooms) }

// Leave takes the socket out of rooms.
func (s *Socket) Leave(rooms ...string) { s.ns.leave(s, rooms) }

// Rooms returns the rooms the socket is in, its own id not among them.
func (s *Socket) Rooms() []string {
	s.ns.mu.RLock()
	defer s.ns.mu.RUnlock()
	return slices.Clone(s.rooms)
}

// To begins a broadcast to the sockets of the rooms, this one left out.
func (s *Socket) To(rooms ...string) *Broadcast { return s.ns.Except(s.id).To(rooms...) }

// Broadcast begins a broadcast to all other sockets of the namespace.
func (s *Socket) Broadcast() *Broadcast { return s.ns.Except(s.id) }

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
	recovered := s.ns.recall(s)
	if !recovered || s.conn.srv.o.Recovery.RunMiddleware {
		for _, middleware := range s.ns.middlewares() {
			if err := middleware(s); err != nil {
				s.refuse(err)
				return
			}
		}
	}
	s.mu.Lock()
	gone := s.gone
	s.mu.Unlock()
	if gone { // while the middleware was at work
		return
	}
	switch {
	case !recovered:
		s.ns.enter(s)
	case !s.ns.reenter(s):
		s.conn.session.Close() // it may come again, as a new one
		return
	}
	s.admit()
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
	var b strings.Builder
	b.WriteString(`{"sid":"` + s.id + `"`)
	if s.pid != "" {
		b.WriteString(`,"pid":"` + s.pid + `"`)
	}
	b.WriteByte('}')
	return controlPacket(packetConnect, s.namespace, []byte(b.String()))
}

// leave ends the socket, which is off its connection already.
func (s *Socket) leave(reason string) {
	s.ns.exit(s, reason)
	s.unlink()
	s.mu.Lock()
	cancel := s.cancel
	s.mu.Unlock()
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
