package engineio

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opText   = uint8(ws.OpText)
	opBinary = uint8(ws.OpBinary)
	opClose  = uint8(ws.OpClose)
	opPing   = uint8(ws.OpPing)
	opPong   = uint8(ws.OpPong)
)

// readBufferSize is what one read borrows. Nothing is held while a connection is silent.
const readBufferSize = 4096

var readBuffers = sync.Pool{New: func() any { return new([readBufferSize]byte) }}

// closeError is an end of the WebSocket with the status of the close frame to send; 0 sends none.
type closeError struct {
	code ws.StatusCode
	text string
}

func (e *closeError) Error() string { return "engineio: websocket: " + e.text }

// wsConn frames messages on a hijacked connection. One goroutine reads, and one at a time writes. It keeps no buffer
// between messages: on a plain socket a buffer is borrowed only when the kernel has bytes to give.
type wsConn struct {
	conn       io.ReadWriteCloser
	raw        syscall.RawConn // nil: conn is no plain socket
	fd         int             // of raw; noFD: none, or closed. It is guarded by the lock of the session that writes
	tryRead    func(fd uintptr) bool
	maxPayload int64
	client     bool // masks what it writes and takes unmasked frames

	// Of the reading goroutine.
	buf        *[readBufferSize]byte // borrowed, nil when empty
	r, w       int                   // unread bytes are buf[r:w]
	readErr    error
	arriving   *atomic.Int64                        // counts what is read; nil: nobody asks
	onControl  func(op uint8, payload []byte) error // replies to ping and close frames
	fragments  []byte
	fragmented uint8 // opcode of the message whose fragments are awaited, 0: none
}

// noFD is the descriptor of no socket.
const noFD = -1

func newWSConn(conn io.ReadWriteCloser, early []byte, maxPayload int64, client bool) *wsConn {
	c := &wsConn{conn: conn, fd: noFD, maxPayload: maxPayload, client: client}
	if sc, ok := conn.(syscall.Conn); ok && nonblocking {
		raw, err := sc.SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { c.fd = int(fd) })
		}
		if err == nil {
			c.raw = raw
			c.tryRead = c.readSome
		}
	}
	if len(early) > 0 { // bytes that came along with the handshake, at most one HTTP buffer of them
		c.buf = readBuffers.Get().(*[readBufferSize]byte)
		c.w = copy(c.buf[:], early)
	}
	return c
}

func (c *wsConn) setReadDeadline(t time.Time) {
	if nc, ok := c.conn.(net.Conn); ok {
		_ = nc.SetReadDeadline(t)
	}
}

func (c *wsConn) setWriteDeadline(t time.Time) {
	if nc, ok := c.conn.(net.Conn); ok {
		_ = nc.SetWriteDeadline(t)
	}
}

// closeWrite tells the other side that nothing more will come, so that what was sent is not lost by a reset.
func (c *wsConn) closeWrite() {
	switch nc := c.conn.(type) {
	case *net.TCPConn:
		_ = nc.CloseWrite()
	case *tls.Conn:
		_ = nc.CloseWrite()
	}
}

// readSome reads into a borrowed buffer, or gives it back when there is nothing to read.
func (c *wsConn) readSome(fd uintptr) bool {
	c.buf = readBuffers.Get().(*[readBufferSize]byte)
	n, err := readFD(fd, c.buf[:])
	switch {
	case err != nil:
		c.release()
		if isAgain(err) {
			return false // wait until readable
		}
		c.readErr = err
	case n == 0:
		c.release()
		c.readErr = io.EOF
	default:
		c.r, c.w = 0, n
		c.count(n)
	}
	return true
}

// release gives the borrowed buffer back.
func (c *wsConn) release() {
	if c.buf != nil {
		readBuffers.Put(c.buf)
		c.buf = nil
	}
	c.r, c.w = 0, 0
}

// forget drops what is there of a message that will not be read to its end. Whoever keeps the session would keep it, too.
func (c *wsConn) forget() {
	c.release()
	c.fragments, c.fragmented = nil, 0
}

