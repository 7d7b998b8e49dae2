package sipua

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/icholy/digest"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/creditorro/ringmaster/agents"
)

// tabServer serves n's /ws, and returns its address.
func tabServer(t *testing.T, n *Network) string {
	t.Helper()
	<-n.ready
	server := httptest.NewServer(n.ServeWS())
	t.Cleanup(func() { server.CloseClientConnections(); _ = server.Listener.Close() })
	return strings.TrimPrefix(server.URL, "http://")
}

// page is a phone in a browser without the browser.
type page struct {
	t    *testing.T
	ws   *websocket.Conn
	cseq int
}

func openPage(t *testing.T, addr string) *page {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	ws, _, err := websocket.Dial(ctx, "ws://"+addr, &websocket.DialOptions{Subprotocols: []string{"sip"},
		HTTPHeader: http.Header{"Cookie": {"VouchCookie=" + goodCookie}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &page{t: t, ws: ws}
}

// message is a REGISTER; its last header may be left out.
func (p *page) message(name, headers string) string {
	p.cseq++
	return fmt.Sprintf("REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS %[1]s.invalid;branch=z9hG4bK%[4]s\r\n"+
		"From: <sip:%[1]s@127.0.0.1>;tag=f\r\nTo: <sip:%[1]s@127.0.0.1>\r\nCall-ID: %[1]s\r\nCSeq: %[2]d "+
		"REGISTER\r\nMax-Forwards: 70\r\n"+
		"Contact: <sip:%[1]s@%[1]s.invalid;transport=ws>;expires=300\r\n%[3]s\r\n", name, p.cseq, headers, rand.Text())
}

func (p *page) write(kind websocket.MessageType, b string) {
	p.t.Helper()
	if err := p.ws.Write(p.t.Context(), kind, []byte(b)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) read() string {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer stop()
	_, b, err := p.ws.Read(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

// credentials answers a 401.
func (p *page) credentials(login Login, res string) string {
	p.t.Helper()
	_, rest, ok := strings.Cut(res, "WWW-Authenticate: ")
	if !ok || !strings.HasPrefix(res, "SIP/2.0 401") {
		p.t.Fatalf("want a challenge, got %s", res)
	}
	line, _, _ := strings.Cut(rest, "\r\n")
	c, err := digest.ParseChallenge(line)
	if err != nil {
		p.t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:127.0.0.1", Username: login.Username,
		Password: login.Password, Count: 1})
	if err != nil {
		p.t.Fatal(err)
	}
	return "Authorization: " + cred.String() + "\r\n"
}

func (p *page) register(n *Network, extension string) {
	p.t.Helper()
	login := n.BrowserLogin(agents.Extension{Name: extension, OwnerID: theOwner}, time.Hour)
	p.write(websocket.MessageText, p.message(extension, "Content-Length: 0\r\n"))
	auth := p.credentials(login, p.read())
	p.write(websocket.MessageText, p.message(extension, auth+"Content-Length: 0\r\n"))
	if res := p.read(); !strings.HasPrefix(res, "SIP/2.0 200") {
		p.t.Fatal(res)
	}
}

// rawPage speaks frames by hand.
type rawPage struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func openRaw(t *testing.T, addr string) *rawPage {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "+
		"websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, sip\r\nCookie: VouchCookie=%s\r\n\r\n",
		goodCookie)
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Protocol") != "sip" ||
		res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || res.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Fatalf("%v, %v", res, err)
	}
	return &rawPage{t, conn, in}
}

func (r *rawPage) frame(first byte, payload string) {
	b := []byte{first}
	switch k := len(payload); {
	case k < 126:
		b = append(b, 0x80|byte(k))
	case k < 1<<16:
		b = append(b, 0x80|126, byte(k>>8), byte(k))
	default:
		b = append(b, 0x80|127, 0, 0, 0, 0, byte(k>>24), byte(k>>16), byte(k>>8), byte(k))
	}
	mask := []byte{1, 2, 3, 4}
	b = append(b, mask...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	_, _ = r.conn.Write(b) // an error shows at the next read
}

func (r *rawPage) read() (first byte, payload string) {
	r.t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(r.in, head); err != nil {
		r.t.Fatal(err)
	}
	size := int(head[1])
	if size == 126 {
		more := make([]byte, 2)
		_, _ = io.ReadFull(r.in, more)
		size = int(more[0])<<8 | int(more[1])
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r.in, body); err != nil {
		r.t.Fatal(err)
	}
	return head[0], string(body)
}

func (r *rawPage) wants(first byte, prefix string) {
	r.t.Helper()
	if f, p := r.read(); f != first || !strings.HasPrefix(p, prefix) {
		r.t.Fatalf("want %#x %q, got %#x %q", first, prefix, f, p)
	}
}

const (
	wsText, wsMore, wsLast, wsBinary = 0x81, 0x01, 0x80, 0x82
	wsClose, wsPing, wsPong          = 0x88, 0x89, 0x8A
)

// TestFrames: what browsers, libraries and proxies make of a message is the same message.
func TestFrames(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { browserOptions(o); o.Registerer = prometheus.NewRegistry() })
	r := openRaw(t, tabServer(t, n))
	p := &page{t: t}
	ask := func() string { return p.message("3444", "Content-Length: 0\r\n") }
	const challenge = "SIP/2.0 401"

	r.frame(wsText, ask())
	r.wants(wsText, challenge)
	r.frame(wsBinary, ask())
	r.wants(wsText, challenge)
	whole := ask() // fragments, with a ping between them, and an empty one at the end
	r.frame(wsMore, whole[:1])
	r.frame(wsPing, "are you there?")
	r.wants(wsPong, "are you there?")
	r.frame(0, whole[1:200])
	r.frame(0, whole[200:])
	r.frame(wsLast, "")
	r.wants(wsText, challenge)
	for range 3 { // pings of all sizes spoil nothing that follows
		r.frame(wsPing, strings.Repeat("x", 125))
		r.wants(wsPong, strings.Repeat("x", 125))
		r.frame(wsPing, "")
		r.wants(wsPong, "")
		r.frame(wsPong, "unasked")
	}
	r.frame(wsText, ask()+"\r\n\r\n"+ask()) // two messages and a keep-alive in one
	r.wants(wsText, "\r\n")
	r.wants(wsText, challenge)
	r.wants(wsText, challenge)
	r.frame(wsText, "\r\n\r\n")
	r.wants(wsText, "\r\n")
	r.frame(wsText, "\r\n") // an answer to ours
	r.frame(wsText, "\r\n\r\n"+ask())
	r.wants(wsText, "\r\n")
	r.wants(wsText, challenge)
	r.frame(wsText, p.message("3444", "")) // Content-Length may be left out (RFC 7118)
	r.wants(wsText, challenge)
	r.frame(wsText, p.message("3444", "l: 4\r\n")+"body")
	r.wants(wsText, challenge)
	for _, garbage := range []string{"garbage", "\x00\x00\x00\x00", "REGISTER\r\n\r\n",
		p.message("3444", "Content-Length: 9\r\n") + "short",
		p.message("3444", "Content-Length: x\r\n"), p.message("3444", "Content-Length: 1\r\nContent-Length: 2\r\n") + "ab",
		strings.Repeat("a", 5000)} {
		r.frame(wsText, garbage) // is not answered, and ends nothing
	}
	r.frame(wsText, ask())
	r.wants(wsText, challenge)
	if got := refused(t, n, "malformed"); got != 7 {
		t.Errorf("%v of 7 are counted as malformed", got)
	}
	r.frame(wsClose, "\x03\xe8bye")
	r.wants(wsClose, "\x03\xe8")
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the close: %v", err)
	}
}

// TestBrokenFramesEndTheConnection, each with the code that says why.
func TestBrokenFramesEndTheConnection(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, browserOptions)
	addr := tabServer(t, n)
	for name, w := range map[string]struct {
		send func(*rawPage)
		code string
	}{
		"too big": {func(r *rawPage) { r.frame(wsText, strings.Repeat("a", maxMessage+100)) }, "\x03\xf1"}, // 1009
		"too big in pieces": {func(r *rawPage) { r.frame(wsMore, strings.Repeat("a", maxMessage)); r.frame(wsLast, "more") },
			"\x03\xf1"},
		"reserved bits":      {func(r *rawPage) { r.frame(0xC1, "x") }, "\x03\xea"}, // 1002
		"unknown opcode":     {func(r *rawPage) { r.frame(0x83, "x") }, "\x03\xea"},
		"lone continuation":  {func(r *rawPage) { r.frame(wsLast, "x") }, "\x03\xea"},
		"ping in fragments":  {func(r *rawPage) { r.frame(0x09, "x") }, "\x03\xea"},
		"ping that is large": {func(r *rawPage) { r.frame(wsPing, strings.Repeat("x", 126)) }, "\x03\xea"},
		"not masked":         {func(r *rawPage) { _, _ = r.conn.Write([]byte{wsText, 1, 'x'}) }, ""}, // need not be said (section 5.1)
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openRaw(t, addr)
			w.send(r)
			if w.code != "" {
				r.wants(wsClose, w.code)
			}
			if _, err := io.Copy(io.Discard, r.in); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection stays: %v", err)
			}
		})
	}
}

