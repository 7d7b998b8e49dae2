package sipua

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer"
)

// asking is our audio in packets of so many milliseconds.
func (f *far) asking(ms int) extra {
	return extra(strings.Replace(string(f.sdp()), "a=ptime:20", fmt.Sprintf("a=ptime:%d", ms), 1))
}

// lengths reads packets of our leg until so many in a row have the length wanted.
func (f *far) lengths(t *testing.T, samples, wanted int) {
	t.Helper()
	offer, err := parseSDP([]byte(f.invite.body))
	if err != nil {
		t.Fatal(err)
	}
	_ = f.sound.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 2048)
	for row := 0; row < wanted; {
		n, from, err := f.sound.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatalf("%d of %d packets of %d samples came: %v", row, wanted, samples, err)
		}
		switch {
		case from.Port() != offer.addr.Port():
		case n-12 == samples:
			row++
		default:
			t.Errorf("a packet of %d samples came, want %d", n-12, samples)
			return
		}
	}
}

// TestPacketTime has two phones speak in packets of 20 ms, of which one asked for 10 and the other for 60.
func TestPacketTime(t *testing.T) {
	t.Parallel()
	agent, customer := newFar(t), newFar(t)
	for f, ms := range map[*far]int{agent: 10, customer: 60} {
		f.run(func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "180 Ringing")
			f.answer(invite, "200 OK", f.asking(ms))
			f.await("ACK")
			f.talk()
			f.awaitBye()
		})
	}
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
	order := orderTo(nil)
	order.Agent = agent.extension()
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	agent.lengths(t, 80, 100)
	customer.lengths(t, 480, 30)
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	agent.ended()
	customer.ended()
}
