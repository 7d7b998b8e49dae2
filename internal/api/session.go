package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/reason"
)

// SignOn is what a tab's session is made of.
type SignOn struct {
	// Identify says whose cookie a request carries (access.Vouch).
	Identify func(r *http.Request) (access.Identity, error)

	// Phone makes what a phone in the browser registers with as the extension; nil: it cannot. nil: no extension's can.
	Phone func(x agents.Extension) *TabPhone
}

const (
	// loginTokenLife is how long a session's token waits for the tab to log in with it.
	loginTokenLife = 60 * time.Second

	gatewayPath = "/mediatel/socket.io"
)

func (a *api) sessionRoutes() {
	route(a, nil, a.openSession, op("Access", "open-session", "GET /session", "Sign the CRM's user on as an agent", a.byCookie,
		says("Called by the tab with VouchCookie, from a page of an allowed origin. Answers what the tab needs to log in to the "+
			"agents' gateway and its phone to register. The extension is the agent's from now on: its own, the one it had last, or a "+
			"free one. The token is the password of one login and ends after a minute; the phone's password ends at "+
			"webrtc.expires_at: ask again before.\n\n"+
			"Whoever is not exactly one enabled agent gets 403."),
		refuses(http.StatusForbidden, http.StatusConflict)))
}

// TabSession is all that a tab needs.
type TabSession struct {
	Agent    TabAgent   `json:"agent"`
	Mediatel TabGateway `json:"mediatel"`
	WebRTC   *TabPhone  `json:"webrtc" doc:"null: the extension is no phone in a browser"`
}

// TabAgent is whom the tab is of.
type TabAgent struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Name  string `json:"name"`
}

// TabGateway is how the tab logs in to the agents' gateway.
type TabGateway struct {
	URL       string    `json:"url" doc:"For io(url, {path})"`
	Path      string    `json:"path"`
	Login     string    `json:"login"`
	Token     string    `json:"token" doc:"Send it as the password of the login command; good once"`
	Extension string    `json:"extension"`
	ExpiresAt time.Time `json:"expires_at" doc:"The token's end"`
}

// TabPhone is what a phone in the browser registers with.
type TabPhone struct {
	URL             string    `json:"url" doc:"SIP over WebSocket"`
	Path            string    `json:"path"`
	Realm           string    `json:"realm"`
	URI             string    `json:"uri" doc:"sip:USERNAME@REALM; sip:EXTENSION@REALM does too, and can be renewed in place"`
	Username        string    `json:"authorization_user" doc:"Of digest; another one with each session"`
	Password        string    `json:"password"`
	RegisterExpires int       `json:"register_expires" doc:"Seconds"`
	ExpiresAt       time.Time `json:"expires_at" doc:"The password's end"`
}

type cookieKey struct{}

// byCookie hands the cookie's user to the route, and lets pages of allowed origins read the reply.
func (a *api) byCookie(o *huma.Operation) {
	o.Security = []map[string][]string{{"cookie": {}}}
	o.Middlewares = append(o.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(ctx)
		c, err := a.cookieOf(r)
		ctx.AppendHeader("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && a.Origins.Allows(r) { // a refusal too is for the page to read
			ctx.SetHeader("Access-Control-Allow-Origin", origin)
			ctx.SetHeader("Access-Control-Allow-Credentials", "true")
		}
		switch {
		case errors.Is(err, access.ErrDenied):
			a.Logger.InfoContext(r.Context(), "session denied", slog.Any("error", err))
		case err != nil:
			a.writeTo(ctx, a.unknown(r.Context(), err))
			return
		}
		next(huma.WithValue(ctx, cookieKey{}, c))
	})
}

// cookieOf is the user of a cookie that counts. Browsers that name no origin say where a request comes from by
// Sec-Fetch-Site: a picture on a foreign page opens no session.
func (a *api) cookieOf(r *http.Request) (access.Identity, error) {
	site := r.Header.Get("Sec-Fetch-Site")
	foreign := r.Header.Get("Origin") == "" && (site == "cross-site" || site == "same-site")
	switch {
	case a.SignOn.Identify == nil:
		return access.Identity{}, fmt.Errorf("%w: no single sign-on", access.ErrDenied)
	case foreign || !a.Origins.Allows(r):
		return access.Identity{}, fmt.Errorf("%w: origin %.100q may not act for a cookie's user", access.ErrDenied,
			r.Header.Get("Origin"))
	}
	return a.SignOn.Identify(r)
}

type sessionInput struct {
	Login string `query:"login" maxLength:"64" doc:"Which agent, for a user who has several"`
}

