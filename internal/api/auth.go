package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Who may use a route. Nobody may do more than the work asks for.
var (
	anyone               = []access.Role{access.RoleAgent, access.RoleSupervisor, access.RoleAdmin, access.RoleCRM}
	readers              = []access.Role{access.RoleSupervisor, access.RoleAdmin, access.RoleCRM}
	supervisors          = []access.Role{access.RoleSupervisor, access.RoleAdmin}
	agentsAndSupervisors = []access.Role{access.RoleAgent, access.RoleSupervisor, access.RoleAdmin}
	integrators          = []access.Role{access.RoleCRM, access.RoleAdmin}
	admins               = []access.Role{access.RoleAdmin}
)

// caller is who a request is from, as found once for all that handles it.
type caller struct {
	user access.User
	err  error
	path string // of the request
}

type callerKey struct{}

// identify asks who the request is from. Whether that suffices is for the route to say.
func (a *api) identify(r *http.Request) *http.Request {
	c := caller{path: r.URL.Path}
	c.user, c.err = a.Auth.Authenticate(r)
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// userOf is the user whom the route has admitted.
func userOf(ctx context.Context) access.User {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.user
}

// admit says whether the caller has one of the roles: nil, or the refusal to be told.
func (a *api) admit(ctx context.Context, roles []access.Role) *Problem {
	c, ok := ctx.Value(callerKey{}).(caller)
	switch {
	case !ok || errors.Is(c.err, access.ErrNoCredentials):
		return unauthorized(whySignIn("POST " + prefix + "/login"))
	case errors.Is(c.err, access.ErrDenied):
		a.Logger.InfoContext(ctx, "request denied", slog.Any("error", c.err))
		return unauthorized(whyNotAccepted)
	case c.err != nil:
		return a.unknown(ctx, c.err)
	case !slices.Contains(roles, c.user.Role):
		return refuse(http.StatusForbidden, whyRole(namesOf(roles), string(c.user.Role)))
	}
	return nil
}

// unknown is told while the record cannot be asked who somebody is.
func (a *api) unknown(ctx context.Context, err error) *Problem {
	a.Logger.ErrorContext(ctx, "request could not be authenticated", slog.Any("error", err))
	return refuse(http.StatusServiceUnavailable, whyNobodyKnown)
}

// gate is admit as a middleware of one route.
func (a *api) gate(roles []access.Role) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if refused := a.admit(ctx.Context(), roles); refused != nil {
			a.writeTo(ctx, refused)
			return
		}
		next(ctx)
	}
}

// unauthorized is a 401 that says how to sign in.
func unauthorized(why reason.Reason) *Problem {
	p := refuse(http.StatusUnauthorized, why)
	p.header = http.Header{"Www-Authenticate": {"Bearer"}}
	return p
}

func namesOf(roles []access.Role) []string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = string(r)
	}
	return s
}

// audit keeps what somebody did. The deed is done by then, so that it could not be kept is logged, not told.
func (a *api) audit(ctx context.Context, what, object, detail string) {
	a.auditEntry(ctx, access.Audit{What: what, Object: object, Detail: detail})
}

func (a *api) auditEntry(ctx context.Context, entry access.Audit) {
	entry.At, entry.Who = a.Now(), userOf(ctx).Login
	if err := a.Store.Audit(ctx, entry); err != nil {
		a.Logger.ErrorContext(ctx, "audit entry lost", slog.String("what", entry.What), slog.String("object", entry.Object),
			slog.Any("error", err))
	}
}

// reply is the body of a reply.
type reply[T any] struct{ Body T }

func answer[T any](v T) *reply[T] { return &reply[T]{v} }

// ByID is the path of one thing. It is exported, as are all that inputs embed, because huma passes over embedded types that
// are not.
type ByID struct {
	ID int64 `path:"id" minimum:"1"`
}
