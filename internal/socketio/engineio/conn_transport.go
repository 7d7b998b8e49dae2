package engineio

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"unicode/utf8"
)

// StatusError is a server's refusal of a handshake.
type StatusError struct {
	Status int    // the HTTP status
	Body   string // at most 1 KiB of the answer
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("engineio: the server answered %d: %s", e.Status, e.Body)
}

func statusError(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return &StatusError{Status: resp.StatusCode, Body: string(body)}
}

// request makes a request with the options' header.
func (c *Conn) request(ctx context.Context, method string, body []byte) (*http.Request, error) {
	u := c.url
	if c.handshake.SID != "" {
		query := u.Query()
		query.Set("sid", c.handshake.SID)
		u.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("engineio: %w", err)
	}
	for name, values := range c.o.Header {
		req.Header[name] = values
	}
	if host := c.o.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return req, nil
}

// dialWebSocket opens a WebSocket (RFC 6455 section 4.1) through the HTTP client, with its proxy, TLS and cookies, and
// reads the handshake.
func (c *Conn) dialWebSocket(ctx context.Context) error {
	req, err := c.request(ctx, http.MethodGet, nil)
	if err != nil {
		return err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	req.Header.Set("Sec-WebSocket-Version", "13")
	req.Header.Set("Sec-WebSocket-Key", key)
	resp, err := c.o.HTTPClient.Do(req)
	if err != nil {
		return fmt.Errorf("engineio: %w", err)
	}
	conn, isConn := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !isConn {
		defer resp.Body.Close()
		return statusError(resp)
	}
	digest := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if resp.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(digest[:]) {
		_ = conn.Close()
		return errors.New("engineio: wrong Sec-WebSocket-Accept")
	}
	c.ws = newWSConn(conn, nil, c.o.MaxPayload, true)
	c.ws.onControl, c.ws.arriving = c.onControl, &c.arriving
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	data, _, err := c.ws.readMessage()
	if !stop() {
		_ = conn.Close()
		return fmt.Errorf("engineio: %w", context.Cause(ctx))
	}
	if err == nil {
		c.handshake, err = parseHandshake(data)
	}
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("engineio: no handshake: %w", err)
	}
	return nil
}

func (c *Conn) onControl(op uint8, payload []byte) error {
	switch op {
	case opClose:
		return closeFrame(payload)
	case opPing:
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.queued < backlogSize && !c.closing { // a server that asks and does not read gets no more replies
			c.enqueue(controlMessage(opPong, payload))
		}
	}
	return nil
}

func (c *Conn) readWebSocket() {
	for {
		data, isBinary, err := c.ws.readMessage()
		if err == nil {
			err = c.receive(data, isBinary)
		}
		if err != nil {
			c.readFailed(err)
			return
		}
	}
}

// dialPolling sends the first GET and reads the handshake. It returns what else was in the reply.
func (c *Conn) dialPolling(ctx context.Context) (rest [][]byte, err error) {
	body, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	if c.o.Protocol == 4 && isPayload3(body) {
		// A 2.x server takes no notice of EIO=4, and frames what it sends in its own way.
		c.protocol, c.o.Protocol = 3, 3
		query := c.url.Query()
		query.Set("EIO", "3")
		c.url.RawQuery = query.Encode()
	}
	err = c.eachPacket(body, func(data []byte, isBinary bool) error {
		if c.handshake.SID == "" {
			c.handshake, err = parseHandshake(data)
			return err
		}
		rest = append(rest, data)
		return nil
	})
	return rest, err
}

// eachPacket cuts a polling body into packets.
func (c *Conn) eachPacket(body []byte, f func(data []byte, isBinary bool) error) error {
	next := nextPacket
	if c.Protocol() == 3 {
		next = nextPacket3
	}
	for body != nil {
		var data []byte
		var isBinary bool
		var err error
		if data, isBinary, body, err = next(body); err != nil {
			return ReasonParseError
		}
		if err := f(data, isBinary); err != nil {
			return err
		}
	}
	return nil
}

// get polls once. The server holds a poll for at most a ping interval.
func (c *Conn) get(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.pingInterval()+c.pingTimeout())
	defer cancel()
	return c.do(ctx, http.MethodGet, nil)
}

