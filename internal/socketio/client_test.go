package socketio

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

var clientTransports = []string{"websocket", "polling"}

func TestClientRefused(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").Use(func(s *Socket) error { return &ConnectError{Message: "no", Data: []int{1}} })
	})
	for _, transport := range clientTransports {
		c, err := NewClient(url, ClientOptions{Transports: []string{transport}})
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan error, 1)
		c.OnConnectError(func(err error) { told <- err })
		var refusal *ConnectError
		if err := c.Connect(testContext(t)); !errors.As(err, &refusal) || refusal.Message != "no" || jsonOf(refusal.Data) != "[1]" {
			t.Errorf("refused with %v", err)
		}
		if err := receive(t, told); !errors.As(err, &refusal) {
			t.Errorf("told %v", err)
		}
		if err := c.Emit("x"); err != ErrClosed {
			t.Errorf("emit: %v", err)
		}
		_ = c.Close()
		if err := c.Connect(testContext(t)); err == nil {
			t.Error("connected after Close")
		}
	}
}

func TestClientAttempts(t *testing.T) {
	t.Parallel()
	ts := httptest.NewServer(http.NotFoundHandler())
	defer ts.Close()
	var tries atomic.Int32
	c, err := NewClient(ts.URL, ClientOptions{Reconnect: ReconnectOptions{Delay: time.Millisecond, Attempts: 3}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.OnConnectError(func(error) { tries.Add(1) })
	if err := c.Connect(testContext(t)); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v", err)
	}
	_ = c.Close()
	if tries.Load() != 3 {
		t.Errorf("%d tries", tries.Load())
	}

	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, "http://"+l.Addr().String(), ClientOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestClientEmitIf leaves out what may not leave when its turn has come, and nothing else.
func TestClientEmitIf(t *testing.T) {
	t.Parallel()
	for _, transport := range clientTransports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 10)
			url, _ := serve(t, ServerOptions{}, func(srv *Server) {
				srv.Of("/").OnConnect(func(s *Socket) {
					for _, name := range []string{"a", "b", "c", "d"} {
						s.On(name, func(*Event) { got <- name })
					}
				})
			})
			c, err := Dial(testContext(t), url, ClientOptions{Transports: []string{transport}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			asked := make(chan struct{}, 2)
			answer := func(err error) func() error { return func() error { asked <- struct{}{}; return err } }
			for _, err := range []error{
				c.EmitIf(nil, "a"), c.EmitIf(answer(errors.New("no")), "b"), c.EmitIf(answer(nil), "c"), c.Emit("d"),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []string{"a", "c", "d"} {
				if name := receive(t, got); name != want {
					t.Errorf("%s came, want %s", name, want)
				}
			}
			receive(t, asked)
			receive(t, asked)
			if c.EmitIf(answer(nil), "e", []byte("attachment")) == nil {
				t.Error("an attachment was taken")
			}
		})
	}
}

func TestClientReconnects(t *testing.T) {
	t.Parallel()
	for _, transport := range clientTransports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			sockets := make(chan *Socket, 10)
			url, _ := serve(t, ServerOptions{}, func(srv *Server) {
				srv.Of("/").OnConnect(func(s *Socket) { sockets <- s })
			})
			var auths atomic.Int32
			c, err := NewClient(url, ClientOptions{
				Transports: []string{transport},
				Auth:       func() any { return map[string]int32{"n": auths.Add(1)} },
				Reconnect:  ReconnectOptions{Delay: time.Millisecond},
			})
			if err != nil {
				t.Fatal(err)
			}
			var order []string
			done := make(chan struct{})
			c.OnConnect(func() { order = append(order, "connect") })
			c.OnDisconnect(func(reason string) { order = append(order, reason) })
			c.On("x", func(*Event) { order = append(order, "x") })
			c.On("end", func(*Event) { close(done) })
			if err := c.Connect(testContext(t)); err != nil {
				t.Fatal(err)
			}
			s := receive(t, sockets)
			_ = s.Emit("x")
			s.conn.session.Close()
			s = receive(t, sockets)
			if string(s.Auth()) != `{"n":2}` {
				t.Errorf("auth %s", s.Auth())
			}
			_ = s.Emit("x")
			_ = s.Emit("end")
			receive(t, done)
			ended := make(chan string, 1)
			s.OnDisconnect(func(reason string) { ended <- reason })
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if reason := receive(t, ended); reason != ReasonClientDisconnect {
				t.Errorf("the server saw %q", reason)
			}
			want := "connect x transport close connect x io client disconnect"
			if got := strings.Join(order, " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestClientPingTimeout(t *testing.T) {
	t.Parallel()
	// A server that falls silent after the handshake: ours, with an hour between pings where 1.5 s were promised.
	srv, err := NewServer(ServerOptions{PingInterval: time.Hour, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	srv.Of("/")
	url := serveHandler(t, srv, srv)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	c, err := NewClient(url, ClientOptions{
		Transports: []string{"polling"},
		Reconnect:  ReconnectOptions{Disabled: true},
		HTTPClient: &http.Client{Transport: rewrite{transport, strings.NewReplacer("3600000", "1500", "20000", "1500")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	reasons := make(chan string, 1)
	c.OnDisconnect(func(reason string) { reasons <- reason })
	if err := c.Connect(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if reason := receive(t, reasons); reason != ReasonPingTimeout && reason != ReasonTransportError {
		t.Errorf("reason %q", reason)
	}
}

// TestClientClosesWithFullInbox closes a client whose handler has stood still while its reader waited for room.
func TestClientClosesWithFullInbox(t *testing.T) {
	t.Parallel()
	sockets := make(chan *Socket, 1)
	url, _ := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) { sockets <- s })
	})
	c, err := NewClient(url, ClientOptions{Inbox: 1})
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	c.On("x", func(*Event) { <-release })
	if err := c.Connect(testContext(t)); err != nil {
		t.Fatal(err)
	}
	s := receive(t, sockets)
	testdeps.Eventually(t, "a full inbox", func() bool { _ = s.Emit("x"); return c.inbox.awaited() })
	done := make(chan error, 1)
	go func() { done <- c.Close() }()
	receive(t, c.stopped) // the connection has ended
	close(release)
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
}

func TestNewClientRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"ftp://x", "://", "127.0.0.1:80"} {
		if _, err := NewClient(url, ClientOptions{}); err == nil {
			t.Errorf("%s was taken", url)
		}
	}
	if _, err := NewClient("http://x", ClientOptions{Protocol: 2}); err == nil {
		t.Error("protocol 2 was taken")
	}
	o := ReconnectOptions{Delay: time.Second, MaxDelay: 5 * time.Second, Jitter: -1}
	for waits, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		if got := o.delay(waits); got != want {
			t.Errorf("after %d waits %v, want %v", waits, got, want)
		}
	}
	o.Jitter = 0.5
	for range 100 {
		for waits, longest := range map[int]time.Duration{0: 1500 * time.Millisecond, 1000: 5 * time.Second} {
			if got := o.delay(waits); got < longest/3 || got > longest {
				t.Errorf("after %d waits %v", waits, got)
			}
		}
	}
}

// TestClientAnsweredTooLate has the namespace's reply and the end of the client's patience meet, in either order: the
// connect has failed, and nobody is told of one, or it has not.
func TestClientAnsweredTooLate(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]func(answer, giveUp func()){
		"too late":           func(answer, giveUp func()) { giveUp(); answer() },
		"at the last moment": func(answer, giveUp func()) { answer(); giveUp() },
	} {
		asked, answer := make(chan struct{}), make(chan struct{})
		url, srv := serve(t, ServerOptions{}, func(srv *Server) {
			srv.Of("/").Use(func(*Socket) error { close(asked); <-answer; return nil })
		})
		c, err := NewClient(url, ClientOptions{})
		if err != nil {
			t.Fatal(err)
		}
		connects := 0
		c.OnConnect(func() { connects++ })
		ctx, giveUp := context.WithCancel(testContext(t))
		dialed := make(chan error, 1)
		var cc *clientConn
		go func() {
			var err error
			cc, err = c.dial(ctx, engineio.WebSocket)
			dialed <- err
		}()
		receive(t, asked)
		const meet = 30 * time.Millisecond // nothing fails when that is too short
		c.mu.Lock()
		order(func() { close(answer); testdeps.Lasts(meet) }, func() { giveUp(); testdeps.Lasts(meet) })
		c.mu.Unlock()
		err = receive(t, dialed)
		if err == nil {
			cc.conn.Close()
		}
		testdeps.Eventually(t, "the connection to close", func() bool { return srv.Len() == 0 })
		if err := c.inbox.quiesce(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if connected := err == nil; connected != (connects == 1) || connected != c.Connected() {
			t.Errorf("%s: %v, %d connects told, connected %t", name, err, connects, c.Connected())
		}
		c.ownHTTP.CloseIdleConnections()
	}
}

// TestClientBacksOff has a client lose its server for good: each wait is twice the one before, from the first on.
func TestClientBacksOff(t *testing.T) {
	t.Parallel()
	sockets := make(chan *Socket, 1)
	srv, err := NewServer(ServerOptions{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	srv.Of("/").OnConnect(func(s *Socket) { sockets <- s })
	var gone atomic.Bool
	tries := make(chan time.Time, 10) // each is before the client's next wait, however late it is served
	url := serveHandler(t, srv, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			tries <- time.Now()
			http.NotFound(w, r)
			return
		}
		srv.ServeHTTP(w, r)
	}))
	const first = 30 * time.Millisecond
	c, err := NewClient(url, ClientOptions{Reconnect: ReconnectOptions{Delay: first, MaxDelay: time.Minute, Jitter: -1}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Connect(testContext(t)); err != nil {
		t.Fatal(err)
	}
	s := receive(t, sockets)
	gone.Store(true)
	s.conn.session.Close()
	last := receive(t, tries)
	for _, atLeast := range []time.Duration{2 * first, 4 * first} {
		now := receive(t, tries)
		if waited := now.Sub(last); waited < atLeast {
			t.Errorf("waited %v, want at least %v", waited, atLeast)
		}
		last = now
	}
}

// rewrite changes the handshakes of polling servers.
type rewrite struct {
	http.RoundTripper
	*strings.Replacer
}

func (p rewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.RoundTripper.RoundTrip(r)
	if err != nil || r.URL.Query().Has("sid") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	text := p.Replace(string(body))
	resp.Body = io.NopCloser(strings.NewReader(text))
	resp.ContentLength = int64(len(text))
	return resp, err
}

// TestClientFirstServers connects to a server of protocol 4 from before maxPayload, which cannot be told from a 2.x
// server by its handshake.
func TestClientFirstServers(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, ServerOptions{}, func(srv *Server) { echoes(srv.Of("/")) })
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	for protocol, atLeast := range map[int]time.Duration{0: legacyWait, 4: 0} {
		began := time.Now()
		c, err := Dial(testContext(t), url, ClientOptions{
			Transports: []string{"polling"},
			Protocol:   protocol,
			HTTPClient: &http.Client{Transport: rewrite{transport, strings.NewReplacer(`,"maxPayload":1000000`, "")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < atLeast || c.Protocol() != 4 {
			t.Errorf("protocol %d after %v", c.Protocol(), took)
		}
		if args, err := c.EmitWithAck(testContext(t), "message-with-ack", 1); err != nil || jsonOf(args) != "[1]" {
			t.Errorf("answer %s %v", args, err)
		}
		_ = c.Close()
	}
}

// TestClientBurst emits more than any buffer holds, without a pause, by both transports.
func TestClientBurst(t *testing.T) {
	t.Parallel()
	const events = 3000
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			got := make(chan int, 1)
			url, _ := serve(t, ServerOptions{}, func(srv *Server) {
				srv.Of("/").OnConnect(func(s *Socket) {
					n := 0
					s.On("x", func(*Event) { n++ })
					s.On("end", func(*Event) { got <- n })
				})
			})
			c, err := Dial(testContext(t), url, ClientOptions{Transports: []string{transport}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for range events {
				if err := c.Emit("x", strings.Repeat("x", 2000)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Emit("end"); err != nil {
				t.Fatal(err)
			}
			if n := receive(t, got); n != events {
				t.Errorf("%d events came", n)
			}
		})
	}
}
