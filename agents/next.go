package agents

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Errors of [Next]. The state is then as it was.
var (
	// ErrNotNow says that the agent's present state does not allow the input.
	ErrNotNow = errors.New("agents: not in this state")
	// ErrOtherCall says that the input speaks of another call than the present one.
	ErrOtherCall = errors.New("agents: not the present call")
	// ErrIncomplete says that the input lacks, or contradicts, what its kind names.
	ErrIncomplete = errors.New("agents: input is incomplete")
)

// Error ids that tabs show; Mediatel's own are negative, ours are below -1000.
const (
	NoError            = "0"
	AgentNoAnswerError = "-223"  // the extension was not answered; the agent is in Force Pause
	RuleError          = "-1001" // the gate refused the call by a rule
	NumberBusyError    = "-1002" // the number is in a call already
	NotPlacedError     = "-1004" // the call could not be ordered, or no longer may
	CallLostError      = "-1003" // the process that made the call is lost
	UnknownQueueError  = "-1005" // the queue is none in which the agent may place calls
	CodeTooLateError   = "-1006" // the code is too late, or for another call
	NotAllowedError    = "-1007" // the command is none, or none for this moment
)

// arrow is what an input does, and from where.
type arrow struct {
	from   []State
	ofCall bool // the input must speak of the present call
	do     func(*Live, Input) error
}

var (
	loggedOn = []State{Available, Ordered, Delivered, Talking, Holding, Clerical, Paused, ForcePause}
	atRest   = []State{Available, Paused, ForcePause}
	inCall   = []State{Ordered, Delivered, Talking, Holding}
	busy     = []State{Ordered, Delivered, Talking, Holding, Clerical}
)

// arrows is the whole machine. What is not listed is not allowed.
var arrows = map[Kind]arrow{
	Login:         {from: []State{LoggedOff}, do: (*Live).login},
	Logout:        {from: []State{Available, Paused, ForcePause, Clerical}, do: plain((*Live).logout)},
	TabsCounted:   {from: loggedOn, do: (*Live).countTabs},
	GraceOver:     {from: atRest, do: (*Live).endGrace},
	PauseChosen:   {from: []State{Available, Paused, Ordered, Delivered, Talking, Holding, Clerical}, do: (*Live).choosePause},
	PauseEnded:    {from: []State{Paused, ForcePause, Ordered, Delivered, Talking, Holding, Clerical}, do: (*Live).endPause},
	AutoCallSet:   {from: loggedOn, do: func(l *Live, in Input) error { l.AutoCall = in.On; return nil }},
	LanguageSet:   {from: loggedOn, do: func(l *Live, in Input) error { l.Language = in.Language; return nil }},
	QueuesChanged: {from: loggedOn, do: func(l *Live, in Input) error { l.Queues = slices.Clone(in.Queues); return nil }},

	Claimed:  {from: []State{Available}, do: (*Live).claim},
	Ordering: {from: []State{Available}, do: (*Live).order},

	Previewed:   {from: []State{Available}, do: (*Live).preview},
	PreviewOver: {from: []State{Available}, do: (*Live).endPreview},

	Refused: {from: []State{Available, Ordered}, do: (*Live).refuse},
	Given:   {from: []State{Available, Clerical, Paused, ForcePause, Ordered, Delivered, Talking, Holding}, do: (*Live).take},

	Ringing:    {from: []State{Ordered, Delivered}, ofCall: true, do: (*Live).ring},
	TraceKnown: {from: busy, ofCall: true, do: (*Live).trace},
	Connected:  {from: []State{Ordered, Delivered}, ofCall: true, do: to(Talking)},
	Held:       {from: []State{Talking}, ofCall: true, do: to(Holding)},
	Retrieved:  {from: []State{Holding}, ofCall: true, do: to(Talking)},
	MuteSet: {from: []State{Talking, Holding}, ofCall: true,
		do: func(l *Live, in Input) error { l.Muted = in.On; return nil }},
	CodeChosen:       {from: []State{Delivered, Talking, Holding}, ofCall: true, do: (*Live).chooseCode},
	HungUp:           {from: inCall, ofCall: true, do: (*Live).hangUp},
	CustomerFailed:   {from: inCall, ofCall: true, do: (*Live).failCustomer},
	AgentDidNotReply: {from: []State{Ordered, Delivered}, ofCall: true, do: (*Live).forcePause},
	ForcePaused:      {from: []State{Available}, do: (*Live).forcePause},
	MachineGone:      {from: inCall, ofCall: true, do: plain((*Live).rest)},
	Released:         {from: []State{Ordered, Delivered}, ofCall: true, do: plain((*Live).rest)},
	ClaimRenewed:     {from: inCall, ofCall: true, do: func(l *Live, in Input) error { l.ClaimUntil = in.Until; return nil }},
	ClaimExpired:     {from: inCall, ofCall: true, do: (*Live).loseCall},

	CodeSet:          {from: []State{Clerical}, ofCall: true, do: plain((*Live).rest)},
	WrapUpOver:       {from: []State{Clerical}, ofCall: true, do: plain((*Live).rest)},
	ReachableChanged: {from: loggedOn, do: plainly((*Live).reach)},
	HomeChanged: {from: []State{Available, Paused, ForcePause, Clerical},
		do: func(l *Live, in Input) error { l.Node = in.Node; return nil }},
}

