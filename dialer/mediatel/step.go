package mediatel

import (
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
)

// phase is where our call stands at Mediatel, as far as its states have told.
type phase int

const (
	unordered phase = iota // makeCall has not been sent
	ordered                // sent; no state has told of the call yet
	ringing                // the agent's extension rings
	reaching               // the extension has answered, the customer is being reached: the calltraceid is known
	talking                // both sides are up
	holding                // the customer is held
	over
)

// forcePause is the pause that nobody may choose: the extension was not answered.
const forcePause = "1000"

// agentNoAnswer is Mediatel's callErrorID for it.
const agentNoAnswer = "-223"

// statusStates tells the state by the second word for it, where the first is one that we do not know.
var statusStates = map[string]string{
	wire.StatusOffline: wire.StateLogout, wire.StatusAvailable: wire.StateIdle, wire.StatusDialing: wire.StateDelivered,
	wire.StatusInCall: wire.StateActive, wire.StatusOnHold: wire.StateHold, wire.StatusClerical: wire.StateClerical,
	wire.StatusPause: wire.StatePause,
}

var states = []string{
	wire.StateLogout, wire.StateIdle, wire.StateOrdered, wire.StateDelivered, wire.StateActive, wire.StateHold, wire.StateClerical,
	wire.StateFailed, wire.StatePause,
}

// stateOf is the state in a word that we know; empty: it says nothing.
func stateOf(s *wire.State) string {
	if slices.Contains(states, s.State) {
		return s.State
	}
	return statusStates[s.Status]
}

// forced reports whether Mediatel has the agent in Force Pause.
func forced(s *wire.State) bool {
	return stateOf(s) == wire.StatePause && (s.PauseID == forcePause || s.CallErrorID == agentNoAnswer && !offered(s, s.PauseID))
}

func offered(s *wire.State, pause string) bool {
	return slices.ContainsFunc(s.Pauses, func(p wire.Pause) bool { return p.ID == pause })
}

// inCall reports whether a state tells of a call that goes on.
func inCall(s *wire.State) bool {
	switch stateOf(s) {
	case wire.StateOrdered, wire.StateDelivered, wire.StateActive, wire.StateHold:
		return true
	}
	return false
}

// course is all that the meaning of a state depends on beside the state itself.
type course struct {
	phase    phase
	number   string // the customer's, as ordered
	trace    string // of this call; empty: not known yet
	former   string // calltraceid of the agent's call before, which states may go on to show
	stale    string // what went wrong before the order, which states may go on to show
	talked   bool
	hungUpBy string // who of us has asked for the end; empty: nobody
	crossed  bool   // the customer answered after that
	gap      bool   // the connection was lost since makeCall: states may have been missed
}

// next reads one state: where the call stands after it, and what there is to tell. It is pure. A state that says nothing new,
// one of the moment before the order, and one that is not known change nothing.
func (c course) next(s *wire.State, now time.Time) (course, []dialer.Progress) {
	if c.phase == unordered || c.phase == over {
		return c, nil
	}
	if inCall(s) && c.anothers(s) {
		if c.talked {
			return c.end(campaigns.Answered, "", s, now)
		}
		return c.end(campaigns.Unknown, "Mediatel has the agent in another call", s, now)
	}
	switch stateOf(s) {
	case wire.StateDelivered, wire.StateActive, wire.StateHold:
		return c.live(s, now)
	case wire.StateFailed:
		return c.ended(s, now)
	case wire.StateClerical:
		return c.ended(s, now)
	case wire.StateIdle:
		if c.phase == ordered && !c.gap {
			return c, nil // of the moment before the order
		}
		return c.ended(s, now)
	case wire.StatePause:
		if forced(s) && !c.talked && (c.phase <= ringing || !c.gap) { // the calltraceid may come before the extension answers
			return c.end(campaigns.AgentNoAnswer, said(s, "No Answer from agent"), s, now)
		}
		return c.ended(s, now)
	case wire.StateLogout:
		if c.gap {
			return c, nil // a server that knows us again only when we have logged in
		}
		c.hungUpBy = "system" // its process has forgotten the call
		return c.ended(s, now)
	}
	return c, nil
}

