package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCodesSurviveTheRoundTrip(t *testing.T) {
	for _, c := range []Codec{ULaw, ALaw} {
		for i := range 256 {
			b := byte(i)
			got := Encode(Decode(b, c), c)
			if got != b && !(c == ULaw && b == 0x7F) { // µ-law has two zeros
				t.Errorf("%s: code %#x is %d, which is coded as %#x", c, b, Decode(b, c), got)
			}
		}
	}
	// Values of ITU-T G.711, tables 1a and 2a, scaled to 16 bits.
	for _, w := range []struct {
		codec Codec
		code  byte
		value int16
	}{{ULaw, 0x80, 32124}, {ULaw, 0x00, -32124}, {ULaw, 0xFF, 0}, {ALaw, 0xAA, 32256}, {ALaw, 0x2A, -32256}, {ALaw, 0xD5, 8}} {
		if got := Decode(w.code, w.codec); got != w.value {
			t.Errorf("%s: code %#x is %d, want %d", w.codec, w.code, got, w.value)
		}
	}
}

func TestConversionKeepsLoudnessClose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.Int16().Draw(t, "sample")
		code := []byte{Encode(s, ALaw)}
		Convert(code, code, ALaw, ULaw)
		got, tolerance := int(Decode(code[0], ULaw)), max(abs(int(s))/12, 24)
		if d := abs(got - max(min(int(s), 32124), -32124)); d > tolerance+256 && d > tolerance {
			t.Fatalf("sample %d came out as %d", s, got)
		}
	})
}

func abs(n int) int { return max(n, -n) }

func TestOutwardStreamIsContinuousOverSources(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outward
		var last []byte
		now := time.Unix(1000, 0)
		for source := range rapid.IntRange(1, 6).Draw(t, "sources") {
			p := Packet{Codec: ULaw, SSRC: uint32(source) + 1, Seq: rapid.Uint16().Draw(t, "seq"), TS: rapid.Uint32().Draw(t, "ts"),
				Payload: make([]byte, 160)}
			for i := range rapid.IntRange(1, 5).Draw(t, "packets") {
				p.Arrived = now
				o.write(&p, &Format{Codec: ALaw}, func(b []byte) {
					if last != nil {
						if d := binary.BigEndian.Uint16(b[2:]) - binary.BigEndian.Uint16(last[2:]); d != 1 {
							t.Fatalf("sequence steps by %d", d)
						}
						if d := int32(binary.BigEndian.Uint32(b[4:]) - binary.BigEndian.Uint32(last[4:])); d < 160 || d > 800 {
							t.Fatalf("timestamp steps by %d", d)
						}
						if binary.BigEndian.Uint32(b[8:]) != binary.BigEndian.Uint32(last[8:]) {
							t.Fatal("SSRC changed")
						}
					}
					last = append([]byte(nil), b...)
				})
				p.Seq, p.TS, now = p.Seq+1, p.TS+160, now.Add(20*time.Millisecond)
				if i == 0 {
					now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "pause")) * time.Millisecond)
				}
			}
		}
	})
}

func TestCounterSeesLossAndSourceChange(t *testing.T) {
	var c counter
	at := time.Unix(1000, 0)
	for _, seq := range []uint16{65533, 65534, 65535, 1, 2} { // 0 is missing, over the wrap
		c.add(&Packet{SSRC: 1, Seq: seq, TS: uint32(seq) * 160, Arrived: at}, SoundULaw)
		at = at.Add(20 * time.Millisecond)
	}
	c.add(&Packet{SSRC: 2, Seq: 9000, Arrived: at}, SoundULaw)
	if s := c.stats(); s.Packets != 6 || s.Lost != 1 {
		t.Errorf("got %+v, want 6 packets, 1 lost", s)
	}
}

func FuzzParsePacket(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xFF})
	f.Add([]byte{0xBF, 101, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		c, ok := (&Format{EventPT: 101}).parse(b, &p)
		if ok && (len(p.Payload) > maxPayload || c != Foreign && len(p.Payload) == 0) {
			t.Errorf("content %d, payload of %d bytes", c, len(p.Payload))
		}
	})
}

func FuzzParseClip(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = parseClip(bytes.NewReader(b)) })
}

var loop = netip.MustParseAddr("127.0.0.1")

