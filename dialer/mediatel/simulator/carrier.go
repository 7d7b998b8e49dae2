package simulator

import (
	"context"
	"net/http"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// Socket is one page's connection, whichever Socket.IO server has it.
type Socket interface {
	Emit(event string, args ...any) error
	Disconnect(closeTransport bool)
	OnDisconnect(func(reason string)) // not called before a method of this one has returned
	Request() *http.Request
	SetData(any)
	Data() any
}

// Carrier is a Socket.IO server that hands its connections to a Server: those that Admit lets in to Connected, and what they
// send as data to Command.
type Carrier interface {
	http.Handler
	Len() int
	Close(ctx context.Context) error
}

// carry is our own Socket.IO server.
func carry(s *Server) (Carrier, error) {
	io, err := socketio.NewServer(socketio.ServerOptions{
		Path: Path, Logger: s.Log, CORS: socketio.CORSOptions{Origins: []string{"*"}}, CheckRequest: s.Admit,
	})
	if err != nil {
		return nil, err
	}
	ns := io.Of("/")
	ns.OnConnect(func(socket *socketio.Socket) { s.Connected(socket) })
	ns.On(wire.EventData, func(socket *socketio.Socket, ev *socketio.Event) { s.Command(socket, ev.Args) })
	return io, nil
}
