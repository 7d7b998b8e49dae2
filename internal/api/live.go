package api

import (
	"context"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/webhook"
)

// Authenticator says who a request is from (*access.Authenticator). A refusal is access.ErrDenied; any other error means
// that nobody could be asked. A cookie counts only from an allowed origin.
type Authenticator interface {
	Authenticate(r *http.Request) (access.User, error)

	// Watch ends what somebody has opened, once the user may not enter any more.
	Watch(next http.Handler) http.Handler
}

// Logins checks passwords and issues sessions (*access.Authenticator).
type Logins interface {
	Login(ctx context.Context, login, password, address string) (access.User, error)
	Session(u access.User) (token string, expires time.Time, err error)

	// SignOut ends the session of the request's session token, and those of its cookies.
	SignOut(r *http.Request) error
}

// Cookies mints VouchCookies (*access.Vouch).
type Cookies interface {
	Mint(id access.Identity, ttl time.Duration) (*http.Cookie, error)
}

// Roster is the moment's state of the agents (*roster.Roster).
type Roster interface {
	// List reads up to limit agents who are logged on, with ids above after, by id.
	List(ctx context.Context, after int64, limit int) ([]agents.Live, error)

	// SetAutoCall sets an agent's flag, logged on or not.
	SetAutoCall(ctx context.Context, agentID int64, on bool) error

	// Logout logs an agent off, and gives the phone back. agents.ErrNotNow: the agent is in a call. Who is off already stays so.
	Logout(ctx context.Context, agentID int64) error

	// SetLanguage has the tabs of an agent who is logged on follow.
	SetLanguage(ctx context.Context, agentID int64, language string) error
}

// Webhooks sends to the CRM's endpoints (*webhook.Deliverer).
type Webhooks interface {
	Test(ctx context.Context, endpointID int64) (webhook.Try, error)
	Replay(ctx context.Context, endpointID int64, which webhook.Selection) (int, error)
	Wake(endpointIDs ...int64)
}

// Waker is told when there may be contacts to call (*dialer.Dialer).
type Waker interface{ Wake() }
