package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

const anAdmin = `SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin')`

// link is the row of first_admin_link.
type link struct {
	nonce []byte
	ends  time.Time
}

func scanLink(row scanner) (l link, err error) {
	err = row.Scan(&l.nonce, moment{&l.ends})
	return l, err
}

// FirstAdminLink returns what the link of the first admin follows from, and its end. All nodes get the same as long as it is
// good; then the fresh one takes its place. [access.ErrAdminThere]: there is an admin, so there is no link any more.
func (s Users) FirstAdminLink(ctx context.Context, fresh []byte, ends, now time.Time) (nonce []byte, until time.Time, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		there, err := one(ctx, t, scanBool, anAdmin)
		if err != nil {
			return err
		}
		if there {
			return access.ErrAdminThere
		}
		if _, err := t.exec(ctx, `INSERT INTO first_admin_link (id, nonce, ends_at) VALUES (1, $1, $2)
			ON CONFLICT (id) DO UPDATE SET nonce = EXCLUDED.nonce, ends_at = EXCLUDED.ends_at WHERE first_admin_link.ends_at <= $3`,
			fresh, at(ends), at(now)); err != nil {
			return err
		}
		l, err := one(ctx, t, scanLink, `SELECT nonce, ends_at FROM first_admin_link WHERE id = 1`)
		nonce, until = l.nonce, l.ends
		return err
	})
	if err != nil && !errors.Is(err, access.ErrAdminThere) {
		err = fmt.Errorf("store: link of the first admin: %w", err)
	}
	return nonce, until, err
}

// FirstAdminNonce returns what the present link follows from. [access.ErrAdminThere]: there is an admin. ErrNotFound: no link is
// good now.
func (s Users) FirstAdminNonce(ctx context.Context, now time.Time) ([]byte, error) {
	there, err := one(ctx, s, scanBool, anAdmin)
	if err != nil {
		return nil, fmt.Errorf("store: first admin: %w", err)
	}
	if there {
		return nil, access.ErrAdminThere
	}
	l, err := one(ctx, s, scanLink, `SELECT nonce, ends_at FROM first_admin_link WHERE id = 1 AND ends_at > $1`, at(now))
	return l.nonce, err
}

// CreateFirstAdmin stores the first admin and ends the link that led there, if it is still the present one. Of two who come at
// once, one is too late: [access.ErrAdminThere].
func (s Users) CreateFirstAdmin(ctx context.Context, u access.User, nonce []byte, now time.Time) (made access.User, err error) {
	var id int64
	err = s.inTx(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM first_admin_link WHERE id = 1 AND nonce = $1 AND ends_at > $2`, nonce, at(now))
		if err != nil {
			return err
		}
		there, err := one(ctx, t, scanBool, anAdmin)
		if err != nil {
			return err
		}
		if there || n == 0 {
			return access.ErrAdminThere
		}
		id, err = one(ctx, t, scanID, `INSERT INTO users (login, password_hash, role, disabled) VALUES ($1, $2, 'admin', $3) RETURNING
			id`,
			u.Login, u.PasswordHash, false)
		if err != nil {
			return err
		}
		t.audit(u.Login, "user.create", fmt.Sprintf("user/%d", id), "first admin, by the one-time link", now)
		return nil
	})
	if errors.Is(err, access.ErrAdminThere) {
		return made, err
	}
	if err != nil {
		return made, s.conflict(err, whyLoginInUse(u.Login), "login %q", u.Login)
	}
	return s.User(ctx, id)
}
