package engineio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// chatter is a handler that takes no interest in what comes.
type chatter struct{}

func (chatter) Message([]byte, bool) error { return nil }
func (chatter) Closed(Reason)              {}

// TestWritesStayWithTheirSocket has connections end in the middle of writes while others begin, so that descriptors are
// used again at once: what is written for one must never reach another.
func TestWritesStayWithTheirSocket(t *testing.T) {
	t.Parallel()
	var senders sync.WaitGroup
	srv, err := NewServer(Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}, func(s *Session) Handler {
		for range 2 {
			senders.Go(func() {
				for s.Send(message(s.ID(), false)) == nil {
				}
			})
		}
		return chatter{}
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(srv)
	defer ts.Close()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	defer func() {
		_ = srv.Close(ctx)
		senders.Wait()
	}()
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 25 {
				if err := listen(ctx, ts.URL, 20); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// listen connects, checks some messages and goes without a word.
func listen(ctx context.Context, url string, messages int) error {
	conn, _, err := websocket.Dial(ctx, url+"/engine.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	_, first, err := conn.Read(ctx)
	if err != nil {
		return err
	}
	var handshake Handshake
	if err := json.Unmarshal(first[1:], &handshake); err != nil {
		return err
	}
	for range messages {
		_, got, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if string(got) != "4"+handshake.SID {
			return fmt.Errorf("session %s was sent %q", handshake.SID, got)
		}
	}
	return nil
}
