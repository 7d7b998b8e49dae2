package campaigns

import "time"

// Span is a stretch of time: from From until before To.
type Span struct{ From, To time.Time }

// Lawful lists when the person may be called between two moments, if nothing happens until then: no stretch touches the next one.
// Nothing before the question's Now is listed. more says that it stopped before to, at the end of the last stretch.
func Lawful(q Question, from, to time.Time, most int) (spans []Span, more bool) {
	const steps = 5000 // each one passes a refusal or the end of a permit; a month of them is far beyond any profile
	if q.Now.Before(from) {
		q.Now = from
	}
	for range steps {
		if !q.Now.Before(to) {
			return spans, false
		}
		v := Decide(q)
		if !v.Permit {
			next := v.NextEligible()
			if next.IsZero() || !next.After(q.Now) {
				return spans, false
			}
			q.Now = next
			continue
		}
		end := v.ValidUntil
		if end.After(to) {
			end = to
		}
		if n := len(spans); n > 0 && !spans[n-1].To.Before(q.Now) {
			spans[n-1].To = end
		} else if n == most {
			return spans, true
		} else {
			spans = append(spans, Span{q.Now, end})
		}
		if !end.After(q.Now) {
			return spans, false
		}
		q.Now = end
	}
	return spans, true
}

// ZoneNames are the time zones by which the person's hours are judged: all of them must be open.
func (q *Question) ZoneNames() []string {
	zones, _ := zonesOf(q)
	names := make([]string, len(zones))
	for i, loc := range zones {
		names[i] = loc.String()
	}
	return names
}
