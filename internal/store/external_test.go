package store_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
)

// theirs is a call that another system has given to an agent.
func (h *house) theirs(queue, customer, number string) dialer.ExternalCall {
	h.n++
	trace := strconv.Itoa(1_000_000_000 + h.n)
	return dialer.ExternalCall{ID: dialer.AttemptID(h.ids.Next(h.now)), AgentID: 7, CallTraceID: trace, CustomerID: customer,
		Number: number, Queue: queue, StartedAt: h.now}
}

func (h *house) adopt(call dialer.ExternalCall, owner string) (dialer.Claimed, error) {
	return h.Dialing.Adopt(ctx, call, owner, 30*time.Second, h.now)
}

func TestExternalCallFromSightToCode(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Limits = campaigns.Limits{PerDay: 1} })
		k := s.person("+447700900001")
		s.add(c, k)
		prepared := s.plan(c) // whoever is in a call already must not be called

		call := s.theirs(c.Queue, k.CRMID, "07700 900001")
		claimed, err := s.adopt(call, "n1/a")
		s.must(err)
		a := claimed.Attempt
		if a.Origin != dialer.External || a.State != dialer.Dialing || a.Owner != "n1/a" || a.Fence != 1 ||
			a.CallTraceID != call.CallTraceID ||
			a.Number != "+447700900001" || a.Person != k.CRMID || a.AgentID != 7 || a.Ordinal != 2 || !a.DialedAt.Equal(s.now) {
			t.Errorf("adopted %+v", a)
		}
		if claimed.Contact == nil || claimed.Contact.CRMID != k.CRMID || claimed.Campaign.ID != c.ID ||
			len(claimed.Campaign.CallCodes) == 0 {
			t.Errorf("adopted with %+v of %+v", claimed.Contact, claimed.Campaign)
		}
		if p := s.attempt(prepared.ID); p.State != dialer.Cancelled {
			t.Errorf("the attempt that was prepared is %s", p.State)
		}
		if contact := s.contact(a.ContactID); contact.State != campaigns.Calling {
			t.Errorf("contact in a call: %+v", contact)
		}
		if _, err := s.Dialing.PlanManual(ctx, byHand(c, "+447700900001"), s.now); err == nil {
			t.Error("called a person who is in a call")
		}
		if kept, err := s.Dialing.Renew(ctx, "n1/a", []dialer.AttemptID{a.ID}, time.Minute, s.now); err != nil || len(kept) != 1 {
			t.Errorf("lease not renewed: %v, %v", kept, err)
		}

		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, a.CallTraceID, s.after(time.Second)))
		s.close(a, campaigns.Answered)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "2", AgentID: 7, Now: s.now}))
		contact := s.contact(a.ContactID)
		if contact.State != campaigns.Waiting || contact.Attempts != 1 || contact.CallTraceID != call.CallTraceID ||
			contact.RecordingLink == "" {
			t.Errorf("contact afterwards: %+v", contact)
		}
		if planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.after(2*time.Hour)); err != nil || len(planned) != 0 {
			t.Errorf("planned %+v (%v): the call of the other system counts for the day", planned, err)
		}
		events := s.events()
		if got, want := types(events), "1:call.answered 2:call.completed 3:call.code_set "; got != want {
			t.Fatalf("events %s, want %s", got, want)
		}
		if told := events[1].Data.Call; told.Origin != "external" || *told.CallTraceID != call.CallTraceID {
			t.Errorf("told the CRM of %+v", told)
		}
	})
}

