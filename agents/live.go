package agents

import "time"

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

// Live is one agent at this moment. It is what the compare-and-set in Redis stores, and all that a tab is shown.
type Live struct {
	Version   int64     // grows by one with every stored change
	ChangedAt time.Time // when this version began
	AgentID   int64
	Login     string
	State     State
	Since     time.Time      // when State began; the order of "longest idle"
	Node      string         // home node: the process that holds this agent's phone flow and calls
	User      string         // the cookie's user whose tab logged in; a reload of it needs no second login
	Tabs      int            // live tabs; none: the agent gets no call
	TabsAt    map[string]int // live tabs by gateway node; Tabs is their sum
	GoneAt    time.Time      // when the last tab was lost; zero while one lives
	Extension Extension      // zero when logged off
	LoggedOn  time.Time      // when the agent logged on, or was entered again
	Reachable bool           // the extension's phone could be called when last checked
	WhyNot    string         // for people: why it could not; empty: it could, or has not been checked
	NoPhone   bool           // no phone is registered for the extension, as its network knows
	Queues    []string
	AutoCall  bool

	PauseID    string // the pause in force, "0" for none
	PauseCause string // why, for Force Pause
	NextPause  string // chosen in a call or in Clerical, or interrupted by a call; replaces Available afterwards; "" for none
	Muted      bool

	Call       *Call     // the present or, in Clerical, the last call
	ClaimUntil time.Time // while In Call: the agent is freed if the call's owner does not renew it by then
	CodeDueAt  time.Time // while Clerical

	ErrorID, ErrorText string    // why the last call failed; "0" and "" for none
	FailedAt           time.Time // when a call could not be placed: tabs are shown it once, as a passing state
}

// Off is the state of an agent of whom nothing live is known.
func Off(agentID int64) Live {
	return Live{AgentID: agentID, State: LoggedOff, PauseID: NoPause, ErrorID: NoError}
}

// Free reports whether an automatic call may be given to the agent now.
func (l Live) Free() bool {
	return l.State == Available && l.AutoCall && l.Tabs > 0 && l.Reachable && l.NextPause == ""
}

// Idle is a free agent, as one who gives out calls sees it.
type Idle struct {
	ID     int64
	Queues []string  // the lines that the agent serves
	Since  time.Time // of the idle time, in milliseconds
}

// Call is what an agent's tab shows of a call; dialer fills it.
type Call struct {
	AttemptID   string // decimal
	CallTraceID string // empty until known
	ContactID   int64
	CRMID       string
	Name        string
	Number      string // the customer's, E.164
	Queue       string // the campaign's line
	CampaignID  int64
	Automatic   bool
	CardLink    string
	Codes       []Code
	CodeID      string // chosen already; applied when the call is closed
	History     []PastCall
	MaxDuration time.Duration
	StartedAt   time.Time
}

// Code is a call code on offer.
type Code struct{ ID, Name, ActionFlag string }

// PastCall is an earlier call to the same contact, as tabs list it.
type PastCall struct {
	AttemptID string
	At        time.Time
	Outcome   string
	CodeID    string
	Automatic bool
}
