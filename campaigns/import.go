package campaigns

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Choice says what an import does with a person of the list who is in the campaign already, by CRM id.
type Choice string

// The choices. A choice never moves a contact's calls, retries or promises.
const (
	NewOnly   Choice = "new"        // stays as it was
	Update    Choice = "update"     // takes over what the list says; what the line leaves empty stays
	AddPhones Choice = "add_phones" // is given the numbers that it does not have
	Replace   Choice = "replace"    // becomes what the list says, also where the line is empty
)

// Choices are all of them.
var Choices = []Choice{NewOnly, Update, AddPhones, Replace}

// ImportState is how far an import is.
type ImportState string

const (
	ImportReceiving ImportState = "receiving" // its file comes
	ImportChecked   ImportState = "checked"   // a dry run: nothing is stored before its commit
	ImportRunning   ImportState = "running"
	ImportDone      ImportState = "done"
	ImportBroken    ImportState = "broken" // it ended before the list did; what was accepted stays
)

// ListNameFits reports whether a list may be called so; empty: it is called after its import.
func ListNameFits(name string) bool {
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= 100 && !strings.ContainsFunc(name, unicode.IsControl)
}

// Import is one list on its way into a campaign.
type Import struct {
	ID         int64
	CampaignID int64
	List       string // the list's name; empty: it is called after the import
	ListID     int64  // zero: nobody came by it yet
	Choice     Choice
	State      ImportState
	Kept       bool            // its file is kept, so it can be committed, or resumed
	Reading    json.RawMessage // how it is to be read
	About      json.RawMessage // what it is taken for
	Bytes      int64           // of the file; zero: not known
	Read       int64           // bytes of it
	Lines      int             // the last line that is stored, or was checked
	Report     ImportReport
	Problem    reason.Reason // why it is broken
	MadeBy     string
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ExpiresAt  time.Time // when its file and its refused lines are forgotten
	Fence      int64     // of the run
	LeaseUntil time.Time // until when a run that says nothing is taken for alive
}

// At is the import as it stands at a moment: one that has said nothing for longer than it may was killed in the middle, and is
// broken.
func (im Import) At(now time.Time) Import {
	if im.Underway() && !im.LeaseUntil.After(now) {
		im.Problem = whyImportCut
		if im.State == ImportReceiving {
			im.Kept = false // a part of the file is no file
		}
		im.State = ImportBroken
	}
	return im
}

// Underway reports whether its file comes, or it runs.
func (im Import) Underway() bool { return im.State == ImportRunning || im.State == ImportReceiving }

// Committable reports whether its contacts can be stored, or the rest of them.
func (im Import) Committable() bool {
	return im.Kept && (im.State == ImportChecked || im.State == ImportBroken)
}

// List is those who came into a campaign by lists of one name.
type List struct {
	ID         int64
	CampaignID int64
	Name       string
	MadeBy     string
	CreatedAt  time.Time
	ClosedAt   time.Time // zero: it is open. Nobody who came by a closed list is dialed.
	ClosedBy   string
	Contacts   map[ContactState]int
	Reasons    map[string]int // of the finished ones
	Weight     int            // of its part in the calls to those whom nobody has called yet: 1 to [MaxWeight]
	Quota      int            // of these calls a day, at most; zero: no limit
}

// RefusedLine is a line that was refused, in its original form.
type RefusedLine struct {
	Line int
	Code string
	Why  reason.Reason
	Raw  string
}

// Recycling selects finished contacts of a list that are to be called once more.
type Recycling struct {
	Reasons       []string  // why they are finished; none: [RecycledReasons]
	Codes         []string  // with one of these codes last; none: with any, or without one
	CalledBefore  time.Time // not called since; zero: whenever
	MaxAttempts   int       // called at most so often; zero: however often
	ResetAttempts bool      // the campaign's limit of attempts counts anew, else who has used it up stays finished
}

// RecycledReasons are those that a list is recycled by when nobody says which: the person was not reached, or was put off.
var RecycledReasons = []string{"max_attempts", "no_number"}

// ListClosed is why the contacts of a closed list are finished.
const ListClosed = "list_closed"

