package socketio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// rawClient is a WebSocket that speaks packets, of an implementation that is not ours.
type rawClient struct {
	t    *testing.T
	conn *websocket.Conn
}

func openRaw(t *testing.T, url string) *rawClient {
	t.Helper()
	conn, _, err := websocket.Dial(testContext(t), url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 26)
	t.Cleanup(func() { _ = conn.CloseNow() })
	c := &rawClient{t, conn}
	if got := c.receive(); !strings.HasPrefix(got, "0{") {
		t.Fatalf("handshake %q", got)
	}
	return c
}

// joinRaw opens a client that has joined the main namespace and has its auth event behind it.
func joinRaw(t *testing.T, url string) *rawClient {
	t.Helper()
	c := openRaw(t, url)
	c.send("40")
	c.expectPrefix(`40{"sid":"`)
	c.expect(`42["auth",{}]`)
	return c
}

func (c *rawClient) send(packets ...string) {
	c.t.Helper()
	for _, p := range packets {
		typ := websocket.MessageText
		if binary, ok := strings.CutPrefix(p, "b"); ok {
			typ, p = websocket.MessageBinary, binary
		}
		if err := c.conn.Write(testContext(c.t), typ, []byte(p)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// receive returns the next packet, a binary one as b and its bytes. Pings are replied to.
func (c *rawClient) receive() string {
	c.t.Helper()
	for {
		typ, data, err := c.conn.Read(testContext(c.t))
		switch {
		case err != nil:
			c.t.Fatal(err)
		case typ == websocket.MessageBinary:
			return "b" + string(data)
		case string(data) == "2":
			c.send("3")
		default:
			return string(data)
		}
	}
}

func (c *rawClient) expect(packets ...string) {
	c.t.Helper()
	for _, want := range packets {
		if got := c.receive(); got != want {
			c.t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func (c *rawClient) expectPrefix(want string) string {
	c.t.Helper()
	got := c.receive()
	if !strings.HasPrefix(got, want) {
		c.t.Fatalf("got %q, want %s…", got, want)
	}
	return got
}

// closed waits for the end; packets before it are returned.
func (c *rawClient) closed() (packets []string) {
	c.t.Helper()
	ctx := testContext(c.t)
	for {
		_, data, err := c.conn.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				c.t.Fatal("not closed in time")
			}
			return packets
		}
		if string(data) == "2" {
			c.send("3")
		}
		packets = append(packets, string(data))
	}
}

// connectTime is what the suite's clients have to join a first namespace.
const connectTime = 2 * time.Second

// serveSuite is the server that the protocol's public test suite expects; change may alter its timers.
func serveSuite(t *testing.T, change ...func(*ServerOptions)) string {
	o := ServerOptions{
		PingInterval:   300 * time.Millisecond,
		PingTimeout:    20 * time.Second,
		ConnectTimeout: connectTime,
		CORS:           CORSOptions{Origins: []string{"*"}},
	}
	for _, alter := range change {
		alter(&o)
	}
	url, _ := serve(t, o, func(srv *Server) {
		echoes(srv.Of("/"))
		srv.Of("/custom").OnConnect(func(s *Socket) { _ = s.Emit("auth", s.Auth()) })
	})
	return url
}

func TestConnect(t *testing.T) {
	t.Parallel()
	url := serveSuite(t)
	c := openRaw(t, url)
	c.send("40")
	if greeting := c.expectPrefix(`40{"sid":"`); len(greeting) != len(`40{"sid":"01234567890123456789"}`) {
		t.Errorf("greeting %q", greeting)
	}
	c.expect(`42["auth",{}]`)
	c.send(`40/custom,{"b":1,"a":"é<"}`)
	c.expectPrefix(`40/custom,{"sid":"`)
	c.expect(`42/custom,["auth",{"b":1,"a":"é<"}]`)
	c.send("41/custom", `42["message","still in the main one"]`)
	c.expect(`42["message-back","still in the main one"]`)
	c.send("40/custom")
	c.expectPrefix(`40/custom,{"sid":"`)
	c.expect(`42/custom,["auth",{}]`)
	for _, name := range []string{"/random", "/__proto__", "/custom?x=1"} {
		c.send("40" + name + ",")
		c.expect("44" + name + `,{"message":"Invalid namespace"}`)
	}
	c.send("41")
	c.send(`42/custom,["nobody listens"]`, "41/custom")
	testdeps.Quiet(connectTime + 50*time.Millisecond) // longer than the connect timeout: that is over
	c.send(`40{"token":"123"}`)
	c.expectPrefix(`40{"sid":"`)
	c.expect(`42["auth",{"token":"123"}]`)
}

func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	url := serveSuite(t)
	for _, packets := range [][]string{{}, {"40/random"}} {
		c := openRaw(t, url)
		began := time.Now()
		c.send(packets...)
		c.closed()
		if took := time.Since(began); took < connectTime-100*time.Millisecond || took > 10*connectTime {
			t.Errorf("%q: closed after %v", packets, took)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	c := joinRaw(t, serveSuite(t))
	for _, args := range []string{
		`,1,"2",{"3":[true]}`, ``, `,"\u003c<>&\u2028"`, `,{"b":1,"a":{"z":null,"y":1.50e3}}`, `,"é😀\ud800"`, `,["]","}\"",[[]]]`,
	} {
		c.send(`42["message"` + args + `]`)
		c.expect(`42["message-back"` + args + `]`)
		c.send(`420["message-with-ack"` + args + `]`)
		c.expect(`430[` + strings.TrimPrefix(args, ",") + `]`)
	}
	c.send(`42 [ "message" , 1 , [ 2 ] ]`)
	c.expect(`42["message-back",1,[ 2 ]]`)
	c.send(`42["m\u0065ssage"]`)
	c.expect(`42["message-back"]`)
	c.send(`429007199254740992["message-with-ack",1]`)
	c.expect(`439007199254740992[1]`)
	c.send(`4377[1]`, `42["unheard-of"]`, `42[7,"numbers are names too"]`, `42["message","alive"]`)
	c.expect(`42["message-back","alive"]`)
}

func TestBinary(t *testing.T) {
	t.Parallel()
	c := joinRaw(t, serveSuite(t))
	const ph0, ph1 = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`
	c.send(`452-["message",`+ph0+`,`+ph1+`]`, "b\x01\x02\x03", "b\x04\x05\x06")
	c.expect(`452-["message-back",`+ph0+`,`+ph1+`]`, "b\x01\x02\x03", "b\x04\x05\x06")
	c.send(`452-789["message-with-ack",{"deep":[1,`+ph1+`]},"x",`+ph0+`]`, "bfirst", "bsecond")
	c.expect(`462-789[{"deep":[1,`+ph0+`]},"x",`+ph1+`]`, "bsecond", "bfirst")
	c.send(`451-["message",{"num":0,"_placeholder":true},{"_placeholder":false,"num":9}]`, "b")
	c.expect(`451-["message-back",`+ph0+`,{"_placeholder":false,"num":9}]`, "b")
	ten := strings.Repeat(","+ph0, 9)
	c.send(`4510-["message",`+ph0+ten+`]`, "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")
	c.expectPrefix(`4510-["message-back",` + ph0 + `,` + ph1)
	for range 10 {
		c.expect("b0") // all ten placeholders name the first
	}
}

func TestBadPackets(t *testing.T) {
	t.Parallel()
	url := serveSuite(t)
	const ph0 = `{"_placeholder":true,"num":0}`
	for _, packets := range [][]string{
		{"4abc"}, {"4"}, {"49"}, {"42"}, {"42{}"}, {"42[]"}, {`42"x"`}, {`42[null]`}, {`42[{}]`}, {`42["x"`}, {`42["x"]]`},
		{`42["x"],`},
		{`42abc["message-with-ack"]`}, {`4299999999999999999999["message-with-ack"]`}, {`42-1["x"]`}, {`43["no id"]`}, {`431{}`},
		{`42["connect"]`}, {`42["connect_error"]`}, {`42["disconnect"]`}, {`42["disconnecting"]`}, {`42["newListener"]`},
		{`42["removeListener"]`},
		{"40"}, {`40{}`}, {"41{}"}, {`44{"message":"x"}`}, {`42/custom,["not connected there"]`}, {`40/custom,[]`}, {`40/custom,"x"`},
		{`40/custom,{`},
		{`450-["x"]`}, {`4511-["x"]`}, {`45-["x"]`}, {`451["x"]`}, {`45x-["x"]`}, {`451-["x",{"_placeholder":true,"num":1}]`, "bx"},
		{`451-["x",{"_placeholder":true,"num":-1}]`, "bx"}, {`451-["x",{"_placeholder":true,"num":"0"}]`, "bx"},
		{`451-["x",{"_placeholder":true}]`, "bx"},
		{`451-["x",` + string(nested) + `]`, "bx"},
		{`451-["x",` + ph0 + `]`, `42["message"]`}, {"bstray"}, {`451-["x",` + ph0 + `]`, "bx", "bstray"},
	} {
		t.Run(strings.Join(packets, " "), func(t *testing.T) {
			c := joinRaw(t, url)
			for _, p := range packets {
				typ := websocket.MessageText
				if binary, ok := strings.CutPrefix(p, "b"); ok {
					typ, p = websocket.MessageBinary, binary
				}
				_ = c.conn.Write(testContext(t), typ, []byte(p)) // may be closed after the first
			}
			for _, p := range c.closed() {
				if p != "2" {
					t.Errorf("answered by %q", p)
				}
			}
		})
	}
	for _, packet := range []string{`42["message","before connect"]`, "41", `430[]`} {
		c := openRaw(t, url)
		c.send(packet)
		c.closed()
	}
}

// TestMissingAttachments announces a binary packet and never completes it.
func TestMissingAttachments(t *testing.T) {
	t.Parallel()
	c := joinRaw(t, serveSuite(t))
	began := time.Now()
	c.send(`452-["message",{"_placeholder":true,"num":0},1]`, "bfirst")
	c.closed()
	if took := time.Since(began); took > 10*connectTime {
		t.Errorf("closed after %v", took)
	}
}

// TestMissingAttachmentsAreNotKept has a client go in the middle of a binary packet: nothing of it stays.
func TestMissingAttachmentsAreNotKept(t *testing.T) {
	t.Parallel()
	sockets, gone := make(chan *Socket, 1), make(chan string, 1)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) {
			s.OnDisconnect(func(reason string) { gone <- reason })
			sockets <- s
		})
	})
	c := openRaw(t, url)
	c.send("40")
	conn := receive(t, sockets).conn
	c.send(`452-["message",{"_placeholder":true,"num":0},1]`, "bfirst")
	pending := func() (attachments int, awaited bool) {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return len(conn.assembler.attachments), conn.assembler.pending != nil || conn.overdue != nil
	}
	testdeps.Eventually(t, "the attachment", func() bool { n, _ := pending(); return n == 1 })
	_ = c.conn.CloseNow()
	receive(t, gone)
	for range 2 {
		if n, awaited := pending(); n != 0 || awaited {
			t.Errorf("%d attachments kept, more awaited: %t", n, awaited)
		}
		if err := conn.Message([]byte(`51-["message",{"_placeholder":true,"num":0}]`), false); err != nil { // too late
			t.Error(err)
		}
	}
}

// pollClient is a client that polls, request by request.
type pollClient struct {
	t        *testing.T
	url, sid string
}

func openPoll(t *testing.T, url string) *pollClient {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	p := &pollClient{t: t, url: url + "/socket.io/?EIO=4&transport=polling"}
	_, sid, _ := strings.Cut(p.request("GET", ""), `"sid":"`)
	p.sid = sid[:20]
	p.url += "&sid=" + p.sid
	return p
}

// request returns the body of the reply.
func (p *pollClient) request(method, body string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(testContext(p.t), method, p.url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// TestPollingReplies posts several packets: their handlers run in order and before the reply, so that one poll has
// all replies.
func TestPollingReplies(t *testing.T) {
	t.Parallel()
	p := openPoll(t, serveSuite(t, func(o *ServerOptions) { o.PingInterval = time.Hour })) // a ping would be one of the packets
	if got := p.request("POST", "40"); got != "ok" {
		t.Fatalf("answered %q", got)
	}
	greeting, event, _ := strings.Cut(p.request("GET", ""), "\x1e")
	if !strings.HasPrefix(greeting, `40{"sid":"`) || event != `42["auth",{}]` {
		t.Fatalf("got %q, %q", greeting, event)
	}
	if strings.Contains(greeting, p.sid) {
		t.Error("the socket's id is the session's")
	}
	var body, want []string
	for i := range 50 {
		body = append(body, fmt.Sprintf(`42["message",%d]`, i))
		want = append(want, fmt.Sprintf(`42["message-back",%d]`, i))
	}
	body = append(body, `451-7["message-with-ack",{"_placeholder":true,"num":0}]`, "bAQID")
	want = append(want, `461-7[{"_placeholder":true,"num":0}]`, "bAQID")
	if got := p.request("POST", strings.Join(body, "\x1e")); got != "ok" {
		t.Fatalf("answered %q", got)
	}
	if got := p.request("GET", ""); got != strings.Join(want, "\x1e") {
		t.Errorf("got %q", got)
	}
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	var order []string
	url, _ := serve(t, ServerOptions{ConnectTimeout: connectTime}, func(srv *Server) {
		n := srv.Of("/")
		n.Use(func(s *Socket) error {
			order = append(order, s.Request().Header.Get("X-Test"))
			s.SetData("from middleware")
			return nil
		})
		n.Use(func(s *Socket) error {
			switch string(s.Auth()) {
			case `{"no":1}`:
				return &ConnectError{Message: "refused <", Data: map[string]any{"code": 7}}
			case `{"no":2}`:
				return errors.New("plainly refused")
			}
			return nil
		})
		n.OnConnect(func(s *Socket) { _ = s.Emit("hello", s.Data()) })
		n.OnConnect(func(s *Socket) { _ = s.Emit("second") })
	})
	c := openRaw(t, url)
	c.send(`40{"no":1}`)
	c.expect(`44{"message":"refused <","data":{"code":7}}`)
	c.send(`42["too early"]`) // ignored: the client could not know yet
	c.send(`40{"no":2}`)
	c.expect(`44{"message":"plainly refused"}`)
	c.send("40")
	c.expectPrefix(`40{"sid":`)
	c.expect(`42["hello","from middleware"]`, `42["second"]`)
	if len(order) != 3 {
		t.Errorf("middleware ran %d times", len(order))
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	reasons := make(chan string, 10)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		for _, name := range []string{"/", "/other"} {
			n := srv.Of(name)
			n.OnConnect(func(s *Socket) {
				s.OnDisconnect(func(reason string) {
					if s.Context().Err() == nil || s.Connected() || s.Emit("x") != ErrClosed {
						reason = "not really: " + reason
					}
					reasons <- name + " " + reason
				})
			})
			n.On("leave", func(s *Socket, _ *Event) { s.Disconnect(false) })
			n.On("close", func(s *Socket, _ *Event) { s.Disconnect(true) })
			n.On("echo", func(_ *Socket, ev *Event) { _ = ev.Ack() })
		}
	})
	join := func() *rawClient {
		c := openRaw(t, url)
		c.send("40", "40/other,")
		c.expectPrefix("40")
		c.expectPrefix("40")
		return c
	}
	c := join()
	c.send(`42/other,["leave"]`)
	c.expect("41/other,")
	if got := receive(t, reasons); got != "/other server namespace disconnect" {
		t.Error(got)
	}
	c.send(`42/other,["late"]`, `421["echo"]`)
	c.expect("431[]")
	c.send("41")
	if got := receive(t, reasons); got != "/ client namespace disconnect" {
		t.Error(got)
	}
	c = join()
	c.send(`42["close"]`)
	if got := c.closed(); len(got) != 2 || got[0] != "41" || got[1] != "41/other," {
		t.Errorf("got %q", got)
	}
	for range 2 {
		if got := receive(t, reasons); !strings.HasSuffix(got, " server namespace disconnect") {
			t.Error(got)
		}
	}
	c = join()
	_ = c.conn.CloseNow()
	for range 2 {
		if got := receive(t, reasons); !strings.Contains(got, " transport ") {
			t.Error(got)
		}
	}
	c = join()
	c.send("4nonsense")
	for range 2 {
		if got := receive(t, reasons); !strings.HasSuffix(got, " parse error") {
			t.Error(got)
		}
	}
	c.closed()
}

func TestAcks(t *testing.T) {
	t.Parallel()
	results := make(chan string, 10)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		n := srv.Of("/")
		for name, patience := range map[string]time.Duration{"go": time.Minute, "go soon": 100 * time.Millisecond} {
			n.On(name, func(s *Socket, ev *Event) {
				ctx, cancel := context.WithTimeout(s.Context(), patience)
				defer cancel()
				args, err := s.EmitWithAck(ctx, "question", 1)
				results <- fmt.Sprintf("%s %v", args, err)
			})
		}
		n.On("twice", func(s *Socket, ev *Event) {
			results <- fmt.Sprint(ev.NeedsAck(), ev.Ack(1), ev.Ack(2))
		})
	})
	c := openRaw(t, url)
	c.send("40")
	c.expectPrefix("40")
	c.send(`42["go"]`)
	c.expect(`420["question",1]`)
	c.send(`4399[]`, `430["yes",2]`, `430["again"]`)
	if got := receive(t, results); got != `["yes" 2] <nil>` {
		t.Error(got)
	}
	c.send(`42["go soon"]`)
	c.expect(`421["question",1]`)
	if got := receive(t, results); got != "[] context deadline exceeded" {
		t.Error(got)
	}
	c.send(`42["go"]`)
	c.expect(`422["question",1]`)
	_ = c.conn.CloseNow()
	if got := receive(t, results); !strings.HasPrefix(got, "[] ") {
		t.Error(got)
	}
	c = openRaw(t, url)
	c.send("40")
	c.expectPrefix("40")
	c.send(`425["twice"]`, `42["twice"]`)
	c.expect("435[1]")
	if got := receive(t, results); got != "true <nil> "+ErrAcked.Error() {
		t.Error(got)
	}
	if got := receive(t, results); got != "false <nil> <nil>" {
		t.Error(got)
	}
}
