package campaigns

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// Exception is one date on which a campaign keeps other hours than its windows: an opening beside them, or a closing. It holds
// while the clock on the wall, in the campaign's zone, shows its hours: a time that the clock skips is none, and one that it
// shows twice is twice. The profile's law stands above an opening, as above a window.
type Exception struct {
	Date   string `json:"date"`             // "2026-12-05"
	From   string `json:"from,omitempty"`   // "10:00"; of a closing also empty: the day's beginning
	To     string `json:"to,omitempty"`     // "14:00", at most "24:00"; of a closing also empty: the day's end
	Closed bool   `json:"closed,omitempty"` // nobody is called then; false: an opening
	Note   string `json:"note,omitempty"`   // why, in the supervisor's words, at most 200 characters
}

const (
	maxExceptions = 400
	maxNote       = 200
)

// hours are its beginning and its end after midnight, as the clock on the wall shows them.
func (e *Exception) hours() (from, to time.Duration, ok bool) {
	from, to = 0, day
	fromOK, toOK := e.Closed && e.From == "", e.Closed && e.To == ""
	if e.From != "" {
		from, fromOK = timeOfDay(e.From)
	}
	if e.To != "" {
		to, toOK = timeOfDay(e.To)
	}
	return from, to, fromOK && toOK && from < to
}

// timeOfDay reads a time such as "09:30", up to "24:00".
func timeOfDay(text string) (time.Duration, bool) {
	if text == "24:00" {
		return day, true
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

// spans are the moments at which the clock in loc shows its hours: more than one stretch where it is put back among them, and
// none where it skips them all. An opening that cannot be read has none; a closing whose hours cannot be read has the whole day.
func (e *Exception) spans(loc *time.Location) []Span {
	date, err := time.Parse(time.DateOnly, e.Date)
	from, to, ok := e.hours()
	if err != nil || !ok && !e.Closed {
		return nil
	}
	if !ok {
		from, to = 0, day
	}
	var spans []Span
	const farthest = 26 * time.Hour // no zone is further from UTC, nor from another
	for t := date.Add(-farthest).In(loc); t.Before(date.Add(day + farthest)); {
		begin, end := t.ZoneBounds() // within them the wall clock is UTC shifted
		_, offset := t.Zone()
		wall := date.Add(-time.Duration(offset) * time.Second)
		s := Span{wall.Add(from), wall.Add(to)}
		if s.From.Before(begin) {
			s.From = begin
		}
		if !end.IsZero() && s.To.After(end) {
			s.To = end
		}
		if n := len(spans); s.From.Before(s.To) && n > 0 && spans[n-1].To.Equal(s.From) {
			spans[n-1].To = s.To
		} else if s.From.Before(s.To) {
			spans = append(spans, s)
		}
		if end.IsZero() {
			break
		}
		t = end
	}
	return spans
}

// undated is the number of the first closing whose date cannot be read, from one on; zero: there is none. Nobody knows when it
// closes, so it closes always.
func undated(c *Campaign) int {
	return 1 + slices.IndexFunc(c.Exceptions, func(e Exception) bool {
		_, err := time.Parse(time.DateOnly, e.Date)
		return e.Closed && err != nil
	})
}

// dated is a stretch of an exception.
type dated struct {
	Span
	of *Exception
}

// exceptional lists the stretches of a campaign's exceptions that are not over, in the order of their beginnings.
func exceptional(c *Campaign, loc *time.Location, now time.Time) (openings, closings []dated) {
	if len(c.Exceptions) == 0 {
		return nil, nil
	}
	past := now.In(loc).AddDate(0, 0, -1).Format(time.DateOnly)
	for i := range c.Exceptions {
		e := &c.Exceptions[i]
		if e.Date < past {
			continue
		}
		for _, s := range e.spans(loc) {
			switch {
			case !s.To.After(now):
			case e.Closed:
				closings = append(closings, dated{s, e})
			default:
				openings = append(openings, dated{s, e})
			}
		}
	}
	begin := func(a, b dated) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) }
	slices.SortFunc(openings, begin)
	slices.SortFunc(closings, begin)
	return openings, closings
}

// within returns the stretch in which t lies; of several the one that ends last.
func within(list []dated, t time.Time) *dated {
	var found *dated
	for i := range list {
		if d := &list[i]; !t.Before(d.From) && t.Before(d.To) && (found == nil || d.To.After(found.To)) {
			found = d
		}
	}
	return found
}

// following returns the first beginning after t; zero: there is none.
func following(list []dated, t time.Time) time.Time {
	for _, d := range list {
		if d.From.After(t) {
			return d.From
		}
	}
	return time.Time{}
}

// exceptions checks a campaign's exceptions. Openings and closings of one date never overlap, so that none takes another back,
// and there is no opening where a campaign has no windows: it is open at all times.
func (v *validation) exceptions(c *Campaign, loc *time.Location) {
	if len(c.Exceptions) > maxExceptions {
		v.bad("exceptions", field.MaxItems(maxExceptions))
		return
	}
	for i := range c.Exceptions {
		e := &c.Exceptions[i]
		where := fmt.Sprintf("exceptions[%d]", i)
		v.text(where+".note", e.Note, 0, maxNote)
		if _, err := time.Parse(time.DateOnly, e.Date); err != nil {
			v.bad(where+".date", field.Date)
			continue
		}
		from, to, ok := e.hours()
		switch {
		case !ok:
			v.bad(where, whyExceptionHours)
		case !e.Closed && len(c.Windows) == 0:
			v.bad(where, whyOpenAlready)
		case len(e.spans(loc)) == 0:
			v.bad(where, whyClockSkips)
		}
		for j := range c.Exceptions[:i] {
			other := &c.Exceptions[j]
			begin, end, readable := other.hours()
			if ok && readable && other.Date == e.Date && other.Closed != e.Closed && begin < to && from < end {
				v.bad(where, whyContradicts(j+1))
				break
			}
		}
	}
}

// exceptionAt is the exception that decides at a moment whether the campaign is open; nil: its windows do.
func exceptionAt(c *Campaign, now time.Time) *dated {
	loc, err := campaignZone(c)
	if err != nil {
		return nil
	}
	openings, closings := exceptional(c, loc, now)
	if closed := within(closings, now); closed != nil {
		return closed
	}
	weekly := *c
	weekly.Exceptions = nil
	if open, _ := OpenAt(&weekly, now); open {
		return nil
	}
	return within(openings, now)
}

// ClosedBy says which exception keeps a campaign closed at a moment; none: its windows do, or it is open.
func ClosedBy(c *Campaign, now time.Time) (reason.Reason, bool) {
	_, change := OpenAt(c, now)
	loc, err := campaignZone(c)
	if err != nil {
		return reason.Reason{}, false
	}
	if n := undated(c); n > 0 {
		return whyClosedUndated(n), true
	}
	if d := exceptionAt(c, now); d != nil && d.of.Closed {
		return d.tell(change.In(loc)), true
	}
	return reason.Reason{}, false
}

// tell says that the exception opens or closes the campaign until a moment.
func (d *dated) tell(until time.Time) reason.Reason {
	date := reason.Day(d.of.Date)
	_, _, readable := d.of.hours()
	switch {
	case until.IsZero() && d.of.Closed:
		return whyClosedForGood(date)
	case !readable:
		return whyClosedUnread(date, until)
	case d.of.Closed && d.of.Note != "":
		return whyClosedFor(date, d.of.Note, until)
	case d.of.Closed:
		return whyClosedOn(date, until)
	case d.of.Note != "":
		return whyOpenFor(date, d.of.Note, until)
	}
	return whyOpenOn(date, until)
}
