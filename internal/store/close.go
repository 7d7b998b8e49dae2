package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// undialedPause is when a contact is due again at the earliest whose phone was never dialed, so that a phone network that
// fails at once is not asked in a circle.
const undialedPause = 30 * time.Second

// longestFaultRest bounds what a contact whose call infrastructure failed waits because the phone network asked for rest: the
// network rests, not the person.
const longestFaultRest = 5 * time.Minute

// Close ends an attempt by compare-and-set on owner and fence. See [dialer.Store].
func (s Dialing) Close(ctx context.Context, c dialer.Closing) (dialer.Attempt, error) {
	var closed dialer.Attempt
	err := s.step(ctx, step{id: c.ID, check: func(h *locked) error {
		open := h.State == dialer.Dialing || h.State == dialer.InTalk
		h.late = h.State == dialer.Closed && h.Outcome == campaigns.Unknown && c.Outcome != campaigns.Unknown
		h.answered = !h.late && h.State == dialer.Closed && h.Outcome.GaveUp() && c.Outcome == campaigns.Abandoned
		if h.Owner != c.Owner || h.Fence != c.Fence || !open && !h.late && !h.answered {
			return dialer.ErrFenced
		}
		return h.mayEnd(c)
	}, take: func(ctx context.Context, t *tx, h *locked) error {
		err := t.close(ctx, h, c)
		closed = h.Attempt
		return err
	}})
	if err != nil {
		return dialer.Attempt{}, err
	}
	return closed, nil
}

// errNotLapsed ends the step of CloseUnknown on an attempt that somebody speaks for.
var errNotLapsed = errors.New("store: attempt is not lapsed")

// CloseUnknown closes a lapsed attempt as Unknown if its fence is still the one given.
func (s Dialing) CloseUnknown(ctx context.Context, id dialer.AttemptID, fence int64, now time.Time) (bool, error) {
	c := dialer.Closing{ID: id, Outcome: campaigns.Unknown, HangupBy: "system",
		Cause: "the process that made the call was lost", EndedAt: now}
	err := s.step(ctx, step{id: id, check: func(h *locked) error {
		if h.State != dialer.Dialing && h.State != dialer.InTalk || h.Fence != fence || !h.LeaseUntil.Before(now) {
			return errNotLapsed
		}
		return nil
	}, take: func(ctx context.Context, t *tx, h *locked) error { return t.close(ctx, h, c) }})
	if errors.Is(err, errNotLapsed) {
		return false, nil
	}
	return err == nil, err
}

// close writes how a held attempt ended, settles its contact and tells the CRM.
func (t *tx) close(ctx context.Context, h *locked, c dialer.Closing) error {
	was, when := h.accounted()
	t.account(h.CampaignID, was, when, -1) // a truth that comes late takes the place of what was thought
	defer func() {
		is, when := h.accounted()
		t.account(h.CampaignID, is, when, 1)
	}()
	if h.answered { // where the contact stands by now, it stands
		h.Outcome, h.Cause, h.HangupBy = c.Outcome, c.Cause, c.HangupBy
		t.keep(h)
		return t.tell(ctx, h, webhook.CallCompleted, nil, "", c.EndedAt)
	}
	dialed := !h.DialedAt.IsZero()
	if h.end(c); dialed && h.DialedAt.IsZero() { // until now it counted
		t.wakeAfter(c.EndedAt, h.subject())
	}
	if c.AgentID != 0 && h.AgentID != c.AgentID {
		h.AgentID = c.AgentID
		if err := t.nameAgent(ctx, h); err != nil {
			return err
		}
	}
	if !h.DialedAt.IsZero() && (h.CodeDueAt.IsZero() || !h.CodeSetAt.IsZero()) { // else its code comes soon, and does it
		t.metSoon(c.EndedAt, h.subject())
	}
	t.keep(h)
	if h.contact == nil {
		return t.tell(ctx, h, webhook.CallCompleted, nil, "", c.EndedAt)
	}
	finished := t.disposeClosed(h, c)
	if err := t.tell(ctx, h, webhook.CallCompleted, nil, "", c.EndedAt); err != nil {
		return err
	}
	if finished {
		return t.contactFinished(h.campaign, h.contact, c.EndedAt)
	}
	return nil
}

