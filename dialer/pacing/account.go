package pacing

import "time"

// Ending is how a call ended that was answered, as the rules on abandoned calls see it.
type Ending string

// The endings.
const (
	Connected Ending = "connected" // a person, who got an agent in time
	Abandoned Ending = "abandoned" // a person, who did not
	HungUp    Ending = "hung_up"   // a person, who hung up before the patience was over
	Machine   Ending = "machine"   // an answering machine
	Mistaken  Ending = "mistaken"  // a person, taken for a machine
)

// Counting is whose rules count.
type Counting string

// The countings. Both take a person who was mistaken for a machine as abandoned, and leave machines out.
const (
	Ofcom Counting = "ofcom" // from midnight to midnight; who hung up early is no live call
	FTC   Counting = "ftc"   // over 30 days; who hung up early was answered
)

// HalfHour is the shorter of the two spans over which abandoned calls are counted.
const HalfHour = 30 * time.Minute

const (
	ftcDays  = 30
	halfHour = HalfHour
)

// Span counts endings from a moment on.
type Span struct {
	Begin     time.Time `json:"begin"`
	Connected int       `json:"connected,omitempty"`
	Abandoned int       `json:"abandoned,omitempty"`
	HungUp    int       `json:"hungUp,omitempty"`
	Machines  int       `json:"machines,omitempty"`
	Mistaken  int       `json:"mistaken,omitempty"`
}

// Account keeps a campaign's abandoned calls. It is a stored form: what is added is never lost by storing and reading it. It may
// lie behind a window by a minute, on the safe side: what is older by less than a minute still counts.
type Account struct {
	Days    []Span `json:"days,omitempty"`    // of the last 30, newest last
	Halves  []Span `json:"halves,omitempty"`  // half hours of the newest day by the clock, newest last
	Minutes []Span `json:"minutes,omitempty"` // of the last half hour, newest last
}

// Add counts a call that ended at this moment, in the zone of which the day is meant. A moment before the newest one counts as
// the newest: a clock that was set back loses nothing.
func (a *Account) Add(at time.Time, e Ending, n int) {
	if n <= 0 {
		return
	}
	midnight := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	if k := len(a.Days); k > 0 && midnight.After(a.Days[k-1].Begin) {
		a.Halves = a.Halves[:0]
	}
	a.Days = keepFrom(a.Days, midnight.AddDate(0, 0, 1-ftcDays))
	a.Minutes = keepFrom(a.Minutes, at.Add(-halfHour-time.Minute))
	add(&a.Days, midnight, e, n)
	add(&a.Halves, at.Truncate(halfHour), e, n)
	add(&a.Minutes, at.Truncate(time.Minute), e, n)
}

// keepFrom drops the spans that begin before the moment.
func keepFrom(spans []Span, from time.Time) []Span {
	drop := 0
	for drop < len(spans) && spans[drop].Begin.Before(from) {
		drop++
	}
	return append(spans[:0], spans[drop:]...)
}

func add(spans *[]Span, begin time.Time, e Ending, n int) {
	if k := len(*spans); k == 0 || begin.After((*spans)[k-1].Begin) {
		*spans = append(*spans, Span{Begin: begin})
	}
	s := &(*spans)[len(*spans)-1]
	switch e {
	case Connected:
		s.Connected += n
	case Abandoned:
		s.Abandoned += n
	case HungUp:
		s.HungUp += n
	case Machine:
		s.Machines += n
	case Mistaken:
		s.Mistaken += n
	}
}

// Day is the tally that the cap is for, as of a moment: of that day, or of 30 days.
func (a *Account) Day(at time.Time, c Counting) Tally {
	from := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	if c == FTC {
		from = from.AddDate(0, 0, 1-ftcDays)
	}
	return tally(a.Days, from, c)
}

// HalfHour is the tally of the last half hour.
func (a *Account) HalfHour(at time.Time, c Counting) Tally {
	return tally(a.Minutes, at.Add(-halfHour-time.Minute), c)
}

func tally(spans []Span, from time.Time, c Counting) (t Tally) {
	for i := range spans {
		s := &spans[i]
		if s.Begin.Before(from) {
			continue
		}
		t = t.Plus(s.Tally(c))
	}
	return t
}

// Tally counts the span's.
func (s *Span) Tally(c Counting) Tally {
	t := Tally{Answered: s.Connected + s.Abandoned + s.Mistaken, Abandoned: s.Abandoned + s.Mistaken}
	if c == FTC {
		t.Answered += s.HungUp
	}
	return t
}
