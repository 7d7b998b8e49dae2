package campaigns

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// csvList is a CSV file being read. The standard reader is not used because one stray quote would make it take the rest
// of a file for a single field: here a quoted field has an end, after which reading goes on at the next line.
type csvList struct {
	in        *bufio.Reader
	line      int      // lines read
	again     [][]byte // lines read ahead in vain, to be read once more; nil stands for one that was too long
	delimiter byte
	columns   []column
	region    string
}

// column is what the header said of a column.
type column struct {
	field string
	label string // of a phone
	key   []byte // of the payload: `"key":`, ready to be copied
}

// maxQuotedLines bounds how many lines one quoted field may span.
const maxQuotedLines = 20

// openCSV reads the header.
func openCSV(r io.Reader, o ImportOptions) (*csvList, error) {
	if err := checkMapping(o.Mapping); err != nil {
		return nil, err
	}
	in, err := decoded(r, o.Encoding)
	if err != nil {
		return nil, err
	}
	l := &csvList{in: in, region: o.Region, delimiter: o.Delimiter}
	header, err := l.header()
	if err != nil {
		return nil, err
	}
	if l.delimiter == 0 {
		l.delimiter = delimiterOf(header)
	}
	if !slices.Contains([]byte(delimiters), l.delimiter) {
		return nil, fmt.Errorf("%w: delimiter %q: want a comma, a semicolon, a tab or a bar", ErrList, l.delimiter)
	}
	names, err := splitFields(string(header), l.delimiter, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", ErrList, l.line, err)
	}
	return l, l.describe(names, o.Mapping)
}

// decoded makes UTF-8 of the reader.
func decoded(r io.Reader, encoding string) (*bufio.Reader, error) {
	const size = 256 << 10
	in := bufio.NewReaderSize(r, size)
	switch strings.ToLower(encoding) {
	case "", "utf-8", "utf8":
	case "windows-1251", "cp1251":
		return bufio.NewReaderSize(charmap.Windows1251.NewDecoder().Reader(in), size), nil
	default:
		return nil, fmt.Errorf("%w: encoding %.40q: want utf-8 or windows-1251", ErrList, encoding)
	}
	mark, _ := in.Peek(3) // too short for a mark is too short for a list: the header will say so
	switch {
	case bytes.Equal(mark, []byte("\xEF\xBB\xBF")):
		_, _ = in.Discard(3)
	case bytes.HasPrefix(mark, []byte("\xFF\xFE")), bytes.HasPrefix(mark, []byte("\xFE\xFF")):
		decoder := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
		return bufio.NewReaderSize(decoder.Reader(in), size), nil
	}
	return in, nil
}

// header finds the line that names the columns; Excel's "sep=;" before it names the delimiter.
func (l *csvList) header() ([]byte, error) {
	for {
		line, err := l.readLine()
		switch {
		case errors.Is(err, errTooLong):
			return nil, fmt.Errorf("%w: line %d is longer than %d bytes: is it a CSV file?", ErrList, l.line, maxRecord)
		case err == io.EOF:
			return nil, fmt.Errorf("%w: empty: want a first line that names the columns", ErrList)
		case err != nil:
			return nil, err
		case !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0:
			return nil, fmt.Errorf("%w: not UTF-8: save the list as UTF-8, or name its encoding (windows-1251)", ErrList)
		case len(line) == 5 && bytes.HasPrefix(line, []byte("sep=")):
			if l.delimiter == 0 {
				l.delimiter = line[4]
			}
		case len(bytes.TrimSpace(line)) > 0:
			return bytes.Clone(line), nil
		}
	}
}

const delimiters = ",;\t|"

// delimiterOf finds the delimiter that the header has most of, outside quotes.
func delimiterOf(header []byte) byte {
	var counts [128]int
	quoted := false
	for _, b := range header {
		if b == '"' {
			quoted = !quoted
		} else if !quoted && b < 128 {
			counts[b]++
		}
	}
	best := delimiters[0]
	for i := range len(delimiters) {
		if d := delimiters[i]; counts[d] > counts[best] {
			best = d
		}
	}
	return best
}

// describe turns the header's names into columns.
func (l *csvList) describe(names []string, mapping map[string]string) error {
	if len(names) > maxColumns {
		return fmt.Errorf("%w: %d columns: want at most %d", ErrList, len(names), maxColumns)
	}
	for header := range mapping {
		if !slices.Contains(names, header) {
			return fmt.Errorf("%w: the mapping names a column %.60q that is not there: the columns are %s", ErrList, header,
				quoteAll(names))
		}
	}
	once := map[string]bool{}
	phones := 0
	for i, to := range targets(names, mapping) {
		c := column{field: to.field, label: names[i]}
		key, id := to.key, to.field
		switch c.field {
		case fieldPhone:
			phones++
			id = "" // may repeat
		case fieldIgnore:
			id = ""
		case fieldPayload:
			if key == "" {
				key = fmt.Sprintf("column_%d", i+1)
			}
			c.key = append(appendJSON(nil, key), ':')
			id = "payload." + key
		}
		if id != "" && once[id] {
			return fmt.Errorf("%w: two columns give %s: name them differently, or map one to ignore", ErrList, id)
		}
		once[id] = true
		l.columns = append(l.columns, c)
	}
	if phones == 0 {
		return fmt.Errorf("%w: none of the columns %s is recognised as a phone: name one \"phone\", or map one to it", ErrList,
			quoteAll(names))
	}
	return nil
}

