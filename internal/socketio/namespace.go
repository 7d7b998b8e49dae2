package socketio

import (
	"fmt"
	"sync"
)

// Namespace is one of the channels that share a client's connection. Register middleware and handlers before
// the server serves: they apply to sockets that connect afterwards.
type Namespace struct {
	srv  *Server
	name string

	mu         sync.RWMutex
	middleware []func(*Socket) error
	onConnect  []func(*Socket)
	handlers   map[string]func(*Socket, *Event)
}

func newNamespace(srv *Server, name string) *Namespace {
	return &Namespace{srv: srv, name: name, handlers: map[string]func(*Socket, *Event){}}
}

// Name returns the namespace's name, "/" for the main one.
func (n *Namespace) Name() string { return n.name }

// Use adds a middleware: it sees every socket before it is connected, with its HTTP request and auth payload, in
// the order of registration. An error refuses the client; a *ConnectError chooses what the client is told, any
// other error is told by its text.
func (n *Namespace) Use(middleware func(s *Socket) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.middleware = append(n.middleware, middleware)
}

// OnConnect adds a handler for connected sockets. It runs before any event of the socket is handled.
func (n *Namespace) OnConnect(h func(s *Socket)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onConnect = append(n.onConnect, h)
}

// On sets the handler of an event for every socket of the namespace, called after the socket's own. It costs no
// memory a socket, Socket.On does. An event has one handler: a second On for it panics, since either would be lost.
func (n *Namespace) On(event string, h func(s *Socket, ev *Event)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handlers[event] != nil {
		panic(secondHandler(event))
	}
	n.handlers[event] = h
}

// secondHandler is what a programmer is told who gives an event two handlers.
func secondHandler(event string) string {
	return fmt.Sprintf("socketio: On: the event %q has a handler already; one event has one", event)
}

func (n *Namespace) middlewares() []func(*Socket) error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.middleware
}

func (n *Namespace) connectHandlers() []func(*Socket) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.onConnect
}

// handle calls the handlers of a socket's event.
func (n *Namespace) handle(s *Socket, ev *Event) {
	s.endpoint.handle(ev)
	n.mu.RLock()
	h := n.handlers[ev.Name]
	n.mu.RUnlock()
	if h != nil {
		h(s, ev)
	}
}
