package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/dialer"
)

const attemptColumns = `attempts.id, attempts.campaign_id, attempts.contact_id, attempts.ordinal, attempts.person,
	attempts.number, attempts.origin, attempts.state, attempts.owner, attempts.fence, attempts.lease_until,
	attempts.valid_until, attempts.agent_id, attempts.calltraceid, attempts.prepared_at, attempts.claimed_at,
	attempts.dialed_at, attempts.answered_at, attempts.ended_at, attempts.outcome, attempts.cause, attempts.hangup_by, attempts.fault,
	attempts.machine, attempts.caller_id,
	attempts.code, attempts.code_due_at, attempts.code_set_at`

// attemptFields are where attemptColumns go.
func attemptFields(a *dialer.Attempt) []any {
	return []any{&a.ID, &a.CampaignID, orZero(&a.ContactID), orZero(&a.Ordinal), &a.Person, &a.Number, &a.Origin, &a.State,
		orZero(&a.Owner),
		&a.Fence, moment{&a.LeaseUntil}, moment{&a.ValidUntil}, orZero(&a.AgentID), orZero(&a.CallTraceID), moment{&a.PreparedAt},
		moment{&a.ClaimedAt}, moment{&a.DialedAt}, moment{&a.AnsweredAt}, moment{&a.EndedAt}, orZero(&a.Outcome), &a.Cause, &a.HangupBy,
		&a.Fault, &a.Machine, &a.CallerID,
		orZero(&a.Code), moment{&a.CodeDueAt}, moment{&a.CodeSetAt}}
}

func scanAttempt(row scanner) (a dialer.Attempt, err error) {
	err = row.Scan(attemptFields(&a)...)
	return a, err
}

// Attempt reads one attempt.
func (s Attempts) Attempt(ctx context.Context, id dialer.AttemptID) (dialer.Attempt, error) {
	a, err := one(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE id = $1`, int64(id))
	if err != nil {
		return a, fmt.Errorf("store: attempt %s: %w", id, err)
	}
	return a, nil
}

// Attempts lists attempts, latest first, those with ids below before (zero: from the latest), at most limit.
func (s Attempts) Attempts(ctx context.Context, f dialer.AttemptFilter, before dialer.AttemptID, limit int) ([]dialer.Attempt,
	error) {
	// Only what filters stands in the query, so that the database can choose the index that fits.
	query, args := `SELECT `+attemptColumns+` FROM attempts WHERE id < $1`, []any{int64(before)}
	if before == 0 {
		args[0] = int64(1 << 53)
	}
	order := ` ORDER BY id DESC LIMIT $`
	if f.AgentID != 0 { // by the agent's own list of calls
		query = `SELECT ` + attemptColumns + ` FROM agent_calls k JOIN attempts ON attempts.id = k.attempt_id WHERE k.attempt_id < $1`
		order = ` ORDER BY k.attempt_id DESC LIMIT $`
	}
	where := func(condition string, set bool, arg any) {
		if set {
			args = append(args, arg)
			query += " AND " + condition + " $" + strconv.Itoa(len(args))
		}
	}
	where("campaign_id =", f.CampaignID != 0, f.CampaignID)
	where("contact_id =", f.ContactID != 0, f.ContactID)
	where("k.agent_id =", f.AgentID != 0, f.AgentID)
	where("attempts.agent_id =", f.AgentID != 0, f.AgentID)
	where("number =", f.Number != "", f.Number)
	where("calltraceid =", f.CallTraceID != "", f.CallTraceID)
	where("state =", f.State != "", string(f.State))
	where("outcome =", f.Outcome != "", string(f.Outcome))
	where("prepared_at >=", !f.From.IsZero(), at(f.From))
	where("prepared_at <", !f.To.IsZero(), at(f.To))
	args = append(args, limit)
	list, err := all(ctx, s, scanAttempt, query+order+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("store: attempts: %w", err)
	}
	return list, nil
}

// CodesDue lists closed attempts whose time for a call code is over, oldest first, at most limit.
func (s Dialing) CodesDue(ctx context.Context, now time.Time, limit int) ([]dialer.Attempt, error) {
	list, err := all(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts
		WHERE code_due_at IS NOT NULL AND code_set_at IS NULL AND code_due_at <= $1 ORDER BY code_due_at LIMIT $2`, at(now), limit)
	if err != nil {
		return nil, fmt.Errorf("store: call codes due: %w", err)
	}
	return list, nil
}

// Lapsed lists open, claimed attempts whose lease ended before the moment given, oldest first, at most limit.
func (s Dialing) Lapsed(ctx context.Context, before time.Time, limit int) ([]dialer.Attempt, error) {
	list, err := all(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts
		WHERE ended_at IS NULL AND lease_until < $1 ORDER BY lease_until LIMIT $2`, at(before), limit)
	if err != nil {
		return nil, fmt.Errorf("store: lapsed attempts: %w", err)
	}
	return list, nil
}
