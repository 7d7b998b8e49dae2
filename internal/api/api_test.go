package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/roster"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/api/mediatelv1"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

var ctx = context.Background()

// now is a Tuesday noon on which the tests' clock stands.
var now = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

const secret = "0123456789abcdef0123456789abcdef"

// house is the API over HTTP, in front of the real store, roster, deliverer and access.
type house struct {
	t      *testing.T
	store  *store.Store
	roster *roster.Roster
	auth   *access.Authenticator
	server *httptest.Server
	api    *api.Handler
	url    string
	agent  agents.Agent
	tokens map[access.Role]string
	woken  chan struct{}
	log    *logBuffer

	disconnect func() // from the record; may be repeated
}

// logBuffer keeps what the house logs while a test may read it.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// waker counts nothing: it remembers that it was woken.
type waker chan struct{}

func (w waker) Wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

const password = "correct horse battery"

// passwordHash is made once: hashing is slow on purpose.
var passwordHash = func() string {
	hash, err := new(access.Passwords).Hash(password)
	if err != nil {
		panic(err)
	}
	return hash
}()

func newHouse(t *testing.T, change ...func(*api.Deps)) *house {
	t.Helper()
	h := &house{t: t, tokens: map[access.Role]string{}, woken: make(chan struct{}, 1), log: &logBuffer{}}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	clock := func() time.Time { return now }
	var err error
	h.store, err = store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "ringmaster.db"), store.Options{Logger: log})
	h.must(err)
	h.disconnect = sync.OnceFunc(func() { _ = h.store.Disconnect() })
	t.Cleanup(h.disconnect)
	h.must(h.store.Migrate(ctx))

	rdb := redis.NewClient(&redis.Options{Addr: testdeps.Redis(t)})
	t.Cleanup(func() { _ = rdb.Close() })
	h.roster, err = roster.New(rdb, roster.Options{Installation: "test", Node: "n1", Record: h.store.Agents, Log: log, Now: clock})
	h.must(err)
	allow, err := webhook.ParseAllowList([]string{"127.0.0.1"})
	h.must(err)
	deliverer, err := webhook.NewDeliverer(webhook.Deps{Store: h.store.Webhooks, Allow: allow, Logger: log})
	h.must(err)
	vouch, err := access.NewVouch(access.VouchOptions{Secrets: []string{secret}, Now: clock})
	h.must(err)
	origins, err := access.NewOrigins([]string{"https://crm.example.com"})
	h.must(err)
	h.auth, err = access.NewAuthenticator(access.AuthenticatorOptions{Store: h.store.Users,
		Gate: access.NewGate(vouch, h.store.Users, clock, log), Origins: origins,
		SessionSecret: secret, Now: clock})
	h.must(err)

	h.agent, err = h.store.Agents.CreateAgent(ctx, agents.Agent{Login: "olena", Name: "Olena", UserID: "12341",
		Queues: []string{"Winter"}}, now)
	h.must(err)
	for _, role := range []access.Role{access.RoleAgent, access.RoleSupervisor, access.RoleAdmin, access.RoleCRM} {
		u := access.User{Login: string(role), Role: role, PasswordHash: passwordHash}
		if role == access.RoleAgent {
			u.AgentID = h.agent.ID
		}
		u, err = h.store.Users.CreateUser(ctx, u)
		h.must(err)
		token, hash := access.NewToken()
		_, err = h.store.Users.CreateToken(ctx, access.Token{UserID: u.ID, Name: "test", Hash: hash, CreatedAt: now})
		h.must(err)
		h.tokens[role] = token
	}

	deps := api.Deps{
		Store: apiStore(h.store), Auth: h.auth, Logins: h.auth, Hash: new(access.Passwords).Hash, Cookies: vouch, Origins: origins,
		Roster: h.roster, Webhooks: deliverer, Allow: allow, Sealer: xorSealer{}, Dialer: waker(h.woken), NoMessage: true,
		Describe: mediatelv1.Describe, RecordingBase: "https://dial.example.com", Now: clock, Logger: log,
	}
	for _, f := range change {
		f(&deps)
	}
	handler, err := api.New(deps)
	h.must(err)
	h.api = handler
	h.server = httptest.NewServer(handler)
	t.Cleanup(h.server.Close)
	h.url = h.server.URL
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// result is a reply, read.
type result struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// request builds one, as the role's token; "" sends no credentials.
func (h *house) request(role access.Role, method, path, body string) *http.Request {
	h.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(body))
	h.must(err)
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+h.tokens[role])
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (h *house) send(r *http.Request) result {
	h.t.Helper()
	reply, err := http.DefaultClient.Do(r)
	h.must(err)
	defer reply.Body.Close()
	if reply.Header.Get("Content-Type") == "text/event-stream" { // it does not end
		return result{h.t, reply.StatusCode, reply.Header, nil}
	}
	body, err := io.ReadAll(reply.Body)
	h.must(err)
	return result{h.t, reply.StatusCode, reply.Header, body}
}

