package store_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// long has the tests of histories play as many as `make test-long` does.
var long = flag.Bool("long", false, "play many more random histories")

// TestHistoriesThroughTheGate plays histories of a few people with a record in memory: calls by hand and by the dialer, codes,
// other contacts, consents, do-not-call entries, merges, edits, rules and the clock. What the gate says of everybody then, and
// when it says that they may be called, is compared with the oracle. RINGMASTER_HISTORY=7 plays the seventh again, and tells it.
func TestHistoriesThroughTheGate(t *testing.T) {
	t.Parallel()
	histories := 250
	if *long {
		histories = 100_000
	}
	only := os.Getenv("RINGMASTER_HISTORY")
	for _, profile := range campaigns.Profiles {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			if only != "" {
				var n uint64
				if _, err := fmt.Sscan(only, &n); err != nil {
					t.Fatal(err)
				}
				m := playMemory(profile.Name, n)
				t.Log(strings.Join(m.story, "\n"))
				if m.fault != "" {
					t.Error(m.fault)
				}
				return
			}
			var players sync.WaitGroup
			for player := range runtime.GOMAXPROCS(0) {
				players.Go(func() {
					for n := player; n < histories && !t.Failed(); n += runtime.GOMAXPROCS(0) {
						if m := playMemory(profile.Name, uint64(n)); m.fault != "" {
							t.Errorf("RINGMASTER_HISTORY=%d: %s\n%s", n, m.fault, strings.Join(m.story, "\n"))
						}
					}
				})
			}
			players.Wait()
		})
	}
}

// memory is a record that holds all that has happened in lists.
type memory struct {
	oracle
	*rand.Rand
	campaign *campaigns.Campaign
	now      time.Time
	people   []string
	numbers  []string
	story    []string
	fault    string
}

func playMemory(profile string, n uint64) *memory {
	m := &memory{Rand: rand.New(rand.NewPCG(n, 12)), people: []string{"", "a", "b", "c"},
		numbers: []string{"+380500000001", "+380500000002", "+447712000001", "+12122000001", "+18082000001"}}
	m.now = starts[m.IntN(len(starts))]
	m.campaign = &campaigns.Campaign{ID: 1, Status: campaigns.Running, Mode: campaigns.Progressive, Profile: profile,
		TimeZone: "UTC", MaxAttempts: 2 + m.IntN(8), Ring: time.Minute}
	m.limits()
	for range 1 + m.IntN(4) {
		m.contact()
	}
	for range 5 + m.IntN(25) {
		m.step()
		if m.check(); m.fault != "" {
			break
		}
	}
	return m
}

func (m *memory) tell(format string, args ...any) {
	m.story = append(m.story, m.now.Format("01-02 15:04 ")+fmt.Sprintf(format, args...))
}

func of[T any](m *memory, list []T) T { return list[m.IntN(len(list))] }

func (m *memory) minutes(most int) time.Duration {
	return time.Duration(m.IntN(most+1)) * 5 * time.Minute
}

func (m *memory) limits() {
	l := campaigns.Limits{PerDay: m.IntN(4), MinimumGap: m.minutes(12), MeaningfulPerDay: m.IntN(3)}
	if m.IntN(2) == 0 {
		l.PerPeriod, l.Period = 1+m.IntN(4), time.Duration(1+m.IntN(72))*time.Hour
	}
	m.campaign.Limits, m.campaign.Windows = l, nil
	if m.IntN(4) == 0 {
		m.campaign.Windows = []campaigns.Window{{Cron: "0 10 * * *", Duration: 6 * time.Hour}}
	}
	m.tell("rules %+v %+v, at most %d attempts", l, m.campaign.Windows, m.campaign.MaxAttempts)
}

func (m *memory) contact() {
	k := somebody(of(m, m.people), of(m, m.numbers))
	if second := of(m, m.numbers); second != k.Phones[0].Number {
		k.Phones = append(k.Phones, campaigns.Phone{Number: second})
	}
	k.TimeZone = of(m, []string{"", "", "Europe/Kyiv", "America/New_York", "Asia/Tokyo"})
	k.ID, k.CampaignID, k.State = int64(len(m.contacts)+1), 1, campaigns.Waiting
	if len(m.contacts) < 6 {
		m.contacts = append(m.contacts, k)
	} else {
		i := m.IntN(len(m.contacts))
		k.ID, k.Attempts = m.contacts[i].ID, m.contacts[i].Attempts
		m.contacts[i] = k
	}
	m.tell("contact %d is %q with %v in %q", k.ID, k.CRMID, numbersOf(k), k.TimeZone)
}

