package socketio

import (
	"sync"
	"testing"
)

// TestEnterAndLeaveAtOnce has sockets enter and leave at the same time: one that has left has no connection.
func TestEnterAndLeaveAtOnce(t *testing.T) {
	t.Parallel()
	sockets := make(chan *Socket, 1)
	url, srv := serve(t, ServerOptions{}, func(srv *Server) {
		srv.Of("/").OnConnect(func(s *Socket) { sockets <- s })
	})
	openRaw(t, url).send("40")
	c := receive(t, sockets).conn
	for range 200 {
		s := newSocket(c, srv.Of("/"), nil)
		srv.handling.Add(1)
		var wg sync.WaitGroup
		wg.Go(func() { s.enter() })
		wg.Go(func() { s.leave(ReasonTransportClose) })
		wg.Wait()
		if s.Connected() || s.enter() {
			t.Fatal("connected after it has left")
		}
	}
}

// TestSecondHandler: one of two handlers of one event would be lost, so the second is refused, wherever it is given.
func TestSecondHandler(t *testing.T) {
	t.Parallel()
	url, srv := serve(t, ServerOptions{}, nil)
	c, err := NewClient(url, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, on := range map[string]func(){
		"namespace": func() { srv.Of("/").On("x", func(*Socket, *Event) {}) },
		"client":    func() { c.On("x", func(*Event) {}) },
		"any":       func() { c.OnAny(func(*Event) {}) },
	} {
		on()
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: a second handler was taken", name)
				}
			}()
			on()
		}()
	}
}
