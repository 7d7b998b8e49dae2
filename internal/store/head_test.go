package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// barredHead is a campaign with so many people on the do-not-call list before, and behind, the only one who may be called.
func (h *house) barredHead(before, behind int) *campaigns.Campaign {
	h.tb.Helper()
	c := h.campaign()
	_, err := h.Contacts.ImportContacts(ctx, c.ID, func(yield func(campaigns.Line, error) bool) {
		for i := range before + 1 + behind {
			k := somebody(fmt.Sprintf("head-%d-%d", c.ID, i), fmt.Sprintf("+38067%07d", i))
			k.Name = "barred"
			if i == before {
				k.CRMID, k.Name = fmt.Sprintf("free-%d", c.ID), "free"
			}
			if !yield(campaigns.Line{Number: i + 2, Contact: k}, nil) {
				return
			}
		}
	}, h.now)
	h.must(err)
	var list []campaigns.Barred
	for i := range before + 1 + behind {
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
		c := s.barredHead(before, 3000)
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

// BenchmarkRefusedHead measures how long an agent waits for a plan behind a hundred thousand people on the do-not-call list,
// where the one who may be called is the last, and how long where it is in the midst of them.
func BenchmarkRefusedHead(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			for _, place := range []struct {
				name           string
				before, behind int
			}{{"last", 100_000, 0}, {"middle", 61_234, 38_766}} {
				b.Run(place.name, func(b *testing.B) {
					for range b.N {
						b.StopTimer()
						s := open(b, engine.url(b))
						c := s.barredHead(place.before, place.behind)
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
		})
	}
}
