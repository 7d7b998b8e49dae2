package dialer_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/roster"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		childMain()
		return
	}
	redis.SetLogger(silent{})
	testdeps.Main(m)
}

// silent keeps the client's complaints about a Redis that a test has taken away out of the results.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// house is what all nodes of a test share: the record, Redis and the phones.
type house struct {
	tb      testing.TB
	url     string
	redis   string
	store   *store.Store
	db      *sql.DB // for looking at what the store does not show
	network *simulated.Network
	log     *slog.Logger
	n       atomic.Int64

	installation installation.Name // the record's, as in the product: tests share a server
}

func sqliteURL(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "ringmaster.db") }

// steady is a script whose phones take a few milliseconds for everything; the last digit of a number says what it does.
var steady = simulated.Script{
	Crowd: simulated.Profile{AgentHangsUp: 0.5, AgentAnswers: simulated.LogNormal{Median: 2 * time.Millisecond},
		SetUp: simulated.LogNormal{Median: 2 * time.Millisecond}, Answers: simulated.LogNormal{Median: 3 * time.Millisecond},
		Talk: simulated.LogNormal{Median: 10 * time.Millisecond}},
	Rules: []simulated.Rule{
		{Suffix: "1", Outcome: campaigns.Busy}, {Suffix: "2", Outcome: campaigns.NoAnswer}, {Suffix: "3", Outcome: campaigns.Rejected},
		{Suffix: "4", Outcome: campaigns.InvalidNumber}, {Suffix: "5", Outcome: campaigns.Congestion},
		{Suffix: "9", Outcome: campaigns.Answered, Talk: time.Hour},
	},
}

// newHouse opens the record at url, with phones that follow script at 20 times the speed.
func newHouse(tb testing.TB, url string, script simulated.Script) *house {
	tb.Helper()
	return newHouseAt(tb, url, testdeps.Redis(tb), script)
}

func newHouseAt(tb testing.TB, url, redisAddr string, script simulated.Script) *house {
	tb.Helper()
	h := &house{tb: tb, url: url, redis: redisAddr, log: testLog()}
	network, err := simulated.New(simulated.Options{Script: script, Clock: simulated.Hurried(20)})
	h.must(err)
	tb.Cleanup(network.Close)
	h.network = network
	h.open()
	tb.Cleanup(func() { _ = h.store.Disconnect(); _ = h.db.Close() })
	return h
}

func testLog() *slog.Logger {
	if os.Getenv("RINGMASTER_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

func (h *house) open() {
	h.tb.Helper()
	var err error
	h.store, err = store.Open(context.Background(), h.url, store.Options{Logger: h.log})
	h.must(err)
	h.must(h.store.Migrate(context.Background()))
	name, err := h.store.Installation(context.Background())
	h.must(err)
	h.installation = installation.Name(name)
	if path, ok := strings.CutPrefix(h.url, "sqlite:"); ok {
		h.db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	} else {
		h.db, err = sql.Open("pgx", h.url)
	}
	h.must(err)
}

func (h *house) must(err error) {
	h.tb.Helper()
	if err != nil {
		h.tb.Fatal(err)
	}
}

// campaign makes a running campaign; change may alter it first.
func (h *house) campaign(change ...func(*campaigns.Campaign)) *campaigns.Campaign {
	h.tb.Helper()
	c := campaigns.Campaign{
		Name: fmt.Sprintf("Campaign %d", h.n.Add(1)), Mode: campaigns.Progressive, Profile: "none", TimeZone: "UTC", Region: "GB",
		MaxAttempts: 5, AgentRing: 5 * time.Second, Ring: 15 * time.Second, WrapUp: time.Minute,
		Retry:         map[campaigns.Outcome]campaigns.RetryRule{},
		CardLink:      "https://crm.example.com/card/{crm_id}?call={calltraceid}&agent={agent}",
		RecordingLink: "https://records.example.com/{calltraceid}.wav",
		CallCodes: []campaigns.CallCode{
			{ID: "1", Name: "Promise", Action: campaigns.Finish, Meaningful: true},
			{ID: "2", Name: "Again", Action: campaigns.RetryAfter, After: time.Hour},
			{ID: "4", Name: "Never", Action: campaigns.DoNotCall},
		},
	}
	for _, o := range campaigns.Outcomes {
		if o != campaigns.Answered {
			c.Retry[o] = campaigns.RetryRule{After: time.Hour}
		}
	}
	for _, f := range change {
		f(&c)
	}
	made, err := h.store.Campaigns.CreateCampaign(context.Background(), c, time.Now())
	h.must(err)
	made, err = h.store.Campaigns.SetStatus(context.Background(), made.ID, campaigns.Running, []campaigns.Status{campaigns.Draft},
		time.Now())
	h.must(err)
	return made
}

// people adds a contact for each number.
func (h *house) people(c *campaigns.Campaign, numbers ...string) {
	h.tb.Helper()
	report, err := h.store.Contacts.ImportContacts(context.Background(), c.ID, lines(numbers), time.Now())
	h.must(err)
	if report.Accepted != len(numbers) {
		h.tb.Fatalf("%d of %d contacts accepted: %+v", report.Accepted, len(numbers), report)
	}
}

func lines(numbers []string) iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		for i, number := range numbers {
			contact := campaigns.Contact{CRMID: "crm-" + number, Name: "Person " + number, Phones: []campaigns.Phone{{Number: number}}}
			if !yield(campaigns.Line{Number: i + 1, Contact: contact}, nil) {
				return
			}
		}
	}
}

