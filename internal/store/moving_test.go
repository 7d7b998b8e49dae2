package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/store"
)

// TestMoveContacts: on both databases a contact goes with its attempts, counters and promise; the law counts on; who is in a call
// or there already stays; counts and searches are those of the new campaign.
func TestMoveContacts(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		from := s.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay = 1 })
		to := s.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay = 1 })
		s.add(from, s.named("called", ""), s.named("promised", ""), s.named("in call", ""), s.named("twice", ""))
		list := s.listOf(from)
		twice := list[3]
		twice.ID, twice.CampaignID = 0, 0
		s.add(to, twice)
		called := s.close(s.dial(from), campaigns.Busy) // once today, which is all that the campaign permits
		var promised, talking campaigns.Contact
		for _, c := range s.listOf(from) {
			switch {
			case c.ID == called.ContactID || c.CRMID == twice.CRMID:
			case promised.ID == 0:
				promised = c
			default:
				talking = c
			}
		}
		_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: promised.ID, At: s.now.Add(time.Hour), MadeBy: "boss"}, s.now)
		s.must(err)
		var ids []int64
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		_, err = s.Contacts.FinishContact(ctx, ids[3], "later", "boss", s.now)
		s.must(err)
		call, err := s.Dialing.PlanManual(ctx, byHand(from, talking.Phones[0].Number), s.now)
		s.must(err)
		move := func(ids ...int64) (campaigns.Moved, error) {
			return s.Contacts.MoveContacts(ctx, campaigns.Moving{To: to.ID, IDs: ids}, "a new team", "boss", s.now)
		}
		_, err = move(talking.ID)
		s.wantIs(err, store.ErrConflict)
		got, err := move(ids...)
		want := campaigns.Moved{Moved: 2, InCall: 1, There: 1}
		if err != nil || got.Moved != want.Moved || got.InCall != want.InCall || got.There != want.There || len(got.Stayed) != 2 {
			t.Fatalf("moved %+v, %v, want %+v", got, err, want)
		}
		_, err = move(called.ContactID) // there by now
		s.wantIs(err, store.ErrConflict)
		_, err = move(999)
		s.wantIs(err, store.ErrNotFound)

		if c := s.contact(called.ContactID); c.CampaignID != to.ID || c.Attempts != 1 {
			t.Errorf("%+v", c)
		}
		if a := s.attempt(called.ID); a.CampaignID != from.ID || a.ContactID != called.ContactID {
			t.Errorf("its attempt is %+v", a)
		}
		if c, err := s.Contacts.Callback(ctx, promised.ID); err != nil || c.CampaignID != to.ID {
			t.Errorf("the promise: %+v, %v", c, err)
		}
		s.after(15 * time.Minute) // the one who was busy is due, and has had today's call
		for _, a := range s.planAll(to.ID) {
			if a.ContactID == called.ContactID {
				t.Errorf("the law did not count on: %+v", a)
			}
		}
		s.wantCounts(from)
		s.wantCounts(to)
		for campaign, want := range map[*campaigns.Campaign]int{from: 0, to: 1} {
			found, err := s.Contacts.Find(ctx, campaign.ID, []string{promised.Phones[0].Number}, "", 0, 10)
			if s.must(err); len(found) != want {
				t.Errorf("found by number in campaign %d: %+v", campaign.ID, found)
			}
		}
		_, err = s.Dialing.Cancel(ctx, call.ID, whyNot, s.now)
		s.must(err)
		if got, err := move(talking.ID); err != nil || got.Moved != 1 {
			t.Errorf("after its call: %+v, %v", got, err)
		}
	})
}

// TestMoveOfAList: as many as a list has, as the filter says, in several transactions.
func TestMoveOfAList(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		from, to := s.campaign(), s.campaign()
		const people = 450
		var contacts []any
		for i := range people {
			contacts = append(contacts, listed(fmt.Sprint(i), fmt.Sprint("P", i), "", fmt.Sprintf("phone:%d", i)))
		}
		s.imports(from, "spring", campaigns.NewOnly, list(contacts...))
		l, err := s.Imports.Lists(ctx, from.ID, 0, 10)
		s.must(err)
		first := s.listOf(from)[0].ID
		_, err = s.Contacts.FinishContact(ctx, first, "paid", "boss", s.now)
		s.must(err)
		got, err := s.Contacts.MoveContacts(ctx, campaigns.Moving{To: to.ID, ListID: l[0].ID, State: campaigns.Waiting}, "x", "boss",
			s.now)
		if err != nil || got.Moved != people-1 || s.contact(first).CampaignID != from.ID {
			t.Errorf("waiting: %+v, %v", got, err)
		}
		got, err = s.Contacts.MoveContacts(ctx, campaigns.Moving{To: to.ID, ListID: l[0].ID, Finish: []string{"max_attempts"}}, "x",
			"boss", s.now)
		if err != nil || got.Moved != 0 {
			t.Errorf("finished for another reason: %+v, %v", got, err)
		}
		s.wantCounts(to)
	})
}