// Next is the state machine that every agent lives by: the state that follows when an input happens, its Version grown
// by one. It is pure; l and in are not changed. An input that the state does not allow returns l itself with an error:
// [ErrNotNow], [ErrOtherCall] or [ErrIncomplete].
func Next(l Live, in Input) (Live, error) {
	if l.State == "" {
		l.State = LoggedOff
	}
	a, known := arrows[in.Kind]
	if !known || !slices.Contains(a.from, l.State) {
		return l, fmt.Errorf("%w: %s while %s", ErrNotNow, in.Kind, l.State)
	}
	if in.At.IsZero() {
		return l, fmt.Errorf("%w: %s without its time", ErrIncomplete, in.Kind)
	}
	if a.ofCall && (l.Call == nil || l.Call.AttemptID != in.AttemptID) {
		return l, fmt.Errorf("%w: %s of %q", ErrOtherCall, in.Kind, in.AttemptID)
	}
	next := l
	next.Since = time.Time{} // for an arrow to set
	next.TabsAt = maps.Clone(l.TabsAt)
	if l.Call != nil {
		call := *l.Call
		next.Call = &call
	}
	if err := a.do(&next, in); err != nil {
		return l, fmt.Errorf("%w: %s", err, in.Kind)
	}
	if next.State != Available || !next.AutoCall || next.Node != l.Node {
		next.Preview, next.PreviewUntil = nil, time.Time{} // whatever leads away from a shown contact lets it go
	}
	switch {
	case !next.Since.IsZero():
	case next.State != l.State || next.PauseID != l.PauseID:
		next.Since = in.At
	default:
		next.Since = l.Since
	}
	if orders[in.Kind] && next.ErrorID == l.ErrorID && refusals[l.ErrorID] {
		next.ErrorID, next.ErrorText = NoError, reason.Reason{}
	}
	next.Version++
	next.ChangedAt = in.At
	return next, nil
}

// orders are the inputs that carry out what an agent has asked for: what was refused before is shown no more.
var orders = map[Kind]bool{
	PauseChosen: true, PauseEnded: true, AutoCallSet: true, Held: true, Retrieved: true, MuteSet: true, CodeChosen: true,
	CodeSet: true,
}

// refusals are the errors that are shown until the next order.
var refusals = map[string]bool{RuleError: true, NumberBusyError: true, CallLostError: true, NotPlacedError: true,
	UnknownQueueError: true}

// to is an arrow that only moves.
func to(s State) func(*Live, Input) error {
	return func(l *Live, _ Input) error { l.State = s; return nil }
}

// plain is an arrow that needs nothing of its input.
func plain(do func(*Live)) func(*Live, Input) error {
	return func(l *Live, _ Input) error { do(l); return nil }
}

// plainly is an arrow that nothing of its input can stop.
func plainly(do func(*Live, Input)) func(*Live, Input) error {
	return func(l *Live, in Input) error { do(l, in); return nil }
}

// login takes flag and pause from the system of record, so that an agent who is entered again after the loss of Redis
// stands where it stood.
func (l *Live) login(in Input) error {
	if in.Agent == nil || in.Extension == nil || in.Extension.Name == "" || in.Agent.ID != l.AgentID {
		return ErrIncomplete
	}
	version := l.Version
	*l = Off(in.Agent.ID)
	l.Version = version
	l.Login, l.User, l.Queues = in.Agent.Login, in.User, slices.Clone(in.Agent.Queues)
	l.AutoCall, l.Language = in.Agent.AutoCall, in.Agent.Language
	l.Extension, l.Node, l.Reachable = *in.Extension, in.Node, in.Reachable
	l.GoneAt = in.At // until the first tab is counted
	l.LoggedOn = in.At
	switch in.Agent.PauseID {
	case NoPause, "":
		l.State = Available
	case ForcePauseID:
		l.State, l.PauseID, l.PauseCause = ForcePause, ForcePauseID, in.Agent.PauseCause
		l.ErrorText = in.Agent.PauseCause
	default:
		l.State, l.PauseID = Paused, in.Agent.PauseID
	}
	l.resume(in)
	return nil
}