// TestLostSocketIsNoticed, however it is lost.
func TestLostSocketIsNoticed(t *testing.T) {
	t.Parallel()
	changes := make(chan bool, 10)
	n := startNetwork(t, func(o *Options) { browserOptions(o); o.PhoneChanged = func(_ string, up bool) { changes <- up } })
	addr := tabServer(t, n)
	for name, lose := range map[string]func(*page){
		"closed":   func(p *page) { _ = p.ws.Close(websocket.StatusNormalClosure, "") },
		"cut":      func(p *page) { _ = p.ws.CloseNow() },
		"too long": func(p *page) { p.write(websocket.MessageText, strings.Repeat("x", maxMessage+1)) },
	} {
		p := openPage(t, addr)
		p.register(n, "3444")
		if !<-changes {
			t.Errorf("%s: the phone's appearance was told as its loss", name)
		}
		lose(p)
		if <-changes {
			t.Errorf("%s: the loss was told as an appearance", name)
		}
		if left := n.locations.all(); len(left) != 0 {
			t.Errorf("%s: left %+v", name, left)
		}
	}
}

// TestTheEndIsSaid: a stopping server says so to browsers.
func TestTheEndIsSaid(t *testing.T) {
	t.Parallel()
	n, err := New(Options{Node: "n", Advertise: "127.0.0.1", Listen: Listen{UDP: "127.0.0.1:0"},
		Secret:       bytes.Repeat([]byte("s"), 32),
		CheckRequest: func(*http.Request) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, n)
	defer stop()
	r := openRaw(t, tabServer(t, n))
	p := &page{t: t}
	r.frame(wsText, p.message("3444", ""))
	r.wants(wsText, "SIP/2.0 401")
	go stop()
	r.wants(wsClose, "\x03\xe9") // 1001
}

// TestTextIsUTF8: a name in Latin-1 goes as bytes.
func TestTextIsUTF8(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, browserOptions)
	p := openPage(t, tabServer(t, n))
	p.write(websocket.MessageBinary, strings.Replace(p.message("3444", ""), "From: <", "From: \"J\xfcrgen\" <", 1))
	kind, b, err := p.ws.Read(t.Context())
	if err != nil || kind != websocket.MessageBinary || !bytes.Contains(b, []byte("J\xfcrgen")) {
		t.Errorf("%v %s %v", kind, b, err)
	}
}

func FuzzCutMessages(f *testing.F) {
	f.Add([]byte("REGISTER sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nab\r\n\r\nBYE sip:a SIP/2.0\r\nl:0\r\n\r\n"))
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("a\r\n\r\nbody"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxMessage {
			return
		}
		found, _, _ := cutMessages(b)
		size := 0
		for _, m := range found {
			size += len(m)
			if !bytes.Contains(b, m) || !bytes.Contains(m, []byte("\r\n\r\n")) {
				t.Errorf("%q is no part of %q", m, b)
			}
			frame := frameForSipgo(m)
			if len(frame) < len(m)+6 || !bytes.HasSuffix(frame, m) {
				t.Errorf("the frame of %q is %q", m, frame)
			}
		}
		if size > len(b) {
			t.Errorf("%d bytes were made of %d", size, len(b))
		}
		if payload, rest, ok := frameFromSipgo(b); ok && len(payload)+len(rest) >= len(b) {
			t.Errorf("a frame without a head")
		}
	})
}
