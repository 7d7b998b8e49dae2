package store_test

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestHistoriesThroughTheRecord plays histories of a few people who share numbers, ids and campaigns: calls and their codes,
// do-not-call entries, edits, imports, merges, other contacts, consents, callbacks and the clock, in any order. Whatever the
// record plans, claims and dials, and when it says that somebody may be called, is compared with the oracle.
func TestHistoriesThroughTheRecord(t *testing.T) {
	t.Parallel()
	const shards = 4 // of an engine, each with a database of its own
	for _, engine := range []struct {
		name      string
		url       func(testing.TB) string
		histories int // a thousand in all; with the race detector SQLite, which is Go, is six times slower than PostgreSQL
	}{{"sqlite", memoryURL, 120}, {"postgres", testdeps.Postgres, 880}} {
		if *long {
			engine.histories = 20_000
		}
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			for shard := range shards {
				t.Run(fmt.Sprint(shard), func(t *testing.T) {
					t.Parallel()
					playThrough(t, open(t, engine.url(t)), engine.histories/shards)
				})
			}
		})
	}
}

// memoryURL is a SQLite database whose disk is memory, where there is such a disk.
func memoryURL(tb testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "ringmaster-")
	if err != nil {
		return sqliteURL(tb)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return "sqlite:" + filepath.Join(dir, "ringmaster.db")
}

// playThrough plays so many histories in one database: each has campaigns and people of its own.
func playThrough(t *testing.T, s *house, histories int) {
	db := s.DB()
	t.Cleanup(func() { _ = db.Close() })
	checks, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	s.must(err)
	for played := 0; played < histories && !t.Failed(); played += checks {
		rapid.Check(t, func(rt *rapid.T) {
			h := newHistory(rt, s, db)
			actions := map[string]func(*rapid.T){
				"import": h.importing, "edit": h.edit, "bar": h.bar, "unbar": h.unbar, "meet": h.meet, "consent": h.consent,
				"withdraw": h.withdraw,
				"merge":    h.merge, "split": h.split, "promise": h.promise, "reopen": h.reopen, "rules": h.rules,
				"plan": h.plan, "claim": h.claim, "dial": h.dial, "answer": h.answer, "abandon": h.abandon, "close": h.close, "code": h.code,
				"manual": h.manual,
				"wait":   h.wait, "next": h.next,
			}
			for _, often := range []string{"plan", "claim", "dial", "abandon", "close", "wait"} { // else few histories have calls
				actions[often+" too"] = actions[often]
			}
			for name, do := range actions {
				actions[name] = func(rt *rapid.T) {
					do(rt)
					h.unchecked = true // else it was skipped
				}
			}
			actions[""] = h.check
			rt.Repeat(actions)
		})
	}
}

// history is one of them.
type history struct {
	*house
	db *sql.DB
	oracle
	campaign []*campaigns.Campaign
	people   []string // CRM ids; the first is none
	numbers  []string
	open     []*ours
	n        int // for names

	unchecked bool // something has happened since all were checked
}

// ours is an attempt of ours that is not over.
type ours struct {
	dialer.Attempt
	crmID string
	told  *told // once dialed
	ended bool  // its code is awaited
}

// rings reports whether the customer's phone does.
func (a *ours) rings() bool { return a.told != nil && a.told.answered.IsZero() && !a.ended }

// starts are around weekends, holidays and changes of clocks.
var starts = []time.Time{
	time.Date(2026, 3, 6, 6, 0, 0, 0, time.UTC), time.Date(2026, 3, 27, 15, 0, 0, 0, time.UTC),
	time.Date(2026, 10, 23, 12, 0, 0, 0, time.UTC),
	time.Date(2026, 12, 23, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 10, 13, 0, 0, 0, time.UTC),
}

