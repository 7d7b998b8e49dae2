package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestOrder has many events of many clients handled at the same time: each client's in order, one at a time.
func TestOrder(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, ServerOptions{Inbox: 8}, func(srv *Server) {
		n := srv.Of("/")
		n.OnConnect(func(s *Socket) {
			busy, next := false, 0
			s.On("n", func(ev *Event) {
				if busy {
					_ = s.Emit("overlap")
				}
				busy = true
				var got int
				if _ = ev.Decode(0, &got); got != next {
					_ = s.Emit("disorder", got, next)
				}
				next++
				busy = false
				_ = ev.Ack(got)
			})
		})
	})
	var wg sync.WaitGroup
	for range 8 {
		c := openRaw(t, url)
		c.send("40")
		c.expectPrefix("40")
		wg.Go(func() {
			for i := range 500 {
				_ = c.conn.Write(context.Background(), 1, fmt.Appendf(nil, `42%d["n",%d]`, i, i))
			}
		})
		wg.Go(func() {
			for i := range 500 {
				if _, data, err := c.conn.Read(context.Background()); err != nil || string(data) != fmt.Sprintf(`43%d[%d]`, i, i) {
					t.Errorf("answer %d: %s %v", i, data, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestFlood fills a socket's inbox while its handler stands still.
func TestFlood(t *testing.T) {
	t.Parallel()
	release, reasons := make(chan struct{}), make(chan string, 1)
	url, _ := serve(t, ServerOptions{Inbox: 4, PingTimeout: 200 * time.Millisecond}, // no ping is due that early
		func(srv *Server) {
			srv.Of("/").OnConnect(func(s *Socket) {
				s.On("x", func(*Event) { <-release })
				s.OnDisconnect(func(reason string) { reasons <- reason })
			})
		})
	c := openRaw(t, url)
	c.send("40")
	c.expectPrefix("40")
	for range 50 {
		_ = c.conn.Write(testContext(t), 1, []byte(`42["x"]`)) // fails once the server has had enough
	}
	c.closed()
	close(release)
	if reason := receive(t, reasons); reason != ReasonFlood {
		t.Errorf("reason %q", reason)
	}
}

// TestFloodOfSockets has a client join and leave while the handlers stand still: it gets no more inboxes that way.
func TestFloodOfSockets(t *testing.T) {
	t.Parallel()
	release, reasons := make(chan struct{}), make(chan string, 1)
	var made atomic.Int32
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").Use(func(*Socket) error { made.Add(1); <-release; return nil })
		srv.Of("/quiet").OnConnect(func(s *Socket) { s.OnDisconnect(func(reason string) { reasons <- reason }) })
	})
	defer close(release)
	c := openRaw(t, url)
	c.send("40/quiet,")
	c.expectPrefix("40/quiet,")
	for range 100 { // fails once the server has had enough
		_ = c.conn.Write(testContext(t), 1, []byte("40"))
		_ = c.conn.Write(testContext(t), 1, []byte("41"))
	}
	c.closed()
	if reason := receive(t, reasons); reason != ReasonFlood {
		t.Errorf("reason %q", reason)
	}
	if n := made.Load(); n > maxDeparted+1 {
		t.Errorf("%d sockets", n)
	}
}

// TestJoinAndLeave has a client join and leave as often as it likes: its handlers keep up.
func TestJoinAndLeave(t *testing.T) {
	t.Parallel()
	sockets := make(chan *Socket, 1)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) { sockets <- s })
	})
	c := openRaw(t, url)
	for range 3 * maxDeparted {
		c.send("40")
		c.expectPrefix("40")
		conn := receive(t, sockets).conn
		c.send("41")
		testdeps.Eventually(t, "the socket to go", func() bool { return conn.atWork() == 0 })
	}
}

func (c *connection) atWork() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.working
}

// TestCloseWithFullInbox closes while a handler stands still and a reader waits for room in its inbox: nobody waits for the
// reader's patience, and after the socket's end no event is handled.
func TestCloseWithFullInbox(t *testing.T) {
	t.Parallel()
	began, release := make(chan struct{}, 10), make(chan struct{})
	sockets, last := make(chan *Socket, 1), make(chan int, 1)
	handled := 0
	url, srv := serve(t, ServerOptions{Inbox: 1}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) {
			s.On("x", func(*Event) { handled++; began <- struct{}{}; <-release })
			s.OnDisconnect(func(string) { last <- handled })
			sockets <- s
		})
	})
	c := openRaw(t, url)
	c.send("40")
	c.expectPrefix("40")
	for range 10 {
		c.send(`42["x"]`)
	}
	s := receive(t, sockets)
	receive(t, began)
	testdeps.Eventually(t, "a full inbox", func() bool { return s.inbox.awaited() })
	closing := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := srv.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closed: %v", err)
	}
	c.closed()
	if took := time.Since(closing); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if s.inbox.awaited() {
		t.Error("the reader still waits")
	}
	close(release)
	if n := receive(t, last); n != 2 {
		t.Errorf("%d events handled, want the one at work and the one in the inbox", n)
	}
}

