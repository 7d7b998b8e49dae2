package lists

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// csvList is a CSV file being read. The standard reader is not used because one stray quote would make it take the rest
// of a file for a single field: here a quoted field has an end, after which reading goes on at the next line.
type csvList struct {
	text      *text
	bare      bool     // carriage returns alone end the lines
	line      int      // lines read
	again     [][]byte // lines read ahead in vain, to be read once more; nil stands for one that was too long
	delimiter byte
	table
}

const (
	maxQuotedLines = 20 // that one quoted field may span
	sampleRecords  = 50 // by which columns are recognised
	delimiters     = ",;\t|"
	noDelimiter    = 0x1F // of a list of one column
)

// openCSV reads the first lines.
func openCSV(t *text, o Options) (*List, error) {
	if o.Delimiter != 0 && !slices.Contains([]byte(delimiters), o.Delimiter) {
		return nil, unreadable(whyDelimiter(string(rune(o.Delimiter))))
	}
	l := &csvList{text: t, delimiter: o.Delimiter}
	head, _ := t.in.Peek(sample) // a shorter list is all there
	l.bare = bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0
	if err := l.skipMark(); err != nil {
		return nil, err
	}
	if l.delimiter == 0 {
		head, _ = t.in.Peek(sample)
		l.delimiter = delimiterOf(head, l.bare)
	}
	first := newBatch()
	first.limit = sampleRecords
	end := l.split(first)
	if end != nil && end != io.EOF && len(first.records) == 0 {
		return nil, end
	}
	l.region = o.Region
	l.fields = func(line string) ([]string, problem) {
		return splitFields(line, l.delimiter, make([]string, 0, 1+strings.Count(line, string(rune(l.delimiter)))))
	}
	if err := l.open(first, o); err != nil {
		return nil, err
	}
	list := &List{first: first, parse: l.parse, about: l.about}
	list.split = func(b *batch) error {
		if end != nil {
			return end
		}
		return l.split(b)
	}
	list.about.Format = CSV
	if l.delimiter != noDelimiter {
		list.about.Delimiter = string(l.delimiter)
	}
	list.tell = func(a *About) { a.Encoding, a.Guessed = t.encoding, t.guessed }
	return list, nil
}

// skipMark takes a spreadsheet's "sep=;" as the delimiter, in quotes or with delimiters after it.
func (l *csvList) skipMark() error {
	head, _ := l.text.in.Peek(16)
	if !strings.HasPrefix(strings.TrimPrefix(string(head), `"`), "sep=") {
		return nil
	}
	line, err := l.readLine()
	if err != nil {
		return err
	}
	_, mark, _ := strings.Cut(string(line), "sep=")
	if l.delimiter == 0 && mark != "" && strings.IndexByte(delimiters, mark[0]) >= 0 {
		l.delimiter = mark[0]
	}
	return nil
}

// delimiterOf finds the delimiter that divides the most lines into the same number of fields.
func delimiterOf(head []byte, bare bool) byte {
	end := byte('\n')
	if bare {
		end = '\r'
	}
	var lines [][]byte
	for len(head) > 0 && len(lines) < 30 {
		line, rest, whole := bytes.Cut(head, []byte{end})
		if len(bytes.TrimSpace(line)) > 0 && (whole || len(lines) == 0 || len(head) < sample/2) {
			lines = append(lines, line)
		}
		head = rest
	}
	best, bestScore := byte(noDelimiter), 0
	for i := range len(delimiters) {
		d := delimiters[i]
		times := map[int]int{}
		for _, line := range lines {
			if n := countOutside(line, d); n > 0 {
				times[n]++
			}
		}
		with, score := 0, 0
		for n, lines := range times {
			with += lines
			score = max(score, lines*100+min(n, 50))
		}
		named := len(lines) > 0 && countOutside(lines[0], d) > 0
		if (named || with*2 >= len(lines)) && score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

// countOutside counts delimiters outside quotes.
func countOutside(line []byte, delimiter byte) (n int) {
	quoted := false
	for _, b := range line {
		if b == '"' {
			quoted = !quoted
		} else if !quoted && b == delimiter {
			n++
		}
	}
	return n
}

// split fills a batch with records.
func (l *csvList) split(b *batch) error {
	defer func() { b.charset = l.text.charset }()
	for !b.full() {
		line, err := l.readLine()
		if errors.Is(err, errTooLong) {
			b.records = append(b.records, record{number: l.line, problem: refuse("line_long", whyLong(maxRecord))})
			continue
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 || len(bytes.Trim(line, " \t,;|\"")) == 0 {
			continue // nobody's
		}
		if l.text.open && !utf8.Valid(line) {
			more, _ := l.text.in.Peek(l.text.in.Buffered()) // it is there
			l.text.decide(slices.Concat(line, []byte{'\n'}, more))
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
	first := len(b.text)
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
	b.text = b.text[:first]
	r.problem = openQuote
	l.again = append(ahead, l.again...)
	l.line -= len(ahead)
	return nil
}

var (
	errTooLong = errors.New("line too long")
	openQuote  = refuse("quote", whyQuoteOpen)
)

// readLine returns the next line without its end; it is valid until the next call.
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
	end := byte('\n')
	if l.bare {
		end = '\r'
	}
	line, err := l.text.in.ReadSlice(end)
	tooLong := len(line) > maxRecord+2
	for err == bufio.ErrBufferFull {
		tooLong = true
		_, err = l.text.in.ReadSlice(end)
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
	return bytes.TrimRight(line, "\r\n"), nil
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
func splitFields(text string, delimiter byte, fields []string) ([]string, problem) {
	for {
		if strings.HasPrefix(text, `"`) {
			end := closingQuote(text[1:])
			if end < 0 {
				return fields, openQuote
			}
			fields = append(fields, strings.TrimSpace(strings.ReplaceAll(text[1:1+end], `""`, `"`)))
			text = strings.TrimLeft(text[end+2:], " ")
			if text == "" {
				return fields, problem{}
			}
			if text[0] != delimiter {
				return fields, refuse("quote", whyQuoteAfter(strconv.Itoa(len(fields))))
			}
			text = text[1:]
			continue
		}
		i := strings.IndexByte(text, delimiter)
		if i < 0 {
			return append(fields, strings.TrimSpace(text)), problem{}
		}
		fields = append(fields, strings.TrimSpace(text[:i]))
		text = text[i+1:]
	}
}