func (l *Live) reach(in Input) {
	l.Reachable, l.WhyNot, l.NoPhone = in.Reachable, in.ErrorText, in.NoPhone
	if l.Reachable {
		l.WhyNot, l.NoPhone = reason.Reason{}, false
	}
}

// resume goes on where a gateway last saw the agent, after Redis forgot: with the running call or its code, which the
// call's owner has in.Until to speak of, and with the idle time that was earned. A pause on record is newer than a call, but what
// a code leads to.
func (l *Live) resume(in Input) {
	last := in.Last
	if last == nil || l.PauseID != NoPause && last.State != Clerical {
		return
	}
	pause := last.NextPause
	if l.PauseID != NoPause {
		pause = l.PauseID
	}
	switch {
	case last.State.InCall() && last.Call != nil && !in.Until.IsZero():
		l.ClaimUntil, l.Muted = in.Until, last.Muted
	case last.State == Clerical && last.Call != nil && !last.CodeDueAt.IsZero():
		l.CodeDueAt = last.CodeDueAt
	case last.State == Available:
		l.Since = last.Since
		return
	default:
		return
	}
	call := *last.Call
	l.State, l.Since, l.Call, l.PauseID, l.NextPause, l.ErrorText = last.State, last.Since, &call, NoPause, pause, reason.Reason{}
}

func (l *Live) logout() {
	off := Off(l.AgentID)
	off.Version, off.Login = l.Version, l.Login
	*l = off
}

func (l *Live) countTabs(in Input) error {
	if in.Node == "" || in.Count < 0 {
		return ErrIncomplete
	}
	if l.TabsAt == nil {
		l.TabsAt = map[string]int{}
	}
	l.TabsAt[in.Node] = in.Count
	if in.Count == 0 {
		delete(l.TabsAt, in.Node)
	}
	had := l.Tabs
	l.Tabs = 0
	for _, n := range l.TabsAt {
		l.Tabs += n
	}
	switch {
	case l.Tabs > 0:
		l.GoneAt = time.Time{}
	case had > 0 || l.GoneAt.IsZero():
		l.GoneAt = in.At
	}
	return nil
}

// endGrace waits for the end of a call and its code: they are not in its arrow.
func (l *Live) endGrace(Input) error {
	if l.Tabs > 0 {
		return ErrNotNow
	}
	l.logout()
	return nil
}

// choosePause is at once at rest; during a call and its code it is remembered.
func (l *Live) choosePause(in Input) error {
	if in.PauseID == "" || in.PauseID == NoPause || in.PauseID == ForcePauseID {
		return ErrIncomplete
	}
	if l.NextPause == ForcePauseID {
		return ErrNotNow
	}
	if l.State != Available && l.State != Paused {
		l.NextPause = in.PauseID
		return nil
	}
	l.State, l.PauseID = Paused, in.PauseID
	return nil
}

// endPause leaves Force Pause only for an extension that was found reachable just now; otherwise the reason is shown.
func (l *Live) endPause(in Input) error {
	switch {
	case l.State == Paused:
		l.State, l.PauseID = Available, NoPause
	case l.State == ForcePause && in.Reachable:
		l.State, l.PauseID, l.PauseCause, l.Reachable, l.WhyNot, l.NoPhone = Available, NoPause, reason.Reason{}, true, reason.Reason{},
			false
		l.ErrorID, l.ErrorText = NoError, reason.Reason{}
	case l.State == ForcePause:
		l.Reachable, l.ErrorText = false, in.ErrorText
	case l.NextPause == "" || l.NextPause == ForcePauseID:
		return ErrNotNow
	default:
		l.NextPause = ""
	}
	return nil
}

func (l *Live) claim(in Input) error {
	if !l.Free() || in.Node != "" && in.Node != l.Node {
		return ErrNotNow
	}
	return l.order(in)
}

// preview shows a contact. What was refused before is shown no more.
func (l *Live) preview(in Input) error {
	if !l.Free() || in.Node != l.Node {
		return ErrNotNow
	}
	if in.Call == nil || in.Call.AttemptID == "" || in.Call.AttemptID != in.AttemptID || in.Until.IsZero() {
		return ErrIncomplete
	}
	call := *in.Call
	l.Preview, l.PreviewUntil = &call, in.Until
	l.ErrorID, l.ErrorText = NoError, reason.Reason{}
	return nil
}

func (l *Live) endPreview(in Input) error {
	if l.Preview == nil || l.Preview.AttemptID != in.AttemptID {
		return ErrOtherCall
	}
	l.Preview, l.PreviewUntil = nil, time.Time{}
	return nil
}

