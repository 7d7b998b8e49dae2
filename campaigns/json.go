package campaigns

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// jsonList is a JSON list being read. Its elements are found by their brackets before they are parsed, so that a broken
// or an oversized one is refused alone, and none is held in memory beyond its bound.
type jsonList struct {
	in      *bufio.Reader
	array   bool // in [ ]; else objects one after another
	element int  // elements read
	mapping map[string]string
	region  string
}

// openJSON reads as far as the first element.
func openJSON(r io.Reader, o ImportOptions) (*jsonList, error) {
	if err := checkMapping(o.Mapping); err != nil {
		return nil, err
	}
	in, err := decoded(r, o.Encoding)
	if err != nil {
		return nil, err
	}
	l := &jsonList{in: in, mapping: o.Mapping, region: o.Region}
	b, err := l.skipBlanks()
	switch {
	case err == io.EOF:
		return nil, fmt.Errorf("%w: empty: want a JSON array of contacts", ErrList)
	case err != nil:
		return nil, err
	case b == '[':
		l.array = true
	case b == '{':
		return l, l.in.UnreadByte()
	default:
		return nil, fmt.Errorf("%w: begins with %q: want a JSON array of contacts", ErrList, b)
	}
	if b, err = l.skipBlanks(); err != nil {
		return nil, l.broken(err)
	}
	if b == ']' {
		l.in.Reset(bytes.NewReader(nil)) // an empty list
		return l, nil
	}
	return l, l.in.UnreadByte()
}

// skipBlanks answers the first byte that is not blank.
func (l *jsonList) skipBlanks() (byte, error) {
	for {
		b, err := l.in.ReadByte()
		if err != nil || !slices.Contains([]byte(" \t\r\n"), b) {
			return b, err
		}
	}
}

// broken says that the list does not go on as a list does.
func (l *jsonList) broken(err error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: ends in the middle, after %d contacts", ErrList, l.element)
	}
	return err
}

// split fills a batch with elements.
func (l *jsonList) split(b *batch) error {
	for !b.full() {
		first, err := l.skipBlanks()
		if err == io.EOF && (!l.array || l.element == 0) {
			return io.EOF
		}
		if err != nil {
			return l.broken(err)
		}
		if l.array && first == ']' { // after a last comma
			return io.EOF
		}
		r := record{number: l.element + 1, start: len(b.text)}
		err = l.scan(b, first, &r)
		if err != nil {
			return l.broken(err)
		}
		l.element++
		r.end = len(b.text)
		b.records = append(b.records, r)
		if !l.array {
			continue
		}
		switch next, err := l.skipBlanks(); {
		case err != nil:
			return l.broken(err)
		case next == ']':
			l.in.Reset(bytes.NewReader(nil)) // what follows the list is not ours to judge
			return io.EOF
		case next != ',':
			return fmt.Errorf("%w: %q after contact %d: want a comma or ]", ErrList, next, l.element)
		}
	}
	return nil
}

// scan reads one element to its closing bracket.
func (l *jsonList) scan(b *batch, first byte, r *record) error {
	if first != '{' {
		r.problem = `want an object such as {"crm_id": "17", "phones": ["+380501234567"]}`
	}
	depth, quoted, escaped, size := 0, false, false, 0
	for c := first; ; {
		if size++; size > maxRecord {
			b.text = b.text[:r.start]
			r.problem = fmt.Sprintf("longer than %d bytes", maxRecord)
		} else if r.problem == "" {
			b.text = append(b.text, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth <= 0 && !quoted && first == '{' {
			return nil
		}
		if depth <= 0 && !quoted { // something else than an object: until the delimiter
			if next, err := l.in.Peek(1); err != nil || next[0] == ',' || next[0] == ']' || next[0] == '\n' {
				return nil
			}
		}
		var err error
		if c, err = l.in.ReadByte(); err != nil {
			return err
		}
	}
}

// parse makes a contact of an element.
func (l *jsonList) parse(text string, line *Line) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys) // so that the same list gives the same contacts
	payload := map[string]json.RawMessage{}
	for i, to := range targets(keys, l.mapping) {
		header, field, key := keys[i], to.field, to.key
		raw := object[header]
		switch {
		case field == fieldPhone:
			if err := l.phones(raw, header, line); err != nil {
				return err
			}
		case field == fieldPayload && header == fieldPayload && key == header:
			var given map[string]json.RawMessage
			if err := json.Unmarshal(raw, &given); err != nil {
				return fmt.Errorf("payload: want an object")
			}
			for k, v := range given {
				payload[k] = v
			}
		case field == fieldPayload:
			if _, given := payload[key]; !given {
				payload[key] = raw
			}
		case field == fieldIgnore:
		default:
			value, err := scalar(raw)
			if err != nil {
				return fmt.Errorf("%s: %w", header, err)
			}
			if err := line.set(field, value); err != nil {
				return err
			}
		}
	}
	if len(payload) == 0 {
		return line.finish(nil)
	}
	clean, err := compact(payload)
	if err != nil {
		return err
	}
	return line.finish(clean)
}

// phones takes a number, or a list of numbers or of {"number", "label"}.
func (l *jsonList) phones(raw json.RawMessage, label string, line *Line) error {
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		many = []json.RawMessage{raw}
	}
	if len(many) > maxColumns {
		return fmt.Errorf("%s: %d numbers: want at most %d", label, len(many), maxPhones)
	}
	for _, one := range many {
		var phone struct {
			Number string `json:"number"`
			Label  string `json:"label"`
		}
		if strings.HasPrefix(string(bytes.TrimSpace(one)), "{") {
			if err := json.Unmarshal(one, &phone); err != nil {
				return fmt.Errorf(`%s: want {"number": "…", "label": "…"}`, label)
			}
			if len(phone.Label) > 100 || strings.ContainsFunc(phone.Label, unicode.IsControl) {
				return fmt.Errorf("%s: label: want at most 100 bytes on one line", label)
			}
		} else {
			value, err := scalar(one)
			if err != nil {
				return fmt.Errorf("%s: %w", label, err)
			}
			phone.Number = value
		}
		line.addPhones(phone.Number, phone.Label, l.region)
	}
	return nil
}

// scalar reads a string, or a number as it is written.
func scalar(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", nil
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return strings.TrimSpace(s), err
	case raw[0] == '{' || raw[0] == '[' || raw[0] == 't' || raw[0] == 'f':
		return "", fmt.Errorf("want a string or a number")
	}
	return string(raw), nil
}

// compact writes the payload anew. Databases refuse what JSON allows: the zero character, and halves of surrogate pairs;
// the latter become U+FFFD by decoding.
func compact(payload map[string]json.RawMessage) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	var err error
	if raw, e := json.Marshal(payload); e == nil && bytes.Contains(raw, []byte(`\u`)) {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var any map[string]any
		if err = decoder.Decode(&any); err == nil {
			err = encoder.Encode(any)
		}
	} else {
		err = encoder.Encode(payload)
	}
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if bytes.Contains(out.Bytes(), []byte(`\u0000`)) {
		return nil, fmt.Errorf("payload: has the character U+0000, which cannot be kept")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
