package socketio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func needNode(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs Node.js")
	}
	testdeps.NPM(t, "interop")
}

// TestOfficialClient runs socket.io-client against our server.
func TestOfficialClient(t *testing.T) {
	needNode(t)
	for _, scenario := range []string{
		"polling", "websocket", "upgrade", "namespaces", "reconnect", "heartbeat", "large",
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			o := ServerOptions{PingInterval: 200 * time.Millisecond, PingTimeout: 5 * time.Second}
			if scenario == "large" {
				o = ServerOptions{}
			}
			url, _ := serve(t, o, serveScenarios)
			runOfficialClient(t, scenario, url)
		})
	}
}

// runOfficialClient plays a scenario of interop/client.js, which bounds its time.
func runOfficialClient(t *testing.T, scenario, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "client.js", scenario, url)
	cmd.Dir = "interop"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestOfficialClientIsToldTheEnd closes on clients of the official package at every moment of their upgrade: each has all that
// was emitted before, and learns of the end at once.
func TestOfficialClientIsToldTheEnd(t *testing.T) {
	needNode(t)
	t.Run("leave", func(t *testing.T) {
		t.Parallel()
		var turn atomic.Int64
		url, _ := serve(t, ServerOptions{}, func(srv *Server) {
			srv.Of("/").OnConnect(func(s *Socket) {
				moment := time.Duration(turn.Add(1)%20) * time.Millisecond // of the upgrade, which begins now
				time.AfterFunc(moment, func() {
					for i := range 100 {
						_ = s.Emit("number", i)
					}
					s.Disconnect(true)
				})
			})
		})
		runOfficialClient(t, "leave", url)
	})
	t.Run("shutdown", func(t *testing.T) {
		t.Parallel()
		var came atomic.Int64
		closed := make(chan error, 1)
		url, _ := serve(t, ServerOptions{}, func(srv *Server) {
			srv.Of("/").OnConnect(func(s *Socket) {
				for i := range 100 {
					_ = s.Emit("number", i)
				}
				if came.Add(1) < 10 {
					return
				}
				go func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					defer cancel()
					closed <- srv.Close(ctx)
				}()
			})
		})
		runOfficialClient(t, "shutdown", url)
		if err := receive(t, closed); err != nil {
			t.Error(err)
		}
	})
}

// serveScenarios is the server's side of interop/client.js.
func serveScenarios(srv *Server) {
	root := srv.Of("/")
	echoes(root)
	root.On("ask-me", func(s *Socket, ev *Event) {
		ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
		defer cancel()
		answer, err := s.Call(ctx, "question", ev.Args[0], []byte{1, 2})
		if err != nil {
			return
		}
		data, ok := answer.Bytes(1)
		_ = ev.Ack([]any{answer.Args[0], ok && bytes.Equal(data, []byte{1, 2})})
	})
	root.On("send-me", func(s *Socket, ev *Event) {
		var count, size int
		_, _ = ev.Decode(0, &count), ev.Decode(1, &size)
		for range count {
			_ = s.Emit("bulk", strings.Repeat("x", size))
		}
	})
	guarded := srv.Of("/guarded")
	guarded.Use(func(s *Socket) error {
		if string(s.Auth()) != `{"token":"good"}` {
			return &ConnectError{Message: "not you", Data: map[string]int{"code": 7}}
		}
		return nil
	})
	guarded.On("who", func(s *Socket, ev *Event) { _ = ev.Ack(s.Auth()) })
	guarded.On("kick", func(s *Socket, ev *Event) { s.Disconnect(len(ev.Args) > 0) })
}

// officialServer starts interop/server.js and returns its URL.
func officialServer(t *testing.T, args ...string) string {
	t.Helper()
	needNode(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "node", append([]string{"server.js"}, args...)...)
	cmd.Dir = "interop"
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		cancel()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// TestOfficialServerPath: our client reaches a server at a path of its own however either side writes it.
func TestOfficialServerPath(t *testing.T) {
	for _, version := range []string{"4", "3", "2"} {
		for _, path := range []string{"/mediatel/socket.io", "/mediatel/socket.io/"} {
			t.Run(version+path, func(t *testing.T) {
				t.Parallel()
				host := officialServer(t, version, path)
				for _, ours := range []string{"/mediatel/socket.io", "/mediatel/socket.io/"} {
					for _, transport := range []string{"websocket", "polling"} {
						c, err := Dial(testContext(t), host+ours, ClientOptions{Transports: []string{transport}})
						if err != nil {
							t.Errorf("%s by %s: %v", ours, transport, err)
							continue
						}
						if answer, err := c.EmitWithAck(testContext(t), "message-with-ack", 1); err != nil || jsonOf(answer) != "[1]" {
							t.Errorf("%s by %s: answer %s, %v", ours, transport, answer, err)
						}
						_ = c.Close()
					}
				}
			})
		}
	}
}

// TestAddress: the path that a client calls ends as engine.io-client ends it.
func TestAddress(t *testing.T) {
	for _, row := range []struct {
		url, want string
		no        bool
	}{
		{"http://h", "http://h/socket.io/", false},
		{"http://h/", "http://h/socket.io/", false},
		{"https://h:1/mediatel/socket.io", "https://h:1/mediatel/socket.io/", false},
		{"wss://h/mediatel/socket.io/", "https://h/mediatel/socket.io/", false},
		{"ws://h/a%2Fb?x=1", "http://h/a%2Fb/?x=1", false},
		{"http://h/a/", "http://h/a", true},
		{"http://h", "http://h/socket.io", true},
	} {
		if u, err := address(row.url, row.no); err != nil || u.String() != row.want {
			t.Errorf("%s: %v, %v; want %s", row.url, u, err, row.want)
		}
	}
}

// TestOfficialServer runs our client against socket.io 4.x and 2.x, over both transports, found out and told.
func TestOfficialServer(t *testing.T) {
	for _, version := range []string{"4", "2"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			url := officialServer(t, version)
			engine := map[string]int{"4": 4, "2": 3}[version]
			for _, transport := range []string{"websocket", "polling"} {
				for _, protocol := range []int{0, engine} {
					t.Run(fmt.Sprintf("%s-%d", transport, protocol), func(t *testing.T) {
						t.Parallel()
						testOfficialServer(t, url, ClientOptions{
							Transports: []string{transport},
							Protocol:   protocol,
							Header:     map[string][]string{"X-Agent": {"a7"}},
							Auth:       func() any { return map[string]string{"token": "t"} },
							Reconnect:  ReconnectOptions{Delay: 10 * time.Millisecond},
						}, engine)
					})
				}
			}
			t.Run("namespaces", func(t *testing.T) { testOfficialNamespaces(t, url) })
		})
	}
}

