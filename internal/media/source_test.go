package media

import (
	"net/netip"
	"testing"
	"time"
)

// TestWhoseSoundIsTheFarEnds is a table of what far ends, NATs and strangers do: each step is a packet, or a new SDP.
func TestWhoseSoundIsTheFarEnds(t *testing.T) {
	addr := netip.MustParseAddrPort
	var (
		sdp     = addr("192.0.2.1:4000")
		moved   = addr("192.0.2.1:5000")
		foreign = addr("192.0.2.1:6000") // the same address, another port
		other   = addr("203.0.113.9:4000")
		inside  = addr("10.0.0.7:4000") // what a phone behind a NAT names
		nat     = addr("198.51.100.5:31000")
		nat2    = addr("198.51.100.5:32000")
	)
	type step struct {
		agree  netip.AddrPort // a new SDP
		expect netip.AddrPort // a further early dialog's SDP
		from   netip.AddrPort
		n      int           // packets, 20 ms apart
		wait   time.Duration // before them
		heard  int           // of the n
		to     netip.AddrPort
	}
	for _, w := range []struct {
		name       string
		signalling netip.Addr
		steps      []step
	}{
		{"where the SDP says", sdp.Addr(), []step{{agree: sdp, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp}}},
		{"a stranger is never heard", sdp.Addr(), []step{{agree: sdp, to: sdp}, {from: other, n: 50, heard: 0, to: sdp}}},
		{"one foreign packet of the same address, first", sdp.Addr(),
			[]step{{agree: sdp, to: sdp}, {from: foreign, n: 1, heard: 1, to: sdp},
				{from: sdp, n: 5, heard: 5, to: sdp}, {from: foreign, n: 20, heard: 0, to: sdp}}},
		{"one foreign packet while the far end speaks", sdp.Addr(), []step{{agree: sdp, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp},
			{from: foreign, n: 1, heard: 0, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp}}},
		{"one foreign packet after a pause", sdp.Addr(), []step{{agree: sdp, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp},
			{from: foreign, n: 1, wait: 5 * time.Second, heard: 0, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp}}},
		{"the far end moves without a word", sdp.Addr(), []step{{agree: sdp, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp},
			{from: moved, n: 20, wait: 2 * time.Second, heard: 18, to: moved}}},
		{"the far end moves, and its old port speaks again", sdp.Addr(),
			[]step{{agree: sdp, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp},
				{from: moved, n: 20, wait: 2 * time.Second, heard: 18, to: moved}, {from: sdp, n: 1, heard: 1, to: sdp}}},
		{"behind a NAT", nat.Addr(), []step{{agree: inside, to: inside}, {from: nat, n: 1, heard: 1, to: nat},
			{from: nat, n: 5, heard: 5, to: nat}}},
		{"behind a NAT that binds anew", nat.Addr(), []step{{agree: inside, to: inside}, {from: nat, n: 5, heard: 5, to: nat},
			{from: nat2, n: 10, heard: 0, to: nat}, {from: nat2, n: 10, wait: 2 * time.Second, heard: 8, to: nat2}}},
		{"behind a NAT, a foreign packet first", nat.Addr(), []step{{agree: inside, to: inside}, {from: nat2, n: 1, heard: 1, to: nat2},
			{from: nat, n: 10, heard: 8, to: nat}}},
		{"another port of the address that the SDP names", sdp.Addr(),
			[]step{{agree: sdp, to: sdp}, {from: foreign, n: 2, heard: 2, to: sdp},
				{from: foreign, n: 1, heard: 1, to: foreign}}},
		{"a new SDP with another port", sdp.Addr(),
			[]step{{agree: sdp, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp}, {agree: moved, to: moved},
				{from: sdp, n: 5, heard: 5, to: moved}, // still under way: it is heard, but not spoken to
				{from: moved, n: 5, heard: 5, to: moved}, {from: sdp, n: 5, heard: 0, to: moved}}},
		{"a new SDP, sent from the old port on purpose", sdp.Addr(), []step{{agree: sdp, to: sdp}, {from: sdp, n: 5, heard: 5, to: sdp},
			{agree: moved, to: moved}, {from: sdp, n: 500, heard: 500, to: moved}}},
		{"a new SDP before the first packet", sdp.Addr(), []step{{agree: sdp, to: sdp}, {agree: moved, to: moved},
			{from: sdp, n: 50, heard: 50, to: moved}, {from: moved, n: 5, heard: 5, to: moved}}},
		{"a refresh with the same SDP keeps what was found out", nat.Addr(),
			[]step{{agree: inside, to: inside}, {from: nat, n: 5, heard: 5, to: nat},
				{agree: inside, to: nat}, {from: nat2, n: 5, heard: 0, to: nat}}},
		{"two phones ring, the second one sounds", sdp.Addr(), []step{{agree: sdp, to: sdp}, {expect: other, to: sdp},
			{from: other, n: 5, heard: 5, to: other}, {agree: sdp, to: other}}},
		{"two phones ring, the one that answers is heard", sdp.Addr(), []step{{agree: sdp, to: sdp}, {expect: other, to: sdp},
			{from: sdp, n: 5, heard: 5, to: sdp}, {from: other, n: 5, heard: 0, to: sdp}, {agree: other, to: other},
			{from: other, n: 5, heard: 5, to: other}, {from: sdp, n: 5, heard: 0, to: other}}},
	} {
		var s source
		now := time.Unix(1000, 0)
		seq := map[netip.AddrPort]uint16{}
		for i, step := range w.steps {
			switch {
			case step.agree.IsValid():
				s.agree(step.agree, w.signalling)
			case step.expect.IsValid():
				s.expect(step.expect)
			}
			now = now.Add(step.wait)
			heard := 0
			for range step.n {
				if ok, _ := s.admit(step.from, seq[step.from], now); ok {
					heard++
				}
				seq[step.from]++
				now = now.Add(20 * time.Millisecond)
			}
			if heard != step.heard || s.to != step.to {
				t.Errorf("%s, step %d: %d of %d heard, want %d; we send to %s, want %s", w.name, i, heard, step.n, step.heard, s.to, step.to)
			}
		}
	}
}
