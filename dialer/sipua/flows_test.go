package sipua

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// closedWithin waits until the far end closes.
func closedWithin(conn net.Conn, limit time.Duration) bool {
	_ = conn.SetReadDeadline(time.Now().Add(limit))
	_, err := io.Copy(io.Discard, conn)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestWhoProvesNothingGoes: connections that say nothing, half of something, or something that is no registration are closed;
// a phone that registered stays.
func TestWhoProvesNothingGoes(t *testing.T) {
	t.Parallel()
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	certificate.Close()
	n := startNetwork(t, func(o *Options) {
		browserOptions(o)
		o.Credentials = stored{"desk1": "right"}
		o.Listen.TLS, o.Listen.TLSConfig = "127.0.0.1:0", certificate.TLS
		o.Registerer = prometheus.NewRegistry()
	})
	<-n.ready
	web := tabServer(t, n)
	dial := func(addr string, say string) net.Conn {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, say)
		return conn
	}
	sip, secured := n.sockets[ipv4].tcp.Addr().String(), n.sockets[ipv4].tls.Addr().String()
	handshake, err := tls.Dial("tcp", secured, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	d := dialDesk(t, "tcp", n)
	if res := d.register("desk1", "right", "MD5", "Expires: 3600\r\n"); res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	page := openPage(t, web)
	page.register(n, "3444")
	wrong := dialDesk(t, "tcp", n)
	wrong.register("desk1", "wrong", "MD5", "")
	unanswered := dialDesk(t, "tcp", n)
	unanswered.challenge("desk1")

	raw := openRaw(t, web)
	pinging := openRaw(t, web)
	half := openRaw(t, web)
	_, _ = half.conn.Write([]byte{wsText})
	silent := map[string]net.Conn{
		"TCP": dial(sip, ""), "TCP, half a message": dial(sip, "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP"),
		"TCP, keep-alives": dial(sip, "\r\n\r\n\r\n\r\n"), "TLS, no handshake": dial(secured, ""),
		"TLS, half a handshake": dial(secured, "\x16\x03\x01\x02\x00\x01"),
		"TLS":                   handshake, "wrong password": wrong.conn, "unanswered challenge": unanswered.conn,
		"WebSocket": raw.conn, "WebSocket, pings": pinging.conn, "WebSocket, half a frame": half.conn,
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a sign of life is no proof
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				pinging.frame(wsPing, "x")
			}
		}
	}()
	for name, conn := range silent {
		if !closedWithin(conn, 60*time.Second) {
			t.Errorf("%s: still open", name)
		}
	}
	if got := refused(t, n, "idle"); got != float64(len(silent)) {
		t.Errorf("%v of %d are counted", got, len(silent))
	}
	if res := d.register("desk1", "right", "MD5", "Expires: 3600\r\n"); res == nil || res.StatusCode != 200 {
		t.Errorf("the phone that had registered: %v", res)
	}
	page.register(n, "3444")
}

// TestSilentOnesKeepNobodyOut: thousands of them, from one address or from everywhere, neither end a registered browser's
// connection nor keep the next one from coming in.
func TestSilentOnesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { browserOptions(o); o.Credentials = stored{"desk1": "right"} })
	web := tabServer(t, n)
	old := openPage(t, web)
	old.register(n, "3444")
	for i := range 3000 {
		conn, err := net.Dial("tcp", n.sockets[ipv4].tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%10 == 0 {
			r := openRaw(t, web)
			defer r.conn.Close()
		}
	}
	d := dialDesk(t, "tcp", n)
	if res := d.register("desk1", "right", "MD5", ""); res == nil || res.StatusCode != 200 {
		t.Errorf("a desk phone among them: %v", res)
	}
	openPage(t, web).register(n, "3445")
	old.register(n, "3444")
	n.flows.mu.Lock()
	defer n.flows.mu.Unlock()
	for kind, h := range n.flows.halls {
		if len(h.waiting) > maxWaitingFrom {
			t.Errorf("%d wait in hall %d", len(h.waiting), kind)
		}
	}
}

// crowd fills flows without sockets.
type crowd struct {
	*flows
	made int
	out  []*flow
}