func quoteAll(names []string) string {
	const shown = 20
	var b strings.Builder
	for i, name := range names {
		if i == shown {
			fmt.Fprintf(&b, " and %d more", len(names)-shown)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.60q", name)
	}
	return b.String()
}

// split fills a batch with records.
func (l *csvList) split(b *batch) error {
	for !b.full() {
		line, err := l.readLine()
		if errors.Is(err, errTooLong) {
			b.records = append(b.records, record{number: l.line, problem: fmt.Sprintf("longer than %d bytes", maxRecord)})
			continue
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r := record{number: l.line, start: len(b.text)}
		b.text = append(b.text, line...)
		if quoteOpen(line, l.delimiter) {
			if err := l.readOn(b, &r); err != nil {
				return err
			}
		}
		r.end = len(b.text)
		b.records = append(b.records, r)
	}
	return nil
}

// readOn reads a record whose quoted field goes on after the line. If no end is found within bounds, the first line alone
// is refused and the others are read again as lines of their own.
func (l *csvList) readOn(b *batch, r *record) error {
	var ahead [][]byte
	for len(ahead) < maxQuotedLines {
		line, err := l.readLine()
		if errors.Is(err, errTooLong) {
			ahead = append(ahead, nil)
			break
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		ahead = append(ahead, bytes.Clone(line))
		b.text = append(append(b.text, '\n'), line...)
		if len(b.text)-r.start > maxRecord {
			break
		}
		if !quoteOpen(b.text[r.start:], l.delimiter) {
			return nil
		}
	}
	b.text = b.text[:r.start]
	r.problem = "a quote is opened and not closed: double the quotes inside a quoted field"
	l.again = append(ahead, l.again...)
	l.line -= len(ahead)
	return nil
}

var errTooLong = errors.New("line too long")

// readLine answers the next line without its end; it is valid until the next call.
func (l *csvList) readLine() ([]byte, error) {
	if len(l.again) > 0 {
		line := l.again[0]
		l.again = l.again[1:]
		l.line++
		if line == nil {
			return nil, errTooLong
		}
		return line, nil
	}
	line, err := l.in.ReadSlice('\n')
	tooLong := len(line) > maxRecord+2
	for err == bufio.ErrBufferFull {
		tooLong = true
		_, err = l.in.ReadSlice('\n')
	}
	if err == io.EOF && (len(line) > 0 || tooLong) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	l.line++
	if tooLong {
		return nil, errTooLong
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
}

// quoteOpen reports whether a quoted field goes on after the text.
func quoteOpen(text []byte, delimiter byte) bool {
	if bytes.IndexByte(text, '"') < 0 {
		return false
	}
	for i := 0; i <= len(text); i++ { // i is at the beginning of a field
		if i < len(text) && text[i] == '"' {
			end := closingQuote(text[i+1:])
			if end < 0 {
				return true
			}
			i += 1 + end + 1
		}
		next := bytes.IndexByte(text[min(i, len(text)):], delimiter)
		if next < 0 {
			return false
		}
		i += next
	}
	return false
}

// closingQuote finds the quote that ends a quoted field; doubled ones are text.
func closingQuote[T []byte | string](s T) int {
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return i
	}
	return -1
}

// splitFields appends the fields of a record. A quote inside an unquoted field is text, as spreadsheets write it.
func splitFields(text string, delimiter byte, fields []string) ([]string, error) {
	for {
		if strings.HasPrefix(text, `"`) {
			end := closingQuote(text[1:])
			if end < 0 {
				return fields, errors.New("a quote is opened and not closed: double the quotes inside a quoted field")
			}
			fields = append(fields, strings.TrimSpace(strings.ReplaceAll(text[1:1+end], `""`, `"`)))
			text = text[end+2:]
			if text == "" {
				return fields, nil
			}
			if text[0] != delimiter {
				return fields, fmt.Errorf("column %d goes on after its closing quote: double the quotes inside a quoted field", len(fields))
			}
			text = text[1:]
			continue
		}
		i := strings.IndexByte(text, delimiter)
		if i < 0 {
			return append(fields, strings.TrimSpace(text)), nil
		}
		fields = append(fields, strings.TrimSpace(text[:i]))
		text = text[i+1:]
	}
}

// parse makes a contact of a record.
func (l *csvList) parse(text string, line *Line) error {
	var space [32]string
	fields, err := splitFields(text, l.delimiter, space[:0])
	if err != nil {
		return err
	}
	for len(fields) > len(l.columns) && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	if len(fields) != len(l.columns) {
		return fmt.Errorf("%d columns, the header has %d: quote the fields that have the delimiter in them", len(fields),
			len(l.columns))
	}
	var payload []byte
	for i, value := range fields {
		c := &l.columns[i]
		switch c.field {
		case fieldPhone:
			line.addPhones(value, c.label, l.region)
		case fieldPayload:
			if payload == nil {
				payload = append(make([]byte, 0, len(text)+16*len(l.columns)), '{')
			} else {
				payload = append(payload, ',')
			}
			payload = appendJSON(append(payload, c.key...), value)
		default:
			if err := line.set(c.field, value); err != nil {
				return err
			}
		}
	}
	if payload != nil {
		payload = append(payload, '}')
	}
	return line.finish(payload)
}

// appendJSON appends a JSON string. The text is valid UTF-8.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				break // a string can always be written
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
