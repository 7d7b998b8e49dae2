// Package api is the HTTP API for supervisors, the CRM and our own pages: /api/v1, with its description at /openapi.json
// and /docs.
//
// Every route names the roles that may use it (auth.go); what it is not told by the rooms it asks of the interfaces in
// store.go and live.go. Requests are bounded in size and time, refusals are RFC 9457 problem documents that say what was
// wrong and what would be right (problem.go), lists page by cursor (page.go), and POSTs may be repeated under an
// Idempotency-Key (idempotency.go). Durations are strings in Go's syntax, such as "1m30s"; moments are RFC 3339; ids of
// attempts are strings, for they are larger than some readers' numbers.
package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/xuri/excelize/v2"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/httpmux"
	"github.com/creditorro/ringmaster/internal/limits"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/webhook"
)

// Deps are what the API works with.
type Deps struct {
	Store Store

	Auth    Authenticator
	Logins  Logins
	Cookies Cookies        // nil: a login replies with a session token and no cookie
	Origins access.Origins // pages that may log in

	SignOn   SignOn                                // zero: nobody is signed on
	Hash     func(password string) (string, error) // of a password; nil: nobody gets one here
	Mediatel MediatelLogins                        // how agents enter an existing Mediatel; nil: there is none
	// FirstAdminKey is what the one-time link of the first admin follows from, the same on all nodes; empty: there is none.
	FirstAdminKey string
	PublicURL     string // how browsers reach us, such as "https://dial.example.com"

	Roster   Roster
	Webhooks Webhooks
	Allow    webhook.AllowList // places that webhooks may go to although they are not public
	Sealer   webhook.Sealer    // of endpoints' headers and certificates; nil: endpoints get none
	Dialer   Waker             // nil: nobody is woken
	// Trunks tells how the trunks stand at every node, by node and preference; nil: there is no telephony of our own.
	Trunks func(ctx context.Context) ([]Trunk, error)
	// Pacing tells what the nodes have last decided for a predictive campaign; nil: no node dials.
	Pacing func(ctx context.Context, campaign int64) ([]dialer.PaceReport, error)
	// NoNetwork says how this node gets a phone network; empty: it has one, or places no calls.
	NoNetwork string
	// AllHide says whether every way to customers hides the caller's number; nil: none does.
	AllHide func(ctx context.Context) bool
	// NoMessage says that this node calls customers first, and those for whom there is no agent hear nothing.
	NoMessage bool
	// NoMachine says that this node has no recorded message for answering machines.
	NoMachine bool

	// Settings are how this node is configured, without secrets; nil: nobody tells.
	Settings func() []Setting

	Describe       func(*huma.OpenAPI) // adds what else the node serves to the description; nil: nothing
	Language       string              // of texts for those who ask for none of ours: "en", "uk" or "ru"; empty: English
	Version        string
	RecordingBase  string           // put before recording links that are paths on this server, such as "https://dial.example.com"
	MaxImportBytes int64            // of one list; zero: 1 GiB
	MaxSheetRows   int              // of a workbook that is exported, its header among them; zero: what Excel takes
	RequestTime    time.Duration    // of every other request, the reply included; zero: [limits.Request]
	Now            func() time.Time // nil: time.Now
	Logger         *slog.Logger     // nil: slog.Default
}

// Bounds of requests.
const (
	maxBody       = 1 << 20
	importTime    = 30 * time.Minute
	maxImportSize = 1 << 30
)

// prefix begins every path of the API.
const prefix = "/api/v1"

type api struct {
	Deps
	huma     huma.API
	mux      *httpmux.Mux
	denials  denials
	census   census
	watchers watchers
	whatIfs  chan struct{} // has a place for the one what-if that may be under way
	// has a place for the one workbook that may be written
	workbooks chan struct{}
}

// Handler serves /api/v1, /openapi.json and /docs.
type Handler struct{ api *api }

// Routes are the patterns of all that there is.
func (h *Handler) Routes() []string { return h.api.mux.Patterns() }

// ServeHTTP replies to one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.api.serve(w, r) }

