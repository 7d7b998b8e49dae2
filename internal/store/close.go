package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// undialedPause is when a contact is due again at the earliest whose phone was never dialed, so that a phone network that
// fails at once is not asked in a circle.
const undialedPause = 30 * time.Second

// Close ends an attempt by compare-and-set on owner and fence. See [dialer.Store].
func (s *Store) Close(ctx context.Context, c dialer.Closing) (dialer.Attempt, error) {
	var closed dialer.Attempt
	err := s.inTx(ctx, func(t *tx) error {
		h, err := t.hold(ctx, c.ID, c.Outcome)
		if err != nil {
			return err
		}
		open := h.State == dialer.Dialing || h.State == dialer.InTalk
		h.late = h.State == dialer.Closed && h.Outcome == campaigns.Unknown && c.Outcome != campaigns.Unknown
		if h.Owner != c.Owner || h.Fence != c.Fence || !open && !h.late {
			return dialer.ErrFenced
		}
		if !h.CodeSetAt.IsZero() {
			c.CodeDueAt = h.CodeDueAt // it was coded as it stood
		}
		if err := t.close(ctx, h, c); err != nil {
			return err
		}
		closed = h.Attempt
		return nil
	})
	if err != nil {
		return dialer.Attempt{}, err
	}
	return closed, nil
}

// CloseUnknown closes a lapsed attempt as Unknown if its fence is still the one given.
func (s *Store) CloseUnknown(ctx context.Context, id dialer.AttemptID, fence int64, now time.Time) (bool, error) {
	var done bool
	err := s.inTx(ctx, func(t *tx) error {
		h, err := t.hold(ctx, id, campaigns.Unknown)
		if err != nil {
			return err
		}
		done = (h.State == dialer.Dialing || h.State == dialer.InTalk) && h.Fence == fence && h.LeaseUntil.Before(now)
		if !done {
			return nil
		}
		c := dialer.Closing{ID: id, Outcome: campaigns.Unknown, HangupBy: "system", Cause: "the process that made the call was lost", EndedAt: now}
		return t.close(ctx, h, c)
	})
	return done, err
}

// close writes how a held attempt ended, settles its contact and tells the CRM.
func (t *tx) close(ctx context.Context, h *held, c dialer.Closing) error {
	if err := h.end(c); err != nil {
		return err
	}
	t.later(`UPDATE attempts SET state = 'closed', outcome = $2, cause = $3, hangup_by = $4, calltraceid = $5, answered_at = $6, ended_at = $7,
		code_due_at = $8 WHERE id = $1`,
		int64(h.ID), h.Outcome, h.Cause, h.HangupBy, orNull(h.CallTraceID), at(h.AnsweredAt), at(h.EndedAt), at(h.CodeDueAt))
	if h.contact == nil {
		return t.tell(ctx, h, webhook.CallCompleted, nil, "", c.EndedAt)
	}
	finished := t.settleClosed(h, c)
	if err := t.tell(ctx, h, webhook.CallCompleted, nil, "", c.EndedAt); err != nil {
		return err
	}
	if finished {
		if err := t.contactFinished(h.campaign, h.contact, c.EndedAt); err != nil {
			return err
		}
	}
	return t.save(h.contact, c.EndedAt)
}

// end lets the attempt be closed. It refuses what cannot have happened.
func (h *held) end(c dialer.Closing) error {
	if h.AnsweredAt.IsZero() && !c.AnsweredAt.IsZero() && !h.DialedAt.IsZero() {
		h.AnsweredAt = c.AnsweredAt
	}
	if c.Outcome == campaigns.Answered && h.AnsweredAt.IsZero() {
		return fmt.Errorf("store: close attempt %s: answered, but neither the store nor the close knows when", h.ID)
	}
	if c.CallTraceID != "" {
		h.CallTraceID = c.CallTraceID
	}
	h.State, h.Outcome, h.Cause, h.HangupBy, h.EndedAt = dialer.Closed, c.Outcome, c.Cause, c.HangupBy, c.EndedAt
	h.CodeDueAt = c.CodeDueAt
	if h.talked() && h.CodeDueAt.IsZero() && h.CodeSetAt.IsZero() {
		h.CodeDueAt = h.EndedAt.Add(h.campaign.WrapUp) // the agent was in it, whatever became of the process
	}
	return nil
}

// settleClosed says where the contact stands after a closed attempt. It answers whether the contact is finished by it.
func (t *tx) settleClosed(h *held, c dialer.Closing) (finished bool) {
	contact := h.contact
	if h.talked() {
		contact.CallTraceID, contact.RecordingLink = h.CallTraceID, t.store.recordingLink(h.campaign, h.CallTraceID)
	}
	if h.late && (!h.latest() || !h.CodeSetAt.IsZero() || contact.State == campaigns.Coding || !contact.callbackAt.IsZero()) {
		return false // what came after the attempt, or was settled since, decides
	}
	dialed := !h.DialedAt.IsZero()
	if dialed && !h.late {
		contact.Attempts++
	}
	calledInVain := contact.Reason != "" && !h.late // by hand, after its end
	switch {
	case !h.CodeDueAt.IsZero():
		contact.State, contact.NextAt, contact.Reason = campaigns.Coding, time.Time{}, ""
	case calledInVain:
		contact.State = campaigns.Complete
	case !dialed && h.Outcome != campaigns.AgentNoAnswer && h.Outcome != campaigns.InvalidNumber:
		contact.State, contact.Reason = campaigns.Waiting, ""
		contact.NextAt = latest(contact.NextAt, c.EndedAt.Add(max(undialedPause, c.RetryAfter)))
	default:
		d := campaigns.AfterAttempt(h.campaign, &contact.Contact, h.Outcome, h.sameOutcome+1, c.RetryAfter, c.EndedAt)
		return t.settle(contact, h.Number, d, c.EndedAt)
	}
	if h.talked() {
		t.endCallback(contact, c.EndedAt)
	}
	return false
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
