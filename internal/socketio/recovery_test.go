package socketio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// greeted joins with recovery and returns the socket's id and pid.
func (c *rawClient) greeted(auth string) (sid, pid string) {
	c.t.Helper()
	c.send("40" + auth)
	return sidOf(c.expectPrefix(`40{"sid":"`))
}

// sidOf returns the socket's id and pid of a greeting.
func sidOf(greeting string) (sid, pid string) {
	_, rest, _ := strings.Cut(greeting, `"sid":"`)
	_, rest2, _ := strings.Cut(greeting, `"pid":"`)
	return rest[:20], rest2[:20]
}

// offset cuts the recovery offset off an event.
func offset(t *testing.T, packet, want string) string {
	t.Helper()
	rest, found := strings.CutPrefix(packet, want+`,"`)
	if !found {
		t.Fatalf("got %q, want %q and an offset", packet, want)
	}
	return strings.TrimSuffix(rest, `"]`)
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	away := make(chan string, 10)
	middleware := 0
	url, srv := serve(t, ServerOptions{Recovery: &RecoveryOptions{}}, func(srv *Server) {
		n := srv.Of("/")
		n.Use(func(*Socket) error { middleware++; return nil })
		n.OnConnect(func(s *Socket) {
			if !s.Recovered() {
				s.SetData("kept")
				s.Join("r", "q")
			}
			s.Leave("q")
			s.OnDisconnect(func(reason string) { away <- reason })
		})
	})
	n := srv.Of("/")
	c := openRaw(t, url)
	sid, pid := c.greeted("")
	for n.Socket(sid) == nil || len(n.Socket(sid).Rooms()) != 1 {
		time.Sleep(time.Millisecond)
	}
	_ = n.To("r").Emit("a", 1)
	offset(t, c.receive(), `42["a",1`)
	_ = n.Socket(sid).EmitVolatile("v")
	c.expect(`42["v"]`)
	_ = n.Socket(sid).Emit("own", []byte{1})
	off := offset(t, c.receive(), `451-["own",{"_placeholder":true,"num":0}`)
	c.expect("b\x01")
	_ = c.conn.CloseNow()
	receive(t, away)
	_ = n.To("r").Emit("b", []byte{9})
	_ = n.To("other").Emit("not for it")
	_ = n.Except("r").Emit("not for it")
	_ = n.To(sid).Emit("c")
	_ = n.To("r").Volatile().Emit("lost")

	c = openRaw(t, url)
	again, pidAgain := c.greeted(fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, off))
	if again != sid || pidAgain != pid {
		t.Errorf("came back as %q %q, was %q %q", again, pidAgain, sid, pid)
	}
	offset(t, c.receive(), `451-["b",{"_placeholder":true,"num":0}`)
	c.expect("b\x09")
	off = offset(t, c.receive(), `42["c"`)
	_ = n.To("r").Emit("live")
	offset(t, c.receive(), `42["live"`)
	if s := n.Socket(sid); s.Data() != "kept" || !slices.Equal(s.Rooms(), []string{"r"}) {
		t.Errorf("data %v, rooms %v", s.Data(), s.Rooms())
	}
	if middleware != 1 {
		t.Errorf("middleware ran %d times", middleware)
	}

	// Not after leaving, nor twice, nor with an offset of another life.
	c.send("41")
	receive(t, away)
	for _, auth := range []string{
		fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, off), `{"pid":"x","offset":"y"}`, `{"pid":7,"offset":{}}`,
	} {
		c = openRaw(t, url)
		if fresh, _ := c.greeted(auth); fresh == sid {
			t.Errorf("%s: recovered", auth)
		}
	}
}

// visitor makes clients of a namespace with recovery whose middleware runs for those that return, and can be held.
type visitor struct {
	t       *testing.T
	url     string
	n       *Namespace
	away    chan string
	seen    chan bool     // Recovered, as each middleware sees it
	hold    chan struct{} // middleware waits for it
	refusal atomic.Bool
}

func newVisitor(t *testing.T, o ServerOptions) *visitor {
	v := &visitor{t: t, away: make(chan string, 10), seen: make(chan bool, 10), hold: make(chan struct{}, 10)}
	var srv *Server
	v.url, srv = serve(t, o, func(srv *Server) {
		n := srv.Of("/")
		n.Use(func(s *Socket) error {
			v.seen <- s.Recovered()
			<-v.hold
			if v.refusal.Load() {
				return errors.New("no")
			}
			count, _ := s.Data().(int)
			s.SetData(count + 1)
			s.Join(fmt.Sprint("visit", count))
			return nil
		})
		n.OnConnect(func(s *Socket) { s.OnDisconnect(func(reason string) { v.away <- reason }) })
	})
	v.n = srv.Of("/")
	return v
}

