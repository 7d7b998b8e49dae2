package sipua

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/emiago/sipgo/sip"
)

const (
	keepAlive    = 25 * time.Second // between signs of life that we ask of phones
	pongTimeout  = 20 * time.Second // a browser that does not answer a ping for so long is gone
	frameTimeout = 10 * time.Second // from a WebSocket message's first frame to its last
	writeTimeout = 10 * time.Second
	closeTimeout = time.Second // for the far end's half of a close
	maxMessage   = 32 << 10    // bytes; sipgo reads no more of a WebSocket message
)

// Why a tab's connection is ended by us.
var (
	errSilentSocket = errors.New("not registered in time")
	errGoingAway    = errors.New("the server stops")
)

// webSocket is the WebSocket of a phone in a browser. The frames on the wire are read and written by coder/websocket: fragments,
// pings, closes and limits are its affair. sipgo's transport has framing of its own, which knows too little of these; it is
// given a connection that holds nothing but a fixed handshake and whole messages in frames of the simplest form, whatever
// came in.
type webSocket struct {
	n         *Network
	flow      *flow
	ws        *websocket.Conn
	below     net.Conn
	in        chan []byte   // messages for sipgo
	heard     chan struct{} // closed when nothing more will come in
	ended     context.Context
	end       context.CancelCauseFunc // by us, with the reason
	once      sync.Once
	reading   []byte // what sipgo has not read yet of the handshake or of a message
	writing   []byte // what sipgo has written of its half of the handshake, or of a frame
	handshake bool   // sipgo's half is complete
}

// sipgoHandshake is what sipgo's upgrade reads: a fixed one, since the real one is over.
const sipgoHandshake = "GET / HTTP/1.1\r\nHost: sip\r\nConnection: Upgrade\r\nUpgrade: " +
	"websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n"

// newSocket notes of a request what is not known any more when it is a WebSocket.
func (n *Network) newSocket(r *http.Request) *webSocket {
	s := &webSocket{n: n, in: make(chan []byte), heard: make(chan struct{}), reading: []byte(sipgoHandshake)}
	s.ended, s.end = context.WithCancelCause(context.Background())
	s.flow = &flow{transport: "WS", client: addrOf(r.RemoteAddr), kind: ofBrowsers, shut: func() { s.end(errSilentSocket) }}
	if r.TLS != nil {
		s.flow.transport = "WSS"
	}
	return s
}

// serveSocket returns when the connection has ended, by whichever side.
func (n *Network) serveSocket(s *webSocket, ws *websocket.Conn, below net.Conn) {
	s.ws, s.below, s.flow.remote = ws, below, below.RemoteAddr().String()
	ws.SetReadLimit(maxMessage)
	n.flows.enter(s.flow)
	defer func() { _ = s.Close() }()
	doors := n.ws
	if s.flow.transport == "WSS" {
		doors = n.wss
	}
	n.tabs.Add(1)
	defer n.tabs.Done()
	if !doors.put(s) {
		_ = ws.CloseNow()
		return
	}
	go s.read() // ends with the connection
	ping := time.NewTicker(keepAlive)
	defer ping.Stop()
	for {
		select {
		case <-s.heard:
			_ = ws.CloseNow()
			return
		case <-s.ended.Done():
			s.bye()
			return
		case <-ping.C:
			ctx, stop := context.WithTimeout(s.ended, pongTimeout)
			err := ws.Ping(ctx)
			stop()
			if err != nil && s.ended.Err() == nil {
				_ = ws.CloseNow()
			}
		}
	}
}

// bye ends the connection as RFC 6455 wants it, and does not wait for long.
func (s *webSocket) bye() {
	code, why := websocket.StatusGoingAway, errGoingAway
	if errors.Is(context.Cause(s.ended), errSilentSocket) {
		code, why = websocket.StatusPolicyViolation, errSilentSocket
	}
	defer time.AfterFunc(closeTimeout, func() { _ = s.ws.CloseNow() }).Stop()
	_ = s.ws.Close(code, why.Error())
	<-s.heard
}

// read hands on what comes in until the connection ends.
func (s *webSocket) read() {
	defer close(s.heard)
	for {
		_, r, err := s.ws.Reader(context.Background()) // a dead connection is found by pings
		if err != nil {
			return
		}
		slow := time.AfterFunc(frameTimeout, func() { _ = s.ws.CloseNow() })
		message, err := io.ReadAll(r)
		slow.Stop()
		if err != nil {
			return
		}
		found, keepAlive, err := cutMessages(message)
		if err != nil {
			s.n.figures.refused("malformed")
		}
		if keepAlive { // RFC 5626, section 3.5.1, a request for a sign of life
			if s.send([]byte("\r\n")) != nil {
				return
			}
		}
		for _, m := range found {
			if _, err := sip.ParseMessage(m); err != nil { // sipgo would close the connection
				s.n.figures.refused("malformed")
				continue
			}
			select {
			case s.in <- frameForSipgo(m):
			case <-s.ended.Done():
				return
			}
		}
	}
}