// do sends as admin.
func (h *house) do(method, path, body string) result {
	h.t.Helper()
	return h.send(h.request(access.RoleAdmin, method, path, body))
}

// want checks the status and reads the body into v.
func (r result) want(status int, v any) result {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if v != nil {
		if err := json.Unmarshal(r.body, v); err != nil {
			r.t.Fatalf("%v: %s", err, r.body)
		}
	}
	return r
}

// problem is an RFC 9457 document.
type problem struct {
	Title, Detail, Code string
	Status              int
	Args                map[string]any
	Errors              []fieldProblem
}

type fieldProblem struct {
	Message, Location, Code string
	Args                    map[string]any
}

// lacks is what a problem has not that every one must have: a code that the program defines, and words; so for each field.
func (p problem) lacks() string {
	if _, known := reason.KindOf(p.Code); !known || p.Args == nil || p.Title == "" || p.Detail == "" {
		return "code, args, title or detail"
	}
	for _, e := range p.Errors {
		if _, known := reason.KindOf(e.Code); !known || e.Args == nil || e.Message == "" {
			return "code, args or message of " + e.Location
		}
	}
	return ""
}

// refused checks that the reply is a problem with this status that says all of the texts.
func (r result) refused(status int, texts ...string) problem {
	r.t.Helper()
	var p problem
	r.want(status, &p)
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" || p.Status != status || p.lacks() != "" {
		r.t.Fatalf("%s, a problem without %s: %s", kind, p.lacks(), r.body)
	}
	for _, text := range texts {
		if !strings.Contains(string(r.body), text) {
			r.t.Errorf("want %q in %s", text, r.body)
		}
	}
	return p
}

// campaign makes one that may call at any hour.
func (h *house) campaign(name string) api.Campaign {
	h.t.Helper()
	var c api.Campaign
	h.do("POST", "/api/v1/campaigns", fmt.Sprintf(
		`{"name": %q, "profile": "none", "reason": "a test", "region": "GB", "time_zone": "UTC",
		"recording_link": "/records/{calltraceid}",
		"call_codes": [{"id": "1", "name": "Promise", "action": "finish"}, {"id": "2", "name": "Again", "action": "retry_after", "after": "1h"}]}`, name)).
		want(http.StatusCreated, &c)
	return c
}

// contact imports one person into the campaign and returns the id.
func (h *house) contact(campaignID int64, crmID, number string) int64 {
	h.t.Helper()
	var report api.ImportReport
	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/contacts", campaignID),
		fmt.Sprintf(`[{"crm_id": %q, "phone": %q, "name": "Person", "payload": {"balance": 12.5}}]`, crmID, number)).
		want(http.StatusOK, &report)
	if report.Accepted != 1 {
		h.t.Fatalf("%+v", report)
	}
	list, err := h.store.Contacts.Contacts(ctx, campaignID, "", crmID, 0, 1)
	h.must(err)
	return list[0].ID
}

// talk takes the campaign's next contact through a whole call of the agent's, up to its call code.
func (h *house) talk(campaignID int64) dialer.Attempt {
	h.t.Helper()
	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/start", campaignID), "").want(http.StatusOK, nil)
	planned, err := h.store.Dialing.Plan(ctx, campaignID, 1, now)
	h.must(err)
	if len(planned) != 1 {
		h.t.Fatalf("%d attempts planned", len(planned))
	}
	claimed, err := h.store.Dialing.Claim(ctx, planned[0].ID, "n1", h.agent.ID, time.Minute, now)
	h.must(err)
	a := claimed.Attempt
	h.must(h.store.Dialing.Dialed(ctx, a.ID, "n1", a.Fence, time.Minute, now))
	h.must(h.store.Dialing.Answered(ctx, a.ID, "n1", a.Fence, a.ID.String(), now.Add(5*time.Second)))
	a, err = h.store.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: "n1", Fence: a.Fence, Outcome: campaigns.Answered,
		CallTraceID: a.ID.String(), HangupBy: "customer", EndedAt: now.Add(65 * time.Second), CodeDueAt: now.Add(2 * time.Minute)})
	h.must(err)
	h.must(h.store.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", AgentID: h.agent.ID, Now: now.Add(70 * time.Second)}))
	return a
}

// apiStore is a store in the API's words.
func apiStore(s *store.Store) api.Store {
	return api.Store{CampaignStore: s.Campaigns, ContactStore: s.Contacts, ImportStore: s.Imports, PeopleStore: s.People,
		ConsentStore: s.People, AttemptStore: s.Attempts, RecordingStore: s.Recordings,
		AgentStore: s.Agents, UserStore: s.Users, AuditStore: s.Audits, WebhookStore: s.Webhooks, JournalStore: s.Journal,
		ReplyStore: s.Replies}
}