func (c *crowd) come(kind kind, from string) *flow {
	c.made++
	f := &flow{transport: "T", remote: fmt.Sprint(c.made), client: netip.MustParseAddr(from), kind: kind}
	f.shut = func() { c.out = append(c.out, f) }
	c.enter(f)
	return f
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	bound := map[string]bool{}
	c := &crowd{flows: newFlows(func(string) {}, func() map[string]bool { return bound })}
	t.Cleanup(func() {
		for _, f := range c.open {
			f.timer.Stop()
		}
	})
	spoke := c.come(ofBrowsers, "2001:db8:0:1::1")
	c.hears(spoke)
	first := c.come(ofBrowsers, "2001:db8:0:1::2")
	for i := range maxWaitingFrom - 2 { // of one subscriber, whatever the rest of the address
		c.come(ofBrowsers, fmt.Sprintf("2001:db8:0:1:%x::", i+1))
	}
	if len(c.out) != 0 {
		t.Fatalf("%d went before their places were taken", len(c.out))
	}
	c.come(ofBrowsers, "2001:db8:0:1::3")
	if len(c.out) != 1 || c.out[0] != first {
		t.Fatal("not the one that was silent for longest went")
	}
	c.come(ofDesks, "2001:db8:0:1::3") // another kind, another network: other places
	c.come(ofBrowsers, "2001:db8:0:2::1")
	if len(c.out) != 1 {
		t.Fatal("places are not kept apart")
	}
	for i := range maxWaiting {
		c.come(ofBrowsers, fmt.Sprintf("192.0.%d.%d", i>>8, i&255))
	}
	if got := len(c.halls[ofBrowsers].waiting); got != maxWaiting {
		t.Errorf("%d wait", got)
	}
	if slices.Contains(c.out, spoke) {
		t.Error("one that asked to be registered went before the silent")
	}
	if !c.trust(spoke) || c.trust(first) {
		t.Error("who is there is trusted, who went is not")
	}
}

func TestTrustedPlaces(t *testing.T) {
	t.Parallel()
	bound := map[string]bool{}
	c := &crowd{flows: newFlows(func(string) {}, func() map[string]bool { return bound })}
	var all []*flow
	for range maxFlows {
		f := c.come(ofBrowsers, "192.0.2.1")
		if !c.trust(f) {
			t.Fatal("no place")
		}
		bound[flowKey(f.transport, f.remote)] = true
		all = append(all, f)
	}
	if desk := c.come(ofDesks, "192.0.2.1"); !c.trust(desk) {
		t.Error("browsers take a desk phone's place")
	}
	late := c.come(ofBrowsers, "192.0.2.1")
	if c.trust(late) {
		t.Error("a place too many")
	}
	delete(bound, flowKey("T", all[7].remote)) // its registration has ended
	if !c.trust(late) || len(c.out) != 1 || c.out[0] != all[7] {
		t.Errorf("%d went", len(c.out))
	}
	c.leave(all[8])
	if next := c.come(ofBrowsers, "192.0.2.1"); !c.trust(next) {
		t.Error("a place that was left is not given again")
	}
}

// TestDialogProvesAConnection: a trunk that comes to us over a connection of its own need not register.
func TestDialogProvesAConnection(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { browserOptions(o) })
	<-n.ready
	d := n.newDialog("call", "tag", way{hop: hop{transport: "TCP", addr: "127.0.0.1:9"}})
	n.endpoint.add(d)
	conn := dialDesk(t, "tcp", n).conn
	stranger := dialDesk(t, "tcp", n).conn
	info := "INFO sip:ringmaster@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK%s\r\nFrom: <sip:a@b>;tag=x\r\nTo: " +
		"<sip:c@d>;tag=%s\r\n" +
		"Call-ID: call\r\nCSeq: 1 INFO\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
	fmt.Fprintf(conn, info, "1", "tag")
	fmt.Fprintf(stranger, info, "2", "gat")
	testdeps.Eventually(t, "the connection is trusted", func() bool {
		f := n.flows.find("TCP", conn.LocalAddr().String())
		n.flows.mu.Lock()
		defer n.flows.mu.Unlock()
		return f != nil && f.stage == trusted
	})
	if !closedWithin(stranger, 60*time.Second) {
		t.Error("a guess keeps a connection open")
	}
}

