package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/webhook"
)

// SetCode stores a call code on a closed attempt that awaits one. See [dialer.Store]. A code that the campaign does not
// have is ErrNotFound.
func (s Dialing) SetCode(ctx context.Context, c dialer.Coding) error {
	reason := "agent"
	if c.TimedOut {
		reason = "timeout"
	}
	return s.step(ctx, step{id: c.ID, check: func(h *locked) error {
		if h.State != dialer.Closed || h.CodeDueAt.IsZero() || !h.CodeSetAt.IsZero() || c.TimedOut && h.CodeDueAt.After(c.Now) {
			return dialer.ErrCodeSet
		}
		_, _, err := codes(h.campaign, c)
		return err
	}, take: func(ctx context.Context, t *tx, h *locked) error {
		holds := h.latest() && h.contact.State == campaigns.Coding // else what came after the call decides
		return t.code(ctx, h, c, reason, holds)
	}})
}

// Prolong moves the time for a call code of an attempt that awaits one. See [dialer.Store].
func (s Dialing) Prolong(ctx context.Context, id dialer.AttemptID, until time.Time) error {
	_, err := s.exec(ctx, `UPDATE attempts SET code_due_at = $2
		WHERE id = $1 AND state = 'closed' AND code_set_at IS NULL AND code_due_at IS NOT NULL`, int64(id), at(until))
	if err != nil {
		return fmt.Errorf("store: prolong the time for a call code: %w", err)
	}
	return nil
}

// CorrectCode replaces the call code of an attempt that has one, or whose time for it ran out. The contact follows unless
// it has been called since. who is for the audit.
func (s Attempts) CorrectCode(ctx context.Context, c dialer.Coding, who string) error {
	return s.step(ctx, step{id: c.ID, check: func(h *locked) error {
		if h.CodeSetAt.IsZero() && h.Outcome != campaigns.AnsweringMachine { // whose recording may show that it was a person
			return contradiction(whyUncoded)
		}
		_, _, err := codes(h.campaign, c)
		return err
	}, take: func(ctx context.Context, t *tx, h *locked) error {
		t.audit(who, "code.correct", "attempt/"+c.ID.String(), fmt.Sprintf("from %q to %q", h.Code, c.Code), c.Now)
		follows := h.latest() && (h.contact.State == campaigns.Waiting || h.contact.State == campaigns.Complete)
		return t.code(ctx, h, c, "correction", follows)
	}})
}

