package socketio

import (
	"encoding/json"
	"errors"
)

// Event is one event of the other side. It is the handler's to keep.
type Event struct {
	Name string
	Payload
}

// NeedsAck tells whether the other side asked for an answer.
func (ev *Event) NeedsAck() bool { panic("not yet") }

// Ack answers the event. The first answer counts: later ones fail with ErrAcked, and an answer to an event that
// asks for none does nothing.
func (ev *Event) Ack(args ...any) error { panic("not yet") }

// Payload is the arguments of an event or of an answer.
type Payload struct {
	// Args are the arguments as they came, byte for byte. In the place of a binary value stands a placeholder,
	// {"_placeholder":true,"num":n}, for Attachments[n].
	Args        []json.RawMessage
	Attachments [][]byte
}

// Decode unmarshals argument i into v. An argument that is not there leaves v as it is.
func (p *Payload) Decode(i int, v any) error { panic("not yet") }

// Bytes returns argument i if it is a binary value.
func (p *Payload) Bytes(i int) ([]byte, bool) { panic("not yet") }

// Values returns the arguments as Emit and Ack take them: Emit(name, p.Values()...) sends them on unchanged.
func (p *Payload) Values() []any { panic("not yet") }

// ConnectError refuses a client, or is the refusal that a client met.
type ConnectError struct {
	Message string
	Data    any // anything that encoding/json takes; a client finds a json.RawMessage
}

func (e *ConnectError) Error() string { return e.Message }

// Errors of sockets and clients.
var (
	ErrClosed     = errors.New("socketio: not connected")
	ErrSlowReader = errors.New("socketio: the other side reads too slowly: send queue full")
	ErrAcked      = errors.New("socketio: event already answered")
)

// Reasons given to OnDisconnect. Those that the reference implementation has too are spelled as there.
const (
	ReasonClientDisconnect = "client namespace disconnect" // the client left the namespace
	ReasonServerDisconnect = "server namespace disconnect" // Socket.Disconnect
	ReasonServerShutdown   = "server shutting down"        // Server.Close
	ReasonPingTimeout      = "ping timeout"                // no pong in time
	ReasonTransportClose   = "transport close"             // the connection ended, or the user left the page
	ReasonTransportError   = "transport error"             // the connection failed, or broke the transport's rules
	ReasonParseError       = "parse error"                 // a packet that is none
	ReasonForcedClose      = "forced close"                // closed by an order of this side
	ReasonSlowReader       = "slow reader"                 // the send queue was full
	ReasonFlood            = "flood"                       // the inbox was full for too long
	ReasonIODisconnect     = "io server disconnect"        // at a client: the server ended the socket
	ReasonIOClient         = "io client disconnect"        // at a client: Client.Close
)
