// Package mediatelv1 is the administration of agents and extensions in Mediatel's shape: /v1/agents and /v1/extensions, so
// that what provisions a Mediatel today provisions us unchanged.
//
// Callers are programs: a bearer of the role admin; an agent may read itself at /v1/agents/self, and no cookie counts. Every
// reply is an envelope, {"error":{"code":200},"result":[…]}, whose code is the HTTP status; a refusal has one of Mediatel's
// details too, and a message of ours that says what would be right. Fields that we do not use are kept and given back as
// they came; passwords go in and never come out. Every change is one transaction, its entry in the audit log included.
package mediatelv1

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/httpmux"
	"github.com/creditorro/ringmaster/internal/limits"
)

// Store is what the administration needs of the system of record; internal/store has it.
type Store interface {
	Agent(ctx context.Context, id int64) (agents.Agent, error)
	AgentByLogin(ctx context.Context, login string) (agents.Agent, error)
	Agents(ctx context.Context) ([]agents.Agent, error)

	// ChangeAgent edits an agent, or makes one when id is zero. edit may be called more than once.
	ChangeAgent(ctx context.Context, id int64, edit func(*agents.Agent) (detail string, err error), who string, now time.Time) (
		agents.Agent, error)

	// DeleteAgent forgets a disabled agent.
	DeleteAgent(ctx context.Context, id int64, who string, now time.Time) error

	Extension(ctx context.Context, id int64) (agents.Extension, error)
	Extensions(ctx context.Context) ([]agents.Extension, error)

	// ChangeExtensions deletes and edits extensions, all of it or nothing; changed[i] zero or less makes a new one.
	ChangeExtensions(ctx context.Context, deleted, changed []int64, edit func(i int, x *agents.Extension) error, who string,
		now time.Time) ([]agents.Extension, error)
}

// Deps are what the administration works with. All but the last three are needed.
type Deps struct {
	Store Store
	Auth  interface {
		Authenticate(r *http.Request) (access.User, error)
	}
	Live interface { // the moment's state of an agent
		Get(ctx context.Context, agentID int64) (agents.Live, error)
		SetLanguage(ctx context.Context, agentID int64, language string) error
	}
	Hash            func(password string) (string, error) // refuses a password that is none
	ParseConnection func(string) (agents.Extension, error)
	PrintConnection func(agents.Extension) string

	Network string           // of new extensions that name none; empty: "sip"
	Now     func() time.Time // nil: time.Now
	Logger  *slog.Logger     // nil: slog.Default
}

// Bounds of requests.
const (
	maxBody  = 1 << 20 // bytes
	maxBatch = 1000    // extensions of one PATCH
)

type administration struct {
	Deps
	mux *httpmux.Mux
}

// Handler answers for /v1/agents and /v1/extensions.
type Handler struct{ mux *httpmux.Mux }

// Routes are the patterns of all that there is.
func (h *Handler) Routes() []string { return h.mux.Patterns() }

// ServeHTTP replies to one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// New makes the handler of /v1/agents and /v1/extensions.
func New(d Deps) (*Handler, error) {
	if d.Store == nil || d.Auth == nil || d.Live == nil || d.Hash == nil || d.ParseConnection == nil ||
		d.PrintConnection == nil {
		return nil, errors.New("mediatelv1: Deps lack one of Store, Auth, Live, Hash, ParseConnection, PrintConnection")
	}
	if d.Network == "" {
		d.Network = "sip"
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	a := &administration{Deps: d, mux: &httpmux.Mux{}}
	for pattern, do := range map[string]action{
		"GET /v1/agents":         a.listAgents,
		"POST /v1/agents":        a.addAgent,
		"GET /v1/agents/{id}":    a.readAgent,
		"PUT /v1/agents/{id}":    a.changeAgent,
		"DELETE /v1/agents/{id}": a.deleteAgent,

		"GET /v1/extensions":         a.listExtensions,
		"POST /v1/extensions":        a.addExtension,
		"PATCH /v1/extensions":       a.changeExtensions,
		"GET /v1/extensions/{id}":    a.readExtension,
		"PUT /v1/extensions/{id}":    a.changeExtension,
		"DELETE /v1/extensions/{id}": a.deleteExtension,
	} {
		a.mux.HandleFunc(pattern, a.serve(do, access.RoleAdmin))
	}
	a.mux.HandleFunc("GET /v1/agents/self", a.serve(a.readSelf, access.RoleAdmin, access.RoleAgent))
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.refuse(w, r, a.noRoute(r)) })
	return &Handler{a.mux}, nil
}