func TestExternalCallFindsItsPlace(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		first, second := s.campaign(), s.campaign()
		both, one, nameless := s.person("+447700900001"), s.person("+447700900002"), s.person("+447700900003")
		nameless.CRMID = ""
		s.add(first, both, nameless)
		s.add(second, both, one)
		for name, row := range map[string]struct {
			queue, customer, number string
			campaign                int64
			person                  string // and of no contact where it is the number
			contact                 bool
		}{
			"by id, in the campaign of the line":  {first.Queue, both.CRMID, "+447700900001", first.ID, both.CRMID, true},
			"by id, wherever it is":               {first.Queue, one.CRMID, "+447700900002", second.ID, one.CRMID, true},
			"by id, of a line that nobody knows":  {"AUTO_9", one.CRMID, "+447700900002", second.ID, one.CRMID, true},
			"by id, with a number nobody can say": {second.Queue, one.CRMID, "anonymous", second.ID, one.CRMID, true},
			"by number, where there is no id":     {first.Queue, "", "07700900003", first.ID, "+447700900003", true},
			"an id that nobody has":               {first.Queue, "crm-x", "+447700900003", first.ID, "crm-x", false},
			"a number that nobody has":            {first.Queue, "", "+447700900099", first.ID, "+447700900099", false},
		} {
			claimed, err := s.adopt(s.theirs(row.queue, row.customer, row.number), "n1/a")
			s.must(err)
			a := claimed.Attempt
			if a.CampaignID != row.campaign || a.Person != row.person || (claimed.Contact != nil) != row.contact || a.Number == "" {
				t.Errorf("%s: %+v, contact %+v", name, a, claimed.Contact)
			}
			s.close(a, campaigns.Busy)
		}

		agent := s.agent()
		agent.Queues = []string{second.Queue}
		_, err := s.Agents.UpdateAgent(ctx, agent, s.now)
		s.must(err)
		stray := s.theirs("AUTO_9", "crm-x", "+447700900099")
		stray.AgentID = agent.ID
		claimed, err := s.adopt(stray, "n1/a")
		s.must(err)
		if claimed.Campaign.ID != second.ID {
			t.Errorf("in campaign %d, want the agent's own, %d", claimed.Campaign.ID, second.ID)
		}
		stray.ID, stray.CallTraceID, stray.Number = dialer.AttemptID(s.ids.Next(s.now)), "1", ""
		_, err = s.adopt(stray, "n1/a")
		s.wantIs(err, dialer.ErrNotClaimed)
	})
}

// TestExternalCallOfALineThatNobodyKnows: it is kept in a campaign of its line, which is made for it and calls nobody.
func TestExternalCallOfALineThatNobodyKnows(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		s.campaign() // says where national numbers are at home
		other, err := store.Open(ctx, s.url, store.Options{})
		s.must(err)
		defer func() { s.must(other.Disconnect()) }()
		claims := make(chan dialer.Claimed, 8)
		var all errgroup.Group
		for i := range cap(claims) {
			call, of := s.theirs("AUTO_9", "crm-x"+strconv.Itoa(i), "0770090001"+strconv.Itoa(i)), []*store.Store{s.Store, other}[i%2]
			all.Go(func() error {
				claimed, err := of.Dialing.Adopt(ctx, call, "n"+strconv.Itoa(i%2)+"/a", 30*time.Second, s.now)
				claims <- claimed
				return err
			})
		}
		s.must(all.Wait())
		close(claims)
		first := <-claims
		made, a := first.Campaign, first.Attempt
		for c := range claims {
			if c.Campaign.ID != made.ID {
				t.Errorf("campaigns %d and %d of one line", made.ID, c.Campaign.ID)
			}
		}
		if made.Queue != "AUTO_9" || made.Name != "AUTO_9" || made.Mode != campaigns.Manual || made.Status != campaigns.Draft ||
			made.Profile != "uk-ofcom" ||
			made.Region != "GB" || made.Validate() != nil {
			t.Errorf("made %+v, %v", made, made.Validate())
		}
		if a.Origin != dialer.External || a.State != dialer.Dialing || a.DialedAt.IsZero() || !strings.HasPrefix(a.Number,
			"+44770090001") ||
			!strings.HasPrefix(a.Person, "crm-x") || a.ContactID != 0 {
			t.Errorf("kept as %+v", a)
		}
		if log, err := s.Audits.AuditLog(ctx, 0, 10); err != nil || len(log) != 1 || log[0].What != "campaign.create" {
			t.Errorf("audit log: %+v, %v", log, err)
		}

		// It has its code, and no part in anything else.
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, a.CallTraceID, s.after(time.Second)))
		s.close(a, campaigns.Answered)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "7", Foreign: &campaigns.CallCode{ID: "7", Name: "Theirs"},
			AgentID: 7, Now: s.now}))
		if got, want := types(s.events()), "1:call.answered 2:call.completed 3:call.code_set "; got != want {
			t.Errorf("events %s, want %s", got, want)
		}
		_, err = s.Dialing.PlanManual(ctx, byHand(made, "+447700900050"), s.now)
		var refused *dialer.RefusedError
		if !errors.As(err, &refused) {
			t.Errorf("called by hand in a campaign that was never started: %v", err)
		}
		if done, err := s.Dialing.FinishDrained(ctx, made.ID, s.now); done || err != nil {
			t.Errorf("finished: %v, %v", done, err)
		}
		if stats, err := s.Campaigns.Stats(ctx, made.ID); err != nil || stats.Dialed != 8 || stats.Codes["7"] != 1 {
			t.Errorf("statistics %+v, %v", stats, err)
		}

		// A call of no line; a name that a campaign has with another line.
		c := s.campaign(func(c *campaigns.Campaign) { c.Name, c.Queue = "Winter", "W1" })
		for queue, want := range map[string]string{" ": "Mediatel", "Winter": "W1",
			strings.Repeat("я", 120): strings.Repeat("я", 100)} {
			for range 2 {
				s.n++
				claimed, err := s.adopt(s.theirs(queue, "", "+4477009002"+strconv.Itoa(10+s.n%80)), "n1/a")
				s.must(err)
				if claimed.Campaign.Queue != want || (want == c.Queue) != (claimed.Campaign.ID == c.ID) {
					t.Errorf("a call of the line %q is in %+v, want the line %q", queue, claimed.Campaign, want)
				}
			}
		}
	})
}

