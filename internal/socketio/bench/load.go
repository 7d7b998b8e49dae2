package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// client is one connected agent: a WebSocket with as little around it as possible, the same for every server.
type client struct {
	conn    net.Conn
	r       *bufio.Reader
	acks    chan time.Time // when the awaited answer came
	connect chan error     // when the namespace was joined
}

// dialStalled connects a client to a room and then reads no more.
func dialStalled(addr, room string) (net.Conn, error) {
	c := &crowd{clients: make([]*client, 1)}
	cl, err := c.handshake(addr)
	if err != nil {
		return nil, err
	}
	if err := cl.send(`40{"room":"` + room + `"}`); err != nil {
		return nil, err
	}
	for joined := false; !joined; {
		packet, err := cl.next(nil)
		if err != nil {
			return nil, err
		}
		joined = bytes.HasPrefix(packet, []byte("40"))
	}
	return cl.conn, nil
}

// crowd is all clients of one run and what they have received together.
type crowd struct {
	clients []*client
	cards   atomic.Int64
	pushed  chan time.Time // arrivals of single pushes
	allGot  atomic.Pointer[chan time.Time]
	readers sync.WaitGroup
}

// dialCrowd connects n clients, client i in room "u<i>".
func dialCrowd(addr string, n int) (*crowd, error) {
	c := &crowd{clients: make([]*client, n), pushed: make(chan time.Time, 1024)}
	slots := make(chan struct{}, 64)
	failed := make(chan error, n)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := c.dial(addr, i); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		c.close()
		return nil, err
	default:
		return c, nil
	}
}

// handshake opens a WebSocket.
func (c *crowd) handshake(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	cl := &client{conn: conn, r: bufio.NewReaderSize(conn, 512), acks: make(chan time.Time, 1), connect: make(chan error, 1)}
	// The headers a browser would send, shortened.
	fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nCookie: VouchCookie=0123456789abcdef0123456789abcdef\r\n\r\n", addr)
	status, err := cl.r.ReadString('\n')
	if err != nil || !bytes.Contains([]byte(status), []byte(" 101 ")) {
		return nil, fmt.Errorf("handshake: %q %w", status, err)
	}
	for line := ""; line != "\r\n"; {
		if line, err = cl.r.ReadString('\n'); err != nil {
			return nil, err
		}
	}
	return cl, nil
}

func (c *crowd) dial(addr string, i int) error {
	cl, err := c.handshake(addr)
	if err != nil {
		return err
	}
	c.clients[i] = cl
	c.readers.Go(func() { c.read(cl) })
	if err := cl.send(fmt.Sprintf(`40{"room":"u%d"}`, i)); err != nil {
		return err
	}
	select {
	case err := <-cl.connect:
		return err
	case <-time.After(20 * time.Second):
		return fmt.Errorf("client %d was not connected in time", i)
	}
}

// send writes a masked text frame; the mask of zeros saves the generator's time and changes nothing for the server.
func (cl *client) send(text string) error {
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	_, err := cl.conn.Write(frame)
	return err
}

func (c *crowd) read(cl *client) {
	var buf []byte
	for {
		packet, err := cl.next(buf[:0])
		if err != nil {
			return
		}
		c.receive(cl, packet)
		buf = packet
	}
}

// next reads a frame's payload into buf.
func (cl *client) next(buf []byte) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(cl.r, head[:2]); err != nil {
		return nil, err
	}
	size, extended := uint64(head[1]), 0
	switch size {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if extended > 0 {
		head = [8]byte{}
		if _, err := io.ReadFull(cl.r, head[8-extended:]); err != nil {
			return nil, err
		}
		size = binary.BigEndian.Uint64(head[:])
	}
	buf = slices.Grow(buf, int(size))[:size]
	_, err := io.ReadFull(cl.r, buf)
	return buf, err
}

func (c *crowd) receive(cl *client, packet []byte) {
	switch {
	case bytes.Equal(packet, []byte("2")):
		_ = cl.send("3")
	case bytes.HasPrefix(packet, []byte("40")):
		cl.connect <- nil
	case bytes.HasPrefix(packet, []byte("43")):
		cl.acks <- time.Now()
	case bytes.HasPrefix(packet, []byte(`42["card"`)):
		n := c.cards.Add(1)
		if all := c.allGot.Load(); all == nil {
			c.pushed <- time.Now()
		} else if n == int64(len(c.clients)) {
			*all <- time.Now()
		}
	}
}

func (c *crowd) close() {
	for _, cl := range c.clients {
		if cl != nil {
			_ = cl.conn.Close()
		}
	}
	c.readers.Wait()
}

// echo sends one event and waits for its acknowledgement.
func (cl *client) echo(id int) (time.Duration, error) {
	begin := time.Now()
	if err := cl.send("42" + strconv.Itoa(id) + `["echo",` + strconv.FormatInt(begin.UnixMicro(), 10) + "]"); err != nil {
		return 0, err
	}
	select {
	case at := <-cl.acks:
		return at.Sub(begin), nil
	case <-time.After(10 * time.Second):
		return 0, fmt.Errorf("no echo")
	}
}
