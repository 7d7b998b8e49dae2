package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "30") // each is some hundred transactions; a flag of the command line counts more
	testdeps.Main(m)
}

// noon is a Tuesday on which the tests' clocks stand.
var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// each runs a test on both databases: this suite is the conformance that they share.
func each(t *testing.T, test func(t *testing.T, s *house)) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": testdeps.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, url(t)))
		})
	}
}

func sqliteURL(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "ringmaster.db") }

// house is a store under test, with shorthands for what most tests need.
type house struct {
	*store.Store
	Dialing settled
	tb      testing.TB
	url     string
	now     time.Time
	ids     *ids.Generator // of its own: one that another test has moved on to a later day would not go back
	n       int            // for names and numbers
}

func open(tb testing.TB, url string) *house {
	tb.Helper()
	generator := &ids.Generator{}
	s, err := store.Open(context.Background(), url, store.Options{RecordingBase: "https://dial.example.com", IDs: generator,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Disconnect() })
	if err := s.Migrate(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return &house{Store: s, Dialing: settled{s.Dialing, s}, tb: tb, url: url, now: noon, ids: generator}
}

// settled plans when whoever is barred by what happened before is put off.
type settled struct {
	store.Dialing
	store *store.Store
}

func (d settled) Plan(ctx context.Context, campaignID int64, n int, now time.Time, free ...int64) ([]dialer.Attempt, error) {
	d.store.Settle()
	return d.Dialing.Plan(ctx, campaignID, n, now, free...)
}

func (d settled) PlanAhead(ctx context.Context, campaignID int64, n int, now time.Time, free ...int64) ([]dialer.Attempt, error) {
	d.store.Settle()
	return d.Dialing.PlanAhead(ctx, campaignID, n, now, free...)
}

var ctx = context.Background()

// ringing is how long a phone of these tests may ring without its process.
const ringing = 4 * time.Minute

func (h *house) must(err error) {
	h.tb.Helper()
	if err != nil {
		h.tb.Fatal(err)
	}
}

// after moves the clock.
func (h *house) after(d time.Duration) time.Time {
	h.now = h.now.Add(d)
	return h.now
}

// campaign makes a running campaign; change may alter it first.
func (h *house) campaign(change ...func(*campaigns.Campaign)) *campaigns.Campaign {
	h.tb.Helper()
	h.n++
	c := campaigns.Campaign{Name: fmt.Sprintf("Campaign %d", h.n), Mode: campaigns.Progressive, Profile: "none",
		TimeZone: "UTC", Region: "GB",
		MaxAttempts: 3, AgentRing: 10 * time.Second, Ring: 20 * time.Second, WrapUp: 30 * time.Second,
		RecordingLink: "/records/{calltraceid}.wav",
		Retry:         map[campaigns.Outcome]campaigns.RetryRule{campaigns.Busy: {After: 10 * time.Minute}},
		CallCodes: []campaigns.CallCode{
			{ID: "1", Name: "Promise", Action: campaigns.Finish, Meaningful: true},
			{ID: "2", Name: "Again", Action: campaigns.RetryAfter, After: time.Hour},
			{ID: "3", Name: "Call back", Action: campaigns.CallbackAt, After: 2 * time.Hour},
			{ID: "4", Name: "Never", Action: campaigns.DoNotCall}}}
	for _, f := range change {
		f(&c)
	}
	made, err := h.Campaigns.CreateCampaign(ctx, c, h.now)
	h.must(err)
	made, err = h.Campaigns.SetStatus(ctx, made.ID, campaigns.Running, []campaigns.Status{campaigns.Draft}, h.now)
	h.must(err)
	return made
}

// person is a line of a list: one contact with these numbers, or one of the fictional ones.
func (h *house) person(numbers ...string) campaigns.Contact {
	h.n++
	if len(numbers) == 0 {
		numbers = []string{fmt.Sprintf("+4477009%05d", h.n)}
	}
	c := campaigns.Contact{CRMID: fmt.Sprintf("crm-%d", h.n), Name: fmt.Sprintf("Person %d", h.n),
		Payload: json.RawMessage(`{"balance":"1.50"}`)}
	for _, n := range numbers {
		c.Phones = append(c.Phones, campaigns.Phone{Number: n})
	}
	return c
}

func lines(contacts ...campaigns.Contact) iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		for i, c := range contacts {
			if !yield(campaigns.Line{Number: i + 2, Contact: c}, nil) {
				return
			}
		}
	}
}

