package dialer

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// closing is what goes on record. A call code is awaited after a talk, and after a call by hand that reached nobody: its
// agent is in Clerical then, with something to say about the number.
func (c *course) closing(e event) Closing {
	end := e.told
	outcome, cause := c.machineOutcome(end.Outcome), onOneLine(end.Cause)
	if outcome == campaigns.AnsweringMachine {
		cause = onOneLine(c.heardBy + "; " + end.Cause)
	}
	closing := Closing{
		Outcome: outcome, Machine: c.machine, CallTraceID: end.CallTraceID, HangupBy: end.HangupBy, Cause: cause,
		RetryAfter: end.RetryAfter,
		EndedAt:    end.At, AnsweredAt: c.talkedAt, NotDialed: end.NotDialed || c.refused, Fault: end.Fault,
		Confirmed: end.Confirmed || end.NotDialed || c.refused,
	}
	if end.Outcome == campaigns.Unknown && end.HangupBy == "system" && c.hungUpBy == "agent" { // which is why the fence has refused
		closing.Outcome, closing.HangupBy = campaigns.AgentGaveUp, c.hungUpBy
	}
	talked := outcome == campaigns.Answered && !c.leftAlone()
	closing.PickedUpAt = c.pickedUp
	if talked && closing.AnsweredAt.IsZero() {
		closing.AnsweredAt = end.At // a network that told the answer only with the end
	}
	if c.agent && (talked || c.byHand() && c.rang() && end.Outcome != campaigns.AgentNoAnswer) {
		closing.CodeDueAt = e.at.Add(c.wrapUp)
	}
	return closing
}

func (c *course) byHand() bool { return c.origin == ByHand }

// rang says that the agent was shown the call.
func (c *course) rang() bool { return c.phase != phaseWaiting }

// partingWords are what the agent is told of the end.
func (c *course) partingWords(e event) agents.Input {
	end := e.told
	switch {
	case c.machineOutcome(end.Outcome) == campaigns.AnsweringMachine:
		return agents.Input{Kind: agents.MachineGone}
	case end.Outcome == campaigns.Answered && !c.leftAlone():
		return agents.Input{Kind: agents.HungUp, CodeDueAt: c.due}
	case end.Outcome == campaigns.AgentNoAnswer:
		return agents.Input{Kind: agents.AgentDidNotReply, ErrorText: cmp.Or(end.ErrorText, noPhone(end.Cause))}
	case !c.rang() && c.byHand():
		return agents.Input{Kind: agents.Refused, ErrorID: cmp.Or(end.ErrorID, agents.NotPlacedError),
			ErrorText: cmp.Or(failure(end), whyGivenUp)}
	case !c.rang():
		return agents.Input{Kind: agents.Released}
	}
	if c.leftAlone() { // before the agent's phone was answered
		return agents.Input{Kind: agents.Released}
	}
	return agents.Input{Kind: agents.CustomerFailed, CodeDueAt: c.due, ErrorID: failureID(end), ErrorText: failure(end)}
}

// noPhone is the cause of Force Pause where the extension's server says that it has no phone; empty: the phone only was
// not answered.
func noPhone(cause string) reason.Reason {
	status, _, _ := strings.Cut(cause, " ")
	switch status {
	case "404", "410", "480", "604":
		return whyNoPhoneThere(cause)
	}
	return reason.Reason{}
}

// failureID is the error that an agent's tab shows for a customer who was not reached: the network's own number, where it has
// one. A call that the agent ended is no error.
func failureID(end Progress) string {
	switch {
	case end.ErrorID != "":
		return end.ErrorID
	case end.Outcome == campaigns.AgentGaveUp || end.Outcome == campaigns.Abandoned:
		return agents.NoError
	}
	return agents.NotPlacedError
}

// failure goes with it: what the network itself says where it has a number for it, else the outcome.
func failure(end Progress) reason.Reason {
	switch {
	case end.ErrorID != "":
		return end.ErrorText
	case failureID(end) == agents.NoError:
		return reason.Reason{}
	}
	return whyEnded(end)
}

// maxCause bounds what is kept of a network's words, in characters.
const maxCause = 500

// onOneLine is what a foreign network says, as the record can keep it: PostgreSQL takes no text that is not UTF-8, or has a zero
// byte, and a close that it refuses would be tried for ever.
func onOneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if runes := []rune(s); len(runes) > maxCause {
		s = string(runes[:maxCause])
	}
	return s
}
