package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/roster"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/socketio"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

const cookieSecret = "0123456789abcdef0123456789abcdef"

// house is a gateway with a roster, a record in memory and a phone exchange that does what the test says.
type house struct {
	tb      testing.TB
	url     string
	rdb     redis.UniversalClient
	roster  *roster.Roster
	store   *store
	calls   *exchange
	gateway *Gateway
	vouch   *access.Vouch
	stop    func() // the gateway's process ends in order
}

func newHouse(tb testing.TB, redisAddr string, change ...func(*Deps)) *house {
	tb.Helper()
	if redisAddr == "" {
		redisAddr = miniredis.RunT(tb).Addr()
	}
	h := &house{tb: tb, store: newStore()}
	conn, err := redisconn.New(redisconn.Config{URL: "redis://" + redisAddr}) // with the product's time limits
	must(tb, err)
	h.rdb = conn.Client()
	tb.Cleanup(func() { h.rdb.Close() })
	log := slog.New(slog.DiscardHandler)
	h.roster, err = roster.New(h.rdb, roster.Options{Installation: "test", Node: "n1",
		Roles: []string{roster.RoleDialer, roster.RoleGateway}, Record: h.store, Log: log})
	must(tb, err)
	h.calls = &exchange{roster: h.roster}
	h.vouch, err = access.NewVouch(access.VouchOptions{Secrets: []string{cookieSecret}})
	must(tb, err)
	d := Deps{
		Store: h.store, Roster: h.roster, Calls: h.calls, Cookies: h.vouch, Passwords: plain{},
		Tries: access.NewTries(nil, "", nil, nil), Log: log,
		Host: "farm-01", Location: time.UTC,
	}
	for _, c := range change {
		c(&d)
	}
	h.gateway, err = New(d)
	must(tb, err)
	must(tb, h.roster.Heartbeat(tb.Context()))
	must(tb, h.gateway.readPauses(tb.Context()))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.roster.Run(ctx) })
	running.Go(func() { h.gateway.Run(ctx) })
	server := httptest.NewServer(h.gateway)
	h.url = server.URL + Path
	h.stop = sync.OnceFunc(func() {
		soon, done := context.WithTimeout(context.Background(), 30*time.Second)
		defer done()
		if err := h.gateway.Close(soon); err != nil {
			tb.Error("close:", err)
		}
		cancel()
		running.Wait()
		server.Close()
	})
	tb.Cleanup(h.stop)
	return h
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// cookie is the one of an agent's user.
func (h *house) cookie(userID string) string {
	c, err := h.vouch.Mint(access.Identity{Username: "user" + userID + "@example.com", UserID: userID}, time.Hour)
	must(h.tb, err)
	return c.Name + "=" + c.Value
}

func (h *house) live(id int64) agents.Live {
	h.tb.Helper()
	l, err := h.roster.Get(h.tb.Context(), id)
	must(h.tb, err)
	return l
}

// stands says whether the agent's live state is as wanted; while Redis does not reply it is not.
func (h *house) stands(id int64, is func(agents.Live) bool) bool {
	l, err := h.roster.Get(h.tb.Context(), id)
	return err == nil && is(l)
}

// page is an agent's tab.
type page struct {
	tb     testing.TB
	client *socketio.Client

	mu    sync.Mutex
	seen  []wire.State
	raw   []json.RawMessage
	other []string
	news  chan struct{}
}

// open connects a tab of the user and waits for its first snapshot.
func (h *house) open(userID string) *page {
	h.tb.Helper()
	p := &page{tb: h.tb, news: make(chan struct{}, 1)}
	var err error
	p.client, err = socketio.NewClient(h.url, socketio.ClientOptions{
		Header: http.Header{"Cookie": {h.cookie(userID)}}, Reconnect: socketio.ReconnectOptions{Delay: 10 * time.Millisecond},
	})
	must(h.tb, err)
	p.client.OnAny(func(ev *socketio.Event) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if ev.Name != wire.EventData {
			p.other = append(p.other, ev.Name+" "+string(slices.Concat(ev.Args...)))
			return
		}
		var s wire.State
		if err := json.Unmarshal(ev.Args[0], &s); err != nil {
			h.tb.Error(err)
		}
		p.seen, p.raw = append(p.seen, s), append(p.raw, ev.Args[0])
		select {
		case p.news <- struct{}{}:
		default:
		}
	})
	h.tb.Cleanup(p.close)
	must(h.tb, p.client.Connect(h.tb.Context()))
	p.wait("a first snapshot", func(wire.State) bool { return true })
	return p
}