// come connects for the first time and takes an event, then goes. It returns what the client needs to return.
func (v *visitor) come() (sid, auth string) {
	v.t.Helper()
	c := openRaw(v.t, v.url)
	v.hold <- struct{}{}
	sid, pid := c.greeted("")
	v.until(sid)
	_ = v.n.Emit("first")
	off := offset(v.t, c.receive(), `42["first"`)
	receive(v.t, v.seen)
	_ = c.conn.CloseNow()
	receive(v.t, v.away)
	return sid, fmt.Sprintf(`{"pid":%q,"offset":%q}`, pid, off)
}

// until waits for a socket that has been greeted to be reached by broadcasts.
func (v *visitor) until(sid string) {
	v.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); v.n.Socket(sid) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			v.t.Fatal("the socket is not there")
		}
	}
}

// returns connects again while the middleware is held, and goes on when it is at work.
func (v *visitor) returns(auth string, recovered bool) *rawClient {
	v.t.Helper()
	c := openRaw(v.t, v.url)
	c.send("40" + auth)
	if seen := receive(v.t, v.seen); seen != recovered {
		v.t.Errorf("the middleware saw recovered %t, want %t", seen, recovered)
	}
	return c
}

// once checks that the middleware has not run again.
func (v *visitor) once() {
	v.t.Helper()
	select {
	case <-v.seen:
		v.t.Error("the middleware ran again")
	default:
	}
}

func TestRecoveryRunsMiddleware(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, ServerOptions{Recovery: &RecoveryOptions{RunMiddleware: true}})
	sid, auth := v.come()
	_ = v.n.To("visit0").Emit("away")
	c := v.returns(auth, true)
	_ = v.n.To("visit0").Emit("waiting") // while the middleware is at work
	v.hold <- struct{}{}
	if again, _ := sidOf(c.expectPrefix("40{")); again != sid {
		t.Errorf("came back as %q, was %q", again, sid)
	}
	offset(t, c.receive(), `42["away"`)
	offset(t, c.receive(), `42["waiting"`)
	_ = v.n.To("visit1").Emit("live")
	offset(t, c.receive(), `42["live"`)
	s := v.n.Socket(sid)
	if rooms := s.Rooms(); s.Data() != 2 || !slices.Equal(rooms, []string{"visit0", "visit1"}) {
		t.Errorf("data %v, rooms %v", s.Data(), rooms)
	}
	v.once()
}

// TestRecoveryOfNobody has clients return whom the server does not know, or does not want.
func TestRecoveryOfNobody(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, ServerOptions{Recovery: &RecoveryOptions{RunMiddleware: true}})
	c := v.returns(`{"pid":"x","offset":"y"}`, false)
	v.hold <- struct{}{}
	c.expectPrefix(`40{"sid":"`)
	v.once()

	sid, auth := v.come()
	v.refusal.Store(true)
	c = v.returns(auth, true)
	v.hold <- struct{}{}
	c.expect(`44{"message":"no"}`)
	v.once()
	v.refusal.Store(false)
	c = v.returns(auth, false) // a refusal is a decision
	v.hold <- struct{}{}
	if again, _ := sidOf(c.expectPrefix("40{")); again == sid {
		t.Error("recovered after a refusal")
	}
}

// TestRecoveryCutAgain has a returning client lose its connection once more, while the middleware is at work.
func TestRecoveryCutAgain(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, ServerOptions{Recovery: &RecoveryOptions{RunMiddleware: true}})
	sid, auth := v.come()
	c := v.returns(auth, true)
	_ = c.conn.CloseNow()
	for deadline := time.Now().Add(10 * time.Second); v.n.srv.Len() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the client is not gone")
		}
	}
	v.hold <- struct{}{}
	_ = v.n.Emit("missed")
	c = v.returns(auth, true)
	v.hold <- struct{}{}
	if again, _ := sidOf(c.expectPrefix("40{")); again != sid {
		t.Errorf("came back as %q, was %q", again, sid)
	}
	offset(t, c.receive(), `42["missed"`)
}

// TestRecoveryForgets has what a returning client missed forgotten while the middleware is at work: it must come again.
func TestRecoveryForgets(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, ServerOptions{Recovery: &RecoveryOptions{RunMiddleware: true, MaxPackets: 3}})
	_, auth := v.come()
	c := v.returns(auth, true)
	for range 5 {
		_ = v.n.Emit("more")
	}
	v.hold <- struct{}{}
	c.closed()
	c = v.returns(auth, false)
	v.hold <- struct{}{}
	c.expectPrefix(`40{"sid":"`)
}

// TestRecoveryFitsTheSendQueue has clients return that missed as much as they may leave unread, and more.
func TestRecoveryFitsTheSendQueue(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, ServerOptions{SendQueue: 100_000, Recovery: &RecoveryOptions{}})
	sid, auth := v.come()
	block := strings.Repeat("x", 10_000)
	for range 9 {
		_ = v.n.To(sid).Emit("own", block)
		_ = v.n.To("another").Emit("not for it", block)
	}
	c := openRaw(t, v.url)
	c.send("40" + auth) // no middleware
	if again, _ := sidOf(c.expectPrefix("40{")); again != sid {
		t.Errorf("came back as %q, was %q", again, sid)
	}
	var last string
	for range 9 {
		last = offset(t, c.receive(), `42["own","`+block+`"`)
	}
	_ = c.conn.CloseNow()
	receive(t, v.away)
	for range 10 {
		_ = v.n.To(sid).Emit("own", block)
	}
	c = openRaw(t, v.url)
	pid, _, _ := strings.Cut(auth, `,"offset"`)
	c.send(fmt.Sprintf(`40%s,"offset":%q}`, pid, last))
	v.hold <- struct{}{}
	fresh, _ := sidOf(c.expectPrefix("40{"))
	if fresh == sid {
		t.Error("recovered")
	}
	v.until(fresh)
	_ = v.n.Emit("live")
	offset(t, c.receive(), `42["live"`)
}

