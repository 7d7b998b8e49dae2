package media

import (
	"encoding/binary"
	"time"
)

// Packet is one RTP packet, freed of what only its own leg knows: audio of a codec, a telephone event (RFC 4733), or comfort
// noise (RFC 3389). Payload is valid only during the call that hands it over.
type Packet struct {
	Codec   Codec
	Event   bool // Payload is a telephone event, not sound
	Noise   bool // Payload says how loud the background is while nobody speaks
	Marker  bool
	SSRC    uint32
	Seq     uint16
	TS      uint32 // in samples
	Arrived time.Time
	Payload []byte
}

// Content is what a payload type carries.
type Content uint8

const (
	Foreign Content = iota // nothing that was agreed on: a sign of life, and no more
	SoundULaw
	SoundALaw
	Events
	Noise
)

const (
	noisePT    = 13 // comfort noise (RFC 3551, table 4)
	oldNoisePT = 19 // the same, as written before that RFC
)

// Format is what a leg's two ends agreed on.
type Format struct {
	Codec   Codec
	SendPT  uint8 // under which the far end wants Codec, when that is not its static payload type; zero: it is
	EventPT uint8 // under which the far end wants telephone events; zero: not at all
	Length  int   // samples of sound that the far end wants in a packet; zero: it does not say
	Most    int   // and at most; zero: it does not say
	// Hear says what comes under which payload type, beyond the static ones and EventPT.
	Hear [128]Content
}

func (f *Format) soundPT() byte {
	if f.SendPT != 0 {
		return f.SendPT
	}
	return byte(f.Codec)
}

func (f *Format) content(pt uint8) Content {
	switch c := f.Hear[pt]; {
	case c != Foreign:
		return c
	case pt == uint8(ULaw): // a peer may switch between the two it offered
		return SoundULaw
	case pt == uint8(ALaw):
		return SoundALaw
	case pt == f.EventPT: // 0 is ULaw
		return Events
	case pt == noisePT, pt == oldNoisePT:
		return Noise
	}
	return Foreign
}

// parse reads an RTP packet (RFC 3550, section 5.1). It need not be of the agreed format: whoever sends it is alive. ok is false
// when it is malformed, or something else.
func (f *Format) parse(b []byte, p *Packet) (c Content, ok bool) {
	if len(b) < headerSize || b[0]>>6 != 2 || isControl(b) {
		return Foreign, false
	}
	start, end := headerSize+4*int(b[0]&0x0F), len(b)
	if b[0]&0x10 != 0 { // header extension
		if len(b) < start+4 {
			return Foreign, false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	}
	if b[0]&0x20 != 0 { // padding
		end -= int(b[len(b)-1])
	}
	if start > end || end-start > maxPayload {
		return Foreign, false
	}
	p.Codec, p.Event, p.Noise = f.Codec, false, false
	if end > start { // a packet without sound keeps a path open (RFC 6263)
		c = f.content(b[1] & 0x7F)
	}
	switch c {
	case SoundULaw:
		p.Codec = ULaw
	case SoundALaw:
		p.Codec = ALaw
	case Events:
		p.Event = true
	case Noise:
		p.Noise = true
	}
	p.Marker = b[1]&0x80 != 0
	p.Seq = binary.BigEndian.Uint16(b[2:])
	p.TS = binary.BigEndian.Uint32(b[4:])
	p.SSRC = binary.BigEndian.Uint32(b[8:])
	p.Payload = b[start:end]
	return c, true
}

// isControl tells RTCP from RTP on a port that both share (RFC 5761, section 4).
func isControl(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }

// isSTUN reports whether b looks like a STUN message (RFC 8489, section 5): phones send them to keep a path open.
func isSTUN(b []byte) bool {
	return len(b) >= 20 && b[0]>>6 == 0 && binary.BigEndian.Uint32(b[4:]) == 0x2112A442
}
