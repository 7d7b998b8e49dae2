package campaigns

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"
)

// Bounds of an import. A line beyond them is refused; the import goes on.
const (
	maxRecord  = 64 << 10 // bytes of one line or element
	maxPayload = 16 << 10 // bytes of one contact's payload
	maxColumns = 200
	maxPhones  = 10
	maxName    = 200 // characters
	maxCRMID   = 100 // characters
)

// ImportOptions say how a list of contacts is to be read.
type ImportOptions struct {
	// Region is the campaign's: how national numbers are read.
	Region string

	// Mapping names the field of a column (or of a JSON key), where the names that are recognised do not fit: "crm_id",
	// "name", "phone" (any number of columns), "time_zone", "priority", "payload", "payload.KEY" or "ignore". Columns that
	// are neither mapped nor recognised go into the payload under their own name.
	Mapping map[string]string

	// Delimiter of CSV: one of comma, semicolon, tab, bar; zero: found in the first line.
	Delimiter byte

	// Encoding is "utf-8" (or empty) or "windows-1251". UTF-16 is known by its byte order mark.
	Encoding string
}

// Line is a contact that was read, and what its owner should know of it.
type Line struct {
	Number   int // CSV: the line it begins on, from 1, the header being one; JSON: its place in the list, from 1
	Contact  Contact
	Warnings []string // what was left out, such as the second of two numbers
}

// LineError refuses one line; those after it are read on.
type LineError struct {
	Line   int // as [Line].Number
	Reason string
}

func (e *LineError) Error() string { return fmt.Sprintf("campaigns: line %d: %s", e.Line, e.Reason) }

// ErrList says that a list cannot be read at all, or not to its end.
var ErrList = errors.New("campaigns: list")

// ReadCSV reads contacts from CSV (RFC 4180, with the liberties that spreadsheets take): the first line names the
// columns, in English, Ukrainian or Russian or as the mapping says; several phone columns are welcome. Each contact comes
// as a Line, each refused line as a *LineError, in the file's order; any other error (ErrList, or the reader's) ends
// the sequence. Numbers are normalised on several goroutines, which end with the loop.
func ReadCSV(r io.Reader, o ImportOptions) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		list, err := openCSV(r, o)
		if err != nil {
			yield(Line{}, err)
			return
		}
		inOrder(list.split, list.parse, yield)
	}
}

// ReadJSON reads contacts from a JSON array of objects, or from objects one after another. Keys are recognised as
// columns of CSV are; "phones" may be a list of strings or of {"number", "label"} objects; what is not recognised goes
// into the payload beside the keys of "payload". Errors are those of [ReadCSV].
func ReadJSON(r io.Reader, o ImportOptions) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		list, err := openJSON(r, o)
		if err != nil {
			yield(Line{}, err)
			return
		}
		inOrder(list.split, list.parse, yield)
	}
}

// batch is a number of records on their way through a worker.
type batch struct {
	text    []byte // the records, one after another
	records []record
	lines   []outcomeOfLine
	done    chan struct{}
}

// record is one line or element, as found by the splitter.
type record struct {
	number     int
	start, end int    // in batch.text
	problem    string // why it is refused already
}

type outcomeOfLine struct {
	line Line
	err  error
}

const (
	batchRecords = 256
	batchBytes   = 64 << 10
)

func (b *batch) full() bool { return len(b.records) >= batchRecords || len(b.text) >= batchBytes }

// parser reads one record. It is called from several goroutines, each with a batch's text as one string.
type parser func(text string, line *Line) error

// inOrder splits on this goroutine, parses on several, and yields in the order of the list. At most a few batches are in
// the making, however long the list is. The workers never touch the reader, so they end with the loop, whatever it does.
func inOrder(split func(*batch) error, parse parser, yield func(Line, error) bool) {
	first := newBatch()
	err := split(first)
	if err != nil { // a short list: not worth a goroutine
		first.parse(parse)
		if first.yield(yield) && err != io.EOF {
			yield(Line{}, err)
		}
		return
	}
	workers := runtime.GOMAXPROCS(0)
	work := make(chan *batch, workers)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for b := range work {
				b.parse(parse)
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
		err = split(b)
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
		yield(Line{}, err)
	}
}

func newBatch() *batch {
	return &batch{
		text:    make([]byte, 0, batchBytes/2),
		records: make([]record, 0, batchRecords),
		done:    make(chan struct{}),
	}
}

func (b *batch) parse(parse parser) {
	text := string(b.text) // one copy for all fields of all records
	b.lines = make([]outcomeOfLine, len(b.records))
	for i, r := range b.records {
		l := &b.lines[i]
		l.line.Number = r.number
		if r.problem != "" {
			l.err = &LineError{r.number, r.problem}
		} else if raw := text[r.start:r.end]; !utf8.ValidString(raw) {
			l.err = &LineError{r.number, "not UTF-8: save the list as UTF-8, or name its encoding (windows-1251)"}
		} else if strings.IndexByte(raw, 0) >= 0 {
			l.err = &LineError{r.number, "has a zero byte: the list is damaged, or not text"}
		} else if err := parse(raw, &l.line); err != nil {
			l.err = &LineError{r.number, err.Error()}
		}
	}
}

func (b *batch) yield(yield func(Line, error) bool) bool {
	for i := range b.lines {
		l := &b.lines[i]
		if l.err != nil {
			l.line = Line{}
		}
		if !yield(l.line, l.err) {
			return false
		}
	}
	return true
}