// TestRecoveryOfSeveralNamespaces has a client return to all its namespaces at once, by polling, having missed in each
// nearly as much as it may leave unread.
func TestRecoveryOfSeveralNamespaces(t *testing.T) {
	t.Parallel()
	names := []string{"/a", "/b", "/c"}
	url, srv := serve(t, ServerOptions{SendQueue: 100_000, Recovery: &RecoveryOptions{}}, func(srv *Server) {
		for _, name := range names {
			srv.Of(name)
		}
	})
	c := openRaw(t, url)
	var returns []string
	for _, name := range names {
		c.send("40" + name + ",")
		sid, pid := sidOf(c.expectPrefix("40" + name + ","))
		for srv.Of(name).Socket(sid) == nil {
			time.Sleep(time.Millisecond)
		}
		_ = srv.Of(name).Emit("first")
		returns = append(returns, fmt.Sprintf(`40%s,{"pid":%q,"offset":%q}`, name, pid, offset(t, c.receive(), `42`+name+`,["first"`)))
	}
	_ = c.conn.CloseNow()
	for srv.Len() > 0 || srv.Of("/a").Len()+srv.Of("/b").Len()+srv.Of("/c").Len() > 0 {
		time.Sleep(time.Millisecond)
	}
	block := strings.Repeat("x", 9_000)
	for range 10 {
		for _, name := range names {
			_ = srv.Of(name).Emit("missed", block)
		}
	}
	p := openPoll(t, url)
	if got := p.request("POST", strings.Join(returns, "\x1e")); got != "ok" {
		t.Fatalf("answered %q", got)
	}
	var got []string
	for len(got) < 3*11 {
		packets := strings.Split(p.request("GET", ""), "\x1e")
		if packets[0] == "1" || packets[0][0] == '{' {
			t.Fatalf("%q after %d packets", packets[0], len(got))
		}
		got = append(got, packets...)
	}
	for _, name := range names {
		n := 0
		for _, packet := range got {
			if strings.HasPrefix(packet, "42"+name+`,["missed"`) {
				n++
			}
		}
		if n != 10 {
			t.Errorf("%d events of %s", n, name)
		}
	}
}

func TestRecoveryLogIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	l := newRecoveryLog(RecoveryOptions{MaxDisconnection: time.Minute, MaxPackets: 100, MaxBytes: 10_000})
	l.now = func() time.Time { return now }
	event := func(size int) {
		out := outgoing{typ: packetEvent, namespace: "/", ackID: noAck, name: "e", args: []any{strings.Repeat("x", size)}}
		messages, err := out.encode()
		if err != nil {
			t.Fatal(err)
		}
		l.append(target{}, messages)
	}
	at := func(number uint64) string { return fmt.Sprint(l.epoch, ".", number) }
	for range 1000 {
		event(10)
	}
	if len(l.events) > 100 || l.bytes > 10_000 {
		t.Errorf("%d events, %d bytes", len(l.events), l.bytes)
	}
	event(50_000)
	if l.bytes != 0 {
		t.Errorf("an event over the bound is kept: %d bytes", l.bytes)
	}
	event(10)
	last := l.first + uint64(len(l.events)) - 1
	for _, c := range []struct {
		offset string
		missed int // -1: not recovered
	}{
		{at(last), 0}, {at(last - 1), 1}, {at(last - 2), -1}, {at(last + 1), -1}, {"x." + at(last), -1}, {l.epoch + ".-1", -1},
	} {
		l.remember("pid", departed{id: "id"})
		_, next, ok := l.take("pid", c.offset)
		if missed := int(last+1) - int(next); ok != (c.missed >= 0) || ok && missed != c.missed {
			t.Errorf("offset %s: %v, %d missed", c.offset, ok, missed)
		}
		if _, _, ok := l.take("pid", c.offset); ok {
			t.Error("taken twice")
		}
	}
	for i := range 1000 {
		l.remember(fmt.Sprint(i), departed{})
	}
	if len(l.gone) != 100 || len(l.order) != 100 {
		t.Errorf("%d sockets remembered", len(l.gone))
	}
	now = now.Add(time.Minute)
	if _, _, ok := l.take("999", at(last)); ok || len(l.gone) != 0 || len(l.events) != 0 {
		t.Errorf("recovered too late; %d sockets, %d events", len(l.gone), len(l.events))
	}
}