func newHistory(rt *rapid.T, s *house, db *sql.DB) *history {
	s.n++
	h := &history{house: s, db: db, people: []string{""}}
	s.now = rapid.SampledFrom(starts).Draw(rt, "start")
	for i := range 3 {
		h.people = append(h.people, fmt.Sprintf("h%d-%d", s.n, i))
	}
	h.numbers = []string{fmt.Sprintf("+38050%07d", 2*s.n), fmt.Sprintf("+38050%07d", 2*s.n+1), fmt.Sprintf("+447712%06d", s.n),
		fmt.Sprintf("+12122%06d", s.n), fmt.Sprintf("+18082%06d", s.n)}
	for i, profile := range []string{"ua-1349-IX", "us-reg-f", rapid.SampledFrom([]string{"uk-ofcom", "none"}).Draw(rt, "profile")} {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.Profile, c.Region, c.MaxAttempts, c.Ring = profile, []string{"UA", "US", "GB"}[i], rapid.IntRange(2, 9).Draw(rt, "attempts"),
				time.Minute
			if i == 2 && rapid.Bool().Draw(rt, "ahead") {
				c.Mode = campaigns.Predictive
			}
			c.Retry = map[campaigns.Outcome]campaigns.RetryRule{campaigns.Busy: {After: 10 * time.Minute},
				campaigns.NoAnswer: {After: 30 * time.Minute}}
			c.CallCodes = append(c.CallCodes, campaigns.CallCode{ID: "5", Name: "Never there", Action: campaigns.DoNotCall,
				Bars: campaigns.BarNumber})
			h.limit(rt, c)
		})
		h.campaign = append(h.campaign, c)
	}
	return h
}

func (h *history) limit(rt *rapid.T, c *campaigns.Campaign) {
	c.Limits = campaigns.Limits{PerDay: rapid.IntRange(0, 3).Draw(rt, "per day"),
		MinimumGap: time.Duration(rapid.IntRange(0, 12).Draw(rt, "gap")) * 5 * time.Minute}
	if rapid.Bool().Draw(rt, "period") {
		c.Limits.PerPeriod, c.Limits.Period = rapid.IntRange(1, 4).Draw(rt, "most"),
			time.Duration(rapid.IntRange(1, 72).Draw(rt, "hours"))*time.Hour
	}
	c.Limits.MeaningfulPerDay = rapid.IntRange(0, 2).Draw(rt, "meaningful")
	c.Windows = nil
	if rapid.IntRange(0, 3).Draw(rt, "window") == 0 {
		c.Windows = []campaigns.Window{{Cron: "0 10 * * *", Duration: 6 * time.Hour}}
	}
}

func (h *history) where(rt *rapid.T) *campaigns.Campaign {
	return h.campaign[rapid.IntRange(0, len(h.campaign)-1).Draw(rt, "campaign")]
}

func (h *history) somebody(rt *rapid.T) string {
	return rapid.SampledFrom(h.people[1:]).Draw(rt, "person")
}
func (h *history) number(rt *rapid.T) string { return rapid.SampledFrom(h.numbers).Draw(rt, "number") }

