package socketio

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestTLS runs both sides over TLS, where the server cannot write past the runtime's poller.
func TestTLS(t *testing.T) {
	t.Parallel()
	srv, err := NewServer(ServerOptions{Logger: quiet, PingInterval: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	n := srv.Of("/")
	n.On("burst", func(s *Socket, ev *Event) {
		for i := range 500 {
			_ = s.Emit("n", i, strings.Repeat("x", 10_000), []byte{1})
		}
		_ = ev.Ack("done")
	})
	ts := httptest.NewTLSServer(srv)
	defer ts.Close()
	ctx := testContext(t)
	for _, transport := range clientTransports {
		c, err := NewClient(ts.URL, ClientOptions{HTTPClient: ts.Client(), Transports: []string{transport}})
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		c.On("n", func(ev *Event) {
			if string(ev.Args[0]) != fmt.Sprint(next) || len(ev.Args[1]) != 10_002 {
				t.Errorf("%s: got %s, want %d", transport, ev.Args[0], next)
			}
			next++
		})
		if err := c.Connect(ctx); err != nil {
			t.Fatal(err)
		}
		if args, err := c.EmitWithAck(ctx, "burst"); err != nil || jsonOf(args) != `["done"]` {
			t.Errorf("%s: %s %v", transport, args, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if next != 500 {
			t.Errorf("%s: %d of 500 came", transport, next)
		}
	}
	closeCtx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := srv.Close(closeCtx); err != nil {
		t.Error(err)
	}
}