// Merge makes of a contact what the choice makes of it with a list's line. It returns the fields that changed; none: it stays as
// it was.
func Merge(choice Choice, was, line Contact) (Contact, []string) {
	is := was
	var changed []string
	set := func(field string, differs bool, change func()) {
		if differs {
			change()
			changed = append(changed, field)
		}
	}
	all := choice == Replace
	if all || choice == Update {
		set("name", line.Name != was.Name && (all || line.Name != ""), func() { is.Name = line.Name })
		set("time_zone", line.TimeZone != was.TimeZone && (all || line.TimeZone != ""), func() { is.TimeZone = line.TimeZone })
		set("priority", line.Priority != was.Priority && (all || line.Priority != 0), func() { is.Priority = line.Priority })
		payload := line.Payload
		if !all {
			payload = overlay(was.Payload, line.Payload)
		}
		set("payload", !sameJSON(payload, was.Payload), func() { is.Payload = payload })
	}
	phones := mergePhones(choice, was.Phones, line.Phones)
	set("phones", !slices.Equal(phones, was.Phones), func() { is.Phones = phones })
	return is, changed
}

// MaxPhones is how many numbers a contact has at most.
const MaxPhones = 10

// mergePhones lets a corrected number take the place of the wrong one: with [Update] the numbers of a label that the line has are
// the line's, and those of other labels stay. What is known of a number that stays, such as that it does not exist, stays too.
func mergePhones(choice Choice, was, line []Phone) []Phone {
	at := func(list []Phone, number string) int {
		return slices.IndexFunc(list, func(p Phone) bool { return p.Number == number })
	}
	var phones []Phone
	switch choice {
	case NewOnly:
		return was
	case AddPhones:
		phones = slices.Clone(was)
	default:
		for _, p := range was {
			same := at(line, p.Number) >= 0
			relabelled := slices.ContainsFunc(line, func(l Phone) bool { return l.Label == p.Label })
			if same || choice == Update && !relabelled {
				phones = append(phones, p)
			}
		}
	}
	for _, p := range line {
		if i := at(phones, p.Number); i < 0 {
			phones = append(phones, p)
		} else if choice != AddPhones {
			phones[i] = p.Keeping(phones[i])
		}
	}
	if choice == Replace { // in the list's order
		slices.SortStableFunc(phones, func(a, b Phone) int { return at(line, a.Number) - at(line, b.Number) })
	}
	return phones[:min(len(phones), MaxPhones)]
}

// overlay takes over what a line's payload says; empty texts say nothing.
func overlay(was, line json.RawMessage) json.RawMessage {
	var old, said map[string]json.RawMessage
	if json.Unmarshal(line, &said) != nil || len(said) == 0 {
		return was
	}
	if len(was) > 0 && json.Unmarshal(was, &old) != nil || old == nil {
		old = map[string]json.RawMessage{}
	}
	changed := false
	for key, value := range said {
		if text := string(value); text == `""` || text == "null" || sameJSON(value, old[key]) {
			continue
		}
		old[key], changed = value, true
	}
	if !changed {
		return was
	}
	text, err := json.Marshal(old)
	if err != nil {
		return was // it was read a moment ago
	}
	return text
}

func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y bytes.Buffer
	return len(a) > 0 && len(b) > 0 && json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// Examples bounds how many lines a report shows for each reason.
const Examples = 10

// ReasonCount is how many lines met with one thing.
type ReasonCount struct {
	Status   LineStatus `json:"status"`
	Code     string     `json:"code"`
	Count    int        `json:"count"`
	Examples []Example  `json:"examples"`
}

// Example is a line that met with something.
type Example struct {
	Line  int           `json:"line"`
	CRMID string        `json:"crm_id,omitempty"`
	Why   reason.Reason `json:"why"`
	Raw   string        `json:"raw,omitempty"` // the line as the list has it, where it was refused
}

const (
	maxReasons = 100 // kinds
	maxExample = 300 // bytes of an example's line
)

// Clone is the report as it is now.
func (r ImportReport) Clone() ImportReport {
	r.Lines, r.Reasons = slices.Clone(r.Lines), slices.Clone(r.Reasons)
	for i := range r.Reasons {
		r.Reasons[i].Examples = slices.Clone(r.Reasons[i].Examples)
	}
	return r
}

// Count notes that a line met with something; the first lines of each kind are kept as examples.
func (r *ImportReport) Count(status LineStatus, code string, e Example) {
	at := slices.IndexFunc(r.Reasons, func(c ReasonCount) bool { return c.Status == status && c.Code == code })
	if at < 0 {
		if len(r.Reasons) == maxReasons {
			return
		}
		at = len(r.Reasons)
		r.Reasons = append(r.Reasons, ReasonCount{Status: status, Code: code, Examples: []Example{}})
	}
	c := &r.Reasons[at]
	c.Count++
	if len(c.Examples) < Examples {
		e.Raw = cut(e.Raw)
		c.Examples = append(c.Examples, e)
	}
}

func cut(s string) string {
	if len(s) <= maxExample {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:maxExample]), nil)) + "…"
}
