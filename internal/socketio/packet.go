package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// Packet types of Socket.IO protocol 5: the first character of a packet.
const (
	packetConnect      = '0'
	packetDisconnect   = '1'
	packetEvent        = '2'
	packetAck          = '3'
	packetConnectError = '4'
	packetBinaryEvent  = '5'
	packetBinaryAck    = '6'
)

const (
	maxAttachments = 10      // of one packet, as in the reference implementation
	maxAckID       = 1 << 53 // the largest integer that JavaScript can count to
	noAck          = -1
)

var errPacket = errors.New("socketio: malformed packet")

// packet is one decoded packet of the other side. Its slices lie in the message that it came in.
type packet struct {
	typ         byte
	namespace   string
	ackID       int64 // noAck: none
	size        int   // of the memory that the packet's slices keep
	attachments int   // announced by a binary packet
	name        string
	args        []json.RawMessage // of an event, without its name, or of a reply
	data        json.RawMessage   // of a connect or connect error packet; nil: none
}

// parsePacket decodes <type>[<attachments>-][<namespace>,][<ack id>][<JSON>].
func parsePacket(b []byte) (p packet, err error) {
	if len(b) == 0 || b[0] < packetConnect || b[0] > packetBinaryAck {
		return p, errPacket
	}
	p = packet{typ: b[0], namespace: "/", ackID: noAck, size: cap(b)}
	b = b[1:]
	if p.typ == packetBinaryEvent || p.typ == packetBinaryAck {
		count, rest, found := bytes.Cut(b, []byte{'-'})
		n, err := strconv.ParseUint(string(count), 10, 8)
		if !found || err != nil || n < 1 || n > maxAttachments {
			return p, errPacket
		}
		p.attachments, b = int(n), rest
	}
	if len(b) > 0 && b[0] == '/' {
		name, rest, _ := bytes.Cut(b, []byte{','})
		p.namespace, b = string(name), rest
	}
	digits := 0
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		p.ackID, err = strconv.ParseInt(string(b[:digits]), 10, 64)
		if err != nil || p.ackID > maxAckID {
			return p, errPacket
		}
		b = b[digits:]
	}
	return p, p.parseData(b)
}

func (p *packet) parseData(b []byte) error {
	if len(b) > 0 && !json.Valid(b) {
		return errPacket
	}
	b = bytes.Trim(b, " \t\r\n")
	switch p.typ {
	case packetConnect:
		if len(b) > 0 && b[0] != '{' && b[0] != '"' { // a string is the id from some 2.x servers
			return errPacket
		}
		p.data = b
	case packetDisconnect:
		if len(b) > 0 {
			return errPacket
		}
	case packetConnectError:
		if len(b) > 0 && b[0] != '{' && b[0] != '"' {
			return errPacket
		}
		p.data = b
	case packetEvent, packetBinaryEvent:
		if err := p.parseArgs(b); err != nil {
			return err
		}
		return p.takeName()
	case packetAck, packetBinaryAck:
		if p.ackID == noAck {
			return errPacket
		}
		return p.parseArgs(b)
	}
	return nil
}

func (p *packet) parseArgs(b []byte) error {
	if len(b) == 0 || b[0] != '[' {
		return errPacket
	}
	p.args = splitArray(b)
	if p.attachments > 0 && !placeholdersFit(b, p.attachments) {
		return errPacket
	}
	return nil
}

// takeName takes the event's name off the arguments: a string, or a number as its text.
func (p *packet) takeName() error {
	if len(p.args) == 0 {
		return errPacket
	}
	first := p.args[0]
	p.args = p.args[1:]
	switch c := first[0]; {
	case c == '"' && bytes.IndexByte(first, '\\') < 0:
		p.name = string(first[1 : len(first)-1])
	case c == '"':
		if err := json.Unmarshal(first, &p.name); err != nil {
			return errPacket
		}
	case c == '-' || c >= '0' && c <= '9':
		p.name = string(first)
	default:
		return errPacket
	}
	if isReserved(p.name) {
		return errPacket
	}
	return nil
}

// isReserved tells the names that no event may have, since JavaScript sockets emit them by themselves.
func isReserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// outgoing describes an event or reply to be encoded.
type outgoing struct {
	typ       byte // packetEvent or packetAck
	namespace string
	ackID     int64
	name      string // of an event
	args      []any
}

// encode makes the packet's messages: the text, and one for each attachment.
func (o *outgoing) encode() ([]engineio.Message, error) {
	if o.typ == packetEvent && isReserved(o.name) {
		return nil, fmt.Errorf("socketio: %q is a reserved event name", o.name)
	}
	attachments := 0
	for _, arg := range o.args {
		switch v := arg.(type) {
		case []byte:
			attachments++
		case Value:
			attachments += len(v.Attachments)
		}
	}
	if attachments > maxAttachments {
		return nil, fmt.Errorf("socketio: %d attachments, at most %d are allowed", attachments, maxAttachments)
	}
	typ := o.typ
	if attachments > 0 {
		typ += packetBinaryEvent - packetEvent
	}
	messages := make([]engineio.Message, 1, 1+attachments)
	buf := packetHeader(typ, attachments, o.namespace, o.ackID)
	buf = append(buf, '[')
	if o.typ == packetEvent {
		buf = appendString(buf, o.name)
	}
	for i, arg := range o.args {
		if i > 0 || o.typ == packetEvent {
			buf = append(buf, ',')
		}
		var err error
		if buf, messages, err = appendArg(buf, messages, arg); err != nil {
			return nil, fmt.Errorf("socketio: argument %d of %q: %w", i, o.name, err)
		}
	}
	messages[0] = engineio.NewTextMessage(append(buf, ']'))
	return messages, nil
}

// packetHeader begins a packet, with the headroom that an engineio.Message needs.
func packetHeader(typ byte, attachments int, namespace string, ackID int64) []byte {
	buf := make([]byte, engineio.Headroom, 128)
	buf = append(buf, typ)
	if attachments > 0 {
		buf = strconv.AppendInt(buf, int64(attachments), 10)
		buf = append(buf, '-')
	}
	if namespace != "/" {
		buf = append(buf, namespace...)
		buf = append(buf, ',')
	}
	if ackID != noAck {
		buf = strconv.AppendInt(buf, ackID, 10)
	}
	return buf
}

// controlPacket makes a connect, disconnect or connect error packet; data is JSON or empty.
func controlPacket(typ byte, namespace string, data []byte) engineio.Message {
	buf := packetHeader(typ, 0, namespace, noAck)
	return engineio.NewTextMessage(append(buf, data...))
}
