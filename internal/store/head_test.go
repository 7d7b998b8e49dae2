package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// refusedHead is a campaign with so many people who may not be called before, and behind, the only one who may: it is
// night where they live, they are barred, or by what has happened with them, of which nothing has put them off. They were "met"
// today, "dialed" today, met after the least "gap" began, have talked and "rest", or were met at a "number" that may be
// anybody's. The one who may be called was met before it mattered.
func (h *house) refusedHead(before, behind int, why string) *campaigns.Campaign {
	h.tb.Helper()
	c := h.campaign(func(c *campaigns.Campaign) {
		c.Profile, c.TimeZone, c.Limits.PerDay = "us-reg-f", "Europe/London", 1
		if why == "gap" {
			c.Limits = campaigns.Limits{MinimumGap: 2 * time.Hour}
		}
	})
	_, err := h.Contacts.ImportContacts(ctx, c.ID, func(yield func(campaigns.Line, error) bool) {
		for i := range before + 1 + behind {
			k := somebody(fmt.Sprintf("head-%d-%d", c.ID, i), fmt.Sprintf("+38067%07d", i))
			if k.Name, k.TimeZone = "refused", "Europe/London"; why == "night" {
				k.TimeZone = "America/Los_Angeles"
			}
			if why == "number" {
				k.CRMID = ""
			}
			if i == before {
				k.CRMID, k.Name, k.TimeZone = fmt.Sprintf("free-%d", c.ID), "free", "Europe/London"
			}
			if !yield(campaigns.Line{Number: i + 2, Contact: k}, nil) {
				return
			}
		}
	}, h.now)
	h.must(err)
	h.happened(c, why)
	var list []campaigns.Barred
	for i := range before + 1 + behind {
		if why != "barred" {
			break
		}
		list = append(list, campaigns.Barred{CRMID: fmt.Sprintf("head-%d-%d", c.ID, i), At: h.now, Expires: h.now.AddDate(0, 1, 0)})
		if len(list) == 1000 || i == before+behind {
			_, err := h.Contacts.BarAll(ctx, list)
			h.must(err)
			list = list[:0]
		}
	}
	return c
}

// happened puts into the record, past everything that would put anybody off, what has happened with the people of a refused head.
func (h *house) happened(c *campaigns.Campaign, why string) {
	h.tb.Helper()
	const number = `substr(phones, 13, 13)` // behind [{"number":"
	meet := func(whom, number, kind, which string, ago time.Duration) string {
		return fmt.Sprintf(`INSERT INTO interactions
			(external_id, kind, crm_id, number, at, ring_ms, talk_ms, automatic, note, made_by, created_at)
			SELECT %d || '-' || id, '%s', %s, %s, %d, 0, 0, FALSE, '', '', %[5]d FROM contacts
			WHERE campaign_id = %[1]d AND name = '%[6]s'`, c.ID, kind, whom, number, h.now.Add(-ago).UnixMilli(), which)
	}
	free := meet(`crm_id`, `NULL`, "sms", "free", 14*time.Hour) // yesterday
	var queries []string
	switch why {
	case "met", "gap":
		queries = []string{meet(`crm_id`, `NULL`, "sms", "refused", time.Hour), free}
	case "rest":
		queries = []string{meet(`crm_id`, `NULL`, "inbound_call", "refused", 50*time.Hour),
			meet(`crm_id`, `NULL`, "inbound_call", "free", 8*24*time.Hour)}
	case "number":
		queries = []string{meet(`NULL`, number, "sms", "refused", time.Hour), free}
	case "dialed":
		queries = []string{fmt.Sprintf(`INSERT INTO attempts (id, campaign_id, person, number, origin, state, owner, fence, lease_until,
			valid_until, prepared_at, claimed_at, dialed_at, ended_at, outcome)
			SELECT id, campaign_id, crm_id, `+number+`, 'automatic', 'closed', 'other', 1, %[1]d, %[1]d, %[1]d, %[1]d, %[1]d, %[1]d, 'busy'
			FROM contacts WHERE campaign_id = %[2]d AND name = 'refused'`, h.now.Add(-time.Hour).UnixMilli(), c.ID), free}
	}
	db := h.DB()
	for _, query := range queries {
		_, err := db.Exec(query)
		h.must(err)
	}
	h.must(db.Close())
}

// TestAZoneThatIsClosedIsPassedOver: whoever may be called is found by the first plan, wherever they stand among people where
// it is night; nobody of those is touched, and all are due in the very minute in which it is day there.
func TestAZoneThatIsClosedIsPassedOver(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.refusedHead(700, 900, "night")
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "free" {
			t.Errorf("planned: %q", got)
		}
		more, err := s.Queues.Clear(ctx, c.ID, s.now)
		s.must(err)
		if more {
			t.Error("there is more to clear")
		}
		db := s.DB()
		defer func() { _ = db.Close() }()
		var moved int
		s.must(db.QueryRow(`SELECT count(*) FROM contacts WHERE put_off`).Scan(&moved))
		if moved > 0 {
			t.Errorf("%d are put off at night", moved)
		}
		s.now = time.Date(2026, 3, 3, 15, 59, 0, 0, time.UTC) // one minute before eight in California
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "" {
			t.Errorf("planned at night: %q", got)
		}
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.after(time.Minute))); got != "refused" {
			t.Errorf("planned in the morning: %q", got)
		}
	})
}

