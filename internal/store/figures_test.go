package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// TestCallsOfAgent: an attempt is its agent's from the claim on, and nobody else's.
func TestCallsOfAgent(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(), s.person())
		planned, err := s.Dialing.Plan(ctx, c.ID, 2, s.now)
		s.must(err)
		if list, err := s.Attempts.OpenCalls(ctx, 0, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("planned is not up: %v, %v", list, err)
		}
		for i, agent := range []int64{7, 8} {
			_, err = s.Dialing.Claim(ctx, planned[i].ID, "n1", agent, time.Minute, s.now)
			s.must(err)
		}
		for _, agent := range []int64{7, 8, 9} {
			list, err := s.Attempts.Attempts(ctx, dialer.AttemptFilter{AgentID: agent}, 0, 10)
			s.must(err)
			want := 1
			if agent == 9 {
				want = 0
			}
			if len(list) != want || want == 1 && list[0].AgentID != agent {
				t.Errorf("agent %d: %+v", agent, list)
			}
			f, err := s.Attempts.AgentFigures(ctx, agent, s.now.Add(-time.Hour), s.now.Add(time.Hour), s.now)
			s.must(err)
			if f.Calls != 0 || f.Talks != 0 {
				t.Errorf("nothing was dialed: %+v", f)
			}
		}
		list, err := s.Attempts.OpenCalls(ctx, c.ID, 0, 10)
		s.must(err)
		if len(list) != 2 || list[0].ID >= list[1].ID {
			t.Errorf("up: %+v", list)
		}
		people, err := s.Contacts.ContactsByID(ctx, []int64{list[0].ContactID, 999})
		if s.must(err); len(people) != 1 || people[0].State != campaigns.Calling {
			t.Errorf("%+v", people)
		}
	})
}
