package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// legacyWait is how long a server that does not name a maxPayload may prove, by an unasked connect packet, that it
// speaks the protocol of Socket.IO 2.x. Asking such a server to connect would run its connect handlers twice.
const legacyWait = time.Second

// floodPatience is how long a client's full inbox holds up the connection before it is given up.
const floodPatience = 20 * time.Second

// clientConn is one connection of a Client, from its dialing to its end.
type clientConn struct {
	client *Client
	conn   *engineio.Conn

	// Of the goroutine that reads.
	assembler assembler
	legacy    bool // protocol 3
	joined    bool
	ended     string // the reason, once the server has ended the socket

	tooLate bool // dial has failed; guarded by client.mu

	greeted chan struct{} // closed at the unasked connect packet of a 2.x server
	result  chan error    // how the connect went; holds one
	lost    chan string   // why the connection ended; holds one
}

// dial connects to the server and joins the namespace.
func (c *Client) dial(ctx context.Context, transport string) (*clientConn, error) {
	cc := &clientConn{
		client:  c,
		greeted: make(chan struct{}),
		result:  make(chan error, 1),
		lost:    make(chan string, 1),
	}
	protocol := c.o.Protocol
	if protocol == 0 {
		protocol = 4
	}
	conn, err := engineio.Dial(ctx, c.url, engineio.DialOptions{
		Header:     c.o.Header,
		HTTPClient: c.o.HTTPClient,
		Transport:  transport,
		Protocol:   protocol,
		MaxPayload: c.o.MaxPayload,
		SendQueue:  c.o.SendQueue,
	}, func(conn *engineio.Conn) engineio.Handler {
		cc.conn = conn
		return cc
	})
	if err != nil {
		return nil, err
	}
	if err := cc.join(ctx); err != nil && cc.giveUp() {
		conn.Close()
		return nil, err
	}
	return cc, nil
}

// giveUp ends the wait for the namespace's reply. It reports false when that has come at the last moment: whoever was told
// of the connect is to be told of its end, too.
func (cc *clientConn) giveUp() bool {
	c := cc.client
	c.mu.Lock()
	defer c.mu.Unlock()
	cc.tooLate = c.link != cc.conn
	return cc.tooLate
}

// join finds out the protocol, asks for the namespace and waits for the reply.
func (cc *clientConn) join(ctx context.Context) error {
	if cc.client.o.Protocol == 4 || cc.conn.Protocol() == 4 && cc.conn.Handshake().MaxPayload > 0 {
		return cc.ask(ctx)
	}
	wait := ctx
	if cc.conn.Protocol() == 4 {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, legacyWait)
		defer cancel()
	}
	select {
	case <-cc.greeted: // a 2.x server, which has asked itself
		return cc.await(ctx)
	case err := <-cc.result:
		return err
	case <-wait.Done():
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return cc.ask(ctx) // a 3.x server
	}
}

// ask sends the connect packet, with the auth payload.
func (cc *clientConn) ask(ctx context.Context) error {
	c := cc.client
	var auth []byte
	if c.o.Auth != nil {
		var err error
		if auth, err = appendJSON(nil, c.o.Auth()); err != nil {
			return fmt.Errorf("socketio: auth: %w", err)
		}
	}
	if err := cc.conn.Send(controlPacket(packetConnect, c.namespace, auth)); err != nil {
		return sendError(err)
	}
	return cc.await(ctx)
}

func (cc *clientConn) await(ctx context.Context) error {
	select {
	case err := <-cc.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Message implements engineio.Handler.
func (cc *clientConn) Message(data []byte, isBinary bool) error {
	p, attachments, err := cc.assemble(data, isBinary)
	switch {
	case err != nil:
		return engineio.ReasonParseError
	case p == nil:
		return nil
	}
	return cc.receive(p, attachments)
}

// assemble takes a message and returns the packet that is complete with it.
func (cc *clientConn) assemble(data []byte, isBinary bool) (*packet, [][]byte, error) {
	if isBinary {
		return cc.assembler.binary(data)
	}
	text, err := parsePacket(data)
	if err != nil {
		return nil, nil, err
	}
	p, err := cc.assembler.text(&text)
	return p, nil, err
}

// receive handles one packet. An error closes the connection.
func (cc *clientConn) receive(p *packet, attachments [][]byte) error {
	c := cc.client
	if p.typ == packetConnect && p.namespace == "/" && len(p.data) == 0 && !cc.joined {
		return cc.greet()
	}
	if p.namespace != c.namespace {
		return nil // of a 2.x server's main namespace, which every client is in
	}
	switch p.typ {
	case packetConnect:
		return cc.connected(p)
	case packetConnectError:
		cc.conclude(connectError(p.data))
	case packetDisconnect:
		cc.ended = ReasonIODisconnect
		return engineio.ReasonTransportClose
	case packetEvent, packetBinaryEvent:
		if !cc.joined {
			return engineio.ReasonParseError
		}
		if !c.inbox.offer(eventTask(p, attachments, &c.endpoint), c.o.Inbox, floodPatience, c.run) {
			return engineio.Reason(ReasonFlood)
		}
	case packetAck, packetBinaryAck:
		c.answered(p.ackID, &Payload{p.args, attachments})
	}
	return nil
}

// greet takes the unasked connect packet of a 2.x server: the main namespace is joined, any other is yet to be.
func (cc *clientConn) greet() error {
	if cc.legacy || cc.client.o.Protocol == 4 {
		return engineio.ReasonParseError
	}
	cc.legacy = true
	if cc.conn.Protocol() == 4 {
		cc.conn.UseProtocol3()
	}
	close(cc.greeted)
	if cc.client.namespace != "/" {
		return ignoreClosed(cc.conn.Send(controlPacket(packetConnect, cc.client.namespace, nil)))
	}
	return cc.connected(&packet{})
}

// connected takes the server's consent.
func (cc *clientConn) connected(p *packet) error {
	if cc.joined {
		return engineio.ReasonParseError
	}
	var answer struct {
		SID string `json:"sid"`
	}
	if len(p.data) > 0 {
		if err := json.Unmarshal(p.data, &answer); err != nil {
			return engineio.ReasonParseError
		}
	}
	if answer.SID == "" {
		answer.SID = cc.conn.Handshake().SID
	}
	c := cc.client
	c.mu.Lock()
	if cc.tooLate {
		c.mu.Unlock()
		return engineio.ReasonTransportClose
	}
	cc.joined = true
	c.id, c.protocol = answer.SID, cc.conn.Protocol()
	c.link = cc.conn
	handlers := c.onConnect
	c.mu.Unlock()
	c.tell(func() {
		for _, h := range handlers {
			h()
		}
	})
	cc.conclude(nil)
	return nil
}

// connectError reads a refusal: an object, or from a 2.x server a string.
func connectError(data json.RawMessage) error {
	var refusal struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(data, &refusal) != nil {
		_ = json.Unmarshal(data, &refusal.Message) // or it stays empty
	}
	e := &ConnectError{Message: refusal.Message}
	if refusal.Data != nil {
		e.Data = refusal.Data
	}
	return e
}

// conclude tells how the connect went; only the first word counts.
func (cc *clientConn) conclude(err error) {
	select {
	case cc.result <- err:
	default:
	}
}

var errLost = errors.New("socketio: connection lost before the namespace was joined")

// Closed implements engineio.Handler.
func (cc *clientConn) Closed(reason engineio.Reason) {
	if cc.ended == "" {
		cc.ended = string(reason)
	}
	cc.conclude(fmt.Errorf("%w: %s", errLost, cc.ended))
	cc.lost <- cc.ended
}