func (h *history) some(rt *rapid.T, state func(*ours) bool) *ours {
	var list []*ours
	for _, a := range h.open {
		if state(a) {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		rt.Skip("none")
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(rt, "attempt")]
}

func (h *history) contactOf(rt *rapid.T) campaigns.Contact {
	if len(h.contacts) == 0 {
		rt.Skip("no contact")
	}
	return h.contacts[rapid.IntRange(0, len(h.contacts)-1).Draw(rt, "contact")]
}

// read reads all contacts as they are now: what lists and edits make of them is not this test's subject.
func (h *history) read(rt *rapid.T) {
	h.contacts = nil
	for _, c := range h.campaign {
		list, err := h.Contacts.Contacts(ctx, c.ID, "", "", 0, 100)
		h.fine(rt, err)
		h.contacts = append(h.contacts, list...)
	}
}

func (h *history) fine(rt *rapid.T, err error, but ...error) bool {
	for _, b := range but {
		if errors.Is(err, b) {
			return false
		}
	}
	if err != nil {
		rt.Fatalf("unexpected: %v", err)
	}
	return true
}

func (h *history) draft(rt *rapid.T) campaigns.Contact {
	h.n++
	k := somebody(rapid.SampledFrom(h.people).Draw(rt, "crm id"), h.number(rt))
	if second := h.number(rt); second != k.Phones[0].Number {
		k.Phones = append(k.Phones, campaigns.Phone{Number: second})
	}
	k.TimeZone = rapid.SampledFrom([]string{"", "", "Europe/Kyiv", "America/New_York", "Asia/Tokyo"}).Draw(rt, "zone")
	return k
}

func (h *history) importing(rt *rapid.T) {
	if len(h.contacts) > 6 {
		rt.Skip("enough")
	}
	choice := rapid.SampledFrom([]campaigns.Choice{campaigns.NewOnly, campaigns.Update, campaigns.AddPhones,
		campaigns.Replace}).Draw(rt, "choice")
	h.imports(h.where(rt), "list", choice, list(h.draft(rt)))
	h.read(rt)
}

func (h *history) edit(rt *rapid.T) {
	k, is := h.contactOf(rt), h.draft(rt)
	_, err := h.Contacts.EditContact(ctx, k.ID, func(c *campaigns.Contact) error {
		c.Phones, c.TimeZone = is.Phones,
			is.TimeZone
		return nil
	}, "boss", h.now)
	h.fine(rt, err, store.ErrConflict)
	h.read(rt)
}

func (h *history) bar(rt *rapid.T) {
	b := campaigns.Barred{At: h.now}
	if rapid.Bool().Draw(rt, "by number") {
		b.Number = h.number(rt)
	} else {
		b.CRMID = h.somebody(rt)
	}
	if d := rapid.SampledFrom([]time.Duration{0, time.Hour, 30 * time.Hour, 600 * 24 * time.Hour}).Draw(rt, "for"); d > 0 {
		b.Expires = h.now.Add(d)
	}
	h.fine(rt, h.Contacts.Bar(ctx, b))
	h.entries = append(h.entries, b)
}

func (h *history) unbar(rt *rapid.T) {
	if len(h.entries) == 0 {
		rt.Skip("nobody is barred")
	}
	e := h.entries[rapid.IntRange(0, len(h.entries)-1).Draw(rt, "entry")]
	number, crmID := e.Number, e.CRMID
	if number != "" {
		crmID = "" // each half by itself
	}
	_, err := h.Contacts.Unbar(ctx, number, crmID, h.now)
	h.fine(rt, err)
	var left []campaigns.Barred
	for _, b := range h.entries {
		if number != "" && b.Number == number {
			b.Number = ""
		}
		if crmID != "" && b.CRMID == crmID {
			b.CRMID = ""
		}
		if b.Number != "" || b.CRMID != "" {
			left = append(left, b)
		}
	}
	h.entries = left
}

func (h *history) meet(rt *rapid.T) {
	h.n++
	i := campaigns.Interaction{ExternalID: fmt.Sprintf("%s-%d", h.people[1], h.n),
		Kind: rapid.SampledFrom(campaigns.InteractionKinds).Draw(rt, "kind"),
		At:   h.now.Add(-time.Duration(rapid.IntRange(0, 60).Draw(rt, "before")) * 5 * time.Minute)}
	if rapid.Bool().Draw(rt, "by number") {
		i.Number = h.number(rt)
	} else {
		i.CRMID = h.somebody(rt)
	}
	if i.Kind == campaigns.OutgoingCall || i.Kind == campaigns.InboundCall {
		i.Ring, i.Automatic = 5*time.Minute, i.Kind == campaigns.OutgoingCall && rapid.Bool().Draw(rt, "automatic")
		if rapid.Bool().Draw(rt, "talked") {
			i.Talk = 10 * time.Minute
		}
	}
	said, meaningful := rapid.Bool().Draw(rt, "said"), rapid.Bool().Draw(rt, "meaningful")
	if said {
		i.Meaningful = &meaningful
	}
	_, _, err := h.People.Meet(ctx, i, h.now)
	h.fine(rt, err)
	h.calls = append(h.calls, &told{crmID: i.CRMID, number: i.Number, kind: i.Kind, dialed: i.At, end: i.At.Add(i.Ring + i.Talk),
		rang: i.Ring, talked: i.Talk,
		automatic: i.Automatic, coded: said, meaningful: said && meaningful})
}

func (h *history) consent(rt *rapid.T) {
	c := campaigns.Consent{CRMID: h.somebody(rt), Kind: rapid.SampledFrom(campaigns.ConsentKinds).Draw(rt, "kind"),
		Source: "a letter", GivenAt: h.now}
	switch c.Kind {
	case campaigns.NotThere:
		c.Number = h.number(rt)
	case campaigns.CallMeAt:
		c.At = h.now.Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "wish")) * 5 * time.Minute)
	case campaigns.MayCallAt:
		c.From = time.Duration(rapid.IntRange(0, 22).Draw(rt, "from")) * time.Hour
		c.To = c.From + time.Hour
		if rapid.Bool().Draw(rt, "on a day") {
			c.Days = []time.Weekday{time.Weekday(rapid.IntRange(0, 6).Draw(rt, "day"))}
		}
	}
	if rapid.Bool().Draw(rt, "expires") {
		c.ExpiresAt = h.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "after")) * time.Hour)
	}
	if rapid.Bool().Draw(rt, "one campaign") {
		c.CampaignID = h.where(rt).ID
	}
	noted, err := h.People.Consent(ctx, c, h.now)
	h.fine(rt, err)
	c.ID = noted.ID
	h.consents = append(h.consents, c)
}