// TestMoreIsKnownThanTheRowSays: who is known to be, or wishes to be called, where and when it is open is planned, though by the
// own row it is night; in whatever order that became known.
func TestMoreIsKnownThanTheRowSays(t *testing.T) {
	wish := campaigns.Consent{CRMID: "2", Kind: campaigns.MayCallAt, To: 24 * time.Hour, Source: "a letter", GivenAt: noon}
	elsewhere := func(s *house) {
		k := somebody("2", n2)
		k.TimeZone = "Europe/London"
		s.add(s.campaign(), k)
	}
	for _, tt := range []struct {
		name string
		know func(s *house, c *campaigns.Campaign)
	}{
		{"a zone", func(s *house, _ *campaigns.Campaign) { elsewhere(s) }},
		{"a wish", func(s *house, _ *campaigns.Campaign) {
			_, err := s.People.Consent(ctx, wish, s.now)
			s.must(err)
		}},
		{"another id", func(s *house, c *campaigns.Campaign) {
			k := somebody("3", n3)
			k.TimeZone = "Europe/London"
			s.add(s.campaign(), k)
			s.must(s.People.Merge(ctx, "2", []string{"3"}, "boss", "", s.now))
		}},
	} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprint(tt.name, before), func(t *testing.T) {
				each(t, func(t *testing.T, s *house) {
					c := s.campaign(func(c *campaigns.Campaign) { c.Profile, c.TimeZone = "us-reg-f", "America/New_York" })
					if before {
						tt.know(s, c)
					}
					list := []campaigns.Contact{somebody("1", "+18082000001"), somebody("2", "+18082000002"), somebody("4", "+442072000003")}
					for i := range list {
						list[i].Name = list[i].CRMID
					}
					s.add(c, list...)
					if !before {
						if got := s.names(s.Dialing.Plan(ctx, c.ID, 9, s.now)); got != "4" {
							t.Errorf("planned %q before it is known", got)
						}
						s.giveAllBack()
						tt.know(s, c)
						s.after(time.Minute)
					}
					got := s.names(s.Dialing.Plan(ctx, c.ID, 9, s.now))
					if got != "2 4" {
						t.Errorf("planned %q, want 2 and 4", got)
					}
				})
			})
		}
	}
}

// TestOneInTheMiddleOfARefusedStretchIsFound: whoever may be called is found by a few plans, in the midst of people whom policy
// refuses for what has happened with them, though nobody has put them off: each plan walks down a part of the queue at least, and
// the next one goes on from there.
func TestOneInTheMiddleOfARefusedStretchIsFound(t *testing.T) {
	const stretch = 5000 // what a plan walks at least
	for _, tt := range []struct {
		why    string
		before int
	}{{"met", 11_000}, {"dialed", 6000}, {"gap", 6000}, {"rest", 6000}, {"number", 6000}} {
		t.Run(tt.why, func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				c := s.refusedHead(tt.before, 300, tt.why)
				for range tt.before/stretch + 1 {
					if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got == "free" {
						return
					} else if got != "" {
						t.Fatalf("planned: %s", got)
					}
				}
				t.Errorf("not found by %d plans", tt.before/stretch+1)
			})
		})
	}
}

// TestSeekGoesOnWhereAPlanHasEnded: without a plan or a lock, to the first who may be called; and a plan begins there.
func TestSeekGoesOnWhereAPlanHasEnded(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.refusedHead(11_000, 300, "met")
		found, more := false, true
		for looks := 0; more; looks++ {
			var err error
			found, more, err = s.Queues.Seek(ctx, c.ID, false, s.now)
			s.must(err)
			if looks > 3 {
				t.Fatal("a stretch is walked more than once")
			}
		}
		if !found {
			t.Fatal("not found")
		}
		db := s.DB()
		defer func() { _ = db.Close() }()
		var moved int
		s.must(db.QueryRow(`SELECT count(*) FROM contacts WHERE put_off OR state <> 'waiting'`).Scan(&moved))
		if moved > 0 {
			t.Errorf("%d contacts are changed by a look", moved)
		}
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "free" {
			t.Errorf("planned: %q", got)
		}
		found, _, err := s.Queues.Seek(ctx, c.ID, false, s.now)
		s.must(err)
		if found {
			t.Error("somebody is found who is called already")
		}
	})
}

