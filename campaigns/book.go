package campaigns

import (
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Line is a contact that was read from a list, and what its owner should know of it.
type Line struct {
	Number   int // CSV and XLSX: the line it begins on, from 1; JSON: its place in the list, from 1
	Contact  Contact
	Warnings []reason.Reason // what was left out, such as the second of two numbers
}

// LineError refuses one line; those after it are read on.
type LineError struct {
	Line  int           // as [Line].Number
	Code  string        // stable, such as "no_phone"; reports count by it
	Why   reason.Reason // with what would be right
	CRMID string        // the person's, where it could be read
	Raw   string        // the line as the list has it
}

func (e *LineError) Error() string { return fmt.Sprintf("campaigns: line %d: %s", e.Line, e.Why) }

// ImportReport says what became of a list of contacts.
type ImportReport struct {
	Accepted   int
	Updated    int // known people of whom something was changed
	Unchanged  int // known people of whom the list says nothing new
	Duplicates int
	Refused    int
	Reasons    []ReasonCount // what lines met with, in the order in which it was met first
	Lines      []LineReport  // what its owner should look at, in the list's order; at most MaxLineReports
}

// MaxLineReports bounds [ImportReport].Lines; the counts go on.
const MaxLineReports = 10_000

// LineReport is one line of a list that was not simply accepted.
type LineReport struct {
	Line   int
	Status LineStatus
	Code   string        // of a refused line
	Why    reason.Reason // with what would be right
}

// LineStatus says what became of a line.
type LineStatus string

const (
	LineRefused   LineStatus = "refused"
	LineDuplicate LineStatus = "duplicate" // the CRM id or a number is in the campaign, or earlier in the list, already
	LineWarned    LineStatus = "accepted"  // accepted, but something was left out
	LineUpdated   LineStatus = "updated"   // the person is known, and something of it was changed
	LineUnchanged LineStatus = "unchanged" // the person is known, and the line says nothing new
)

// Add counts a line and keeps its report. One that is accepted without a word is counted alone.
func (r *ImportReport) Add(line LineReport) {
	switch line.Status {
	case LineRefused:
		r.Refused++
	case LineDuplicate:
		r.Duplicates++
	case LineUpdated:
		r.Updated++
	case LineUnchanged:
		r.Unchanged++
		return
	default:
		r.Accepted++
		if line.Why.IsZero() {
			return
		}
	}
	if len(r.Lines) < MaxLineReports {
		r.Lines = append(r.Lines, line)
	}
}

// Stats are a campaign's counts at one moment.
type Stats struct {
	Contacts map[ContactState]int // by where they stand
	Reasons  map[string]int       // finished contacts by [Contact].Reason
	Outcomes map[Outcome]int      // closed attempts that were dialed, and those that ended at the agent
	Codes    map[string]int       // closed attempts by call code
	Open     int                  // attempts prepared, dialing or up
	Dialed   int                  // attempts at which the customer's phone rang
	Talk     time.Duration        // sum
	NextDue  time.Time            // the earliest next time of a waiting contact; zero: none waits
}

// NamePlace is where a search by name goes on: behind this word of this contact.
type NamePlace struct {
	Typed string // the word that is looked for
	Word  string // the one that it has found
	ID    int64
}

// Barred is an entry of the do-not-call list: a number, a person by the CRM's id, or both.
type Barred struct {
	ID     int64
	Number string // E.164
	CRMID  string
	Reason string
	Source string // where it comes from, such as the name of a register; empty: it was said here
	// Protected: a law keeps the person from such calls. It bars as every entry does; who asks why is told so.
	Protected bool
	MadeBy    string
	At        time.Time
	Expires   time.Time // from then on it bars no more; zero: never
}

// Callback is a promise to call a contact at an agreed moment.
type Callback struct {
	ContactID  int64
	CampaignID int64
	At         time.Time
	AgentID    int64 // who promised; zero: any agent may call
	MadeBy     string
	Wish       string // where it is recorded that the person asked for it; empty: it is not
	ConsentID  int64  // the wish; zero: none

	Fallback    time.Duration // with AgentID: how long after At only that agent may call
	OpenAt      time.Time     // from then on any agent may; zero: from At on
	PermittedAt time.Time     // when law and settings allow it, if nothing happens until then; zero: never, as things stand
	CalledAt    time.Time     // when the contact was dialed for it first; zero: not yet
	LateAt      time.Time     // when it was told that it is late; zero: it was not
}

// PromiseClock says how promised callbacks are kept whose moment has come.
type PromiseClock struct {
	Due     int // promised for the time asked about, those that a supervisor cancelled or that were replaced left out
	InTime  int // dialed within PromiseLate of the agreed moment
	Late    int // dialed later
	Missed  int // given up without having been dialed
	Waiting int // not dialed yet, and not late
	Overdue int // not dialed yet, and late
}

// PromiseCount says what became of promised callbacks: each of those made is one of the others.
type PromiseCount struct {
	Made      int
	InTime    int // dialed within PromiseLate of the agreed moment
	Late      int // dialed later
	Missed    int // given up without having been dialed
	Moved     int // to another moment, which is a promise of its own, before it was dialed
	Cancelled int // by a supervisor, before it was dialed
	Waiting   int // still open, and not late
	Overdue   int // still open, and late
}

// Clock is how the promises were kept that somebody was still waiting for.
func (p PromiseCount) Clock() PromiseClock {
	return PromiseClock{Due: p.Made - p.Moved - p.Cancelled, InTime: p.InTime, Late: p.Late, Missed: p.Missed, Waiting: p.Waiting,
		Overdue: p.Overdue}
}

// Share is the part of the promises, of those that are decided, that were kept within PromiseLate. None decided: 1.
func (p PromiseClock) Share() float64 {
	decided := p.InTime + p.Late + p.Missed + p.Overdue
	if decided == 0 {
		return 1
	}
	return float64(p.InTime) / float64(decided)
}
