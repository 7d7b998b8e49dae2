package pacing

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Bounds of one snapshot on the wire.
const (
	maxLine   = 4 << 20 // bytes
	maxMany   = 50_000  // agents, calls, waiting, durations
	maxSecond = 1e7     // of any time
)

// wire is a snapshot as `ringmaster pace` reads it. Unknown fields are ignored.
type wire struct {
	Now         *float64    `json:"now"`
	Target      *float64    `json:"target"`
	RingTimeout *float64    `json:"ring_timeout"`
	Patience    *float64    `json:"patience"`
	MaxNew      *int        `json:"max_new"`
	Agents      []wireAgent `json:"agents"`
	Calls       []wireCall  `json:"calls"`
	Waiting     []wireAge   `json:"waiting"`
	Total       struct {
		Dialed    int `json:"dialed"`
		Answered  int `json:"answered"`
		Connected int `json:"connected"`
		Abandoned int `json:"abandoned"`
		NoAnswer  int `json:"no_answer"`
		Busy      int `json:"busy"`
		Failed    int `json:"failed"`
	} `json:"total"`
	Done struct {
		RingAnswered []float64 `json:"ring_answered"`
		RingOther    []float64 `json:"ring_other"`
		Talk         []float64 `json:"talk"`
		Wrap         []float64 `json:"wrap"`
	} `json:"done"`
}

type wireAgent struct {
	ID     int     `json:"id"`
	Status string  `json:"status"`
	For    float64 `json:"for"`
}

type wireCall struct {
	ID  int64   `json:"id"`
	Age float64 `json:"age"`
}

type wireAge struct {
	Age float64 `json:"age"`
}

// Serve answers snapshots, one a line of JSON, each with a line {"originate": n}, until the input ends. Every line is answered
// before the next one is read. A snapshot that is not understood ends it with an error that names its line.
func Serve(in io.Reader, out io.Writer, settings Settings) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	pacer := NewWirePacer(settings)
	var line []byte
	var reply []byte
	for number := 1; ; number++ {
		var err error
		line, err = readLine(lines, line[:0])
		if errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		d, err := pacer.Decide(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		reply = append(strconv.AppendInt(append(reply[:0], `{"originate":`...), int64(d.Originate), 10), '}', '\n')
		if _, err := out.Write(reply); err != nil {
			return fmt.Errorf("line %d: reply: %w", number, err)
		}
	}
}

// readLine reads up to the end of a line, and refuses one that is too long before it fills the memory.
func readLine(r *bufio.Reader, to []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		to = append(to, part...)
		switch {
		case len(to) > maxLine:
			return to, fmt.Errorf("a snapshot of more than %d MB", maxLine>>20)
		case !errors.Is(err, bufio.ErrBufferFull):
			return to, err
		}
	}
}

// WirePacer decides for snapshots as they come over the wire, and keeps the account that they do not have.
type WirePacer struct {
	pacer     *Pacer
	account   Account
	snapshot  Snapshot
	last      wire
	connected int // answers that are in the account as such
	begun     bool
}

// NewWirePacer returns a pacer for one day.
func NewWirePacer(settings Settings) *WirePacer { return &WirePacer{pacer: New(settings)} }

// wireDay is when a day on the wire begins: any day does.
var wireDay = time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC)

// Decide decides for one line.
func (w *WirePacer) Decide(line []byte) (Decision, error) {
	var read wire
	if err := json.Unmarshal(line, &read); err != nil {
		return Decision{}, explained(err)
	}
	if err := read.check(); err != nil {
		return Decision{}, err
	}
	if w.begun {
		if err := read.follows(&w.last); err != nil {
			return Decision{}, err
		}
	}
	w.count(&read)
	return w.pacer.Decide(&w.snapshot), nil
}

// count turns the line into a snapshot, with the account of the day so far.
func (w *WirePacer) count(read *wire) {
	s := &w.snapshot
	at := wireDay.Add(span(*read.Now))
	w.account.Add(at, Abandoned, read.Total.Abandoned-w.last.Total.Abandoned)
	if connected := read.Total.Answered - read.Total.Abandoned - len(read.Waiting); connected > w.connected {
		w.account.Add(at, Connected, connected-w.connected)
		w.connected = connected
	}
	*s = Snapshot{
		Now: span(*read.Now), Cap: *read.Target, RingTimeout: span(*read.RingTimeout), Patience: span(*read.Patience),
		MaxNew: *read.MaxNew,
		Agents: s.Agents[:0], Calls: s.Calls[:0], Waiting: s.Waiting[:0],
		Totals: Totals{read.Total.Dialed, read.Total.Answered, read.Total.NoAnswer + read.Total.Busy + read.Total.Failed},
		Day:    Tally{read.Total.Answered, read.Total.Abandoned}, HalfHour: w.account.HalfHour(at, Ofcom),
		Done: Done{RingAnswered: spans(s.Done.RingAnswered, read.Done.RingAnswered),
			RingOther: spans(s.Done.RingOther, read.Done.RingOther),
			Talk:      spans(s.Done.Talk, read.Done.Talk), Wrap: spans(s.Done.Wrap, read.Done.Wrap)},
	}
	for _, a := range read.Agents {
		s.Agents = append(s.Agents, Agent{ID: a.ID, Status: statusOf[a.Status], For: span(a.For)})
	}
	for _, c := range read.Calls {
		s.Calls = append(s.Calls, Call{ID: c.ID, Age: span(c.Age)})
	}
	for _, c := range read.Waiting {
		s.Waiting = append(s.Waiting, span(c.Age))
	}
	w.last, w.begun = *read, true
}

func span(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds*1e3)) * time.Millisecond
}

func spans(to []time.Duration, seconds []float64) []time.Duration {
	to = to[:0]
	for _, v := range seconds {
		to = append(to, span(v))
	}
	return to
}

// explained makes what encoding/json says readable to who wrote the snapshot.
func explained(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: %s is not what belongs there; want %s", cmp.Or(wrong.Field, "the snapshot"), wrong.Value,
			wanted(wrong.Type.Kind().String()))
	}
	return fmt.Errorf("no snapshot in JSON: %w", err)
}

func wanted(kind string) string {
	switch kind {
	case "float64":
		return "a number"
	case "int", "int64":
		return "a whole number"
	case "struct":
		return "an object"
	case "slice":
		return "a list"
	}
	return "a " + kind
}
