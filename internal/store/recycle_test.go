package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// TestRecycling: each filter alone lets those through whom it names, and nobody else; whom the list has finished otherwise stays finished.
func TestRecycling(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 1 })
		s.imports(c, "spring", campaigns.NewOnly, list(listed("1", "Ann", "", "phone:01"), listed("2", "Bob", "", "phone:02"), listed("3", "Cid", "", "phone:03")))
		first := s.dial(c)
		s.close(first, campaigns.NoAnswer)
		early := s.after(time.Hour)
		s.close(s.dial(c), campaigns.NoAnswer)
		third := s.dial(c)
		s.close(third, campaigns.NoAnswer)
		_, err := s.Contacts.ReopenContact(ctx, third.ContactID, "not paid", "boss", s.now)
		s.must(err)
		_, err = s.Contacts.FinishContact(ctx, third.ContactID, "paid", "boss", s.now)
		s.must(err)
		s.after(time.Minute)
		for _, tt := range []struct {
			name string
			r    campaigns.Recycling
			want int
		}{
			{"a reason that nobody has", campaigns.Recycling{Reasons: []string{"no_number"}}, 0},
			{"a code that nobody has", campaigns.Recycling{Codes: []string{"1"}}, 0},
			{"called at most never", campaigns.Recycling{MaxAttempts: 0, CalledBefore: early.Add(-2 * time.Hour)}, 0},
			{"not called since", campaigns.Recycling{CalledBefore: early}, 1},
			{"nobody twice", campaigns.Recycling{CalledBefore: early}, 0},
			{"all who were not reached", campaigns.Recycling{ResetAttempts: true}, 1},
			{"by hand", campaigns.Recycling{Reasons: []string{campaigns.FinishedByHand}, MaxAttempts: 1}, 1},
		} {
			n, err := s.Imports.RecycleList(ctx, 1, tt.r, "boss", s.now)
			s.must(err)
			if n != tt.want {
				t.Errorf("%s: %d are called again, want %d", tt.name, n, tt.want)
			}
		}
		one, err := s.Contacts.Contact(ctx, first.ContactID)
		s.must(err)
		if one.State != campaigns.Waiting || one.Attempts != 1 {
			t.Errorf("recycled without counting anew: %+v", one)
		}
	})
}
