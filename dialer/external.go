package dialer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// Adopt follows a call that another system has placed and given to an agent whose home is this node: the agent is In Call at
// once, and the call is an attempt on record like our own, from here to its code. It does not wait. A call of ours that has lost
// its process is gone on with in the same way.
//
// Nobody here decides that such a call begins, and nobody here ends it when the process stops: the next life of the node
// finds it again.
func (d *Dialer) Adopt(seen ExternalCall) {
	seen.ID = AttemptID(d.ids.Next(d.Now()))
	if !d.calls.adopt(seen) {
		d.Log.Error("a call of another system is not kept: too many calls, or the process has stopped", seen.attrs()...)
	}
}

func (x ExternalCall) attrs() []any {
	return []any{slog.Int64("agent", x.AgentID), slog.String("calltraceid", x.CallTraceID), slog.String("queue", x.Queue)}
}

// adopt gives the call a goroutine; false: the process has done with calls, or has too many.
func (s *supervisor) adopt(seen ExternalCall) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left || len(s.calls) >= 2*s.Limits.MaxCalls {
		return false
	}
	s.all.Go(func() { s.keep(seen) })
	return true
}

// onRecord is what became of putting an external call on record.
type onRecord struct {
	claimed Claimed
	err     error
}

// atOnce is how long an external call may take to be put on record before its agent is shown it without that.
const atOnce = 300 * time.Millisecond

// keep is the life of an external call here. Its agent does not wait for the record, which may be away.
func (s *supervisor) keep(seen ExternalCall) {
	recorded := make(chan onRecord, 1)
	s.all.Go(func() { recorded <- s.record(seen) })
	agent := s.agentOf(seen)
	select {
	case r := <-recorded:
		if errors.Is(r.err, ErrKept) {
			return // by another call object of this process
		}
		if r.err == nil {
			s.goOn(seen, agent, nil, r.claimed, heard(seen.Live.Progress()))
			return
		}
		recorded <- r
	case <-time.After(atOnce):
	}
	first := s.unrecorded(seen, agent)
	r, told, left := first.watch(recorded)
	switch {
	case left && first.hasEnded():
		s.Log.Error("the process stops before the record has heard of a call of another system", seen.attrs()...)
		s.forget(first)
	case left, errors.Is(r.err, ErrKept):
		s.forget(first)
	case r.err == nil:
		s.goOn(seen, agent, first, r.claimed, told)
	default:
		s.Log.Error("a call of another system is not on record", append(seen.attrs(), slog.Any("error", r.err))...)
		first.watchUnkept()
		s.forget(first)
	}
}

// agentOf reads the agent's live state; where Redis does not answer it is entered with a later renewal of the claim.
func (s *supervisor) agentOf(seen ExternalCall) agents.Live {
	ctx, cancel := context.WithTimeout(s.life, redisLimit)
	defer cancel()
	agent, err := s.Roster.Get(ctx, seen.AgentID)
	if err != nil {
		agent = agents.Off(seen.AgentID)
	}
	agent.Extension = seen.Extension
	return agent
}

// record puts the call on record, again and again until it is there, is known never to be, or the process has done with calls:
// SQL may be away, or another process may still speak for the call.
func (s *supervisor) record(seen ExternalCall) (r onRecord) {
	for range tries(s.keeping) {
		ctx, cancel := context.WithTimeout(s.keeping, sqlLimit)
		r.claimed, r.err = s.Store.Adopt(ctx, seen, s.owner, s.Limits.Lease, s.Now())
		cancel()
		if r.err == nil || errors.Is(r.err, ErrNotClaimed) || errors.Is(r.err, ErrKept) {
			return r
		}
	}
	return onRecord{err: errors.Join(s.keeping.Err(), r.err)}
}

// unrecordedWrapUp is how long a code may be chosen for a call that is over and whose campaign is not known yet.
const unrecordedWrapUp = time.Minute

// unrecorded shows the agent a call that is not on record, with what its network has told of it.
func (s *supervisor) unrecorded(seen ExternalCall, agent agents.Live) *call {
	c := newCall(s, Claimed{
		Attempt:  Attempt{ID: seen.ID, Number: seen.Number, Origin: External, AgentID: seen.AgentID, CallTraceID: seen.CallTraceID},
		Campaign: &campaigns.Campaign{Queue: seen.Queue, WrapUp: unrecordedWrapUp},
	}, agent, uptime.Instant{})
	c.external, c.unrecorded, c.lost = true, true, true
	c.card.CRMID = seen.CustomerID
	c.complete(s.life, seen.Card)
	c.placed(seen.Live)
	s.takeUp(c)
	c.renewClaim(s.life)
	return c
}

// takeUp makes the call its agent's present one. A call before it may still wait for its code; one that goes on may prove to be the
// same, so what is not on record yet does not take its place.
func (s *supervisor) takeUp(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[c.id] = c
	if before := s.agents[c.agent.AgentID]; before == nil || before.hasEnded() || !c.unrecorded {
		s.agents[c.agent.AgentID] = c
	}
	if s.left {
		c.leave()
	}
}

