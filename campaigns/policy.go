package campaigns

import "time"

// Question is everything that [Decide] judges by.
type Question struct {
	Campaign  *Campaign
	Contact   *Contact // nil for a manual call to a number that is in no list
	Number    string   // the E.164 number to dial
	Past      []PastCall
	DoNotCall bool // the number or the person is on the do-not-call list
	Automatic bool // placed by the dialer; false: an agent's hand
	Now       time.Time
}

// Verdict answers a Question: a permit until ValidUntil, or every refusal.
type Verdict struct {
	Permit     bool
	ValidUntil time.Time // when Permit: the first moment at which the answer may be another
	Refusals   []Refusal // when not Permit: all that apply, hard ones first
}

// Refusal is one rule's no.
type Refusal struct {
	Rule   string    `json:"rule"`             // stable name, such as "do_not_call", "hours", "per_day"
	Reason string    `json:"reason"`           // a sentence for people, with the numbers it was judged by
	Source string    `json:"source,omitempty"` // the law or setting behind it
	Hard   bool      `json:"hard"`             // no role may override it
	Next   time.Time `json:"next,omitzero"`    // when this rule alone would permit; zero: never
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
