package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/creditorro/ringmaster/internal/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestServer runs the whole program: what the suites and load generators rely on.
func TestServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(runCtx, "127.0.0.1:0", true, w) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + strings.TrimSpace(strings.TrimPrefix(line, "listening on "))

	echo, _, err := websocket.Dial(ctx, url+"/engine.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, handshake, err := echo.Read(ctx)
	if err != nil || !strings.Contains(string(handshake), `"pingInterval":25000`) {
		t.Errorf("handshake %s %v", handshake, err)
	}
	if err := echo.Write(ctx, websocket.MessageBinary, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if typ, data, err := echo.Read(ctx); typ != websocket.MessageBinary || string(data) != "\x01" {
		t.Errorf("echo %v %q %v", typ, data, err)
	}

	c, err := socketio.NewClient(url, socketio.ClientOptions{Auth: func() any { return map[string]string{"room": "u17"} }})
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan string, 10)
	c.OnAny(func(ev *socketio.Event) {
		text, _ := json.Marshal(ev.Args)
		events <- ev.Name + string(text)
	})
	if err := c.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	if args, err := c.EmitWithAck(ctx, "echo", 7); err != nil || string(args[0]) != "7" {
		t.Errorf("echo %s %v", args, err)
	}
	for _, query := range []string{"?room=nobody", "?room=u17", ""} {
		resp, err := http.Post(url+"/emit"+query, "application/json", strings.NewReader(`{"b":1,"a":2}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			t.Errorf("emit: %s", resp.Status)
		}
	}
	for _, want := range []string{`auth[{"room":"u17"}]`, `card[{"b":1,"a":2}]`, `card[{"b":1,"a":2}]`} {
		select {
		case got := <-events:
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		case <-ctx.Done():
			t.Fatal("nothing came")
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_ = echo.CloseNow()
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
