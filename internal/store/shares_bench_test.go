package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// intoLists spreads a campaign's contacts over so many lists, one after the other, and returns the lists' ids.
func (h *house) intoLists(c *campaigns.Campaign, lists int) []int64 {
	h.tb.Helper()
	db := h.DB()
	defer func() { _ = db.Close() }()
	ids := make([]int64, lists)
	for i := range ids {
		h.must(db.QueryRow(`INSERT INTO lists (campaign_id, name, made_by, created_at) VALUES ($1, $2, 'boss', $3) RETURNING id`, c.ID,
			fmt.Sprint("list ", i), h.now.UnixMilli()).Scan(&ids[i]))
	}
	_, err := db.Exec(fmt.Sprintf(`UPDATE contacts SET list_id = %d + id %% %d WHERE campaign_id = %d`, ids[0], lists, c.ID))
	h.must(err)
	return ids
}

// BenchmarkNextDue measures a plan of one call among a hundred thousand contacts, or as many as are told, of 1, 10 and 100 lists,
// which share the calls or stand in the campaign's order.
func BenchmarkNextDue(b *testing.B) {
	for _, engine := range engines {
		for _, lists := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/%d", engine.name, lists), func(b *testing.B) {
				s := open(b, engine.url(b))
				c := s.campaign()
				_, err := s.Contacts.ImportContacts(ctx, c.ID, numbered(testdeps.People(b, 100_000)), s.now)
				s.must(err)
				ids := s.intoLists(c, lists)
				db := s.DB()
				for _, tidy := range []string{"VACUUM", "ANALYZE"} { // every row was written twice
					_, err = db.Exec(tidy)
					s.must(err)
				}
				s.must(db.Close())
				plan := func(b *testing.B) {
					for range b.N {
						planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now)
						if err != nil || len(planned) != 1 {
							b.Fatalf("planned %d: %v", len(planned), err)
						}
						b.StopTimer()
						_, err = s.Dialing.CancelStale(ctx, s.now.Add(time.Hour), s.now)
						s.must(err)
						b.StartTimer()
					}
				}
				b.Run("in-order", plan)
				for i, id := range ids {
					s.share(id, 1+i%3, 1_000_000)
				}
				b.Run("shared", plan)
			})
		}
	}
}