// TestBrowsersBehindAProxy: the address that counts, and that nonces are bound to, is the browser's.
func TestBrowsersBehindAProxy(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, browserOptions)
	<-n.ready
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = r.Header.Get("X-Test-From") + ":0" // as the trusted proxy's is read
		n.ServeWS().ServeHTTP(w, r)
	}))
	defer func() { server.CloseClientConnections(); _ = server.Listener.Close() }()
	open := func(from string) *page {
		ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"),
			&websocket.DialOptions{Subprotocols: []string{"sip"},
				HTTPHeader: http.Header{"Cookie": {"VouchCookie=" + goodCookie}, "X-Test-From": {from}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		return &page{t: t, ws: ws}
	}
	login := n.BrowserLogin(agents.Extension{Name: "3444", OwnerID: theOwner}, time.Hour)
	one, again, two := open("192.0.2.1"), open("192.0.2.1"), open("192.0.2.2")
	one.write(websocket.MessageText, one.message("3444", ""))
	auth := one.credentials(login, one.read())
	two.write(websocket.MessageText, two.message("3444", auth))
	if res := two.read(); !strings.HasPrefix(res, "SIP/2.0 401") || !strings.Contains(res, "stale=true") {
		t.Errorf("another browser's nonce: %s", res)
	}
	again.write(websocket.MessageText, again.message("3444", auth)) // the socket was lost between challenge and answer
	if res := again.read(); !strings.HasPrefix(res, "SIP/2.0 200") {
		t.Errorf("the same browser's: %s", res)
	}
	f := n.flows.find("WS", n.locations.all()[0].Source)
	if f == nil || f.client != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("the flow is %+v", f)
	}
}

func TestPhonesOfAnExtensionAreBounded(t *testing.T) {
	t.Parallel()
	l := newLocations("", "n1", nil, nil)
	now := time.Now()
	for i := range 3 * maxPhones {
		l.update("3444", []Binding{{Extension: "3444", Instance: fmt.Sprint(i), Source: fmt.Sprint(i), Expires: now.Add(time.Hour),
			Since: now.Add(time.Duration(i) * time.Second)}})
	}
	left := l.of("3444")
	if len(left) != maxPhones || slices.ContainsFunc(left,
		func(b Binding) bool { return b.Since.Before(now.Add(2 * maxPhones * time.Second)) }) {
		t.Errorf("%d are kept", len(left))
	}
}

// changing is desk phones' credentials that somebody changes.
type changing struct{ atomic.Pointer[stored] }

func (c *changing) HA1(ctx context.Context, user string) (md5, sha256 string, err error) {
	return c.Load().HA1(ctx, user)
}

// TestChangedPasswordEndsPhones: what registered by the former password is neither called nor shown.
func TestChangedPasswordEndsPhones(t *testing.T) {
	t.Parallel()
	var passwords changing
	passwords.Store(&stored{"desk1": "old"})
	n := startNetwork(t, func(o *Options) {
		o.Credentials = &passwords
		o.Trunks = []Trunk{{Name: "t", Host: "127.0.0.1:9"}}
	})
	d := dialDesk(t, "tcp", n)
	if res := d.register("desk1", "old", "MD5", "Expires: 3600\r\n"); res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	ext := agents.Extension{Name: "desk1", OwnerID: 7}
	if err := n.Reachable(t.Context(), ext); err != nil {
		t.Fatal(err)
	}
	passwords.Store(&stored{"desk1": "new"})
	order := orderTo(nil)
	order.Agent = &ext
	if _, err := n.Place(t.Context(), order); err == nil {
		t.Error("a phone of the former password is called")
	}
	if left := n.locations.all(); len(left) != 0 {
		t.Errorf("left %+v", left)
	}
	if res := d.register("desk1", "new", "MD5", "Expires: 3600\r\n"); res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	if err := n.Reachable(t.Context(), ext); err != nil {
		t.Error(err)
	}
}
