package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestFaultsSpendNothing: calls that infrastructure failed are tried five times a day, ever later, and spend none of the person's
// attempts, not even with a network that says that the number does not exist.
func TestFaultsSpendNothing(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.MaxAttempts, c.Limits = 1, campaigns.Limits{PerDay: 1, MinimumGap: 20 * time.Hour}
			c.Retry[campaigns.Congestion] = campaigns.RetryRule{After: time.Hour, Max: 1}
		})
		s.add(c, s.person("+447700900001"))
		var contact int64
		for i, pause := range []time.Duration{1, 2, 4, 8, 16} {
			a := s.dial(c)
			contact = a.ContactID
			closed, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Congestion,
				EndedAt: s.now,
				Fault:   true, NotDialed: i%2 == 1, Cause: "404 Not Found; Q.850;cause=38"})
			s.must(err)
			k := s.contact(contact)
			if !closed.Fault || !s.attempt(a.ID).Fault || k.State != campaigns.Waiting || k.Attempts != 0 ||
				!k.NextAt.Equal(s.now.Add(pause*time.Minute)) {
				t.Fatalf("after fault %d: %+v", i+1, k)
			}
			s.now = k.NextAt
		}
		if planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now); err != nil || len(planned) != 0 {
			t.Errorf("a sixth call: %v, %v", planned, err)
		}
		q, err := s.Contacts.Question(ctx, contact, s.now)
		s.must(err)
		v := campaigns.Decide(q)
		if v.Permit || len(v.Refusals) != 1 || v.Refusals[0].Rule != "infrastructure" || v.Refusals[0].Next.IsZero() {
			t.Fatalf("verdict %+v", v)
		}
		s.now = v.Refusals[0].Next
		if a := s.dial(c); a.ContactID != contact || s.contact(contact).Attempts != 0 {
			t.Errorf("the next day: %+v", a)
		}
	})
}

// TestDialedAgain: another way to the customer is on record as the first one was, and only after it.
func TestDialedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person("+447700900001"))
		a := s.claim(s.plan(c)).Attempt
		s.wantIs(s.Dialing.DialedAgain(ctx, a.ID, a.Owner, a.Fence, time.Minute, s.now), dialer.ErrFenced)
		s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, time.Minute, s.now))
		s.wantIs(s.Dialing.DialedAgain(ctx, a.ID, a.Owner, a.Fence+1, time.Minute, s.now), dialer.ErrFenced)
		s.after(time.Second)
		s.must(s.Dialing.DialedAgain(ctx, a.ID, a.Owner, a.Fence, time.Minute, s.now))
		if got := s.attempt(a.ID).DialedAt; !got.Equal(s.now) {
			t.Errorf("dialed at %v, want %v", got, s.now)
		}
	})
}

// TestNobodyIsHeldWhoMayBeCalled: the look at whom a call bars, soon after it, and the clearing of a queue's head lock nobody
// whom they leave as they are: a plan at that moment would pass over them.
func TestNobodyIsHeldWhoMayBeCalled(t *testing.T) {
	t.Parallel()
	s := open(t, testdeps.Postgres(t))
	c := s.campaign(func(c *campaigns.Campaign) { c.Limits = campaigns.Limits{PerDay: 1} })
	s.add(c, s.person("+447700900001"))
	a := s.dial(c)
	_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Congestion,
		EndedAt: s.now, Fault: true})
	s.must(err)
	locker := func() (xmax string) { // the last transaction to lock the row
		s.must(s.DB().QueryRow(`SELECT xmax FROM contacts WHERE id = $1`, a.ContactID).Scan(&xmax))
		return xmax
	}
	before := locker()
	s.Settle()
	if now := locker(); now != before {
		t.Errorf("who may be called again after a fault was held by %s", now)
	}
	s.now = s.contact(a.ContactID).NextAt
	_, err = s.Queues.Clear(ctx, c.ID, s.now)
	s.must(err)
	if now := locker(); now != before {
		t.Errorf("who may be called was held by %s while the head was cleared", now)
	}
	s.plan(c)
}