func (m *memory) step() {
	switch m.IntN(16) {
	case 0, 1, 2, 3:
		m.call()
	case 4:
		m.meet()
	case 5:
		m.consent()
	case 6:
		if len(m.consents) > 0 {
			i := m.IntN(len(m.consents))
			m.consents[i].WithdrawnAt = m.now
			m.tell("consent %d is withdrawn", i)
		}
	case 7:
		b := campaigns.Barred{At: m.now, Number: of(m, m.numbers)}
		if m.IntN(2) == 0 {
			b.Number, b.CRMID = "", of(m, m.people[1:])
		}
		if d := m.minutes(400); d > 0 {
			b.Expires = m.now.Add(d)
		}
		m.entries = append(m.entries, b)
		m.tell("barred: %s%s until %s", b.Number, b.CRMID, b.Expires)
	case 8:
		if len(m.entries) > 0 {
			i := m.IntN(len(m.entries))
			m.tell("no longer barred: %s%s", m.entries[i].Number, m.entries[i].CRMID)
			m.entries = slices.Delete(m.entries, i, i+1)
		}
	case 9:
		a, b := of(m, m.people[1:]), of(m, m.people[1:])
		all := slices.Concat(m.idsOf(a), m.idsOf(b))
		slices.Sort(all)
		all = slices.Compact(all)
		m.merged = slices.DeleteFunc(m.merged, func(g []string) bool { return slices.Contains(all, g[0]) })
		m.merged = append(m.merged, all)
		m.tell("one person: %v", all)
	case 10:
		m.contact()
	case 11:
		m.limits()
	default:
		m.now = m.now.Add(of(m, []time.Duration{0, 5 * time.Minute, 30 * time.Minute, time.Hour, 5 * time.Hour, 12 * time.Hour,
			24 * time.Hour}))
	}
}

// call is one of ours from its dialing to its code; every tenth is still up when all else goes on.
func (m *memory) call() {
	i := m.IntN(len(m.contacts))
	k := &m.contacts[i]
	c := &told{crmID: k.CRMID, number: of(m, numbersOf(*k)), dialed: m.now, automatic: m.IntN(3) > 0}
	m.calls = append(m.calls, c)
	k.Attempts++
	m.now = m.now.Add(m.minutes(2))
	if m.IntN(2) == 0 {
		c.answered = m.now
		m.now = m.now.Add(m.minutes(12))
	}
	if m.IntN(10) > 0 {
		c.end = m.now
		c.coded = !c.answered.IsZero() && m.IntN(4) > 0
		c.meaningful = c.coded && m.IntN(2) == 0
	}
	m.tell("contact %d was called on %s: %+v", k.ID, c.number, *c)
}

func (m *memory) meet() {
	i := campaigns.Interaction{Kind: of(m, campaigns.InteractionKinds), At: m.now.Add(-m.minutes(60)), Number: of(m, m.numbers)}
	if m.IntN(2) == 0 {
		i.Number, i.CRMID = "", of(m, m.people[1:])
	}
	if i.Kind == campaigns.OutgoingCall || i.Kind == campaigns.InboundCall {
		i.Ring, i.Talk = 5*time.Minute, time.Duration(m.IntN(2))*10*time.Minute
		i.Automatic = i.Kind == campaigns.OutgoingCall && m.IntN(2) == 0
	}
	coded, meaningful := m.IntN(2) == 0, m.IntN(2) == 0
	m.calls = append(m.calls, &told{crmID: i.CRMID, number: i.Number, kind: i.Kind, dialed: i.At, end: i.At.Add(i.Ring + i.Talk),
		rang: i.Ring, talked: i.Talk, automatic: i.Automatic, coded: coded, meaningful: coded && meaningful})
	m.tell("met: %+v", *m.calls[len(m.calls)-1])
}

