package dialer

import (
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// AttemptID identifies one try at a contact: decimal, ordered by time, above 0 and below 2^53, a string in all JSON.
type AttemptID int64

// String is the id's decimal form; on our own networks it is the calltraceid too.
func (id AttemptID) String() string { return strconv.FormatInt(int64(id), 10) }

// MarshalText writes the decimal form.
func (id AttemptID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the decimal form.
func (id *AttemptID) UnmarshalText(text []byte) error {
	n, err := ParseAttemptID(string(text))
	*id = n
	return err
}

// State is where an attempt stands: prepared → dialing → answered → closed, prepared → cancelled, dialing → closed.
type State string

const (
	Prepared  State = "prepared"  // planned; nobody has touched a phone
	Dialing   State = "dialing"   // claimed by Owner under Fence; the agent's phone, then the customer's
	InTalk    State = "answered"  // both sides are up
	Closed    State = "closed"    // over, with an outcome
	Cancelled State = "cancelled" // given up before it was claimed; counted nowhere
)

// Origin says who asked for the attempt.
type Origin string

const (
	Automatic Origin = "automatic" // the pacer
	ByHand    Origin = "manual"    // an agent's makeCall
	Callback  Origin = "callback"  // an agreed time
	Previewed Origin = "preview"   // an agent started the shown contact
	External  Origin = "external"  // a call that another system placed, seen on its network
)

// Attempt is one try at a contact.
type Attempt struct {
	ID         AttemptID
	CampaignID int64
	ContactID  int64 // zero: a manual call to a number in no list
	Ordinal    int   // 1, 2, … of the contact
	Person     string
	Number     string // E.164
	CallerID   string // the number shown to the customer, E.164; empty: the phone network's default
	Origin     Origin
	State      State
	Owner      string // node that claimed it
	Fence      int64  // grows with every claim
	LeaseUntil time.Time
	ValidUntil time.Time // the permit's end; not claimed afterwards

	AgentID     int64
	CallTraceID string // empty until known

	PreparedAt, ClaimedAt, DialedAt, AnsweredAt, EndedAt time.Time // zero: has not happened

	Outcome  campaigns.Outcome // when Closed
	Cause    string            // what the network said, such as "486 Busy Here"
	HangupBy string            // "agent", "customer", "system"
	Machine  bool              // an answering machine was heard
	Fault    bool              // infrastructure failed and no phone rang: no attempt at the person, whatever DialedAt says

	Code      string // CallCode.ID; empty: none yet
	CodeDueAt time.Time
	CodeSetAt time.Time
}