type sessionReply struct {
	Body TabSession
}

func (a *api) openSession(ctx context.Context, in *sessionInput) (*sessionReply, error) {
	id, _ := ctx.Value(cookieKey{}).(access.Identity)
	if id.Username == "" {
		return nil, errNoSession
	}
	g, err := a.agentOf(ctx, id, in.Login)
	if err != nil {
		return nil, err
	}
	x, err := a.Store.ReserveExtension(ctx, g.ID)
	if errors.Is(err, agents.ErrNoExtensionFree) {
		return nil, refuse(http.StatusConflict, reason.Of(agents.ErrNoExtensionFree))
	}
	if err != nil {
		return nil, err
	}
	now := a.Now()
	token, hash := access.NewLoginToken()
	expires := now.Add(loginTokenLife)
	if err := a.Store.CreateLoginToken(ctx, g.ID, hash, expires, now); err != nil {
		return nil, err
	}
	entry := access.Audit{At: now, Who: "cookie:" + id.Username, What: "session.open", Object: fmt.Sprintf("agent/%d", g.ID),
		Detail: "extension " + x.Name}
	if err := a.Store.Audit(ctx, entry); err != nil {
		return nil, err // what is not on record is not handed out
	}
	s := TabSession{
		Agent: TabAgent{ID: g.ID, Login: g.Login, Name: g.Name},
		Mediatel: TabGateway{URL: a.PublicURL, Path: gatewayPath, Login: g.Login, Token: token, Extension: x.Name,
			ExpiresAt: expires.UTC()},
	}
	if a.SignOn.Phone != nil {
		s.WebRTC = a.SignOn.Phone(x)
	}
	return &sessionReply{s}, nil
}

// errNoSession is all that anybody is told who is let in to no session; the log says more.
var errNoSession = refuse(http.StatusForbidden, whyNoSession)

// agentOf is the enabled agent who the user is; login chooses among several.
func (a *api) agentOf(ctx context.Context, id access.Identity, login string) (agents.Agent, error) {
	// who signed in with us is the agent of the account
	if u := userOf(ctx); id.Account != nil && u.ID == id.Account.ID && u.AgentID != 0 {
		g, err := a.Store.Agent(ctx, u.AgentID)
		if err == nil && (g.Disabled || login != "" && g.Login != login || g.Bound() && !g.BelongsTo(id.Username, id.UserID)) {
			a.deny(ctx, id, 0)
			err = errNoSession
		}
		return g, err
	}
	list, err := a.Store.AgentsOfUser(ctx, id.Username, id.UserID)
	if err != nil {
		return agents.Agent{}, err
	}
	list = slices.DeleteFunc(list, func(g agents.Agent) bool { return g.Disabled || login != "" && g.Login != login })
	if len(list) != 1 {
		a.deny(ctx, id, len(list))
		return agents.Agent{}, errNoSession
	}
	return list[0], nil
}

// deny keeps that a user whose cookie is good was let in to no session.
func (a *api) deny(ctx context.Context, id access.Identity, found int) {
	a.Logger.InfoContext(ctx, "session denied: not one agent", slog.String("username", id.Username),
		slog.String("user_id", id.UserID),
		slog.Int("agents", found))
	now := a.Now()
	if !a.denials.first(id, now) {
		return
	}
	entry := access.Audit{At: now, Who: "cookie:" + id.Username, What: "session.denied", Object: "session",
		Detail: fmt.Sprintf("user id %q is %d agents", id.UserID, found)}
	if err := a.Store.Audit(ctx, entry); err != nil {
		a.Logger.ErrorContext(ctx, "audit entry lost", slog.String("what", entry.What), slog.Any("error", err))
	}
}

// Bounds of what denials put into the audit log, of each node: a page may ask again and again.
const (
	denialAgain = time.Hour // between two entries of one user
	maxDenials  = 1000      // users within that time; the log has the others
)

// denials remembers whose are in the audit log already.
type denials struct {
	mu   sync.Mutex
	last map[access.Identity]time.Time
}

// first says whether a denial is the user's first one for a while.
func (d *denials) first(id access.Identity, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, known := d.last[id]; known && now.Sub(at) < denialAgain {
		return false
	}
	if len(d.last) >= maxDenials {
		maps.DeleteFunc(d.last, func(_ access.Identity, at time.Time) bool { return now.Sub(at) >= denialAgain })
	}
	if len(d.last) >= maxDenials {
		return false
	}
	if d.last == nil {
		d.last = map[access.Identity]time.Time{}
	}
	d.last[id] = now
	return true
}
