package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

type User struct {
	Add  userAddCmd  `cmd:"" help:"Add a user; the password is read from standard input."`
	List userListCmd `cmd:"" help:"List users."`

	Disable  userDisableCmd  `cmd:"" help:"Keep a user out: by password, token and every cookie of that name."`
	Enable   userEnableCmd   `cmd:"" help:"Let a user in again."`
	Password userPasswordCmd `cmd:"" help:"Give a user another password, read from standard input; earlier logins end."`
	Delete   userDeleteCmd   `cmd:"" help:"Forget a user and the tokens."`
}

type userAddCmd struct {
	ConfigFlags
	passwordFlag
	Login      string `arg:"" help:"What the user logs in with."`
	Role       string `required:"" enum:"agent,supervisor,admin,crm" help:"What the user may do: ${enum}."`
	Agent      string `placeholder:"LOGIN" help:"The agent who this user is; with the role agent."`
	NoPassword bool   `help:"Make a user who enters by API tokens alone, such as the CRM."`
}

// Validate refuses what contradicts itself.
func (u userAddCmd) Validate() error {
	switch {
	case (u.Role == string(access.RoleAgent)) != (u.Agent != ""):
		return config.Errorf("--agent names the agent of a user with --role agent: give both, or neither")
	case u.NoPassword && u.PasswordFile != "":
		return config.Errorf("--no-password and --password-file exclude each other")
	}
	return nil
}

// Run adds one user.
func (u userAddCmd) Run(ctx context.Context, c Console) error {
	return u.withNewRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		user := access.User{Login: u.Login, Role: access.Role(u.Role)}
		if u.Agent != "" {
			agent, err := s.Agents.AgentByLogin(ctx, u.Agent)
			if err != nil {
				return err
			}
			user.AgentID = agent.ID
		}
		if !u.NoPassword {
			hash, err := u.read(c, u.Login)
			if err != nil {
				return err
			}
			user.PasswordHash = hash
		}
		made, err := s.Users.CreateUser(ctx, user)
		if err != nil {
			return err
		}
		if err := audit(ctx, s, "user.create", fmt.Sprintf("user/%d", made.ID), "role "+u.Role); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "user %d: %s, %s\n", made.ID, made.Login, made.Role)
		return err
	})
}

type userListCmd struct {
	ConfigFlags
	JSON bool `name:"json" help:"As JSON, one user a line."`
}

// Run lists all users.
func (u userListCmd) Run(ctx context.Context, c Console) error {
	return u.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.Users.Users(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.Out, u.JSON, "id", "login", "role", "agent_id", "password", "disabled")
		for _, user := range list {
			t.row(user.ID, user.Login, user.Role, user.AgentID, user.PasswordHash != "", user.Disabled)
		}
		return t.close()
	})
}

type Token struct {
	Create tokenCreateCmd `cmd:"" default:"withargs" help:"Make an API token for a user; it is shown once."`
	List   tokenListCmd   `cmd:"" help:"List a user's tokens."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token."`
	Vouch  tokenVouchCmd  `cmd:"" help:"Mint a VouchCookie, to try the agents' side without Vouch Proxy."`
}

type tokenCreateCmd struct {
	ConfigFlags
	User    string        `arg:"" help:"Login of the user whom the token stands for."`
	Name    string        `default:"command line" help:"What the token is for."`
	Expires time.Duration `placeholder:"TIME" help:"How long it is good, such as 2160h (default: until it is revoked)."`
}

// Validate refuses a token that is never good.
func (t tokenCreateCmd) Validate() error {
	if t.Expires < 0 {
		return config.Errorf("--expires %s: want more than 0", t.Expires)
	}
	return nil
}