func (p *page) close() { p.client.Close() }

func (p *page) last() wire.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		return wire.State{}
	}
	return p.seen[len(p.seen)-1]
}

func (p *page) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}

// wait waits until the newest snapshot is as wanted.
func (p *page) wait(what string, is func(wire.State) bool) wire.State {
	p.tb.Helper()
	patience := time.After(2 * time.Minute)
	for {
		if s := p.last(); p.count() > 0 && is(s) {
			return s
		}
		select {
		case <-p.news:
		case <-patience:
			p.tb.Fatalf("waited in vain for %s; last %+v", what, p.last())
		}
	}
}

func (p *page) state(want string) wire.State {
	p.tb.Helper()
	return p.wait(want, func(s wire.State) bool { return s.State == want })
}

func (p *page) send(c wire.Command) {
	p.tb.Helper()
	must(p.tb, p.client.Emit(wire.EventData, c))
}

// answered sends whatever it is given and waits for a snapshot that answers it.
func (p *page) answered(args ...any) wire.State {
	p.tb.Helper()
	before := p.count()
	must(p.tb, p.client.Emit(wire.EventData, args...))
	return p.wait("an answer", func(wire.State) bool { return p.count() > before })
}

// login logs the agent of the house on whose id is 2000 + n, ready for calls.
func (h *house) login(n int) *page {
	h.tb.Helper()
	p := h.open(fmt.Sprint(n))
	p.send(wire.Command{Type: wire.Login, User: fmt.Sprint("mt_agent", n), Password: "right", Extension: fmt.Sprint(3000 + n)})
	p.state(wire.StateIdle)
	testdeps.Eventually(h.tb, "the tab is counted", func() bool { return h.live(int64(2000+n)).Tabs > 0 })
	_, err := h.roster.Apply(h.tb.Context(), int64(2000+n), agents.Input{Kind: agents.ReachableChanged, Reachable: true})
	must(h.tb, err)
	return p
}

// free waits until agent 2001 may be given a call or a contact: a phone is found reachable a moment after the login.
func (h *house) free() {
	h.tb.Helper()
	testdeps.Eventually(h.tb, "a free agent", func() bool { return h.stands(2001, agents.Live.Free) })
}

// keepReachable finds the phone of agent 2001 reachable after each login, as the dialer does.
func (h *house) keepReachable() {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if l, err := h.roster.Get(ctx, 2001); err == nil && l.State == agents.Available && !l.Reachable {
				_, _ = h.roster.Apply(ctx, 2001, agents.Input{Kind: agents.ReachableChanged, Reachable: true})
			}
			testdeps.Lasts(5 * time.Millisecond)
		}
	}()
	h.tb.Cleanup(func() { cancel(); <-done })
}

// plain keeps tests fast: argon2id is tested where it lives.
type plain struct{}

func (plain) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash != "" && hash == password, nil
}

// store is a record of agents 2001 to 3000 with extensions 3001 to 4000.
type store struct {
	mu     sync.Mutex
	agents map[int64]*agents.Agent
	owners map[string]int64
	taken  map[string]int64
	err    error
}

func newStore() *store {
	s := &store{agents: map[int64]*agents.Agent{}, owners: map[string]int64{}, taken: map[string]int64{}}
	for n := 1; n <= 1000; n++ {
		s.agents[int64(2000+n)] = &agents.Agent{
			ID: int64(2000 + n), Login: fmt.Sprint("mt_agent", n), PasswordHash: "right", UserID: fmt.Sprint(n), PauseID: agents.NoPause,
			Queues: []string{"AUTO_1", "MANUAL_1"}, AutoCall: true,
		}
		s.owners[fmt.Sprint(3000+n)] = 0
	}
	return s
}

