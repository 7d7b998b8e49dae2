package pacing

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
)

// What happens on a recorded day. Nothing in it says who was called, or who the agents are: agents have numbers in the order in
// which they were first seen.
const (
	TookPlace   EventKind = 1 // calls were originated: how many
	WasAnswered EventKind = 2 // a call, by a person: after how many milliseconds
	EndedOther  EventKind = 3 // a call, not answered: after how many milliseconds
	TalkOver    EventKind = 4 // how many milliseconds it has lasted
	WrapOver    EventKind = 5 // likewise
	AgentIs     EventKind = 6 // number of the agent × 8 + status; unknown: gone
	Decided     EventKind = 7 // calls to originate × 16 + number of the key
)

// EventKind is what kind of thing has happened.
type EventKind int64

// Event is what has happened.
type Event struct {
	At   int64     `json:"a"` // milliseconds since the record's begin
	Kind EventKind `json:"k"`
	N    int64     `json:"n"` // how many, how long, or who
	// Odds of a call that has ended, in thousandths: what the pacing knew of it. Zero, as in older records: nothing.
	Odds int64 `json:"o,omitempty"`
}

// Record is a part of a campaign's day as the pacing of one node has seen it. It stands for itself: the agents' states at its
// begin are its first events.
type Record struct {
	Life     int64   `json:"life"`         // when the node's pace began, in milliseconds: agents' numbers hold within it
	Begin    int64   `json:"begin"`        // milliseconds
	Mode     Mode    `json:"mode"`         //
	Ratio    float64 `json:"ratio"`        //
	Cap      float64 `json:"cap"`          //
	MaxLines float64 `json:"max_lines"`    //
	Ring     int64   `json:"ring_timeout"` // milliseconds
	Patience int64   `json:"patience"`     // milliseconds
	Events   []Event `json:"events"`
}

// Bounds of records.
const (
	recordTime   = time.Minute
	recordEvents = 20_000    // of one record
	lifeEvents   = 5_000_000 // of one life of a pace: a day of 500 agents
	mostRecord   = 4 << 20   // bytes, unpacked
)

// Recorder writes down what a pacing sees and decides.
type Recorder struct {
	settings Settings
	life     time.Time
	numbers  map[int]int // of agents, by id
	is       map[int]Status
	dialed   int
	key      Key
	now      Record
	end      time.Time
	events   int
}

// NewRecorder begins at a moment.
func NewRecorder(s Settings, now time.Time) *Recorder {
	return &Recorder{settings: s, life: now, numbers: map[int]int{}, is: map[int]Status{}}
}

// Note writes down a snapshot and what was decided of it. The record that it completes is returned packed, to be kept; nil: none
// is complete yet.
func (r *Recorder) Note(now time.Time, s *Snapshot, d *Decision) (begin time.Time, packed []byte) {
	if r.events > lifeEvents {
		return begin, nil
	}
	anew := !now.Before(r.end) || len(r.now.Events) >= recordEvents
	if anew {
		begin, packed = r.Take()
		r.begin(now, s)
	}
	at := now.UnixMilli() - r.now.Begin
	add := func(k EventKind, n int64) { r.now.Events = append(r.now.Events, Event{At: at, Kind: k, N: n}) }
	before := len(r.now.Events)
	here := make(map[int]bool, len(s.Agents))
	for i := range s.Agents {
		a := &s.Agents[i]
		here[a.ID] = true
		if was, known := r.is[a.ID]; anew || !known || was != a.Status {
			r.is[a.ID] = a.Status
			add(AgentIs, r.number(a.ID)*8+int64(a.Status))
		}
	}
	for id := range r.is {
		if !here[id] {
			delete(r.is, id)
			add(AgentIs, r.number(id)*8+int64(Unknown))
		}
	}
	if n := s.Totals.Dialed - r.dialed; n > 0 {
		add(TookPlace, int64(n))
	}
	r.dialed = s.Totals.Dialed
	for _, list := range []struct {
		kind  EventKind
		spans []time.Duration
		odds  []Odds
	}{{WasAnswered, s.Done.RingAnswered, s.Done.OddsAnswered}, {EndedOther, s.Done.RingOther, s.Done.OddsOther},
		{TalkOver, s.Done.Talk, nil}, {WrapOver, s.Done.Wrap, nil}} {
		for i, span := range list.spans {
			r.now.Events = append(r.now.Events, Event{At: at, Kind: list.kind, N: span.Milliseconds(),
				Odds: thousandths(oddsAt(list.odds, i))})
		}
	}
	if d.Key != r.key || d.Originate > 0 {
		r.key = d.Key
		add(Decided, int64(d.Originate)*16+int64(keyNumber(d.Key)))
	}
	r.events += len(r.now.Events) - before
	return begin, packed
}

// thousandths is odds as a record has them; what is no number, or none that can be, is not known.
func thousandths(o Odds) int64 {
	const most = 1e6
	if !(o > 0 && o < most) {
		return 0
	}
	return max(int64(math.Round(float64(o)*1000)), 1)
}

func (r *Recorder) begin(now time.Time, s *Snapshot) {
	r.end = now.Add(recordTime)
	r.now = Record{Life: r.life.UnixMilli(), Begin: now.UnixMilli(), Mode: r.settings.Mode, Ratio: r.settings.Ratio, Cap: s.Cap,
		MaxLines: s.MaxLines, Ring: s.RingTimeout.Milliseconds(), Patience: s.Patience.Milliseconds(), Events: r.now.Events[:0]}
}

// Take ends the record that is being written, and returns it packed; nil: there is none.
func (r *Recorder) Take() (begin time.Time, packed []byte) {
	if len(r.now.Events) == 0 {
		return begin, nil
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if json.NewEncoder(w).Encode(&r.now) != nil || w.Close() != nil { // numbers that are none
		return begin, nil
	}
	begin = time.UnixMilli(r.now.Begin)
	r.now.Events = r.now.Events[:0]
	return begin, b.Bytes()
}

func (r *Recorder) number(id int) int64 {
	n, known := r.numbers[id]
	if !known {
		n = len(r.numbers)
		r.numbers[id] = n
	}
	return int64(n)
}

// keys are numbered in records: a new one is added at the end.
var keys = []Key{ByRisk, ByRoom, WarmingUp, ByMode, ByCap, ByTrouble, StaleState, NoCredit, NotPossible}

func keyNumber(k Key) int {
	for n, known := range keys {
		if known == k {
			return n
		}
	}
	return 15
}

// Unpack reads a record.
func Unpack(packed []byte) (Record, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return Record{}, fmt.Errorf("pacing: a record: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, mostRecord))
	if err != nil {
		return Record{}, fmt.Errorf("pacing: a record: %w", err)
	}
	var record Record
	if err := json.Unmarshal(text, &record); err != nil {
		return Record{}, fmt.Errorf("pacing: a record: %w", err)
	}
	return record, nil
}
