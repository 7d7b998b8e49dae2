package sipua

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/rtcp"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// voice is one RTP socket of a far end: it says what it is told to, and hears.
type voice struct {
	f    *far
	conn *net.UDPConn
	to   netip.AddrPort // our leg
	ssrc uint32
	seq  uint16
	ts   uint32
}

// voice speaks from the far end's own socket, or from another one of the same address.
func (f *far) voice(other bool) *voice {
	d, err := parseSDP([]byte(f.invite.body))
	f.check(err == nil, "offer: %v", err)
	conn := f.sound
	if other {
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		f.check(err == nil, "%v", err)
		f.t.Cleanup(func() { _ = conn.Close() })
	}
	return &voice{f: f, conn: conn, to: d.addr, ssrc: uint32(testSerial.Add(1)) << 8}
}

func (v *voice) addr() netip.AddrPort { return v.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// say sends n packets of a payload type, 20 ms apart; each is a tone, or what is given.
func (v *voice) say(n int, pt byte, payload ...byte) {
	tone := media.Tone(800, time.Second, 0)
	for i := range n {
		body := payload
		if body == nil {
			body = make([]byte, media.FrameSize)
			media.Convert(body, tone[i%50*160:i%50*160+160], media.ULaw, media.Codec(pt&8))
		}
		b := make([]byte, 12, 12+len(body))
		b[0], b[1] = 0x80, pt
		binary.BigEndian.PutUint16(b[2:], v.seq)
		binary.BigEndian.PutUint32(b[4:], v.ts)
		binary.BigEndian.PutUint32(b[8:], v.ssrc)
		v.seq, v.ts = v.seq+1, v.ts+160
		_, _ = v.conn.WriteToUDPAddrPort(append(b, body...), v.to)
		testdeps.Lasts(20 * time.Millisecond)
	}
}

// reports sends RTCP to the port after RTP's, until the test ends.
func (v *voice) reports() {
	ctx, stop := context.WithCancel(context.Background())
	v.f.t.Cleanup(stop)
	go func() {
		b, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: v.ssrc}})
		for ctx.Err() == nil {
			_, _ = v.conn.WriteToUDPAddrPort(b, netip.AddrPortFrom(v.to.Addr(), v.to.Port()+1))
			testdeps.Lasts(200 * time.Millisecond)
		}
	}()
}

// hears reads RTP of ours until ok says so; it fails after a while.
func (v *voice) hears(what string, ok func(pt byte, payload []byte) bool) {
	_ = v.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for buf := make([]byte, 2048); ; {
		n, err := v.conn.Read(buf)
		v.f.check(err == nil, "%s is not heard: %v", what, err)
		if n > 12 && buf[1]&0x7F < 72 || n > 12 && buf[1]&0x7F > 95 {
			if ok(buf[1]&0x7F, buf[12:n]) {
				return
			}
		}
	}
}

// quiet drops what is on its way, and fails when RTP still comes after it.
func (v *voice) quiet(what string) {
	testdeps.Quiet(300 * time.Millisecond)
	buf := make([]byte, 2048)
	for drained := false; ; {
		wait := time.Millisecond
		if drained {
			wait = 700 * time.Millisecond
		}
		_ = v.conn.SetReadDeadline(time.Now().Add(wait))
		_, err := v.conn.Read(buf)
		switch {
		case err != nil && drained:
			return
		case err != nil:
			drained = true
		case drained:
			v.f.fail("%s: RTP comes", what)
		}
	}
}

// tone reports whether a payload is loud: the agent's tone, or the ringing tone.
func loud(pt byte, payload []byte) bool {
	sum := 0.0
	for _, b := range payload {
		s := float64(media.Decode(b, media.Codec(pt&8)))
		sum += s * s
	}
	return math.Sqrt(sum/float64(len(payload))) > 1000
}

// answered lets a customer's side pick up with SDP of its own.
func (f *far) pickUpWith(sdp extra) {
	invite := f.await("INVITE")
	f.answer(invite, "200 OK", sdp)
	f.await("ACK")
}

// offer is an SDP with the given m= line's end and further lines.
func (f *far) offer(formats string, lines ...string) extra {
	return f.offerAt(f.soundAddr().Port(), formats) + extra(strings.Join(append(lines, ""), "\r\n"))
}

