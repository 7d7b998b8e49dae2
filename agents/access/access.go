// Package access says who may enter: agents' tabs by VouchCookie, people by name and password, programs by token.
package access

import (
	"context"
	"encoding/json"
	"io/fs"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Role is what a user may do. Each role may do what is listed for it in docs/api.md and nothing else.
type Role string

const (
	RoleAgent      Role = "agent"      // the own calls and state
	RoleSupervisor Role = "supervisor" // campaigns, contacts, agents' flags, reports
	RoleAdmin      Role = "admin"      // everything
	RoleCRM        Role = "crm"        // imports contacts, reads results, manages webhooks
)

// Errors of this package and its Store.
var (
	// ErrLastAdmin says that a change would leave nobody who administrates.
	ErrLastAdmin error = reason.New(reason.Conflict, reason.Plain("access.last_admin"), "access: the last admin")

	ErrNoUser  error = reason.New(reason.Missing, reason.Plain("access.no_such_user"), "access: no such user")
	ErrNoToken error = reason.New(reason.Missing, reason.Plain("access.no_such_token"), "access: no such token")
)

// ErrDenied says that somebody may not enter, as against an error that says that nobody could be asked. Rooms that may not know
// this one know it as an [fs.ErrPermission].
var ErrDenied error = denied{}

type denied struct{}

func (denied) Error() string        { return "access: denied" }
func (denied) Is(target error) bool { return target == fs.ErrPermission }

// User is somebody, or some program, who may enter.
type User struct {
	ID           int64
	Login        string // unique
	PasswordHash string // argon2id, PHC string; empty: no login by password
	Role         Role
	AgentID      int64 // of RoleAgent
	Disabled     bool

	// As read; they are not written.
	Generation    int64 // of the user's sessions: those of an earlier one have ended
	AgentDisabled bool  // of RoleAgent: the agent is disabled, and so is the user

	session   string // id of the session by which the user came; a new one goes on under it
	expirable bool   // the user came by an API token, which may end
}

// ByToken says whether the user came by an API token.
func (u User) ByToken() bool { return u.expirable }

// Token is an API token; only its SHA-256 is kept.
type Token struct {
	ID        int64
	UserID    int64
	Name      string
	Hash      []byte    // SHA-256 of the token, 32 bytes
	ExpiresAt time.Time // zero: never
	CreatedAt time.Time
	LastUsed  time.Time // to the minute; zero: never

	Login string // whose it is; as read
}

// Audit is one thing that somebody did.
type Audit struct {
	At     time.Time
	Who    string // login, "cookie:" and the user name, or "system"
	What   string // stable name, such as "campaign.start", "policy.override"
	Object string // such as "campaign/7"
	Detail string // never a secret

	// Before and After are what was changed, as it was and became: JSON; nil: it was not there, or is no more, or nobody says.
	Before, After json.RawMessage
}

// AuditEntry is an entry of the audit log with its place in it.
type AuditEntry struct {
	ID int64
	Audit
}

// AuditFilter says which entries are listed; its zero fields filter nothing.
type AuditFilter struct {
	Who, What, Object string
	From, To          time.Time // From included, To not
	Without           []string  // first words of What that are left out, such as "user"
}

// Store is what access needs of the system of record.
type Store interface {
	User(ctx context.Context, id int64) (User, error)
	UserByLogin(ctx context.Context, login string) (User, error)

	// UserSigningIn finds the user of a login, or who is the agent of that login, with the agent's password if there is no other.
	UserSigningIn(ctx context.Context, name string) (User, error)

	// UserByToken finds the user of a token that has not expired, and keeps that it was used.
	UserByToken(ctx context.Context, hash []byte, now time.Time) (User, error)

	// Standing finds those of the users that there are, by login, and those of the sessions that have ended.
	Standing(ctx context.Context, logins, sessions []string) (users map[string]User, ended map[string]bool, err error)

	// EndSessions keeps that sessions have ended, until they would have run out; zero: for ever.
	EndSessions(ctx context.Context, sessions []string, now, until time.Time) error
}