// Run makes a token: on stdout nothing but the token, so that a script can catch it.
func (t tokenCreateCmd) Run(ctx context.Context, c Console) error {
	return t.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		user, err := s.Users.UserByLogin(ctx, t.User)
		if err != nil {
			return err
		}
		token, hash := access.NewToken()
		now := recordNow(ctx, s)
		record := access.Token{UserID: user.ID, Name: t.Name, Hash: hash, CreatedAt: now}
		if t.Expires > 0 {
			record.ExpiresAt = now.Add(t.Expires)
		}
		made, err := s.Users.CreateToken(ctx, record)
		if err != nil {
			return err
		}
		if err := audit(ctx, s, "token.create", fmt.Sprintf("token/%d", made.ID), "for "+user.Login); err != nil {
			return err
		}
		fmt.Fprintf(c.Err, "token %d for %s, %s; it is not shown again\n", made.ID, user.Login, user.Role)
		_, err = fmt.Fprintln(c.Out, token)
		return err
	})
}

type tokenListCmd struct {
	ConfigFlags
	User string `arg:"" optional:"" help:"Login of the user (default: everybody's tokens)."`
	JSON bool   `name:"json" help:"As JSON, one token a line."`
}

// Run lists what is kept of the tokens: never the tokens.
func (t tokenListCmd) Run(ctx context.Context, c Console) error {
	return t.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		var owner int64
		if t.User != "" {
			user, err := s.Users.UserByLogin(ctx, t.User)
			if err != nil {
				return err
			}
			owner = user.ID
		}
		list, err := s.Users.Tokens(ctx, owner)
		if err != nil {
			return err
		}
		out := newTable(c.Out, t.JSON, "id", "user", "name", "created", "expires", "last_used")
		for _, token := range list {
			out.row(token.ID, token.Login, token.Name, token.CreatedAt.Format(time.RFC3339), someTime(token.ExpiresAt),
				someTime(token.LastUsed))
		}
		return out.close()
	})
}

// someTime is empty for the zero time.
func someTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

type tokenRevokeCmd struct {
	ConfigFlags
	ID int64 `arg:"" help:"Number of the token, as the list has it."`
}

// Run revokes a token; it is refused from now on.
func (t tokenRevokeCmd) Run(ctx context.Context, c Console) error {
	return t.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		if err := s.Users.RevokeToken(ctx, t.ID); err != nil {
			return err
		}
		if err := audit(ctx, s, "token.revoke", fmt.Sprintf("token/%d", t.ID), ""); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.Out, "token %d is revoked\n", t.ID)
		return err
	})
}

type tokenVouchCmd struct {
	ConfigFlags
	Username string        `arg:"" help:"The CRM's name of the user."`
	UserID   string        `placeholder:"ID" help:"The CRM's id of the user."`
	TTL      time.Duration `name:"ttl" default:"12h" help:"How long it is good (default ${default})."`
}

// Run mints a cookie with the configured (or generated) key: on stdout a Cookie header's value. A cookie can let anybody in, so
// that it is on record first.
func (t tokenVouchCmd) Run(ctx context.Context, c Console) error {
	return t.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error { return t.mint(ctx, cfg, s, c) })
}

func (t tokenVouchCmd) mint(ctx context.Context, cfg *config.Config, s *store.Store, c Console) error {
	secrets, err := cfg.VouchSecrets()
	if err != nil {
		return err
	}
	vouch, err := access.NewVouch(access.VouchOptions{Secrets: secrets})
	if err != nil {
		return err
	}
	id := access.Identity{Username: t.Username, UserID: t.UserID}
	user, err := s.Users.UserByLogin(ctx, t.Username)
	if err == nil {
		id.Account, id.Session = &access.Account{ID: user.ID, Generation: user.Generation}, access.NewSession()
	} else if !errors.Is(err, access.ErrNoUser) {
		return err
	}
	cookie, err := vouch.Mint(id, t.TTL)
	if err != nil {
		return config.Errorf("%w", err)
	}
	if err := audit(ctx, s, "token.vouch", "cookie:"+t.Username,
		fmt.Sprintf("user id %q, good for %v", t.UserID, t.TTL)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s=%s\n", cookie.Name, cookie.Value)
	return err
}
