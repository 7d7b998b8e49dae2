package media

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// relearnAfter is how long the known source must be silent before another one may take its place.
	relearnAfter = time.Second
	// probation is how many packets in sequence a source must send to be believed (RFC 3550, appendix A.1, asks for two).
	probation = 3
	// maxEarly bounds the early dialogs whose sound is waited for at once.
	maxEarly = 8
)

// source decides whose packets are the far end's, and where we send to. An SDP names an address; a far end behind a NAT sends
// from another one, which must be found out (symmetric RTP, RFC 4961) without letting a stray packet take the sound away:
//
//   - only the addresses of the SDP and of the signalling are listened to;
//   - what comes from exactly where the SDP says is the far end, at once;
//   - while the known source sounds, nobody else is heard; after its silence another one is, once it has sent several packets in
//     sequence;
//   - a new SDP is followed at once, and where the sound came from before tells nothing about it.
type source struct {
	sdp        netip.AddrPort
	signalling netip.Addr
	early      []netip.AddrPort // of other early dialogs: they may be heard, too

	known  netip.AddrPort    // whose packets are taken; invalid: nobody's yet
	proven int               // packets in sequence that it sent, up to probation
	next   uint16            // its next sequence number
	last   time.Time         // when it was heard
	former [2]netip.AddrPort // named by the SDP before this one, and known before it

	candidate struct {
		addr netip.AddrPort
		n    int
		next uint16
	}
	to netip.AddrPort // where we send to
}

// agree follows an SDP.
func (s *source) agree(sdp netip.AddrPort, signalling netip.Addr) {
	if s.sdp == sdp && s.signalling == signalling {
		return // a mere refresh: what was found out holds
	}
	*s = source{sdp: sdp, signalling: signalling, former: [2]netip.AddrPort{s.sdp, s.known}, to: sdp}
}

// expect lets an early dialog of another phone be heard, besides the one whose SDP holds.
func (s *source) expect(sdp netip.AddrPort) {
	if len(s.early) < maxEarly && sdp != s.sdp {
		s.early = append(s.early, sdp)
	}
}

func (s *source) mayBe(addr netip.Addr) bool {
	if addr == s.sdp.Addr() || addr == s.signalling {
		return true
	}
	for _, e := range s.early {
		if addr == e.Addr() {
			return true
		}
	}
	return false
}

// admit decides about a packet. moved says that we send elsewhere from now on.
func (s *source) admit(from netip.AddrPort, seq uint16, now time.Time) (ok, moved bool) {
	switch {
	case !s.mayBe(from.Addr()):
		return false, false
	case from == s.known:
	case from == s.sdp, !s.known.IsValid():
		s.take(from, 0)
	case (s.proven < probation || now.Sub(s.last) >= relearnAfter) && s.tried(from, seq):
		s.take(from, probation)
	default:
		return false, false
	}
	if s.proven < probation {
		if s.proven == 0 || seq == s.next {
			s.proven++
		} else {
			s.proven = 1
		}
	}
	s.next, s.last = seq+1, now
	return true, s.follow()
}

// tried reports whether a candidate has passed its probation.
func (s *source) tried(from netip.AddrPort, seq uint16) bool {
	c := &s.candidate
	if c.addr != from || seq != c.next {
		c.addr, c.n = from, 0
	}
	c.n, c.next = c.n+1, seq+1
	return c.n >= probation
}

func (s *source) take(from netip.AddrPort, proven int) {
	s.known, s.proven = from, proven
	s.candidate.addr = netip.AddrPort{}
}

// follow sends to where the known source is. Where the SDP's address is another one it can only be behind a NAT. From another
// port of the same address it must be believed first, and the ports from before a new SDP never are: their far end hears
// elsewhere now.
func (s *source) follow() bool {
	if s.to == s.known || s.known == s.sdp && s.to == s.sdp {
		return false
	}
	if s.known != s.sdp && s.known.Addr() == s.sdp.Addr() && (s.proven < probation || slices.Contains(s.former[:], s.known)) {
		return false
	}
	s.to = s.known
	return true
}