// number is a fictional number that ends in the digit given, the nth of them.
func number(n, digit int) string { return fmt.Sprintf("+4477009%04d%d", n, digit) }

func numbers(n, digit int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = number(i, digit)
	}
	return list
}

// node is one process's part: a dialer and a roster.
type node struct {
	*dialer.Dialer
	h      *house
	desk   *dialer.Desk
	roster *roster.Roster
	rdb    redis.UniversalClient
	stop   func() // and wait
	states chan agents.Live
}

var quick = dialer.Limits{Lease: 6 * time.Second, Reconcile: 300 * time.Millisecond, Drain: time.Second}

// leasedLong has a call outlive a machine that stands still for a while.
func leasedLong(d *dialer.Deps) { d.Limits.Lease = time.Minute }

// node starts one; change may alter what it works with.
func (h *house) node(name string, change ...func(*dialer.Deps)) *node {
	h.tb.Helper()
	conn, err := redisconn.New(redisconn.Config{URL: "redis://" + h.redis}) // with the product's time limits
	h.must(err)
	rdb := conn.Client()
	r, err := roster.New(rdb, roster.Options{Installation: h.installation, Node: name,
		Roles: []string{roster.RoleDialer, roster.RoleGateway}, Record: h.store.Agents, Log: h.log})
	h.must(err)
	deps := dialer.Deps{
		Installation: h.installation, Node: name, Store: h.store.Dialing, Queues: h.store.Queues,
		Previews: h.store.Previews, Roster: r, Redis: rdb,
		Limits: quick, Log: h.log,
		Networks: map[string]dialer.PhoneNetwork{},
	}
	if h.network != nil {
		deps.Networks["simulated"] = h.network
	}
	for _, f := range change {
		f(&deps)
	}
	d, err := dialer.New(deps)
	h.must(err)
	n := &node{Dialer: d, h: h, desk: d.Desk(), roster: r, rdb: rdb, states: make(chan agents.Live, 100_000)}
	r.Watch(func(int64) bool { return true }, func(l agents.Live) {
		select {
		case n.states <- l:
		default:
		}
	}, func() {})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	rosterCtx, cancelRoster := context.WithCancel(context.Background())
	var rosterDone sync.WaitGroup
	rosterDone.Go(func() { r.Run(rosterCtx) })
	all.Go(func() {
		if err := d.Run(ctx); err != nil {
			h.tb.Error(err)
		}
	})
	n.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		cancelRoster()
		rosterDone.Wait()
		_ = rdb.Close()
	})
	h.tb.Cleanup(n.stop)
	return n
}

// agent makes an agent with an extension and logs it in at n, with a tab and the flag On.
func (n *node) agent(queues ...string) agents.Agent {
	n.h.tb.Helper()
	a := n.h.newAgent(queues...)
	n.login(a)
	return a
}

func (h *house) newAgent(queues ...string) agents.Agent {
	h.tb.Helper()
	ctx := context.Background()
	k := h.n.Add(1)
	a, err := h.store.Agents.CreateAgent(ctx, agents.Agent{Login: fmt.Sprintf("agent%d", k), Name: "Agent", Queues: queues,
		AutoCall: true}, time.Now())
	h.must(err)
	_, err = h.store.Agents.CreateExtension(ctx,
		agents.Extension{Name: fmt.Sprintf("ext%d", k), Number: fmt.Sprint(1000 + k), Network: "simulated"})
	h.must(err)
	return a
}