// fill waits for bytes; the buffer is empty when it is called.
func (c *wsConn) fill() error {
	c.release()
	if c.raw != nil {
		if err := c.raw.Read(c.tryRead); err != nil {
			return err
		}
		return c.readErr
	}
	c.buf = readBuffers.Get().(*[readBufferSize]byte)
	n, err := c.conn.Read(c.buf[:])
	c.w = n
	c.count(n)
	if n > 0 {
		return nil
	}
	c.release()
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (c *wsConn) count(n int) {
	if c.arriving != nil {
		c.arriving.Add(int64(n))
	}
}

// canWait tells that the next read would begin a message and wait for it without holding anything.
func (c *wsConn) canWait() bool { return c.raw != nil && !c.hasUnread() && c.fragmented == 0 }

// hasUnread tells that bytes have come with what was read before.
func (c *wsConn) hasUnread() bool { return c.r < c.w }

func (c *wsConn) readByte() (byte, error) {
	if c.r == c.w {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	b := c.buf[c.r]
	c.r++
	return b, nil
}

// appendN appends the next n bytes to dst. The buffer grows with the bytes that are there, not with what the
// frame header claims.
func (c *wsConn) appendN(dst []byte, n int64) ([]byte, error) {
	for n > 0 {
		if c.r == c.w && n >= readBufferSize { // no need of the buffer
			taken, err := c.readInto(&dst, min(n, largeRead))
			if err != nil {
				return dst, unexpectedEOF(err)
			}
			n -= int64(taken)
			continue
		}
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return dst, unexpectedEOF(err)
			}
		}
		take := min(int64(c.w-c.r), n)
		dst = append(dst, c.buf[c.r:c.r+int(take)]...)
		c.r += int(take)
		n -= take
	}
	return dst, nil
}

// largeRead is what one read of a large message takes at most, and what is made room for ahead of the bytes.
const largeRead = 64 << 10

// readInto reads up to limit bytes straight to the end of dst.
func (c *wsConn) readInto(dst *[]byte, limit int64) (n int, err error) {
	*dst = slices.Grow(*dst, int(limit))
	room := (*dst)[len(*dst) : len(*dst)+int(limit)]
	if c.raw == nil {
		n, err = c.conn.Read(room)
	} else if waited := c.raw.Read(func(fd uintptr) bool {
		n, err = readFD(fd, room)
		return !isAgain(err)
	}); waited != nil {
		return 0, waited
	}
	switch {
	case n > 0:
		err = nil
	case err == nil:
		err = io.EOF
	}
	n = max(n, 0)
	*dst = (*dst)[:len(*dst)+n]
	c.count(n)
	return n, err
}

