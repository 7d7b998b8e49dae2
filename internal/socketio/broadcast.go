package socketio

// Broadcast is an emit to many sockets, narrowed step by step: ns.To("u17").Except("busy").Emit("card", card).
// It may be kept and used again; each step returns a new one.
type Broadcast struct{}

// To adds rooms: a socket in any of them is reached.
func (b *Broadcast) To(rooms ...string) *Broadcast { panic("not yet") }

// Except leaves out sockets in any of the rooms.
func (b *Broadcast) Except(rooms ...string) *Broadcast { panic("not yet") }

// Local reaches sockets of this node only.
func (b *Broadcast) Local() *Broadcast { panic("not yet") }

// Volatile skips sockets that cannot take the event at once. Volatile events are not recovered.
func (b *Broadcast) Volatile() *Broadcast { panic("not yet") }

// Emit sends the event. The packet is encoded once. It fails when an argument cannot be encoded, and when the
// adapter could not take it for the other nodes; sockets of this node have it even then.
func (b *Broadcast) Emit(event string, args ...any) error { panic("not yet") }

// Disconnect disconnects the reached sockets, on all nodes, with closeTransport also their connections.
func (b *Broadcast) Disconnect(closeTransport bool) error { panic("not yet") }

// Sockets returns the reached sockets of this node.
func (b *Broadcast) Sockets() []*Socket { panic("not yet") }