// mayEnd refuses what cannot have happened.
func (h *locked) mayEnd(c dialer.Closing) error {
	switch {
	case c.Outcome == campaigns.Answered && h.AnsweredAt.IsZero() && c.AnsweredAt.IsZero() && c.PickedUpAt.IsZero():
		return fmt.Errorf("store: close attempt %s: answered, but neither the store nor the close knows when", h.ID)
	case c.Outcome == campaigns.Answered && h.DialedAt.IsZero():
		return fmt.Errorf("store: close attempt %s: answered, but never dialed", h.ID)
	}
	return nil
}

// end lets the attempt be closed.
func (h *locked) end(c dialer.Closing) {
	if !c.PickedUpAt.IsZero() {
		h.pickedUpAt = c.PickedUpAt
	}
	if c.Outcome == campaigns.Answered && h.AnsweredAt.IsZero() && c.AnsweredAt.IsZero() {
		c.AnsweredAt = c.PickedUpAt
	}
	if c.NotDialed && !h.late && h.AnsweredAt.IsZero() && c.AnsweredAt.IsZero() {
		h.DialedAt = time.Time{} // a late truth comes too late for that: the contact's count, and plans by it, are made
	}
	if h.DialedAt.IsZero() || c.Confirmed && c.Outcome != campaigns.Unknown {
		h.quietUntil = time.Time{}
	}
	if h.AnsweredAt.IsZero() && !h.DialedAt.IsZero() {
		h.AnsweredAt = c.AnsweredAt
	}
	if c.CallTraceID != "" {
		h.CallTraceID = c.CallTraceID
	}
	h.Machine = h.Machine || c.Machine
	if c.Outcome == campaigns.AnsweringMachine { // nobody talked, whoever was connected to it until it was known
		for _, at := range []time.Time{h.AnsweredAt, c.EndedAt} {
			if h.pickedUpAt.IsZero() {
				h.pickedUpAt = at
			}
		}
		h.AnsweredAt = time.Time{}
	}
	h.Fault = c.Fault && !h.late && h.AnsweredAt.IsZero() // as unknown it has been counted
	h.State, h.Outcome, h.Cause, h.HangupBy, h.EndedAt = dialer.Closed, c.Outcome, c.Cause, c.HangupBy, c.EndedAt
	if !h.CodeSetAt.IsZero() {
		return // it was coded as it stood
	}
	h.CodeDueAt = c.CodeDueAt
	if h.talked() && h.CodeDueAt.IsZero() {
		h.CodeDueAt = h.EndedAt.Add(h.campaign.WrapUp) // the agent was in it, whatever became of the process
	}
}

