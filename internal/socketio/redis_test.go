package socketio

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

const nodeProcessEnv = "SOCKETIO_TEST_NODE" // the address of Redis, in a second process of TestTwoNodes

// serveNode makes one node's namespace: clients join a room, and tell a room of all nodes.
func serveNode(redisAddr string) (srv *Server, shut func(), err error) {
	client := redis.NewClient(&redis.Options{Addr: redisAddr})
	srv, err = NewServer(ServerOptions{Adapter: NewRedisAdapter(client, "socketio-test", quiet), Logger: quiet})
	if err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	n := srv.Of("/")
	n.On("join", func(s *Socket, ev *Event) {
		var room string
		_ = ev.Decode(0, &room)
		s.Join(room)
		_ = ev.Ack()
	})
	n.On("tell", func(s *Socket, ev *Event) {
		var room string
		_ = ev.Decode(0, &room)
		_ = ev.Ack(n.To(room).Emit("news", ev.Values()[1:]...) == nil)
	})
	n.On("kick", func(s *Socket, ev *Event) {
		var room string
		_ = ev.Decode(0, &room)
		_ = n.To(room).Disconnect(true)
	})
	return srv, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = srv.Close(ctx)
		_ = client.Close()
	}, nil
}

// nodeProcess is the second node: it prints its URL and ends with its standard input.
func nodeProcess() {
	srv, shut, err := serveNode(os.Getenv(nodeProcessEnv))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ts := httptest.NewServer(srv)
	fmt.Println(ts.URL)
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	shut()
	ts.Close()
}

// startNode starts the second node in a process of its own.
func startNode(t *testing.T, redisAddr string) (url string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), nodeProcessEnv+"="+redisAddr)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	mini := miniredis.RunT(t)
	srv, shut, err := serveNode(mini.Addr())
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(srv)
	t.Cleanup(func() { shut(); ts.Close() })
	ctx := testContext(t)

	here, err := Dial(ctx, ts.URL, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := NewClient(startNode(t, mini.Addr()), ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	news, gone := make(chan *Event, 10), make(chan string, 1)
	there.On("news", func(ev *Event) { news <- ev })
	there.OnDisconnect(func(reason string) { gone <- reason })
	if err := there.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := there.EmitWithAck(ctx, "join", "u17"); err != nil {
		t.Fatal(err)
	}

	// A room, everybody, and a room that has nobody there.
	for _, room := range []string{"elsewhere", "u17", there.ID()} {
		args, err := here.EmitWithAck(ctx, "tell", room, room, []byte{1, 2}, "<é\u2028>")
		if err != nil || jsonOf(args) != "[true]" {
			t.Fatal(args, err)
		}
	}
	for _, want := range []string{"u17", there.ID()} {
		ev := receive(t, news)
		data, _ := ev.Bytes(1)
		if jsonOf(ev.Args[0]) != jsonOf(want) || string(data) != "\x01\x02" || string(ev.Args[2]) != "\"<é\u2028>\"" {
			t.Errorf("got %s %v, want %q", ev.Args, data, want)
		}
	}
	if err := here.Emit("kick", "u17"); err != nil {
		t.Fatal(err)
	}
	if reason := receive(t, gone); reason != ReasonIODisconnect {
		t.Errorf("reason %q", reason)
	}
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer client.Close()
	if _, err := NewServer(ServerOptions{Adapter: NewRedisAdapter(client, "x", quiet)}); err == nil {
		t.Error("started without Redis")
	}
	// Emits never wait for it, and fail once the queue is full.
	a := NewRedisAdapter(client, "x", quiet)
	for range publishQueue {
		if err := a.Publish(nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Publish(nil); err != ErrPublishQueueFull {
		t.Errorf("error %v", err)
	}
	// Few large messages fill it too; a single one may be of any size.
	a = NewRedisAdapter(client, "x", quiet)
	if err := a.Publish(make([]byte, 2*publishBytes)); err != nil {
		t.Fatal(err)
	}
	if err := a.Publish([]byte{1}); err != ErrPublishQueueFull {
		t.Errorf("error %v", err)
	}
}
