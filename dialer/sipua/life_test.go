package sipua

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// testSerial makes names of the tests unlike each other.
var testSerial atomic.Int64

// TestTalksOutlastTransactions talks in real time, for longer than anything lasts that a transaction keeps, and then hangs up
// from each side, with session refreshes of each kind on the way.
func TestTalksOutlastTransactions(t *testing.T) {
	if testing.Short() {
		t.Skip("talks for a minute and a half")
	}
	t.Parallel()
	var names []string
	var talks []func(*testing.T)
	stay := testdeps.Lasts // the length of the talk is the subject
	for _, test := range []struct {
		name            string
		agent, customer func(*far)
		by              string
		hangup          bool
	}{
		{"the customer hangs up after 33 s", (*far).awaitBye, func(f *far) { stay(33 * time.Second); f.hangUp() }, "customer", false},
		{"the agent hangs up after 50 s", func(f *far) { stay(50 * time.Second); f.hangUp() }, (*far).awaitBye, "agent", false},
		{"two refreshes by UPDATE, as JsSIP sends them", func(f *far) {
			for range 2 {
				stay(45 * time.Second)
				f.request("UPDATE", "Session-Expires: 90;refresher=uac", "Supported: timer")
				f.status("200")
			}
			f.hangUp()
		}, (*far).awaitBye, "agent", false},
		{"two refreshes by re-INVITE, as carriers send them", (*far).awaitBye, func(f *far) {
			for range 2 {
				stay(45 * time.Second)
				f.request("INVITE", "Session-Expires: 90;refresher=uac", "Supported: timer", f.sdp())
				f.status("200")
				f.ack()
			}
			f.hangUp()
		}, "customer", false},
		{"we hang up after 60 s", (*far).awaitBye, func(f *far) {
			stay(40 * time.Second)
			f.request("INFO", "Content-Type: application/dtmf-relay\r\n\r\nSignal=1\r\nDuration=100\r\n")
			f.status("200")
			stay(20 * time.Second)
			f.request("OPTIONS")
			f.status("200")
			f.awaitBye()
		}, "system", true},
	} {
		agent, customer := newFar(t), newFar(t)
		n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
		agent.run(func(f *far) { f.pickUp(); test.agent(f) })
		customer.run(func(f *far) { f.pickUp(); test.customer(f) })
		order := orderTo(nil)
		order.Agent = agent.extension()
		c := place(t, n, order)
		until(t, c, dialer.CustomerAnswered)
		if test.hangup {
			time.AfterFunc(61*time.Second, func() { c.Hangup("system") })
		}
		talks = append(talks, func(t *testing.T) {
			p, ok := <-c.Progress()
			if !ok || p.Kind != dialer.Ended || p.Outcome != campaigns.Answered || p.HangupBy != test.by {
				t.Errorf("got %+v", p)
			}
			agent.ended()
			customer.ended()
		})
		names = append(names, test.name)
	}
	for i, talk := range talks { // all at once, whatever number of tests may run in parallel
		t.Run(names[i], talk)
	}
}

// TestDialogOnAClockOfItsOwn lets a dialog live for hours, and looks at what is left of it.
func TestDialogOnAClockOfItsOwn(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*far, *dialog)
	}{
		{"the far end hangs up", func(f *far, _ *dialog) { f.hangUp() }},
		{"we hang up", func(f *far, d *dialog) { d.hangup(); f.awaitBye() }},
		{"it breaks", func(f *far, d *dialog) { d.broken("a test"); f.awaitBye() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, f := wired(t)
				owner := &listener{events: make(chan event, 10)}
				d := e.dialogTo(f, owner)
				f.run(func(f *far) {
					f.pickUp()
					for range 6 {
						time.Sleep(time.Hour)
						f.request("UPDATE")
						f.status("200")
					}
					test.end(f, d)
					time.Sleep(linger - time.Second) // our last answer may be lost: it is still known what it was about
					f.request("BYE")
					f.status("200")
					time.Sleep(2 * time.Second)
					f.request("BYE")
					f.status("481")
				})
				d.invite([]byte("v=0\r\n"), func() error { return nil })
				f.ended()
				if n := e.countDialogs(); n != 0 {
					t.Errorf("%d dialogs are left", n)
				}
			})
		})
	}
}

