package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

var errNotFound = store.ErrNotFound

func byHand(c *campaigns.Campaign, number string) dialer.ManualCall {
	return dialer.ManualCall{AgentID: 7, Queue: c.Queue, Number: number, Origin: dialer.ByHand}
}

func refusal(err error) string {
	var refused *dialer.RefusedError
	if errors.As(err, &refused) {
		return refused.Verdict.Refusals[0].Rule
	}
	return ""
}

func TestManualCallToANumberInNoList(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Mode = campaigns.Manual })
		a, err := s.Dialing.PlanManual(ctx, byHand(c, "07700 900123"), s.now)
		s.must(err)
		if a.ContactID != 0 || a.Number != "+447700900123" || a.Person != a.Number || a.AgentID != 7 {
			t.Errorf("planned %+v", a)
		}
		_, err = s.Dialing.PlanManual(ctx, byHand(c, "+447700900123"), s.now)
		s.wantIs(err, dialer.ErrNumberBusy)

		claimed := s.claim(a)
		if claimed.Contact != nil || claimed.Attempt.AgentID != 7 {
			t.Errorf("claimed %+v", claimed)
		}
		a = claimed.Attempt
		s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "9", s.now))
		s.close(a, campaigns.Answered)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", AgentID: 7, Now: s.now}))
		events := s.events()
		if got, want := types(events), "1:call.answered 2:call.completed 3:call.code_set "; got != want {
			t.Errorf("events %s, want %s", got, want)
		}
		if events[1].Data.Contact != nil {
			t.Errorf("contact %+v of a number in no list", events[1].Data.Contact)
		}
		if done, err := s.Dialing.FinishDrained(ctx, c.ID, s.now); done || err != nil {
			t.Errorf("a manual campaign was finished: %v, %v", done, err)
		}
	})
}

func TestManualCallToAContact(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person("+447700900001", "+447700900002"))
		a, err := s.Dialing.PlanManual(ctx, byHand(c, "+447700900002"), s.now)
		s.must(err)
		if a.ContactID == 0 || a.Ordinal != 1 {
			t.Fatalf("planned %+v: want the contact with that number", a)
		}
		_, err = s.Dialing.PlanManual(ctx, byHand(c, "+447700900001"), s.now)
		s.wantIs(err, dialer.ErrNumberBusy) // the contact is in a call, whichever number
		_, err = s.Dialing.Cancel(ctx, a.ID, reason.Said("agent changed their mind"), s.now)
		s.must(err)

		b := s.talk(c)
		_, err = s.Dialing.PlanManual(ctx, byHand(c, "+447700900001"), s.now)
		s.wantIs(err, dialer.ErrNumberBusy) // held for its code
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: b.ID, Code: "1", Now: s.now}))

		// Called after its end: in vain, it stays finished; cancelled, too.
		for _, end := range []func(a dialer.Attempt){
			func(a dialer.Attempt) {
				a = s.claim(a).Attempt
				s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
				s.close(a, campaigns.Busy)
			},
			func(a dialer.Attempt) { _, err := s.Dialing.Cancel(ctx, a.ID, reason.Reason{}, s.now); s.must(err) },
		} {
			a, err := s.Dialing.PlanManual(ctx, byHand(c, "+447700900001"), s.now)
			s.must(err)
			end(a)
			if k := s.contact(a.ContactID); k.State != campaigns.Complete || k.Reason != "code:1" {
				t.Errorf("contact called after its end: %+v", k)
			}
		}
	})
}

func TestManualCallIsJudged(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Limits = campaigns.Limits{PerDay: 1} })
		s.add(c, s.person("+447700900001"))
		s.close(s.dial(c), campaigns.Busy)

		_, err := s.Dialing.PlanManual(ctx, byHand(c, "+447700900001"), s.now)
		if refusal(err) != "per_day" {
			t.Errorf("error %v, want a refusal by per_day", err)
		}
		// A soft refusal may be overridden by a role, which is audited; then the number is called once more.
		override := byHand(c, "+447700900001")
		override.Override = true
		a, err := s.Dialing.PlanManual(ctx, override, s.now)
		s.must(err)
		s.claim(a)
		log, err := s.Audits.AuditLog(ctx, 0, 10)
		s.must(err)
		if len(log) != 1 || log[0].What != "policy.override" || log[0].Detail != "per_day" ||
			log[0].Object != "attempt/"+a.ID.String() {
			t.Errorf("audit log: %+v", log)
		}

		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900009", Reason: "asked", MadeBy: "boss", At: s.now}))
		override.Number = "+447700900009"
		if _, err := s.Dialing.PlanManual(ctx, override, s.now); refusal(err) != "do_not_call" {
			t.Errorf("error %v, want a refusal by do_not_call: hard ones cannot be overridden", err)
		}
		if _, err := s.Dialing.PlanManual(ctx, byHand(c, "12"), s.now); refusal(err) != "number" {
			t.Errorf("error %v, want a refusal of the number", err)
		}
		unknown := byHand(c, "+447700900010")
		unknown.Queue = "nobody's"
		_, err = s.Dialing.PlanManual(ctx, unknown, s.now)
		s.wantIs(err, dialer.ErrNoQueue)
	})
}

func TestManualCallNeedsACampaignThatRuns(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		planned, err := s.Dialing.PlanManual(ctx, byHand(c, "+447700900001"), s.now)
		s.must(err)
		claimed := s.claim(planned)
		late, err := s.Dialing.PlanManual(ctx, byHand(c, "+447700900002"), s.now)
		s.must(err)
		for _, status := range []campaigns.Status{campaigns.Paused, campaigns.Stopped} {
			_, err = s.Campaigns.SetStatus(ctx, c.ID, status, []campaigns.Status{campaigns.Running, campaigns.Paused},
				s.after(time.Second))
			s.must(err)
			s.wantIs(s.Dialing.Dialed(ctx, planned.ID, claimed.Attempt.Owner, claimed.Attempt.Fence, ringing, s.now), dialer.ErrFenced)
			_, err = s.Dialing.Claim(ctx, late.ID, "n1", 1, time.Minute, s.now)
			s.wantIs(err, dialer.ErrNotClaimed)
			if _, err := s.Dialing.PlanManual(ctx, byHand(c, "+447700900003"), s.now); refusal(err) != "campaign_status" {
				t.Errorf("error %v, want a refusal of the %s campaign", err, status)
			}
		}
	})
}

// TestCallerIDOfAttempts: what a customer is shown is planned with the call, automatic or by hand, and read with the attempt.
func TestCallerIDOfAttempts(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.CallerID, c.CallerIDs = "+442079460999", []string{"+380441234567", "+442079460001"}
		})
		s.add(c, s.person())
		if a := s.dial(c); a.CallerID != "+442079460001" || s.attempt(a.ID).CallerID != a.CallerID {
			t.Errorf("automatic: %+v", a)
		}
		a, err := s.Dialing.PlanManual(ctx, byHand(c, "+380441112233"), s.now)
		if s.must(err); a.CallerID != "+380441234567" || s.attempt(a.ID).CallerID != a.CallerID {
			t.Errorf("by hand: %+v", a)
		}
	})
}