// awaited tells whether somebody waits for room.
func (in *inbox) awaited() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.space != nil
}

// TestSlowHandlerIsNoFlood has a handler that takes longer than a pong may, with the pong behind more events.
func TestSlowHandlerIsNoFlood(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, ServerOptions{Inbox: 1, PingInterval: 50 * time.Millisecond, PingTimeout: 2 * time.Second},
		func(srv *Server) {
			srv.Of("/").On("x", func(_ *Socket, ev *Event) {
				testdeps.Lasts(250 * time.Millisecond) // the work
				_ = ev.Ack()
			})
		})
	c := openRaw(t, url)
	c.send("40")
	c.expectPrefix("40")
	for i := range 18 {
		c.send(fmt.Sprintf(`42%d["x"]`, i))
	}
	for i := range 18 {
		c.expect(fmt.Sprintf(`43%d[]`, i))
	}
}

func TestPanicEndsOneSocket(t *testing.T) {
	t.Parallel()
	reasons := make(chan string, 1)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		n := srv.Of("/")
		n.OnConnect(func(s *Socket) { s.OnDisconnect(func(r string) { reasons <- r }) })
		n.On("boom", func(*Socket, *Event) { panic("boom") })
		n.On("echo", func(_ *Socket, ev *Event) { _ = ev.Ack() })
	})
	other := openRaw(t, url)
	other.send("40")
	other.expectPrefix("40")
	c := openRaw(t, url)
	c.send("40")
	c.expectPrefix("40")
	c.send(`42["boom"]`)
	c.closed()
	if reason := receive(t, reasons); reason != ReasonForcedClose {
		t.Errorf("reason %q", reason)
	}
	other.send(`420["echo"]`)
	other.expect("430[]")
}

func TestSlowReaderIsClosed(t *testing.T) {
	t.Parallel()
	sockets, reasons := make(chan *Socket, 1), make(chan string, 1)
	url, _ := serve(t, ServerOptions{SendMemory: 100_000}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) {
			s.OnDisconnect(func(r string) { reasons <- r })
			sockets <- s
		})
	})
	c := openRaw(t, url)
	c.send("40")
	s := receive(t, sockets) // c reads no more
	var err error
	for err == nil {
		err = s.Emit("x", strings.Repeat("x", 50_000))
	}
	if !errors.Is(err, ErrSlowReader) && !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if reason := receive(t, reasons); reason != ReasonSlowReader {
		t.Errorf("reason %q", reason)
	}
}

func TestServerCloseWaitsForHandlers(t *testing.T) {
	t.Parallel()
	began, release, reasons := make(chan struct{}), make(chan struct{}), make(chan string, 1)
	url, srv := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) {
			s.On("work", func(*Event) { close(began); <-release })
			s.OnDisconnect(func(r string) { reasons <- r })
		})
	})
	c := openRaw(t, url)
	c.send("40")
	c.expectPrefix("40")
	c.send(`42["work"]`)
	receive(t, began)
	done := make(chan error, 1)
	go func() { done <- srv.Close(testContext(t)) }()
	c.closed()
	select {
	case <-done:
		t.Error("closed before the handler was done")
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
	if reason := receive(t, reasons); reason != ReasonServerShutdown {
		t.Errorf("reason %q", reason)
	}
}