func (s *store) change(id int64, do func(*agents.Agent)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	a, known := s.agents[id]
	if !known {
		return agents.ErrNoAgent
	}
	do(a)
	return nil
}

func (s *store) Agent(_ context.Context, id int64) (a agents.Agent, err error) {
	return a, s.change(id, func(found *agents.Agent) { a = *found })
}

func (s *store) agent(id int64) agents.Agent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.agents[id]
}

func (s *store) AgentByLogin(ctx context.Context, login string) (agents.Agent, error) {
	var n int64
	if _, err := fmt.Sscanf(login, "mt_agent%d", &n); err != nil {
		return agents.Agent{}, agents.ErrNoAgent
	}
	return s.Agent(ctx, 2000+n)
}

func (s *store) Extensions(context.Context) (all []agents.Extension, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, owner := range s.owners {
		all = append(all, s.extension(name, owner))
	}
	return all, s.err
}

func (s *store) extension(name string, owner int64) agents.Extension {
	var id int64
	_, _ = fmt.Sscan(name, &id)
	return agents.Extension{ID: id, Name: name, Network: "simulated", Number: name, Server: "192.0.2.1:5060", OwnerID: owner,
		Taken: s.taken[name]}
}

func (s *store) SetAutoCall(_ context.Context, id int64, on bool) error {
	return s.change(id, func(a *agents.Agent) { a.AutoCall = on })
}

func (s *store) SetPause(_ context.Context, id int64, pauseID string, cause reason.Reason) error {
	return s.change(id, func(a *agents.Agent) { a.PauseID, a.PauseCause = pauseID, cause })
}

func (s *store) TakeExtension(_ context.Context, id int64, name string) (agents.Extension, error) {
	err := s.change(id, func(*agents.Agent) {})
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, known := s.owners[name]
	switch {
	case err != nil:
		return agents.Extension{}, err
	case !known:
		return agents.Extension{}, agents.ErrNoExtension
	case owner != 0 && owner != id:
		return agents.Extension{}, agents.ErrExtensionTaken
	}
	s.owners[name], s.agents[id].Extension = id, name
	s.taken[name]++
	return s.extension(name, id), nil
}

func (s *store) ReleaseExtension(_ context.Context, x agents.Extension) error {
	return s.change(x.OwnerID, func(a *agents.Agent) {
		if s.owners[x.Name] == x.OwnerID && s.taken[x.Name] == x.Taken {
			s.owners[x.Name], a.Extension = 0, ""
		}
	})
}

func (s *store) Pauses(context.Context) ([]agents.Pause, error) {
	return []agents.Pause{{ID: "1", Name: "Technical Break"}, {ID: "4", Name: "Meeting"}}, nil
}

// exchange is the dialer as far as a tab can tell: calls by hand go as their number ends.
type exchange struct {
	skipped string // why the last contact was
	roster  *roster.Roster

	mu          sync.Mutex
	attempts    int
	unreachable error
	unanswered  bool // agents' phones are not answered
}

var errRefused = errors.New("refused by a rule")

func (x *exchange) apply(ctx context.Context, id int64, in agents.Input) error {
	if l, err := x.roster.Get(ctx, id); err == nil && l.Call != nil && in.AttemptID == "" {
		in.AttemptID = l.Call.AttemptID
	}
	_, err := x.roster.Apply(ctx, id, in)
	return err
}

func (x *exchange) MakeCall(ctx context.Context, id int64, number, queue string) error {
	x.mu.Lock()
	x.attempts++
	attempt, unanswered := fmt.Sprint(1000000000+x.attempts), x.unanswered
	x.mu.Unlock()
	switch {
	case strings.HasSuffix(number, "666"):
		return errors.Join(errRefused, x.apply(ctx, id,
			agents.Input{Kind: agents.Refused, ErrorID: agents.RuleError, ErrorText: reason.Said("per_day: 2 calls today")}))
	case strings.HasSuffix(number, "000"):
		return errors.New("SQL is away")
	}
	call := &agents.Call{AttemptID: attempt, Number: number, Queue: queue, StartedAt: time.Now()}
	err := x.apply(ctx, id, agents.Input{Kind: agents.Ordering, Call: call, Until: time.Now().Add(time.Minute)})
	if err != nil {
		return err
	}
	if unanswered {
		return x.apply(ctx, id, agents.Input{Kind: agents.AgentDidNotReply})
	}
	return x.deliver(ctx, id, call)
}