func testOfficialServer(t *testing.T, url string, o ClientOptions, engine int) {
	ctx := testContext(t)
	c, err := NewClient(url, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	auth := make(chan string, 10)
	back := make(chan *Event, 1)
	reasons := make(chan string, 10)
	connects := make(chan int, 10)
	c.On("auth", func(ev *Event) { auth <- jsonOf(ev.Args) })
	c.On("message-back", func(ev *Event) { back <- ev })
	c.On("question", func(ev *Event) {
		data, _ := ev.Bytes(1)
		_ = ev.Ack(ev.Args[0], data)
	})
	c.OnConnect(func() { connects <- 1 })
	c.OnDisconnect(func(reason string) { reasons <- reason })
	if err := c.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	if c.Protocol() != engine || c.ID() == "" {
		t.Errorf("protocol %d, id %q", c.Protocol(), c.ID())
	}
	receive(t, connects)
	want := `[{"token":"t"},"a7"]`
	if engine == 3 {
		want = `[{},"a7"]`
	}
	if got := receive(t, auth); !strings.HasPrefix(got, want[:len(want)-1]) { // recovery appends an offset
		t.Errorf("auth %s, want %s", got, want)
	}
	nested := Value{JSON: json.RawMessage(`{"deep":[{"_placeholder":true,"num":0}]}`), Attachments: [][]byte{{9}}}
	args := []any{1, "é😀<&>\u2028", json.RawMessage(`{"b":1,"a":[null,1.50]}`), []byte{1, 2, 3}, nested}
	reply, err := c.Call(ctx, "message-with-ack", args...)
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := reply.Bytes(3); !bytes.Equal(data, []byte{1, 2, 3}) || string(reply.Args[2]) != `{"b":1,"a":[null,1.5]}` {
		t.Errorf("answer %s", reply.Args)
	}
	if v, ok := reply.Values()[4].(Value); !ok || !bytes.Equal(v.Attachments[0], []byte{9}) {
		t.Errorf("nested binary came back as %v", reply.Values()[4])
	}
	if err := c.Emit("message", args...); err != nil {
		t.Fatal(err)
	}
	if ev := receive(t, back); len(ev.Args) < 5 || string(ev.Args[1]) != "\"é😀<&>\u2028\"" {
		t.Errorf("message came back as %s", ev.Args)
	}
	if reply, err = c.Call(ctx, "ask-me", 41); err != nil {
		t.Fatal(err)
	}
	if data, _ := reply.Bytes(1); string(reply.Args[0]) != "41" || !bytes.Equal(data, []byte{1, 2}) {
		t.Errorf("answer %s", reply.Args)
	}
	// Longer than the server waits for a heartbeat: whoever has to send it, it is sent.
	testdeps.Quiet(10 * time.Second)
	if len(reasons) > 0 {
		t.Fatalf("cut off: %s", <-reasons)
	}
	if err := c.Emit("cut-me"); err != nil {
		t.Fatal(err)
	}
	receive(t, reasons)
	receive(t, connects)
	if _, err := c.EmitWithAck(ctx, "message-with-ack", "again"); err != nil {
		t.Errorf("after the reconnect: %v", err)
	}
	if err := c.Emit("kick"); err != nil {
		t.Fatal(err)
	}
	if reason := receive(t, reasons); reason != ReasonIODisconnect {
		t.Errorf("reason %q", reason)
	}
}

func testOfficialNamespaces(t *testing.T, url string) {
	ctx := testContext(t)
	c, err := Dial(ctx, url, ClientOptions{Namespace: "/custom"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if answer, err := c.EmitWithAck(ctx, "message-with-ack", 1); err != nil || jsonOf(answer) != "[1]" {
		t.Errorf("answer %s, %v", answer, err)
	}
	var refusal *ConnectError
	if _, err := Dial(ctx, url, ClientOptions{Namespace: "/guarded"}); !errors.As(err, &refusal) {
		t.Errorf("refused with %v", err)
	}
}