// TestExternalCallToSomebodyInACall: it is kept beside our call, which decides where the contact stands.
func TestExternalCallToSomebodyInACall(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		k := s.person("+447700900001", "+447700900002")
		s.add(c, k)
		ours := s.dial(c)
		claimed, err := s.adopt(s.theirs(c.Queue, k.CRMID, "+447700900002"), "n1/a")
		s.must(err)
		beside := claimed.Attempt
		if beside.State != dialer.Closed || beside.Outcome != campaigns.Unknown || beside.DialedAt.IsZero() || beside.Owner != "n1/a" {
			t.Errorf("kept as %+v", beside)
		}
		if a := s.attempt(ours.ID); a.State != dialer.Dialing || a.Owner != ours.Owner {
			t.Errorf("our call was touched: %+v", a)
		}
		if contact := s.contact(ours.ContactID); contact.State != campaigns.Calling || contact.Attempts != 1 {
			t.Errorf("contact in our call: %+v", contact)
		}
		late := dialer.Closing{ID: beside.ID, Owner: beside.Owner, Fence: beside.Fence, Outcome: campaigns.Busy,
			EndedAt: s.after(time.Second)}
		_, err = s.Dialing.Close(ctx, late)
		s.must(err)
		if contact := s.contact(ours.ContactID); contact.State != campaigns.Calling || contact.Attempts != 1 {
			t.Errorf("contact in our call, after theirs: %+v", contact)
		}
		s.must(s.Dialing.Answered(ctx, ours.ID, ours.Owner, ours.Fence, "9", s.now))
		s.close(ours, campaigns.Answered)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: ours.ID, Code: "1", AgentID: 7, Now: s.now}))
		if contact := s.contact(ours.ContactID); contact.State != campaigns.Complete || contact.Attempts != 2 {
			t.Errorf("contact after our code: %+v", contact)
		}
		if got, want := types(s.events()), "1:call.completed 2:call.completed 3:call.answered 4:call.completed 5:call.code_set "+
			"6:contact.finished "; got != want {
			t.Errorf("events %s, want %s", got, want)
		}
	})
}

