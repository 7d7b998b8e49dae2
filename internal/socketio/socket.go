package socketio

import (
	"context"
	"encoding/json"
	"net/http"
)

// Socket is one client in one namespace. Its handlers run in order, one at a time; its methods may be called from
// any goroutine.
type Socket struct{}

// ID returns the socket's id: 20 characters of 15 random bytes, not the Engine.IO session's.
func (s *Socket) ID() string { panic("not yet") }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { panic("not yet") }

// Request returns the HTTP request of the handshake: header, cookies, URL and remote address. Its body is gone, its
// context keeps its values and never ends.
func (s *Socket) Request() *http.Request { panic("not yet") }

// Auth returns the payload the client connected with, a JSON object; `{}` if it sent none.
func (s *Socket) Auth() json.RawMessage { panic("not yet") }

// SetData keeps a value of the caller's with the socket. It survives a recovery.
func (s *Socket) SetData(v any) { panic("not yet") }

// Data returns the value given to SetData, or nil.
func (s *Socket) Data() any { panic("not yet") }

// Context ends when the socket is disconnected.
func (s *Socket) Context() context.Context { panic("not yet") }

// Recovered tells whether the socket resumed an earlier one: rooms, data and missed events are as before.
func (s *Socket) Recovered() bool { panic("not yet") }

// Connected tells whether the socket is in its namespace.
func (s *Socket) Connected() bool { panic("not yet") }

// On sets the handler of an event, in place of an earlier one.
func (s *Socket) On(event string, h func(ev *Event)) { panic("not yet") }

// OnAny sets a handler for every event, called before the event's own.
func (s *Socket) OnAny(h func(ev *Event)) { panic("not yet") }

// OnDisconnect adds a handler for the end of the socket. It runs after the handlers of all earlier events; the
// reason is one of the Reason constants.
func (s *Socket) OnDisconnect(h func(reason string)) { panic("not yet") }

// Emit queues an event for the client. An argument is a json.RawMessage, sent byte for byte; a []byte, sent as a
// binary attachment; a Payload, sent on with its attachments; or anything that encoding/json takes. Emit never
// waits for the client. It fails with ErrClosed, ErrSlowReader, or when an argument cannot be encoded.
func (s *Socket) Emit(event string, args ...any) error { panic("not yet") }

// EmitVolatile is Emit, but the event is dropped, without an error, when the client cannot take it at once.
func (s *Socket) EmitVolatile(event string, args ...any) error { panic("not yet") }

// EmitWithAck emits and waits for the client's answer, until ctx ends or the socket is closed. Give ctx a
// deadline: a client need not answer. It is Call for answers without binary values.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) ([]json.RawMessage, error) {
	panic("not yet")
}

// Call is EmitWithAck with the whole answer, attachments included.
func (s *Socket) Call(ctx context.Context, event string, args ...any) (*Payload, error) { panic("not yet") }

// Join puts the socket into rooms.
func (s *Socket) Join(rooms ...string) { panic("not yet") }

// Leave takes the socket out of rooms.
func (s *Socket) Leave(rooms ...string) { panic("not yet") }

// Rooms returns the rooms the socket is in, its own id not among them.
func (s *Socket) Rooms() []string { panic("not yet") }

// To begins a broadcast to the sockets of the rooms, this one left out.
func (s *Socket) To(rooms ...string) *Broadcast { panic("not yet") }

// Broadcast begins a broadcast to all other sockets of the namespace.
func (s *Socket) Broadcast() *Broadcast { panic("not yet") }

// Disconnect takes the client out of the namespace, with closeTransport it also closes the connection.
func (s *Socket) Disconnect(closeTransport bool) { panic("not yet") }