// CodeOf answers the call code of the agent's call with this calltraceid, as its phone network is to be told: empty where none
// was set in time, or the record does not have the call. awaited: none is set yet, and the time for it runs or will.
func (s Attempts) CodeOf(ctx context.Context, agentID int64, callTraceID string) (code string, awaited bool, err error) {
	a, err := one(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE calltraceid = $1 AND agent_id = $2
		ORDER BY id DESC LIMIT 1`, callTraceID, agentID)
	if errors.Is(err, ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("store: call code of call %q: %w", callTraceID, err)
	}
	awaited = a.CodeSetAt.IsZero() && (!a.AnsweredAt.IsZero() || !a.CodeDueAt.IsZero())
	return a.Code, awaited, nil
}

// codes returns the code that was said (none by a timeout), and the one that is applied.
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
		err = reason.Wrap(reason.Missing, whyNoCode(campaign.Name, c.Code), ErrNotFound)
	}
	return said, said, err
}

// code writes a call code, lets its action become true and tells the CRM.
func (t *tx) code(ctx context.Context, h *locked, c dialer.Coding, reason string, settles bool) error {
	said, applied, err := codes(h.campaign, c)
	if err != nil {
		return err
	}
	if err := t.unwish(ctx, h, applied.Withdraws, byAgent(c.AgentID), c.Now); err != nil {
		return err
	}
	h.Code, h.codeReason, h.CodeSetAt, h.meaningful = said.ID, reason, c.Now, said.Meaningful
	if h.talked() && said.ID != "" && !said.Meaningful { // until now it counted as a conversation
		t.wakeAfter(c.Now, h.subject())
	}
	if !h.DialedAt.IsZero() {
		t.metSoon(c.Now, h.subject())
	}
	was, when := h.accounted()
	t.account(h.CampaignID, was, when, -1)
	h.answeredBy = said.AnsweredBy
	is, when := h.accounted()
	t.account(h.CampaignID, is, when, 1)
	t.keep(h)
	finished := settles && t.applyCode(h, c, applied)
	if applied.Action == campaigns.DoNotCall && (h.talked() || !c.TimedOut) {
		if err := t.barBy(ctx, h, applied, c); err != nil {
			return err
		}
	}
	if err := t.tell(ctx, h, webhook.CallCodeSet, eventCode(said), reason, c.Now); err != nil {
		return err
	}
	if finished {
		return t.contactFinished(h.campaign, h.contact, c.Now)
	}
	return nil
}

// barBy puts on the do-not-call list whom a call code bars: the number alone, or the person with it. A contact without a CRM id
// is the person on all its numbers.
func (t *tx) barBy(ctx context.Context, h *locked, code campaigns.CallCode, c dialer.Coding) error {
	b := campaigns.Barred{Number: h.Number, Reason: "code:" + code.ID, MadeBy: byAgent(c.AgentID), At: c.Now}
	if code.Bars == campaigns.BarNumber {
		if err := t.bar(ctx, b); err != nil {
			return err
		}
		return t.listedNow(ctx, []campaigns.Barred{b}, c.Now)
	}
	switch {
	case h.contact != nil && h.contact.CRMID != "":
		b.CRMID = h.contact.CRMID
	case h.Person != h.Number:
		b.CRMID = h.Person // the CRM's word for somebody in no list
	}
	if err := t.bar(ctx, b); err != nil {
		return err
	}
	if b.CRMID == "" && h.contact != nil {
		for _, p := range h.contact.Phones {
			b.Number = p.Number
			if err := t.bar(ctx, b); err != nil {
				return err
			}
			if err := t.listedNow(ctx, []campaigns.Barred{b}, c.Now); err != nil {
				return err
			}
		}
		return nil
	}
	if b.CRMID == "" {
		return t.listedNow(ctx, []campaigns.Barred{b}, c.Now)
	}
	if err := t.touch(ctx, c.Now, subject{crmID: b.CRMID}); err != nil {
		return err
	}
	return t.listedNow(ctx, []campaigns.Barred{b}, c.Now)
}

// byAgent is how the record names an agent who did something.
func byAgent(id int64) string { return fmt.Sprintf("agent:%d", id) }

// applyCode lets the contact go on as the code says. A call that reached nobody and that no code speaks for goes on by its
// outcome.
func (t *tx) applyCode(h *locked, c dialer.Coding, applied campaigns.CallCode) (finished bool) {
	if c.TimedOut && !h.talked() {
		d := h.spare(campaigns.AfterAttempt(h.campaign, &h.contact.Contact, h.Outcome, h.sameOutcome(), 0, h.EndedAt))
		if !h.DialedAt.IsZero() {
			d = t.again(h, dialer.Closing{EndedAt: h.EndedAt}, d)
		}
		return t.dispose(h.contact, h.Number, d, c.Now)
	}
	d := h.spare(campaigns.AfterCode(h.campaign, &h.contact.Contact, applied, h.sameCode(applied.ID), c.CallbackAt, c.Now))
	if finished = t.dispose(h.contact, h.Number, d, c.Now); finished {
		return true
	}
	if applied.OtherPhone {
		campaigns.PassPhone(&h.contact.Contact, h.Number)
	}
	if applied.Action != campaigns.CallbackAt {
		how := missed
		if h.talked() {
			how = kept
		}
		t.endCallback(h.contact, how, c.Now)
	}
	if applied.Action == campaigns.CallbackAt {
		wish := ""
		if !c.CallbackAt.IsZero() { // else it is the campaign's time, not the person's
			wish = t.wish(h.contact, d.NextAt, "attempt/"+h.ID.String(), byAgent(c.AgentID), c.Now)
		}
		t.promise(h.contact, campaigns.Callback{At: d.NextAt, AgentID: c.AgentID, MadeBy: byAgent(c.AgentID),
			Fallback: h.campaign.Callbacks.OrDefaults().Fallback}, wish, c.Now)
	}
	return false
}
