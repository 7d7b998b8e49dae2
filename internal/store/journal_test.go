package store_test

import (
	"context"
	"sync"
	"testing"

	"github.com/creditorro/ringmaster/webhook"
)

// Many write at once; a reader who goes on from its last place misses nothing and sees nothing twice.
func TestJournalLeavesNothingOut(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		s.endpoint(func(e *webhook.Endpoint) { e.Types = []webhook.Type{webhook.AgentStateChanged} })
		const writers, events = 8, 40
		reading, stop := context.WithCancel(ctx)
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for range events {
					if err := s.Journal.AgentStateChanged(ctx, webhook.Agent{ID: int64(w + 1), Login: "x", State: "paused"}, s.now); err != nil {
						t.Error(err)
					}
				}
			})
		}
		go func() { writing.Wait(); stop() }()
		seen, after := map[string]bool{}, int64(0)
		for more := true; more; {
			more = reading.Err() == nil // once more after the last write
			list, err := s.Journal.Events(ctx, webhook.Filter{After: after}, 10)
			s.must(err)
			for _, e := range list {
				if seen[e.ID] || e.Position <= after {
					t.Errorf("%s again, or out of order", e.ID)
				}
				seen[e.ID], after, more = true, e.Position, true
			}
		}
		if len(seen) != writers*events {
			t.Errorf("%d of %d events", len(seen), writers*events)
		}
	})
}