func (h *history) withdraw(rt *rapid.T) {
	if len(h.consents) == 0 {
		rt.Skip("no consent")
	}
	i := rapid.IntRange(0, len(h.consents)-1).Draw(rt, "consent")
	if h.consents[i].ID == 0 {
		rt.Skip("a call code noted it")
	}
	h.fine(rt, h.People.Withdraw(ctx, h.consents[i].ID, "boss", "", h.now))
	h.consents[i].WithdrawnAt = h.now
}

func (h *history) merge(rt *rapid.T) {
	a, b := h.somebody(rt), h.somebody(rt)
	if a == b || !h.fine(rt, h.People.Merge(ctx, a, []string{b}, "boss", "", h.now), store.ErrConflict) {
		return
	}
	all := slices.Concat(h.idsOf(a), h.idsOf(b))
	slices.Sort(all)
	all = slices.Compact(all)
	h.merged = slices.DeleteFunc(h.merged, func(g []string) bool { return slices.Contains(all, g[0]) })
	h.merged = append(h.merged, all)
}

func (h *history) split(rt *rapid.T) {
	id := h.somebody(rt)
	if !h.fine(rt, h.People.Split(ctx, id, "boss", "", h.now), store.ErrNotFound, store.ErrConflict) {
		return
	}
	for i, g := range h.merged {
		if slices.Contains(g, id) {
			h.merged[i] = slices.DeleteFunc(slices.Clone(g), func(other string) bool { return other == id })
		}
	}
}

func (h *history) promise(rt *rapid.T) {
	k := h.contactOf(rt)
	when := h.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "promised")) * 5 * time.Minute)
	_, err := h.Contacts.Promise(ctx, campaigns.Callback{ContactID: k.ID, At: when, MadeBy: "boss"}, h.now)
	h.fine(rt, err, store.ErrConflict)
	h.read(rt)
}

func (h *history) reopen(rt *rapid.T) {
	_, err := h.Contacts.ReopenContact(ctx, h.contactOf(rt).ID, "", "boss", h.now)
	h.fine(rt, err, store.ErrConflict)
	h.read(rt)
}

func (h *history) rules(rt *rapid.T) {
	i := rapid.IntRange(0, len(h.campaign)-1).Draw(rt, "campaign")
	changed, err := h.Campaigns.Campaign(ctx, h.campaign[i].ID)
	h.fine(rt, err)
	c := *changed
	h.limit(rt, &c)
	h.campaign[i], err = h.Campaigns.UpdateCampaign(ctx, c, h.now)
	h.fine(rt, err)
}

func (h *history) wait(rt *rapid.T) {
	d := time.Duration(rapid.SampledFrom([]int{0, 1, 2, 6, 12, 60, 150, 288}).Draw(rt, "steps")) * 5 * time.Minute
	for _, a := range slices.Clone(h.open) { // no call is longer
		if a.told != nil && !a.ended && h.now.Add(d).Sub(a.told.dialed) > 4*time.Hour {
			h.end(rt, a, campaigns.NoAnswer)
		}
	}
	h.after(d)
}

