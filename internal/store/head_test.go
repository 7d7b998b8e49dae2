package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// refusedHead is a campaign with so many people who may not be called before, and behind, the only one who may: it is
// night where they live, or they are on the do-not-call list.
func (h *house) refusedHead(before, behind int, listed bool) *campaigns.Campaign {
	h.tb.Helper()
	c := h.campaign(func(c *campaigns.Campaign) {
		c.Profile, c.TimeZone = "us-reg-f", "Europe/London"
	})
	_, err := h.Contacts.ImportContacts(ctx, c.ID, func(yield func(campaigns.Line, error) bool) {
		for i := range before + 1 + behind {
			k := somebody(fmt.Sprintf("head-%d-%d", c.ID, i), fmt.Sprintf("+38067%07d", i))
			if k.Name = "refused"; !listed {
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
	var list []campaigns.Barred
	for i := range before + 1 + behind {
		if !listed {
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

// TestOneInTheMiddleOfARefusedStretchIsFound: no sample of the queue meets the one who may be called, so the head is cleared
// until a plan does; nobody is judged twice on the way.
func TestOneInTheMiddleOfARefusedStretchIsFound(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		const before = 2300
		c := s.refusedHead(before, 3000, false)
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
		c := s.refusedHead(700, 900, true)
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

// BenchmarkRefusedHead measures how long an agent waits for a plan behind a hundred thousand people who must not be
// called, where the one who may be is the last, and where it is in the midst of them.
func BenchmarkRefusedHead(b *testing.B) {
	for _, engine := range engines {
		for _, listed := range []bool{true, false} {
			for _, place := range []struct {
				name           string
				before, behind int
			}{{"last", 100_000, 0}, {"middle", 61_234, 38_766}} {
				why := map[bool]string{true: "barred", false: "night"}[listed]
				b.Run(engine.name+"/"+why+"/"+place.name, func(b *testing.B) {
					for range b.N {
						b.StopTimer()
						s := open(b, engine.url(b))
						c := s.refusedHead(place.before, place.behind, listed)
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