// anothers reports whether the call that a state tells of cannot be ours. A state that still shows the calltraceid of the call
// before may show its number as well.
func (c course) anothers(s *wire.State) bool {
	if c.trace != "" && s.CallTraceID != "" && s.CallTraceID != c.trace {
		return true
	}
	lingers := s.CallTraceID != "" && s.CallTraceID == c.former
	return c.trace == "" && !lingers && s.ANI != "" && !sameNumber(s.ANI, c.number)
}

// sameNumber compares numbers by their last digits: Mediatel may show national ones.
func sameNumber(a, b string) bool {
	a, b = digits(a), digits(b)
	n := min(len(a), len(b), 7)
	return n > 0 && a[len(a)-n:] == b[len(b)-n:]
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// live is a state of a call that goes on. Steps that were missed are told as if they had been seen.
func (c course) live(s *wire.State, now time.Time) (course, []dialer.Progress) {
	var told []dialer.Progress
	tell := func(kind dialer.ProgressKind) { told = append(told, dialer.Progress{Kind: kind, At: now}) }
	if c.phase < ringing {
		c.phase = ringing
		told = append(told, dialer.Progress{Kind: dialer.CardKnown, At: now, Card: cardOf(s)})
		tell(dialer.AgentRinging)
	}
	if c.trace == "" && s.CallTraceID != "" && s.CallTraceID != c.former {
		c.trace = s.CallTraceID
		told = append(told, dialer.Progress{Kind: dialer.CardKnown, At: now, Card: cardOf(s)},
			dialer.Progress{Kind: dialer.TraceKnown, At: now, CallTraceID: c.trace})
		if c.phase < reaching {
			c.phase = reaching
			tell(dialer.AgentAnswered)
			tell(dialer.CustomerDialing)
		}
	}
	state := stateOf(s)
	if state == wire.StateDelivered {
		return c, told
	}
	if !c.talked {
		c.talked, c.phase, c.crossed = true, talking, c.hungUpBy != ""
		if !c.crossed {
			tell(dialer.CustomerAnswered)
		}
	}
	switch {
	case state == wire.StateHold && c.phase == talking:
		c.phase = holding
		tell(dialer.HeldProgress)
	case state == wire.StateActive && c.phase == holding:
		c.phase = talking
		tell(dialer.ResumedProgress)
	}
	return c, told
}

func cardOf(s *wire.State) *dialer.Card {
	card := &dialer.Card{}
	if campaigns.CheckCard(s.Card) == nil { // an agent's page opens it
		card.Link = s.Card
	}
	for _, code := range s.Codes {
		card.Codes = append(card.Codes, agents.Code(code))
	}
	return card
}

// ended reads how a call ended that is over by what the state says.
func (c course) ended(s *wire.State, now time.Time) (course, []dialer.Progress) {
	if c.trace == "" && s.CallTraceID != c.former && stateOf(s) == wire.StateClerical &&
		(s.ANI == "" || sameNumber(s.ANI, c.number)) {
		c.trace = s.CallTraceID // it came and went while we were cut off
	}
	switch {
	case c.crossed:
		return c.end(campaigns.Abandoned, "the customer answered when the call was hung up", s, now)
	case c.talked:
		return c.end(campaigns.Answered, said(s, ""), s, now)
	case c.gap && said(s, "") == c.stale && c.phase == ordered:
		// what it shows is of a call before
		return c.end(campaigns.Unknown, "ordered, and Mediatel tells of no such call", &wire.State{}, now)
	case s.CallErrorID == agentNoAnswer:
		return c.end(campaigns.AgentNoAnswer, said(s, "No Answer from agent"), s, now)
	case s.CallErrorID != "" || s.CallError != "":
		outcome, clear := outcomeOf(s.CallError, c.phase)
		if !clear || outcome == campaigns.NoAnswer {
			outcome = gaveUp(c.hungUpBy, outcome)
		}
		return c.end(outcome, said(s, ""), s, now)
	case c.hungUpBy != "" && !c.gap && stateOf(s) != wire.StateLogout:
		return c.end(gaveUp(c.hungUpBy, campaigns.NoAnswer), "hung up before the customer answered", s, now)
	}
	return c.end(campaigns.Unknown, "the call is over at Mediatel, and how was not told", s, now)
}

func (c course) end(outcome campaigns.Outcome, cause string, s *wire.State, now time.Time) (course, []dialer.Progress) {
	by := c.hungUpBy
	switch {
	case by != "":
	case outcome == campaigns.Answered:
		by = "customer"
	default:
		by = "system"
	}
	end := dialer.Progress{
		Kind: dialer.Ended, At: now, Outcome: outcome, HangupBy: by, Cause: cause, CallTraceID: c.trace,
		ErrorID: s.CallErrorID, ErrorText: reason.Said(s.CallError), NotDialed: c.notDialed(outcome, s),
		Confirmed: stateOf(s) != wire.StateLogout,
	}
	if end.NotDialed && stateOf(s) == wire.StateFailed && c.hungUpBy == "" {
		end.RetryAfter = refusedPause
	}
	c.phase = over
	return c, []dialer.Progress{end}
}

// refusedPause is when a number is tried again at the earliest that Mediatel has not dialed: it may never do so, and the try
// counts nowhere.
const refusedPause = 10 * time.Minute

// notDialed reports whether it is certain that Mediatel did not dial the customer of a call that ends. It does so once the
// extension has answered, and shows the calltraceid then; states that were missed may have told of that. In doubt the call
// counts.
func (c course) notDialed(outcome campaigns.Outcome, s *wire.State) bool {
	switch {
	case c.gap || c.talked:
		return false
	case outcome == campaigns.AgentNoAnswer && s.CallErrorID == agentNoAnswer && said(s, "") != c.stale:
		return true
	case c.phase > ringing || c.trace != "" || s.CallTraceID != "" && s.CallTraceID != c.former:
		return false
	case outcome == campaigns.AgentNoAnswer:
		return true
	case s.CallError != "" && (outcome == campaigns.Busy || outcome == campaigns.NoAnswer || outcome == campaigns.Rejected):
		return false // words for a customer who was dialed
	}
	return stateOf(s) == wire.StateFailed || c.hungUpBy != "" && stateOf(s) != wire.StateLogout && !inCall(s)
}

// said is Mediatel's own word on what went wrong, with its number, for the record.
func said(s *wire.State, otherwise string) string {
	switch {
	case s.CallErrorID != "":
		return strings.TrimSpace(s.CallErrorID + " " + s.CallError)
	case s.CallError != "":
		return s.CallError
	}
	return otherwise
}

// words are looked for in callErrorText, in this order: of callErrorID only the number for the agent's silence is known.
var words = []struct {
	word    string
	outcome campaigns.Outcome
}{
	{"busy", campaigns.Busy},
	{"no answer", campaigns.NoAnswer}, {"not answer", campaigns.NoAnswer}, {"no reply", campaigns.NoAnswer},
	{"timeout", campaigns.NoAnswer},
	{"reject", campaigns.Rejected}, {"declin", campaigns.Rejected},
	{"invalid", campaigns.InvalidNumber}, {"unallocated", campaigns.InvalidNumber}, {"not exist", campaigns.InvalidNumber},
	{"wrong number", campaigns.InvalidNumber},
	{"congest", campaigns.Congestion}, {"network", campaigns.Congestion}, {"unavailable", campaigns.Congestion},
	{"channel", campaigns.Congestion},
}

// outcomeOf reads an error's text. One that says nothing to us is not clear, and is Unknown once the customer may have been
// dialed.
func outcomeOf(text string, at phase) (outcome campaigns.Outcome, clear bool) {
	text = strings.ToLower(text)
	for _, w := range words {
		if strings.Contains(text, w.word) {
			return w.outcome, true
		}
	}
	if at <= ringing {
		return campaigns.Congestion, false // Mediatel dials the customer only after the extension has answered
	}
	return campaigns.Unknown, false
}

// gaveUp is the outcome of a call that was not answered: the agent's, if it was the agent who had it ended.
func gaveUp(by string, otherwise campaigns.Outcome) campaigns.Outcome {
	if by == "agent" {
		return campaigns.AgentGaveUp
	}
	return otherwise
}
