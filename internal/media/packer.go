package media

// packer cuts and joins a source's sound into packets of the length that the far end asked for (RFC 8866, section 6.4: ptime).
// What comes in that length already passes as it is.
type packer struct {
	on     bool   // the source that speaks now is packed anew
	source uint32 // its SSRC
	last   uint16 // its last sequence number
	seq    uint16 // of our next packet
	codec  Codec  // of what waits
	marker bool
	ts     uint32 // of the first sample that waits
	n      int    // samples that wait
	buf    []byte // made when something first waits: most far ends take what comes
}

// packedSource parts the numbers of a source that is packed anew from its own.
const packedSource = 0x5BD1E995

// heldFor is how long a pause may be, in samples, for what waits to be still of use.
const heldFor = Rate / 5

// pack hands p on in packets as the far end wants them. They are valid only during the call, like p.
func (k *packer) pack(p *Packet, f *Format, send func(*Packet)) {
	size := f.samples(len(p.Payload))
	same := k.on && p.SSRC == k.source
	switch step := int16(p.Seq - k.last); {
	case size == 0 || !same && (p.Event || len(p.Payload) == size):
		k.on = false
		send(p)
		return
	case !same, step < -maxMisorder, step > maxDropout:
		*k = packer{on: true, source: p.SSRC, seq: p.Seq, ts: p.TS, codec: p.Codec, last: p.Seq - 1, marker: p.Marker, buf: k.buf}
	case step <= 0:
		return // too late, or twice: its place is taken
	}
	lost := p.Seq - k.last - 1
	k.last = p.Seq
	if p.Event {
		k.flush(p, send)
		event := *p
		event.SSRC, event.Seq = p.SSRC^packedSource, k.seq
		k.seq++
		send(&event)
		return
	}
	if pause := int32(p.TS - k.ts - uint32(k.n)); pause != 0 || p.Codec != k.codec {
		if pause >= 0 && pause <= heldFor {
			k.flush(p, send)
		}
		k.seq += lost
		k.ts, k.n, k.codec, k.marker = p.TS, 0, p.Codec, k.marker || p.Marker
	}
	if k.buf == nil {
		k.buf = make([]byte, maxPayload)
	}
	for rest := p.Payload; len(rest) > 0; {
		taken := copy(k.buf[k.n:size], rest)
		rest, k.n = rest[taken:], k.n+taken
		if k.n == size {
			k.flush(p, send)
		}
	}
}

// flush sends what waits.
func (k *packer) flush(p *Packet, send func(*Packet)) {
	if k.n == 0 {
		return
	}
	send(&Packet{Codec: k.codec, Marker: k.marker, SSRC: p.SSRC ^ packedSource, Seq: k.seq, TS: k.ts, Arrived: p.Arrived,
		Payload: k.buf[:k.n]})
	k.seq, k.ts, k.n, k.marker = k.seq+1, k.ts+uint32(k.n), 0, false
}

// samples is how many the far end wants in a packet, where so many have come; zero: it does not mind.
func (f *Format) samples(came int) int {
	most := min(f.Most, maxPayload)
	switch size := min(f.Length, maxPayload); {
	case most > 0 && size > most:
		return most
	case size > 0:
		return size
	case most > 0 && came > most:
		return min(FrameSize, most)
	}
	return 0
}
