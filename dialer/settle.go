package dialer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// settle tells the record and then the agent how the call ended, again and again until both have heard it: while SQL is
// away the ended call waits here. Redis is told until the claim on the agent has run out by itself. It answers when a call
// code is due; zero: none is awaited.
func (c *call) settle(ctx context.Context, end Progress) (codeDue time.Time) {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	closing := c.closing(end)
	closed, told := false, false
	for range tries(ctx) {
		closed = closed || c.close(ctx, closing)
		told = told || c.tellEnd(ctx, end, closing.CodeDueAt) || c.s.Now().Sub(end.At) > c.s.Limits.Lease
		if closed && told {
			break
		}
	}
	return closing.CodeDueAt
}

// closing is what goes on record. A call code is awaited after a talk, and after a call by hand that reached nobody: its
// agent is in Clerical then, with something to say about the number.
func (c *call) closing(end Progress) Closing {
	c.mu.Lock()
	defer c.mu.Unlock()
	closing := Closing{
		ID: c.id, Owner: c.s.owner, Fence: c.claimed.Attempt.Fence, Outcome: end.Outcome, CallTraceID: c.card.CallTraceID,
		HangupBy: end.HangupBy, Cause: onOneLine(end.Cause), RetryAfter: end.RetryAfter, EndedAt: end.At, AnsweredAt: c.answeredAt,
		NotDialed: end.NotDialed || c.refused, Fault: end.Fault, Confirmed: end.Confirmed || end.NotDialed || c.refused,
	}
	if end.CallTraceID != "" {
		closing.CallTraceID = end.CallTraceID
	}
	if end.Outcome == campaigns.Unknown && end.HangupBy == "system" && c.hungUpBy == "agent" { // which is why the fence has refused
		closing.Outcome, closing.HangupBy = campaigns.AgentGaveUp, c.hungUpBy
	}
	if end.Outcome == campaigns.Answered && closing.AnsweredAt.IsZero() {
		closing.AnsweredAt = end.At // a network that told the answer only with the end
	}
	if end.Outcome == campaigns.Answered || c.byHand() && c.agentRang && end.Outcome != campaigns.AgentNoAnswer {
		closing.CodeDueAt = c.s.Now().Add(c.claimed.Campaign.WrapUp)
	}
	return closing
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

// close puts the end on record by owner and fence; true: it is there.
func (c *call) close(ctx context.Context, closing Closing) bool {
	if err := c.keepAnswer(ctx); err != nil && !errors.Is(err, ErrFenced) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	_, err := c.s.Store.Close(ctx, closing)
	switch {
	case err == nil:
		c.step(StepClose)
		c.s.Metrics.AttemptClosed(c.agent.Extension.Network, string(closing.Outcome))
		return true
	case errors.Is(err, ErrFenced):
		c.step(StepClose)
		c.s.Log.Warn("attempt was closed by another owner", append(c.attrs(), slog.String("outcome", string(closing.Outcome)))...)
		return true
	}
	c.s.Log.Warn("end of a call not on record yet", append(c.attrs(), slog.Any("error", err))...)
	return false
}

// lateLimit is how long a late answer is tried to be put on record.
const lateLimit = time.Minute

// answeredLate puts on record that the customer has answered after all, when the call was given up: it was hung up at once, and is
// one that was abandoned.
func (c *call) answeredLate(p Progress) {
	c.s.Log.Warn("customer answered a call that was given up", append(c.attrs(), slog.String("cause", p.Cause))...)
	c.s.Metrics.AbandonedLate()
	ctx, cancel := context.WithTimeout(c.s.life, lateLimit)
	defer cancel()
	closing := Closing{
		ID: c.id, Owner: c.s.owner, Fence: c.claimed.Attempt.Fence, Outcome: campaigns.Abandoned, CallTraceID: c.showing().CallTraceID,
		HangupBy: "system", Cause: onOneLine(p.Cause), EndedAt: p.At,
	}
	for range tries(ctx) {
		if !c.isClosed() {
			continue // the end as it was told first goes on record first
		}
		ctx, cancel := context.WithTimeout(ctx, sqlLimit)
		_, err := c.s.Store.Close(ctx, closing)
		cancel()
		if err == nil || errors.Is(err, ErrFenced) {
			return
		}
		c.s.Log.Warn("late answer not on record yet", append(c.attrs(), slog.Any("error", err))...)
	}
}

// tellEnd moves the agent on; true: the agent's state has heard it, or is beyond it.
func (c *call) tellEnd(ctx context.Context, end Progress, codeDue time.Time) bool {
	c.mu.Lock()
	rang := c.agentRang
	c.mu.Unlock()
	in := agents.Input{Kind: agents.CustomerFailed, CodeDueAt: codeDue, ErrorID: failureID(end), ErrorText: failureText(end)}
	switch {
	case end.Outcome == campaigns.Answered:
		in = agents.Input{Kind: agents.HungUp, CodeDueAt: codeDue}
	case end.Outcome == campaigns.AgentNoAnswer:
		in = agents.Input{Kind: agents.AgentDidNotReply, ErrorText: cmp.Or(end.ErrorText, noPhoneText(end.Cause))}
	case !rang && c.byHand():
		in = agents.Input{Kind: agents.Refused, ErrorID: cmp.Or(end.ErrorID, agents.NotPlacedError),
			ErrorText: cmp.Or(failureText(end), "The call was given up before a phone rang")}
	case !rang:
		in = agents.Input{Kind: agents.Released}
	}
	_, err := c.tell(ctx, in)
	return err == nil || settled(err)
}

// noPhoneText is the cause of Force Pause where the extension's server says that it has no phone; empty: the phone only was
// not answered.
func noPhoneText(cause string) string {
	status, _, _ := strings.Cut(cause, " ")
	switch status {
	case "404", "410", "480", "604":
		return "No Answer from agent: " + cause
	}
	return ""
}

// failureID is the error that an agent's tab shows for a customer who was not reached: the network's own number, where it has one. A call
// that the agent ended is no error.
func failureID(end Progress) string {
	switch {
	case end.ErrorID != "":
		return end.ErrorID
	case end.Outcome == campaigns.AgentGaveUp || end.Outcome == campaigns.Abandoned:
		return agents.NoError
	}
	return agents.NotPlacedError
}

// failureText goes with it: what the network itself says where it has a number for it, else the cause on record, else the outcome.
func failureText(end Progress) string {
	switch {
	case end.ErrorID != "":
		return end.ErrorText
	case failureID(end) == agents.NoError:
		return ""
	}
	return cmp.Or(end.Cause, strings.ReplaceAll(string(end.Outcome), "_", " "))
}