func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readHeader reads a frame header, RFC 6455 section 5.2.
func (c *wsConn) readHeader() (h ws.Header, err error) {
	b0, err := c.readByte()
	if err != nil {
		return h, err
	}
	b1, err := c.readByte()
	if err != nil {
		return h, unexpectedEOF(err)
	}
	h.Fin, h.Rsv, h.OpCode = b0&0x80 != 0, b0>>4&7, ws.OpCode(b0&0x0f)
	h.Masked, h.Length = b1&0x80 != 0, int64(b1&0x7f)
	extended := 0
	switch h.Length {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if extended > 0 {
		var length [8]byte
		if err := c.readFull(length[8-extended:]); err != nil {
			return h, err
		}
		h.Length = int64(binary.BigEndian.Uint64(length[:]))
		if h.Length < 0 {
			return h, &closeError{ws.StatusProtocolError, "frame length out of range"}
		}
	}
	if h.Masked {
		err = c.readFull(h.Mask[:])
	}
	return h, err
}

func (c *wsConn) readFull(p []byte) error {
	for i := range p {
		b, err := c.readByte()
		if err != nil {
			return unexpectedEOF(err)
		}
		p[i] = b
	}
	return nil
}

// readMessage returns the next message; ping and close frames in between are replied to. The returned bytes are the
// caller's.
func (c *wsConn) readMessage() (data []byte, isBinary bool, err error) {
	for {
		h, err := c.readHeader()
		if err != nil {
			return nil, false, err
		}
		if err := c.checkHeader(h); err != nil {
			return nil, false, err
		}
		var payload []byte
		fragment := !h.OpCode.IsControl() && (c.fragmented != 0 || !h.Fin)
		if fragment {
			payload = c.fragments
		} else if h.Length <= readBufferSize {
			payload = make([]byte, 0, h.Length)
		}
		before := len(payload)
		payload, err = c.appendN(payload, h.Length)
		if err != nil {
			return nil, false, err
		}
		if h.Masked {
			ws.Cipher(payload[before:], h.Mask, 0)
		}
		if h.OpCode.IsControl() {
			if err := c.onControl(uint8(h.OpCode), payload); err != nil {
				return nil, false, err
			}
			continue
		}
		opcode := uint8(h.OpCode)
		if fragment {
			if c.fragmented == 0 {
				c.fragmented = opcode
			}
			c.fragments = payload
			if !h.Fin {
				continue
			}
			opcode = c.fragmented
			c.fragments, c.fragmented = nil, 0
		}
		if opcode == opText && !utf8.Valid(payload) {
			return nil, false, &closeError{ws.StatusInvalidFramePayloadData, "text is not UTF-8"}
		}
		return payload, opcode == opBinary, nil
	}
}

// checkHeader refuses what breaks RFC 6455 and messages over the limit.
func (c *wsConn) checkHeader(h ws.Header) error {
	state := ws.StateServerSide
	if c.client {
		state = ws.StateClientSide
	}
	if c.fragmented != 0 {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return &closeError{ws.StatusProtocolError, err.Error()}
	}
	if !h.OpCode.IsControl() && h.Length+int64(len(c.fragments)) > c.maxPayload {
		return &closeError{ws.StatusMessageTooBig, "message over the limit"}
	}
	return nil
}

// appendFrame appends a message's frame, masked when this is a client (RFC 6455 section 5.3).
func (c *wsConn) appendFrame(dst []byte, m Message) []byte {
	if !c.client {
		return append(dst, m.frame...)
	}
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32())
	head := len(dst)
	dst = append(dst, m.frame[:m.start]...)
	dst[head+1] |= 0x80
	dst = append(dst, mask[:]...)
	body := len(dst)
	dst = append(dst, m.Data()...)
	ws.Cipher(dst[body:], mask, 0)
	return dst
}

// tryWrite writes what the kernel takes at once: nothing when the connection cannot tell.
//
// It goes by the descriptor, past the locks and the poller of package net, which cost a tenth of the time of a write. The
// descriptor is this connection's as long as it is not closed, and close takes it away under the same lock.
func (c *wsConn) tryWrite(p []byte) (n int, err error) {
	if c.raw == nil {
		return 0, nil
	}
	if c.fd == noFD {
		return 0, net.ErrClosed
	}
	n, err = writeFD(c.fd, p)
	if isAgain(err) {
		return 0, nil
	}
	return n, err
}

// write writes p by the deadline, and tells how much of it was written.
func (c *wsConn) write(p []byte, deadline time.Time) (int, error) {
	c.setWriteDeadline(deadline)
	return c.conn.Write(p)
}

// closeFrame is what a close frame of the other side means: its end, or a frame that RFC 6455 does not allow.
func closeFrame(payload []byte) *closeError {
	if len(payload) == 0 {
		return &closeError{ws.StatusNormalClosure, closedByPeer}
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if len(payload) == 1 || !mayClose(code) || !utf8.ValidString(reason) {
		return &closeError{ws.StatusProtocolError, "bad close frame"}
	}
	return &closeError{code, closedByPeer}
}

// mayClose tells the codes that a close frame may have: RFC 6455 section 7.4, and the registry that it founded.
func mayClose(code ws.StatusCode) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014: // 1004, 1005, 1006 and 1015 are never sent
		return true
	}
	return code >= 3000 && code <= 4999 // of libraries and applications
}

// controlMessage makes a control frame; the payload is at most 125 bytes.
func controlMessage(opcode uint8, payload []byte) Message {
	buf := make([]byte, Headroom, Headroom+len(payload))
	return newMessage(append(buf, payload...), Headroom, opcode)
}

func closeMessage(code ws.StatusCode, reason string) Message {
	return controlMessage(opClose, ws.NewCloseFrameBody(code, reason))
}
