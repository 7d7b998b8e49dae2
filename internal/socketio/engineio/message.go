package engineio

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf8"
)

// Packet types of Engine.IO protocol 4: the first character of a packet.
const (
	packetOpen    = '0'
	packetClose   = '1'
	packetPing    = '2'
	packetPong    = '3'
	packetMessage = '4'
	packetUpgrade = '5'
	packetNoop    = '6'
)

// Headroom is the room that NewTextMessage and NewBinaryMessage need in front of the data: the longest WebSocket frame
// header of a server and the Engine.IO packet type.
const Headroom = maxServerHeader + 1

const maxServerHeader = 10 // RFC 6455, section 5.2, without a mask

// Message is one packet ready to be sent to any number of sessions: encoded once, never changed. It holds the
// complete WebSocket frame of a server, which goes to the kernel without another copy.
type Message struct {
	frame  []byte // header and payload
	start  uint8  // of the payload in frame
	opcode uint8  // of the frame, RFC 6455 section 5.2

	may func() error // asked by a Conn right before the writing; nil: it may be written
}

// If is the message for a [Conn] that asks may right before it writes it, and leaves it out after an error.
func (m Message) If(may func() error) Message {
	m.may = may
	return m
}

// NewTextMessage makes a text message of buf[Headroom:] and takes over buf.
func NewTextMessage(buf []byte) Message {
	buf[Headroom-1] = packetMessage
	return newMessage(buf, Headroom-1, opText)
}

// NewBinaryMessage makes a binary message of buf[Headroom:] and takes over buf.
func NewBinaryMessage(buf []byte) Message { return newMessage(buf, Headroom, opBinary) }

// packet makes a message of a packet that is not of type message.
func packet(typ byte, data string) Message {
	buf := make([]byte, Headroom, Headroom+len(data))
	buf[Headroom-1] = typ
	return newMessage(append(buf, data...), Headroom-1, opText)
}

// newMessage writes the frame header right before the payload, which begins at start.
func newMessage(buf []byte, start int, opcode uint8) Message {
	size := len(buf) - start
	head := start - 2
	switch {
	case size < 126:
		buf[head+1] = byte(size)
	case size <= 0xffff:
		head -= 2
		buf[head+1] = 126
		binary.BigEndian.PutUint16(buf[head+2:], uint16(size))
	default:
		head -= 8
		buf[head+1] = 127
		binary.BigEndian.PutUint64(buf[head+2:], uint64(size))
	}
	buf[head] = 0x80 | opcode
	return Message{frame: buf[head:], start: uint8(start - head), opcode: opcode}
}

// Data returns the packet: for text with its type character. It must not be changed.
func (m Message) Data() []byte { return m.frame[m.start:] }

// Binary tells whether the message is binary.
func (m Message) Binary() bool { return m.opcode == opBinary }

// cost is what a queued message counts against a session's send queue.
func (m Message) cost() int { return len(m.frame) + messageOverhead }

const messageOverhead = 32 // a Message in the queue

// isControl tells a WebSocket control frame, which polling cannot carry.
func (m Message) isControl() bool { return m.opcode >= opClose }

const recordSeparator = 0x1e // joins the packets of a polling body

var errPayload = errors.New("engineio: malformed payload")

// appendPayload appends the messages as one polling body.
func appendPayload(dst []byte, queue []Message) []byte {
	first := true
	for _, m := range queue {
		if m.isControl() {
			continue
		}
		if !first {
			dst = append(dst, recordSeparator)
		}
		first = false
		if m.Binary() {
			dst = append(dst, 'b')
			dst = base64.StdEncoding.AppendEncode(dst, m.Data())
		} else {
			dst = append(dst, m.Data()...)
		}
	}
	return dst
}

// nextPacket cuts the first packet off a polling body; rest is nil after the last. A binary packet is decoded, a text
// packet still has its type.
func nextPacket(body []byte) (data []byte, isBinary bool, rest []byte, err error) {
	data, rest, _ = bytes.Cut(body, []byte{recordSeparator})
	if len(data) == 0 {
		return nil, false, nil, errPayload
	}
	if data[0] != 'b' {
		if !utf8.Valid(data) {
			return nil, false, nil, errPayload
		}
		return slices.Clone(data), false, rest, nil
	}
	decoded, err := base64.StdEncoding.AppendDecode(nil, data[1:])
	if err != nil {
		return nil, false, nil, errPayload
	}
	return decoded, true, rest, nil
}
