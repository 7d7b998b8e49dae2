package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

func TestCallFromPlanToCode(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person("+447700900001"))
		agent := s.agent()

		planned := s.plan(c)
		if planned.Ordinal != 1 || planned.Number != "+447700900001" || planned.State != dialer.Prepared ||
			planned.Origin != dialer.Automatic {
			t.Errorf("planned %+v", planned)
		}
		if got := s.contact(planned.ContactID); got.State != campaigns.Calling || got.Attempts != 0 {
			t.Errorf("contact after the plan: %+v", got)
		}

		claimed, err := s.Dialing.Claim(ctx, planned.ID, "node-1", agent.ID, 30*time.Second, s.now)
		s.must(err)
		a := claimed.Attempt
		if a.Fence != 1 || a.Owner != "node-1" || a.State != dialer.Dialing || !a.LeaseUntil.Equal(s.now.Add(30*time.Second)) {
			t.Errorf("claimed %+v", a)
		}
		if claimed.Campaign.Name != c.Name || len(claimed.Campaign.CallCodes) != 4 || claimed.Contact.Name == "" ||
			len(claimed.History) != 0 {
			t.Errorf("claimed with %+v", claimed)
		}

		s.must(s.Dialing.Dialed(ctx, a.ID, "node-1", 1, ringing, s.now))
		s.must(s.Dialing.Answered(ctx, a.ID, "node-1", 1, "770", s.after(5*time.Second)))
		s.after(time.Minute)
		closed, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: "node-1", Fence: 1, Outcome: campaigns.Answered,
			HangupBy:    "customer",
			CallTraceID: "770", EndedAt: s.now, CodeDueAt: s.now.Add(30 * time.Second)})
		s.must(err)
		if closed.State != dialer.Closed || closed.Outcome != campaigns.Answered || closed.AgentID != agent.ID {
			t.Errorf("closed %+v", closed)
		}
		if got := s.attempt(a.ID); got != closed {
			t.Errorf("stored  %+v\nanswered %+v", got, closed)
		}
		contact := s.contact(planned.ContactID)
		if contact.State != campaigns.Coding || contact.Attempts != 1 || contact.CallTraceID != "770" ||
			contact.RecordingLink != "https://dial.example.com/records/770.wav" {
			t.Errorf("contact after the close: %+v", contact)
		}

		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", AgentID: agent.ID, Now: s.after(time.Second)}))
		contact = s.contact(planned.ContactID)
		if contact.State != campaigns.Complete || contact.Reason != "code:1" {
			t.Errorf("contact after the code: %+v", contact)
		}
		s.wantIs(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "2", Now: s.now}), dialer.ErrCodeSet)

		events := s.events()
		if got, want := types(events), "1:call.answered 2:call.completed 3:call.code_set 4:contact.finished "; got != want {
			t.Fatalf("events %s, want %s", got, want)
		}
		completed := events[1].Data
		if call := completed.Call; *call.CallTraceID != "770" || call.Outcome != "answered" || call.TalkSeconds != 60 ||
			call.HangupBy != "customer" ||
			call.RecordingLink != contact.RecordingLink || call.AttemptID != a.ID.String() || !call.DialedAt.Equal(noon) {
			t.Errorf("call.completed tells %+v", call)
		}
		if k := completed.Contact; k.CRMID != contact.CRMID || k.State != "coding" || string(k.Payload) != `{"balance":"1.50"}` {
			t.Errorf("call.completed tells of the contact %+v", k)
		}
		if completed.Agent.Login != agent.Login || completed.Agent.UserID != "u7" || completed.Code != nil {
			t.Errorf("call.completed tells %+v", completed)
		}
		if code := events[2].Data.Code; code == nil || code.ID != "1" || code.Action != "finish" || events[2].Data.Reason != "agent" {
			t.Errorf("call.code_set tells %+v", events[2].Data)
		}

		done, err := s.Dialing.FinishDrained(ctx, c.ID, s.now)
		s.must(err)
		if again, _ := s.Dialing.FinishDrained(ctx, c.ID, s.now); !done || again {
			t.Errorf("finished %v, again %v", done, again)
		}
	})
}
