package agents

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Kind names an input of the state machine.
type Kind string

const (
	// From the tab.
	// with Agent, Extension, Node (the home) and Reachable, already checked; tabs are told by TabsCounted
	Login         Kind = "login"
	Logout        Kind = "logout"         //
	TabsCounted   Kind = "tabs_counted"   // with Node and Count: so many live tabs of this agent that gateway node holds now
	GraceOver     Kind = "grace_over"     // no tab came back in time
	PauseChosen   Kind = "pause_chosen"   // with PauseID
	PauseEnded    Kind = "pause_ended"    // with Reachable, freshly checked when in Force Pause; ErrorText says why not
	AutoCallSet   Kind = "auto_call_set"  // with On
	QueuesChanged Kind = "queues_changed" // with Queues
	LanguageSet   Kind = "language_set"   // with Language

	// From the call.
	// with Call, Until and Node: an automatic call is given to the agent, who must be at home there
	Claimed  Kind = "claimed"
	Ordering Kind = "ordering" // with Call and Until: the agent placed a call
	// with Call, Until and Node: a contact is shown to the agent, who must be free and at home there, to be called or passed over
	Previewed   Kind = "previewed"
	PreviewOver Kind = "preview_over" // with AttemptID, of the contact that is shown
	// with Call and Until: another system has given the agent a call, or more is known of that call
	Given            Kind = "given"
	Ringing          Kind = "ringing"             // the extension rings; with Call complete
	TraceKnown       Kind = "trace_known"         // with TraceID and CardLink, on networks that tell it late
	Connected        Kind = "connected"           // both legs are up
	Held             Kind = "held"                //
	Retrieved        Kind = "retrieved"           //
	MuteSet          Kind = "mute_set"            // with On
	CodeChosen       Kind = "code_chosen"         // with CodeID, during the call, one of the call's codes
	HungUp           Kind = "hung_up"             // after talk, either side; with CodeDueAt
	CustomerFailed   Kind = "customer_failed"     // the customer was not reached after the agent answered; manual: with CodeDueAt
	AgentDidNotReply Kind = "agent_did_not_reply" // the extension was not answered: Force Pause, error -223
	Refused          Kind = "refused"             // the gate said no, before or after the order; with ErrorID and ErrorText
	// with ErrorText: the phone network takes the agent out of use, outside of our calls
	ForcePaused  Kind = "force_paused"
	MachineGone  Kind = "machine_gone"  // an answering machine's call was taken away from the agent: no code is due
	Released     Kind = "released"      // the call was given up before the agents talked, for no fault of theirs
	ClaimRenewed Kind = "claim_renewed" // with Until
	ClaimExpired Kind = "claim_expired" // nobody renewed it: the call's process is lost

	// From the clock, the code and the phone.
	CodeSet          Kind = "code_set"          // the code is stored
	WrapUpOver       Kind = "wrap_up_over"      //
	ReachableChanged Kind = "reachable_changed" // with Reachable; if not: with ErrorText and NoPhone
	HomeChanged      Kind = "home_changed"      // with Node
)

// Input is one thing that happens to an agent. Only the fields that its Kind names are read.
type Input struct {
	Kind      Kind
	At        time.Time
	AttemptID string // of the call that speaks; an input of another call than the present one is refused by ErrOtherCall
	Agent     *Agent
	Extension *Extension
	User      string // of Login: the cookie's user
	Last      *Live  // of Login: what a gateway still holds after the loss of Redis; a call in it goes on, with Until
	Node      string
	Call      *Call
	Until     time.Time
	CodeDueAt time.Time
	TraceID   string
	CardLink  string
	CodeID    string
	PauseID   string
	Queues    []string
	Language  string
	On        bool
	Count     int
	Reachable bool
	NoPhone   bool
	ErrorID   string
	ErrorText reason.Reason
}
