package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// TestProtocolKeepsItsInvariants lets two processes do whatever they may, in any order, and some things that they may not,
// and checks after each step what must always hold.
func TestProtocolKeepsItsInvariants(t *testing.T) {
	t.Parallel()
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", sqliteURL}, {"postgres", testdeps.Postgres}} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, engine.url(t)) // shared by the runs: each has campaigns and people of its own
			rapid.Check(t, func(rt *rapid.T) {
				m := newModel(rt, s)
				rt.Repeat(map[string]func(*rapid.T){
					"plan": m.plan, "manual": m.manual, "cancel": m.cancel, "claim": m.claim, "dialed": m.dialed, "answered": m.answered,
					"close": m.close, "code": m.code, "reconcile": m.reconcile, "bar": m.bar, "pause": m.pause, "adopt": m.adopt, "wait": m.wait,
					"": m.check,
				})
				m.rest()
			})
		})
	}
}

// model is what a run knows of its attempts beside the store.
type model struct {
	*house
	rt       *rapid.T
	campaign []*campaigns.Campaign
	ids      []dialer.AttemptID
	fences   map[dialer.AttemptID]int64
	rang     map[dialer.AttemptID]int // how often the customer's phone was allowed to ring
	// our caps: another system has called, or we were told that nobody was called, and it was not so
	beyond   map[dialer.AttemptID]bool
	barredAt map[string]time.Time
}

func newModel(rt *rapid.T, s *house) *model {
	m := &model{house: s, rt: rt, fences: map[dialer.AttemptID]int64{}, rang: map[dialer.AttemptID]int{},
		beyond: map[dialer.AttemptID]bool{}, barredAt: map[string]time.Time{}}
	s.now = noon
	var people []campaigns.Contact
	for range 3 {
		s.n += 2
		people = append(people, s.person(fmt.Sprintf("+44770%07d", s.n), fmt.Sprintf("+44770%07d", s.n+1)))
	}
	for range 2 { // the same people in both
		c := s.campaign(func(c *campaigns.Campaign) {
			c.MaxAttempts, c.Limits = 3, campaigns.Limits{PerDay: 2, MinimumGap: time.Minute}
			c.DefaultCode = "2"
		})
		s.add(c, people...)
		m.campaign = append(m.campaign, c)
	}
	return m
}

func (m *model) any(rt *rapid.T) dialer.Attempt {
	if len(m.ids) == 0 {
		rt.Skip("no attempt yet")
	}
	return m.attempt(rapid.SampledFrom(m.ids).Draw(rt, "attempt"))
}

func (m *model) node(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "node")
}

// expect lets pass what the protocol may return.
func (m *model) expect(rt *rapid.T, err error, allowed ...error) bool {
	if err == nil {
		return true
	}
	for _, a := range allowed {
		if errors.Is(err, a) {
			return false
		}
	}
	var refused *dialer.RefusedError
	if !errors.As(err, &refused) {
		rt.Fatalf("unexpected: %v", err)
	}
	return false
}

func (m *model) plan(rt *rapid.T) {
	c := m.campaign[rapid.IntRange(0, 1).Draw(rt, "campaign")]
	planned, err := m.Dialing.Plan(ctx, c.ID, rapid.IntRange(1, 3).Draw(rt, "n"), m.now)
	m.expect(rt, err)
	for _, a := range planned {
		if at, barred := m.barredAt[a.Number]; barred {
			rt.Fatalf("planned %s, barred at %s", a.Number, at)
		}
		m.ids = append(m.ids, a.ID)
	}
}

func (m *model) manual(rt *rapid.T) {
	c := m.campaign[rapid.IntRange(0, 1).Draw(rt, "campaign")]
	list, err := m.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
	m.expect(rt, err)
	contact := list[rapid.IntRange(0, len(list)-1).Draw(rt, "contact")]
	phone := contact.Phones[rapid.IntRange(0, 1).Draw(rt, "phone")]
	a, err := m.Dialing.PlanManual(ctx, byHand(c, phone.Number), m.now)
	if m.expect(rt, err, dialer.ErrNumberBusy) {
		m.ids = append(m.ids, a.ID)
	}
}