// disposeClosed says where the contact stands after a closed attempt. It returns whether the contact is finished by it.
func (t *tx) disposeClosed(h *locked, c dialer.Closing) (finished bool) {
	contact := h.contact
	if h.talked() {
		contact.CallTraceID, contact.RecordingLink = h.CallTraceID, t.db.recordingLink(h.campaign, h.CallTraceID)
	}
	settled := contact.State == campaigns.Coding || contact.State == campaigns.Calling || !contact.callbackAt.IsZero()
	if h.late && (!h.latest() || !h.CodeSetAt.IsZero() || settled) {
		return false // what came after the attempt, or was settled since, decides
	}
	dialed := !h.DialedAt.IsZero()
	if dialed && !h.late && !h.Fault {
		contact.Attempts++
		campaigns.TryPhone(h.campaign, &contact.Contact, h.Number, h.Outcome)
		t.calledBack(contact, h.DialedAt)
	}
	if h.talked() && h.AgentID != 0 {
		contact.lastAgent = h.AgentID
	}
	if h.Origin == dialer.External && !h.talked() {
		h.calledInVainElsewhere(c)
		return false
	}
	calledInVain := contact.Reason != "" && !h.late // by hand, after its end
	switch {
	case !h.CodeDueAt.IsZero():
		contact.State, contact.NextAt, contact.Reason = campaigns.Coding, time.Time{}, ""
	case calledInVain:
		contact.State = campaigns.Complete
	case h.Fault:
		contact.State, contact.Reason = campaigns.Waiting, ""
		pause := max(campaigns.FaultPause(h.faults), min(c.RetryAfter, longestFaultRest))
		contact.NextAt = latest(contact.NextAt, c.EndedAt.Add(pause))
	case !dialed && h.Outcome != campaigns.AgentNoAnswer && h.Outcome != campaigns.InvalidNumber:
		contact.State, contact.Reason = campaigns.Waiting, ""
		contact.NextAt = latest(contact.NextAt, c.EndedAt.Add(max(undialedPause, c.RetryAfter)))
	case h.Outcome == campaigns.Answered: // and left before an agent came
		d := campaigns.AfterAttempt(h.campaign, &contact.Contact, campaigns.Abandoned, h.sameOutcome(), c.RetryAfter, c.EndedAt)
		return t.dispose(contact, h.Number, h.spare(d), c.EndedAt)
	default:
		d := campaigns.AfterAttempt(h.campaign, &contact.Contact, h.Outcome, h.sameOutcome(), c.RetryAfter, c.EndedAt)
		if dialed {
			d = t.again(h, c, d)
		}
		return t.dispose(contact, h.Number, h.spare(d), c.EndedAt)
	}
	if h.talked() {
		t.endCallback(contact, kept, c.EndedAt)
	}
	return false
}

// again lets a promised callback that reached nobody go on by its own tries, whatever the contact's attempts; when they are over
// the contact goes on as d says.
func (t *tx) again(h *locked, c dialer.Closing, d campaigns.Disposition) campaigns.Disposition {
	k := h.contact
	if k.callbackAt.IsZero() {
		return d
	}
	if h.DialedAt.Before(k.callbackAt.Add(-campaigns.PromiseLate)) { // it was another call, before the agreed moment
		return campaigns.Disposition{State: campaigns.Waiting, NextAt: latest(k.callbackAt, c.EndedAt), BadNumber: d.BadNumber}
	}
	k.callbackTries++
	if k.callbackUntil.IsZero() {
		k.callbackUntil = latest(k.callbackAt, c.EndedAt).Add(h.campaign.Callbacks.OrDefaults().Window)
	}
	next, ok := campaigns.AfterPromise(h.campaign, &k.Contact, h.Outcome, k.callbackTries, k.callbackUntil, c.RetryAfter, c.EndedAt)
	if !ok {
		t.endCallback(k, missed, c.EndedAt)
		return d
	}
	return campaigns.Disposition{State: campaigns.Waiting, NextAt: next, BadNumber: d.BadNumber}
}

// calledInVainElsewhere lets a contact whom another system has called in vain stand as before: what was agreed with the customer
// is ours to keep. It is not due before a call of ours with this outcome would have it due.
func (h *locked) calledInVainElsewhere(c dialer.Closing) {
	contact := h.contact
	switch {
	case contact.State != campaigns.Calling: // it awaits a code, or was settled by what came after
	case contact.Reason != "":
		contact.State = campaigns.Complete
	default:
		contact.State = campaigns.Waiting
		d := h.spare(campaigns.AfterAttempt(h.campaign, &contact.Contact, h.Outcome, h.sameOutcome(), c.RetryAfter, c.EndedAt))
		if d.State == campaigns.Waiting && contact.callbackAt.IsZero() {
			contact.NextAt = latest(contact.NextAt, d.NextAt)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
