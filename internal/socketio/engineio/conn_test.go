package engineio

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// serveScript serves one WebSocket client by hand, after the handshake.
func serveScript(t *testing.T, script func(context.Context, *websocket.Conn)) (url string) {
	t.Helper()
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		defer cancel()
		if err := conn.Write(ctx, websocket.MessageText, []byte(`0{"sid":"x","pingInterval":25000,"pingTimeout":20000}`)); err != nil {
			t.Error(err)
			return
		}
		script(ctx, conn)
	}))
	t.Cleanup(ts.Close)
	return ts.URL
}

// listener is a handler that hands on what it hears.
type listener struct {
	messages chan string
	closed   chan Reason
}

func (l *listener) Message(data []byte, _ bool) error {
	l.messages <- string(data)
	return nil
}

func (l *listener) Closed(reason Reason) { l.closed <- reason }

func dialScript(t *testing.T, url string, o DialOptions) (*Conn, *listener) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	l := &listener{make(chan string, 100), make(chan Reason, 1)}
	c, err := Dial(ctx, url, o, func(*Conn) Handler { return l })
	if err != nil {
		t.Fatal(err)
	}
	return c, l
}

// TestPingsWithoutReading has a server ping with a lot of data and read none of the replies.
func TestPingsWithoutReading(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("x", 100_000)
	written, read := make(chan struct{}), make(chan struct{})
	url := serveScript(t, func(ctx context.Context, conn *websocket.Conn) {
		for range 100 {
			if err := conn.Write(ctx, websocket.MessageText, []byte("2"+data)); err != nil {
				t.Error(err)
				return
			}
		}
		_ = conn.Write(ctx, websocket.MessageText, []byte("4all"))
		<-written
		conn.SetReadLimit(1 << 20)
		for {
			_, got, err := conn.Read(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			if string(got) == "4end" {
				close(read)
				return
			}
		}
	})
	c, l := dialScript(t, url, DialOptions{})
	if got := receive(t, l.messages); got != "all" {
		t.Errorf("got %q", got)
	}
	c.mu.Lock()
	if waiting := len(c.queue); waiting > 1 || c.queued > 100*100_000/2 {
		t.Errorf("%d answers wait, %d bytes in all", waiting, c.queued)
	}
	c.mu.Unlock()
	close(written)
	// Its replies do not stand in the way of what it is sent.
	testdeps.Eventually(t, "all to be sent", func() bool { return c.pending() == 0 })
	if err := c.Send(message("end", false)); err != nil {
		t.Fatal(err)
	}
	receive(t, read)
	c.Close()
}

func (c *Conn) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// TestClientAccount sends all there is to send, heartbeats included: the account is even when it is sent.
func TestClientAccount(t *testing.T) {
	t.Parallel()
	for _, protocol := range []int{3, 4} {
		url := serveScript(t, func(ctx context.Context, conn *websocket.Conn) {
			_ = conn.Write(ctx, websocket.MessageText, []byte("2data"))
			for {
				if _, got, err := conn.Read(ctx); err != nil || string(got) == "4end" {
					break
				}
			}
			_ = conn.Write(ctx, websocket.MessageText, []byte("4end"))
			_, _, _ = conn.Read(ctx)
		})
		c, l := dialScript(t, url, DialOptions{Protocol: protocol})
		if protocol == 3 {
			c.onTimer() // a ping
		}
		_ = c.onControl(opPing, []byte("x"))
		for range 3 {
			_ = c.Send(message("text", false), message("binary", true))
		}
		_ = c.Send(message("end", false))
		receive(t, l.messages)
		testdeps.Eventually(t, "an account without bytes", func() bool { return c.pending() == 0 })
		c.Close()
	}
}