func (l *Live) order(in Input) error {
	if in.Call == nil || in.Call.AttemptID == "" || in.Until.IsZero() {
		return ErrIncomplete
	}
	call := *in.Call
	l.State, l.Call, l.ClaimUntil, l.Muted = Ordered, &call, in.Until, false
	l.ErrorID, l.ErrorText = NoError, reason.Reason{}
	return nil
}

// take lets the agent be In Call by another system's doing, whatever we thought of the agent: a pause is gone back to
// afterwards, and a code that was awaited comes by its time. In a call it says more of the same call.
func (l *Live) take(in Input) error {
	if l.State.InCall() {
		return l.learn(in)
	}
	pause := l.NextPause
	if l.State == Paused || l.State == ForcePause {
		pause = l.PauseID
	}
	if err := l.order(in); err != nil {
		return err
	}
	l.PauseID, l.NextPause, l.CodeDueAt = NoPause, pause, time.Time{}
	return nil
}

// learn puts what is known by now in the place of the present call, which may have been shown before it was on record.
func (l *Live) learn(in Input) error {
	switch {
	case l.Call.AttemptID != in.AttemptID:
		return ErrOtherCall
	case in.Call == nil || in.Call.AttemptID == "" || in.Until.IsZero():
		return ErrIncomplete
	}
	call := *in.Call
	if call.CodeID == "" {
		call.CodeID = l.Call.CodeID
	}
	l.Call, l.ClaimUntil = &call, in.Until
	return nil
}

func (l *Live) refuse(in Input) error {
	if l.State == Ordered {
		if l.Call.AttemptID != in.AttemptID {
			return ErrOtherCall
		}
		l.rest()
	}
	return l.fail(in)
}

// ring completes the call with all that the tab shows; what was told or chosen before is kept.
func (l *Live) ring(in Input) error {
	if in.Call == nil || in.Call.AttemptID != in.AttemptID {
		return ErrIncomplete
	}
	call := *in.Call
	if call.CallTraceID == "" {
		call.CallTraceID = l.Call.CallTraceID
	}
	if call.CodeID == "" {
		call.CodeID = l.Call.CodeID
	}
	l.State, l.Call = Delivered, &call
	return nil
}

func (l *Live) trace(in Input) error {
	l.Call.CallTraceID = in.TraceID
	if in.CardLink != "" {
		l.Call.CardLink = in.CardLink
	}
	return nil
}

func (l *Live) chooseCode(in Input) error {
	if !slices.ContainsFunc(l.Call.Codes, func(c Code) bool { return c.ID == in.CodeID }) {
		return ErrIncomplete
	}
	l.Call.CodeID = in.CodeID
	return nil
}

func (l *Live) hangUp(in Input) error {
	if in.CodeDueAt.IsZero() {
		return ErrIncomplete
	}
	l.State, l.CodeDueAt, l.ClaimUntil, l.Muted = Clerical, in.CodeDueAt, time.Time{}, false
	return nil
}

func (l *Live) failCustomer(in Input) error {
	if !l.Call.Automatic {
		if err := l.hangUp(in); err != nil {
			return err
		}
		l.ErrorID, l.ErrorText = orNone(in.ErrorID), in.ErrorText
		return nil
	}
	l.rest()
	return l.fail(in)
}

func (l *Live) forcePause(in Input) error {
	l.rest()
	cause := in.ErrorText
	if cause.IsZero() {
		cause = whyNoAnswer
	}
	l.State, l.PauseID, l.PauseCause = ForcePause, ForcePauseID, cause
	l.ErrorID, l.ErrorText = AgentNoAnswerError, cause
	return nil
}

func (l *Live) loseCall(in Input) error {
	if in.At.Before(l.ClaimUntil) {
		return ErrNotNow
	}
	l.rest()
	in.ErrorID, in.ErrorText = CallLostError, whyCallLost
	return l.fail(in)
}

// rest is where a call and its code lead: Available, or the pause that was asked for meanwhile.
func (l *Live) rest() {
	l.State, l.Call, l.Muted = Available, nil, false
	l.ClaimUntil, l.CodeDueAt = time.Time{}, time.Time{}
	switch {
	case l.NextPause == ForcePauseID:
		l.State, l.PauseID, l.NextPause = ForcePause, ForcePauseID, ""
	case l.NextPause != "":
		l.State, l.PauseID, l.NextPause = Paused, l.NextPause, ""
	}
}

// fail notes why a call could not be placed.
func (l *Live) fail(in Input) error {
	l.ErrorID, l.ErrorText, l.FailedAt = orNone(in.ErrorID), in.ErrorText, in.At
	return nil
}

func orNone(id string) string {
	if id == "" {
		return NoError
	}
	return id
}