// New makes the handler.
func New(d Deps) (*Handler, error) {
	if !d.Store.complete() || d.Auth == nil || d.Logins == nil || d.Roster == nil || d.Webhooks == nil {
		return nil, errors.New("api: Deps lack one of Store, Auth, Logins, Roster, Webhooks")
	}
	if d.MaxImportBytes == 0 {
		d.MaxImportBytes = maxImportSize
	}
	if d.MaxSheetRows == 0 {
		d.MaxSheetRows = excelize.TotalRows
	}
	if d.RequestTime == 0 {
		d.RequestTime = limits.Request
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	a := &api{Deps: d, mux: &httpmux.Mux{}, watchers: watchers{over: make(chan struct{})},
		whatIfs: make(chan struct{}, 1), workbooks: make(chan struct{}, 1)}
	a.huma = humago.New(a.mux, description(d.Version, d.PublicURL))
	a.loginRoutes()
	a.firstAdminRoutes()
	a.tokenRoutes()
	a.userRoutes()
	a.campaignRoutes()
	a.contactRoutes()
	a.windowRoutes()
	a.attemptRoutes()
	a.callRoutes()
	a.meRoutes()
	a.auditRoutes()
	a.streamRoutes()
	a.handRoutes()
	a.whyRoutes()
	a.copyRoutes()
	a.templateRoutes()
	a.reportRoutes()
	a.settingRoutes()
	a.doNotCallRoutes()
	a.peopleRoutes()
	a.consentRoutes()
	a.callbackRoutes()
	a.webhookRoutes()
	a.eventRoutes()
	a.schemaRoutes()
	a.agentRoutes()
	a.trunkRoutes()
	a.overviewRoutes()
	a.provisionRoutes()
	a.sessionRoutes()
	if d.Describe != nil {
		d.Describe(a.huma.OpenAPI())
	}
	a.docs()
	a.document()
	a.mux.HandleFunc("/", a.noRoute)
	return &Handler{a}, nil
}

// description is the head of the OpenAPI document. Huma's page of documentation is off: it loads a renderer from the internet.
func description(version, url string) huma.Config {
	if version == "" {
		version = "dev"
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Servers: []*huma.Server{{URL: cmp.Or(url, "/")}},
			Info: &huma.Info{
				Title:   "Ringmaster",
				Version: version,
				Description: "Campaigns, contacts, attempts, do-not-call, callbacks, webhooks and agents of a Ringmaster. " +
					"Durations are strings such as \"1m30s\"; ids of attempts are strings of digits. Errors are RFC 9457 problem " +
					"documents. Lists page by cursor: pass next_cursor as ?cursor= until it is empty. A POST may carry an " +
					"Idempotency-Key: repeated within a day, it answers what it answered first.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer",
						Description: "An API token (rmt_…) or the session token that a login answered."},
					"cookie": {Type: "apiKey", In: "cookie", Name: access.CookieName,
						Description: "The cookie of the single sign-on, or of our own login."},
				},
			},
		},
		Formats:                      huma.DefaultFormats,
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{wordsOfProblems},
	}
}

// serve is the way of every request: bounded in time, from a known user or nobody, and answered once if it says so.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	defer a.recovered(r)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !strings.HasPrefix(r.URL.Path, prefix+"/") {
		a.mux.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept-Language")
	say := phrasebook.Accepted(r.Header.Get("Accept-Language"), a.Language)
	ctx, limit := context.WithValue(r.Context(), bookKey{}, say), a.RequestTime
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection is used by others afterwards
	// it bounds each look and each write, and ends with its user's right to it
	if isStream(r) {
		a.Auth.Watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, a.identify(r)) })).ServeHTTP(w,
			r.WithContext(ctx))
		return
	}
	var next http.Handler = a.mux
	switch {
	case isExport(r): // it ends with its user's right to it, too
		next, limit = a.Auth.Watch(a.mux), importTime
	case isImport(r):
		// A list ends with its body. What has been read of it is stored, also for a client who went away in the middle.
		ctx, limit = context.WithoutCancel(ctx), importTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// A client that does not read its reply must not hold us either.
	_ = control.SetWriteDeadline(time.Now().Add(limit + a.RequestTime)) // connections without deadlines are tests'
	r = a.identify(r.WithContext(ctx))
	if r.Method == http.MethodPost && r.Header.Get(idempotencyKey) != "" {
		a.once(w, r)
		return
	}
	next.ServeHTTP(w, r)
}

// recovered ends a request that panicked. Huma panics when a reply cannot be written, which is the client's doing.
func (a *api) recovered(r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	var network net.Error
	if err, ok := v.(error); !ok || !errors.As(err, &network) && !errors.Is(err, http.ErrAbortHandler) {
		a.Logger.ErrorContext(r.Context(), "request panicked", slog.String("path", r.URL.Path), slog.Any("panic", v),
			slog.String("stack", string(debug.Stack())))
	}
	panic(http.ErrAbortHandler) // closes the connection, without another report
}

// noRoute refuses paths that are not there, and for methods that a path does not have.
func (a *api) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		refuse(http.StatusNotFound, whyNoPath(r.URL.Path)).write(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(http.StatusMethodNotAllowed, whyMethod(r.URL.Path, allowed, r.Method)).write(w, r)
}
