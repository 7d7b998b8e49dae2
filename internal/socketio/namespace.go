package socketio

// Namespace is one of the channels that share a client's connection. Register middleware and handlers before
// the server serves: they apply to sockets that connect afterwards.
type Namespace struct{}

// Name returns the namespace's name, "/" for the main one.
func (n *Namespace) Name() string { panic("not yet") }

// Use adds a middleware: it sees every socket before it is connected, with its HTTP request and auth payload, in
// the order of registration. An error refuses the client; a *ConnectError chooses what the client is told, any
// other error is told by its text.
func (n *Namespace) Use(middleware func(s *Socket) error) { panic("not yet") }

// OnConnect adds a handler for connected sockets. It runs before any event of the socket is handled.
func (n *Namespace) OnConnect(h func(s *Socket)) { panic("not yet") }

// On adds a handler of one event for every socket of the namespace. It costs no memory a socket, Socket.On does.
func (n *Namespace) On(event string, h func(s *Socket, ev *Event)) { panic("not yet") }

// To begins a broadcast to the sockets that are in any of the rooms. A socket's id is a room of its own.
func (n *Namespace) To(rooms ...string) *Broadcast { panic("not yet") }

// Except begins a broadcast to all sockets but those in any of the rooms.
func (n *Namespace) Except(rooms ...string) *Broadcast { panic("not yet") }

// Local begins a broadcast to the sockets of this node.
func (n *Namespace) Local() *Broadcast { panic("not yet") }

// Emit sends an event to all sockets of the namespace, on all nodes. See Socket.Emit for the arguments.
func (n *Namespace) Emit(event string, args ...any) error { panic("not yet") }

// Socket returns the connected socket of this node with that id, or nil.
func (n *Namespace) Socket(id string) *Socket { panic("not yet") }

// Len returns the number of sockets connected to the namespace on this node.
func (n *Namespace) Len() int { panic("not yet") }
