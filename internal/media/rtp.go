package media

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"
)

// Packet is one RTP packet, freed of what only its own leg knows: audio of a codec, or a telephone event (RFC 4733).
// Payload is valid only during the call that hands it over.
type Packet struct {
	Codec   Codec
	Event   bool // Payload is a telephone event, not sound
	Marker  bool
	SSRC    uint32
	Seq     uint16
	TS      uint32 // in samples
	Arrived time.Time
	Payload []byte
}

const (
	headerSize = 12
	maxPayload = 1200
	// FrameSize is the samples, and bytes, of the 20 ms that we send when we speak ourselves.
	FrameSize = 160
	frameTime = 20 * time.Millisecond
)

// Format is what a leg's two ends agreed on.
type Format struct {
	Codec   Codec
	EventPT uint8 // dynamic payload type of telephone events; zero: none
}

// parse reads an RTP packet (RFC 3550, section 5.1) of the agreed format; false: it is something else, or malformed.
func (f Format) parse(b []byte, p *Packet) bool {
	if len(b) < headerSize || b[0]>>6 != 2 {
		return false
	}
	start, end := headerSize+4*int(b[0]&0x0F), len(b)
	if b[0]&0x10 != 0 { // header extension
		if len(b) < start+4 {
			return false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	}
	if b[0]&0x20 != 0 { // padding
		end -= int(b[len(b)-1])
	}
	if start >= end || end-start > maxPayload {
		return false
	}
	switch pt := b[1] & 0x7F; {
	case pt == uint8(ULaw), pt == uint8(ALaw): // a peer may switch between the two it offered
		p.Codec, p.Event = Codec(pt), false
	case pt == f.EventPT && pt != 0:
		p.Codec, p.Event = f.Codec, true
	default:
		return false
	}
	p.Marker = b[1]&0x80 != 0
	p.Seq = binary.BigEndian.Uint16(b[2:])
	p.TS = binary.BigEndian.Uint32(b[4:])
	p.SSRC = binary.BigEndian.Uint32(b[8:])
	p.Payload = b[start:end]
	return true
}

// outward makes one continuous RTP stream, with an SSRC of its own, of packets whose source may change at any time: the
// other side, an announcement, the other side again.
type outward struct {
	mu       sync.Mutex
	ssrc     uint32
	started  bool
	source   uint32 // SSRC of the source that speaks now
	seqShift uint16
	tsShift  uint32
	seq      uint16 // highest sent
	ts       uint32
	at       time.Time
	buf      [headerSize + maxPayload]byte
}

// write rewrites p into the stream and hands the packet's bytes to send.
func (o *outward) write(p *Packet, f Format, send func([]byte)) {
	if len(p.Payload) > maxPayload || p.Event && f.EventPT == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	marker := o.join(p)
	seq, ts := p.Seq+o.seqShift, p.TS+o.tsShift
	if int16(seq-o.seq) > 0 {
		o.seq, o.ts, o.at = seq, ts, p.Arrived
	}
	b := o.buf[:headerSize+len(p.Payload)]
	b[0], b[1] = 0x80, byte(f.Codec)
	if p.Event {
		b[1] = f.EventPT
	}
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], o.ssrc)
	if p.Event {
		copy(b[headerSize:], p.Payload)
	} else {
		Convert(b[headerSize:], p.Payload, p.Codec, f.Codec)
	}
	send(b)
}

// join shifts a new source so that it goes on where the last one ended, the pause between them included.
func (o *outward) join(p *Packet) (marker bool) {
	if o.started && p.SSRC == o.source {
		return p.Marker
	}
	if !o.started {
		o.started = true
		o.ssrc, o.seq, o.ts, o.at = rand.Uint32(), uint16(rand.Uint32()), rand.Uint32(), p.Arrived
	}
	gap := max(p.Arrived.Sub(o.at), frameTime)
	o.source = p.SSRC
	o.seqShift = o.seq + 1 - p.Seq
	o.tsShift = o.ts + uint32(gap*Rate/time.Second) - p.TS
	return true
}
