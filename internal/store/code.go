package store

import (
	"context"
	"fmt"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// SetCode stores a call code on a closed attempt that awaits one. See [dialer.Store]. A code that the campaign does not
// have is ErrNotFound.
func (s *Store) SetCode(ctx context.Context, c dialer.Coding) error {
	return s.inTx(ctx, func(t *tx) error {
		h, err := t.hold(ctx, c.ID, "")
		if err != nil {
			return err
		}
		if h.State != dialer.Closed || h.CodeDueAt.IsZero() || !h.CodeSetAt.IsZero() || c.TimedOut && h.CodeDueAt.After(c.Now) {
			return dialer.ErrCodeSet
		}
		said, applied, err := codes(h.campaign, c)
		if err != nil {
			return err
		}
		reason := "agent"
		if c.TimedOut {
			reason = "timeout"
		}
		holds := h.latest() && h.contact.State == campaigns.Coding // else what came after the call decides
		return t.code(ctx, h, c, said, applied, reason, holds)
	})
}

// CorrectCode replaces the call code of an attempt that has one, or whose time for it ran out. The contact follows unless
// it has been called since. who is for the audit.
func (s *Store) CorrectCode(ctx context.Context, c dialer.Coding, who string) error {
	return s.inTx(ctx, func(t *tx) error {
		h, err := t.hold(ctx, c.ID, "")
		if err != nil {
			return err
		}
		if h.CodeSetAt.IsZero() {
			return fmt.Errorf("%w: attempt %s has no call code to correct", ErrConflict, c.ID)
		}
		said, applied, err := codes(h.campaign, c)
		if err != nil {
			return err
		}
		t.audit(who, "code.correct", "attempt/"+c.ID.String(), fmt.Sprintf("from %q to %q", h.Code, c.Code), c.Now)
		follows := h.latest() && (h.contact.State == campaigns.Waiting || h.contact.State == campaigns.Complete)
		return t.code(ctx, h, c, said, applied, "correction", follows)
	})
}

// codes answers the code that was said (none by a timeout), and the one that is applied.
func codes(campaign *campaigns.Campaign, c dialer.Coding) (said, applied campaigns.CallCode, err error) {
	if c.TimedOut {
		applied, _ = codeOf(campaign, campaign.DefaultCode)
		return said, applied, nil
	}
	said, ok := codeOf(campaign, c.Code)
	if !ok && c.Foreign != nil {
		said = foreignCode(campaign, *c.Foreign)
		return said, said, nil
	}
	if !ok {
		err = fmt.Errorf("store: call code %q of campaign %q: %w", c.Code, campaign.Name, ErrNotFound)
	}
	return said, said, err
}

// code writes a call code, lets its action become true and tells the CRM.
func (t *tx) code(ctx context.Context, h *held, c dialer.Coding, said, applied campaigns.CallCode, reason string, settles bool) error {
	h.Code, h.CodeSetAt = said.ID, c.Now
	t.later(`UPDATE attempts SET code = $2, code_reason = $3, code_set_at = $4, meaningful = $5 WHERE id = $1`,
		int64(h.ID), orNull(said.ID), reason, at(c.Now), said.Meaningful)
	var finished bool
	if settles {
		finished = t.applyCode(h, c, applied)
	}
	if applied.Action == campaigns.DoNotCall && (h.talked() || !c.TimedOut) {
		err := t.bar(ctx, campaigns.Barred{Number: h.Number, Reason: "code:" + applied.ID, MadeBy: fmt.Sprintf("agent:%d", c.AgentID), At: c.Now})
		if err != nil {
			return err
		}
	}
	if err := t.tell(ctx, h, webhook.CallCodeSet, eventCode(said), reason, c.Now); err != nil || h.contact == nil {
		return err
	}
	if finished {
		if err := t.contactFinished(h.campaign, h.contact, c.Now); err != nil {
			return err
		}
	}
	return t.save(h.contact, c.Now)
}

// applyCode lets the contact go on as the code says. A call that reached nobody and that no code speaks for goes on by its
// outcome.
func (t *tx) applyCode(h *held, c dialer.Coding, applied campaigns.CallCode) (finished bool) {
	if c.TimedOut && !h.talked() {
		d := campaigns.AfterAttempt(h.campaign, &h.contact.Contact, h.Outcome, h.sameOutcome+1, 0, h.EndedAt)
		return t.settle(h.contact, h.Number, d, c.Now)
	}
	d := campaigns.AfterCode(h.campaign, &h.contact.Contact, applied, c.CallbackAt, c.Now)
	if finished = t.settle(h.contact, h.Number, d, c.Now); finished {
		return true
	}
	t.endCallback(h.contact, c.Now)
	if applied.Action == campaigns.CallbackAt {
		t.promise(h.contact, d.NextAt, c.AgentID, fmt.Sprintf("agent:%d", c.AgentID), c.Now)
	}
	return false
}
