package media

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func voice(seq uint16) []byte {
	return append([]byte{0x80, 0, byte(seq >> 8), byte(seq), 0, 0, 0, 160, 1, 2, 3, 4}, Quiet()[:FrameSize]...)
}

// aged makes what rests in p rest for longer than it must, once so many pairs do.
func aged(t *testing.T, p *Ports, want int) {
	t.Helper()
	testdeps.Seen(t, "pairs to rest", func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, idle := range p.idle {
			for _, w := range idle {
				w.since = w.since.Add(-restTime)
			}
		}
		return p.n
	}, func(n int) bool { return n == want })
}

// A leg that takes over the ports of another hears nothing of what that one's far end still sends, and the leg that ended says
// nothing into them.
func TestRestedPortsAreTakenAgain(t *testing.T) {
	ports, err := NewPorts(40000, 40999)
	if err != nil {
		t.Fatal(err)
	}
	defer ports.Close()
	before, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	phone, addr := far(t)
	agree(t, before, addr, Format{})
	port := before.Port()
	before.Close()
	before.Close()
	late := &net.UDPAddr{IP: loop.AsSlice(), Port: port}
	if _, err := phone.WriteTo(voice(1), late); err != nil {
		t.Fatal(err)
	}
	aged(t, ports, 1)

	u, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if u.Port() != port {
		t.Fatalf("the leg listens on %d, want the rested %d", u.Port(), port)
	}
	other, otherAddr := far(t)
	var heard atomic.Int32
	got := make(chan uint16, 8)
	u.Listen(func(p *Packet) { heard.Add(1); got <- p.Seq })
	agree(t, u, otherAddr, Format{})
	if _, err := other.WriteTo(voice(7), late); err != nil {
		t.Fatal(err)
	}
	if seq := <-got; seq != 7 || heard.Load() != 1 {
		t.Errorf("heard packet %d, %d of them; want the new far end's alone", seq, heard.Load())
	}
	before.Send(&Packet{Codec: ULaw, Payload: Quiet()[:FrameSize], Arrived: time.Now()})
	u.Send(&Packet{Codec: ULaw, Payload: Quiet()[:FrameSize], Arrived: time.Now()})
	if _, err := other.Read(make([]byte, 1500)); err != nil {
		t.Error(err)
	}
	_ = phone.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := phone.Read(make([]byte, 1500)); err == nil {
		t.Errorf("the leg that ended has said %d bytes", n)
	}
}

func TestPortsRestBeforeTheyAreTakenAgain(t *testing.T) {
	ports, _ := NewPorts(45000, 45999)
	a, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	b, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	if b.Port() == a.Port() {
		t.Error("the ports were taken again without a rest")
	}
	b.Close()
	aged(t, ports, 2)
	ports.Close()
	if ports.n != 0 || ports.trim != nil {
		t.Errorf("%d pairs rest on after the end", ports.n)
	}
	c, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	again, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loop.AsSlice(), Port: c.Port()})
	if err != nil {
		t.Fatalf("after the end, a leg's ports are free when it ends: %v", err)
	}
	again.Close()
}

func TestPortsThatNobodyWantsAreClosed(t *testing.T) {
	ports, _ := NewPorts(39000, 39999)
	defer ports.Close()
	var legs []*UDP
	for range 10 {
		u, err := ports.Open(loop)
		if err != nil {
			t.Fatal(err)
		}
		legs = append(legs, u)
	}
	for _, u := range legs {
		u.Close()
	}
	aged(t, ports, 10)
	ports.trimmed() // they have only begun to rest
	for range 3 {
		u, err := ports.Open(loop)
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
	}
	if ports.n != 7 {
		t.Fatalf("%d pairs rest, want the 7 that were not taken", ports.n)
	}
	ports.trimmed()
	if ports.n != 0 {
		t.Errorf("%d pairs rest, and nobody has wanted them since the last trim", ports.n)
	}
}
