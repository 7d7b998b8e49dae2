package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/creditorro/ringmaster/agents/access"
)

func (a *api) loginRoutes() {
	const tag = "Access"
	route(a, nil, a.login, op(tag, "login", "POST /login", "Sign in by name and password", a.fromOurPages,
		says("Answers a session token for 15 minutes, and sets the cookie for 12 hours."),
		refuses(http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)))
	route(a, nil, a.logout, op(tag, "logout", "POST /logout", "Sign out", empty, a.fromOurPages,
		says("Ends the session of the session token or the cookie that the request carries, with all that followed from the same "+
			"login, and takes the cookie back. Other sessions of the user go on, and so do API tokens."), refuses(http.StatusForbidden)))
	route(a, anyone, a.me, op(tag, "me", "GET /me", "Read who one is"))
	route(a, anyone, a.renewSession, op(tag, "renew-session", "POST /me/session", "Renew the session token",
		says("API tokens have no session: 409."), refuses(http.StatusConflict)))
}

// fromOurPages refuses logins that a foreign page makes a browser send. Programs name no origin.
func (a *api) fromOurPages(o *huma.Operation) { o.Middlewares = append(o.Middlewares, a.checkOrigin) }

func (a *api) checkOrigin(ctx huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(ctx)
	if r.Header.Get("Origin") != "" && !a.Origins.Allows(r) {
		a.writeTo(ctx, refuse(http.StatusForbidden, whyOrigin))
		return
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	next(huma.WithValue(huma.WithValue(ctx, addressKey{}, host), requestKey{}, r))
}

type (
	addressKey struct{}
	requestKey struct{}
)

// Me is who one is.
type Me struct {
	Login   string      `json:"login"`
	Role    access.Role `json:"role" enum:"agent,supervisor,admin,crm"`
	AgentID *int64      `json:"agent_id" doc:"Of an agent"`
}

func showMe(u access.User) Me { return Me{Login: u.Login, Role: u.Role, AgentID: some(u.AgentID)} }

// Session is a session token and whose it is.
type Session struct {
	Me
	Token     string    `json:"token" doc:"Send it as a bearer"`
	ExpiresAt time.Time `json:"expires_at"`
}

type loginInput struct {
	Body struct {
		Login    string `json:"login" minLength:"1" maxLength:"64"`
		Password string `json:"password" minLength:"1" maxLength:"1024"`
	}
}

type loginReply struct {
	SetCookie string `header:"Set-Cookie"`
	Body      Session
}

func (a *api) login(ctx context.Context, in *loginInput) (*loginReply, error) {
	address, _ := ctx.Value(addressKey{}).(string)
	u, err := a.Logins.Login(ctx, in.Body.Login, in.Body.Password, address)
	var tooMany *access.TooManyError
	switch {
	case errors.As(err, &tooMany):
		wait := time.Duration(math.Ceil(tooMany.RetryAfter.Seconds())) * time.Second
		return nil, refuse(http.StatusTooManyRequests, whyTooMany(wait)).retryAfter(wait)
	case errors.Is(err, access.ErrDenied):
		a.Logger.InfoContext(ctx, "login denied", slog.String("address", address), slog.Any("error", err))
		return nil, refuse(http.StatusUnauthorized, whyWrong)
	case err != nil:
		return nil, err
	}
	session, err := a.session(u)
	if err != nil {
		return nil, err
	}
	entry := access.Audit{At: a.Now(), Who: u.Login, What: "session.login", Object: fmt.Sprintf("user/%d", u.ID),
		Detail: "by password, from " + address}
	if err := a.Store.Audit(ctx, entry); err != nil {
		return nil, err // who is not on record is not let in
	}
	out := &loginReply{Body: session}
	if a.Cookies != nil {
		cookie, err := a.cookie(ctx, u)
		if err != nil {
			return nil, err
		}
		out.SetCookie = cookie.String()
	}
	return out, nil
}

// cookie mints the VouchCookie of a user; an agent's names the CRM's user too, as the agents' gateway wants it.
func (a *api) cookie(ctx context.Context, u access.User) (*http.Cookie, error) {
	userID := ""
	if u.AgentID != 0 {
		agent, err := a.Store.Agent(ctx, u.AgentID)
		if err != nil {
			return nil, err
		}
		userID = agent.UserID
	}
	return a.Cookies.Mint(access.SignedIn(u, userID), access.CookieLifetime)
}

func (a *api) session(u access.User) (Session, error) {
	token, expires, err := a.Logins.Session(u)
	if err != nil {
		return Session{}, err
	}
	return Session{Me: showMe(u), Token: token, ExpiresAt: expires.UTC()}, nil
}

type logoutReply struct {
	SetCookie string `header:"Set-Cookie"`
}

func (a *api) logout(ctx context.Context, _ *struct{}) (*logoutReply, error) {
	if r, ok := ctx.Value(requestKey{}).(*http.Request); ok {
		if err := a.Logins.SignOut(r.WithContext(ctx)); err != nil {
			return nil, err
		}
	}
	gone := http.Cookie{Name: access.CookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	return &logoutReply{gone.String()}, nil
}

func (a *api) me(ctx context.Context, _ *struct{}) (*reply[Me], error) {
	return answer(showMe(userOf(ctx))), nil
}

func (a *api) renewSession(ctx context.Context, _ *struct{}) (*reply[Session], error) {
	if userOf(ctx).ByToken() {
		return nil, refuse(http.StatusConflict, whyTokenOnly)
	}
	s, err := a.session(userOf(ctx))
	if err != nil {
		return nil, err
	}
	return answer(s), nil
}