// request is one request from a caller who has been admitted.
type request struct {
	*http.Request
	user access.User
	body fields // nil: it has none
}

// id is the number in the path.
func (r request) id() (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, invalid("%.40q is no id: want a number above 0", r.PathValue("id"))
	}
	return id, nil
}

// filter reads a list's query: the values of the one parameter that it knows; nil: all are wanted. Another parameter is refused
// rather than passed over, or a list of everything would be taken for what was asked.
func (r request) filter(name string) ([]string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query cannot be read: want ?%s=…", name)
	}
	for given := range query {
		if given != name && given != "_" { // pages that defeat caches send _
			return nil, invalid("%.40q: want ?%s=… or no query", given, name)
		}
	}
	return query[name], nil
}

// action does what is asked and returns the things to show.
type action func(ctx context.Context, r request) ([]any, error)

// serve is the way of every request: bounded in time and size, from a bearer with one of the roles.
func (a *administration) serve(do action, roles ...access.Role) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), limits.Request)
		defer cancel()
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(limits.Request)) // connections without deadlines are tests'
		_ = control.SetWriteDeadline(time.Now().Add(2 * limits.Request))
		defer func() { _, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{}) }()
		in := request{Request: r.WithContext(ctx)}
		var err error
		if in.user, err = a.admit(in.Request, roles); err != nil {
			a.refuse(w, r, err)
			return
		}
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			if in.body, err = readBody(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
				a.refuse(w, r, err)
				return
			}
		}
		result, err := do(ctx, in)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if result == nil {
			result = []any{}
		}
		answer(w, envelope{Error: status{Code: http.StatusOK}, Result: result})
	}
}

// admit finds the caller. A cookie's user is nobody here: pages do not administer.
func (a *administration) admit(r *http.Request, roles []access.Role) (access.User, error) {
	if r.Header.Get("Authorization") == "" {
		return access.User{}, refusal{http.StatusUnauthorized, noPermission, "want an API token as a bearer"}
	}
	user, err := a.Auth.Authenticate(r)
	switch {
	case errors.Is(err, access.ErrDenied):
		a.Logger.InfoContext(r.Context(), "request denied", slog.Any("error", err))
		return user, refusal{http.StatusUnauthorized, noPermission, "these credentials are not accepted: wrong, expired or disabled"}
	case err != nil:
		a.Logger.ErrorContext(r.Context(), "request could not be authenticated", slog.Any("error", err))
		return user, refusal{http.StatusServiceUnavailable, otherError, "nobody can be authenticated at the moment: ask again"}
	}
	for _, role := range roles {
		if user.Role == role {
			return user, nil
		}
	}
	return user, refusal{http.StatusForbidden, noPermission, "this takes the role admin; yours is " + string(user.Role)}
}

// envelope is every reply.
type envelope struct {
	Error  status `json:"error"`
	Result []any  `json:"result"`
}

type status struct {
	Code    int    `json:"code"` // the HTTP status
	Details int    `json:"details,omitempty"`
	Message string `json:"message,omitempty"`
}

func answer(w http.ResponseWriter, e envelope) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.Error.Code)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(e) // the client went away
}

// noRoute says what a path takes, or that there is none.
func (a *administration) noRoute(r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return refusal{http.StatusNotFound, otherError, "there is nothing here: want /v1/agents or /v1/extensions"}
	}
	return refusal{http.StatusMethodNotAllowed, otherError, "this path takes " + strings.Join(allowed, ", ")}
}
