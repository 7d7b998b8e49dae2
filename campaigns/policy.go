package campaigns

import (
	"slices"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Question is everything that [Decide] judges by.
type Question struct {
	Campaign  *Campaign
	Contact   *Contact // nil for a manual call to a number that is in no list
	Number    string   // the E.164 number to dial
	Past      []PastCall
	Zones     []string  // time zones that are known of the person from elsewhere, for a contact without one
	Consents  []Consent // the person's, in force
	DoNotCall bool      // the number or the person is on the do-not-call list
	Protected bool      // it is there as one whom a law protects
	BarredTo  time.Time // until when DoNotCall holds; zero: for ever
	// more people and numbers are connected with this one than the record looks at: nobody can say what Past lacks
	Unclear   bool
	Automatic bool       // placed by the dialer; false: an agent's hand
	WithAgent bool       // an agent is there first, whatever the campaign's mode
	List      *ListShare // where nobody has called the contact yet and its list may have so many calls a day: that list
	Promised  bool       // a callback agreed with the person: MaxAttempts does not bar it
	Now       time.Time
}

// Bar has the question ask about somebody who is on the do-not-call list by this entry; of several the longest decides.
func (q *Question) Bar(b Barred) {
	switch {
	case !q.DoNotCall || b.Expires.IsZero():
		q.BarredTo = b.Expires
	case !q.BarredTo.IsZero() && b.Expires.After(q.BarredTo):
		q.BarredTo = b.Expires
	}
	q.DoNotCall, q.Protected = true, q.Protected || b.Protected
}

// Verdict is the reply to a Question: a permit until ValidUntil, or every refusal.
type Verdict struct {
	Permit     bool
	ValidUntil time.Time // when Permit: the first moment at which the answer may be another; at most a day ahead
	Refusals   []Refusal // when not Permit: all that apply, hard ones first
}

// Refusal is one rule's no.
type Refusal struct {
	Rule   string        `json:"rule"`             // stable name, such as "do_not_call", "hours", "per_day"
	Reason reason.Reason `json:"reason"`           // with the numbers it was judged by
	Source string        `json:"source,omitempty"` // the law or setting behind it
	Hard   bool          `json:"hard"`             // no role may override it
	Next   time.Time     `json:"next,omitzero"`    // when this rule alone would permit; zero: never, as things stand
}

// longestPermit bounds ValidUntil: a day later, yesterday's facts must be asked for again.
const longestPermit = 24 * time.Hour

// Decide says whether the person may be called now. It is pure, and returns every refusal, not the first one. What
// cannot be read (a profile, a time zone, a window) refuses: in doubt nobody is called.
//
// Refusals by law and by the do-not-call list are hard; those by the campaign's own settings are soft, and a role that
// may do so can override them for a call placed by hand.
func Decide(q Question) Verdict {
	j, refusal := newJudge(&q)
	if refusal != nil {
		return Verdict{Refusals: []Refusal{*refusal}}
	}
	until := q.Now.Add(longestPermit)
	var refusals []Refusal
	for i := range j.rules {
		r := &j.rules[i]
		a, teller := j.ask(r)
		switch {
		case a.no:
			refusals = append(refusals, Refusal{r.name, r.tell(teller), r.source, r.hard, a.at})
		case !a.at.IsZero() && a.at.Before(until):
			until = a.at
		}
	}
	if len(refusals) > 0 {
		slices.SortStableFunc(refusals, hardFirst)
		return Verdict{Refusals: refusals}
	}
	return Verdict{Permit: true, ValidUntil: until}
}

func hardFirst(a, b Refusal) int {
	switch {
	case a.Hard == b.Hard:
		return 0
	case a.Hard:
		return -1
	}
	return 1
}

// NextPermit is when the person may be called if nothing happens until then: now, or the first moment that no rule
// refuses any more. Unlike [Verdict.NextEligible] it heeds rules that permit now but not then. Zero: never, or not within
// a year.
func NextPermit(q Question) time.Time {
	const steps = 100 // each one passes at least one refusal; a year of them is far beyond any campaign
	limit := q.Now.AddDate(1, 0, 0)
	for range steps {
		v := Decide(q)
		if v.Permit {
			return q.Now
		}
		next := v.NextEligible()
		if next.IsZero() || !next.After(q.Now) || next.After(limit) {
			return time.Time{}
		}
		q.Now = next
	}
	return time.Time{}
}

// NextEligible is when every refusal has passed; zero when one of them never will.
func (v Verdict) NextEligible() time.Time {
	var next time.Time
	for _, r := range v.Refusals {
		if r.Next.IsZero() {
			return time.Time{}
		}
		if r.Next.After(next) {
			next = r.Next
		}
	}
	return next
}

// Disposition is what happens to a contact after an attempt or a call code.
type Disposition struct {
	State      ContactState // Waiting or Complete
	NextAt     time.Time    // when Waiting
	Reason     string       // when Complete
	BadNumber  bool         // the dialed number does not exist: its Phone becomes Invalid
	DoNotCall  bool         // the dialed number goes on the do-not-call list
	CallbackBy int64        // the agent who promised, zero for any
}
