package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/webhook"
)

func TestOutcomesSettleTheContact(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 2 })
		s.add(c, s.person("+447700900001", "+447700900002"))

		a := s.dial(c)
		s.close(a, campaigns.Busy)
		contact := s.contact(a.ContactID)
		if contact.State != campaigns.Waiting || !contact.NextAt.Equal(s.now.Add(10*time.Minute)) || contact.Attempts != 1 {
			t.Errorf("after busy: %+v", contact)
		}
		if planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now); err != nil || len(planned) != 0 {
			t.Errorf("planned again at once: %+v, %v", planned, err)
		}

		s.after(10 * time.Minute)
		b := s.dial(c)
		if b.Ordinal != 2 || b.Number != "+447700900001" {
			t.Errorf("second attempt %+v: want the same number, which was busy", b)
		}
		s.close(b, campaigns.NoAnswer)
		if contact = s.contact(a.ContactID); contact.State != campaigns.Complete || contact.Reason != "max_attempts" ||
			contact.Attempts != 2 {
			t.Errorf("after the last attempt: %+v", contact)
		}
		if got, want := types(s.events()), "1:call.completed 2:call.completed 3:contact.finished "; got != want {
			t.Errorf("events %s, want %s", got, want)
		}
		claimed, err := s.Attempts.Attempts(ctx, dialer.AttemptFilter{ContactID: a.ContactID}, 0, 10)
		s.must(err)
		if len(claimed) != 2 || claimed[0].ID != b.ID {
			t.Errorf("attempts of the contact: %+v", claimed)
		}
	})
}

func TestInvalidNumberIsNotTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person("+447700900001", "+447700900002"))
		a := s.dial(c)
		s.close(a, campaigns.InvalidNumber)
		contact := s.contact(a.ContactID)
		if !contact.Phones[0].Invalid || contact.Phones[1].Invalid || contact.State != campaigns.Waiting {
			t.Fatalf("contact %+v", contact)
		}
		s.after(24 * time.Hour)
		b := s.dial(c)
		if b.Number != "+447700900002" {
			t.Errorf("dialed %s", b.Number)
		}
		s.close(b, campaigns.InvalidNumber)
		if contact = s.contact(a.ContactID); contact.State != campaigns.Complete || contact.Reason != "invalid_number" {
			t.Errorf("contact %+v", contact)
		}
	})
}

func TestWhatWasNeverDialedCountsForNothing(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 1 })
		s.add(c, s.person())
		for _, outcome := range []campaigns.Outcome{campaigns.AgentNoAnswer, campaigns.Unknown, campaigns.Congestion} {
			a := s.claim(s.plan(c)).Attempt
			s.close(a, outcome)
			contact := s.contact(a.ContactID)
			if contact.State != campaigns.Waiting || contact.Attempts != 0 || !contact.NextAt.After(s.now) {
				t.Errorf("after %s: %+v", outcome, contact)
			}
			s.now = contact.NextAt
		}
		if got, want := types(s.events()), "1:call.completed 2:call.completed 3:call.completed "; got != want {
			t.Errorf("events %s, want %s", got, want)
		}
	})
}

