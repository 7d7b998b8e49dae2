package socketio

import (
	"encoding/json"
	"errors"
	"sync/atomic"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// Event is one event of the other side. It is the handler's to keep.
type Event struct {
	Name string
	Payload

	from  *endpoint
	ackID int64
	acked atomic.Bool
}

// NeedsAck tells whether the other side asked for a reply.
func (ev *Event) NeedsAck() bool { return ev.ackID != noAck }

// Ack replies to the event; see Socket.Emit for the arguments. The first reply counts: later ones fail with ErrAcked, and
// a reply to an event that asks for none does nothing.
func (ev *Event) Ack(args ...any) error {
	if !ev.NeedsAck() {
		return nil
	}
	out := outgoing{typ: packetAck, namespace: ev.from.namespace, ackID: ev.ackID, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	if ev.acked.Swap(true) {
		return ErrAcked
	}
	return ev.from.send(messages)
}

// Payload is the arguments of an event or of a reply.
type Payload struct {
	// Args are the arguments as they came, byte for byte. In the place of a binary value stands a placeholder,
	// {"_placeholder":true,"num":n}, for Attachments[n].
	Args        []json.RawMessage
	Attachments [][]byte
}

// Decode unmarshals argument i into v. An argument that is not there leaves v as it is.
func (p *Payload) Decode(i int, v any) error {
	if i < 0 || i >= len(p.Args) {
		return nil
	}
	return json.Unmarshal(p.Args[i], v)
}

// Bytes returns argument i if it is a binary value.
func (p *Payload) Bytes(i int) (data []byte, ok bool) {
	if i < 0 || i >= len(p.Args) || len(p.Attachments) == 0 {
		return nil, false
	}
	arg := p.Args[i]
	eachPlaceholder(arg, func(start, end, num int) {
		if start == 0 && end == len(arg) && num >= 0 && num < len(p.Attachments) {
			data, ok = p.Attachments[num], true
		}
	})
	return data, ok
}

// Values returns the arguments as Emit and Ack take them: Emit(name, p.Values()...) sends them on unchanged, binary
// values included.
func (p *Payload) Values() []any {
	values := make([]any, len(p.Args))
	for i, arg := range p.Args {
		values[i] = p.value(arg)
	}
	return values
}

// value returns an argument with the attachments it needs and no others.
func (p *Payload) value(arg json.RawMessage) any {
	if len(p.Attachments) == 0 {
		return arg
	}
	var (
		v    Value
		text []byte
		done int
	)
	eachPlaceholder(arg, func(start, end, num int) {
		if num < 0 || num >= len(p.Attachments) {
			return
		}
		text = append(text, arg[done:start]...)
		text = appendPlaceholder(text, len(v.Attachments))
		v.Attachments = append(v.Attachments, p.Attachments[num])
		done = end
	})
	if len(v.Attachments) == 0 {
		return arg
	}
	v.JSON = append(text, arg[done:]...)
	return v
}

// ConnectError refuses a client, or is the refusal that a client met.
type ConnectError struct {
	Message string
	Data    any // anything that encoding/json takes; a client finds a json.RawMessage
}

func (e *ConnectError) Error() string { return e.Message }

// encode makes the data of a connect error packet.
func (e *ConnectError) encode() ([]byte, error) {
	return appendJSON(nil, struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{e.Message, e.Data})
}

// Errors of sockets and clients.
var (
	ErrClosed     = errors.New("socketio: not connected")
	ErrSlowReader = errors.New("socketio: the other side reads too slowly")
	ErrTooLarge   = errors.New("socketio: the event is larger than the whole send memory")
	ErrAcked      = errors.New("socketio: event already answered")
)

// Reasons given to OnDisconnect. Those that the reference implementation has too are spelled as there.
const (
	ReasonClientDisconnect = "client namespace disconnect"         // the client left the namespace
	ReasonServerDisconnect = "server namespace disconnect"         // Socket.Disconnect
	ReasonServerShutdown   = string(engineio.ReasonShutdown)       // Server.Close
	ReasonPingTimeout      = string(engineio.ReasonPingTimeout)    // no pong in time
	ReasonTransportClose   = string(engineio.ReasonTransportClose) // the connection ended, or the user left the page
	ReasonTransportError   = string(engineio.ReasonTransportError) // the connection failed, or broke the transport's rules
	ReasonParseError       = string(engineio.ReasonParseError)     // a packet that is none, or out of order
	ReasonForcedClose      = string(engineio.ReasonForcedClose)    // closed by an order of this side
	// nothing was read for too long, or slowest when the send memory was full
	ReasonSlowReader = string(engineio.ReasonSlowReader)
	// the inbox was full for too long, or too many sockets that had left had handlers at work
	ReasonFlood        = "flood"
	ReasonIODisconnect = "io server disconnect" // at a client: the server ended the socket
	ReasonIOClient     = "io client disconnect" // at a client: Client.Close
)

// StatusError is how Connect fails when HTTP replies in place of a Socket.IO server, or a server refuses before there is a
// connection: errors.As finds it.
type StatusError = engineio.StatusError
