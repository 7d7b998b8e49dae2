package socketio

import (
	"slices"
	"sync"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// Namespace is one of the channels that share a client's connection. Register middleware and handlers before
// the server serves: they apply to sockets that connect afterwards.
type Namespace struct {
	srv      *Server
	name     string
	recovery *recoveryLog // nil: none

	mu         sync.RWMutex
	middleware []func(*Socket) error
	onConnect  []func(*Socket)
	handlers   map[string]func(*Socket, *Event)
	sockets    map[string]*Socket              // by id
	order      []*Socket                       // the same, about as they came: what was made together lies together
	rooms      map[string]map[*Socket]struct{} // none is empty
}

func newNamespace(srv *Server, name string) *Namespace {
	n := &Namespace{
		srv:      srv,
		name:     name,
		handlers: map[string]func(*Socket, *Event){},
		sockets:  map[string]*Socket{},
		rooms:    map[string]map[*Socket]struct{}{},
	}
	if srv.o.Recovery != nil {
		n.recovery = newRecoveryLog(*srv.o.Recovery)
	}
	return n
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
// memory a socket, Socket.On does.
func (n *Namespace) On(event string, h func(s *Socket, ev *Event)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handlers[event] = h
}

// To begins a broadcast to the sockets that are in any of the rooms. A socket's id is a room of its own.
func (n *Namespace) To(rooms ...string) *Broadcast { return (&Broadcast{ns: n}).To(rooms...) }

// Except begins a broadcast to all sockets but those in any of the rooms.
func (n *Namespace) Except(rooms ...string) *Broadcast { return (&Broadcast{ns: n}).Except(rooms...) }

// Local begins a broadcast to the sockets of this node.
func (n *Namespace) Local() *Broadcast { return (&Broadcast{ns: n}).Local() }

// Emit sends an event to all sockets of the namespace, on all nodes. See Socket.Emit for the arguments.
func (n *Namespace) Emit(event string, args ...any) error {
	return (&Broadcast{ns: n}).Emit(event, args...)
}

// Socket returns the connected socket of this node with that id, or nil.
func (n *Namespace) Socket(id string) *Socket {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.sockets[id]
}

// Len returns the number of sockets connected to the namespace on this node.
func (n *Namespace) Len() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.sockets)
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

// enter connects a socket: greeted first, so that nothing reaches the client before.
func (n *Namespace) enter(s *Socket) {
	if n.recovery != nil {
		s.pid = newID()
	}
	_ = s.conn.session.Send(s.greeting()) // closed: leave follows
	n.index(s)
}

// index makes a socket findable, unless it has left meanwhile.
func (n *Namespace) index(s *Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return
	}
	s.link = s.conn.session
	n.sockets[s.id] = s
	s.place = len(n.order)
	n.order = append(n.order, s)
	for _, room := range s.rooms {
		n.addToRoom(s, room)
	}
}

func (n *Namespace) addToRoom(s *Socket, room string) {
	members := n.rooms[room]
	if members == nil {
		members = make(map[*Socket]struct{}, 1)
		n.rooms[room] = members
	}
	members[s] = struct{}{}
}

func (n *Namespace) removeFromRoom(s *Socket, room string) {
	members := n.rooms[room]
	delete(members, s)
	if len(members) == 0 {
		delete(n.rooms, room)
	}
}

// exit takes a socket out of the namespace; one that may come back is remembered, also when it has come back and goes
// again before it is connected.
func (n *Namespace) exit(s *Socket, reason string) {
	if n.recovery != nil {
		n.recovery.mu.Lock() // no event between the last one sent and the remembering
		defer n.recovery.mu.Unlock()
	}
	n.mu.Lock()
	connected := n.sockets[s.id] == s
	if connected {
		delete(n.sockets, s.id)
		n.unorder(s)
	}
	for _, room := range s.rooms {
		n.removeFromRoom(s, room)
	}
	rooms := s.rooms
	s.rooms = nil
	s.mu.Lock()
	s.gone = true // under n.mu, so that nobody puts it back
	data := s.data
	s.mu.Unlock()
	n.mu.Unlock()
	if (connected || s.recovered) && n.recovery != nil && isRecoverable(reason) {
		n.recovery.remember(s.pid, departed{id: s.id, rooms: rooms, data: data})
	}
}

// unorder takes a socket out of n.order; the last one takes its place.
func (n *Namespace) unorder(s *Socket) {
	last := len(n.order) - 1
	n.order[s.place] = n.order[last]
	n.order[s.place].place = s.place
	n.order[last] = nil
	n.order = n.order[:last]
}

// join puts a socket into rooms; before it is connected, that is in middleware, they are only noted.
func (n *Namespace) join(s *Socket, rooms []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.mu.Lock()
	gone, connected := s.gone, s.link != nil
	s.mu.Unlock()
	if gone {
		return
	}
	for _, room := range rooms {
		if slices.Contains(s.rooms, room) {
			continue
		}
		s.rooms = append(s.rooms, room)
		if connected {
			n.addToRoom(s, room)
		}
	}
}

func (n *Namespace) leave(s *Socket, rooms []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, room := range rooms {
		if i := slices.Index(s.rooms, room); i >= 0 {
			s.rooms = slices.Delete(s.rooms, i, i+1)
			n.removeFromRoom(s, room)
		}
	}
}

func (n *Namespace) all() []*Socket { return n.find(target{}) }

// find returns the sockets of this node that a target names.
func (n *Namespace) find(t target) []*Socket {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(t.rooms) == 0 {
		if len(t.except) == 0 {
			return slices.Clone(n.order)
		}
		found := make([]*Socket, 0, len(n.order))
		for _, s := range n.order {
			if !t.excludes(s) {
				found = append(found, s)
			}
		}
		return found
	}
	var found []*Socket
	for i, room := range t.rooms {
		add := func(s *Socket) {
			if !t.excludes(s) && !isIn(s, t.rooms[:i]) {
				found = append(found, s)
			}
		}
		if s := n.sockets[room]; s != nil {
			add(s)
		}
		for s := range n.rooms[room] {
			if s.id != room {
				add(s)
			}
		}
	}
	return found
}

// isIn tells whether a socket is in any of the rooms. It is called with n.mu held.
func isIn(s *Socket, rooms []string) bool {
	for _, room := range rooms {
		if s.id == room || slices.Contains(s.rooms, room) {
			return true
		}
	}
	return false
}

// emit encodes an event and sends it to the target's sockets on this node.
func (n *Namespace) emit(t target, event string, args []any) error {
	out := outgoing{typ: packetEvent, namespace: n.name, ackID: noAck, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	n.deliver(t, messages)
	return nil
}

// deliver sends an encoded event to the target's sockets on this node. With recovery it is logged first, and one
// event after the other, so that a client that has one has all before it.
func (n *Namespace) deliver(t target, messages []engineio.Message) {
	if n.recovery != nil && !t.volatile {
		n.recovery.mu.Lock()
		defer n.recovery.mu.Unlock()
		messages = n.recovery.append(t, messages)
	}
	for _, s := range n.find(t) {
		if t.volatile {
			_ = s.sendVolatile(messages) // a socket that fails is closed, and its handlers are told
		} else {
			_ = s.send(messages)
		}
	}
}
