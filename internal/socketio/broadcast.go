package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// target says which sockets a broadcast reaches.
type target struct {
	rooms    []string // none: all
	except   []string
	volatile bool
}

// excludes tells whether a socket is left out. It is called with the namespace's lock held.
func (t *target) excludes(s *Socket) bool { return isIn(s, t.except) }

// includes tells whether a socket is reached. It is called with the namespace's lock held.
func (t *target) includes(s *Socket) bool {
	return (len(t.rooms) == 0 || isIn(s, t.rooms)) && !t.excludes(s)
}

// Broadcast is an emit to many sockets, narrowed step by step: ns.To("u17").Except("busy").Emit("card", card).
// It may be kept and used again; each step returns a new one.
type Broadcast struct {
	ns     *Namespace
	target target
	local  bool
	empty  bool // To was called with no rooms
}

// To adds rooms: a socket in any of them is reached. Without any room at all nobody is.
func (b *Broadcast) To(rooms ...string) *Broadcast {
	c := *b
	c.target.rooms = slices.Concat(b.target.rooms, rooms)
	c.empty = len(c.target.rooms) == 0
	return &c
}

// Except leaves out sockets in any of the rooms.
func (b *Broadcast) Except(rooms ...string) *Broadcast {
	c := *b
	c.target.except = slices.Concat(b.target.except, rooms)
	return &c
}

// Local reaches sockets of this node only.
func (b *Broadcast) Local() *Broadcast {
	c := *b
	c.local = true
	return &c
}

// Volatile skips sockets that cannot take the event at once. Volatile events are not recovered.
func (b *Broadcast) Volatile() *Broadcast {
	c := *b
	c.target.volatile = true
	return &c
}

// Emit sends the event. The packet is encoded once. It fails when an argument cannot be encoded, and when the
// adapter could not take it for the other nodes; sockets of this node have it even then.
func (b *Broadcast) Emit(event string, args ...any) error {
	if b.empty {
		return nil
	}
	out := outgoing{typ: packetEvent, namespace: b.ns.name, ackID: noAck, name: event, args: args}
	messages, err := out.encode()
	if err != nil {
		return err
	}
	b.ns.deliver(b.target, messages)
	return b.publish(envelope{}, messages)
}

// Disconnect disconnects the reached sockets, on all nodes, with closeTransport also their connections.
func (b *Broadcast) Disconnect(closeTransport bool) error {
	for _, s := range b.Sockets() {
		s.Disconnect(closeTransport)
	}
	if b.empty {
		return nil
	}
	return b.publish(envelope{Disconnect: true, CloseTransport: closeTransport}, nil)
}

// Sockets returns the reached sockets of this node.
func (b *Broadcast) Sockets() []*Socket {
	if b.empty {
		return nil
	}
	return b.ns.find(b.target)
}

// envelope is a broadcast on its way to other nodes.
type envelope struct {
	Node           string   `json:"node"` // the sender, which has delivered it already
	Namespace      string   `json:"ns"`
	Rooms          []string `json:"rooms,omitempty"`
	Except         []string `json:"except,omitempty"`
	Volatile       bool     `json:"volatile,omitempty"`
	Packet         string   `json:"packet,omitempty"` // the encoded event
	Attachments    [][]byte `json:"attachments,omitempty"`
	Disconnect     bool     `json:"disconnect,omitempty"`
	CloseTransport bool     `json:"close,omitempty"`
}

// publish hands a broadcast to the adapter.
func (b *Broadcast) publish(e envelope, messages []engineio.Message) error {
	srv := b.ns.srv
	if b.local || srv.o.Adapter == nil {
		return nil
	}
	e.Node, e.Namespace = srv.nodeID, b.ns.name
	e.Rooms, e.Except, e.Volatile = b.target.rooms, b.target.except, b.target.volatile
	for i, m := range messages {
		if i == 0 {
			e.Packet = string(m.Data()[1:]) // without Engine.IO's packet type
		} else {
			e.Attachments = append(e.Attachments, m.Data())
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("socketio: %w", err)
	}
	if err := srv.o.Adapter.Publish(text); err != nil {
		return fmt.Errorf("socketio: publish to other nodes: %w", err)
	}
	return nil
}

var errEnvelope = errors.New("socketio: malformed message of another node")

// deliverRemote delivers a broadcast of another node.
func (s *Server) deliverRemote(text []byte) {
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		s.o.Logger.Warn("socketio: message of another node dropped", "error", errEnvelope)
		return
	}
	n := s.namespace(e.Namespace)
	if e.Node == s.nodeID || n == nil {
		return
	}
	t := target{rooms: e.Rooms, except: e.Except, volatile: e.Volatile}
	if e.Disconnect {
		for _, socket := range n.find(t) {
			socket.Disconnect(e.CloseTransport)
		}
		return
	}
	p, err := parsePacket([]byte(e.Packet))
	if err != nil || p.attachments != len(e.Attachments) {
		s.o.Logger.Warn("socketio: message of another node dropped", "error", errEnvelope)
		return
	}
	buf := make([]byte, engineio.Headroom, engineio.Headroom+len(e.Packet))
	messages := []engineio.Message{engineio.NewTextMessage(append(buf, e.Packet...))}
	for _, attachment := range e.Attachments {
		messages = append(messages, binaryMessage(attachment))
	}
	n.deliver(t, messages)
}