// TestEveryAnswerIsAcknowledgedAndAllButOneHungUp rings several phones by one INVITE.
func TestEveryAnswerIsAcknowledgedAndAllButOneHungUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, f := wired(t)
		d := e.dialogTo(f, &listener{events: make(chan event, 10)})
		f.run(func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "200 OK", f.sdp())
			f.await("ACK")
			f.tag = "second"
			f.answer(invite, "200 OK", f.sdp())
			second := f.sent
			f.check(strings.Contains(f.await("ACK").get("To"), "second"), "the second phone was not acknowledged")
			bye := f.await("BYE")
			f.check(strings.Contains(bye.get("To"), "second"), "another phone than the second was hung up")
			f.answer(bye, "200 OK")
			f.repeat(second)
			f.resent("ACK")
			f.request("BYE") // the second phone's own, which crossed ours
			f.status("200")
			f.silence(time.Hour)
			f.tag = "far"
		})
		d.invite([]byte("v=0\r\n"), func() error { return nil })
		f.ended()
		if d.state != confirmed {
			t.Error("the first phone's dialog is over")
		}
		d.hangup()
		time.Sleep(2 * linger)
	})
}

// TestSilentDialogsDoorStaysOpen keeps the far end of a long talk from becoming a stranger.
func TestSilentDialogsDoorStaysOpen(t *testing.T) {
	g := newGatekeeper(func(string) {})
	e := &endpoint{sending: g.admit, dialogs: map[dialogKey]*dialog{}}
	source := netip.MustParseAddr("192.0.2.7")
	d := &dialog{e: e, state: confirmed, source: source, hop: hop{transport: "UDP"}}
	e.dialogs[dialogKey{"a", "b"}] = d
	e.keepDoors()
	if !g.knows(source) {
		t.Error("the far end of a talk is a stranger")
	}
}

func (e *endpoint) countDialogs() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.dialogs)
}

// listener is an owner that keeps what it is told.
type listener struct{ events chan event }

func (l *listener) notify(ev event)                          { l.events <- ev }
func (*listener) reoffer(_ string, b []byte) ([]byte, error) { return b, nil }
func (*listener) acknowledged([]byte)                        {}
func (*listener) offer() []byte                              { return []byte("v=0\r\n") }

// wired is an endpoint and a far end on a network in memory, so that a test in a bubble owns their clock.
func wired(t *testing.T) (*endpoint, *far) {
	t.Helper()
	e, err := newEndpoint(newSystemResolver(), slog.New(slog.DiscardHandler),
		func(_ sip.TransportReadProps, b []byte) ([]byte, error) { return b, nil })
	if err != nil {
		t.Fatal(err)
	}
	wire := &memory{at: map[string]*socket{}}
	ours, theirs := wire.socket("192.0.2.1:5060"), wire.socket("192.0.2.2:5060")
	e.ours[ipv4] = ourFace{host: "192.0.2.1", udp: sip.Addr{IP: net.IPv4(192, 0, 2, 1), Port: 5060}}
	e.sending = func(netip.Addr) {}
	srv, err := sipgo.NewServer(e.ua)
	if err != nil {
		t.Fatal(err)
	}
	e.serve(srv)
	go func() { _ = e.tp.ServeUDP(ours) }()
	if err := e.awaitUDP(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.close(); _ = ours.Close() })
	f := farOn(t, theirs)
	f.wait = 2 * time.Hour
	return e, f
}

// dialogTo prepares a dialog with a far end.
func (e *endpoint) dialogTo(f *far, o owner) *dialog {
	to := sip.Uri{Scheme: "sip", User: "far", Host: "192.0.2.2", Port: 5060}
	d := &dialog{e: e, callID: sip.GenerateTagN(12), tag: sip.GenerateTagN(12), to: to, from: to,
		hop:   hop{transport: "UDP", addr: f.addr},
		early: make(chan *sip.Response, 32), quit: make(chan struct{}), owner: o}
	e.add(d)
	return d
}

// memory is a network of datagrams inside the process.
type memory struct {
	mu sync.Mutex
	at map[string]*socket
}

type socket struct {
	wire *memory
	addr *net.UDPAddr
	in   chan datagram
	shut chan struct{}
	once sync.Once
}

type datagram struct {
	b    []byte
	from net.Addr
}

func (m *memory) socket(addr string) *socket {
	a := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr))
	s := &socket{wire: m, addr: a, in: make(chan datagram, 1000), shut: make(chan struct{})}
	m.mu.Lock()
	m.at[addr] = s
	m.mu.Unlock()
	return s
}

func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-s.in:
		return copy(b, d.b), d.from, nil
	case <-s.shut:
		return 0, nil, net.ErrClosed
	}
}

func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	if far := s.wire.at[to.String()]; far != nil {
		far.in <- datagram{append([]byte(nil), b...), s.addr}
	}
	return len(b), nil
}

func (s *socket) Close() error                     { s.once.Do(func() { close(s.shut) }); return nil }
func (s *socket) LocalAddr() net.Addr              { return s.addr }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