func (n *node) login(a agents.Agent) {
	n.h.tb.Helper()
	ctx := context.Background()
	ext, err := n.h.store.Agents.TakeExtension(ctx, a.ID, strings.Replace(a.Login, "agent", "ext", 1))
	n.h.must(err)
	_, err = n.roster.Apply(ctx, a.ID, agents.Input{Kind: agents.Login, Agent: &a, Extension: &ext, Node: n.Node})
	n.h.must(err)
	_, err = n.roster.Apply(ctx, a.ID, agents.Input{Kind: agents.TabsCounted, Node: n.Node, Count: 1})
	n.h.must(err)
}

// coder sets a code for every agent in Clerical, until the test ends.
func (n *node) coder(code string) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		coded := map[string]bool{}
		for {
			select {
			case l := <-n.states:
				if l.State == agents.Clerical && l.Node == n.Node && !coded[l.Call.AttemptID] {
					coded[l.Call.AttemptID] = true
					all.Go(func() { n.code(ctx, l, code) })
				}
			case <-ctx.Done():
				return
			}
		}
	})
	n.h.tb.Cleanup(func() { cancel(); all.Wait() })
}

// code is an agent who presses the button until it works.
func (n *node) code(ctx context.Context, l agents.Live, code string) {
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := n.desk.SetCode(try, l.AgentID, l.Call.AttemptID, code, time.Time{})
		cancel()
		if err == nil || errors.Is(err, dialer.ErrCodeSet) || errors.Is(err, dialer.ErrNoCall) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// until waits for an agent's state.
func (n *node) until(agentID int64, what string, is func(agents.Live) bool) agents.Live {
	n.h.tb.Helper()
	var err error
	return testdeps.Seen(n.h.tb, fmt.Sprintf("agent %d: %s", agentID, what), func() (l agents.Live) {
		l, err = n.roster.Get(context.Background(), agentID)
		return l
	}, func(l agents.Live) bool { return err == nil && is(l) })
}

// passes waits for an agent's state that may be over before anybody looks, also for one of before; no coder may be at the node.
func (n *node) passes(agentID int64, what string, is func(agents.Live) bool) (l agents.Live) {
	n.h.tb.Helper()
	testdeps.Eventually(n.h.tb, fmt.Sprintf("agent %d: %s", agentID, what), func() bool {
		for {
			select {
			case l = <-n.states:
				if l.AgentID == agentID && is(l) {
					return true
				}
			default:
				var err error
				l, err = n.roster.Get(context.Background(), agentID)
				return err == nil && is(l)
			}
		}
	})
	return l
}

func in(s agents.State) func(agents.Live) bool {
	return func(l agents.Live) bool { return l.State == s }
}

// attempts reads all attempts.
func (h *house) attempts() []dialer.Attempt {
	h.tb.Helper()
	rows, err := h.db.Query("SELECT id FROM attempts ORDER BY id")
	h.must(err)
	var ids []dialer.AttemptID
	for rows.Next() {
		var id dialer.AttemptID
		h.must(rows.Scan(&id))
		ids = append(ids, id)
	}
	h.must(rows.Err())
	rows.Close()
	list := make([]dialer.Attempt, len(ids))
	for i, id := range ids {
		list[i], err = h.store.Attempts.Attempt(context.Background(), id)
		h.must(err)
	}
	return list
}

// count returns a number from the record.
func (h *house) count(query string, args ...any) int {
	h.tb.Helper()
	var n int
	if err := h.db.QueryRow(query, args...).Scan(&n); err != nil {
		h.tb.Fatalf("%s: %v", query, err)
	}
	return n
}

// eventually waits until a count from the record is as wanted.
func (h *house) eventually(want int, query string, args ...any) {
	h.tb.Helper()
	h.within(5*time.Minute, want, query, args...)
}

func (h *house) within(limit time.Duration, want int, query string, args ...any) {
	h.tb.Helper()
	testdeps.SeenWithin(h.tb, limit, fmt.Sprintf("%d of %s", want, query), func() int { return h.count(query, args...) },
		func(n int) bool { return n == want })
}

// newHouseApart is one beside other tests.
func newHouseApart(t *testing.T) *house {
	t.Helper()
	return newHouseAt(t, sqliteURL(t), testdeps.RedisServer(t).Addr, steady)
}

// withoutPhones loses every phone between the last look at it and the call.
type withoutPhones struct{ *simulated.Network }

func (withoutPhones) Place(context.Context, dialer.Call) (dialer.LiveCall, error) {
	return nil, fmt.Errorf("simulated: %w", dialer.ErrNotRegistered)
}
