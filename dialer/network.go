package dialer

import (
	"context"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// PhoneNetwork places whole calls. Implementations are safe for concurrent use.
type PhoneNetwork interface {
	// Name is what Extension.Network says: "sip", "mediatel", "simulated".
	Name() string

	// Place begins a call and returns at once; all that follows is told by LiveCall.Progress. The call outlives ctx, which
	// bounds only the setting up. An error means that nothing rang.
	Place(ctx context.Context, call Call) (LiveCall, error)

	// Reachable says whether the extension's phone could be called now; the error is a reason for people. At most 2 s.
	Reachable(ctx context.Context, ext agents.Extension) error
}

// Witness is a phone network that can tell what became of a call whose process was lost.
type Witness interface {
	// Testify says whether the attempt's call is still up; an error means that the network does not know.
	Testify(ctx context.Context, id AttemptID) (up bool, err error)
}

// Ender is a phone network whose calls go on at their far ends when our process is lost. By what it had kept of a talk
// (Progress.Kept), its next life ends the talk.
type Ender interface {
	// End ends a talk, and says whether it still went on; an error means that nobody knows, and that End may be asked again.
	End(ctx context.Context, kept string) (wentOn bool, err error)
}

// CodeSetter is a phone network that wants to know the call codes, too.
type CodeSetter interface {
	// SetCode tells the network the code of the extension's last call, and frees its agent there; an empty code says that
	// none was set in time. A call that the network no longer waits for is no error. At most 3 s.
	SetCode(ctx context.Context, ext agents.Extension, callTraceID, codeID string) error
}

// Reviver is a phone network that takes an extension out of use by itself when it does not answer.
type Reviver interface {
	// Revive takes the extension into use again, because its agent wants to leave Force Pause. At most 2 s.
	Revive(ctx context.Context, ext agents.Extension) error
}

// Nailer is a phone network that can keep a leg to an agent's phone between calls. A call with that agent takes it rather than
// ring the phone.
type Nailer interface {
	// Nail sets the leg up, and keeps it for as long as ctx lasts and then until the call that has it is over: it returns nil.
	// Before that it returns why there is no leg any more: the phone was not answered, has hung up, or is lost. While a call rings
	// the phone or talks by it Nail waits.
	Nail(ctx context.Context, ext agents.Extension) error
}

// Restarter is a phone network that has a process of its own for each agent, which may hang.
type Restarter interface {
	// Restart starts the process of the extension's agent afresh; a call in it may be lost. At most 2 s.
	Restart(ctx context.Context, ext agents.Extension) error
}

// Limited is a phone network that can take only so many calls to customers, and at times none.
type Limited interface {
	// Room says how many calls could be begun within the next second. None at all may come with a reason, in words for people:
	// then nobody can be reached over this network now, whatever its load.
	Room() (calls int, why string)

	// Reserve takes a slot for a call before any phone rings, waiting shortly for its turn; an error means that there is none.
	Reserve(ctx context.Context) (Reservation, error)
}

// Reservation is a slot for one call. [PhoneNetwork.Place] uses it up, also when it fails.
type Reservation interface {
	// Release gives the slot back, if it was not used. It may be repeated.
	Release()
}

// Numberer is a phone network that numbers calls itself (TraceKnown); elsewhere the calltraceid is the attempt's id.
type Numberer interface {
	// NumbersCalls is there to be named.
	NumbersCalls()
}

// Rester is a phone network that knows how long after Call.Ring a customer's phone may still ring by a call that nobody speaks
// for any more; elsewhere that is UnknownRest.
type Rester interface {
	UnknownRest() time.Duration
}

// UnknownRest is how long the person of an attempt that ended as Unknown rests after the time of ringing, where the network does
// not say: gateways may ring longer than they were told to.
const UnknownRest = 3 * time.Minute

// Call is an order to a phone network.
type Call struct {
	AttemptID   AttemptID
	Agent       *agents.Extension // rung first; nil: customer first
	Customer    string            // E.164
	CallerID    string            // shown to the customer, E.164; empty: the network's default
	NoHiding    bool              // the law of the campaign wants the caller's number shown: a way that hides it is not taken
	Queue       string            // the campaign's line, for networks that have lines of their own
	AgentRing   time.Duration     // the agent's phone is given up after this long
	Ring        time.Duration     // the customer's phone is given up after this long
	MaxDuration time.Duration     // of talk; zero: no limit
	Automatic   bool              // the agent's phone should answer by itself
	Listen      bool              // a machine that answers is told ([MachineHeard]), what the network says before is an outcome

	// Reserved is the slot that the network has kept for this call; nil: it finds one itself, before any phone rings.
	Reserved Reservation

	// BeforeCustomer is the self-fence. The network calls it right before the customer's phone is dialed (in SIP: before the
	// INVITE is written); an error means that it must not be dialed, and the call ends as Unknown. It may ask a database, and
	// so take its time. It is called again only for another way to the customer, after one that certainly did not take the call.
	BeforeCustomer func(ctx context.Context) error

	// MayWrite is the same fence at the effect: the network asks it right at each write of what dials the customer's phone,
	// repetitions included, and writes nothing after an error. It asks nobody outside the process, and never waits. nil: there is
	// none.
	MayWrite func() error

	// Late is told, once at most and after Ended, that the customer's phone was answered although the call had been given up,
	// and was hung up again. nil: nobody minds.
	Late func(Progress)
}

// Write asks the fence at the effect.
func (c *Call) Write() error {
	if c.MayWrite == nil {
		return nil
	}
	return c.MayWrite()
}

// LiveCall is a call in the making or up.
type LiveCall interface {
	// Progress tells what happens, in order. It ends with exactly one Ended and is closed after it. The network never
	// waits for a reader: the channel holds every progress that one call can make.
	Progress() <-chan Progress

	// Hangup ends the call, at any stage; a customer's phone still ringing is cancelled. It returns at once and may be
	// repeated; by names who asked: "agent" or "system".
	Hangup(by string)
}

// Holder is a LiveCall whose customer can be held.
type Holder interface {
	Hold(ctx context.Context) error
	Retrieve(ctx context.Context) error
}

// Muter is a LiveCall whose agent can be muted.
type Muter interface {
	Mute(ctx context.Context, on bool) error
}

// CustomerFirst is a phone network that can call a customer before there is an agent: Call.Agent is nil then, and its LiveCall is
// a [Joiner].
type CustomerFirst interface {
	// AbandonedMessage says whether a customer for whom no agent comes hears a message.
	AbandonedMessage() bool
}

// Joiner is a LiveCall without an agent (Call.Agent was nil) that an agent can be brought into once the customer has answered.
type Joiner interface {
	// Join rings the extension's phone for as long as ctx lasts, and returns when both sides are up, which [Joined] tells too. An
	// error means that this phone rings no more, and that the customer waits on for another; [ErrNobodyWaits]: not even that, as
	// after the call's end.
	Join(ctx context.Context, ext agents.Extension) error
}

// MessageLeaver is a LiveCall that can leave the recorded message with an answering machine.
type MessageLeaver interface {
	// LeaveMessage lets go of the agent, if there is one ([AgentParted]), waits for the machine's beep, plays the message and hangs
	// up. It returns at once; what has ended by then stays so.
	LeaveMessage()
}

// Listener is a phone network that can hear who has answered (Call.Listen).
type Listener interface {
	// MachineMessage says whether there is a message to be left with machines.
	MachineMessage() bool
}

// ProgressKind names a step of a call.
type ProgressKind string

const (
	AgentRinging    ProgressKind = "agent_ringing"
	AgentAnswered   ProgressKind = "agent_answered"
	CustomerDialing ProgressKind = "customer_dialing" // the INVITE has left
	CustomerRinging ProgressKind = "customer_ringing"
	// agent first: both sides are up; customer first: the customer waits for an agent
	CustomerAnswered ProgressKind = "customer_answered"
	Joined           ProgressKind = "joined"      // customer first: an agent was brought in, both sides are up
	TraceKnown       ProgressKind = "trace_known" // with CallTraceID, on networks that number calls themselves
	CardKnown        ProgressKind = "card_known"  // with Card, on networks that have cards and call codes themselves
	HeldProgress     ProgressKind = "held"
	ResumedProgress  ProgressKind = "resumed"
	MachineHeard     ProgressKind = "machine_heard" // an answering machine has answered; with Cause
	AgentParted      ProgressKind = "agent_parted"  // after LeaveMessage: the agent is in the call no more
	Ended            ProgressKind = "ended"         // with Outcome
)

// Progress is one step of a call.
type Progress struct {
	Kind        ProgressKind
	At          time.Time
	CallTraceID string
	Card        *Card // of CardKnown
	// of CustomerAnswered and Joined: by it the network, an [Ender], can end the talk of a lost process; empty: it cannot
	Kept       string
	ErrorID    string            // of Ended: the network's own number of what went wrong; empty: none
	ErrorText  reason.Reason     // of Ended: and what it says of it, as the agent's tab shows it
	Outcome    campaigns.Outcome // of Ended: Answered when both sides talked, or the customer left before an agent came
	HangupBy   string            // of Ended: "agent", "customer", "system"
	Cause      string            // of Ended: what the network said, such as "486 Busy Here"; of MachineHeard: by what it was known
	RetryAfter time.Duration     // of Ended: what the network asked for; zero: nothing
	Doubtful   bool              // of MachineHeard: it was taken for a person before, and no beep was heard
	Fault      bool              // of Ended: infrastructure failed for good and no phone rang, which is no attempt at the person
	NotDialed  bool              // of Ended: the network is certain that the customer's phone was never dialed, self-fence or not
	// of Ended: the far end itself has said that the call is over, so that no phone rings by it any more
	Confirmed bool
}

// Card is what a phone network itself would show of a call.
type Card struct {
	Link  string // empty: none
	Codes []agents.Code
}
