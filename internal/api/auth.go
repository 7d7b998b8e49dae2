package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/agents/access"
)

// Who may use a route. Nobody may do more than the work asks for.
var (
	anyone      = []access.Role{access.RoleAgent, access.RoleSupervisor, access.RoleAdmin, access.RoleCRM}
	readers     = []access.Role{access.RoleSupervisor, access.RoleAdmin, access.RoleCRM}
	supervisors = []access.Role{access.RoleSupervisor, access.RoleAdmin}
	integrators = []access.Role{access.RoleCRM, access.RoleAdmin}
	admins      = []access.Role{access.RoleAdmin}
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
func (a *api) admit(ctx context.Context, roles []access.Role) error {
	c, ok := ctx.Value(callerKey{}).(caller)
	switch {
	case !ok || errors.Is(c.err, access.ErrNoCredentials):
		return huma.Error401Unauthorized("Sign in: send an API token or a session token as a bearer, or the cookie of POST " +
			prefix + "/login.")
	case errors.Is(c.err, access.ErrDenied):
		a.Logger.InfoContext(ctx, "request denied", slog.Any("error", c.err))
		return huma.Error401Unauthorized("These credentials are not accepted: wrong, expired, disabled, or a cookie from a page of " +
			"another origin.")
	case c.err != nil:
		return a.unknown(ctx, c.err)
	case !slices.Contains(roles, c.user.Role):
		return huma.Error403Forbidden("This takes the role " + names(roles, " or ") + "; yours is " + string(c.user.Role) + ".")
	}
	return nil
}

// unknown is told while the record cannot be asked who somebody is.
func (a *api) unknown(ctx context.Context, err error) huma.StatusError {
	a.Logger.ErrorContext(ctx, "request could not be authenticated", slog.Any("error", err))
	return huma.Error503ServiceUnavailable("Nobody can be authenticated at the moment. Ask again.")
}

// gate is admit as a middleware of one route.
func (a *api) gate(roles []access.Role) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		err := a.admit(ctx.Context(), roles)
		if err == nil {
			next(ctx)
			return
		}
		var p *huma.ErrorModel
		if errors.As(err, &p) && p.Status == http.StatusUnauthorized {
			ctx.SetHeader("WWW-Authenticate", "Bearer")
		}
		_ = huma.WriteErr(a.huma, ctx, p.Status, p.Detail) // the client went away
	}
}

func names(roles []access.Role, between string) string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = string(r)
	}
	return strings.Join(s, between)
}

// audit keeps what somebody did. The deed is done by then, so that it could not be kept is logged, not told.
func (a *api) audit(ctx context.Context, what, object, detail string) {
	entry := access.Audit{At: a.Now(), Who: userOf(ctx).Login, What: what, Object: object, Detail: detail}
	if err := a.Store.Audit(ctx, entry); err != nil {
		a.Logger.ErrorContext(ctx, "audit entry lost", slog.String("what", what), slog.String("object", object), slog.Any("error", err))
	}
}

// reply is a body that is answered.
type reply[T any] struct{ Body T }

func answer[T any](v T) *reply[T] { return &reply[T]{v} }

// ByID is the path of one thing. It is exported, as are all that inputs embed, because huma passes over embedded types that
// are not.
type ByID struct {
	ID int64 `path:"id" minimum:"1"`
}
