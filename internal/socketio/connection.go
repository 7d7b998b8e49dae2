package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// connection is the server's side of one client: its sockets share it.
type connection struct {
	srv     *Server
	session *engineio.Session

	mu             sync.Mutex
	closed         bool
	assembler      assembler
	overdue        *time.Timer // closes the connection when announced attachments do not come
	sockets        []*Socket   // those that are connected or about to be
	working        int         // sockets whose last handler has not returned: these, and such as have left
	left           []string    // namespaces that the server took the client out of: its late packets there are ignored
	connectTimeout *time.Timer
}

func newConnection(srv *Server, session *engineio.Session) *connection {
	c := &connection{srv: srv, session: session}
	c.connectTimeout = time.AfterFunc(srv.o.ConnectTimeout, session.Close)
	return c
}

// Message implements engineio.Handler.
func (c *connection) Message(data []byte, isBinary bool) error {
	var p *packet
	if !isBinary {
		text, err := parsePacket(data)
		if err != nil {
			return engineio.ReasonParseError
		}
		p = &text
	}
	p, attachments, err := c.assemble(p, data)
	switch {
	case err != nil:
		return engineio.ReasonParseError
	case p == nil:
		return nil
	}
	return c.receive(p, attachments)
}

// assemble takes a packet, or an attachment when p is nil, and returns the packet that is complete with it. After the
// connection's end it takes nothing: what is not complete then is nobody's, and is not to be kept.
func (c *connection) assemble(p *packet, attachment []byte) (complete *packet, attachments [][]byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, nil
	}
	if p != nil {
		complete, err = c.assembler.text(p)
	} else {
		complete, attachments, err = c.assembler.binary(attachment)
	}
	switch {
	case err != nil:
	case complete == nil && c.overdue == nil:
		c.overdue = time.AfterFunc(c.srv.o.ConnectTimeout, c.session.Close)
	case complete != nil:
		c.stopOverdue()
	}
	return complete, attachments, err
}

// stopOverdue is called with c.mu held.
func (c *connection) stopOverdue() {
	if c.overdue != nil {
		c.overdue.Stop()
		c.overdue = nil
	}
}

// receive handles one packet. An error closes the connection.
func (c *connection) receive(p *packet, attachments [][]byte) error {
	if p.typ == packetConnect {
		return c.connect(p)
	}
	c.mu.Lock()
	s := c.find(p.namespace)
	late := s == nil && slices.Contains(c.left, p.namespace)
	c.mu.Unlock()
	switch {
	case late:
		return nil
	case s == nil:
		return engineio.ReasonParseError
	}
	switch p.typ {
	case packetEvent, packetBinaryEvent:
		if !s.inbox.offer(eventTask(p, attachments, &s.endpoint), c.srv.o.Inbox, c.srv.o.PingTimeout, s.run) {
			return engineio.Reason(ReasonFlood)
		}
	case packetAck, packetBinaryAck:
		s.answered(p.ackID, &Payload{p.args, attachments})
	case packetDisconnect:
		if c.remove(s, false) {
			s.leave(ReasonClientDisconnect)
		}
	default:
		return engineio.ReasonParseError
	}
	return nil
}

// find returns the socket in a namespace, or nil. It is called with c.mu held.
func (c *connection) find(namespace string) *Socket {
	for _, s := range c.sockets {
		if s.namespace == namespace {
			return s
		}
	}
	return nil
}

// connect begins a socket; its middleware and handlers run in its inbox.
func (c *connection) connect(p *packet) error {
	if len(p.data) > 0 && p.data[0] != '{' {
		return engineio.ReasonParseError
	}
	n := c.srv.namespace(p.namespace)
	if n == nil {
		data, _ := (&ConnectError{Message: "Invalid namespace"}).encode() // cannot fail
		return ignoreClosed(c.session.Send(controlPacket(packetConnectError, p.namespace, data)))
	}
	auth := p.data
	if len(auth) == 0 {
		auth = emptyObject
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.find(p.namespace) != nil {
		return engineio.ReasonParseError
	}
	if c.closed {
		return nil
	}
	if c.working-len(c.sockets) >= maxDeparted {
		return engineio.Reason(ReasonFlood)
	}
	c.working++
	if i := slices.Index(c.left, p.namespace); i >= 0 {
		c.left = slices.Delete(c.left, i, i+1)
	}
	s := newSocket(c, n, auth)
	c.sockets = append(c.sockets, s)
	c.srv.handling.Add(1)
	s.inbox.put(task{do: s.connect}, s.run)
	return nil
}

// maxDeparted bounds the sockets of one connection that have left and whose handlers are still at work. Each has an inbox:
// a client that joined and left again and again would have as many as it likes.
const maxDeparted = 16

// done ends the account of a socket whose last handler has returned.
func (c *connection) done() {
	c.mu.Lock()
	c.working--
	c.mu.Unlock()
	c.srv.handling.Done()
}

var emptyObject = []byte("{}")

func ignoreClosed(err error) error {
	if errors.Is(err, engineio.ErrClosed) {
		return nil
	}
	return err
}

// joined ends the time a client has to join a namespace.
func (c *connection) joined() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connectTimeout != nil {
		c.connectTimeout.Stop()
		c.connectTimeout = nil
	}
}

// remove takes a socket off the connection and reports whether it was there.
func (c *connection) remove(s *Socket, byServer bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.sockets, s)
	if i < 0 {
		return false
	}
	c.sockets = slices.Delete(c.sockets, i, i+1)
	if byServer && !slices.Contains(c.left, s.namespace) {
		c.left = append(c.left, s.namespace)
	}
	return true
}

// Closed implements engineio.Handler.
func (c *connection) Closed(reason engineio.Reason) {
	c.mu.Lock()
	c.closed = true
	sockets := c.sockets
	c.sockets = nil
	c.assembler = assembler{}
	c.stopOverdue() // its timer would keep the session, with all that hangs on it
	if c.connectTimeout != nil {
		c.connectTimeout.Stop()
	}
	c.mu.Unlock()
	for _, s := range sockets {
		s.leave(string(reason))
	}
}

// Quiesce implements engineio.Quiescer: it waits for the handlers of all sockets.
func (c *connection) Quiesce(ctx context.Context) {
	c.mu.Lock()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		if s.inbox.quiesce(ctx) != nil {
			return
		}
	}
}

// disconnect takes the client out of all namespaces and closes the connection.
func (c *connection) disconnect() {
	c.mu.Lock()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.Disconnect(false)
	}
	c.session.Close()
}
