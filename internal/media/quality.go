package media

import "time"

// Stats is what one leg received, and what its far end said of what it received.
type Stats struct {
	Packets   uint64
	Lost      uint64        // by gaps in the sequence numbers (RFC 3550, appendix A.3)
	Jitter    time.Duration // interarrival jitter (RFC 3550, section 6.4.1)
	RTT       time.Duration // round trip by RTCP; zero: the far end sent no report that tells
	FarLost   uint64        // of what we sent, as the far end reported
	FarJitter time.Duration
}

// Add joins what two legs of the same side counted.
func (s Stats) Add(o Stats) Stats {
	return Stats{Packets: s.Packets + o.Packets, Lost: s.Lost + o.Lost, Jitter: max(s.Jitter, o.Jitter), RTT: max(s.RTT, o.RTT),
		FarLost: s.FarLost + o.FarLost, FarJitter: max(s.FarJitter, o.FarJitter)}
}

// Since is what a leg has counted after it had counted o.
func (s Stats) Since(o Stats) Stats {
	s.Packets, s.Lost, s.FarLost = s.Packets-o.Packets, s.Lost-min(s.Lost, o.Lost), s.FarLost-min(s.FarLost, o.FarLost)
	return s
}

// MOS estimates how well the sound was understood, 1 to 4.4; zero: none came. It is the E-model of ITU-T G.107 with what we know:
//
//	R = 93.2 - Id - Ie     MOS = 1 + 0.035·R + 7·10⁻⁶·R·(R - 60)·(100 - R)
//	Ie = 95·Ppl / (Ppl + 25.1)               loss in percent; G.711 with concealment (G.113, appendix I)
//	Id = 0.024·d + 0.11·max(0, d - 177.3)    delay in ms: half the round trip, two jitters of buffer, and one packet
func (s Stats) MOS() float64 {
	if s.Packets == 0 {
		return 0
	}
	loss := 100 * float64(s.Lost) / float64(s.Packets+s.Lost)
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	delay := ms(s.RTT)/2 + 2*ms(s.Jitter) + ms(frameTime)
	r := 93.2 - 95*loss/(loss+25.1) - 0.024*delay - 0.11*max(0, delay-177.3)
	r = min(max(r, 0), 100)
	return max(1, 1+0.035*r+7e-6*r*(r-60)*(100-r))
}

// counter follows one source's sequence numbers and arrival times.
type counter struct {
	ssrc     uint32
	started  bool
	first    uint32 // extended sequence numbers
	highest  uint32
	received uint32
	past     Stats // of sources before this one
	packets  uint64
	transit  int32
	jitter   float64 // samples
	epoch    time.Time

	reported struct{ expected, received uint32 } // at the last report
}

func (c *counter) add(p *Packet, content Content) {
	step := int16(p.Seq - uint16(c.highest))
	if !c.started || p.SSRC != c.ssrc || step > maxDropout || step < -maxMisorder {
		c.past = c.stats()
		*c = counter{ssrc: p.SSRC, started: true, first: uint32(p.Seq), highest: uint32(p.Seq), past: c.past,
			packets: c.packets, jitter: c.jitter, epoch: p.Arrived, transit: -int32(p.TS)}
		step = 0
	}
	c.packets++
	c.received++
	if step > 0 {
		c.highest += uint32(step)
	}
	if content == Events || content == Foreign {
		return // its timestamp is the event's beginning, not the moment; or nobody knows what it is
	}
	transit := int32(p.Arrived.Sub(c.epoch)*Rate/time.Second) - int32(p.TS)
	d := transit - c.transit
	c.transit = transit
	if d = max(d, -d); d < Rate { // more is a leap of the clock, as of one that stood still in a pause
		c.jitter += (float64(d) - c.jitter) / 16
	}
}

func (c *counter) expected() uint32 { return c.highest - c.first + 1 }

func (c *counter) stats() Stats {
	s := Stats{Packets: c.packets, Lost: c.past.Lost, Jitter: time.Duration(c.jitter * float64(time.Second) / Rate)}
	if c.started && c.expected() > c.received {
		s.Lost += uint64(c.expected() - c.received)
	}
	return s
}
