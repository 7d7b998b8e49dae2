package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

const attemptColumns = `attempts.id, attempts.campaign_id, attempts.contact_id, attempts.ordinal, attempts.person,
	attempts.number, attempts.origin, attempts.state, attempts.owner, attempts.fence, attempts.lease_until,
	attempts.valid_until, attempts.agent_id, attempts.calltraceid, attempts.prepared_at, attempts.claimed_at,
	attempts.dialed_at, attempts.answered_at, attempts.ended_at, attempts.outcome, attempts.cause, attempts.hangup_by,
	attempts.code, attempts.code_due_at, attempts.code_set_at`

// attemptFields are where attemptColumns go.
func attemptFields(a *dialer.Attempt) []any {
	return []any{&a.ID, &a.CampaignID, orZero(&a.ContactID), orZero(&a.Ordinal), &a.Person, &a.Number, &a.Origin, &a.State, orZero(&a.Owner),
		&a.Fence, moment{&a.LeaseUntil}, moment{&a.ValidUntil}, orZero(&a.AgentID), orZero(&a.CallTraceID), moment{&a.PreparedAt},
		moment{&a.ClaimedAt}, moment{&a.DialedAt}, moment{&a.AnsweredAt}, moment{&a.EndedAt}, orZero(&a.Outcome), &a.Cause, &a.HangupBy,
		orZero(&a.Code), moment{&a.CodeDueAt}, moment{&a.CodeSetAt}}
}

func scanAttempt(row scanner) (a dialer.Attempt, err error) {
	err = row.Scan(attemptFields(&a)...)
	return a, err
}

// Attempt reads one attempt.
func (s *Store) Attempt(ctx context.Context, id dialer.AttemptID) (dialer.Attempt, error) {
	a, err := one(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE id = $1`, int64(id))
	if err != nil {
		return a, fmt.Errorf("store: attempt %s: %w", id, err)
	}
	return a, nil
}

// Attempts lists attempts, latest first, those with ids below before (zero: from the latest), at most limit.
func (s *Store) Attempts(ctx context.Context, f dialer.AttemptFilter, before dialer.AttemptID, limit int) ([]dialer.Attempt, error) {
	// Only what filters stands in the query, so that the database can choose the index that fits.
	query, args := `SELECT `+attemptColumns+` FROM attempts WHERE id < $1`, []any{int64(before)}
	if before == 0 {
		args[0] = int64(1 << 53)
	}
	where := func(condition string, set bool, arg any) {
		if set {
			args = append(args, arg)
			query += " AND " + condition + " $" + strconv.Itoa(len(args))
		}
	}
	where("campaign_id =", f.CampaignID != 0, f.CampaignID)
	where("contact_id =", f.ContactID != 0, f.ContactID)
	where("agent_id =", f.AgentID != 0, f.AgentID)
	where("number =", f.Number != "", f.Number)
	where("calltraceid =", f.CallTraceID != "", f.CallTraceID)
	where("state =", f.State != "", string(f.State))
	where("outcome =", f.Outcome != "", string(f.Outcome))
	where("prepared_at >=", !f.From.IsZero(), at(f.From))
	where("prepared_at <", !f.To.IsZero(), at(f.To))
	args = append(args, limit)
	list, err := all(ctx, s, scanAttempt, query+` ORDER BY id DESC LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("store: attempts: %w", err)
	}
	return list, nil
}

// CodesDue lists closed attempts whose time for a call code is over, oldest first, at most limit.
func (s *Store) CodesDue(ctx context.Context, now time.Time, limit int) ([]dialer.Attempt, error) {
	list, err := all(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts
		WHERE code_due_at IS NOT NULL AND code_set_at IS NULL AND code_due_at <= $1 ORDER BY code_due_at LIMIT $2`, at(now), limit)
	if err != nil {
		return nil, fmt.Errorf("store: call codes due: %w", err)
	}
	return list, nil
}

// Lapsed lists open, claimed attempts whose lease ended before the moment given, oldest first, at most limit.
func (s *Store) Lapsed(ctx context.Context, before time.Time, limit int) ([]dialer.Attempt, error) {
	list, err := all(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts
		WHERE ended_at IS NULL AND lease_until < $1 ORDER BY lease_until LIMIT $2`, at(before), limit)
	if err != nil {
		return nil, fmt.Errorf("store: lapsed attempts: %w", err)
	}
	return list, nil
}

// held is an attempt whose row this transaction has locked, with what its events say.
type held struct {
	dialer.Attempt
	campaign    *campaigns.Campaign
	contact     *contact // locked too; nil: a number in no list
	late        bool     // it was closed as unknown before
	sameOutcome int      // other dialed attempts at the contact with the outcome asked for, or with this one's
	agentLogin  string
	agentUserID string
}

// hold locks an attempt and its contact, in this order as every transaction does. sameOutcome counts by outcome, or by the
// attempt's own when it is empty.
func (t *tx) hold(ctx context.Context, id dialer.AttemptID, outcome campaigns.Outcome) (*held, error) {
	var version int64
	scan := func(row scanner, h *held, more ...any) (*held, error) {
		dest := append(attemptFields(&h.Attempt), &version, &h.sameOutcome, orZero(&h.agentLogin), orZero(&h.agentUserID))
		return h, row.Scan(append(dest, more...)...)
	}
	h, err := one(ctx, t, func(row scanner) (*held, error) {
		h := &held{contact: &contact{}}
		var raw rawContact
		if _, err := scan(row, h, contactFields(h.contact, &raw)...); err != nil {
			return nil, err
		}
		return h, h.contact.fill(raw)
	}, `SELECT `+heldColumns+`, `+contactColumns+` FROM attempts JOIN contacts c ON c.id = attempts.contact_id
		LEFT JOIN agents g ON g.id = attempts.agent_id WHERE attempts.id = $1 FOR UPDATE OF attempts, c`, int64(id), orNull(string(outcome)))
	if errors.Is(err, ErrNotFound) { // perhaps it has no contact
		h, err = one(ctx, t, func(row scanner) (*held, error) { return scan(row, &held{}) },
			`SELECT `+heldColumns+` FROM attempts LEFT JOIN agents g ON g.id = attempts.agent_id
			WHERE attempts.id = $1 AND attempts.contact_id IS NULL FOR UPDATE OF attempts`, int64(id), orNull(string(outcome)))
	}
	if err != nil {
		return nil, fmt.Errorf("store: attempt %s: %w", id, err)
	}
	h.campaign, err = t.store.campaignAt(ctx, t, h.CampaignID, version)
	return h, err
}

const heldColumns = attemptColumns + `,
	(SELECT p.version FROM campaigns p WHERE p.id = attempts.campaign_id),
	(SELECT count(*) FROM attempts b WHERE b.contact_id = attempts.contact_id AND b.outcome = COALESCE($2, attempts.outcome)
		AND b.dialed_at IS NOT NULL AND b.id <> attempts.id),
	g.login, g.user_id`

// latest reports whether no attempt at the contact was planned after this one.
func (h *held) latest() bool { return h.contact != nil && h.contact.ordinals == h.Ordinal }
