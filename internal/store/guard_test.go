package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

func TestOneClaimWins(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(), s.person(), s.person())
		planned, err := s.Dialing.Plan(ctx, c.ID, 3, s.now)
		s.must(err)
		var wins, losses atomic.Int64
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				for _, a := range planned {
					_, err := s.Dialing.Claim(ctx, a.ID, fmt.Sprintf("node-%d", i), 0, time.Minute, s.now)
					switch {
					case err == nil:
						wins.Add(1)
					case errors.Is(err, dialer.ErrNotClaimed):
						losses.Add(1)
					default:
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if wins.Load() != 3 || losses.Load() != 69 {
			t.Errorf("%d claims of 3 attempts, %d refused", wins.Load(), losses.Load())
		}
		for _, a := range planned {
			if got := s.attempt(a.ID); got.Fence != 1 {
				t.Errorf("fence %d", got.Fence)
			}
		}
	})
}

// planAll plans until nobody is due.
func (h *house) planAll(campaignID int64) (all []dialer.Attempt) {
	h.tb.Helper()
	for {
		planned, err := h.Dialing.Plan(ctx, campaignID, 100, h.now)
		h.must(err)
		if len(planned) == 0 {
			return all
		}
		all = append(all, planned...)
	}
}

// TestTwoPlannersShareACampaign has two processes plan campaigns whose lists overlap.
func TestTwoPlannersShareACampaign(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, b := s.campaign(), s.campaign()
		var people []campaigns.Contact
		for range 60 {
			people = append(people, s.person())
		}
		s.add(a, people...)
		s.add(b, people...)
		other, err := store.Open(ctx, s.url, store.Options{IDs: s.ids}) // at a clock that stands two would make the same ones
		s.must(err)
		defer other.Disconnect()

		var mu sync.Mutex
		contacts, numbers := map[int64]int{}, map[string]int{}
		var wg sync.WaitGroup
		for _, node := range []*store.Store{s.Store, other} {
			for _, c := range []int64{a.ID, b.ID} {
				wg.Go(func() {
					for range 8 {
						planned, err := node.Dialing.Plan(ctx, c, 10, s.now)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						for _, p := range planned {
							contacts[p.ContactID]++
							numbers[p.Number]++
						}
						mu.Unlock()
					}
				})
			}
		}
		wg.Wait()
		for _, c := range []int64{a.ID, b.ID} { // what they have passed over because the others were at it
			for _, p := range s.planAll(c) {
				contacts[p.ContactID]++
				numbers[p.Number]++
			}
		}
		if len(numbers) != 60 {
			t.Errorf("%d of 60 people planned", len(numbers))
		}
		for number, n := range numbers {
			if n != 1 {
				t.Errorf("%s is in %d open attempts", number, n)
			}
		}
		for id, n := range contacts {
			if n != 1 {
				t.Errorf("contact %d is in %d open attempts", id, n)
			}
		}
	})
}

func TestANumberAndAPersonAreInOneCall(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, b := s.campaign(), s.campaign()
		s.add(a, campaigns.Contact{CRMID: "p1", Phones: []campaigns.Phone{{Number: "+447700900001"}}})
		s.add(b, campaigns.Contact{CRMID: "p2", Phones: []campaigns.Phone{{Number: "+447700900001"}}},
			campaigns.Contact{CRMID: "p1", Phones: []campaigns.Phone{{Number: "+447700900002"}}})
		first := s.plan(a)
		planned, err := s.Dialing.Plan(ctx, b.ID, 5, s.now)
		s.must(err)
		if len(planned) != 0 {
			t.Errorf("planned beside an open attempt: %+v", planned)
		}
		_, err = s.Dialing.Cancel(ctx, first.ID, reason.Reason{}, s.now)
		s.must(err)
		for range 2 { // one after the other: p1 has the number too, at which p2 is called
			if planned, err = s.Dialing.Plan(ctx, b.ID, 5, s.after(2*time.Minute)); err != nil || len(planned) != 1 {
				t.Fatalf("planned %d after the end, want 1: %v", len(planned), err)
			}
			_, err = s.Dialing.Cancel(ctx, planned[0].ID, reason.Reason{}, s.now)
			s.must(err)
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: planned[0].Person, At: s.now})) // the other one's turn
		}
	})
}

