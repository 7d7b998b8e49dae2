package lists

import (
	"bufio"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Bounds of a list. A line beyond them is refused, and the others go on.
const (
	maxRecord   = 64 << 10 // bytes of one line or element
	maxPayload  = 16 << 10 // bytes of one contact's payload
	maxColumns  = 200
	maxPhones   = 10
	maxName     = 200     // characters
	maxCRMID    = 100     // characters
	maxUnpacked = 8 << 30 // bytes of a list that came gzipped
)

// Format is how a list is written.
type Format string

// The formats. The zero Format is found by the first bytes.
const (
	CSV  Format = "csv"
	JSON Format = "json"
	XLSX Format = "xlsx"
	ODS  Format = "ods"
)

// Options say how a list is to be read. The zero value finds everything by itself, but the region.
type Options struct {
	// Region is the campaign's: how national numbers are read.
	Region string `json:"region,omitempty"`

	// Format of text that does not show it: a workbook is always known by its first bytes, and so is gzip.
	Format Format `json:"format,omitempty"`

	// Mapping names the field of a column (or of a JSON key), where the names that are recognised do not fit: one of [Fields], or
	// "payload.KEY". Columns that are neither mapped nor recognised go into the payload under their own name.
	Mapping map[string]string `json:"mapping,omitempty"`

	// People: a line without a phone is somebody, too, if it has a CRM id.
	People bool `json:"people,omitempty"`

	// Delimiter of CSV: one of comma, semicolon, tab, bar; zero: found in the first lines.
	Delimiter byte `json:"delimiter,omitempty"`

	// Encoding of text: one of [Encodings]; empty: guessed, and told by [About].
	Encoding string `json:"encoding,omitempty"`

	// Sheet of a workbook; empty: the first that has something in it.
	Sheet string `json:"sheet,omitempty"`
}

// About is what a list is taken for.
type About struct {
	Format     Format   `json:"format"`
	Gzip       bool     `json:"gzip"`
	Encoding   string   `json:"encoding"`  // of text
	Guessed    bool     `json:"guessed"`   // the encoding was not said, neither by a mark nor by its owner
	Delimiter  string   `json:"delimiter"` // of CSV
	Sheet      string   `json:"sheet"`     // of a workbook
	Sheets     []string `json:"sheets"`
	HeaderLine int      `json:"header_line"` // the line that names the columns; 0: there is none, or it is JSON
	Header     string   `json:"header"`      // that line as the list has it
	Columns    []Column `json:"columns"`
}

// Column is what a column is taken for.
type Column struct {
	Name     string        `json:"name"`
	Field    string        `json:"field"`    // one of [Fields]
	Key      string        `json:"key"`      // of the payload
	By       string        `json:"by"`       // why: "mapping", "name", "content", or "" for what is kept as it is
	Note     reason.Reason `json:"note"`     // what its owner may want to change
	Examples []string      `json:"examples"` // the first values that differ, three at most
}

// List is a list that was opened.
type List struct {
	about About
	first *batch // read already, for what the list is taken for
	split func(*batch) error
	parse parser
	raw   func(text string) string // a record as its owner is to see it
	close func() error
	tell  func(*About) // what was learned on the way
}

// About is what the list is taken for; of JSON, whose keys may differ from contact to contact, what was seen so far.
func (l *List) About() About {
	about := l.about
	if l.tell != nil {
		l.tell(&about)
	}
	return about
}

// Close gives up what the list holds. It never fails in a way that matters.
func (l *List) Close() {
	if l.close != nil {
		_ = l.close() // temporary files
	}
}

// Lines reads the list once. Each contact comes as a Line, each refused line as a *campaigns.LineError, in the list's order; any
// other error (ErrList, or the reader's) ends the sequence. Numbers are read on several goroutines, which end with the loop.
func (l *List) Lines() iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		inOrder(l, yield)
	}
}

// Open looks at the beginning of a list.
func Open(r io.Reader, o Options) (*List, error) {
	if err := checkMapping(o.Mapping); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(r, readAhead)
	zipped := false
	if mark, _ := in.Peek(2); string(mark) == "\x1f\x8b" {
		plain, err := unzipped(in)
		if err != nil {
			return nil, err
		}
		in, zipped = plain, true
	}
	list, err := openPlain(in, o)
	if err != nil {
		return nil, err
	}
	list.about.Gzip = zipped
	return list, nil
}

func openPlain(in *bufio.Reader, o Options) (*List, error) {
	mark, _ := in.Peek(8) // what is shorter is no workbook
	switch {
	case strings.HasPrefix(string(mark), "PK\x03\x04"):
		return openBook(in, o)
	case string(mark) == "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1":
		return nil, unreadable(whyXLS)
	case strings.HasPrefix(string(mark), "%PDF"):
		return nil, unreadable(whyPDF)
	}
	text, err := decoded(in, o.Encoding)
	if err != nil {
		return nil, err
	}
	if o.Format == JSON || o.Format == "" && looksLikeJSON(text.in) {
		return openJSON(text, o)
	}
	if html(text.in) {
		return nil, unreadable(whyWebPage)
	}
	return openCSV(text, o)
}

