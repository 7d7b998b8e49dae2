package campaigns

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/creditorro/ringmaster/internal/reason/field"
)

// Window opens at each tick of Cron and stays open for Duration: `0 9 * * 1-5` with 11h is nine to eight on working
// days. Its state is computed from the clock alone, so a process that starts in the middle of a window finds it open.
//
// A tick is every moment at which the clock on the wall shows what Cron names. Where clocks are put forward, a time that
// is skipped has no tick; where they are put back, a time that is shown twice has two. Duration is elapsed time.
type Window struct {
	// five fields, as robfig/cron/v3 ParseStandard reads them, Sunday being 0 or 7, or @daily and the like
	Cron     string        `json:"cron"`
	Duration time.Duration `json:"duration"` // 1 min to 7 days
}

// OpenAt says whether one of the campaign's windows or openings is open at the moment given and no closing is, and when that
// changes: the first moment at which it is not any more, or the next opening. A campaign without windows is always open but for
// its closings; change is zero when it stays so, as it is when a closed campaign never opens. A window that cannot be read is
// closed: in doubt nobody is called.
//
// Where windows follow each other without a gap for days, change may be earlier than the true end, and is then a moment
// to ask again.
func OpenAt(c *Campaign, now time.Time) (open bool, change time.Time) {
	if len(c.Windows) == 0 && len(c.Exceptions) == 0 {
		return true, time.Time{}
	}
	loc, err := campaignZone(c)
	if err != nil {
		return false, time.Time{}
	}
	if undated(c) > 0 {
		return false, time.Time{}
	}
	s := hours{always: len(c.Windows) == 0}
	s.opened, s.closed = exceptional(c, loc, now)
	for _, w := range c.Windows {
		if o, err := w.parse(loc); err == nil {
			s.windows = append(s.windows, o)
		}
	}
	if within(s.closed, now) == nil {
		if s.always {
			return true, following(s.closed, now)
		}
		if end, ok := s.openUntil(now); ok {
			end = s.extend(end)
			if closing := following(s.closed, now); !closing.IsZero() && closing.Before(end) {
				end = closing
			}
			return true, end
		}
	}
	return false, s.opensAfter(now)
}

// hours are a campaign's windows, and its exceptions that are not over.
type hours struct {
	always         bool // it has no windows
	windows        []opening
	opened, closed []dated
}

// opensAfter is the first moment after now, at which it is closed, that it is open again; zero: none.
func (s *hours) opensAfter(t time.Time) time.Time {
	for range 2*len(s.closed) + 2 { // each closing is passed at most once, and what opens behind it is looked for
		if closed := within(s.closed, t); closed != nil {
			t = closed.To
			continue
		}
		if _, open := s.openUntil(t); open || s.always {
			return t
		}
		if t = s.next(t); t.IsZero() {
			break
		}
	}
	return time.Time{}
}

// next is the first beginning of a window or an opening after t; zero: none.
func (s *hours) next(t time.Time) time.Time {
	first := following(s.opened, t)
	for _, o := range s.windows {
		if tick := o.next(t); !tick.IsZero() && (first.IsZero() || tick.Before(first)) {
			first = tick
		}
	}
	return first
}

// extend follows windows that begin before or when the one before them ends.
func (s *hours) extend(end time.Time) time.Time {
	for range 200 { // a bound on the work for windows that never close
		later, ok := s.openUntil(end)
		if !ok {
			break
		}
		end = later
	}
	return end
}

// openUntil returns the latest end among the windows and openings open at t.
func (s *hours) openUntil(t time.Time) (end time.Time, ok bool) {
	if d := within(s.opened, t); d != nil {
		end, ok = d.To, true
	}
	for _, o := range s.windows {
		// The window is open when one of its ticks lies in (t − duration, t].
		tick := o.next(t.Add(-o.duration))
		if tick.IsZero() || tick.After(t) {
			continue
		}
		ok = true
		if e := tick.Add(o.duration); e.After(end) {
			end = e
		}
	}
	return end, ok
}

// opening is a window ready to be asked.
type opening struct {
	schedule cron.Schedule
	duration time.Duration
	loc      *time.Location
}

const (
	shortestWindow = time.Minute
	longestWindow  = 7 * 24 * time.Hour
)

func (w Window) parse(loc *time.Location) (opening, error) {
	if w.Duration < shortestWindow || w.Duration > longestWindow {
		return opening{}, badField(field.Lasts(shortestWindow, longestWindow))
	}
	expr := strings.TrimSpace(w.Cron)
	if len(expr) <= 256 {
		expr = sundays(expr)
	}
	if len(expr) > 256 {
		return opening{}, badField(field.MaxLength(256))
	}
	// @every counts from whenever it is asked, and a zone here would hide the campaign's own.
	if strings.Contains(expr, "TZ=") || strings.HasPrefix(expr, "@every") {
		return opening{}, badField(whyCron)
	}
	schedule, err := cron.ParseStandard("TZ=UTC " + expr)
	if err != nil {
		return opening{}, badField(whyCron)
	}
	return opening{schedule, w.Duration, loc}, nil
}

// next is the first tick after t; zero when there is none within five years.
//
// The cron library goes astray where a zone skips midnight or changes by half an hour, so it is asked in UTC, where
// nothing of the kind happens: within one period of constant offset the wall clock is UTC shifted.
func (o opening) next(t time.Time) time.Time {
	const periods = 24 // of constant offset, more than any zone has in five years
	t = t.In(o.loc)
	for range periods {
		_, offset := t.Zone()
		shift := time.Duration(offset) * time.Second
		wall := o.schedule.Next(t.UTC().Add(shift))
		if wall.IsZero() {
			return time.Time{}
		}
		tick := wall.Add(-shift)
		_, end := t.ZoneBounds()
		if end.IsZero() || tick.Before(end) {
			return tick.In(o.loc)
		}
		_, offset = end.Zone()
		shift = time.Duration(offset) * time.Second
		// The period's first moment may itself be a tick.
		wall = o.schedule.Next(end.UTC().Add(shift - time.Second))
		if wall.IsZero() {
			return time.Time{}
		}
		if tick = wall.Add(-shift); tick.Equal(end) {
			return tick.In(o.loc)
		}
		t = end
	}
	return time.Time{}
}