// shortTimeout is a media timeout that a test can wait for: several times over, when it must not come.
func shortTimeout(o *Options) { o.MediaTimeout = 2 * time.Second }

const outlasts = 6 * time.Second

var loop4 = netip.MustParseAddr("127.0.0.1")

var mediaBehaviours = []behaviour{
	{name: "a customer who is silent, with comfort noise", options: shortTimeout,
		customer: func(f *far) {
			f.pickUpWith(f.sdp())
			v := f.voice(false)
			for end := time.Now().Add(outlasts); time.Now().Before(end); testdeps.Lasts(500 * time.Millisecond) {
				v.say(1, 13, 60)
			}
			f.hangUp()
		},
		agent:   func(f *far) { f.pickUp(); f.voice(false).hears("the background", audible); f.awaitBye() },
		outcome: campaigns.Answered, by: "customer", cause: "BYE"},
	{name: "a customer who is silent, with RTCP alone", options: shortTimeout,
		customer: func(f *far) {
			f.pickUpWith(f.sdp())
			f.voice(false).reports()
			testdeps.Lasts(outlasts)
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer", cause: "BYE"},
	{name: "a customer who is silent, with packets that keep the path open", options: shortTimeout,
		customer: func(f *far) {
			f.pickUpWith(f.sdp())
			v := f.voice(false)
			for end := time.Now().Add(outlasts); time.Now().Before(end); testdeps.Lasts(500 * time.Millisecond) {
				v.say(1, 98, 1, 2, 3) // of a type that nobody agreed on
			}
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer", cause: "BYE"},
	{name: "a customer who is silent, and dead", options: shortTimeout,
		customer: func(f *far) { f.pickUpWith(f.sdp()); f.voice(false).say(5, 8); f.awaitBye() },
		outcome:  campaigns.Answered, by: "system", cause: "media timeout"},
	{name: "an agent's phone that sends nothing in silence: the customer's stream goes on", options: shortTimeout,
		agent: func(f *far) {
			f.pickUpWith(f.sdp())
			f.voice(false).reports()
			f.awaitBye()
		},
		customer: func(f *far) {
			f.pickUp()
			n := 0
			f.voice(false).hears("the stream", func(byte, []byte) bool { n++; return n > 150 })
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer", cause: "BYE"},
	{name: "a held customer may be silent", options: shortTimeout,
		agent: func(f *far) {
			f.pickUp()
			f.request("INVITE", f.sdp("sendonly"))
			f.status("200")
			f.ack()
			f.awaitBye()
		},
		customer: func(f *far) { f.pickUpWith(f.sdp()); testdeps.Lasts(outlasts); f.hangUp() },
		outcome:  campaigns.Answered, by: "customer", cause: "BYE"},
	{name: "a customer who holds us: no RTP goes there, and nobody counts the silence", options: shortTimeout,
		customer: func(f *far) {
			f.pickUp()
			f.voice(false).hears("the agent", loud)
			f.request("INVITE", f.sdp("inactive"))
			ok := f.status("200")
			f.ack()
			f.check(strings.Contains(ok.body, "a=inactive"), "answered %q", ok.body)
			f.voice(false).quiet("held")
			testdeps.Lasts(outlasts)
			f.request("INVITE", f.sdp("sendrecv"))
			f.status("200")
			f.ack()
			f.voice(false).hears("the agent again", loud)
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer", cause: "BYE"},
	{name: "an answer that wants to hear nothing",
		customer: func(f *far) {
			f.pickUpWith(f.sdp("sendonly"))
			v := f.voice(false)
			v.say(5, 8)
			v.quiet("sendonly")
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer", cause: "BYE"},
	ringsWith("183 with SDP and no sound: the agent hears our ringing tone", func(*voice) {}, 425),
	ringsWith("183 with SDP and comfort noise alone", func(v *voice) { v.say(2, 13, 60) }, 425),
	ringsWith("183 with sound: the agent hears the network", func(v *voice) { v.say(200, 8) }, 800),
	{name: "an answer with another port than the 183",
		customer: func(f *far) {
			invite := f.await("INVITE")
			old := f.voice(true)
			f.answer(invite, "183 Session Progress", f.offerAt(old.addr().Port(), "8"))
			old.say(10, 8)
			f.answer(invite, "200 OK", f.offer("8"))
			f.await("ACK")
			old.say(10, 8) // still under way
			f.voice(false).hears("the agent, at the new port", loud)
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "two phones ring with sound, one answers without SDP: its own is taken",
		agent: func(f *far) { f.pickUp(); f.voice(false).hears("the phone that answered", at(800)); f.awaitBye() },
		customer: func(f *far) {
			invite := f.await("INVITE")
			other := f.voice(true)
			f.tag = "other" + f.tag
			f.answer(invite, "183 Session Progress", f.offerAt(other.addr().Port(), "8"))
			f.tag = strings.TrimPrefix(f.tag, "other")
			f.answer(invite, "183 Session Progress", f.offer("8"))
			f.answer(invite, "200 OK")
			f.await("ACK")
			f.talk()
			f.voice(false).hears("the agent", loud)
			testdeps.Lasts(time.Second)
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "one foreign packet of the same address",
		customer: func(f *far) {
			f.pickUp()
			v, stranger := f.voice(false), f.voice(true)
			v.hears("the agent", loud)
			stranger.say(1, 8)
			testdeps.Lasts(300 * time.Millisecond)
			drain(v.conn)
			v.hears("the agent, still", loud)
			f.check(drain(stranger.conn) == 0, "the stranger hears the agent")
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "the sound moves without a word",
		customer: func(f *far) {
			f.pickUpWith(f.sdp())
			f.voice(false).say(20, 8)
			testdeps.Lasts(1500 * time.Millisecond)
			moved := f.voice(true)
			moved.say(50, 8)
			moved.hears("the agent, where the sound is now", loud)
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	moves("INVITE"), moves("UPDATE"),
	{name: "sound before the answer's SDP does not come in a burst",
		agent: func(f *far) {
			f.pickUp()
			v, n := f.voice(false), 0
			began := time.Time{}
			v.hears("the customer", func(pt byte, payload []byte) bool {
				if !at(800)(pt, payload) {
					return false
				}
				if n++; began.IsZero() {
					began = time.Now()
				}
				return time.Since(began) > time.Second
			})
			f.check(n < 100, "%d packets in a second", n)
			f.awaitBye()
		},
		customer: func(f *far) {
			invite := f.await("INVITE")
			v := f.voice(false)
			v.say(150, 8)
			f.answer(invite, "200 OK", f.sdp())
			f.await("ACK")
			v.say(100, 8)
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "an answer with payload types of its own, which collide with ours",
		agent: func(f *far) { f.pickUp(); f.voice(false).hears("the customer", at(800)); f.key(); f.awaitBye() },
		customer: func(f *far) {
			f.pickUpWith(f.offer("101 96 13", "a=rtpmap:101 PCMA/8000", "a=rtpmap:96 telephone-event/8000", "a=rtpmap:13 CN/8000"))
			v := f.voice(false)
			v.say(60, 8)
			v.hears("a key under 96", func(pt byte, b []byte) bool { return pt == 96 && b[0] == 5 })
			v.hears("the agent under 101", func(pt byte, b []byte) bool { return pt == 101 && loud(8, b) })
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "a new offer that changes the payload types",
		agent: func(f *far) { f.pickUp(); testdeps.Lasts(2 * time.Second); f.key(); f.awaitBye() },
		customer: func(f *far) {
			f.pickUp()
			f.request("INVITE", f.offer("0 110", "a=rtpmap:110 telephone-event/8000"))
			ok := f.status("200")
			f.ack()
			f.check(strings.Contains(ok.body, "RTP/AVP 0 110\r\n"), "answered %q", ok.body)
			v := f.voice(false)
			v.hears("the agent in µ-law", func(pt byte, b []byte) bool { return pt == 0 && loud(pt, b) })
			v.hears("a key under 110", func(pt byte, b []byte) bool { return pt == 110 && b[0] == 5 })
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "a new offer of several streams gets as many back",
		customer: afterwards(func(f *far) {
			sdp := f.offer("8", "m=video 5000 RTP/AVP 99", "a=rtpmap:99 H264/90000", "m=text 0 RTP/AVP 98")
			f.request("INVITE", sdp)
			ok := f.status("200")
			f.ack()
			f.check(strings.Count(ok.body, "m=") == 3 && strings.Contains(ok.body, "m=video 0 RTP/AVP 99\r\n") &&
				strings.Index(ok.body, "m=audio") < strings.Index(ok.body, "m=video"), "answered %q", ok.body)
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "packets of 10, 30 and 60 ms",
		agent: func(f *far) {
			f.pickUpWith(f.offer("8")) // without a ptime: any length is welcome
			f.talk()
			v := f.voice(false)
			for _, size := range []int{80, 240, 480} {
				v.hears(fmt.Sprint(size), func(_ byte, b []byte) bool { return len(b) == size })
			}
			f.awaitBye()
		},
		customer: func(f *far) {
			f.pickUpWith(f.sdp())
			v := f.voice(false)
			v.hears("the agent", loud) // who hears us, too
			for _, size := range []int{80, 240, 480} {
				for range 20 {
					v.say(1, 8, make([]byte, size)...)
					v.ts += uint32(size - 160)
				}
			}
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "RTCP to the port that the SDP names",
		customer: func(f *far) {
			control, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			f.check(err == nil, "%v", err)
			defer control.Close()
			f.pickUpWith(f.offer("8", fmt.Sprintf("a=rtcp:%d", control.LocalAddr().(*net.UDPAddr).Port)))
			f.talk()
			_ = control.SetReadDeadline(time.Now().Add(60 * time.Second))
			buf := make([]byte, 1500)
			for sender := false; !sender; {
				n, err := control.Read(buf)
				f.check(err == nil, "no sender report: %v", err)
				packets, err := rtcp.Unmarshal(buf[:n])
				f.check(err == nil, "% x: %v", buf[:n], err)
				_, sender = packets[0].(*rtcp.SenderReport)
			}
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
}

// ringsWith is a call whose customer's network promises sound with its 183; hz is what the agent hears then.
func ringsWith(name string, sound func(*voice), hz float64) behaviour {
	promised := make(chan struct{}, 1)
	return behaviour{name: name,
		agent: func(f *far) {
			f.pickUp()
			<-promised
			v := f.voice(false)
			drain(v.conn)
			v.hears("what rings", at(hz))
			f.awaitBye()
		},
		customer: func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "183 Session Progress", f.sdp())
			testdeps.Lasts(time.Second)
			promised <- struct{}{}
			sound(f.voice(false))
			testdeps.Lasts(6 * time.Second) // our tone pauses for 4 s
			f.answer(invite, "200 OK", f.sdp())
			f.await("ACK")
			f.talk()
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"}
}

// moves is a call whose customer says in the dialog that it is to be reached at another port.
func moves(method string) behaviour {
	return behaviour{name: "another port by " + method,
		agent: func(f *far) { f.pickUp(); f.awaitBye() },
		customer: func(f *far) {
			f.pickUp()
			f.voice(false).hears("the agent", loud)
			next := f.voice(true)
			f.request(method, f.offerAt(next.addr().Port(), "8"))
			f.status("200")
			if method == "INVITE" {
				f.ack()
			}
			next.hears("the agent, at the new port", loud) // though the old one goes on to talk
			f.voice(false).quiet("at the old port")
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"}
}

// offerAt is offer for a port of its own.
func (f *far) offerAt(port uint16, formats string) extra {
	return rawSDP(fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP %s\r\n",
		testSerial.Add(1), port, formats))
}

// key presses 5 by INFO, as JsSIP does.
func (f *far) key() {
	f.request("INFO", "Content-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=100\r\n")
	f.status("200")
}

// at reports whether a packet is a tone of hz.
func at(hz float64) func(byte, []byte) bool {
	return func(pt byte, payload []byte) bool {
		ulaw := make([]byte, len(payload))
		media.Convert(ulaw, payload, media.Codec(pt&8), media.ULaw)
		return power(ulaw, hz) > 0.8
	}
}

// drain drops what waits, and counts it.
func drain(conn *net.UDPConn) (n int) {
	for buf := make([]byte, 2048); ; n++ {
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := conn.Read(buf); err != nil {
			return n
		}
	}
}

func audible(_ byte, payload []byte) bool {
	for _, b := range payload {
		if s := media.Decode(b, media.ULaw); s > 8 || s < -8 {
			return true
		}
	}
	return false
}