// watch shows the agent how an unrecorded call goes on, until it is known what the record says. left: it goes on without us.
func (c *call) watch(recorded <-chan onRecord) (r onRecord, told []Progress, left bool) {
	progress := c.line().Progress()
	for {
		select {
		case r = <-recorded:
			return r, told, c.s.keeping.Err() != nil
		case p, open := <-progress:
			if !open {
				progress = nil
				continue
			}
			told = append(told, p)
			c.show(p)
		case <-c.left:
			return r, told, true
		}
	}
}

// watchUnkept is watch for a call that no record will be kept of. Its code is for its network alone.
func (c *call) watchUnkept() {
	progress := c.line().Progress()
	for !c.hasEnded() {
		select {
		case p, open := <-progress:
			if !open {
				return
			}
			c.show(p)
		case <-c.left:
			return
		}
	}
	c.wrapUpUnkept()
}

// wrapUpUnkept waits for the code of an unkept talk that is over, if there is one to choose.
func (c *call) wrapUpUnkept() {
	if c.codeDue.IsZero() {
		return // nobody has talked
	}
	wait := c.codeDue.Sub(c.s.Now())
	if len(c.showing().Codes) == 0 {
		wait = 0
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for c.chosen() == nil {
		select {
		case <-c.codeSignal:
		case <-c.left:
			return
		case <-timeout.C:
			c.s.codeToNetwork(c.s.life, Coding{ID: c.id, AgentID: c.agent.AgentID, TimedOut: true})
			_, _ = c.tell(c.s.life, agents.Input{Kind: agents.WrapUpOver})
			return
		}
	}
}

// show tells the agent one step of an unrecorded call.
func (c *call) show(p Progress) {
	if p.Kind != Ended {
		c.progress(c.s.life, p)
		return
	}
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.codeDue = c.closing(p).CodeDueAt
	c.tellEnd(c.s.life, p, c.codeDue)
	if coding := c.chosen(); coding != nil {
		c.chosenUnrecorded(*coding)
	}
}

// chosenUnrecorded lets the agent go on who has chosen the code of an unrecorded call that is over. The record hears of the code
// with the call.
func (c *call) chosenUnrecorded(coding Coding) {
	c.s.codeToNetwork(c.s.life, coding)
	_, _ = c.tell(c.s.life, agents.Input{Kind: agents.CodeSet})
}

// goOn is the rest of an external call's life, once it is on record. One that is over by then has no claim on its agent, who may
// be in the next call.
func (s *supervisor) goOn(seen ExternalCall, agent agents.Live, first *call, claimed Claimed, told []Progress) {
	c := newCall(s, claimed, agent, uptime.Instant{}) // it lets no phone ring, so it needs no lease to believe in
	c.external, c.answeredAt = true, claimed.Attempt.AnsweredAt
	c.answerKept = !c.answeredAt.IsZero()
	c.lost = claimed.Attempt.State == Closed // only its late truth is still of use
	c.complete(s.life, seen.Card)
	c.inherit(first)
	defer s.forget(c)
	over := len(told) > 0 && told[len(told)-1].Kind == Ended
	switch {
	case !over:
		s.takeUp(c)
		c.enter(s.life, first)
	case first != nil && s.of(seen.AgentID) == first:
		s.takeUp(c) // its code may still be chosen
	}
	if first != nil {
		s.forget(first)
	}
	s.Log.Info("a call of another system is kept", append(seen.attrs(), c.attrs()...)...)
	c.attend(s.life, seen.Live, told)
}

// inherit takes over the code that the agent has chosen already: before the call was on record, or in a former life of this node.
func (c *call) inherit(first *call) {
	code, at := "", time.Time{}
	switch {
	case first != nil && first.chosen() != nil:
		coding := first.chosen()
		code, at = coding.Code, coding.CallbackAt
	case c.agent.Call != nil && c.agent.Call.AttemptID == c.id.String():
		code = c.agent.Call.CodeID
	}
	if code != "" {
		c.coding = &Coding{ID: c.id, Code: code, CallbackAt: at, AgentID: c.agent.AgentID,
			Foreign: foreign(c.claimed.Campaign.CallCodes, c.card.Codes, code)}
	}
}

// enter makes the agent In Call with what the record knows of the call, in place of what was shown before.
func (c *call) enter(ctx context.Context, first *call) {
	if first == nil {
		c.renewClaim(ctx)
		return
	}
	card := c.showing()
	_, _ = c.s.apply(ctx, c.agent.AgentID, agents.Input{Kind: agents.Given, AttemptID: first.id.String(), Call: &card,
		Until: c.s.Now().Add(c.s.Limits.Lease)})
}

// heard is what a call has told and nobody has read.
func heard(progress <-chan Progress) (told []Progress) {
	for {
		select {
		case p, open := <-progress:
			if !open {
				return told
			}
			told = append(told, p)
		default:
			return told
		}
	}
}