// adopt has another system call somebody, or a node find a call that it has seen before.
func (m *model) adopt(rt *rapid.T) {
	c := m.campaign[rapid.IntRange(0, 1).Draw(rt, "campaign")]
	list, err := m.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
	m.expect(rt, err)
	contact := list[rapid.IntRange(0, len(list)-1).Draw(rt, "contact")]
	call := m.theirs(c.Queue, contact.CRMID, contact.Phones[rapid.IntRange(0, 1).Draw(rt, "phone")].Number)
	if len(m.ids) > 0 && rapid.Bool().Draw(rt, "seen before") {
		before := m.any(rt)
		call.CallTraceID, call.Number = before.CallTraceID, before.Number
		call.AgentID = before.AgentID
	}
	node := m.node(rt)
	claimed, err := m.Dialing.Adopt(ctx, call, node, 30*time.Second, m.now)
	if !m.expect(rt, err, dialer.ErrNumberBusy, dialer.ErrNotClaimed, dialer.ErrKept) {
		return
	}
	a := claimed.Attempt
	fence, known := m.fences[a.ID]
	switch {
	case !known:
		m.ids = append(m.ids, a.ID)
	case a.Fence != fence+1:
		rt.Fatalf("taken over under the fence %d after %d", a.Fence, fence)
	case a.State == dialer.Closed && a.Outcome != campaigns.Unknown, a.State == dialer.Prepared, a.State == dialer.Cancelled:
		rt.Fatalf("taken over: %+v", a)
	}
	m.beyond[a.ID] = m.beyond[a.ID] || m.rang[a.ID] == 0
	m.rang[a.ID] = max(m.rang[a.ID], 1) // by the other system
	if a.Owner != node || a.DialedAt.IsZero() {
		rt.Fatalf("adopted by %s: %+v", node, a)
	}
}

func (m *model) cancel(rt *rapid.T) {
	a := m.any(rt)
	before := m.attempt(a.ID)
	done, err := m.Dialing.Cancel(ctx, a.ID, reason.Reason{}, m.now)
	if m.expect(rt, err); done != (before.State == dialer.Prepared) {
		rt.Fatalf("cancelled %v in the state %s", done, before.State)
	}
}

func (m *model) claim(rt *rapid.T) {
	a, node := m.any(rt), m.node(rt)
	claimed, err := m.Dialing.Claim(ctx, a.ID, node, rapid.SampledFrom([]int64{0, 7}).Draw(rt, "agent"), 30*time.Second, m.now)
	if m.expect(rt, err, dialer.ErrNotClaimed) && (a.State != dialer.Prepared || claimed.Attempt.Fence != a.Fence+1) {
		rt.Fatalf("claimed %+v as %+v", a, claimed.Attempt)
	}
}

func (m *model) dialed(rt *rapid.T) {
	a, node := m.any(rt), m.node(rt)
	if m.expect(rt, m.Dialing.Dialed(ctx, a.ID, node, a.Fence, ringing, m.now), dialer.ErrFenced) {
		m.rang[a.ID]++
		if at, barred := m.barredAt[a.Number]; m.rang[a.ID] > 1 || barred || node != a.Owner {
			rt.Fatalf("attempt %s may ring %d times, by %s; barred %v", a.ID, m.rang[a.ID], node, at)
		}
	}
}

func (m *model) answered(rt *rapid.T) {
	a, node := m.any(rt), m.node(rt)
	m.expect(rt, m.Dialing.Answered(ctx, a.ID, node, a.Fence, a.ID.String(), m.now), dialer.ErrFenced)
}

