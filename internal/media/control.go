package media

import (
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
)

// reports is what a leg knows by RTCP (RFC 3550, section 6).
type reports struct {
	sr        uint32 // middle of the NTP time of the far end's last sender report
	srAt      time.Time
	rtt       time.Duration
	farLost   uint64
	farJitter time.Duration
	sent      uint32 // packets that we had sent at our last report
}

const (
	reportEvery = 5 * time.Second // RFC 3550, section 6.2
	ntpEpoch    = 2208988800      // seconds from 1900 to 1970
	maxRTT      = 30 * time.Second
)

// reportIn is how long to wait for the next report: half to one and a half of the interval (RFC 3550, section 6.3.1).
func reportIn() time.Duration { return reportEvery/2 + rand.N(reportEvery) }

// ntp is a moment as seconds since 1900, 32 bits before and 32 after the point.
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// control takes a compound packet of the far end; false: it is none.
func (in *inward) control(b []byte, ours uint32, now time.Time) bool {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stopped {
		return false
	}
	in.alive.Store(now.UnixNano())
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			in.reports.sr, in.reports.srAt = uint32(p.NTPTime>>16), now
			in.reports.take(p.Reports, ours, now)
		case *rtcp.ReceiverReport:
			in.reports.take(p.Reports, ours, now)
		}
	}
	return true
}

// take reads what the far end says of our stream.
func (r *reports) take(blocks []rtcp.ReceptionReport, ours uint32, now time.Time) {
	for _, b := range blocks {
		if b.SSRC != ours {
			continue
		}
		if b.TotalLost < 1<<23 { // 24 bits, signed: duplicates make it negative
			r.farLost = uint64(b.TotalLost)
		}
		r.farJitter = time.Duration(b.Jitter) * time.Second / Rate
		if b.LastSenderReport == 0 {
			continue
		}
		// RFC 3550, section 6.4.1, in units of 1/65536 s.
		trip := int32(uint32(ntp(now)>>16) - b.LastSenderReport - b.Delay)
		if rtt := time.Duration(max(trip, 0)) * time.Second >> 16; rtt <= maxRTT {
			r.rtt = max(rtt, time.Microsecond) // zero says unknown
		}
	}
}

// report is our compound packet: a sender report while we speak, else a receiver report; and who we are.
func report(in *inward, out *outward, now time.Time) []rtcp.Packet {
	in.mu.Lock()
	heard := in.hearing(now)
	before := in.reports.sent
	in.mu.Unlock()
	out.mu.Lock()
	ssrc, packets, octets := out.name(), out.packets, out.octets
	stamp := out.ts + uint32(now.Sub(out.at)*Rate/time.Second)
	out.mu.Unlock()
	in.mu.Lock()
	in.reports.sent = packets
	in.mu.Unlock()
	names := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: ssrc,
		Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "ringmaster"}}}}}
	if packets == before {
		return []rtcp.Packet{&rtcp.ReceiverReport{SSRC: ssrc, Reports: heard}, names}
	}
	return []rtcp.Packet{&rtcp.SenderReport{SSRC: ssrc, NTPTime: ntp(now), RTPTime: stamp, PacketCount: packets,
		OctetCount: octets, Reports: heard}, names}
}

// hearing is the reception report of the source that sounds now. The caller holds in.mu.
func (in *inward) hearing(now time.Time) []rtcp.ReceptionReport {
	c := &in.count
	if !c.started {
		return nil
	}
	b := rtcp.ReceptionReport{SSRC: c.ssrc, LastSequenceNumber: c.highest, Jitter: uint32(c.jitter)}
	if c.expected() > c.received {
		b.TotalLost = min(c.expected()-c.received, 1<<23-1)
	}
	expected, received := c.expected()-c.reported.expected, c.received-c.reported.received
	if expected > received && expected < 1<<31 {
		b.FractionLost = uint8(min((expected-received)<<8/expected, 255))
	}
	c.reported.expected, c.reported.received = c.expected(), c.received
	if !in.reports.srAt.IsZero() {
		b.LastSenderReport = in.reports.sr
		b.Delay = uint32(now.Sub(in.reports.srAt) * 65536 / time.Second)
	}
	return []rtcp.ReceptionReport{b}
}