func (c *Conn) do(ctx context.Context, method string, payload []byte) ([]byte, error) {
	req, err := c.request(ctx, method, payload)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	resp, err := c.o.HTTPClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("engineio: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp)
	}
	body, err := io.ReadAll(io.LimitReader(counted{resp.Body, &c.arriving}, c.o.MaxPayload+1))
	if err != nil {
		return nil, fmt.Errorf("engineio: %w", err)
	}
	if int64(len(body)) > c.o.MaxPayload {
		return nil, ReasonTransportError
	}
	return body, nil // not nil: io.ReadAll says so
}

// counted counts what is read.
type counted struct {
	from io.Reader
	sum  *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.sum.Add(int64(n))
	return n, err
}

func (c *Conn) readPolls(first [][]byte) {
	for _, data := range first {
		if err := c.receive(data, false); err != nil {
			c.readFailed(err)
			return
		}
	}
	for {
		body, err := c.get(c.ctx)
		if err != nil {
			c.failWith(ReasonTransportError)
			return
		}
		if err := c.eachPacket(body, c.receive); err != nil {
			c.readFailed(err)
			return
		}
	}
}

// post sends a batch in one body.
func (c *Conn) post(batch []Message, protocol int) error {
	var body []byte
	if protocol == 3 {
		body = appendPayload3(nil, batch)
	} else {
		body = appendPayload(nil, batch)
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.pingInterval()+c.pingTimeout())
	defer cancel()
	_, err := c.do(ctx, http.MethodPost, body)
	return err
}

// payloadSize is an upper bound of what a message takes in a polling body.
func payloadSize(m Message) int {
	if m.Binary() {
		return base64.StdEncoding.EncodedLen(len(m.Data())) + 16
	}
	return len(m.Data()) + 16
}

// Protocol 3 puts the packet type in front of binary data as well, and frames polling bodies as
// <length>:<packet>, the length in UTF-16 code units.

func binaryMessage3(data []byte) Message {
	buf := make([]byte, Headroom, Headroom+1+len(data))
	return NewBinaryMessage(append(append(buf, 4), data...))
}

// isPayload3 tells a protocol 3 polling body from one of protocol 4: it begins with a length.
func isPayload3(body []byte) bool {
	digits, _, found := bytes.Cut(body[:min(len(body), 12)], []byte{':'})
	return found && len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0
}

func appendPayload3(dst []byte, queue []Message) []byte {
	for _, m := range queue {
		if m.Binary() {
			dst = fmt.Appendf(dst, "%d:b4", 2+base64.StdEncoding.EncodedLen(len(m.Data())))
			dst = base64.StdEncoding.AppendEncode(dst, m.Data())
			continue
		}
		units := 0
		for _, r := range string(m.Data()) {
			units += utf16Units(r)
		}
		dst = fmt.Appendf(dst, "%d:", units)
		dst = append(dst, m.Data()...)
	}
	return dst
}

func utf16Units(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// nextPacket3 cuts the first packet off a polling body of protocol 3. Binary data keeps its type byte, as on a WebSocket.
func nextPacket3(body []byte) (data []byte, isBinary bool, rest []byte, err error) {
	i, units := 0, 0
	for ; i < len(body) && body[i] >= '0' && body[i] <= '9' && i < 9; i++ {
		units = units*10 + int(body[i]-'0')
	}
	if i == 0 || i >= len(body) || body[i] != ':' || units == 0 {
		return nil, false, nil, errPayload
	}
	body = body[i+1:]
	end := 0
	for units > 0 && end < len(body) {
		r, size := utf8.DecodeRune(body[end:])
		end += size
		units -= utf16Units(r)
	}
	if units != 0 {
		return nil, false, nil, errPayload
	}
	data, rest = body[:end], body[end:]
	if len(rest) == 0 {
		rest = nil
	}
	if data[0] != 'b' {
		return bytes.Clone(data), false, rest, nil
	}
	if len(data) < 2 {
		return nil, false, nil, errPayload
	}
	decoded, err := base64.StdEncoding.AppendDecode([]byte{data[1] - '0'}, data[2:])
	if err != nil {
		return nil, false, nil, errPayload
	}
	return decoded, true, rest, nil
}