// plan compares who is planned, and that nobody is left out who is due and may be called.
func (h *history) plan(rt *rapid.T) {
	c := h.where(rt)
	h.read(rt)
	before := slices.Clone(h.contacts)
	due := map[int64]inquiry{}
	for _, k := range before {
		if k.CampaignID != c.ID || k.State != campaigns.Waiting || k.NextAt.After(h.now) {
			continue
		}
		_, a := h.question(rt, k)
		alone := c.Mode == campaigns.Predictive && a.promised // who promised the call has no agent for it
		if len(h.forbids(a, h.now)) == 0 && !h.busy(a) && !alone {
			due[k.ID] = a
		}
	}
	plan := h.Dialing.Plan
	if c.Mode == campaigns.Predictive {
		plan = h.Dialing.PlanAhead
	}
	planned, err := plan(ctx, c.ID, 20, h.now)
	h.fine(rt, err)
	h.read(rt)
	for _, p := range planned {
		i := slices.IndexFunc(before, func(k campaigns.Contact) bool { return k.ID == p.ContactID })
		if a, may := due[p.ContactID]; !may || a.number != p.Number {
			k := before[i]
			_, a := h.question(rt, k)
			a.number = p.Number
			rt.Fatalf("%s: planned contact %d on %s; the oracle forbids it by %v, busy %v", h.now, k.ID, p.Number, h.forbids(a, h.now),
				h.busy(a))
		}
		h.open = append(h.open, &ours{Attempt: p, crmID: before[i].CRMID})
	}
	for id, a := range due {
		if !slices.ContainsFunc(planned, func(p dialer.Attempt) bool { return p.ContactID == id || h.reaches(p, a.number) }) &&
			!h.busy(a) {
			rt.Fatalf("%s: contact %d may be called on %s and is not planned", h.now, id, a.number)
		}
	}
}

func (h *history) manual(rt *rapid.T) {
	c, number := h.where(rt), h.number(rt)
	h.read(rt)
	var owners []campaigns.Contact
	for _, k := range h.contacts {
		if k.CampaignID == c.ID && slices.Contains(numbersOf(k), number) {
			owners = append(owners, k)
		}
	}
	if len(owners) > 1 {
		rt.Skip("nobody says whose it is")
	}
	ask := inquiry{campaign: c, number: number}
	if len(owners) == 1 {
		_, ask = h.question(rt, owners[0])
		ask.number, ask.automatic = number, false
	}
	a, err := h.Dialing.PlanManual(ctx, byHand(c, number), h.now)
	var refused *dialer.RefusedError
	forbidden := h.forbids(ask, h.now)
	switch {
	case errors.Is(err, dialer.ErrNumberBusy):
		return
	case errors.As(err, &refused) != (len(forbidden) > 0):
		rt.Fatalf("%s: by hand on %s of %s: %v; the oracle forbids it by %v", h.now, number, c.Profile, err, forbidden)
	case refused != nil:
		return
	}
	h.fine(rt, err)
	crmID := ""
	if ask.contact != nil {
		crmID = ask.contact.CRMID
	}
	h.open = append(h.open, &ours{Attempt: a, crmID: crmID})
}

func (h *history) claim(rt *rapid.T) {
	a := h.some(rt, func(a *ours) bool { return a.Owner == "" })
	claimed, err := h.Dialing.Claim(ctx, a.ID, "n", 7, 24*time.Hour, h.now)
	if h.fine(rt, err, dialer.ErrNotClaimed) {
		a.Attempt = claimed.Attempt
		return
	}
	_, err = h.Dialing.Cancel(ctx, a.ID, whyNot, h.now)
	h.fine(rt, err)
	h.forget(a)
}

func (h *history) forget(a *ours) {
	h.open = slices.DeleteFunc(h.open, func(o *ours) bool { return o == a })
}

