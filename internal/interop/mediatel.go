package interop

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/zishang520/socket.io/servers/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// Mediatel is for [simulator.Options]: the simulator on the prescribed server.
func Mediatel(s *simulator.Server) (simulator.Carrier, error) {
	o := socket.DefaultServerOptions()
	o.SetPath(simulator.Path)
	o.SetCors(&types.Cors{Origin: "*"})
	o.SetAllowRequest(func(ctx *types.HttpContext) error { return s.Admit(ctx.Request()) })
	io := socket.NewServer(nil, nil)
	c := &carrier{io: io, Handler: io.ServeHandler(o)}
	err := io.On("connection", func(args ...any) {
		page := &connection{Socket: args[0].(*socket.Socket)}
		_ = page.Socket.On(wire.EventData, func(args ...any) { s.Command(page, texts(args)) }) // fails for a nil listener alone
		s.Connected(page)
	})
	return c, err
}

type carrier struct {
	http.Handler
	io *socket.Server
}

func (c *carrier) Len() int { return int(c.io.Engine().ClientsCount()) }

// Close disconnects the pages. The package itself waits for nobody, so neither does this beyond ctx.
func (c *carrier) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.io.Close(nil)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connection is a page's socket in the simulator's words.
type connection struct {
	*socket.Socket

	mu   sync.Mutex
	data any
}

func (c *connection) Emit(event string, args ...any) error {
	plain := make([]any, len(args))
	for i, arg := range args {
		text, err := json.Marshal(arg)
		if err == nil {
			err = json.Unmarshal(text, &plain[i]) // a json.RawMessage would be sent as binary
		}
		if err != nil {
			return err
		}
	}
	return c.Socket.Emit(event, plain...)
}

func (c *connection) Disconnect(closeTransport bool) {
	// What waits for the client would be lost with the transport: the package flushes nothing.
	c.Socket.Disconnect(closeTransport)
}

func (c *connection) OnDisconnect(h func(reason string)) {
	_ = c.Socket.On("disconnect", func(args ...any) { // fails for a nil listener alone
		reason, _ := args[0].(string)
		go h(reason) // it is called from within Disconnect
	})
}

func (c *connection) Request() *http.Request { return c.Socket.Request().Request() }

func (c *connection) SetData(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = v
}

func (c *connection) Data() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data
}

// texts are an event's arguments as JSON; a callback for an answer is none of them.
func texts(args []any) (list []json.RawMessage) {
	for _, arg := range args {
		if text, err := json.Marshal(arg); err == nil {
			list = append(list, text)
		}
	}
	return list
}
