// Package mediatelwire is Mediatel's agent protocol as it travels: the state object that a server sends and the commands that
// an agent's tab sends. Types and codec, no logic.
//
// Three keys were misspelt by early servers: the encoder writes both spellings, the decoder reads either. Numbers travel as
// strings or as numbers, and "none" has many values; here it is always the zero value.
package mediatelwire

import "time"

// Events of the protocol.
const (
	EventData          = "data"             // to the tab: a State; from the tab: a Command
	EventUnavailable   = "agentUnavailable" // to the tab: nobody can serve this connection
	EventRemoteConnect = "remoteConnect"    // to the tab: a RemoteConnect
)

// Values of State.State.
const (
	StateLogout    = "STATE_LOGOUT"
	StateIdle      = "STATE_IDLE"
	StateOrdered   = "STATE_MAKECALL_REQUEST"
	StateDelivered = "STATE_CALL_DELIVERED"
	StateActive    = "STATE_CALL_ACTIVE"
	StateHold      = "STATE_HOLD"
	StateClerical  = "STATE_CLERICAL"
	StateFailed    = "STATE_MAKECALL_FAILED" // passing, before StateIdle
	StatePause     = "STATE_PAUSE"
)

// Values of State.Status.
const (
	StatusOffline   = "offline"
	StatusAvailable = "available"
	StatusDialing   = "start_dialing"
	StatusInCall    = "in_a_call"
	StatusOnHold    = "on_hold"
	StatusClerical  = "clerical"
	StatusPause     = "pause"
)

// State is the whole state of one agent, as every data event of a server carries it.
type State struct {
	State, Status string

	AgentID   string // decimal; empty: logged off
	AgentName string // the login
	AgentExt  string // the extension's name

	AutoCall     bool // predictiveStatus
	AutoCallTold bool // as read: predictiveStatus was there
	PauseID      string
	Pauses       []Pause  // on offer
	Queues       []string // in which the agent may place calls
	Commands     []string // allowed in the present state, "CMD_…"
	Muted        bool
	Available    bool // isAvailable: the agent's process is up
	LoginAttempt int
	LoginErrorID string
	LoginError   string
	WebServer    string // a page to open after login
	Host         string // the serving host

	ANI              string // the customer's number of the present call
	DNIS             string // where the call was sent
	CallTraceID      string
	CallCustomerID   string // the contact behind the call
	CallType         string
	CallStart        string // "2006-01-02 15:04:05", the server's local time
	CallWait         time.Duration
	MaxCall          time.Duration // whole seconds; zero: no limit
	LastCallTime     int64
	QueueID          string
	QueueName        string
	Codes            []Code // of the call's queue
	ManyCodes        bool   // multipleCallCodeAllow
	History          []PastCall
	CardType         string // crmConnectType
	Card             string // crmConnectTarget: the card that the CRM must open
	CallErrorID      string // why the last call failed
	CallError        string
	PauseAcknowledge string
	PausePending     string // ours: asked for during a call, in force after it

	PreviewUntil time.Time // ours: how long the contact is shown that may be called now, to the millisecond; zero: none is
	CodeDueAt    time.Time // ours: when wrap-up ends by itself, to the millisecond; zero: it does not run

	ServerTime time.Time // now, to the millisecond
	Since      time.Time // when the state began, to the millisecond
}

// Pause is one entry of pauseList.
type Pause struct{ ID, Name string }

// Code is one entry of availableCallCodes.
type Code struct{ ID, Name, ActionFlag string }

// PastCall is one entry of callHistory.
type PastCall struct{ SampleID, Channel, CallType, CallbackID string }

// RemoteConnect says which host serves the connection.
type RemoteConnect struct {
	Host string `json:"host"`
	Port int    `json:"port"`
}

// The values of "none" that a field is written with.
const (
	noID   = "-1"
	zero   = "0"
	noTime = "1999-01-01 01:01:01"
)