func (m *model) close(rt *rapid.T) {
	a, node := m.any(rt), m.node(rt)
	c := dialer.Closing{ID: a.ID, Owner: node, Fence: a.Fence, EndedAt: m.now,
		Outcome:   rapid.SampledFrom(campaigns.Outcomes[1:]).Draw(rt, "outcome"),
		NotDialed: rapid.Bool().Draw(rt, "not dialed"), CallTraceID: rapid.SampledFrom([]string{"", a.ID.String()}).Draw(rt, "trace")}
	if !a.AnsweredAt.IsZero() {
		c.Outcome, c.CodeDueAt = campaigns.Answered, m.now.Add(30*time.Second)
	}
	_, err := m.Dialing.Close(ctx, c)
	if !m.expect(rt, err, dialer.ErrFenced) {
		return
	}
	switch {
	case a.State == dialer.Closed && a.Outcome.GaveUp() && c.Outcome == campaigns.Abandoned: // answered late, and nobody there
	case a.State == dialer.Closed && a.Outcome != campaigns.Unknown:
		rt.Fatalf("a known outcome was overwritten: %+v by %+v", a, c)
	case c.NotDialed && a.State == dialer.Dialing:
		m.rang[a.ID] = 0 // and counts nowhere
	}
}

func (m *model) code(rt *rapid.T) {
	a := m.any(rt)
	c := dialer.Coding{ID: a.ID, AgentID: 1, Now: m.now, TimedOut: rapid.Bool().Draw(rt, "timed out")}
	if !c.TimedOut {
		c.Code = rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(rt, "code")
	}
	if m.expect(rt, m.Dialing.SetCode(ctx, c), dialer.ErrCodeSet) && c.Code == "4" {
		m.barredAt[a.Number] = m.now
	}
}

func (m *model) reconcile(rt *rapid.T) {
	lapsed, err := m.Dialing.Lapsed(ctx, m.now, 100)
	m.expect(rt, err)
	for _, a := range lapsed {
		_, err := m.Dialing.CloseUnknown(ctx, a.ID, a.Fence, m.now)
		m.expect(rt, err)
	}
	_, err = m.Dialing.CancelStale(ctx, m.now.Add(-15*time.Second), m.now)
	m.expect(rt, err)
	due, err := m.Dialing.CodesDue(ctx, m.now, 100)
	m.expect(rt, err)
	for _, a := range due {
		m.expect(rt, m.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, TimedOut: true, Now: m.now}))
	}
}

func (m *model) bar(rt *rapid.T) {
	a := m.any(rt)
	m.expect(rt, m.Contacts.Bar(ctx, campaigns.Barred{Number: a.Number, At: m.now}))
	m.barredAt[a.Number] = m.now
}

func (m *model) pause(rt *rapid.T) {
	c := m.campaign[rapid.IntRange(0, 1).Draw(rt, "campaign")]
	from, to := campaigns.Running, campaigns.Paused
	if now, err := m.Campaigns.Campaign(ctx, c.ID); m.expect(rt, err) && now.Status == campaigns.Paused {
		from, to = to, from
	}
	_, err := m.Campaigns.SetStatus(ctx, c.ID, to, []campaigns.Status{from}, m.now)
	m.expect(rt, err)
}

func (m *model) wait(rt *rapid.T) {
	m.after(time.Duration(rapid.IntRange(1, 5400).Draw(rt, "seconds")) * time.Second)
}

