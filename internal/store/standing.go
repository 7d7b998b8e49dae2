package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

// SetUserDisabled disables a user or lets one in again, with its entry in the audit log. A disabled one's sessions end.
func (s Users) SetUserDisabled(ctx context.Context, id int64, disabled bool, who string, now time.Time) (access.User, error) {
	what := "user.enable"
	if disabled {
		what = "user.disable"
	}
	return s.changeUser(ctx, id, what, who, now,
		`UPDATE users SET generation = CASE WHEN $2 AND NOT disabled THEN generation + 1 ELSE generation END,
		disabled = $2 WHERE id = $1`, disabled)
}

// SetUserPassword gives a user a new password, with its entry in the audit log. The user's sessions end.
func (s Users) SetUserPassword(ctx context.Context, id int64, hash, who string, now time.Time) (access.User, error) {
	return s.changeUser(ctx, id, "user.password", who, now,
		`UPDATE users SET password_hash = $2, generation = generation + 1 WHERE id = $1`, hash)
}

// SetUserRole gives a user another role, and an agent if that is its own, with its entry in the audit log. The user's
// sessions end. [access.ErrLastAdmin]: nobody else administrates.
func (s Users) SetUserRole(ctx context.Context, id int64, role access.Role, agentID int64, who string,
	now time.Time) (access.User, error) {
	return s.changeUser(ctx, id, "user.role", who, now,
		`UPDATE users SET role = $2, agent_id = $3, generation = generation + 1 WHERE id = $1`, role, orNull(agentID))
}

// DeleteUser forgets a user with the tokens, with its entry in the audit log. The user's sessions end.
func (s Users) DeleteUser(ctx context.Context, id int64, who string, now time.Time) error {
	_, err := s.changeUser(ctx, id, "user.delete", who, now, `DELETE FROM users WHERE id = $1`)
	return err
}

// changeUser returns the user as it is afterwards, or was last. Whoever administrates, two of them who take each other's
// right at once too, leaves one administrator at least: else [access.ErrLastAdmin].
func (s Users) changeUser(ctx context.Context, id int64, what, who string, now time.Time, change string,
	args ...any) (u access.User, err error) {
	const read = `SELECT ` + userColumns + ` FROM users u WHERE u.id = $1`
	err = s.inTx(ctx, func(t *tx) error {
		admins, err := all(ctx, t, scanID, `SELECT u.id FROM users u WHERE u.role = 'admin' AND NOT u.disabled ORDER BY u.id
			FOR UPDATE OF u`)
		if err != nil {
			return err
		}
		if u, err = one(ctx, t, scanUser, read+` FOR UPDATE OF u`, id); err != nil {
			return err
		}
		before := u
		if _, err := t.exec(ctx, change, append([]any{id}, args...)...); err != nil {
			return err
		}
		if after, err := all(ctx, t, scanUser, read, id); err != nil {
			return err
		} else if len(after) == 1 {
			u = after[0]
		}
		if len(admins) == 1 && admins[0] == id && (what == "user.delete" || u.Disabled || u.Role != access.RoleAdmin) {
			return access.ErrLastAdmin
		}
		detail := u.Login
		if before.Role != u.Role {
			detail += fmt.Sprintf(", role %s → %s", before.Role, u.Role)
		}
		t.audit(who, what, fmt.Sprintf("user/%d", id), detail, now)
		return nil
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return u, errNoUser
	case err != nil:
		return u, fmt.Errorf("store: %s %d: %w", what, id, err)
	}
	return u, nil
}

// Standing finds users by login, and sessions that have ended. See [access.Store].
func (s Users) Standing(ctx context.Context, logins, sessions []string) (users map[string]access.User, ended map[string]bool,
	err error) {
	users, ended = map[string]access.User{}, map[string]bool{}
	if len(logins) > 0 {
		list, err := all(ctx, s, scanUser, `SELECT `+userColumns+` FROM users u WHERE u.login = ANY($1)`, logins)
		if err != nil {
			return nil, nil, fmt.Errorf("store: users' standing: %w", err)
		}
		for _, u := range list {
			users[u.Login] = u
		}
	}
	if len(sessions) > 0 {
		list, err := all(ctx, s, scanText, `SELECT id FROM ended_sessions WHERE id = ANY($1)`, sessions)
		if err != nil {
			return nil, nil, fmt.Errorf("store: ended sessions: %w", err)
		}
		for _, id := range list {
			ended[id] = true
		}
	}
	return users, ended, nil
}

// EndSessions keeps that sessions have ended, and forgets those that would have run out by now. See [access.Store].
func (s Users) EndSessions(ctx context.Context, sessions []string, now, until time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		t.later(`DELETE FROM ended_sessions WHERE until < $1`, at(now))
		for _, id := range sessions {
			t.later(`INSERT INTO ended_sessions (id, ended_at, until) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET
				until = CASE WHEN ended_sessions.until IS NULL OR $3 IS NULL THEN NULL ELSE CASE WHEN ended_sessions.until > $3
				THEN ended_sessions.until ELSE CAST($3 AS BIGINT) END END`, id, at(now), at(until))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: end sessions: %w", err)
	}
	return nil
}
