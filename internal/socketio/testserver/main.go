// Command testserver is the server under test of the public Engine.IO and Socket.IO protocol suites, and of load
// generators.
//
// On /engine.io/ it echoes raw Engine.IO messages. On /socket.io/ it has the namespaces / and /custom: both emit "auth"
// with the handshake's auth payload on connect; on / "message" gets the reply "message-back" with the same arguments,
// "message-with-ack" and "echo" by an acknowledgement with them. POST /emit?room=NAME with a JSON body emits "card" to the
// clients whose auth payload names the room, without a room to all. GET /clients counts
// the clients.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio"
	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "`address` to listen on")
	relaxed := flag.Bool("relaxed", false, "use the normal ping timers instead of the suites' short ones")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *relaxed, os.Stdout); err != nil {
		slog.Error("testserver", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It prints the address it listens on.
func run(ctx context.Context, addr string, relaxed bool, out io.Writer) error {
	handler, shut, err := newHandler(relaxed)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on %s\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(shut(ctx), server.Shutdown(ctx))
}

// newHandler returns the servers on their paths, and what closes them.
func newHandler(relaxed bool) (http.Handler, func(context.Context) error, error) {
	pingInterval, pingTimeout := 300*time.Millisecond, 200*time.Millisecond
	if relaxed {
		pingInterval, pingTimeout = engineio.DefaultPingInterval, engineio.DefaultPingTimeout
	}
	engine, err := engineio.NewServer(engineio.Options{
		PingInterval: pingInterval,
		PingTimeout:  pingTimeout,
		CORS:         engineio.CORSOptions{Origins: []string{"*"}},
	}, func(s *engineio.Session) engineio.Handler { return echo{s} })
	if err != nil {
		return nil, nil, err
	}
	io, err := socketio.NewServer(socketio.ServerOptions{
		PingInterval:   pingInterval,
		PingTimeout:    pingTimeout,
		ConnectTimeout: time.Second,
		CORS:           socketio.CORSOptions{Origins: []string{"*"}},
	})
	if err != nil {
		return nil, nil, err
	}
	var there crowd
	register(io, &there)
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", engine)
	mux.Handle("/socket.io/", io)
	mux.HandleFunc("POST /emit", emitCard(&there))
	mux.HandleFunc("GET /clients", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, io.Len()) })
	return mux, func(ctx context.Context) error { return errors.Join(engine.Close(ctx), io.Close(ctx)) }, nil
}

// echo sends every message back as it came.
type echo struct{ session *engineio.Session }

func (e echo) Message(data []byte, isBinary bool) error {
	buf := append(make([]byte, engineio.Headroom, engineio.Headroom+len(data)), data...)
	m := engineio.NewTextMessage
	if isBinary {
		m = engineio.NewBinaryMessage
	}
	return e.session.Send(m(buf))
}

func (e echo) Closed(engineio.Reason) {}

// suitePace is the pause between a client's greeting and its first event. The suites wait for one message after the
// other, and do not see a second one that their WebSocket delivers in the same turn.
const suitePace = 10 * time.Millisecond

// crowd is the sockets that are there, with the room that each has named.
type crowd struct {
	mu    sync.Mutex
	rooms map[*socketio.Socket]string
}

func (c *crowd) enter(s *socketio.Socket, room string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rooms == nil {
		c.rooms = map[*socketio.Socket]string{}
	}
	c.rooms[s] = room
	s.OnDisconnect(func(string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.rooms, s)
	})
}

// in returns the sockets of a room, all of them when it is empty.
func (c *crowd) in(room string) (found []*socketio.Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s, its := range c.rooms {
		if room == "" || its == room {
			found = append(found, s)
		}
	}
	return found
}

func register(io *socketio.Server, there *crowd) {
	emitAuth := func(s *socketio.Socket) {
		time.Sleep(suitePace)
		_ = s.Emit("auth", s.Auth())
	}
	root := io.Of("/")
	root.OnConnect(func(s *socketio.Socket) {
		var auth struct {
			Room string `json:"room"`
		}
		_ = json.Unmarshal(s.Auth(), &auth) // or no room
		there.enter(s, auth.Room)
		emitAuth(s)
	})
	answer := func(_ *socketio.Socket, ev *socketio.Event) { _ = ev.Ack(ev.Values()...) }
	root.On("message", func(s *socketio.Socket, ev *socketio.Event) { _ = s.Emit("message-back", ev.Values()...) })
	root.On("message-with-ack", answer)
	root.On("echo", answer)
	io.Of("/custom").OnConnect(emitAuth)
}

// emitCard emits a request's body to a room.
func emitCard(there *crowd) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1_000_000))
		if err != nil {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		if !json.Valid(body) {
			http.Error(w, "the body is not JSON", http.StatusBadRequest)
			return
		}
		for _, s := range there.in(r.URL.Query().Get("room")) {
			_ = s.Emit("card", json.RawMessage(body)) // a socket that fails is closed
		}
		w.WriteHeader(http.StatusNoContent)
	}
}
