package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
)

// refusal is why a command was not carried out, as its tab is shown it until the next command that is.
type refusal struct {
	id  string
	why reason.Reason
}

// told is an error as a tab is shown it.
type told struct{ id, text string }

func (r refusal) Error() string { return "gateway: command refused: " + r.why.String() }

func notAllowed(why reason.Reason) error { return refusal{agents.NotAllowedError, why} }

func tooLate(why reason.Reason) error { return refusal{agents.CodeTooLateError, why} }

var (
	errTooMany = refusal{agents.NotAllowedError, whyTooMany(commandsPerSecond)}
	errFailed  = refusal{agents.NotAllowedError, whyFailed}
)

// refusalOf says in words for people why a command was not carried out.
func refusalOf(c wire.Command, err error) refusal {
	var known refusal
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, wire.ErrMalformed):
		return refusal{agents.NotAllowedError, whyMalformed}
	case errors.Is(err, agents.ErrNotNow), errors.Is(err, agents.ErrIncomplete):
		return refusal{agents.NotAllowedError, whyNotNow(clip(c.Type))}
	case errors.Is(err, context.DeadlineExceeded):
		return refusal{agents.NotAllowedError, whyLate}
	}
	if why := reason.Of(err); !why.IsZero() {
		return refusal{agents.NotAllowedError, why}
	}
	return errFailed
}

const maxShown = 40 // bytes of what a tab has sent that it is shown again

func clip(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}

// notIn refuses a command that the state does not take. In Force Pause its cause stays in sight.
func notIn(l agents.Live, command string) error {
	if l.State == agents.ForcePause && !l.PauseCause.IsZero() {
		return notAllowed(whyForced(command, l.PauseCause))
	}
	return notAllowed(whyNotWhile(command, l.State.Word()))
}

// refuse has the tab shown why its command was not carried out.
func (t *tab) refuse(why refusal) {
	say := t.book()
	var over told
	if s := t.sitsOn(); s != nil {
		l := s.now()
		over = told{l.ErrorID, say.Line(shownError(l))}
	}
	t.mu.Lock()
	t.refused, t.refusedOver = told{why.id, say.Line(why.why)}, over
	t.mu.Unlock()
	t.answer()
}

// begin notes that a command is about to be carried out: it is owed a reply, and what was refused before is over.
func (t *tab) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owed, t.refused = true, told{}
}

// confirm replies to a command that was carried out, and that has changed nothing that the tab would have been shown.
func (t *tab) confirm() {
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
	if failed && t.refusedOver != (told{state.CallErrorID, state.CallError}) {
		t.refused = told{}
		return &state
	}
	state.CallErrorID, state.CallError = t.refused.id, t.refused.text
	return &state
}