// deliver completes the call, as the dialer does when the agent's phone rings.
func (x *exchange) deliver(ctx context.Context, id int64, call *agents.Call) error {
	full := *call
	full.CallTraceID, full.CRMID, full.CampaignID, full.MaxDuration = call.AttemptID, "10000001", 9, 3*time.Minute
	full.CardLink = "https://crm.example.com/card/10000001"
	full.Codes = []agents.Code{{ID: "4", Name: "10. Promise to pay", ActionFlag: "0"}, {ID: "7", Name: "No answer", ActionFlag: "2"}}
	full.History = []agents.PastCall{{AttemptID: "1", Outcome: "busy", Automatic: true}}
	return x.apply(ctx, id, agents.Input{Kind: agents.Ringing, AttemptID: call.AttemptID, Call: &full})
}

var errNobodyFree = errors.New("nobody is free")

// automatic gives a free agent a call.
func (x *exchange) automatic(ctx context.Context, attempt string) (agents.Live, error) {
	call := &agents.Call{AttemptID: attempt, Number: "+447700900123", Queue: "AUTO_1", Automatic: true, StartedAt: time.Now()}
	free, err := x.roster.Free(ctx, "n1")
	if err != nil || len(free) == 0 {
		return agents.Live{}, errors.Join(errNobodyFree, err)
	}
	l, err := x.roster.Apply(ctx, free[0].ID, agents.Input{Kind: agents.Claimed, AttemptID: attempt, Call: call,
		Until: time.Now().Add(time.Minute)})
	if err == nil {
		err = x.deliver(ctx, l.AgentID, call)
	}
	return l, err
}

func (x *exchange) Hangup(ctx context.Context, id int64) error {
	return x.apply(ctx, id, agents.Input{Kind: agents.HungUp, CodeDueAt: time.Now().Add(time.Minute)})
}

func (x *exchange) Hold(ctx context.Context, id int64) error {
	return x.apply(ctx, id, agents.Input{Kind: agents.Held})
}

func (x *exchange) Retrieve(ctx context.Context, id int64) error {
	return x.apply(ctx, id, agents.Input{Kind: agents.Retrieved})
}

func (x *exchange) Mute(ctx context.Context, id int64, on bool) error {
	return x.apply(ctx, id, agents.Input{Kind: agents.MuteSet, On: on})
}

func (x *exchange) SetCode(ctx context.Context, id int64, _, code string, _ time.Time) error {
	if l, _ := x.roster.Get(ctx, id); l.State == agents.Clerical {
		return x.apply(ctx, id, agents.Input{Kind: agents.CodeSet})
	}
	return x.apply(ctx, id, agents.Input{Kind: agents.CodeChosen, CodeID: code})
}

func (x *exchange) Reachable(context.Context, int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.unreachable
}

func (x *exchange) set(unreachable error, unanswered bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unreachable, x.unanswered = unreachable, unanswered
}

func (x *exchange) Skip(ctx context.Context, id int64, why string) error {
	l, err := x.roster.Get(ctx, id)
	if err != nil || l.Preview == nil {
		return errors.Join(agents.ErrNotNow, err)
	}
	x.mu.Lock()
	x.skipped = why
	x.mu.Unlock()
	return x.apply(ctx, id, agents.Input{Kind: agents.PreviewOver, AttemptID: l.Preview.AttemptID})
}

// preview shows the agent a contact.
func (x *exchange) preview(ctx context.Context, id int64) error {
	call := &agents.Call{AttemptID: "76", Number: "+380501234567", CRMID: "10000007", Queue: "AUTO_1", CampaignID: 9,
		Automatic: true, CardLink: "https://crm.example.com/card/10000007"}
	_, err := x.roster.Apply(ctx, id, agents.Input{Kind: agents.Previewed, AttemptID: "76", Call: call, Node: "n1",
		Until: time.Now().Add(time.Hour)})
	return err
}
