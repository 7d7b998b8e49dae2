package command

import (
	"context"
	"fmt"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// atShell is who did it, in the audit log.
const atShell = "command line"

// oneUser is the user whom a command is about.
type oneUser struct {
	ConfigFlags
	Login string `arg:"" help:"What the user logs in with."`
}

// change does something to the user, and says what.
func (o oneUser) change(ctx context.Context, c Console, done string, do func(*store.Store, access.User) error) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		user, err := s.Users.UserByLogin(ctx, o.Login)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Login, err)
		}
		if err := do(s, user); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "user %d: %s %s\n", user.ID, user.Login, done)
		return err
	})
}

type userDisableCmd struct{ oneUser }

// Run keeps one user out; nodes that run end what the user has open within seconds.
func (u userDisableCmd) Run(ctx context.Context, c Console) error {
	return u.change(ctx, c, "is disabled", func(s *store.Store, user access.User) error {
		_, err := s.Users.SetUserDisabled(ctx, user.ID, true, atShell, recordNow(ctx, s))
		return err
	})
}

type userEnableCmd struct{ oneUser }

// Run lets one user in again.
func (u userEnableCmd) Run(ctx context.Context, c Console) error {
	return u.change(ctx, c, "is enabled", func(s *store.Store, user access.User) error {
		_, err := s.Users.SetUserDisabled(ctx, user.ID, false, atShell, recordNow(ctx, s))
		return err
	})
}

type userPasswordCmd struct {
	oneUser
	passwordFlag
}

// Run gives one user another password.
func (u userPasswordCmd) Run(ctx context.Context, c Console) error {
	return u.change(ctx, c, "has another password; earlier logins have ended", func(s *store.Store, user access.User) error {
		hash, err := u.read(c, u.Login)
		if err != nil {
			return err
		}
		_, err = s.Users.SetUserPassword(ctx, user.ID, hash, atShell, recordNow(ctx, s))
		return err
	})
}

type userDeleteCmd struct{ oneUser }

// Run forgets one user.
func (u userDeleteCmd) Run(ctx context.Context, c Console) error {
	return u.change(ctx, c, "is deleted, with the tokens", func(s *store.Store, user access.User) error {
		return s.Users.DeleteUser(ctx, user.ID, atShell, recordNow(ctx, s))
	})
}
