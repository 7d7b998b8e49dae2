package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio"
)

func Example() {
	srv, err := socketio.NewServer(socketio.ServerOptions{
		CheckRequest: func(r *http.Request) error {
			if r.Header.Get("X-User") == "" {
				return &socketio.HTTPError{Status: http.StatusForbidden, Message: "log in first"}
			}
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	agents := srv.Of("/agents")
	agents.Use(func(s *socketio.Socket) error {
		var auth struct{ Login string }
		if err := json.Unmarshal(s.Auth(), &auth); err != nil || auth.Login == "" {
			return &socketio.ConnectError{Message: "no login", Data: map[string]int{"code": 1}}
		}
		s.SetData(auth.Login)
		return nil
	})
	agents.OnConnect(func(s *socketio.Socket) {
		_ = s.Emit("card", map[string]any{"agent": s.Data(), "phone": "+380441234567"})
	})
	agents.On("setPause", func(_ *socketio.Socket, ev *socketio.Event) {
		var pause int
		if err := ev.Decode(0, &pause); err != nil {
			_ = ev.Ack("which pause?")
			return
		}
		_ = ev.Ack(fmt.Sprint("paused: ", pause))
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	ts := httptest.NewServer(mux)
	defer ts.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	defer srv.Close(ctx)
	client, err := socketio.NewClient(ts.URL, socketio.ClientOptions{
		Namespace: "/agents",
		Header:    http.Header{"X-User": {"o.kovalenko"}},
		Auth:      func() any { return map[string]string{"login": "a17"} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	cards := make(chan json.RawMessage, 1)
	client.On("card", func(ev *socketio.Event) { cards <- ev.Args[0] })
	if err := client.Connect(ctx); err != nil {
		var refusal *socketio.ConnectError
		fmt.Println(errors.As(err, &refusal), err)
		return
	}
	answer, err := client.EmitWithAck(ctx, "setPause", 3)
	fmt.Println(string(answer[0]), err)
	fmt.Println(string(<-cards))
	// Output:
	// "paused: 3" <nil>
	// {"agent":"a17","phone":"+380441234567"}
}