// TestExternalCallInVainChangesNoPlan: what was agreed with the customer, and what the agent is about to say, are kept.
func TestExternalCallInVainChangesNoPlan(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 2 })
		s.add(c, s.person("+447700900001"))
		number := "+447700900001"
		inVain := func(meanwhile func()) {
			t.Helper()
			claimed, err := s.adopt(s.theirs(c.Queue, "", number), "n1/a")
			s.must(err)
			meanwhile()
			s.close(claimed.Attempt, campaigns.Busy)
		}
		a := s.talk(c)
		inVain(func() {}) // the talk awaits its code
		if k := s.contact(a.ContactID); k.State != campaigns.Coding {
			t.Errorf("the code is not awaited any more: %+v", k)
		}
		at := s.now.Add(26 * time.Hour)
		inVain(func() {
			s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "3", CallbackAt: at, AgentID: 7, Now: s.now}))
		})
		if k := s.contact(a.ContactID); k.State != campaigns.Waiting || !k.NextAt.Equal(at) {
			t.Errorf("after a code that was set beside a call: %+v", k)
		}
		inVain(func() {})
		if k := s.contact(a.ContactID); k.State != campaigns.Waiting || !k.NextAt.Equal(at) || k.Attempts != 4 {
			t.Errorf("the promise was forgotten: %+v", k)
		}

		s.add(c, s.person("+447700900002"))
		number = "+447700900002"
		inVain(func() {})
		list, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, "", 0, 10)
		s.must(err)
		if k := list[len(list)-1]; k.NextAt.Before(s.now.Add(10 * time.Minute)) {
			t.Errorf("due at %v although the phone was busy at %v", k.NextAt, s.now)
		}
	})
}

func TestCallWithoutAProcessIsTakenOver(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		taken := func(call dialer.ExternalCall, owner string, of dialer.Attempt) dialer.Attempt {
			t.Helper()
			claimed, err := s.adopt(call, owner)
			s.must(err)
			if a := claimed.Attempt; a.ID != of.ID || a.Owner != owner || a.Fence <= of.Fence {
				t.Fatalf("took %+v over, want %s", a, of.ID)
			}
			_, err = s.Dialing.Close(ctx, dialer.Closing{ID: of.ID, Owner: of.Owner, Fence: of.Fence, Outcome: campaigns.Busy,
				EndedAt: s.now})
			s.wantIs(err, dialer.ErrFenced) // whoever had it must not end it any more
			return claimed.Attempt
		}

		// Seen by a former life of the node, and talking by now; by another node only when its lease is over.
		call := s.theirs(c.Queue, "", "+447700900001")
		claimed, err := s.adopt(call, "n1/a")
		s.must(err)
		if again, err := s.adopt(call, "n1/a"); err != nil || again.Attempt.ID != claimed.Attempt.ID {
			t.Errorf("repeated: %+v, %v", again.Attempt, err) // a reply may have been lost
		} else {
			claimed = again
		}
		if claimed.Attempt.ID != call.ID {
			t.Errorf("kept as %s, want %s", claimed.Attempt.ID, call.ID)
		}
		call.ID = dialer.AttemptID(s.ids.Next(s.now)) // as another session sees it
		_, err = s.adopt(call, "n1/a")
		s.wantIs(err, dialer.ErrKept)
		s.must(s.Dialing.Answered(ctx, claimed.Attempt.ID, "n1/a", claimed.Attempt.Fence, call.CallTraceID, s.after(time.Second)))
		a := taken(call, "n1/b", claimed.Attempt)
		if a.State != dialer.InTalk || a.AnsweredAt.IsZero() {
			t.Errorf("taken over as %+v", a)
		}
		_, err = s.adopt(call, "n2/a")
		s.wantIs(err, dialer.ErrNumberBusy)
		s.after(time.Minute)
		a = taken(call, "n2/a", a)

		// Closed as unknown: the truth may come late, once.
		s.after(time.Minute)
		if done, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now); !done || err != nil {
			t.Fatal(done, err)
		}
		a = taken(call, "n2/b", a)
		if a.State != dialer.Closed {
			t.Errorf("a closed attempt was opened again: %+v", a)
		}
		if due, err := s.Dialing.CodesDue(ctx, s.after(30*time.Minute), 10); err != nil || len(due) != 0 {
			t.Errorf("the code's time runs out in the midst of the talk: %+v, %v", due, err)
		}
		s.close(a, campaigns.Answered)
		_, err = s.adopt(call, "n2/c")
		s.wantIs(err, dialer.ErrNotClaimed)

		// Whoever is found by the calltraceid needs no place: the line is not ours, the number is not shown.
		call = s.theirs(c.Queue, "", "+447700900004")
		claimed, err = s.adopt(call, "n1/a")
		s.must(err)
		call.ID, call.Queue, call.Number = dialer.AttemptID(s.ids.Next(s.now)), "AUTO_9", "anonymous"
		taken(call, "n1/b", claimed.Attempt)

		// Ordered by us, and lost before its calltraceid was known: the number tells.
		s.add(c, s.person("+447700900005"))
		planned := s.plan(c)
		lost, err := s.Dialing.Claim(ctx, planned.ID, "n1/b", 7, 30*time.Second, s.now)
		s.must(err)
		s.must(s.Dialing.Dialed(ctx, planned.ID, "n1/b", lost.Attempt.Fence, ringing, s.now))
		call = s.theirs(c.Queue, "", "+447700900005")
		a = taken(call, "n1/c", lost.Attempt)
		if a.CallTraceID != call.CallTraceID || a.Origin != dialer.Automatic {
			t.Errorf("taken over as %+v", a)
		}
	})
}