// TestNetworkKnowsThatNobodyWasDialed: the self-fence was passed before the agent's phone rang, and the customer's never did.
func TestNetworkKnowsThatNobodyWasDialed(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.MaxAttempts, c.Limits = 1, campaigns.Limits{PerDay: 1}
			c.Retry[campaigns.AgentNoAnswer] = campaigns.RetryRule{After: time.Minute, Max: 2}
		})
		s.add(c, s.person("+447700900001"))
		end := func(a dialer.Attempt, outcome campaigns.Outcome, change func(*dialer.Closing)) *campaigns.Contact {
			t.Helper()
			closing := dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: outcome, EndedAt: s.now, NotDialed: true,
				RetryAfter: 10 * time.Minute}
			if change != nil {
				change(&closing)
			}
			_, err := s.Dialing.Close(ctx, closing)
			s.must(err)
			return s.contact(a.ContactID)
		}
		for _, outcome := range []campaigns.Outcome{campaigns.Congestion, campaigns.Unknown, campaigns.AgentNoAnswer} {
			a := s.dial(c)
			k := end(a, outcome, nil)
			if k.State != campaigns.Waiting || k.Attempts != 0 || k.NextAt.Before(s.now.Add(10*time.Minute)) ||
				!s.attempt(a.ID).DialedAt.IsZero() {
				t.Errorf("after %s: %+v, dialed at %v", outcome, k, s.attempt(a.ID).DialedAt)
			}
			s.now = k.NextAt
		}
		for _, e := range s.events() {
			if e.Data.Call.DialedAt != nil {
				t.Errorf("the CRM was told that the customer was dialed at %v", e.Data.Call.DialedAt)
			}
		}
		if stats, err := s.Campaigns.Stats(ctx, c.ID); err != nil || stats.Dialed != 0 || stats.Outcomes[campaigns.AgentNoAnswer] != 1 {
			t.Errorf("statistics %+v, %v", stats, err)
		}
		if k := end(s.dial(c), campaigns.AgentNoAnswer, nil); k.State != campaigns.Complete ||
			k.Reason != "max_attempts:agent_no_answer" {
			t.Errorf("the agents' phones do not answer, and the contact goes round: %+v", k)
		}

		// In doubt it counts: who has talked was dialed, and a truth that comes late finds the contact counted.
		s.add(c, s.person("+447700900002"), s.person("+447700900003"))
		a := s.dial(c)
		if k := end(a, campaigns.Answered, func(c *dialer.Closing) { c.AnsweredAt = s.now }); k.Attempts != 1 ||
			s.attempt(a.ID).DialedAt.IsZero() {
			t.Errorf("after a talk: %+v", k)
		}
		a = s.dial(c)
		s.after(time.Minute)
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now); !done || err != nil {
			t.Fatal(done, err)
		}
		if k := end(a, campaigns.AgentNoAnswer, nil); k.Attempts != 1 || s.attempt(a.ID).DialedAt.IsZero() {
			t.Errorf("after a late end: %+v", k)
		}
	})
}

func TestCancelRestoresTheContact(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(), s.person())
		planned, err := s.Dialing.Plan(ctx, c.ID, 2, s.after(time.Hour))
		s.must(err)
		before := noon // when they were imported
		done, err := s.Dialing.Cancel(ctx, planned[0].ID, reason.Said("no agent"), s.now)
		s.must(err)
		if again, _ := s.Dialing.Cancel(ctx, planned[0].ID, reason.Said("no agent"), s.now); !done || again {
			t.Errorf("cancelled %v, again %v", done, again)
		}
		if n, err := s.Dialing.CancelStale(ctx, s.now.Add(time.Second), s.after(20*time.Second)); n != 1 || err != nil {
			t.Errorf("%d stale attempts cancelled, %v", n, err)
		}
		for _, a := range planned {
			contact := s.contact(a.ContactID)
			if contact.State != campaigns.Waiting || !contact.NextAt.Equal(before) || contact.Attempts != 0 {
				t.Errorf("contact %+v", contact)
			}
			if got := s.attempt(a.ID); got.State != dialer.Cancelled || got.EndedAt.IsZero() {
				t.Errorf("attempt %+v", got)
			}
			_, err := s.Dialing.Claim(ctx, a.ID, "node-1", 0, time.Minute, s.now)
			s.wantIs(err, dialer.ErrNotClaimed)
		}
		if events := s.events(); len(events) != 0 {
			t.Errorf("events %s", types(events))
		}
	})
}

func TestLostCallAndItsLateTruth(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		a := s.dial(c)

		s.after(40 * time.Second)
		lapsed, err := s.Dialing.Lapsed(ctx, s.now.Add(-5*time.Second), 10)
		s.must(err)
		if len(lapsed) != 1 || lapsed[0].ID != a.ID {
			t.Fatalf("lapsed %+v", lapsed)
		}
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence+1, s.now); done || err != nil {
			t.Errorf("closed under another fence: %v, %v", done, err)
		}
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now); !done || err != nil {
			t.Fatalf("not closed: %v", err)
		}
		if contact := s.contact(a.ContactID); contact.State != campaigns.Waiting || contact.Attempts != 1 {
			t.Errorf("contact of a lost call: %+v", contact)
		}
		if kept, _ := s.Dialing.Renew(ctx, a.Owner, []dialer.AttemptID{a.ID}, time.Minute, s.now); len(kept) != 0 {
			t.Errorf("lease of a closed attempt renewed")
		}
		s.wantIs(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "1", s.now), dialer.ErrFenced)

		// The call went on; its process tells so now, also what it could not tell before.
		late := dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Answered, CallTraceID: "88",
			AnsweredAt: s.now.Add(-30 * time.Second),
			EndedAt:    s.after(time.Minute), CodeDueAt: s.now.Add(time.Minute)}
		other := late
		other.Owner = "node-2"
		_, err = s.Dialing.Close(ctx, other)
		s.wantIs(err, dialer.ErrFenced)
		closed, err := s.Dialing.Close(ctx, late)
		s.must(err)
		if closed.Outcome != campaigns.Answered || closed.AnsweredAt.IsZero() {
			t.Errorf("closed %+v", closed)
		}
		contact := s.contact(a.ContactID)
		if contact.State != campaigns.Coding || contact.Attempts != 1 || contact.CallTraceID != "88" {
			t.Errorf("contact after the truth: %+v", contact)
		}
		_, err = s.Dialing.Close(ctx, late)
		s.wantIs(err, dialer.ErrFenced) // only unknown may be overwritten
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", Now: s.now}))

		events := s.events()
		if got, want := types(events), "1:call.completed 2:call.completed 3:call.code_set 4:contact.finished "; got != want {
			t.Fatalf("events %s, want %s", got, want)
		}
		if events[0].Data.Call.Outcome != "unknown" || events[1].Data.Call.Outcome != "answered" || events[0].ID == events[1].ID {
			t.Errorf("events %+v", events[:2])
		}
	})
}

