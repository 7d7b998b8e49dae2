package lists

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// jsonList is a JSON list being read. Its elements are found by their brackets before they are parsed, so that a broken
// or an oversized one is refused alone, and none is held in memory beyond its bound.
type jsonList struct {
	in      *bufio.Reader
	array   bool // in [ ]; else objects one after another
	element int  // elements read
	options Options

	mu      sync.Mutex
	seen    map[string]Column
	ordered []string // keys of seen
}

// openJSON reads as far as the first element.
func openJSON(t *text, o Options) (*List, error) {
	l := &jsonList{in: t.in, options: o, seen: map[string]Column{}}
	if err := l.begin(); err != nil {
		return nil, err
	}
	list := &List{parse: l.parse, about: About{Format: JSON}}
	list.split = func(b *batch) error {
		err := l.split(b)
		b.charset = t.charset
		return err
	}
	first := newBatch()
	first.limit = sampleRecords
	end := list.split(first)
	list.first = first
	split := list.split
	list.split = func(b *batch) error {
		if end != nil {
			return end
		}
		return split(b)
	}
	for _, text := range first.strings() { // for what the keys are taken for
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &object) == nil {
			l.columns(object)
		}
	}
	list.tell = func(a *About) {
		l.mu.Lock()
		defer l.mu.Unlock()
		a.Encoding, a.Guessed = t.encoding, t.guessed
		a.Columns = nil
		for _, key := range l.ordered {
			a.Columns = append(a.Columns, l.seen[key])
		}
	}
	return list, nil
}

func (l *jsonList) begin() error {
	b, err := l.skipBlanks()
	switch {
	case err == io.EOF:
		return unreadable(whyEmptyJSON)
	case err != nil:
		return err
	case b == '[':
		l.array = true
	case b == '{':
		return l.in.UnreadByte()
	default:
		return unreadable(whyBegins(character(b)))
	}
	if b, err = l.skipBlanks(); err != nil {
		return l.broken(err)
	}
	if b == ']' {
		l.in.Reset(bytes.NewReader(nil)) // an empty list
		return nil
	}
	return l.in.UnreadByte()
}

// skipBlanks returns the first byte that is not blank.
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
		return unreadable(whyCutOff(l.element))
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
			return unreadable(whyNoComma(character(next), l.element))
		}
	}
	return nil
}

// scan reads one element to its closing bracket.
func (l *jsonList) scan(b *batch, first byte, r *record) error {
	if first != '{' {
		r.problem = refuse("json", whyNoObject)
	}
	depth, quoted, escaped, size := 0, false, false, 0
	for c := first; ; {
		if size++; size > maxRecord {
			b.text = b.text[:r.start]
			r.problem = refuse("line_long", whyLong(maxRecord))
		} else if r.problem.code == "" {
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

// columns takes an element's keys for something, by their names and this element's values.
func (l *jsonList) columns(object map[string]json.RawMessage) ([]string, []column, error) {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys) // so that the same list gives the same contacts
	values := make([]string, len(keys))
	for i, key := range keys {
		values[i], _ = scalar(object[key]) // what is none has no value to go by
	}
	columns, err := describe(keys, [][]string{values}, l.options)
	if err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range columns {
		if _, known := l.seen[c.Name]; !known && len(l.seen) < maxColumns {
			l.seen[c.Name] = c.Column
			l.ordered = append(l.ordered, c.Name)
		}
	}
	return keys, columns, nil
}

// parse makes a contact of an element.
func (l *jsonList) parse(text string, line *campaigns.Line) problem {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return refuse("json", notJSON(err))
	}
	if len(object) > maxColumns {
		return refuse("columns", whyTooManyKeys(len(object), maxColumns))
	}
	keys, columns, err := l.columns(object)
	if err != nil {
		return because("columns", err)
	}
	d := draft{line: line, locale: locale{region: l.options.Region}}
	payload := map[string]json.RawMessage{}
	for i, c := range columns {
		header, raw := keys[i], object[keys[i]]
		switch {
		case c.Field == fieldPhone:
			if why := l.phones(raw, columns, i, object, &d); why.code != "" {
				return why
			}
		case c.Field == fieldPayload && header == fieldPayload && c.Key == header:
			var given map[string]json.RawMessage
			if err := json.Unmarshal(raw, &given); err != nil {
				return refuse("payload", whyPayload)
			}
			for k, v := range given {
				payload[k] = v
			}
		case c.Field == fieldIgnore || c.Field == fieldLabel:
		case c.Field != fieldPayload:
			value, err := scalar(raw)
			if err != nil {
				return refuse("json", whyScalar(clip(header)))
			}
			if why := d.set(c.Field, value); why.code != "" {
				return why
			}
		}
		if c.json != nil && header != fieldPayload {
			if _, given := payload[c.Key]; !given {
				payload[c.Key] = raw
			}
		}
	}
	var clean []byte
	if len(payload) > 0 {
		if clean, err = compact(payload); err != nil {
			return because("payload", err)
		}
	}
	return d.finish(clean)
}

// phones takes a number, or a list of numbers or of {"number", "label", "extension"}.
func (l *jsonList) phones(raw json.RawMessage, columns []column, i int, object map[string]json.RawMessage, d *draft) problem {
	label := columns[i].Name
	var many []json.RawMessage
	list := json.Unmarshal(raw, &many) == nil
	if !list {
		many = []json.RawMessage{raw}
	}
	if len(many) > maxColumns {
		return refuse("phones", whyManyNumbers(clip(label), len(many), maxPhones))
	}
	labels := ""
	if at := columns[i].labels; at >= 0 {
		labels, _ = scalar(object[columns[at].Name])
	}
	for _, one := range many {
		var phone struct {
			Number    string `json:"number"`
			Label     string `json:"label"`
			Extension string `json:"extension"`
		}
		if strings.HasPrefix(string(bytes.TrimSpace(one)), "{") {
			if err := json.Unmarshal(one, &phone); err != nil {
				return refuse("json", whyPhoneObject(clip(label)))
			}
			if len(phone.Label) > 100 || strings.ContainsFunc(phone.Label, unicode.IsControl) {
				return refuse("json", whyPhoneLabel(clip(label)))
			}
			if phone.Extension = digitsOf(phone.Extension); phone.Extension != "" {
				phone.Number += " ext " + phone.Extension
			}
		} else {
			value, err := scalar(one)
			if err != nil {
				return refuse("json", whyScalar(clip(label)))
			}
			phone.Number = value
			if !list {
				phone.Label = label
			}
		}
		d.phones = append(d.phones, phoneCell{value: phone.Number, label: phone.Label, labels: labels})
	}
	return problem{}
}

// notJSON says where an element stops being JSON.
func notJSON(err error) reason.Reason {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return whyNotJSONAt(int(syntax.Offset))
	}
	return whyNotJSON
}

// character is a byte of the list, as it is shown.
func character(b byte) string {
	if b < ' ' || b > '~' {
		return fmt.Sprintf("0x%02X", b)
	}
	return string(rune(b))
}

var errNoScalar = errors.New("neither text nor a number")

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
		return "", errNoScalar
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
		return nil, reason.New(reason.Invalid, whyPayloadZero, "payload: U+0000")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