// dial is the moment that counts: nothing that has happened until now may forbid the call.
func (h *history) dial(rt *rapid.T) {
	a := h.some(rt, func(a *ours) bool { return a.Owner != "" && a.told == nil })
	h.read(rt)
	ask := inquiry{campaign: h.byID(a.CampaignID), number: a.Number, automatic: a.Origin != dialer.ByHand}
	for i := range h.contacts {
		if h.contacts[i].ID == a.ContactID {
			ask.contact = &h.contacts[i]
			ask.promised = a.Origin == dialer.Callback || a.Origin == dialer.ByHand
		}
	}
	forbidden := h.forbids(ask, h.now)
	if err := h.Dialing.Dialed(ctx, a.ID, "n", a.Fence, time.Minute, h.now); !h.fine(rt, err, dialer.ErrFenced) {
		_, err = h.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: "n", Fence: a.Fence, Outcome: campaigns.Unknown, EndedAt: h.now,
			Confirmed: true})
		h.fine(rt, err)
		h.forget(a)
		return
	}
	if len(forbidden) > 0 {
		rt.Fatalf("%s: dialed %s of %s, planned at %s; the oracle forbids it by %v", h.now, a.Number, ask.campaign.Profile,
			a.PreparedAt, forbidden)
	}
	a.told = &told{crmID: a.crmID, number: a.Number, dialed: h.now, automatic: ask.automatic}
	h.calls = append(h.calls, a.told)
}

func (h *history) answer(rt *rapid.T) {
	a := h.some(rt, func(a *ours) bool { return a.rings() })
	if h.fine(rt, h.Dialing.Answered(ctx, a.ID, "n", a.Fence, a.ID.String(), h.now), dialer.ErrFenced) {
		a.told.answered = h.now
	}
}

// abandon has a customer who is called ahead answer while there is no agent.
func (h *history) abandon(rt *rapid.T) {
	a := h.some(rt, func(a *ours) bool { return a.rings() && h.byID(a.CampaignID).Mode == campaigns.Predictive })
	h.fine(rt, h.Dialing.PickedUp(ctx, a.ID, "n", a.Fence, h.now))
	a.told.abandoned = true
	h.end(rt, a, campaigns.Abandoned)
}

func (h *history) close(rt *rapid.T) {
	h.end(rt, h.some(rt, func(a *ours) bool { return a.told != nil && !a.ended }),
		rapid.SampledFrom([]campaigns.Outcome{campaigns.Busy, campaigns.NoAnswer}).Draw(rt, "outcome"))
}

// end closes a call; one that was not answered, with an outcome.
func (h *history) end(rt *rapid.T, a *ours, outcome campaigns.Outcome) {
	c := dialer.Closing{ID: a.ID, Owner: "n", Fence: a.Fence, EndedAt: h.now, Confirmed: true, Outcome: outcome}
	if !a.told.answered.IsZero() {
		c.Outcome, c.CodeDueAt, c.CallTraceID = campaigns.Answered, h.now.Add(time.Hour), a.ID.String()
	}
	_, err := h.Dialing.Close(ctx, c)
	h.fine(rt, err)
	a.told.end, a.ended = h.now, true
	if a.told.answered.IsZero() {
		h.forget(a)
	}
}

func (h *history) code(rt *rapid.T) {
	a := h.some(rt, func(a *ours) bool { return a.ended })
	c := dialer.Coding{ID: a.ID, AgentID: 7, Code: rapid.SampledFrom([]string{"1", "2", "2", "3", "4", "5"}).Draw(rt, "code"),
		Now: h.now}
	if c.Code == "3" {
		c.CallbackAt = h.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "callback")) * 5 * time.Minute)
	}
	h.fine(rt, h.Dialing.SetCode(ctx, c))
	a.told.coded, a.told.meaningful = true, c.Code == "1"
	switch {
	case c.Code == "3" && a.crmID != "":
		h.consents = append(h.consents, campaigns.Consent{CRMID: a.crmID, Kind: campaigns.CallMeAt, At: c.CallbackAt, GivenAt: h.now})
	case c.Code == "4":
		h.entries = append(h.entries, campaigns.Barred{Number: a.Number, CRMID: a.crmID})
		for _, k := range h.contacts {
			if k.ID == a.ContactID && k.CRMID == "" {
				for _, n := range numbersOf(k) {
					h.entries = append(h.entries, campaigns.Barred{Number: n})
				}
			}
		}
	case c.Code == "5":
		h.entries = append(h.entries, campaigns.Barred{Number: a.Number})
	}
	h.forget(a)
}
