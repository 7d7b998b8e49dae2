package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/reason"
)

var (
	errNoUser  = fmt.Errorf("%w (%w)", access.ErrNoUser, ErrNotFound)
	errNoToken = fmt.Errorf("%w (%w)", access.ErrNoToken, ErrNotFound)
)

const userColumns = `u.id, u.login, u.password_hash, u.role, u.agent_id, u.disabled, u.generation,
	EXISTS (SELECT 1 FROM agents g WHERE g.id = u.agent_id AND g.disabled)`

func scanUser(row scanner) (u access.User, err error) {
	err = row.Scan(&u.ID, &u.Login, &u.PasswordHash, &u.Role, orZero(&u.AgentID), &u.Disabled, &u.Generation, &u.AgentDisabled)
	return u, err
}

// User reads one user, or returns [access.ErrNoUser].
func (s Users) User(ctx context.Context, id int64) (access.User, error) {
	return s.userWhere(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id)
}

// UserByLogin reads one user, or returns [access.ErrNoUser].
func (s Users) UserByLogin(ctx context.Context, login string) (access.User, error) {
	return s.userWhere(ctx, `SELECT `+userColumns+` FROM users u WHERE u.login = $1`, login)
}

// UserByToken reads the user of a token that has not expired, or returns [access.ErrNoToken].
func (s Users) UserByToken(ctx context.Context, hash []byte, now time.Time) (access.User, error) {
	u, err := s.userWhere(ctx, `SELECT `+userColumns+` FROM tokens k JOIN users u ON u.id = k.user_id
		WHERE k.hash = $1 AND (k.expires_at IS NULL OR k.expires_at > $2)`, hash, at(now))
	if errors.Is(err, access.ErrNoUser) {
		err = errNoToken
	}
	if err == nil {
		s.tokenUsed(ctx, hash, now)
	}
	return u, err
}

// lastUseStep is how exactly the last use of a token is kept: a write a request would be too dear.
const lastUseStep = time.Minute

func (s Users) tokenUsed(ctx context.Context, hash []byte, now time.Time) {
	const stale = `hash = $1 AND (last_used_at IS NULL OR last_used_at <= $2 OR last_used_at > $3)`
	before := at(now.Add(-lastUseStep))
	found, err := all(ctx, s, scanID, `SELECT id FROM tokens WHERE `+stale, hash, before, at(now))
	if err == nil && len(found) > 0 {
		_, err = s.exec(ctx, `UPDATE tokens SET last_used_at = $3 WHERE `+stale, hash, before, at(now))
	}
	if err != nil { // the request goes on: it is not about this
		s.log.WarnContext(ctx, "last use of a token not kept", slog.Any("error", err))
	}
}

func (s Users) userWhere(ctx context.Context, query string, args ...any) (access.User, error) {
	u, err := one(ctx, s, scanUser, query, args...)
	if errors.Is(err, ErrNotFound) {
		return u, errNoUser
	}
	if err != nil {
		return u, fmt.Errorf("store: user: %w", err)
	}
	return u, nil
}

// Users lists all users, by id.
func (s Users) Users(ctx context.Context) ([]access.User, error) {
	list, err := all(ctx, s, scanUser, `SELECT `+userColumns+` FROM users u ORDER BY u.id`)
	if err != nil {
		return nil, fmt.Errorf("store: users: %w", err)
	}
	return list, nil
}

// CreateUser stores a new user. ErrConflict: the login is in use.
func (s Users) CreateUser(ctx context.Context, u access.User) (access.User, error) {
	id, err := one(ctx, changing(s), scanID, `INSERT INTO users (login, password_hash, role, agent_id, disabled) VALUES ($1, $2,
		$3, $4, $5)
		RETURNING id`, u.Login, u.PasswordHash, u.Role, orNull(u.AgentID), u.Disabled)
	if err != nil {
		return access.User{}, s.conflict(err, whyLoginInUse(u.Login), "login %q", u.Login)
	}
	return s.User(ctx, id)
}

// CreateToken stores a new API token.
func (s Users) CreateToken(ctx context.Context, k access.Token) (access.Token, error) {
	id, err := one(ctx, changing(s), scanID, `INSERT INTO tokens (user_id, name, hash, expires_at, created_at) VALUES ($1, $2,
		$3, $4, $5)
		RETURNING id`, k.UserID, k.Name, k.Hash, at(k.ExpiresAt), at(k.CreatedAt))
	if err != nil {
		return access.Token{}, s.conflict(err, reason.Reason{}, "token of user %d", k.UserID)
	}
	k.ID = id
	return k, nil
}

// Tokens lists a user's tokens, by id; user id zero: everybody's.
func (s Users) Tokens(ctx context.Context, userID int64) ([]access.Token, error) {
	list, err := all(ctx, s, func(row scanner) (k access.Token, err error) {
		err = row.Scan(&k.ID, &k.UserID, &k.Name, &k.Hash, moment{&k.ExpiresAt}, moment{&k.CreatedAt}, moment{&k.LastUsed}, &k.Login)
		return k, err
	}, `SELECT k.id, k.user_id, k.name, k.hash, k.expires_at, k.created_at, k.last_used_at, u.login FROM tokens k
		JOIN users u ON u.id = k.user_id WHERE CAST($1 AS BIGINT) = 0 OR k.user_id = $1 ORDER BY k.id`, userID)
	if err != nil {
		return nil, fmt.Errorf("store: tokens of user %d: %w", userID, err)
	}
	return list, nil
}

// RevokeToken forgets a token, or returns [access.ErrNoToken].
func (s Users) RevokeToken(ctx context.Context, id int64) error {
	n, err := s.exec(ctx, `DELETE FROM tokens WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("store: revoke token %d: %w", id, err)
	}
	if n == 0 {
		return errNoToken
	}
	return nil
}
