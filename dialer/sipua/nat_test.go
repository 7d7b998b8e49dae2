package sipua

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestBehindNAT(t *testing.T) {
	t.Parallel()
	for _, w := range []struct {
		contact, source string
		want            bool
	}{
		{"sip:a@192.0.2.1:5060", "192.0.2.1:5060", false},
		{"sip:a@192.0.2.1", "192.0.2.1:5060", false},
		{"sip:a@192.0.2.1;transport=udp", "192.0.2.1:5060", false},
		{"sip:a@192.0.2.1:5060", "192.0.2.1:31000", true},
		{"sip:a@10.0.0.7:5060", "192.0.2.1:5060", true},
		{"sip:a@10.0.0.7:5060", "10.0.0.8:5060", true},
		{"sip:a@phone.local:5060", "192.0.2.1:5060", true},
		{"sip:a@[2001:db8::1]:5060", "[2001:db8::1]:5060", false},
		{"sip:a@[2001:db8::2]:5060", "[2001:db8::1]:5060", true},
	} {
		var uri sip.Uri
		if err := sip.ParseUri(w.contact, &uri); err != nil {
			t.Fatal(err)
		}
		if got := behindNAT(uri, w.source); got != w.want {
			t.Errorf("%s from %s: %t", w.contact, w.source, got)
		}
	}
}

// router is a NAT with one phone behind it.
type router struct {
	outside net.Conn // towards the server; each router has a port of its own
	inside  *net.UDPConn
	cut     atomic.Bool
}

func newRouter(t *testing.T, server string, phone *net.UDPAddr) *router {
	t.Helper()
	outside, err := net.Dial("udp4", server)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { outside.Close(); inside.Close() })
	r := &router{outside: outside, inside: inside}
	go func() {
		for buf := make([]byte, 4096); ; {
			k, err := outside.Read(buf)
			if err != nil {
				return
			}
			if !r.cut.Load() {
				_, _ = inside.WriteToUDP(buf[:k], phone)
			}
		}
	}()
	go func() {
		for buf := make([]byte, 4096); ; {
			k, err := inside.Read(buf)
			if err != nil {
				return
			}
			if !r.cut.Load() {
				_, _ = outside.Write(buf[:k])
			}
		}
	}()
	return r
}

// TestPhoneBehindNAT: it registers for a short time, is asked for signs of life over the way that it came by, stays with any
// answer, and is gone without one; until it registers again, by another way.
func TestPhoneBehindNAT(t *testing.T) {
	t.Parallel()
	changes := make(chan bool, 10)
	n := startNetwork(t, func(o *Options) {
		o.Credentials = stored{"desk1": "right"}
		o.PhoneChanged = func(_ string, up bool) { changes <- up }
	})
	<-n.ready
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := newRouter(t, n.sockets[ipv4].udp.LocalAddr().String(), conn.LocalAddr().(*net.UDPAddr))
	d := &desk{t: t, conn: throughRouter{conn, r.inside.LocalAddr()}}
	res := d.register("desk1", "right", "MD5", "Expires: 3600\r\n")
	if res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	if granted := res.Contact().Params.GetOr("expires", ""); granted != "60" {
		t.Errorf("granted %s s", granted)
	}
	if !<-changes {
		t.Error("told as lost")
	}
	if b := n.locations.of("desk1"); len(b) != 1 || b[0].Source != r.outside.LocalAddr().String() {
		t.Fatalf("registered as %+v", b)
	}
	for i, answer := range []string{"200 OK", "405 Method Not Allowed", "481 Call/Transaction Does Not Exist"} {
		before := n.locations.of("desk1")[0].knock
		before.next.Store(0) // 25 s are over
		msg := d.asked()
		if !strings.HasPrefix(msg, "OPTIONS sip:desk1@") {
			t.Fatalf("question %d: %s", i, msg)
		}
		d.conn.Write([]byte(strings.Replace(phoneAnswer(msg, "h", ""), "200 OK", answer, 1)))
		testdeps.Eventually(t, "the answer counts", func() bool { return before.next.Load() > time.Now().Add(keepAlive/2).UnixNano() })
	}
	if err := n.Reachable(t.Context(), agents.Extension{Name: "desk1"}); err != nil {
		t.Error(err)
	}
	r.cut.Store(true) // the router has forgotten the way
	n.locations.of("desk1")[0].knock.next.Store(0)
	if up := <-changes; up {
		t.Error("the loss was told as an appearance")
	}
	if err := n.Reachable(t.Context(), agents.Extension{Name: "desk1"}); err == nil {
		t.Error("still reachable")
	}
	anew := newRouter(t, n.sockets[ipv4].udp.LocalAddr().String(), conn.LocalAddr().(*net.UDPAddr))
	d.conn = throughRouter{conn, anew.inside.LocalAddr()}
	if res := d.register("desk1", "right", "MD5", "Expires: 3600\r\n"); res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	if b := n.locations.of("desk1"); len(b) != 1 || b[0].Source != anew.outside.LocalAddr().String() {
		t.Errorf("after its return: %+v", b)
	}
}

// throughRouter is a phone's socket whose packets all go to its router.
type throughRouter struct {
	*net.UDPConn
	router net.Addr
}

func (c throughRouter) Write(b []byte) (int, error) { return c.WriteTo(b, c.router) }

// asked reads the next request.
func (d *desk) asked() string {
	d.t.Helper()
	_ = d.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	buf := make([]byte, 8192)
	k, err := d.conn.Read(buf)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(buf[:k])
}

// TestBaresipBehindNAT: a real phone, registered through a router, answers our questions and keeps its registration.
func TestBaresipBehindNAT(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) {
		o.Algorithms = []string{"MD5"}
		o.Credentials = stored{"desk1": "right"}
	})
	<-n.ready
	port := 24000 + int(sippSlot.Add(1))%40*100
	r := newRouter(t, n.sockets[ipv4].udp.LocalAddr().String(), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	startBaresip(t, port, 600, fmt.Sprintf("<sip:desk1@127.0.0.1>;outbound=\"sip:%s;transport=udp\";"+
		"auth_pass=right;regint=3600;answermode=auto",
		r.inside.LocalAddr()))
	testdeps.Eventually(t, "the phone registers", func() bool { return len(n.locations.of("desk1")) == 1 })
	b := n.locations.of("desk1")[0]
	if !b.nat || time.Until(b.Expires) > natExpires || b.Source != r.outside.LocalAddr().String() {
		t.Fatalf("registered as %+v", b)
	}
	for range 2 {
		b.knock.next.Store(0)
		testdeps.Eventually(t, "it answers", func() bool { return b.knock.next.Load() > time.Now().Add(keepAlive/2).UnixNano() })
	}
}
