package dialer

import (
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// phase is where a call stands in this process.
type phase string

const (
	phaseSeen    phase = "seen"    // another system has placed it; its agent is not shown it yet
	phaseWaiting phase = "waiting" // its agent is taken; no phone has given a sign of life
	phaseRinging phase = "ringing" // the agent is shown the card
	phaseAlone   phase = "alone"   // customer first: the customer has answered, and waits for an agent
	phaseJoining phase = "joining" // customer first: an agent is shown the card, and that agent's phone rings
	phaseSorry   phase = "sorry"   // customer first: no agent came in time; the customer hears why, and is hung up
	phaseMachine phase = "machine" // an answering machine has answered: it is hung up, or hears the message
	phaseTalking phase = "talking" // both sides are up
	phaseHolding phase = "holding" // both sides are up, the customer is held
	phaseClosing phase = "closing" // it has ended; the record hears of it first
	phaseParted  phase = "parted"  // it has ended, and its agent was told; the record has not heard of it
	phaseCoding  phase = "coding"  // it is on record; a code is awaited
	phaseStoring phase = "storing" // the record has to hear of the code
	phaseOver    phase = "over"    // nothing is left to do here
)

var (
	phases = []phase{phaseSeen, phaseWaiting, phaseRinging, phaseAlone, phaseJoining, phaseSorry, phaseMachine, phaseTalking,
		phaseHolding, phaseClosing, phaseParted, phaseCoding, phaseStoring, phaseOver}
	// the phone network has it, or is about to
	alive = []phase{phaseWaiting, phaseRinging, phaseAlone, phaseJoining, phaseSorry, phaseMachine, phaseTalking, phaseHolding}
)

// record says whether the system of record has the call.
type record string

const (
	recordKept  record = "kept"  // it has
	recordAsked record = "asked" // it is asked to keep a call of another system's
	recordNone  record = "none"  // it never will: nobody can say who the customer is
)

// eventKind names what may happen to a call. What a phone network tells goes by the name of its [ProgressKind].
type eventKind string

const (
	// Of the call's beginning.
	evClaimed  eventKind = "claimed"    // an attempt of ours and its agent are claimed
	evSeen     eventKind = "seen"       // another system has placed a call
	evShowDue  eventKind = "show_due"   // its agent does not wait for the record any longer
	evPlaced   eventKind = "placed"     // the phone network has taken the order
	evNotTaken eventKind = "not_placed" // it has not, or policy forbids it now: nothing rang
	evRefused  eventKind = "fenced"     // the self-fence has said that the customer's phone must not be dialed

	// Of a call whose customer is called first.
	evGiven      eventKind = "agent_given" // an agent was claimed for the customer who waits
	evNotJoined  eventKind = "not_joined"  // that agent's phone was not answered, or is out of reach
	evImpatience eventKind = "patience_over"

	// Of its agent, and of the clock.
	evHangUp    eventKind = "hang_up"
	evCode      eventKind = "code_chosen"
	evCodeDue   eventKind = "code_due"  // the time for a code is over
	evUntold    eventKind = "untold"    // the agent's state does not hear of the end, or did so late
	evDismissed eventKind = "dismissed" // the agent is in the next call: the code was set elsewhere

	// Of the record, by the outbox.
	evAdopted   eventKind = "adopted"        // a call of another system's is on record
	evUnkept    eventKind = "unkept"         // it never will be
	evElsewhere eventKind = "kept_elsewhere" // this process keeps it already
	evClosed    eventKind = "closed"         // the end is on record
	evCoded     eventKind = "coded"          // the code is, or another one
	evAway      eventKind = "record_away"    // the record did not hear: it is told again

	// Of the phone network, after the end.
	evLate eventKind = "answered_late" // the customer answered a call that was given up

	// Of the process.
	evStopping  eventKind = "stopping"  // it begins to stop: nobody waits for codes any more
	evLeft      eventKind = "left"      // it stops: calls of other systems go on without us
	evAbandoned eventKind = "abandoned" // it stops, whatever is left to do
)

// event is one of them with all that its arrow needs to know.
type event struct {
	kind   eventKind
	at     time.Time
	told   Progress      // what the phone network tells; of evNotTaken: how it ended
	blame  *agents.Input // of evNotTaken: what is wrong with the agent's phone; nil: nothing
	agent  *agents.Live  // of evGiven
	taken  *bool         // of evGiven: set where the agent is the call's from now on
	nth    int           // of evNotJoined: which of the phones that were rung for the customer
	spared bool          // of evNotJoined: the phone had no time to be answered, which is not its fault
	live   LiveCall      // of evPlaced and evSeen
	link   string        // of TraceKnown: the card's link, which may have waited for it
	by     string        // of evHangUp
	coding Coding        // of evCode and evCoded
	codes  bool          // there is a code to choose
	talked time.Time     // of evAdopted: the record has an answer already
	wrapUp time.Duration // of evClaimed, evSeen and evAdopted: the time for a code
	err    error         // of evCoded and evAway
}

// deed is what an effect does.
type deed string

const (
	doPlace   deed = "place the call"
	doHangUp  deed = "hang up"
	doEnter   deed = "enter the agent" // the agent is In Call by this call, whatever the agent was at
	doTell    deed = "tell the agent"  // in
	doPart    deed = "part"            // in, until it is heard
	doNetwork deed = "tell the network the code"
	doReply   deed = "reply"             // to those who have chosen a code: err
	doWrite   deed = "write"             // note
	doDrop    deed = "write no more"     // what is not heard yet is not told
	doTimer   deed = "start the timer"   // then, at
	doSeek    deed = "seek an agent"     // for the customer who waits
	doJoin    deed = "ring the agent"    // who was found
	doLetGo   deed = "let the agent go"  // in: the call goes on without
	doMessage deed = "leave the message" // with the machine that has answered
	doFree    deed = "free the slot"     // among the process's calls
	doTakeUp  deed = "take a slot"       // for a call of another system's that must go on record
	doCount   deed = "count it as up"    // in the metrics
	doUncount deed = "count it as over"  // in the metrics
)

// effect is one thing to do.
type effect struct {
	do     deed
	in     *agents.Input
	note   *note
	by     string
	coding *Coding
	then   eventKind
	at     time.Time
	err    error
}

// course is a call's way from the claim to its code, as far as it decides what happens next.
type course struct {
	phase    phase
	origin   Origin
	record   record
	first    bool // the customer is called first: an agent has part in it from when one is found
	agent    bool // an agent has part in it, who has to be told; not any more once the code has freed the agent
	up       bool // the phone network has it
	refused  bool // by the self-fence: the customer's phone was not dialed, whatever the record has heard
	stopping bool // the process does not wait for codes any more
	hungUpBy string
	talkedAt time.Time
	wrapUp   time.Duration
	patience time.Duration           // with which a customer who was called first waits for an agent
	ringsAt  time.Time               // since when the customer's phone rings, as the network has told
	pickedUp time.Time               // when that customer answered
	machines campaigns.MachineAction // what becomes of an answering machine; empty: nobody listens for one
	machine  bool                    // an answering machine has answered
	heardBy  string                  // by what it was known
	code     Coding                  // chosen, or that none was in time
	due      time.Time               // when the code is; zero: none is awaited
	parting  agents.Input            // what the agent is told of the end
}

// next is the machine that every call lives by: the course that follows when something happens, and what there is to do
// about it. It is pure. What has no arrow changes nothing. docs/attempts.md has the table.
func next(c course, e event) (course, []effect) {
	a := arrowFor(c.phase, e.kind)
	if a == nil {
		return c, nil
	}
	was := c
	effects := a.do(&c, e)
	return c, append(effects, between(was, c)...)
}

// between is what follows from where a call was and where it is, by whatever arrow.
func between(was, is course) (effects []effect) {
	switch {
	case is.onNetwork() && !was.onNetwork():
		effects = append(effects, effect{do: doCount})
	case !is.onNetwork() && was.onNetwork():
		effects = append(effects, effect{do: doUncount})
	}
	switch {
	case is.hasSlot() && !was.hasSlot() && is.origin == External:
		effects = append(effects, effect{do: doTakeUp})
	case !is.hasSlot() && was.hasSlot():
		effects = append(effects, effect{do: doFree})
	}
	return effects
}

func (c course) alive() bool { return slices.Contains(alive, c.phase) }

// ended says that the phones are done with the call.
func (c course) ended() bool { return c.phase != phaseSeen && !c.alive() }

// open says that the record does not have its end.
func (c course) open() bool {
	return c.phase == phaseSeen || c.alive() || c.phase == phaseClosing || c.phase == phaseParted
}

// onNetwork says whether it is counted among the calls that are up.
func (c course) onNetwork() bool { return c.up && c.alive() }

// hasSlot says that the process does not end well before the call's end is on record. One of another system's goes on without
// us.
func (c course) hasSlot() bool {
	if c.origin == External {
		return c.record == recordKept && (c.phase == phaseClosing || c.phase == phaseParted)
	}
	return c.open()
}

// hasCode says that a code was chosen, or that the time for it is over.
func (c course) hasCode() bool { return c.code.Code != "" || c.code.TimedOut }

// missed is what the agent's state has not heard of the call.
func (c course) missed(l agents.Live, card *agents.Call) (inputs []agents.Input) {
	switch {
	case c.rang() && l.State == agents.Ordered:
		inputs = append(inputs, agents.Input{Kind: agents.Ringing, Call: card})
	case l.Call.CallTraceID != card.CallTraceID:
		inputs = append(inputs, agents.Input{Kind: agents.TraceKnown, TraceID: card.CallTraceID, CardLink: card.CardLink})
	}
	if c.phase != phaseTalking && c.phase != phaseHolding {
		return inputs
	}
	if l.State == agents.Ordered || l.State == agents.Delivered {
		inputs = append(inputs, agents.Input{Kind: agents.Connected})
	}
	switch held, holding := c.phase == phaseHolding, l.State == agents.Holding; {
	case held && !holding:
		inputs = append(inputs, agents.Input{Kind: agents.Held})
	case !held && holding:
		inputs = append(inputs, agents.Input{Kind: agents.Retrieved})
	}
	return inputs
}
