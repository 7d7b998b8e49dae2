package engineio

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"unicode/utf8"
)

// FuzzPayload feeds polling bodies: a body that is taken goes out again as packets that say the same.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{"4hello", "4a\x1e4b\x1ebAQIDBA==", "", "\x1e", "4\x1e", "b", "b!", "2", "4é\U0001f600"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var queue []Message
		for rest := body; rest != nil; {
			data, isBinary, next, err := nextPacket(rest)
			if err != nil {
				return
			}
			if isBinary {
				queue = append(queue, message(string(data), true))
			} else {
				queue = append(queue, packet(data[0], string(data[1:])))
			}
			rest = next
		}
		again := appendPayload(nil, queue)
		for rest, i := again, 0; rest != nil; i++ {
			data, isBinary, next, err := nextPacket(rest)
			if err != nil || isBinary != queue[i].Binary() || !bytes.Equal(data, queue[i].Data()) {
				t.Fatalf("packet %d of %q became %q: %v", i, body, data, err)
			}
			rest = next
		}
	})
}

// FuzzPayload3 feeds polling bodies of protocol 3.
func FuzzPayload3(f *testing.F) {
	for _, seed := range []string{"6:4hello", "2:4a2:4b", "10:b4AQIDBA==", "3:4😀", "0:", "9999999999:4", ":", "1:", "2:b4"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for rest := body; rest != nil; {
			data, isBinary, next, err := nextPacket3(rest)
			if err != nil {
				return
			}
			if len(next) >= len(rest) {
				t.Fatal("no progress")
			}
			if !isBinary && utf8.Valid(data) {
				back, _, _, err := nextPacket3(appendPayload3(nil, []Message{packet(data[0], string(data[1:]))}))
				if err != nil || !bytes.Equal(back, data) {
					t.Fatalf("%q became %q: %v", data, back, err)
				}
			}
			rest = next
		}
	})
}

// stream is a connection that has only this to say.
type stream struct{ io.Reader }

func (stream) Write(p []byte) (int, error) { return len(p), nil }
func (stream) Close() error                { return nil }

// FuzzFrames feeds a WebSocket's reader: no panic, no message over the limit, no text that is not UTF-8.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		masked(0x81, "4hello"), masked(0x01, "4he") + masked(0x89, "p") + masked(0x80, "lo"), masked(0x82, "\x00\xff"),
		masked(0x88, "\x03\xe8"), "\x81\xfe\x00\x05\x01\x02\x03\x044x", "\x81\xff\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\x03\x044",
		"\x81",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1000
		c := newWSConn(stream{bytes.NewReader(data)}, nil, limit, false)
		defer c.release()
		c.onControl = func(op uint8, payload []byte) error {
			if len(payload) > 125 || op == opClose {
				return errors.New("closed")
			}
			return nil
		}
		for {
			payload, isBinary, err := c.readMessage()
			if err != nil {
				return
			}
			if len(payload) > limit || !isBinary && !utf8.Valid(payload) {
				t.Fatalf("message of %d bytes, binary %v", len(payload), isBinary)
			}
		}
	})
}