// TestTheListStandsInNobodysWay: whom an entry of the do-not-call list bars is put off when the entry is made, or when
// the contact comes, and the first plan finds who may be called, wherever they stand.
func TestTheListStandsInNobodysWay(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.refusedHead(700, 900, "barred")
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "free" {
			t.Errorf("barred after the import, planned: %q", got)
		}
		other := s.campaign()
		var list []campaigns.Contact
		for i := range 700 {
			list = append(list, somebody(fmt.Sprintf("head-%d-%d", c.ID, i), fmt.Sprintf("+38068%07d", i)))
		}
		list[350].CRMID, list[350].Name = "another", "free"
		s.add(other, list...)
		if got := s.names(s.Dialing.Plan(ctx, other.ID, 1, s.now)); got != "free" {
			t.Errorf("barred before the import, planned: %q", got)
		}
	})
}

// TestWhoWasMetStandsInNobodysWay: whom something that happens bars in any campaign is put off when it is recorded, or when the
// contact comes, and is due again in the first moment in which a call is lawful; whom it does not bar, and to whom a call was
// promised, stay as they are.
func TestWhoWasMetStandsInNobodysWay(t *testing.T) {
	meet := func(s *house, id, crmID, number string) {
		_, _, err := s.People.Meet(ctx, campaigns.Interaction{ExternalID: id, Kind: campaigns.Visit, CRMID: crmID, Number: number,
			At: s.now}, s.now)
		s.must(err)
	}
	call := func(s *house) { // in a campaign of its own, by another number
		other := s.campaign()
		s.add(other, somebody("met", n2))
		s.close(s.dial(other), campaigns.NoAnswer)
	}
	for _, tt := range []struct {
		name string
		put  func(s *house)
	}{
		{"met", func(s *house) { meet(s, "1", "met", "") }},
		{"met by the number", func(s *house) { meet(s, "1", "", n1) }},
		{"called elsewhere", call},
		{"talked elsewhere", func(s *house) {
			other := s.campaign()
			s.add(other, somebody("met", n2))
			s.talkOf(s.plan(other), "1")
		}},
	} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprint(tt.name, before), func(t *testing.T) {
				each(t, func(t *testing.T, s *house) {
					c := s.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay = 1 })
					loose := s.campaign()
					if before {
						tt.put(s)
					}
					for _, to := range []*campaigns.Campaign{c, loose} {
						s.add(to, somebody("met", n1), somebody("other", n3))
					}
					if !before {
						tt.put(s)
					}
					midnight := s.now.Truncate(24 * time.Hour).Add(24 * time.Hour)
					testdeps.Eventually(t, "the person is put off", func() bool { return s.dueOf(c, "met").Equal(midnight) })
					for _, k := range append(s.listOf(c), s.listOf(loose)...) {
						if (k.CRMID != "met" || k.CampaignID != c.ID) && k.NextAt.After(s.now) {
							t.Errorf("%s in campaign %d is put off to %s", k.CRMID, k.CampaignID, k.NextAt)
						}
					}
				})
			})
		}
	}
	t.Run("promised", func(t *testing.T) {
		each(t, func(t *testing.T, s *house) {
			c := s.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay = 1 })
			s.add(c, somebody("met", n1))
			at := s.now.Add(time.Hour)
			_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: s.listOf(c)[0].ID, At: at, MadeBy: "boss"}, s.now)
			s.must(err)
			meet(s, "1", "met", "")
			if got := s.listOf(c)[0].NextAt; !got.Equal(at) {
				t.Errorf("the callback is due at %s, want %s", got, at)
			}
		})
	})
}

// dueOf is when the person in a campaign is due.
func (h *house) dueOf(c *campaigns.Campaign, crmID string) time.Time {
	h.tb.Helper()
	list := h.listOf(c)
	return list[slices.IndexFunc(list, func(k campaigns.Contact) bool { return k.CRMID == crmID })].NextAt
}

// BenchmarkRefusedHead measures how long an agent waits for a plan behind a hundred thousand people (or a million) who must not
// be called, where the one who may be is the last, and where it is in the midst of them.
func BenchmarkRefusedHead(b *testing.B) {
	people := testdeps.People(b, 100_000)
	for _, engine := range engines {
		for _, why := range []string{"night", "barred", "met", "dialed", "gap", "rest", "number"} {
			for _, place := range []struct {
				name   string
				before int
			}{{"last", people}, {"middle", people * 61234 / 100_000}} {
				b.Run(engine.name+"/"+why+"/"+place.name, func(b *testing.B) {
					for range b.N {
						b.StopTimer()
						s := open(b, engine.url(b))
						c := s.refusedHead(place.before, people-place.before, why)
						b.StartTimer()
						began, rounds := time.Now(), 0
						var first, longest time.Duration
						for {
							asked := time.Now()
							got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now))
							longest = max(longest, time.Since(asked))
							if rounds++; rounds == 1 {
								first = longest
							}
							if strings.Contains(got, "free") {
								break
							}
							for found, more := false, true; more && !found; { // as the pacer does
								var err error
								found, more, err = s.Queues.Seek(ctx, c.ID, false, s.now)
								s.must(err)
							}
						}
						b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-to-the-call")
						b.ReportMetric(float64(first.Milliseconds()), "ms-first-plan")
						b.ReportMetric(float64(longest.Milliseconds()), "ms-longest-plan")
						b.ReportMetric(float64(rounds), "plans")
					}
				})
			}
		}
	}
}