var errCut = errors.New("sipua: not a SIP message")

// cutMessages finds the SIP messages in one of WebSocket: usually it is one, with or without Content-Length (RFC 7118, section
// 5), or a keep-alive. What does not hold whole messages is refused from there on.
func cutMessages(b []byte) (found [][]byte, keepAlive bool, err error) {
	for {
		if bytes.HasPrefix(b, []byte("\r\n\r\n")) {
			keepAlive = true
		}
		b = bytes.TrimLeft(b, "\r\n")
		if len(b) == 0 {
			return found, keepAlive, nil
		}
		head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
		if !ok {
			return found, keepAlive, errCut
		}
		size, ok := contentLength(head)
		if size < 0 {
			size = len(body)
		}
		if !ok || size > len(body) {
			return found, keepAlive, errCut
		}
		end := len(head) + 4 + size
		found = append(found, b[:end:end])
		b = b[end:]
	}
}

// contentLength reads the header of this name; -1: there is none; false: it is no number, or there are two that differ.
func contentLength(head []byte) (size int, ok bool) {
	size = -1
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		name = bytes.TrimSpace(name)
		if !bytes.EqualFold(name, []byte("Content-Length")) && !bytes.EqualFold(name, []byte("l")) {
			continue
		}
		n := 0
		value = bytes.TrimSpace(value)
		for _, c := range value {
			if c < '0' || c > '9' || n > maxMessage {
				return 0, false
			}
			n = n*10 + int(c-'0')
		}
		if len(value) == 0 || size >= 0 && size != n {
			return 0, false
		}
		size = n
	}
	return size, true
}

// frameForSipgo puts a message into one whole text frame with an empty mask (RFC 6455, section 5.2).
func frameForSipgo(m []byte) []byte {
	const finalText, masked = 0x81, 0x80
	b := make([]byte, 0, len(m)+14)
	if len(m) < 126 {
		b = append(b, finalText, masked|byte(len(m)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, finalText, masked|126), uint16(len(m))) // maxMessage fits in
	}
	return append(append(b, 0, 0, 0, 0), m...)
}

// Read implements [net.Conn] for sipgo.
func (s *webSocket) Read(b []byte) (int, error) {
	if len(s.reading) == 0 {
		select {
		case s.reading = <-s.in:
		case <-s.heard:
			return 0, io.EOF
		case <-s.ended.Done():
			return 0, io.EOF
		}
	}
	k := copy(b, s.reading)
	s.reading = s.reading[k:]
	return k, nil
}

// Write implements [net.Conn] for sipgo, which writes its half of the handshake and then whole frames, in as many pieces as it
// likes, and one after the other.
func (s *webSocket) Write(b []byte) (int, error) {
	s.writing = append(s.writing, b...)
	if !s.handshake {
		_, rest, ok := bytes.Cut(s.writing, []byte("\r\n\r\n"))
		if !ok {
			return len(b), nil
		}
		s.handshake, s.writing = true, rest
	}
	for {
		payload, rest, ok := frameFromSipgo(s.writing)
		if !ok {
			return len(b), nil
		}
		if err := s.send(payload); err != nil {
			return 0, err
		}
		s.writing = append(s.writing[:0], rest...)
	}
}

// frameFromSipgo takes the first frame off: never masked, never a fragment.
func frameFromSipgo(b []byte) (payload, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, b, false
	}
	size, at := uint64(b[1]&0x7f), 2
	switch {
	case size == 126 && len(b) >= 4:
		size, at = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case size == 127 && len(b) >= 10:
		size, at = binary.BigEndian.Uint64(b[2:]), 10
	case size >= 126:
		return nil, b, false
	}
	if uint64(len(b)-at) < size {
		return nil, b, false
	}
	end := at + int(size)
	return b[at:end], b[end:], true
}

// send writes a message. Browsers close a connection whose text is not UTF-8 (RFC 6455, section 8.1): names that are not go
// as bytes.
func (s *webSocket) send(message []byte) error {
	ctx, stop := context.WithTimeout(context.Background(), writeTimeout)
	defer stop()
	kind := websocket.MessageText
	if !utf8.Valid(message) {
		kind = websocket.MessageBinary
	}
	return s.ws.Write(ctx, kind, message)
}

// Close is called by sipgo whenever the connection ends, by whichever side.
func (s *webSocket) Close() error {
	s.once.Do(func() {
		s.end(errGoingAway)
		s.n.flowLost(s.flow)
	})
	return nil
}

// LocalAddr implements [net.Conn].
func (s *webSocket) LocalAddr() net.Addr { return s.below.LocalAddr() }

// RemoteAddr implements [net.Conn].
func (s *webSocket) RemoteAddr() net.Addr { return s.below.RemoteAddr() }

// SetDeadline implements [net.Conn]: time limits are kept where the frames are.
func (s *webSocket) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements [net.Conn].
func (s *webSocket) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements [net.Conn].
func (s *webSocket) SetWriteDeadline(time.Time) error { return nil }
