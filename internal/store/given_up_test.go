package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// TestAPhoneThatMayRingIsLeftAlone loses the process of a call whose customer's phone rings: nobody calls that person before the
// phone has certainly stopped, whatever the campaign's retry says, from no campaign, and not by hand.
func TestAPhoneThatMayRingIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		atOnce := func(c *campaigns.Campaign) {
			c.Retry = map[campaigns.Outcome]campaigns.RetryRule{campaigns.Unknown: {After: 0}}
		}
		c, other := s.campaign(atOnce), s.campaign(atOnce)
		person := s.person()
		s.add(c, person)
		a := s.dial(c)
		dialed := s.now
		s.after(40 * time.Second)
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now); !done || err != nil {
			t.Fatal(done, err)
		}
		quiet := dialed.Add(ringing)
		if contact := s.contact(a.ContactID); contact.State != campaigns.Waiting || !contact.NextAt.Equal(quiet) {
			t.Errorf("due at %s (%s), want %s", contact.NextAt, contact.State, quiet)
		}
		s.add(other, person)
		for _, when := range []time.Time{s.now, quiet.Add(-time.Second)} {
			for _, c := range []*campaigns.Campaign{c, other} {
				if planned, err := s.Dialing.Plan(ctx, c.ID, 5, when); err != nil || len(planned) != 0 {
					t.Errorf("planned %s before the phone is silent: %+v, %v", quiet.Sub(when), planned, err)
				}
			}
			_, err := s.Dialing.PlanManual(ctx, byHand(c, a.Number), when)
			s.wantIs(err, dialer.ErrNumberBusy)
		}
		if planned, err := s.Dialing.Plan(ctx, c.ID, 5, quiet); err != nil || len(planned) != 1 {
			t.Errorf("planned when the phone is silent: %+v, %v", planned, err)
		}
	})
}

// TestAKnownEndNeedsNoRest closes an attempt with an outcome: its retry rule alone counts.
func TestAKnownEndNeedsNoRest(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.Retry = map[campaigns.Outcome]campaigns.RetryRule{campaigns.Busy: {After: 0}, campaigns.Unknown: {After: 0}}
		})
		s.add(c, s.person())
		s.close(s.dial(c), campaigns.Busy)
		a := s.claim(s.plan(c)).Attempt // never dialed
		s.close(a, campaigns.Unknown)
		s.after(time.Minute)
		s.plan(c)
	})
}

// TestACodeDoesNotCallARingingPhone closes a call by hand as unknown, and its agent wants it again at once.
func TestACodeDoesNotCallARingingPhone(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.CallCodes = append(c.CallCodes, campaigns.CallCode{ID: "9", Name: "At once", Action: campaigns.RetryAfter})
		})
		person := s.person()
		s.add(c, person)
		planned, err := s.Dialing.PlanManual(ctx, byHand(c, person.Phones[0].Number), s.now)
		s.must(err)
		a := s.claim(planned).Attempt
		s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
		quiet := s.now.Add(ringing)
		_, err = s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Unknown,
			EndedAt:   s.after(time.Second),
			CodeDueAt: s.now.Add(time.Minute)})
		s.must(err)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "9", Now: s.now}))
		if contact := s.contact(a.ContactID); !contact.NextAt.Equal(quiet) {
			t.Errorf("due at %s, want %s", contact.NextAt, quiet)
		}
	})
}

func TestAgentGaveUpCountsAsDialed(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 1 })
		s.add(c, s.person(), s.person())
		rang, silent := s.dial(c), s.claim(s.plan(c)).Attempt
		for _, a := range []dialer.Attempt{rang, silent} {
			if got := s.close(a, campaigns.AgentGaveUp); got.Outcome != campaigns.AgentGaveUp {
				t.Errorf("outcome %s", got.Outcome)
			}
		}
		if contact := s.contact(rang.ContactID); contact.Attempts != 1 || contact.Reason != "max_attempts" {
			t.Errorf("the phone rang: %+v", contact)
		}
		if contact := s.contact(silent.ContactID); contact.Attempts != 0 || contact.State != campaigns.Waiting {
			t.Errorf("the phone did not ring: %+v", contact)
		}
	})
}

// TestALateAnswerIsAbandoned has the customer answer when the call was given up.
func TestALateAnswerIsAbandoned(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		for _, test := range []struct {
			outcome campaigns.Outcome
			gaveUp  bool
		}{
			{campaigns.NoAnswer, true}, {campaigns.AgentGaveUp, true}, {campaigns.Unknown, true}, {campaigns.Busy, false},
			{campaigns.Abandoned, false},
		} {
			s.add(c, s.person())
			a := s.dial(c)
			ended := s.after(20 * time.Second)
			s.close(a, test.outcome)
			before := s.contact(a.ContactID)
			s.after(3 * time.Second)
			late := dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Abandoned, HangupBy: "system",
				Cause: "answered late", EndedAt: s.now}
			_, err := s.Dialing.Close(ctx, late)
			if !test.gaveUp {
				s.wantIs(err, dialer.ErrFenced)
				continue
			}
			s.must(err)
			got := s.attempt(a.ID)
			if got.Outcome != campaigns.Abandoned || got.DialedAt.IsZero() || !got.AnsweredAt.IsZero() {
				t.Errorf("%s, then answered: %+v", test.outcome, got)
			}
			if test.outcome != campaigns.Unknown && !got.EndedAt.Equal(ended) {
				t.Errorf("%s: ended at %s, want %s", test.outcome, got.EndedAt, ended)
			}
			after := s.contact(a.ContactID)
			if after.Attempts != 1 || after.State != before.State {
				t.Errorf("%s, then answered: contact %+v, before %+v", test.outcome, after, before)
			}
			_, err = s.Dialing.Close(ctx, late)
			s.wantIs(err, dialer.ErrFenced)
			s.wantIs(closeErr(s, a, campaigns.NoAnswer), dialer.ErrFenced)
			completed := 0
			for _, e := range s.events() {
				if e.Data.Call != nil && e.Data.Call.AttemptID == a.ID.String() {
					completed++
				}
			}
			if completed != 2 {
				t.Errorf("%s: the CRM was told %d times, want 2", test.outcome, completed)
			}
		}
	})
}

func closeErr(s *house, a dialer.Attempt, outcome campaigns.Outcome) error {
	_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: outcome, EndedAt: s.now})
	return err
}