func TestLateTruthLeavesALaterAttemptAlone(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		a := s.dial(c)
		s.after(time.Minute)
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now); !done || err != nil {
			t.Fatal(done, err)
		}
		s.now = s.contact(a.ContactID).NextAt
		b := s.dial(c)
		s.close(a, campaigns.NoAnswer)
		if contact := s.contact(a.ContactID); contact.State != campaigns.Calling || contact.Attempts != 1 {
			t.Errorf("contact with an open attempt: %+v", contact)
		}
		s.close(b, campaigns.Busy)
		if contact := s.contact(a.ContactID); contact.State != campaigns.Waiting || contact.Attempts != 2 {
			t.Errorf("contact: %+v", contact)
		}
	})
}

func TestTalkThatIsLostAwaitsItsCode(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		a := s.dial(c)
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "5", s.now))
		s.after(2 * time.Minute)
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now); !done || err != nil {
			t.Fatal(done, err)
		}
		if contact := s.contact(a.ContactID); contact.State != campaigns.Coding {
			t.Errorf("contact %+v: somebody talked to it", contact)
		}
		due, err := s.Dialing.CodesDue(ctx, s.now.Add(c.WrapUp), 10)
		s.must(err)
		if len(due) != 1 || due[0].ID != a.ID {
			t.Errorf("codes due: %+v", due)
		}
	})
}