// check holds after every step.
func (m *model) check(rt *rapid.T) {
	open := map[string]dialer.AttemptID{}
	dialed := map[int64]int{}
	perDay := map[string]int{}
	for _, id := range m.ids {
		a := m.attempt(id)
		if a.Fence < m.fences[id] {
			rt.Fatalf("fence of %s went from %d to %d", id, m.fences[id], a.Fence)
		}
		m.fences[id] = a.Fence
		if !a.DialedAt.IsZero() {
			if a.State == dialer.Closed {
				dialed[a.ContactID]++
			}
			if !m.beyond[id] {
				perDay[a.Person+a.DialedAt.Format(time.DateOnly)]++
			}
		}
		if (m.rang[id] > 0) == a.DialedAt.IsZero() {
			rt.Fatalf("attempt %s rang %d times, dialed at %s", id, m.rang[id], a.DialedAt)
		}
		if a.EndedAt.IsZero() {
			for _, key := range []string{"number " + a.Number, "person " + a.Person, fmt.Sprint("contact ", a.ContactID)} {
				if other, taken := open[key]; taken {
					rt.Fatalf("%s is in the open attempts %s and %s", key, id, other)
				}
				open[key] = id
			}
		}
	}
	for day, n := range perDay {
		if n > 2 {
			rt.Fatalf("%d calls of person and day %s, at most 2 are allowed", n, day)
		}
	}
	for _, c := range m.campaign {
		m.checkContacts(rt, c, open, dialed)
	}
}

func (m *model) checkContacts(rt *rapid.T, c *campaigns.Campaign, open map[string]dialer.AttemptID, dialed map[int64]int) {
	list, err := m.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
	m.expect(rt, err)
	for _, k := range list {
		id, isOpen := open[fmt.Sprint("contact ", k.ID)]
		ours := isOpen && m.attempt(id).Origin != dialer.External // beside theirs a code may be awaited, and come
		if k.State == campaigns.Calling && !isOpen || k.State != campaigns.Calling && ours {
			rt.Fatalf("contact %d is %s, an open attempt: %v", k.ID, k.State, isOpen)
		}
		if k.Attempts != dialed[k.ID] {
			rt.Fatalf("contact %d counts %d attempts, %d were dialed", k.ID, k.Attempts, dialed[k.ID])
		}
	}
}

// rest lets everything come to its end: no row is open then, every contact is finished or due, and the CRM was told of
// each end.
func (m *model) rest() {
	for range 3 {
		m.after(2 * time.Hour) // a code is waited for that long where a talk may go on unseen
		m.reconcile(m.rt)
	}
	m.check(m.rt)
	completed := map[string]int{}
	for _, e := range m.events() {
		if e.Type == webhook.CallCompleted {
			completed[e.Data.Call.AttemptID]++
		}
	}
	for _, id := range m.ids {
		a := m.attempt(id)
		switch {
		case a.State == dialer.Closed && completed[id.String()] == 0:
			m.rt.Fatalf("attempt %s was closed and the CRM was not told", id)
		case a.State == dialer.Closed && !a.CodeDueAt.IsZero() && a.CodeSetAt.IsZero():
			m.rt.Fatalf("attempt %s still awaits its code", id)
		case a.State == dialer.Cancelled && completed[id.String()] > 0:
			m.rt.Fatalf("attempt %s was cancelled and the CRM was told of a call", id)
		case a.State != dialer.Closed && a.State != dialer.Cancelled:
			m.rt.Fatalf("attempt %s is %s at rest", id, a.State)
		}
	}
	for _, c := range m.campaign {
		m.wantCounts(c)
		list, err := m.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
		m.expect(m.rt, err)
		for _, k := range list {
			if k.State != campaigns.Complete && (k.State != campaigns.Waiting || k.NextAt.IsZero()) {
				m.rt.Fatalf("contact %d is %s at rest, due %s", k.ID, k.State, k.NextAt)
			}
		}
	}
	m.checkSequences()
}

// checkSequences: the events of one contact are numbered without a gap.
func (m *model) checkSequences() {
	db := m.DB()
	defer db.Close()
	var gaps int
	m.must(db.QueryRow(`SELECT count(*) FROM (SELECT key, max(sequence) AS last, count(DISTINCT sequence) AS n, count(*) AS total
		FROM events GROUP BY key) AS e WHERE last <> n OR total <> n`).Scan(&gaps))
	if gaps > 0 {
		m.rt.Fatalf("%d sequences of events have gaps", gaps)
	}
}
