package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// splitArray cuts a valid JSON array into its elements, which lie in b.
func splitArray(b []byte) []json.RawMessage {
	elements := make([]json.RawMessage, 0, 4)
	depth, start := 0, 1
	add := func(end int) {
		if element := bytes.Trim(b[start:end], " \t\r\n"); len(element) > 0 {
			elements = append(elements, element[:len(element):len(element)])
		}
		start = end + 1
	}
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				add(i)
			}
		case ',':
			if depth == 1 {
				add(i)
			}
		}
	}
	return elements
}

// skipString returns the index of the quote that ends the string beginning at b[i].
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

// A placeholder stands for an attachment: {"_placeholder":true,"num":0}.
type placeholder struct {
	Set bool `json:"_placeholder"`
	Num *int `json:"num"`
}

var placeholderKey = []byte(`"_placeholder"`)

// eachPlaceholder calls f with the placeholders in valid JSON: where each object begins and ends, and its number, -1 when
// that is missing or no integer, or when another placeholder lies in the object.
func eachPlaceholder(b []byte, f func(start, end, num int)) {
	if !bytes.Contains(b, placeholderKey) {
		return
	}
	var open []int // where the objects around begin
	done := 0      // where the last placeholder ends
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{':
			open = append(open, i)
		case '}':
			start := open[len(open)-1]
			open = open[:len(open)-1]
			object := b[start : i+1]
			if len(object) > 256 || !bytes.Contains(object, placeholderKey) { // placeholders are small
				continue
			}
			var p placeholder
			if err := json.Unmarshal(object, &p); !p.Set {
				continue
			} else if err != nil || p.Num == nil || start < done {
				f(start, i+1, -1)
			} else {
				f(start, i+1, *p.Num)
			}
			done = i + 1
		}
	}
}

// placeholdersFit tells whether all placeholders in valid JSON are numbered within the attachments.
func placeholdersFit(b []byte, attachments int) bool {
	fit := true
	eachPlaceholder(b, func(_, _, num int) { fit = fit && num >= 0 && num < attachments })
	return fit
}

// Value is one argument with binary values inside: JSON with a placeholder, {"_placeholder":true,"num":n}, wherever
// Attachments[n] belongs.
type Value struct {
	JSON        json.RawMessage
	Attachments [][]byte
}

var errRawMessage = errors.New("the json.RawMessage is not valid JSON in UTF-8")

// appendArg appends an argument as JSON, and its attachments to the messages. The common types need no reflection.
func appendArg(buf []byte, messages []engineio.Message, arg any) ([]byte, []engineio.Message, error) {
	switch v := arg.(type) {
	case nil:
		return append(buf, "null"...), messages, nil
	case json.RawMessage:
		if v == nil {
			return append(buf, "null"...), messages, nil
		}
		if !json.Valid(v) || !utf8.Valid(v) {
			return nil, nil, errRawMessage
		}
		return append(buf, v...), messages, nil
	case []byte:
		buf = appendPlaceholder(buf, len(messages)-1)
		return buf, append(messages, binaryMessage(v)), nil
	case Value:
		return appendValue(buf, messages, v)
	case string:
		return appendString(buf, v), messages, nil
	case bool:
		return strconv.AppendBool(buf, v), messages, nil
	case int:
		return strconv.AppendInt(buf, int64(v), 10), messages, nil
	case int64:
		return strconv.AppendInt(buf, v, 10), messages, nil
	}
	buf, err := appendJSON(buf, arg)
	return buf, messages, err
}

func appendPlaceholder(buf []byte, num int) []byte {
	buf = append(buf, `{"_placeholder":true,"num":`...)
	buf = strconv.AppendInt(buf, int64(num), 10)
	return append(buf, '}')
}

func binaryMessage(data []byte) engineio.Message {
	buf := make([]byte, engineio.Headroom, engineio.Headroom+len(data))
	return engineio.NewBinaryMessage(append(buf, data...))
}

// appendValue appends a value with its placeholders numbered anew.
func appendValue(buf []byte, messages []engineio.Message, v Value) ([]byte, []engineio.Message, error) {
	if !json.Valid(v.JSON) || !utf8.Valid(v.JSON) {
		return nil, nil, errRawMessage
	}
	if !placeholdersFit(v.JSON, len(v.Attachments)) {
		return nil, nil, fmt.Errorf("a placeholder has no attachment")
	}
	base, done := len(messages)-1, 0
	eachPlaceholder(v.JSON, func(start, end, num int) {
		buf = append(buf, v.JSON[done:start]...)
		buf = appendPlaceholder(buf, base+num)
		done = end
	})
	buf = append(buf, v.JSON[done:]...)
	for _, attachment := range v.Attachments {
		messages = append(messages, binaryMessage(attachment))
	}
	return buf, messages, nil
}

// appendJSON appends what encoding/json makes of v, without its escapes for HTML, as JSON.stringify writes it.
func appendJSON(buf []byte, v any) ([]byte, error) {
	w := bytes.NewBuffer(buf)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(w.Bytes(), []byte{'\n'}), nil
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string as JSON.stringify writes it; invalid UTF-8 becomes U+FFFD.
func appendString(buf []byte, s string) []byte {
	buf = append(buf, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				buf = append(append(buf, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		buf = append(buf, s[start:i]...)
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\b':
			buf = append(buf, '\\', 'b')
		case '\f':
			buf = append(buf, '\\', 'f')
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(buf, s[start:]...), '"')
}