func TestCodes(t *testing.T) {
	talked := func(s *house, change ...func(*campaigns.Campaign)) (*campaigns.Campaign, dialer.Attempt) {
		c := s.campaign(change...)
		s.add(c, s.person())
		return c, s.talk(c)
	}
	each(t, func(t *testing.T, s *house) {
		// A retry.
		_, a := talked(s)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "2", Now: s.now}))
		if k := s.contact(a.ContactID); k.State != campaigns.Waiting || !k.NextAt.Equal(s.now.Add(time.Hour)) {
			t.Errorf("after a retry code: %+v", k)
		}

		// A callback: promised by the agent, kept by the next talk.
		c, a := talked(s)
		when := s.now.Add(3 * time.Hour)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "3", CallbackAt: when, AgentID: 7, Now: s.now}))
		if k := s.contact(a.ContactID); k.State != campaigns.Waiting || !k.NextAt.Equal(when) || k.CallbackAgent != 7 {
			t.Errorf("after a callback code: %+v", k)
		}
		promised, err := s.Contacts.Callbacks(ctx, c.ID, 7, time.Time{}, 0, 10)
		s.must(err)
		if len(promised) != 1 || !promised[0].At.Equal(when) || promised[0].ContactID != a.ContactID {
			t.Errorf("callbacks: %+v", promised)
		}
		s.now = when
		if b := s.talk(c); b.Origin != dialer.Callback {
			t.Errorf("origin %s of a callback", b.Origin)
		}
		if promised, _ = s.Contacts.Callbacks(ctx, 0, 0, time.Time{}, 0, 10); len(promised) != 0 ||
			s.contact(a.ContactID).CallbackAgent != 0 {
			t.Errorf("callbacks that were kept: %+v", promised)
		}

		// Never again, in no campaign.
		_, a = talked(s)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "4", AgentID: 7, Now: s.now}))
		barred, err := s.Contacts.BarredList(ctx, a.Number, "", 0, 10)
		s.must(err)
		if len(barred) != 1 || s.contact(a.ContactID).State != campaigns.Complete {
			t.Errorf("after do not call: %+v", barred)
		}
		elsewhere := s.campaign()
		s.add(elsewhere, campaigns.Contact{CRMID: "other", Phones: []campaigns.Phone{{Number: a.Number}}})
		if planned, err := s.Dialing.Plan(ctx, elsewhere.ID, 1, s.now); err != nil || len(planned) != 0 {
			t.Errorf("planned %+v, %v", planned, err)
		}

		// The time ran out: the campaign's default is applied, and the CRM is told null.
		_, a = talked(s, func(c *campaigns.Campaign) { c.DefaultCode = "2" })
		s.wantIs(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, TimedOut: true, Now: s.now}), dialer.ErrCodeSet) // not yet
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, TimedOut: true, Now: s.after(31 * time.Second)}))
		if k := s.contact(a.ContactID); k.State != campaigns.Waiting || !k.NextAt.Equal(s.now.Add(time.Hour)) {
			t.Errorf("after a timeout: %+v", k)
		}
		var last webhook.Event
		for _, e := range s.events() {
			if e.Type == webhook.CallCodeSet && e.Data.Call.AttemptID == a.ID.String() {
				last = e
			}
		}
		if last.Data.Code != nil || last.Data.Reason != "timeout" {
			t.Errorf("call.code_set after a timeout: %+v", last.Data)
		}

		// A correction, audited; what the campaign does not know is refused.
		s.wantIs(s.Attempts.CorrectCode(ctx, dialer.Coding{ID: a.ID, Code: "99", Now: s.now}, "boss"), errNotFound)
		s.must(s.Attempts.CorrectCode(ctx, dialer.Coding{ID: a.ID, Code: "1", Now: s.now}, "boss"))
		if k := s.contact(a.ContactID); k.State != campaigns.Complete || k.Reason != "code:1" || s.attempt(a.ID).Code != "1" {
			t.Errorf("after a correction: %+v", k)
		}
		log, err := s.Audits.AuditLog(ctx, 0, 10)
		s.must(err)
		if len(log) != 1 || log[0].Who != "boss" || log[0].What != "code.correct" {
			t.Errorf("audit log: %+v", log)
		}
	})
}

// TestCodeOfACall: what a phone network is told that asks for the code of a call that it knows by the calltraceid alone.
func TestCodeOfACall(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		want := func(agent int64, trace, code string, awaited bool) {
			t.Helper()
			if got, waits, err := s.Attempts.CodeOf(ctx, agent, trace); err != nil || got != code || waits != awaited {
				t.Errorf("call %s of agent %d: code %q, awaited %v (%v), want %q, %v", trace, agent, got, waits, err, code, awaited)
			}
		}
		dial := func(trace string) dialer.Attempt {
			t.Helper()
			s.add(c, s.person())
			claimed, err := s.Dialing.Claim(ctx, s.plan(c).ID, "node-1", 7, 30*time.Second, s.now)
			s.must(err)
			a := claimed.Attempt
			s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
			s.must(s.Dialing.Traced(ctx, a.ID, a.Owner, a.Fence, trace))
			return a
		}
		a := dial("71")
		want(7, "71", "", false) // nobody has talked yet
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "71", s.now))
		want(7, "71", "", true)
		s.close(a, campaigns.Answered)
		want(7, "71", "", true)
		want(8, "71", "", false)
		want(7, "72", "", false)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "2", AgentID: 7, Now: s.now}))
		want(7, "71", "2", false)

		a = dial("72")
		s.close(a, campaigns.Busy)
		want(7, "72", "", false)

		a = dial("73")
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "73", s.now))
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.after(time.Minute)); !done || err != nil {
			t.Fatal(done, err)
		}
		want(7, "73", "", true) // its process was lost
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, TimedOut: true, Now: s.after(time.Hour)}))
		want(7, "73", "", false)
	})
}

func TestCallByHandThatReachedNobodyAwaitsACode(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		a := s.dial(c)
		closing := dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.NoAnswer, EndedAt: s.now,
			CodeDueAt: s.now.Add(time.Minute)}
		_, err := s.Dialing.Close(ctx, closing)
		s.must(err)
		if k := s.contact(a.ContactID); k.State != campaigns.Coding || k.Attempts != 1 {
			t.Errorf("held contact: %+v", k)
		}
		// No code comes: the outcome decides, not the default code, which speaks of talks.
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, TimedOut: true, Now: s.after(2 * time.Minute)}))
		if k := s.contact(a.ContactID); k.State != campaigns.Waiting {
			t.Errorf("after the timeout: %+v", k)
		}
	})
}
