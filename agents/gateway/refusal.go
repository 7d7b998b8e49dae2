package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// refusal is why a command was not carried out, as its tab is shown it until the next command that is.
type refusal struct{ id, text string }

func (r refusal) Error() string { return "gateway: command refused: " + r.text }

func notAllowed(format string, args ...any) error {
	return refusal{agents.NotAllowedError, fmt.Sprintf(format, args...)}
}

func tooLate(format string, args ...any) error {
	return refusal{agents.CodeTooLateError, fmt.Sprintf(format, args...)}
}

var (
	errTooMany = refusal{agents.NotAllowedError, fmt.Sprintf("Too many commands: at most %d a second", commandsPerSecond)}
	errFailed  = refusal{agents.NotAllowedError, "The command could not be carried out: try again in a moment"}
)

// refusalOf says in words for people why a command was not carried out.
func refusalOf(c wire.Command, err error) refusal {
	var known refusal
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, wire.ErrMalformed):
		return refusal{agents.NotAllowedError, "Malformed command: " + err.Error()}
	case errors.Is(err, agents.ErrNotNow), errors.Is(err, agents.ErrIncomplete):
		return refusal{agents.NotAllowedError, c.Type + " is not allowed now"}
	case errors.Is(err, context.DeadlineExceeded):
		return refusal{agents.NotAllowedError, "The command was not carried out in time: look whether it is, and try again"}
	}
	return errFailed
}

// inWords are the states as a sentence has them.
var inWords = map[agents.State]string{
	agents.LoggedOff: "logged off", agents.Available: "Available", agents.Ordered: "the call is being ordered", agents.Delivered: "the call is being set up",
	agents.Talking: "talking", agents.Holding: "the customer is on hold", agents.Clerical: "Clerical", agents.Paused: "in a pause",
	agents.ForcePause: "in Force Pause",
}

// notIn refuses a command that the state does not take. In Force Pause its cause stays in sight.
func notIn(l agents.Live, command string) error {
	text := fmt.Sprintf("%s is not allowed while %s", command, inWords[l.State])
	if l.State == agents.ForcePause && l.PauseCause != "" {
		text += " (" + l.PauseCause + ")"
	}
	return notAllowed("%s", text)
}

// refuse has the tab shown why its command was not carried out.
func (t *tab) refuse(why refusal) {
	var over [2]string
	if s := t.sitsOn(); s != nil {
		l := s.now()
		over = [2]string{l.ErrorID, l.ErrorText}
	}
	t.mu.Lock()
	t.refused, t.refusedOver = why, over
	t.mu.Unlock()
	t.answer()
}

// begin notes that a command is about to be carried out: it is owed an answer, and what was refused before is over.
func (t *tab) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owed, t.refused = true, refusal{}
}

// settle answers a command that was carried out, and that has changed nothing that the tab would have been shown.
func (t *tab) settle() {
	s := t.sitsOn()
	if s == nil {
		if t.isOwed() {
			t.answer()
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pushing && t.isOwed() { // else it is about to be shown
		s.tell(t)
	}
}

func (t *tab) isOwed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.owed
}

// own adds to a state what is this tab's alone: its tries to log in, and why its last command was refused, unless the agent
// has met with another failure since.
func (t *tab) own(state wire.State) *wire.State {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owed = false
	state.LoginAttempt = t.tries
	if t.refused.id == "" {
		return &state
	}
	failed := state.CallErrorID != "" && state.CallErrorID != agents.NoError
	if failed && t.refusedOver != [2]string{state.CallErrorID, state.CallError} {
		t.refused = refusal{}
		return &state
	}
	state.CallErrorID, state.CallError = t.refused.id, t.refused.text
	return &state
}
