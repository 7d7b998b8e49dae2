package media

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	headerSize = 12
	maxPayload = 1200
	// FrameSize is the samples, and bytes, of the 20 ms that we send when we speak ourselves.
	FrameSize = 160
	frameTime = 20 * time.Millisecond

	// A source whose sequence leaps further has begun anew (RFC 3550, appendix A.1), and so has one whose clock strays further
	// from ours between two packets.
	maxDropout  = 3000
	maxMisorder = 100
	maxLeap     = 2 * Rate
)

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
	packets  uint32 // sent
	octets   uint32 // of payload
	packer   packer
	buf      []byte // of the longest packet so far
}

// name is the stream's SSRC. The caller holds o.mu.
func (o *outward) name() uint32 {
	for o.ssrc == 0 {
		o.ssrc = rand.Uint32()
	}
	return o.ssrc
}

// write rewrites p into the stream, in packets of the length that the far end wants, and hands their bytes to send.
func (o *outward) write(p *Packet, f *Format, send func([]byte)) {
	if len(p.Payload) > maxPayload || p.Noise || p.Event && f.EventPT == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.packer.pack(p, f, func(p *Packet) { o.writeOne(p, f, send) })
}

// writeOne rewrites one packet. The caller holds o.mu.
func (o *outward) writeOne(p *Packet, f *Format, send func([]byte)) {
	marker := o.join(p)
	seq, ts := p.Seq+o.seqShift, p.TS+o.tsShift
	if int16(seq-o.seq) > 0 {
		o.seq, o.ts, o.at = seq, ts, p.Arrived
	}
	size := headerSize + len(p.Payload)
	if cap(o.buf) < size {
		o.buf = make([]byte, max(size, headerSize+FrameSize))
	}
	b := o.buf[:size]
	b[0], b[1] = 0x80, f.soundPT()
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
	o.packets++
	o.octets += uint32(len(p.Payload))
	send(b)
}

// join shifts a new source, or one that began anew, so that it goes on where the last one ended, the pause between them included.
func (o *outward) join(p *Packet) (marker bool) {
	gap := p.Arrived.Sub(o.at)
	if o.started && p.SSRC == o.source && !o.leaps(p, gap) {
		return p.Marker
	}
	if !o.started {
		o.started = true
		o.name()
		o.seq, o.ts, o.at = uint16(rand.Uint32()), rand.Uint32(), p.Arrived
		gap = 0
	}
	gap = min(max(gap, frameTime), time.Hour)
	o.source = p.SSRC
	o.seqShift = o.seq + 1 - p.Seq
	o.tsShift = o.ts + uint32(gap*Rate/time.Second) - p.TS
	return true
}

// leaps reports whether the source's numbers cannot be a continuation of what it sent before. A telephone event keeps the
// timestamp of its beginning.
func (o *outward) leaps(p *Packet, gap time.Duration) bool {
	step := int16(p.Seq + o.seqShift - o.seq)
	if step > maxDropout || step < -maxMisorder {
		return true
	}
	ahead := int64(int32(p.TS+o.tsShift-o.ts)) - int64(gap*Rate/time.Second)
	return !p.Event && (ahead > maxLeap || ahead < -maxLeap)
}
