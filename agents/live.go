package agents

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// State is where an agent stands at this moment.
type State string

const (
	LoggedOff  State = "logged_off"
	Available  State = "available"
	Ordered    State = "ordered"    // In Call: the call is ordered, the extension does not ring yet
	Delivered  State = "delivered"  // In Call: the extension rings, then the customer's number
	Talking    State = "talking"    // In Call: both legs are up
	Holding    State = "holding"    // In Call: the customer is held
	Clerical   State = "clerical"   // the call is over, a call code may be set
	Paused     State = "paused"     // a pause from the list
	ForcePause State = "forcepause" // the extension did not answer; ends by pause 0 once it is reachable
)

// States lists every state, in the order in which they are shown to people.
var States = []State{LoggedOff, Available, Ordered, Delivered, Talking, Holding, Clerical, Paused, ForcePause}

// InCall reports whether a call is being made or up.
func (s State) InCall() bool { return s == Ordered || s == Delivered || s == Talking || s == Holding }

// AtRest reports whether nothing of a call is left to be done.
func (s State) AtRest() bool { return s == Available || s == Paused || s == ForcePause }

// Live is one agent at this moment. It is what the compare-and-set in Redis stores, and all that a tab is shown.
type Live struct {
	Version   int64          `json:"Version"`   // grows by one with every stored change
	ChangedAt time.Time      `json:"ChangedAt"` // when this version began
	AgentID   int64          `json:"AgentID"`
	Login     string         `json:"Login"`
	State     State          `json:"State"`
	Since     time.Time      `json:"Since"`     // when State began; the order of "longest idle"
	Node      string         `json:"Node"`      // home node: the process that holds this agent's phone flow and calls
	User      string         `json:"User"`      // the cookie's user whose tab logged in; a reload of it needs no second login
	Tabs      int            `json:"Tabs"`      // live tabs; none: the agent gets no call
	TabsAt    map[string]int `json:"TabsAt"`    // live tabs by gateway node; Tabs is their sum
	GoneAt    time.Time      `json:"GoneAt"`    // when the last tab was lost; zero while one lives
	Extension Extension      `json:"Extension"` // zero when logged off
	LoggedOn  time.Time      `json:"LoggedOn"`  // when the agent logged on, or was entered again
	Reachable bool           `json:"Reachable"` // the extension's phone could be called when last checked
	WhyNot    reason.Reason  `json:"WhyNot"`    // why it could not; empty: it could, or has not been checked
	NoPhone   bool           `json:"NoPhone"`   // no phone is registered for the extension, as its network knows
	Queues    []string       `json:"Queues"`
	Language  string         `json:"Language"` // of the texts that the tab shows: "en", "uk", "ru"; empty: the server's
	AutoCall  bool           `json:"AutoCall"`

	PauseID    string        `json:"PauseID"`    // the pause in force, "0" for none
	PauseCause reason.Reason `json:"PauseCause"` // why, for Force Pause
	// chosen in a call or in Clerical, or interrupted by a call; replaces Available afterwards; "" for none
	NextPause string `json:"NextPause"`
	Muted     bool   `json:"Muted"`

	Call       *Call     `json:"Call"`       // the present or, in Clerical, the last call
	ClaimUntil time.Time `json:"ClaimUntil"` // while In Call: the agent is freed if the call's owner does not renew it by then
	CodeDueAt  time.Time `json:"CodeDueAt"`  // while Clerical

	Preview      *Call     `json:"Preview,omitempty"` // while Available: the contact that is shown, for the agent to call
	PreviewUntil time.Time `json:"PreviewUntil,omitzero"`

	ErrorID   string        `json:"ErrorID"` // why the last call failed; "0" and "" for none
	ErrorText reason.Reason `json:"ErrorText"`
	FailedAt  time.Time     `json:"FailedAt"` // when a call could not be placed: tabs are shown it once, as a passing state
}

// Off is the state of an agent of whom nothing live is known.
func Off(agentID int64) Live {
	return Live{AgentID: agentID, State: LoggedOff, PauseID: NoPause, ErrorID: NoError}
}

// Free reports whether an automatic call may be given to the agent now.
func (l Live) Free() bool {
	return l.State == Available && l.AutoCall && l.Tabs > 0 && l.Reachable && l.NextPause == "" && l.Preview == nil
}

// Idle is a free agent, as one who gives out calls sees it.
type Idle struct {
	ID     int64
	Queues []string  // the lines that the agent serves
	Since  time.Time // of the idle time, in milliseconds
}

// Call is what an agent's tab shows of a call; dialer fills it.
type Call struct {
	AttemptID   string        `json:"AttemptID"`   // decimal
	CallTraceID string        `json:"CallTraceID"` // empty until known
	ContactID   int64         `json:"ContactID"`
	CRMID       string        `json:"CRMID"`
	Name        string        `json:"Name"`
	Number      string        `json:"Number"` // the customer's, E.164
	Queue       string        `json:"Queue"`  // the campaign's line
	CampaignID  int64         `json:"CampaignID"`
	Automatic   bool          `json:"Automatic"`
	CardLink    string        `json:"CardLink"`
	Codes       []Code        `json:"Codes"`
	CodeID      string        `json:"CodeID"` // chosen already; applied when the call is closed
	History     []PastCall    `json:"History"`
	MaxDuration time.Duration `json:"MaxDuration"`
	StartedAt   time.Time     `json:"StartedAt"`
}

// Code is a call code on offer.
type Code struct {
	ID         string `json:"ID"`
	Name       string `json:"Name"`
	ActionFlag string `json:"ActionFlag"`
}

// PastCall is an earlier call to the same contact, as tabs list it.
type PastCall struct {
	AttemptID string    `json:"AttemptID"`
	At        time.Time `json:"At"`
	Outcome   string    `json:"Outcome"`
	CodeID    string    `json:"CodeID"`
	Automatic bool      `json:"Automatic"`
}
