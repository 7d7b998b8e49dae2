package day

import (
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
)

// messageTone is what the message says to customers for whom there is no agent.
const messageTone = 1000 // Hz

// ear hears what all customers of a carrier hear, and says a tone for each of them. SIPp's answers name its port. Who is spoken
// to is known by the port that the sound comes from: the node has named it in its INVITE.
type ear struct {
	conn *net.UDPConn

	mu    sync.Mutex
	heard map[netip.AddrPort][]*sound // each in the order of time
}

// sound is what one customer has heard: a port's sound without a long gap.
type sound struct {
	first, last    time.Time
	agent, message time.Time // when the agent and the message were heard first; zero: they were not
	seq            uint16    // of what the customer says
	mute           bool      // the carrier is dead: the customer says nothing any more
}

// soundGap parts two customers' sounds: a port rests before another call is given it.
const soundGap = 3 * time.Second

func newEar(t *testing.T) *ear {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	e := &ear{conn: conn, heard: map[netip.AddrPort][]*sound{}}
	var done sync.WaitGroup
	stop := make(chan struct{})
	done.Go(e.listen)
	done.Go(func() { e.speak(stop) })
	t.Cleanup(func() { close(stop); conn.Close(); done.Wait() })
	return e
}

func (e *ear) port() int { return e.conn.LocalAddr().(*net.UDPAddr).Port }

// sounds hands on what comes as sound, until the socket is closed.
func sounds(conn *net.UDPConn, heard func(from netip.AddrPort, sound []byte, now time.Time)) {
	b := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		const header = 12
		if err == nil && n >= header+80 && b[1]&0x7f == 8 { // A-law alone was agreed on
			heard(from, b[header:n], time.Now())
		}
	}
}

func (e *ear) listen() {
	sounds(e.conn, func(from netip.AddrPort, heard []byte, now time.Time) {
		agent, message := loud(heard, agentTone), loud(heard, messageTone)
		e.mu.Lock()
		defer e.mu.Unlock()
		list := e.heard[from]
		if k := len(list); k == 0 || now.Sub(list[k-1].last) > soundGap {
			list = append(list, &sound{first: now})
			e.heard[from] = list
		}
		s := list[len(list)-1]
		s.last = now
		if agent && s.agent.IsZero() {
			s.agent = now
		}
		if message && s.message.IsZero() {
			s.message = now
		}
	})
}

// speak says the customers' tone to everybody who was heard a moment ago.
func (e *ear) speak(stop chan struct{}) {
	const frame = 160
	tone := make([]byte, frame) // 440 Hz, near enough: eight periods a frame would be 400
	for i := range tone {
		tone[i] = media.Encode(int16(8000*math.Sin(2*math.Pi*400*float64(i)/8000)), media.ALaw)
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	packet := append(make([]byte, 12), tone...)
	packet[0], packet[1] = 0x80, 8
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			e.mu.Lock()
			for from, list := range e.heard {
				s := list[len(list)-1]
				if s.mute || now.Sub(s.last) > time.Second {
					continue
				}
				s.seq++
				binary.BigEndian.PutUint16(packet[2:], s.seq)
				binary.BigEndian.PutUint32(packet[4:], uint32(s.seq)*frame)
				binary.BigEndian.PutUint32(packet[8:], uint32(from.Port()))
				_, _ = e.conn.WriteToUDPAddrPort(packet, from)
			}
			e.mu.Unlock()
		}
	}
}

// hush silences everybody who talks: their carrier was killed.
func (e *ear) hush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, list := range e.heard {
		list[len(list)-1].mute = true
	}
}

// of finds what the customer of a dialog has heard; the zero sound: nothing.
func (e *ear) of(d *dialog) sound {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.heard[netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(d.sound))] {
		if !s.last.Before(d.answered) && s.first.Before(d.over.Add(time.Second)) {
			return *s
		}
	}
	return sound{}
}

// begins is when the customer first heard somebody; zero: never.
func (s sound) begins() time.Time {
	heard := slices.DeleteFunc([]time.Time{s.agent, s.message}, time.Time.IsZero)
	if len(heard) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(heard, time.Time.Compare)
}

// loud says whether most of the sound is a tone of so many hertz (Goertzel's algorithm), and not near silence.
func loud(alaw []byte, hertz float64) bool {
	w := 2 * math.Cos(2*math.Pi*hertz/8000)
	var s1, s2, energy float64
	for _, b := range alaw {
		x := float64(media.Decode(b, media.ALaw))
		energy += x * x
		s1, s2 = x+w*s1-s2, s1
	}
	n := float64(len(alaw))
	power := (s1*s1 + s2*s2 - w*s1*s2) * 2 / n // a whole tone has that of energy
	return energy/n > 200*200 && power > energy/2
}

// TestEar: tones are told from each other, and from silence.
func TestEar(t *testing.T) {
	for _, c := range []struct {
		hertz, level   float64
		agent, message bool
	}{{agentTone, 5000, true, false}, {messageTone, 5000, false, true}, {400, 8000, false, false}, {agentTone, 10, false, false}} {
		b := make([]byte, 160)
		for i := range b {
			b[i] = media.Encode(int16(c.level*math.Sin(2*math.Pi*c.hertz*float64(i)/8000)), media.ALaw)
		}
		if agent, message := loud(b, agentTone), loud(b, messageTone); agent != c.agent || message != c.message {
			t.Errorf("%v Hz at %v: heard as the agent's %v, as the message's %v", c.hertz, c.level, agent, message)
		}
	}
}