// far is the other end of a UDP leg.
func far(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// agree lets a leg speak to a far end on this machine.
func agree(t *testing.T, u *UDP, to netip.AddrPort, f Format) {
	t.Helper()
	if err := u.Agree(Terms{To: to, Control: netip.AddrPortFrom(to.Addr(), to.Port()+1), Signalling: loop, Format: f}); err != nil {
		t.Fatal(err)
	}
}

func TestBridgeConvertsRelaysEventsAndKeepsQuiet(t *testing.T) {
	ports, err := NewPorts(41000, 41999)
	if err != nil {
		t.Fatal(err)
	}
	open := func(to netip.AddrPort, f Format) *UDP {
		u, err := ports.Open(loop)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(u.Close)
		agree(t, u, to, f)
		return u
	}
	agent, agentAddr := far(t)
	customer, customerAddr := far(t)
	a := open(agentAddr, Format{Codec: ULaw, EventPT: 101})
	c := open(customerAddr, Format{Codec: ALaw, EventPT: 96})
	var b Bridge
	b.Attach(Agent, a)
	b.Attach(Customer, c)

	say := func(pt byte, seq uint16, payload ...byte) {
		t.Helper()
		pkt := append([]byte{0x80, pt, byte(seq >> 8), byte(seq), 0, 0, 0, byte(seq), 1, 2, 3, 4}, payload...)
		if _, err := agent.WriteToUDP(pkt, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: a.Port()}); err != nil {
			t.Fatal(err)
		}
	}
	hear := func() []byte {
		t.Helper()
		buf := make([]byte, 1500)
		n, err := customer.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return buf[:n]
	}
	say(0, 1, Encode(1000, ULaw))
	if got := hear(); got[1]&0x7F != 8 || abs(int(Decode(got[12], ALaw))-1000) > 64 {
		t.Errorf("µ-law 1000 came as payload type %d, sample %d", got[1]&0x7F, Decode(got[12], ALaw))
	}
	say(101, 2, 5, 0x8A, 3, 0x20) // digit 5, end
	if got := hear(); got[1]&0x7F != 96 || got[12] != 5 || got[13] != 0x8A {
		t.Errorf("the event came as % x", got)
	}
	b.Gate(Agent, Hush)
	say(101, 3, 6, 0x8A, 3, 0x20) // not heard
	say(0, 4, Encode(1000, ULaw))
	if got := hear(); got[1]&0x7F != 8 || got[12] != ALaw.Silence() {
		t.Errorf("a quiet side came as % x", got)
	}
	if s := a.Stats(); s.Packets != 4 || s.Lost != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestStrangersAreNotHeardAndNATIsFollowed(t *testing.T) {
	ports, _ := NewPorts(42000, 42999)
	u, err := ports.Open(netip.IPv4Unspecified())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	heard := make(chan byte, 8)
	u.Listen(func(p *Packet) { heard <- p.Payload[0] })
	phone, _ := far(t)
	_ = u.Agree(Terms{To: netip.MustParseAddrPort("10.1.2.3:4000"), Signalling: loop}) // behind a NAT
	stranger, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1),
		Port: u.Port()})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	pkt := []byte{0x80, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 'x'}
	_, _ = stranger.Write(pkt)
	pkt[12] = 'p'
	_, _ = phone.WriteToUDP(pkt, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: u.Port()})
	select {
	case b := <-heard:
		if b != 'p' {
			t.Error("a stranger was heard")
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the phone behind the NAT was not heard")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go Play(ctx, u, Ringback(), true)
	if n, err := phone.Read(make([]byte, 1500)); err != nil || n != 172 {
		t.Errorf("the phone behind the NAT heard %d bytes, %v", n, err)
	}
}

func TestDigit(t *testing.T) {
	ports, _ := NewPorts(44000, 44099)
	u, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	phone, addr := far(t)
	agree(t, u, addr, Format{EventPT: 97})
	if !Digit(t.Context(), u, '#', 100*time.Millisecond) || Digit(t.Context(), u, '?', time.Second) {
		t.Error("# is a key, ? is none")
	}
	var stamps []uint32
	var last []byte
	for range 7 { // five frames, the last of them three times
		b := make([]byte, 100)
		n, err := phone.Read(b)
		if err != nil || n != 16 || b[1]&0x7F != 97 || b[12] != 11 {
			t.Fatalf("% x, %v", b[:n], err)
		}
		stamps, last = append(stamps, binary.BigEndian.Uint32(b[4:])), b
	}
	if stamps[0] != stamps[6] || last[13] != 0x8A || binary.BigEndian.Uint16(last[14:]) != 800 {
		t.Errorf("timestamps %v, the end is % x", stamps, last[12:16])
	}
}

func TestPortsRunOut(t *testing.T) {
	ports, err := NewPorts(43000, 43003)
	if err != nil {
		t.Fatal(err)
	}
	a, err1 := ports.Open(loop)
	b, err2 := ports.Open(loop)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	defer b.Close()
	if _, err := ports.Open(loop); err != ErrPortsExhausted {
		t.Errorf("got %v", err)
	}
	a.Close()
	c, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestBrowsersAreToldTheAdvertisedAddress(t *testing.T) {
	for _, w := range []struct{ listen, ip string }{{"127.0.0.1:0", "127.0.0.1"}, {"0.0.0.0:0", "203.0.113.5"}} {
		b, err := NewBrowsers(w.listen, net.ParseIP(w.ip))
		if err != nil {
			t.Fatal(err)
		}
		l, offer, err := b.Offer(ALaw)
		if err != nil {
			t.Fatal(err)
		}
		candidates := 0
		for line := range strings.Lines(string(offer)) {
			if strings.HasPrefix(line, "a=candidate:") {
				candidates++
				if !strings.Contains(line, " "+w.ip+" "+strconv.Itoa(b.conn.LocalAddr().(*net.UDPAddr).Port)+" typ host") {
					t.Errorf("listening on %s: %s", w.listen, line)
				}
			}
		}
		if candidates == 0 || !strings.Contains(string(offer), "a=ice-lite") || !strings.Contains(string(offer),
			"m=audio 9 UDP/TLS/RTP/SAVPF 8 0 101") {
			t.Errorf("offered %s", offer)
		}
		l.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