func TestWhatHappensBetweenPlanAndClaim(t *testing.T) {
	tests := []struct {
		name string
		do   func(s *house, c *campaigns.Campaign, a dialer.Attempt)
		then error
	}{
		{"nothing", func(*house, *campaigns.Campaign, dialer.Attempt) {}, nil},
		{"the permit ran out", func(s *house, _ *campaigns.Campaign, a dialer.Attempt) { s.now = a.ValidUntil }, dialer.ErrNotClaimed},
		{"the campaign was paused", func(s *house, c *campaigns.Campaign, _ dialer.Attempt) {
			_, err := s.Campaigns.SetStatus(ctx, c.ID, campaigns.Paused, []campaigns.Status{campaigns.Running}, s.now)
			s.must(err)
		}, dialer.ErrNotClaimed},
		{"the number was barred", func(s *house, _ *campaigns.Campaign, a dialer.Attempt) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: a.Number, At: s.now}))
		}, dialer.ErrNotClaimed},
		{"the person was barred", func(s *house, _ *campaigns.Campaign, a dialer.Attempt) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: a.Person, At: s.now}))
		}, dialer.ErrNotClaimed},
		{"it was cancelled", func(s *house, _ *campaigns.Campaign, a dialer.Attempt) {
			_, err := s.Dialing.Cancel(ctx, a.ID, reason.Reason{}, s.now)
			s.must(err)
		}, dialer.ErrNotClaimed},
	}
	each(t, func(t *testing.T, s *house) {
		for _, test := range tests {
			s.now = noon
			c := s.campaign()
			s.add(c, s.person())
			a := s.plan(c)
			test.do(s, c, a)
			_, err := s.Dialing.Claim(ctx, a.ID, "node-1", 0, time.Minute, s.now)
			if !errors.Is(err, test.then) || (err == nil) != (test.then == nil) {
				t.Errorf("%s: claim answers %v, want %v", test.name, err, test.then)
			}
		}
		// The same between the claim and the moment of dialing.
		for _, test := range tests[2:5] {
			c := s.campaign()
			s.add(c, s.person())
			a := s.claim(s.plan(c)).Attempt
			test.do(s, c, a)
			if err := s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now); !errors.Is(err, dialer.ErrFenced) {
				t.Errorf("%s: dialed answers %v", test.name, err)
			}
		}
	})
}

func TestFences(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		a := s.claim(s.plan(c)).Attempt
		s.wantIs(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "1", s.now), dialer.ErrFenced) // not dialed
		s.wantIs(s.Dialing.Dialed(ctx, a.ID, "node-2", a.Fence, ringing, s.now), dialer.ErrFenced)
		s.wantIs(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence+1, ringing, s.now), dialer.ErrFenced)
		s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
		s.wantIs(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now), dialer.ErrFenced) // once an attempt
		s.wantIs(s.Dialing.Answered(ctx, a.ID, "node-2", a.Fence, "1", s.now), dialer.ErrFenced)
		if kept, err := s.Dialing.Renew(ctx, "node-2", []dialer.AttemptID{a.ID}, time.Minute, s.now); err != nil || len(kept) != 0 {
			t.Errorf("another node renewed %v, %v", kept, err)
		}
		if kept, err := s.Dialing.Renew(ctx, a.Owner, []dialer.AttemptID{a.ID, 5}, time.Minute, s.now); err != nil || len(kept) != 1 ||
			kept[0] != a.ID {
			t.Errorf("renewed %v, %v", kept, err)
		}
		if got := s.attempt(a.ID).LeaseUntil; !got.Equal(s.now.Add(time.Minute)) {
			t.Errorf("lease until %s", got)
		}
		s.close(a, campaigns.Busy)
		_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.NoAnswer,
			EndedAt: s.now})
		s.wantIs(err, dialer.ErrFenced)
		_, err = s.Dialing.Close(ctx, dialer.Closing{ID: 77, Owner: a.Owner, Fence: 1, Outcome: campaigns.NoAnswer, EndedAt: s.now})
		s.wantIs(err, store.ErrNotFound)
	})
}