func (h *house) add(c *campaigns.Campaign, contacts ...campaigns.Contact) {
	h.tb.Helper()
	report, err := h.Contacts.ImportContacts(ctx, c.ID, lines(contacts...), h.now)
	h.must(err)
	if report.Accepted != len(contacts) {
		h.tb.Fatalf("%d of %d contacts accepted: %+v", report.Accepted, len(contacts), report)
	}
}

func (h *house) agent() agents.Agent {
	h.tb.Helper()
	h.n++
	a, err := h.Agents.CreateAgent(ctx, agents.Agent{Login: fmt.Sprintf("agent%d", h.n), Name: "Agent", UserID: "u7",
		Queues: []string{"q"}}, h.now)
	h.must(err)
	return a
}

// plan prepares exactly one attempt.
func (h *house) plan(c *campaigns.Campaign) dialer.Attempt {
	h.tb.Helper()
	planned, err := h.Dialing.Plan(ctx, c.ID, 1, h.now)
	h.must(err)
	if len(planned) != 1 {
		h.tb.Fatalf("%d attempts planned, want 1", len(planned))
	}
	return planned[0]
}

func (h *house) claim(a dialer.Attempt) dialer.Claimed {
	h.tb.Helper()
	claimed, err := h.Dialing.Claim(ctx, a.ID, "node-1", 0, 30*time.Second, h.now)
	h.must(err)
	return claimed
}

// dial plans, claims and dials.
func (h *house) dial(c *campaigns.Campaign) dialer.Attempt {
	h.tb.Helper()
	a := h.claim(h.plan(c)).Attempt
	h.must(h.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, h.now))
	return a
}

func (h *house) close(a dialer.Attempt, outcome campaigns.Outcome) dialer.Attempt {
	h.tb.Helper()
	c := dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: outcome, EndedAt: h.now, Confirmed: true}
	if outcome == campaigns.Answered {
		c.CodeDueAt = h.now.Add(30 * time.Second)
	}
	closed, err := h.Dialing.Close(ctx, c)
	h.must(err)
	return closed
}

// talk takes an attempt through a whole talk, up to its call code.
func (h *house) talk(c *campaigns.Campaign) dialer.Attempt {
	h.tb.Helper()
	a := h.dial(c)
	h.must(h.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, a.ID.String(), h.after(5*time.Second)))
	h.after(time.Minute)
	return h.close(a, campaigns.Answered)
}

func (h *house) contact(id int64) *campaigns.Contact {
	h.tb.Helper()
	c, err := h.Contacts.Contact(ctx, id)
	h.must(err)
	return c
}

func (h *house) attempt(id dialer.AttemptID) dialer.Attempt {
	h.tb.Helper()
	a, err := h.Attempts.Attempt(ctx, id)
	h.must(err)
	return a
}

// events reads all events that were written, in their order a key.
func (h *house) events() []webhook.Event {
	h.tb.Helper()
	db := h.DB()
	defer db.Close()
	rows, err := db.Query(`SELECT body FROM events ORDER BY key, sequence`)
	h.must(err)
	defer rows.Close()
	var list []webhook.Event
	for rows.Next() {
		var body []byte
		h.must(rows.Scan(&body))
		var e webhook.Event
		h.must(json.Unmarshal(body, &e))
		list = append(list, e)
	}
	h.must(rows.Err())
	return list
}

// types checks which events were written of one contact's or number's sequence.
func types(events []webhook.Event) string {
	var s string
	for _, e := range events {
		s += fmt.Sprintf("%d:%s ", e.Sequence, e.Type)
	}
	return s
}

func (h *house) wantIs(err, want error) {
	h.tb.Helper()
	if !errors.Is(err, want) {
		h.tb.Errorf("error %v, want %v", err, want)
	}
}
