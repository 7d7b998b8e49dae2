package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/store"
)

// TestContactByHand: edited, found by its new number and no more by the old, finished, reopened, and called again.
func TestContactByHand(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person("+447700900001", "+447700900002"), s.person("+447700900003"))
		find := func(number string) []campaigns.Contact {
			t.Helper()
			list, err := s.Contacts.Find(ctx, c.ID, []string{number}, "", 0, 10)
			s.must(err)
			return list
		}
		first := find("+447700900002")[0]
		edited, err := s.Contacts.EditContact(ctx, first.ID, func(k *campaigns.Contact) error {
			k.Name, k.TimeZone, k.Priority, k.Payload = "Ada", "Europe/Kyiv", 3, nil
			k.Phones = []campaigns.Phone{{Number: "+447700900002"}, {Number: "+447700900003", Label: "mother"}}
			return nil
		}, "boss", s.now)
		s.must(err)
		if k := s.contact(first.ID); k.Name != "Ada" || k.TimeZone != "Europe/Kyiv" || k.Priority != 3 || k.Payload != nil ||
			len(k.Phones) != 2 || edited.Name != "Ada" {
			t.Errorf("%+v", k)
		}
		if list := find("+447700900001"); len(list) != 0 {
			t.Errorf("found by a number that was taken away: %+v", list)
		}
		if list := find("+447700900003"); len(list) != 2 { // two people on one number
			t.Errorf("%+v", list)
		}
		second := find("+447700900003")[1]
		_, err = s.Contacts.EditContact(ctx, second.ID,
			func(k *campaigns.Contact) error { k.Phones = []campaigns.Phone{{Number: "+447700900009"}}; return nil }, "boss", s.now)
		s.must(err)
		if list := find("+447700900003"); len(list) != 1 || list[0].ID != first.ID {
			t.Errorf("the other one has the number now: %+v", list)
		}
		if list, err := s.Contacts.Find(ctx, 0, nil, first.CRMID, 0, 10); err != nil || len(list) != 1 || list[0].ID != first.ID {
			t.Errorf("by the CRM's id: %+v, %v", list, err)
		}

		for range 2 {
			done, err := s.Contacts.FinishContact(ctx, first.ID, "paid", "boss", s.now)
			if s.must(err); done.State != campaigns.Complete || done.Reason != campaigns.FinishedByHand {
				t.Errorf("%+v", done)
			}
		}
		_, err = s.Contacts.FinishContact(ctx, second.ID, "paid", "boss", s.now)
		s.must(err)
		if planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now); err != nil || len(planned) != 0 {
			t.Errorf("who has paid is called: %+v, %v", planned, err)
		}
		for range 2 {
			again, err := s.Contacts.ReopenContact(ctx, first.ID, "a mistake", "boss", s.now)
			if s.must(err); again.State != campaigns.Waiting || !again.NextAt.Equal(s.now) {
				t.Errorf("%+v", again)
			}
		}
		a := s.plan(c)
		if a.ContactID != first.ID {
			t.Errorf("%+v", a)
		}
		for _, deed := range []func() error{
			func() error { _, err := s.Contacts.FinishContact(ctx, first.ID, "", "boss", s.now); return err },
			func() error { _, err := s.Contacts.ReopenContact(ctx, first.ID, "", "boss", s.now); return err },
		} {
			if err := deed(); !errors.Is(err, store.ErrConflict) {
				t.Errorf("in a call: %v", err)
			}
		}
		log, err := s.Audits.AuditLog(ctx, 0, 1)
		s.must(err)
		if len(log) != 1 || log[0].What != "contact.reopen" || log[0].Detail != "a mistake" || log[0].After == nil {
			t.Errorf("%+v", log)
		}
	})
}

// TestWaiting: what policy says of those who come first, and how many are before one.
func TestWaiting(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Profile, c.TimeZone = "us-reg-f", "Europe/London" })
		asleep, awake := s.person("+447700900001"), s.person("+447700900002")
		asleep.TimeZone, awake.TimeZone = "America/Los_Angeles", "Europe/London"
		s.add(c, asleep, awake)
		list, err := s.Contacts.Waiting(ctx, c.ID, 10, s.now)
		s.must(err)
		if len(list) != 2 || list[0].Verdict.Permit || list[0].Verdict.Refusals[0].Rule != "hours" || !list[1].Verdict.Permit {
			t.Errorf("%+v", list)
		}
		second := s.contact(list[1].ContactID)
		for limit, want := range map[int]int{10: 1, 0: 0} {
			if n, err := s.Contacts.Ahead(ctx, second, limit, s.now); err != nil || n != want {
				t.Errorf("%d ahead, %v", n, err)
			}
		}
		s.after(time.Minute)
	})
}
