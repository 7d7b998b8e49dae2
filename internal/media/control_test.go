package media

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestReportsOfTwoLegsAgree lets two legs report to each other over a network that takes 40 ms a way and loses every tenth
// packet.
func TestReportsOfTwoLegsAgree(t *testing.T) {
	var in [2]inward
	var out [2]outward
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for i := range in {
		in[i].format.Store(&Format{})
		out[i].name()
	}
	const way = 40 * time.Millisecond
	p := Packet{SSRC: 9, Payload: make([]byte, 160)}
	for i := range 1000 {
		at := now.Add(time.Duration(i) * 20 * time.Millisecond)
		p.Seq, p.TS, p.Arrived = uint16(i), uint32(i*160), at
		for side := range out {
			out[side].write(&p, &Format{}, func(b []byte) {
				if i%10 != 5 {
					in[1-side].receive(b, at.Add(way), nil)
				}
			})
		}
	}
	now = now.Add(20 * time.Second)
	for round := range 3 {
		for side := range in {
			at := now.Add(time.Duration(round)*5*time.Second + time.Duration(side)*time.Second)
			b, err := rtcp.Marshal(report(&in[side], &out[side], at))
			if err != nil {
				t.Fatal(err)
			}
			if !in[1-side].control(b, out[1-side].ssrc, at.Add(way)) {
				t.Fatal("a report of ours is not understood")
			}
		}
	}
	for side := range in {
		s := in[side].Stats()
		if s.Packets != 900 || s.Lost != 100 || s.FarLost != 100 {
			t.Errorf("side %d: %+v", side, s)
		}
		if d := s.RTT - 2*way; d < -time.Millisecond || d > time.Millisecond {
			t.Errorf("side %d: round trip %s, want %s", side, s.RTT, 2*way)
		}
		if mos := s.MOS(); mos < 3.2 || mos > 3.5 {
			t.Errorf("10 %% of loss is a MOS of %.2f", mos)
		}
	}
	if last := in[0].LastAlive(); !last.Equal(now.Add(11*time.Second + way)) {
		t.Errorf("last alive at %s", last)
	}
}

func TestMOS(t *testing.T) {
	for _, w := range []struct {
		stats    Stats
		min, max float64
	}{
		{Stats{}, 0, 0},
		{Stats{Packets: 1000}, 4.35, 4.45},
		{Stats{Packets: 1000, Jitter: 5 * time.Millisecond, RTT: 60 * time.Millisecond}, 4.3, 4.4},
		{Stats{Packets: 990, Lost: 10}, 4.2, 4.35},
		{Stats{Packets: 950, Lost: 50}, 3.5, 3.95},
		{Stats{Packets: 1000, RTT: 800 * time.Millisecond}, 2.7, 3.1},
		{Stats{Packets: 1, Lost: 1000}, 1, 1.3},
	} {
		if got := w.stats.MOS(); got < w.min || got > w.max {
			t.Errorf("%+v: %.2f, want %.2f to %.2f", w.stats, got, w.min, w.max)
		}
	}
}

// FuzzControl: what strangers call RTCP harms nothing.
func FuzzControl(f *testing.F) {
	b, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7}}}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var in inward
		in.format.Store(&Format{})
		in.control(b, 7, time.Now())
		if rtt := in.Stats().RTT; rtt < 0 || rtt > maxRTT {
			t.Errorf("round trip %s", rtt)
		}
	})
}

func TestCounterBearsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c counter
		at := time.Unix(1000, 0)
		n := rapid.IntRange(1, 100).Draw(t, "packets")
		for range n {
			c.add(&Packet{SSRC: rapid.Uint32Range(1, 2).Draw(t, "ssrc"), Seq: rapid.Uint16().Draw(t, "seq"),
				TS:      rapid.Uint32().Draw(t, "ts"),
				Arrived: at}, SoundULaw)
			at = at.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "wait")))
		}
		if s := c.stats(); s.Packets != uint64(n) || s.Lost > uint64(n)*maxDropout || s.Jitter > time.Second {
			t.Fatalf("%+v", s)
		}
	})
}

// TestRTCPOnTheNextPortAndMultiplexed: reports come to the port that the SDP says, from the one after ours, or all on one.
func TestRTCPOnTheNextPortAndMultiplexed(t *testing.T) {
	ports, err := NewPorts(46000, 46999)
	if err != nil {
		t.Fatal(err)
	}
	for _, mux := range []bool{false, true} {
		u, err := ports.Open(loop)
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		sound, soundAt := far(t)
		control, controlAt := far(t)
		if err := u.Agree(Terms{To: soundAt, Control: controlAt, Mux: mux, Signalling: loop}); err != nil {
			t.Fatal(err)
		}
		hears, toPort := control, u.Port()+1
		if mux {
			hears, toPort = sound, u.Port()
		}
		_ = hears.SetReadDeadline(time.Now().Add(2 * time.Minute)) // a report is due each 2.5 to 7.5 s
		buf := make([]byte, 1500)
		n, from, err := hears.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil || int(from.Port()) != toPort {
			t.Errorf("mux %t: from %s: %v, %v", mux, from, packets, err)
		}
		if !u.LastAlive().IsZero() {
			t.Error("alive before it said anything")
		}
		b, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 77}})
		if _, err := hears.WriteToUDPAddrPort(b, netip.AddrPortFrom(loop, uint16(toPort))); err != nil {
			t.Fatal(err)
		}
		testdeps.Eventually(t, "a report is a sign of life", func() bool { return !u.LastAlive().IsZero() })
		if !u.LastHeard().IsZero() {
			t.Error("a report was taken for sound")
		}
	}
}

// TestWhatCameBeforeTheSDPIsNotPlayed: it does not wait in the socket, to come in one burst.
func TestWhatCameBeforeTheSDPIsNotPlayed(t *testing.T) {
	ports, _ := NewPorts(47000, 47999)
	u, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	phone, addr := far(t)
	heard := make(chan uint16, 400)
	u.Listen(func(p *Packet) { heard <- p.Seq })
	say := func(seq int) {
		pkt := []byte{0x80, 0, byte(seq >> 8), byte(seq), 0, 0, 0, 1, 1, 2, 3, 4, 'x'}
		if _, err := phone.WriteToUDP(pkt, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: u.Port()}); err != nil {
			t.Fatal(err)
		}
	}
	for seq := range 150 {
		say(seq)
	}
	raw, err := u.rtp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	testdeps.Eventually(t, "nothing waits in the socket", func() bool {
		next := -1
		_ = raw.Control(func(fd uintptr) { next, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
		return next == 0
	})
	testdeps.Quiet(100 * time.Millisecond) // for the last of them: nothing tells
	agree(t, u, addr, Format{})
	testdeps.Quiet(100 * time.Millisecond)
	say(150)
	if first := <-heard; first != 150 {
		t.Errorf("packet %d was heard first: it came before the SDP", first)
	}
}