func (m *memory) consent() {
	c := campaigns.Consent{CRMID: of(m, m.people[1:]), Kind: of(m, campaigns.ConsentKinds), GivenAt: m.now}
	switch c.Kind {
	case campaigns.NotThere:
		c.Number = of(m, m.numbers)
	case campaigns.CallMeAt:
		c.At = m.now.Add(5*time.Minute + m.minutes(300))
	case campaigns.MayCallAt:
		c.From = time.Duration(m.IntN(23)) * time.Hour
		c.To = c.From + time.Hour
		if m.IntN(2) == 0 {
			c.Days = []time.Weekday{time.Weekday(m.IntN(7))}
		}
	}
	if m.IntN(2) == 0 {
		c.ExpiresAt = m.now.Add(time.Duration(1+m.IntN(100)) * time.Hour)
	}
	m.consents = append(m.consents, c)
	m.tell("consent: %+v", c)
}

// question is what the record would ask of a contact.
func (m *memory) question(a inquiry) campaigns.Question {
	ids, numbers, zones := m.who(a)
	q := campaigns.Question{Campaign: m.campaign, Contact: a.contact, Number: a.number, Automatic: a.automatic, Promised: a.promised,
		Zones: zones, Now: m.now}
	for _, e := range m.entries {
		if (e.Number == a.number || e.CRMID != "" && slices.Contains(ids, e.CRMID)) && (e.Expires.IsZero() || m.now.Before(e.Expires)) {
			q.Bar(e)
		}
	}
	for _, c := range m.consents {
		if a.contact.CRMID != "" && slices.Contains(ids, c.CRMID) {
			q.Consents = append(q.Consents, c)
		}
	}
	for _, c := range m.calls {
		if c.crmID != "" && slices.Contains(ids, c.crmID) || c.number != "" && slices.Contains(numbers, c.number) {
			q.Past = append(q.Past, c.past())
		}
	}
	return q
}

// past is a call as the record has it.
func (c *told) past() campaigns.PastCall {
	p := campaigns.PastCall{Kind: c.kind, Number: c.number, DialedAt: c.dialed, EndedAt: c.end, Dialing: c.rang, Talk: c.talked,
		Automatic: c.automatic, Meaningful: c.meaningful, Uncoded: c.kind != "" && !c.coded}
	switch {
	case c.kind != "":
	case !c.answered.IsZero():
		p.Dialing, p.Uncoded = c.answered.Sub(c.dialed), !c.coded
		if !c.end.IsZero() {
			p.Talk = c.end.Sub(c.answered)
		}
	case !c.end.IsZero():
		p.Dialing = c.end.Sub(c.dialed)
	}
	return p
}

// check compares what the gate says of everybody with the oracle, now and, of one, at samples of the time until the first lawful
// moment.
func (m *memory) check() {
	of := m.IntN(3 * len(m.contacts))
	for i := range m.contacts {
		k := &m.contacts[i]
		a := inquiry{campaign: m.campaign, contact: k, promised: m.IntN(5) == 0, number: k.Phones[m.IntN(len(k.Phones))].Number,
			automatic: m.IntN(5) > 0}
		q := m.question(a)
		v, forbidden := campaigns.Decide(q), m.forbids(a, m.now)
		if v.Permit == (len(forbidden) > 0) {
			m.fault = fmt.Sprintf("%s: contact %d on %s: permit %v by %+v; the oracle forbids it by %v", m.now, k.ID, a.number, v.Permit,
				v.Refusals, forbidden)
			return
		}
		if i == of && !slices.Contains(forbidden, "in_call") {
			m.next(a, q)
		}
	}
}

func (m *memory) next(a inquiry, q campaigns.Question) {
	limit := m.now.Add(9 * 24 * time.Hour)
	got := campaigns.NextPermit(q)
	if got.IsZero() || got.After(limit) {
		got = limit
	} else if by := m.forbids(a, got); len(by) > 0 {
		m.fault = fmt.Sprintf("%s: contact %d on %s may be called from %s, says the gate; the oracle forbids it by %v", m.now,
			a.contact.ID, a.number, got, by)
		return
	}
	steps := int(got.Sub(m.now) / (5 * time.Minute))
	for n := range 12 {
		if steps == 0 {
			return
		}
		at := m.now.Add(time.Duration(m.IntN(steps)) * 5 * time.Minute)
		if n == 0 {
			at = got.Add(-5 * time.Minute)
		}
		if len(m.forbids(a, at)) == 0 {
			m.fault = fmt.Sprintf("%s: contact %d on %s may be called from %s, says the gate; the oracle permits it at %s", m.now,
				a.contact.ID, a.number, got, at)
		}
	}
}
