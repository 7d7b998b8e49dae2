package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

var (
	errNoUser  = fmt.Errorf("%w (%w)", access.ErrNoUser, ErrNotFound)
	errNoToken = fmt.Errorf("%w (%w)", access.ErrNoToken, ErrNotFound)
)

const userColumns = `u.id, u.login, u.password_hash, u.role, u.agent_id, u.disabled,
	EXISTS (SELECT 1 FROM agents g WHERE g.id = u.agent_id AND g.disabled)`

func scanUser(row scanner) (u access.User, err error) {
	err = row.Scan(&u.ID, &u.Login, &u.PasswordHash, &u.Role, orZero(&u.AgentID), &u.Disabled, &u.AgentDisabled)
	return u, err
}

// User reads one user, or answers [access.ErrNoUser].
func (s *Store) User(ctx context.Context, id int64) (access.User, error) {
	return s.userWhere(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id)
}

// UserByLogin reads one user, or answers [access.ErrNoUser].
func (s *Store) UserByLogin(ctx context.Context, login string) (access.User, error) {
	return s.userWhere(ctx, `SELECT `+userColumns+` FROM users u WHERE u.login = $1`, login)
}

// UserByToken reads the user of a token that has not expired, or answers [access.ErrNoToken].
func (s *Store) UserByToken(ctx context.Context, hash []byte, now time.Time) (access.User, error) {
	u, err := s.userWhere(ctx, `SELECT `+userColumns+` FROM tokens k JOIN users u ON u.id = k.user_id
		WHERE k.hash = $1 AND (k.expires_at IS NULL OR k.expires_at > $2)`, hash, at(now))
	if errors.Is(err, access.ErrNoUser) {
		err = errNoToken
	}
	return u, err
}

func (s *Store) userWhere(ctx context.Context, query string, args ...any) (access.User, error) {
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
func (s *Store) Users(ctx context.Context) ([]access.User, error) {
	list, err := all(ctx, s, scanUser, `SELECT `+userColumns+` FROM users u ORDER BY u.id`)
	if err != nil {
		return nil, fmt.Errorf("store: users: %w", err)
	}
	return list, nil
}

// CreateUser stores a new user. ErrConflict: the login is in use.
func (s *Store) CreateUser(ctx context.Context, u access.User) (access.User, error) {
	id, err := one(ctx, changing{s}, scanID, `INSERT INTO users (login, password_hash, role, agent_id, disabled) VALUES ($1, $2,
		$3, $4, $5)
		RETURNING id`, u.Login, u.PasswordHash, u.Role, orNull(u.AgentID), u.Disabled)
	if err != nil {
		return access.User{}, s.conflict(err, "login %q", u.Login)
	}
	return s.User(ctx, id)
}

// UpdateUser replaces all of a user but the id.
func (s *Store) UpdateUser(ctx context.Context, u access.User) error {
	n, err := s.exec(ctx, `UPDATE users SET login = $2, password_hash = $3, role = $4, agent_id = $5, disabled = $6 WHERE id = $1`,
		u.ID, u.Login, u.PasswordHash, u.Role, orNull(u.AgentID), u.Disabled)
	if err != nil {
		return s.conflict(err, "user %d: login %q", u.ID, u.Login)
	}
	if n == 0 {
		return errNoUser
	}
	return nil
}

// CreateToken stores a new API token.
func (s *Store) CreateToken(ctx context.Context, k access.Token) (access.Token, error) {
	id, err := one(ctx, changing{s}, scanID, `INSERT INTO tokens (user_id, name, hash, expires_at, created_at) VALUES ($1, $2,
		$3, $4, $5)
		RETURNING id`, k.UserID, k.Name, k.Hash, at(k.ExpiresAt), at(k.CreatedAt))
	if err != nil {
		return access.Token{}, s.conflict(err, "token of user %d", k.UserID)
	}
	k.ID = id
	return k, nil
}

// Tokens lists a user's tokens, by id.
func (s *Store) Tokens(ctx context.Context, userID int64) ([]access.Token, error) {
	list, err := all(ctx, s, func(row scanner) (k access.Token, err error) {
		err = row.Scan(&k.ID, &k.UserID, &k.Name, &k.Hash, moment{&k.ExpiresAt}, moment{&k.CreatedAt})
		return k, err
	}, `SELECT id, user_id, name, hash, expires_at, created_at FROM tokens WHERE user_id = $1 ORDER BY id`, userID)
	if err != nil {
		return nil, fmt.Errorf("store: tokens of user %d: %w", userID, err)
	}
	return list, nil
}

// RevokeToken forgets a token, or answers [access.ErrNoToken].
func (s *Store) RevokeToken(ctx context.Context, id int64) error {
	n, err := s.exec(ctx, `DELETE FROM tokens WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("store: revoke token %d: %w", id, err)
	}
	if n == 0 {
		return errNoToken
	}
	return nil
}