// TestCallThatWasLostUntracedIsFoundAgain: its process died before the calltraceid was known, and the attempt was closed as
// unknown before the next life saw the call.
func TestCallThatWasLostUntracedIsFoundAgain(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		lost := func(number string) dialer.Attempt {
			t.Helper()
			s.add(c, s.person(number))
			planned := s.plan(c)
			claimed, err := s.Dialing.Claim(ctx, planned.ID, "n1/a", 7, 30*time.Second, s.now)
			s.must(err)
			s.must(s.Dialing.Dialed(ctx, planned.ID, "n1/a", claimed.Attempt.Fence, ringing, s.now))
			if done, err := s.Dialing.CloseUnknown(ctx, planned.ID, claimed.Attempt.Fence, s.after(time.Minute)); !done || err != nil {
				t.Fatal(done, err)
			}
			return claimed.Attempt
		}

		a := lost("+447700900001")
		call := s.theirs(c.Queue, "", "+447700900001")
		claimed, err := s.adopt(call, "n1/b")
		s.must(err)
		if got := claimed.Attempt; got.ID != a.ID || got.Origin != dialer.Automatic || got.CallTraceID != call.CallTraceID ||
			got.Fence != a.Fence+1 {
			t.Fatalf("kept as %+v beside %s", got, a.ID)
		}
		_, err = s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: "n1/b", Fence: a.Fence + 1, Outcome: campaigns.Answered,
			CallTraceID: call.CallTraceID,
			AnsweredAt:  s.now, EndedAt: s.after(time.Minute), CodeDueAt: s.now.Add(time.Minute)})
		s.must(err)
		if k := s.contact(a.ContactID); k.State != campaigns.Coding || k.Attempts != 1 || k.CallTraceID != call.CallTraceID {
			t.Errorf("contact after the talk: %+v", k)
		}

		// Not another agent's, not one of long ago, and not one whose end is known.
		lost("+447700900002")
		others := s.theirs(c.Queue, "", "+447700900002")
		others.AgentID = 8
		old := lost("+447700900003")
		late := s.theirs(c.Queue, "", old.Number)
		late.StartedAt = s.after(2 * time.Hour)
		known := lost("+447700900004")
		s.close(known, campaigns.Busy)
		for what, call := range map[string]dialer.ExternalCall{"another agent's": others, "long after": late,
			"after a known end": s.theirs(c.Queue, "", known.Number)} {
			if claimed, err := s.adopt(call, "n1/b"); err != nil || claimed.Attempt.Origin != dialer.External {
				t.Errorf("%s: %+v, %v", what, claimed.Attempt, err)
			}
		}
	})
}

// TestAnIDOfAPlanIsNoCallFromOutside: ids of two processes may be equal. The plan stays what it is, and the call is refused: it
// is seen again under another id.
func TestAnIDOfAPlanIsNoCallFromOutside(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(n1), s.person(n2))
		for _, state := range []dialer.State{dialer.Prepared, dialer.Cancelled} {
			a := s.plan(c)
			if state == dialer.Cancelled {
				_, err := s.Dialing.Cancel(ctx, a.ID, whyNot, s.now)
				s.must(err)
			}
			call := s.theirs(c.Queue, "", n3)
			call.ID = a.ID
			if _, err := s.adopt(call, "n"); err == nil {
				t.Errorf("adopted as an attempt that is %s", state)
			}
			if is := s.attempt(a.ID); is.State != state || is.Number != a.Number || is.Owner != "" {
				t.Errorf("%s became %+v", state, is)
			}
			call.ID = dialer.AttemptID(s.ids.Next(s.now))
			if _, err := s.adopt(call, "n"); err != nil {
				t.Errorf("under another id: %v", err)
			}
		}
	})
}
