package media

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// ear is a leg that keeps what it is told.
type ear struct {
	inward
	mu     sync.Mutex
	heard  []Packet
	closed chan struct{}
}

func newEar() *ear {
	e := &ear{closed: make(chan struct{})}
	e.format.Store(&Format{})
	return e
}

func (e *ear) Send(p *Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	kept := *p
	kept.Payload = append([]byte(nil), p.Payload...)
	e.heard = append(e.heard, kept)
}

func (e *ear) Closed() <-chan struct{} { return e.closed }
func (e *ear) Close()                  {}

func (e *ear) packets() []Packet {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Packet(nil), e.heard...)
}

func (e *ear) say(p Packet) {
	p.Arrived = time.Now()
	(*e.listener.Load())(&p)
}

// level is how loud a sound is, in dB below the loudest.
func level(sound []byte) float64 {
	sum := 0.0
	for _, b := range sound {
		s := float64(Decode(b, ULaw))
		sum += s * s
	}
	return -10 * math.Log10(sum/float64(len(sound))/(math.MaxInt16*math.MaxInt16))
}

// TestComfortNoiseIsPlayedAsNoise: comfort noise is no codec. The other side hears a background of the level said, without a gap,
// until speech comes again.
func TestComfortNoiseIsPlayedAsNoise(t *testing.T) {
	a, c := newEar(), newEar()
	var b Bridge
	b.Attach(Agent, a)
	b.Attach(Customer, c)
	c.say(Packet{Noise: true, SSRC: 1, Seq: 1, Payload: []byte{50}})
	testdeps.Eventually(t, "the background", func() bool { return len(a.packets()) >= 20 })
	for range 5 { // said again and again, as carriers do
		c.say(Packet{Noise: true, SSRC: 1, Seq: 2, Payload: []byte{50, 1, 2}})
	}
	testdeps.Eventually(t, "more of it", func() bool { return len(a.packets()) >= 40 })
	var sound []byte
	source := a.packets()[0].SSRC
	for i, p := range a.packets() {
		if p.Noise || p.Event || len(p.Payload) != FrameSize || p.SSRC != source || int(p.Seq) != i {
			t.Fatalf("packet %d: %+v", i, p)
		}
		sound = append(sound, p.Payload...)
	}
	if got := level(sound); got < 47 || got > 53 {
		t.Errorf("the background is %.1f dB below the loudest, want 50", got)
	}
	c.say(Packet{SSRC: 1, Seq: 3, Payload: make([]byte, 160)})
	n := len(a.packets())
	testdeps.Quiet(100 * time.Millisecond)
	if p := a.packets(); len(p) > n+1 || p[n-1].SSRC != 1 && p[len(p)-1].SSRC != 1 {
		t.Errorf("the background goes on over speech: %d packets more", len(p)-n)
	}
	c.say(Packet{Noise: true, SSRC: 1, Seq: 4, Payload: []byte{0}}) // as loud as can be: nobody is deafened
	k := len(a.packets())
	testdeps.Eventually(t, "the background", func() bool { return len(a.packets()) >= k+5 })
	if got := level(a.packets()[k+4].Payload); got < loudestNoise-3 {
		t.Errorf("noise %.1f dB below the loudest", got)
	}
	b.Detach(Customer)
}

// TestASilentSideIsKeptCompany: a far end that sends nothing while it is silent must not make the other one's stream stop.
func TestASilentSideIsKeptCompany(t *testing.T) {
	a, c := newEar(), newEar()
	var b Bridge
	b.Attach(Agent, a)
	b.Attach(Customer, c)
	now := time.Now() // the machine may stand still after it
	c.say(Packet{SSRC: 1, Seq: 1, Payload: make([]byte, 160)})
	a.say(Packet{SSRC: 2, Seq: 1, Payload: make([]byte, 160)})
	b.Tend(now)
	testdeps.Quiet(100 * time.Millisecond)
	if n := len(a.packets()); n != 1 {
		t.Fatalf("%d packets: the side had just spoken", n)
	}
	b.Gate(Agent, Shut) // the customer hears something else
	b.Tend(time.Now().Add(time.Second))
	testdeps.Eventually(t, "silence is sent", func() bool { return len(a.packets()) >= 10 })
	if n := len(c.packets()); n != 1 {
		t.Errorf("the customer was sent %d packets over what is played", n)
	}
	b.Detach(Customer)
}

// TestTheNoticeIsHeardByBoth: and taped as each hears it; the customer is heard through it, the agent is not.
func TestTheNoticeIsHeardByBoth(t *testing.T) {
	a, c := newEar(), newEar()
	var b Bridge
	var mu sync.Mutex
	taped := map[Side]int{}
	b.Tap(func(s Side, p *Packet) { mu.Lock(); taped[s] += len(p.Payload); mu.Unlock() })
	b.Attach(Agent, a)
	b.Attach(Customer, c)
	done := make(chan struct{})
	go func() { defer close(done); b.Announce(context.Background(), Tone(500, 200*time.Millisecond, 0)) }()
	testdeps.Eventually(t, "the notice begins", func() bool { return len(c.packets()) > 0 })
	loud := make([]byte, 160)
	for i := range loud {
		loud[i] = Encode(20000, ULaw)
	}
	a.say(Packet{SSRC: 5, Payload: loud})
	c.say(Packet{SSRC: 6, Payload: loud})
	<-done
	through := false
	for _, p := range a.packets() {
		for _, s := range p.Payload {
			through = through || Decode(s, ULaw) > 14000
		}
	}
	for _, p := range c.packets() {
		if p.SSRC == 5 {
			t.Error("the agent was heard during the notice")
		}
	}
	if !through {
		t.Error("the customer was not heard through the notice")
	}
	if taped[Agent] != 1600 || taped[Customer] != 1600 || len(a.packets()) != 10 || len(c.packets()) != 10 {
		t.Errorf("taped %v, heard %d and %d packets", taped, len(a.packets()), len(c.packets()))
	}
	a.say(Packet{SSRC: 5, Payload: loud})
	if p := c.packets(); p[len(p)-1].SSRC != 5 {
		t.Error("the agent is not heard after the notice")
	}
}
