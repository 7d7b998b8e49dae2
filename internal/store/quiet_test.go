package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// impatient wants everybody again at once, whatever came of the last attempt.
func impatient(c *campaigns.Campaign) {
	c.Retry = map[campaigns.Outcome]campaigns.RetryRule{}
	for _, o := range campaigns.Outcomes {
		c.Retry[o] = campaigns.RetryRule{After: 0}
	}
	c.MaxAttempts = 0
}

// undecided are the ends after which a contact may be called again.
var undecided = []campaigns.Outcome{campaigns.NoAnswer, campaigns.AgentGaveUp, campaigns.Busy, campaigns.Rejected,
	campaigns.Congestion,
	campaigns.Abandoned, campaigns.Unknown}

// ofOnePerson are two campaigns that have the same person.
func (s *house) ofOnePerson() (c, other *campaigns.Campaign) {
	c, other = s.campaign(impatient), s.campaign(impatient)
	person := s.person()
	s.add(c, person)
	s.add(other, person)
	return c, other
}

// TestAnUnconfirmedEndRests closes a call whose far end has not said that it is over: whatever the outcome on record is, nobody
// calls that person before the phone has certainly stopped to ring, from no campaign, and not by hand.
func TestAnUnconfirmedEndRests(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for _, outcome := range undecided {
			c, other := s.ofOnePerson()
			a := s.dial(c)
			quiet := s.now.Add(ringing)
			_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: outcome,
				EndedAt: s.after(5 * time.Second)})
			s.must(err)
			if contact := s.contact(a.ContactID); contact.State != campaigns.Waiting || !contact.NextAt.Equal(quiet) {
				t.Errorf("%s: due at %s (%s), want %s", outcome, contact.NextAt, contact.State, quiet)
			}
			for _, when := range []time.Time{s.now, quiet.Add(-time.Second)} {
				for _, c := range []*campaigns.Campaign{c, other} {
					if planned, err := s.Dialing.Plan(ctx, c.ID, 5, when); err != nil || len(planned) != 0 {
						t.Errorf("%s: planned %s before the phone is silent: %+v, %v", outcome, quiet.Sub(when), planned, err)
					}
					_, err := s.Dialing.PlanManual(ctx, byHand(c, a.Number), when)
					s.wantIs(err, dialer.ErrNumberBusy)
				}
			}
			s.now = quiet
			if planned, err := s.Dialing.Plan(ctx, other.ID, 5, s.now); err != nil || len(planned) != 1 {
				t.Errorf("%s: planned when the phone is silent: %+v, %v", outcome, planned, err)
			}
		}
	})
}

// TestAConfirmedEndRestsNot: the campaign's retry alone counts, except where nobody knows how the attempt ended.
func TestAConfirmedEndRestsNot(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for _, outcome := range undecided {
			c, other := s.ofOnePerson()
			a := s.dial(c)
			s.after(5 * time.Second)
			s.close(a, outcome)
			want := 1
			if outcome == campaigns.Unknown {
				want = 0
			}
			if planned, err := s.Dialing.Plan(ctx, other.ID, 5, s.after(time.Second)); err != nil || len(planned) != want {
				t.Errorf("%s: %d planned at once, want %d, %v", outcome, len(planned), want, err)
			}
		}
	})
}

// TestALateConfirmationEndsTheRest: the process that was thought lost tells how its call ended; if it does not know that the
// phone is silent, the rest goes on.
func TestALateConfirmationEndsTheRest(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for _, confirmed := range []bool{true, false} {
			c, other := s.ofOnePerson()
			a := s.dial(c)
			s.after(40 * time.Second)
			if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now); !done || err != nil {
				t.Fatal(done, err)
			}
			_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.NoAnswer,
				EndedAt: s.after(time.Second), Confirmed: confirmed})
			s.must(err)
			planned, err := s.Dialing.Plan(ctx, other.ID, 5, s.after(time.Second))
			if err != nil || (len(planned) == 1) != confirmed {
				t.Errorf("confirmed %v: %d planned, %v", confirmed, len(planned), err)
			}
		}
	})
}

// TestALateAnswerKeepsTheRest: the answer that came when we had given up was hung up, and whether the far end has agreed nobody
// says.
func TestALateAnswerKeepsTheRest(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, other := s.campaign(impatient), s.campaign(impatient)
		person := s.person()
		s.add(c, person)
		s.add(other, person)
		a := s.dial(c)
		quiet := s.now.Add(ringing)
		for _, outcome := range []campaigns.Outcome{campaigns.AgentGaveUp, campaigns.Abandoned} {
			_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: outcome,
				EndedAt: s.after(time.Second)})
			s.must(err)
			if planned, err := s.Dialing.Plan(ctx, other.ID, 5, quiet.Add(-time.Second)); err != nil || len(planned) != 0 {
				t.Errorf("%s: planned %+v, %v", outcome, planned, err)
			}
		}
	})
}

// TestALostCallOfAnotherSystemRests: its process is lost while the customer's phone rings, and no campaign of ours calls there.
func TestALostCallOfAnotherSystemRests(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, other, third := s.campaign(impatient), s.campaign(impatient), s.campaign(impatient)
		person := s.person()
		for _, c := range []*campaigns.Campaign{c, other, third} {
			s.add(c, person)
		}
		number := person.Phones[0].Number
		agent := s.agent()
		call := dialer.ExternalCall{ID: 1 << 40, AgentID: agent.ID, CallTraceID: "77", Number: number, Queue: c.Queue, StartedAt: s.now}
		claimed, err := s.Dialing.Adopt(ctx, call, "n1/a", 30*time.Second, s.now)
		s.must(err)
		s.after(40 * time.Second)
		if done, err := s.Dialing.CloseUnknown(ctx, claimed.Attempt.ID, claimed.Attempt.Fence, s.now); !done || err != nil {
			t.Fatal(done, err)
		}
		for _, c := range []*campaigns.Campaign{c, other} {
			if planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now); err != nil || len(planned) != 0 {
				t.Errorf("planned while the phone may ring: %+v, %v", planned, err)
			}
		}

		// The next life finds it again, and how it ended.
		claimed, err = s.Dialing.Adopt(ctx, call, "n1/b", 30*time.Second, s.after(time.Second))
		s.must(err)
		a := claimed.Attempt
		_, err = s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.NoAnswer,
			EndedAt: s.now, Confirmed: true})
		s.must(err)
		if planned, err := s.Dialing.Plan(ctx, third.ID, 5, s.after(time.Second)); err != nil || len(planned) != 1 {
			t.Errorf("planned when its end is known: %+v, %v", planned, err)
		}
	})
}
