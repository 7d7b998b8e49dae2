package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

// TestClockSetBack: what was written, leased and tried by a clock an hour ahead is due by the clock as it is; what waits by right
// goes on waiting.
func TestClockSetBack(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		waiting := s.endpoint()
		c := s.campaign()
		s.add(c, s.person())
		s.talk(c)
		first := s.due(waiting)
		if len(first) != 1 {
			t.Fatalf("due %+v", first)
		}
		s.record(waiting, first[0].ID, webhook.Refused) // its probe is seconds away
		if n, err := s.Webhooks.PullDeliveries(ctx, s.now); err != nil || n != 0 {
			t.Errorf("pulled %d, %v with a clock that is right", n, err)
		}
		if list := s.due(waiting); len(list) != 0 {
			t.Errorf("a failed delivery did not wait: %+v", list)
		}

		right := s.now
		s.after(time.Hour)
		e := s.endpoint(func(e *webhook.Endpoint) { e.Types = []webhook.Type{webhook.AgentStateChanged} })
		s.must(s.Journal.AgentStateChanged(ctx, webhook.Agent{ID: 3, Login: "x", State: "paused"}, s.now))
		leased := s.due(e)
		if len(leased) != 1 {
			t.Fatalf("due by the clock that is ahead: %+v", leased)
		}
		s.now = right.Add(time.Minute)
		if list := s.due(e); len(list) != 0 {
			t.Fatalf("due although it was written in an hour: %+v", list)
		}
		if n, err := s.Webhooks.PullDeliveries(ctx, s.now); err != nil || n == 0 {
			t.Errorf("pulled %d, %v", n, err)
		}
		if list := s.due(e); len(list) != 1 || list[0].ID != leased[0].ID {
			t.Errorf("due after the clock was set back: %+v", list)
		}
		if list := s.due(waiting); len(list) == 0 {
			t.Error("the one whose probe was due is not asked")
		}
	})
}