// TestSchemaRefusesImpossibleRows writes past the methods what must not be.
func TestSchemaRefusesImpossibleRows(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(), s.person(), s.person(), s.person())
		planned, err := s.Dialing.Plan(ctx, c.ID, 3, s.now)
		s.must(err)
		prepared, dialing := planned[0], s.claim(planned[1]).Attempt
		closed := s.claim(planned[2]).Attempt
		s.must(s.Dialing.Dialed(ctx, closed.ID, closed.Owner, closed.Fence, ringing, s.now))
		s.close(closed, campaigns.Busy)
		db := s.DB()
		defer db.Close()
		for what, query := range map[string]string{
			"dialing without an owner":    fmt.Sprintf("UPDATE attempts SET owner = NULL WHERE id = %s", dialing.ID),
			"dialing without a lease":     fmt.Sprintf("UPDATE attempts SET lease_until = NULL WHERE id = %s", dialing.ID),
			"dialing without a fence":     fmt.Sprintf("UPDATE attempts SET fence = 0 WHERE id = %s", dialing.ID),
			"dialing never claimed":       fmt.Sprintf("UPDATE attempts SET state = 'dialing' WHERE id = %s", prepared.ID),
			"dialed though only prepared": fmt.Sprintf("UPDATE attempts SET dialed_at = 1 WHERE id = %s", prepared.ID),
			"answered though never dialed": fmt.Sprintf("UPDATE attempts SET state = 'answered', answered_at = 1 WHERE id = %s",
				dialing.ID),
			"answered at no time": fmt.Sprintf("UPDATE attempts SET state = 'answered', dialed_at = 1 WHERE id = %s",
				dialing.ID),
			"closed without outcome": fmt.Sprintf("UPDATE attempts SET state = 'closed', ended_at = 1 WHERE id = %s",
				dialing.ID),
			"closed without end":             fmt.Sprintf("UPDATE attempts SET ended_at = NULL WHERE id = %s", closed.ID),
			"an outcome while it is open":    fmt.Sprintf("UPDATE attempts SET outcome = 'busy' WHERE id = %s", dialing.ID),
			"an outcome that does not exist": fmt.Sprintf("UPDATE attempts SET outcome = 'fine' WHERE id = %s", closed.ID),
			"answered by outcome only":       fmt.Sprintf("UPDATE attempts SET outcome = 'answered' WHERE id = %s", closed.ID),
			"cancelled though it was dialed": fmt.Sprintf("UPDATE attempts SET state = 'cancelled', outcome = NULL WHERE id = %s",
				closed.ID),
			"a code on an open attempt": fmt.Sprintf(
				"UPDATE attempts SET code = '1', code_set_at = 1, code_reason = 'agent' WHERE id = %s", dialing.ID),
			"a code set at no time":       fmt.Sprintf("UPDATE attempts SET code = '1' WHERE id = %s", closed.ID),
			"a state that does not exist": fmt.Sprintf("UPDATE attempts SET state = 'ringing' WHERE id = %s", dialing.ID),
			"an id beyond 2^53":           "UPDATE attempts SET id = 9007199254740992",
			"a contact without ordinal":   fmt.Sprintf("UPDATE attempts SET ordinal = NULL WHERE id = %s", dialing.ID),
			"the same ordinal twice": fmt.Sprintf("UPDATE attempts SET contact_id = %d WHERE id = %s", closed.ContactID,
				dialing.ID),
			"a number in two open attempts": fmt.Sprintf("UPDATE attempts SET number = '%s' WHERE id = %s", prepared.Number,
				dialing.ID),
			"a person in two open attempts": fmt.Sprintf("UPDATE attempts SET person = '%s' WHERE id = %s", prepared.Person,
				dialing.ID),
			"a contact in two open attempts": fmt.Sprintf("UPDATE attempts SET contact_id = %d, ordinal = 5 WHERE id = %s",
				prepared.ContactID, dialing.ID),
			"a waiting contact that is due never": "UPDATE contacts SET next_at = NULL WHERE state = 'waiting'",
			"a finished contact without a reason": "UPDATE contacts SET state = 'finished' WHERE state = 'waiting'",
			"more dialed attempts than planned":   "UPDATE contacts SET attempts = 9",
			"a pause with Force Pause's id":       "INSERT INTO pauses (id, name, position) VALUES ('1000', 'x', 0)",
			"nobody on the do-not-call list":      "INSERT INTO do_not_call (reason, made_by, created_at) VALUES ('', '', 1)",
			"a delivery pending and never due": "INSERT INTO deliveries (event_id, endpoint_id, type, key, sequence, state, " +
				"created_at) VALUES ('e', 1, 't', 'k', 1, 'pending', 1)",
			"a user of role agent without agent": "INSERT INTO users (login, password_hash, role, disabled) VALUES ('x', '', " +
				"'agent', FALSE)",
		} {
			_, err := db.Exec(query)
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), "constraint") {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestAMethodWhoseTimeIsOverChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		over, cancel := context.WithCancel(ctx)
		cancel()
		if planned, err := s.Dialing.Plan(over, c.ID, 1, s.now); err == nil {
			t.Errorf("planned %+v", planned)
		}
		a := s.plan(c)
		if _, err := s.Dialing.Claim(over, a.ID, "node-1", 0, time.Minute, s.now); err == nil || errors.Is(err, dialer.ErrNotClaimed) {
			t.Errorf("claim answers %v: want an error that is no sentinel", err)
		}
		a = s.claim(a).Attempt // and the store goes on
		_, err := s.Dialing.Close(over, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Busy,
			EndedAt: s.now})
		if err == nil || errors.Is(err, dialer.ErrFenced) {
			t.Errorf("close answers %v", err)
		}
		s.close(a, campaigns.Busy)
	})
}
