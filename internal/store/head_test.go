package store_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// refusedHead is a campaign with so many people who may not be called before, and behind, the only one who may: it is
// night where they live, they are barred, or they were met today.
func (h *house) refusedHead(before, behind int, why string) *campaigns.Campaign {
	h.tb.Helper()
	c := h.campaign(func(c *campaigns.Campaign) {
		c.Profile, c.TimeZone, c.Limits.PerDay = "us-reg-f", "Europe/London", 1
	})
	_, err := h.Contacts.ImportContacts(ctx, c.ID, func(yield func(campaigns.Line, error) bool) {
		for i := range before + 1 + behind {
			k := somebody(fmt.Sprintf("head-%d-%d", c.ID, i), fmt.Sprintf("+38067%07d", i))
			if k.Name, k.TimeZone = "refused", "Europe/London"; why == "night" {
				k.TimeZone = "America/Los_Angeles"
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
	if why == "met" {
		db := h.DB()
		_, err := db.Exec(fmt.Sprintf(`INSERT INTO interactions
			(external_id, kind, crm_id, at, ring_ms, talk_ms, automatic, note, made_by, created_at)
			SELECT crm_id, 'sms', crm_id, %d, 0, 0, FALSE, '', '', %[1]d FROM contacts WHERE campaign_id = %d AND name = 'refused'`,
			h.now.Add(-time.Hour).UnixMilli(), c.ID))
		h.must(errors.Join(err, db.Close()))
	}
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

// TestAZoneThatIsClosedIsPassedOver: whoever may be called is found by the first plan, wherever they stand among people where
// it is night; nobody of those is touched, and all are due in the very minute in which it is day there.
func TestAZoneThatIsClosedIsPassedOver(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.refusedHead(700, 900, "night")
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "free" {
			t.Errorf("planned: %q", got)
		}
		more, err := s.Dialing.Clear(ctx, c.ID, s.now)
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

// TestOneInTheMiddleOfARefusedStretchIsFound: no sample of the queue meets the one who may be called, so the head is cleared
// until a plan does; nobody is judged twice on the way.
func TestOneInTheMiddleOfARefusedStretchIsFound(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		const before = 2300
		c := s.refusedHead(before, 3000, "met")
		rounds := 0
		for ; ; rounds++ {
			if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got == "free" {
				break
			} else if got != "" {
				t.Fatalf("planned: %s", got)
			}
			more, err := s.Dialing.Clear(ctx, c.ID, s.now)
			s.must(err)
			if !more && rounds > 20 {
				t.Fatal("the one who may be called is not found")
			}
		}
		if rounds > before/500+1 {
			t.Errorf("found after %d rounds", rounds)
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

// BenchmarkRefusedHead measures how long an agent waits for a plan behind a hundred thousand people (or a million) who must not
// be called, where the one who may be is the last, and where it is in the midst of them.
func BenchmarkRefusedHead(b *testing.B) {
	people := 100_000
	if os.Getenv("RINGMASTER_BENCH_MILLION") != "" {
		people = 1_000_000
	}
	for _, engine := range engines {
		for _, why := range []string{"night", "barred", "met"} {
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
						began := time.Now()
						var longest time.Duration
						for {
							asked := time.Now()
							got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now))
							longest = max(longest, time.Since(asked))
							if strings.Contains(got, "free") {
								break
							}
							_, err := s.Dialing.Clear(ctx, c.ID, s.now)
							s.must(err)
						}
						b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-to-the-call")
						b.ReportMetric(float64(longest.Milliseconds()), "ms-longest-plan")
					}
				})
			}
		}
	}
}