func firstText(in *bufio.Reader) string {
	head, _ := in.Peek(512) // a shorter list is fine
	return strings.ToLower(strings.TrimLeft(string(head), " \t\r\n"))
}

func looksLikeJSON(in *bufio.Reader) bool {
	head := firstText(in)
	if strings.HasPrefix(head, "{") {
		return true
	}
	rest, array := strings.CutPrefix(head, "[")
	rest = strings.TrimLeft(rest, " \t\r\n")
	return array && (rest == "" || strings.ContainsAny(rest[:1], `{]"[`))
}

func html(in *bufio.Reader) bool {
	head := firstText(in)
	return strings.HasPrefix(head, "<!doctype") || strings.HasPrefix(head, "<html") || strings.HasPrefix(head, "<table") ||
		strings.HasPrefix(head, "<?xml")
}

// batch is a number of records on their way through a worker.
type batch struct {
	text    []byte // the records, one after another
	records []record
	limit   int              // of records
	charset *charmap.Charmap // of the text; nil: UTF-8
	lines   []outcomeOfLine
	done    chan struct{}
}

// record is one line or element, as found by the splitter.
type record struct {
	number     int
	start, end int     // in batch.text
	problem    problem // why it is refused already
}

type outcomeOfLine struct {
	line campaigns.Line
	err  error
}

const (
	batchRecords = 256
	batchBytes   = 64 << 10
)

func (b *batch) full() bool { return len(b.records) >= b.limit || len(b.text) >= batchBytes }

// parser reads one record. It is called from several goroutines, each with a batch's text as one string.
type parser func(text string, line *campaigns.Line) problem

// inOrder splits on this goroutine, parses on several, and yields in the order of the list. At most a few batches are in
// the making, however long the list is. The workers never touch the reader, so they end with the loop, whatever it does.
func inOrder(l *List, yield func(campaigns.Line, error) bool) {
	var err error
	first := l.first
	if first == nil {
		first = newBatch()
		err = l.split(first)
	}
	if err != nil { // a short list: not worth a goroutine
		first.parse(l)
		if first.yield(yield) && err != io.EOF {
			yield(campaigns.Line{}, err)
		}
		return
	}
	workers := runtime.GOMAXPROCS(0)
	work := make(chan *batch, workers)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for b := range work {
				b.parse(l)
				close(b.done)
			}
		})
	}
	defer running.Wait()
	defer close(work)

	work <- first
	waiting := []*batch{first}
	for err == nil {
		if len(waiting) > 2*workers {
			<-waiting[0].done
			if !waiting[0].yield(yield) {
				return
			}
			waiting = waiting[1:]
		}
		b := newBatch()
		err = l.split(b)
		work <- b
		waiting = append(waiting, b)
	}
	for _, b := range waiting {
		<-b.done
		if !b.yield(yield) {
			return
		}
	}
	if err != io.EOF {
		yield(campaigns.Line{}, err)
	}
}

func newBatch() *batch {
	return &batch{
		text:    make([]byte, 0, batchBytes/2),
		records: make([]record, 0, batchRecords),
		limit:   batchRecords,
		done:    make(chan struct{}),
	}
}

// strings are the records' texts in UTF-8; what is not, comes as it is.
func (b *batch) strings() []string {
	text := string(b.text) // one copy for all fields of all records
	all := make([]string, len(b.records))
	for i, r := range b.records {
		all[i] = text[r.start:r.end]
		if b.charset != nil {
			if s, err := b.charset.NewDecoder().String(all[i]); err == nil {
				all[i] = s
			}
		}
	}
	return all
}

func (b *batch) parse(list *List) {
	b.lines = make([]outcomeOfLine, len(b.records))
	for i, text := range b.strings() {
		r, l := b.records[i], &b.lines[i]
		l.line.Number = r.number
		why := r.problem
		switch {
		case why.code != "":
		case !utf8.ValidString(text):
			why = refuse("encoding", whyNotUTF8(Encodings))
		case strings.IndexByte(text, 0) >= 0:
			why = refuse("damaged", whyZeroByte)
		default:
			why = list.parse(text, &l.line)
		}
		if why.code != "" {
			raw := strings.ToValidUTF8(text, "\uFFFD")
			if list.raw != nil {
				raw = list.raw(raw)
			}
			l.err = why.refusal(r.number, l.line.Contact.CRMID, raw)
		}
	}
}

func (b *batch) yield(yield func(campaigns.Line, error) bool) bool {
	for i := range b.lines {
		l := &b.lines[i]
		if l.err != nil {
			l.line = campaigns.Line{}
		}
		if !yield(l.line, l.err) {
			return false
		}
	}
	return true
}