// TestServerCloseWaitsForAllHandlers closes while handlers run whose clients are gone, or not yet there.
func TestServerCloseWaitsForAllHandlers(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	work := func(release chan struct{}) { began <- struct{}{}; <-release }
	for name, c := range map[string]struct {
		setup func(n *Namespace, release chan struct{})
		do    func(c *rawClient)
	}{
		"event": {func(n *Namespace, release chan struct{}) {
			n.On("work", func(*Socket, *Event) { work(release) })
		}, func(c *rawClient) {
			c.expectPrefix("40")
			c.send(`42["work"]`)
		}},
		"middleware": {func(n *Namespace, release chan struct{}) {
			n.Use(func(*Socket) error { work(release); return nil })
		}, func(*rawClient) {}},
		"refusal": {func(n *Namespace, release chan struct{}) {
			n.Use(func(*Socket) error { work(release); return errors.New("no") })
		}, func(*rawClient) {}},
		"disconnect": {func(n *Namespace, release chan struct{}) {
			n.OnConnect(func(s *Socket) { s.OnDisconnect(func(string) { work(release) }) })
		}, func(c *rawClient) {
			c.expectPrefix("40")
			c.send("41")
		}},
		"panic": {func(n *Namespace, release chan struct{}) {
			n.OnConnect(func(s *Socket) { s.OnDisconnect(func(string) { work(release); panic("boom") }) })
		}, func(c *rawClient) {
			c.expectPrefix("40")
			c.send("41")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			url, srv := serve(t, ServerOptions{}, func(srv *Server) { c.setup(srv.Of("/"), release) })
			client := openRaw(t, url)
			client.send("40")
			c.do(client)
			receive(t, began)
			_ = client.conn.CloseNow()
			testdeps.Eventually(t, "the client to go", func() bool { return srv.Len() == 0 })
			done := make(chan error, 1)
			go func() { done <- srv.Close(testContext(t)) }()
			select {
			case <-done:
				t.Error("closed before the handler was done")
				close(release)
				return
			case <-time.After(20 * time.Millisecond):
			}
			close(release)
			if err := receive(t, done); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRefusedSocketIsDisconnected has a middleware leave something behind that lives as long as the socket.
func TestRefusedSocketIsDisconnected(t *testing.T) {
	t.Parallel()
	ends := make(chan context.Context, 1)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").Use(func(s *Socket) error { ends <- s.Context(); return errors.New("no") })
	})
	c := openRaw(t, url)
	c.send("40")
	c.expect(`44{"message":"no"}`)
	receive(t, receive(t, ends).Done())
}

func TestRequestIsKept(t *testing.T) {
	t.Parallel()
	type key struct{}
	got := make(chan string, 1)
	srv, err := NewServer(ServerOptions{Path: "/mediatel/socket.io/", Logger: quiet, CheckRequest: func(r *http.Request) error {
		if _, err := r.Cookie("VouchCookie"); err != nil {
			return &HTTPError{Status: http.StatusForbidden, Message: "no cookie"}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	srv.Of("/").OnConnect(func(s *Socket) {
		cookie, _ := s.Request().Cookie("VouchCookie")
		got <- fmt.Sprint(cookie.Value, s.Request().Context().Value(key{}), s.Request().Context().Err(), s.Request().RemoteAddr != "")
	})
	url := serveHandler(t, srv, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "v")))
	}))
	for _, transport := range []string{"websocket", "polling"} {
		o := ClientOptions{Transports: []string{transport}, Reconnect: ReconnectOptions{Disabled: true}}
		if _, err := Dial(testContext(t), url+"/mediatel/socket.io/", o); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("without a cookie: %v", err)
		}
		o.Header = http.Header{"Cookie": {"VouchCookie=u17"}}
		c, err := Dial(testContext(t), url+"/mediatel/socket.io/", o)
		if err != nil {
			t.Fatal(err)
		}
		if text := receive(t, got); text != "u17v<nil> true" {
			t.Error(text)
		}
		_ = c.Close()
	}
	if _, err := Dial(testContext(t), url+"/elsewhere/", ClientOptions{Reconnect: ReconnectOptions{Disabled: true}}); err == nil ||
		!strings.Contains(err.Error(), "404") {
		t.Errorf("on another path: %v", err)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/socket.io", "/socket.io/"} {
		url, _ := serve(t, ServerOptions{Path: path}, nil)
		for request, want := range map[string]int{"/socket.io/": 400, "/socket.io": 400, "/socket.io/x": 404, "/": 404} {
			resp, err := http.Get(url + request) // no handshake
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("mounted at %q: %s answers %d, want %d", path, request, resp.StatusCode, want)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	there := map[*Socket]bool{}
	url, srv := serve(t, ServerOptions{}, func(srv *Server) {
		n := srv.Of("/")
		n.OnConnect(func(s *Socket) {
			mu.Lock()
			defer mu.Unlock()
			there[s] = true
			s.OnDisconnect(func(string) {
				mu.Lock()
				defer mu.Unlock()
				delete(there, s)
			})
		})
		echoes(n)
	})
	stop := make(chan struct{})
	var noise sync.WaitGroup
	noise.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
			}
			mu.Lock()
			for s := range there {
				_ = s.Emit("noise", i)
			}
			mu.Unlock()
		}
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				c, err := Dial(testContext(t), url, ClientOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				if args, err := c.EmitWithAck(testContext(t), "message-with-ack", "x"); err != nil || jsonOf(args) != `["x"]` {
					t.Error(args, err)
				}
				_ = c.Close()
			}
		})
	}
	wg.Wait()
	close(stop)
	noise.Wait()
	if err := srv.Close(testContext(t)); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(there) != 0 {
		t.Errorf("%d sockets left", len(there))
	}
}

// TestEmitRefusesNonsense: what cannot be sent is told to whoever emits it.
func TestEmitRefusesNonsense(t *testing.T) {
	t.Parallel()
	sockets := make(chan *Socket, 1)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) { sockets <- s })
	})
	openRaw(t, url).send("40")
	s := receive(t, sockets)
	for name, err := range map[string]error{
		"a reserved event name": s.Emit("connect"),
		"malformed JSON":        s.Emit("x", json.RawMessage("{")),
		"a function":            s.Emit("x", func() {}),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
