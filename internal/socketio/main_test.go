package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// serve starts a server for the length of a test and returns its URL.
func serve(t *testing.T, o ServerOptions, setup func(*Server)) (url string, srv *Server) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet
	}
	srv, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	if setup != nil {
		setup(srv)
	}
	return serveHandler(t, srv, srv), srv
}

// serveHandler serves a handler in front of a server for the length of a test.
func serveHandler(t *testing.T, srv *Server, h http.Handler) (url string) {
	ts := httptest.NewServer(h)
	t.Cleanup(func() {
		// A polling client that went away without a word is given up at the deadline.
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		if err := srv.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		ts.Close()
	})
	return ts.URL
}

// testContext ends with the test, or after a time in which anything here must be done.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// receive waits for a value.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(2 * time.Minute):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// echoes makes a namespace reply as the protocol suites expect.
func echoes(n *Namespace) {
	n.OnConnect(func(s *Socket) { _ = s.Emit("auth", s.Auth()) })
	n.On("message", func(s *Socket, ev *Event) { _ = s.Emit("message-back", ev.Values()...) })
	n.On("message-with-ack", func(_ *Socket, ev *Event) { _ = ev.Ack(ev.Values()...) })
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
