package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// The load generator shares the machine with the servers, so it must cost as little as it can: plain sockets, one
// goroutine that reads them all through epoll, no buffers but for halves of frames.

// client is one connected agent.
type client struct {
	fd       int
	received []byte         // the beginning of what is not complete yet
	upgraded bool           // the WebSocket handshake is over
	joined   chan error     // when the namespace was joined
	acks     chan time.Time // when the awaited reply came
}

// crowd is all clients of one run and what they have received together.
type crowd struct {
	epoll   int
	clients []*client
	pushed  chan time.Time // arrivals of single cards
	reader  sync.WaitGroup

	mu      sync.Mutex
	byFD    map[int]*client
	stopped bool
}

// dialCrowd connects n clients, client i in room "u<i>".
func dialCrowd(addr string, n int) (*crowd, error) {
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	c := &crowd{
		epoll:   epoll,
		clients: make([]*client, n),
		pushed:  make(chan time.Time, 1024),
		byFD:    map[int]*client{},
	}
	c.reader.Go(c.read)
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

// dial connects client i.
func (c *crowd) dial(addr string, i int) error {
	cl := &client{joined: make(chan error, 1), acks: make(chan time.Time, 1)}
	var err error
	if cl.fd, err = connect(addr); err != nil {
		return err
	}
	c.mu.Lock()
	c.clients[i], c.byFD[cl.fd] = cl, cl
	c.mu.Unlock()
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(cl.fd)}
	if err := syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_ADD, cl.fd, &event); err != nil {
		return err
	}
	if err := cl.write([]byte(upgradeRequest(addr))); err != nil {
		return err
	}
	select {
	case err = <-cl.joined: // of the WebSocket
	case <-time.After(20 * time.Second):
		err = fmt.Errorf("client %d: no WebSocket in time", i)
	}
	if err != nil {
		return err
	}
	if err := cl.send(`40{"room":"u` + strconv.Itoa(i) + `"}`); err != nil {
		return err
	}
	select {
	case err = <-cl.joined:
		return err
	case <-time.After(20 * time.Second):
		return fmt.Errorf("client %d: not connected in time", i)
	}
}

// connect opens a socket and makes it non-blocking.
func connect(addr string) (fd int, err error) {
	a, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return 0, err
	}
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	sa := &syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}
	err = errors.Join(syscall.Connect(fd, sa), syscall.SetNonblock(fd, true),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
	if err != nil {
		_ = syscall.Close(fd)
	}
	return fd, err
}

// upgradeRequest has the headers a browser would send, shortened.
func upgradeRequest(addr string) string {
	return "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\n" +
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nCookie: VouchCookie=0123456789abcdef0123456789abcdef\r\n\r\n"
}

// send writes a masked text frame; the mask of zeros saves the generator's time and changes nothing for the server.
func (cl *client) send(text string) error { return cl.write(textFrame(text)) }

func textFrame(text string) []byte {
	return append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
}

// write writes a few bytes; the socket has room for them unless the server has stopped to read.
func (cl *client) write(p []byte) error {
	n, err := syscall.Write(cl.fd, p)
	if err == nil && n < len(p) {
		err = errors.New("the server does not read")
	}
	return err
}

// read receives for all clients until close.
func (c *crowd) read() {
	events := make([]syscall.EpollEvent, 512)
	buf := make([]byte, 256<<10)
	for {
		n, err := syscall.EpollWait(c.epoll, events, 100) // milliseconds
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
		c.mu.Lock()
		if c.stopped {
			c.mu.Unlock()
			return
		}
		for _, event := range events[:max(n, 0)] {
			cl := c.byFD[int(event.Fd)]
			n, err := syscall.Read(cl.fd, buf)
			switch {
			case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
			case n <= 0:
				delete(c.byFD, cl.fd)
				_ = syscall.Close(cl.fd)
				cl.tellJoined(errors.New("closed by the server"))
			default:
				c.receive(cl, buf[:n])
			}
		}
		c.mu.Unlock()
	}
}

func (cl *client) tellJoined(err error) {
	select {
	case cl.joined <- err:
	default:
	}
}

// receive takes bytes of a client and handles the complete frames.
func (c *crowd) receive(cl *client, p []byte) {
	if len(cl.received) > 0 {
		cl.received = append(cl.received, p...)
		p = cl.received
	}
	if !cl.upgraded {
		head, rest, found := bytes.Cut(p, []byte("\r\n\r\n"))
		if !found {
			cl.received = slices.Clone(p)
			return
		}
		var err error
		if !bytes.Contains(head, []byte(" 101 ")) {
			err = fmt.Errorf("handshake: %s", head)
		}
		cl.upgraded, p = true, rest
		cl.tellJoined(err)
	}
	for {
		payload, rest, ok := cutFrame(p)
		if !ok {
			break
		}
		c.handle(cl, payload)
		p = rest
	}
	if len(p) == 0 {
		cl.received = nil
	} else {
		cl.received = slices.Clone(p)
	}
}

// cutFrame cuts an unmasked frame off p.
func cutFrame(p []byte) (payload, rest []byte, ok bool) {
	if len(p) < 2 {
		return nil, p, false
	}
	size, head := int(p[1]), 2
	switch {
	case size == 126 && len(p) >= 4:
		size, head = int(binary.BigEndian.Uint16(p[2:])), 4
	case size == 127 && len(p) >= 10:
		size, head = int(binary.BigEndian.Uint64(p[2:])), 10
	case size >= 126:
		return nil, p, false
	}
	if len(p) < head+size {
		return nil, p, false
	}
	return p[head : head+size], p[head+size:], true
}

func (c *crowd) handle(cl *client, packet []byte) {
	switch {
	case bytes.Equal(packet, []byte("2")):
		_ = cl.send("3")
	case bytes.HasPrefix(packet, []byte("40")):
		cl.tellJoined(nil)
	case bytes.HasPrefix(packet, []byte("43")):
		cl.acks <- time.Now()
	case bytes.HasPrefix(packet, []byte(`42["card"`)):
		c.pushed <- time.Now()
	}
}

// cut closes all connections without a word, every other one by a reset.
func (c *crowd) cut() {
	for i, cl := range c.clients {
		if i%2 == 0 {
			_ = syscall.SetsockoptLinger(cl.fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		}
	}
	c.close()
}

func (c *crowd) close() {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	c.reader.Wait()
	for fd := range c.byFD {
		_ = syscall.Close(fd)
	}
	_ = syscall.Close(c.epoll)
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
		return 0, errors.New("no echo")
	}
}

// dialStalled connects a client to a room and then reads no more.
func dialStalled(addr, room string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	var seen []byte
	buf := make([]byte, 1024)
	for _, step := range []struct{ send, await string }{ // not every server takes a frame ahead of its answer
		{upgradeRequest(addr), "\r\n\r\n"},
		{string(textFrame(`40{"room":"` + room + `"}`)), `40{"sid"`},
	} {
		if _, err := conn.Write([]byte(step.send)); err != nil {
			return nil, err
		}
		for !bytes.Contains(seen, []byte(step.await)) {
			n, err := conn.Read(buf)
			if err != nil {
				return nil, err
			}
			seen = append(seen, buf[:n]...)
		}
	}
	return conn, nil
}
