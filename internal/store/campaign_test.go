package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

func TestCampaignsKeepEveryField(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		want := campaigns.Campaign{Name: "Debts, May", Queue: "AUTO_1", Mode: campaigns.Predictive, Priority: 5, Weight: 7,
			TimeZone: "Europe/Kyiv", Region: "UA",
			Windows: []campaigns.Window{{Cron: "0 9 * * 1-5", Duration: 11 * time.Hour}}, Holidays: []string{"2026-01-01"},
			Profile: "ua-1349-IX",
			Limits:  campaigns.Limits{PerDay: 2, Period: 24 * time.Hour, PerPeriod: 3, MinimumGap: time.Minute}, CallerID: "+380441234567",
			AgentRing: 15 * time.Second, Ring: 30 * time.Second, MaxDuration: time.Hour, WrapUp: time.Minute, MaxAttempts: 5,
			Retry: map[campaigns.Outcome]campaigns.RetryRule{campaigns.Busy: {After: time.Minute, Max: 2}},
			CallCodes: []campaigns.CallCode{{ID: "9", Name: "B", Action: campaigns.RetryAfter, After: time.Hour, ActionFlag: "2"},
				{ID: "1", Name: "A", Action: campaigns.Finish, Meaningful: true}},
			DefaultCode: "1", CardLink: "https://crm/{crm_id}", RecordingLink: "/r/{calltraceid}"}
		made, err := s.Campaigns.CreateCampaign(ctx, want, s.now)
		s.must(err)
		want.ID, want.Status, want.CreatedAt, want.UpdatedAt = made.ID, campaigns.Draft, s.now, s.now
		if fmt.Sprintf("%+v", *made) != fmt.Sprintf("%+v", want) {
			t.Errorf("stored\n%+v\nwant\n%+v", *made, want)
		}
		_, err = s.Campaigns.CreateCampaign(ctx, campaigns.Campaign{Name: "Debts, May", Queue: "other", Mode: campaigns.Manual}, s.now)
		s.wantIs(err, store.ErrConflict)
		_, err = s.Campaigns.CreateCampaign(ctx, campaigns.Campaign{Name: "other", Queue: "AUTO_1", Mode: campaigns.Manual}, s.now)
		s.wantIs(err, store.ErrConflict)

		changed := want
		changed.Name, changed.CallCodes, changed.Windows = "Debts, June", want.CallCodes[:1], nil
		got, err := s.Campaigns.UpdateCampaign(ctx, changed, s.after(time.Hour))
		s.must(err)
		changed.UpdatedAt = s.now
		if fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", changed) {
			t.Errorf("changed\n%+v\nwant\n%+v", *got, changed)
		}
		if again, err := s.Campaigns.CampaignByQueue(ctx, "AUTO_1"); err != nil || again.Name != "Debts, June" ||
			len(again.CallCodes) != 1 {
			t.Errorf("by queue: %+v, %v", again, err)
		}
		changed.ID = 99
		_, err = s.Campaigns.UpdateCampaign(ctx, changed, s.now)
		s.wantIs(err, store.ErrNotFound)
		_, err = s.Campaigns.Campaign(ctx, 99)
		s.wantIs(err, store.ErrNotFound)
	})
}

// TestCampaignsOlderThanWeights: settings that were stored before there were weights have the default one.
func TestCampaignsOlderThanWeights(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		made := s.campaign(func(c *campaigns.Campaign) { c.Weight = 7 })
		_, err := s.DB().Exec(`UPDATE campaigns SET settings = replace(settings, '"Weight":7,', ''), version = version + 1`)
		s.must(err)
		if c, err := s.Campaigns.Campaign(ctx, made.ID); err != nil || c.Weight != 1 {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestStatusAndLists(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		low := s.campaign()
		high := s.campaign(func(c *campaigns.Campaign) { c.Priority = 9 })
		idle := s.campaign()
		_, err := s.Campaigns.SetStatus(ctx, idle.ID, campaigns.Paused, []campaigns.Status{campaigns.Draft, campaigns.Stopped}, s.now)
		s.wantIs(err, store.ErrConflict)
		paused, err := s.Campaigns.SetStatus(ctx, idle.ID, campaigns.Paused, []campaigns.Status{campaigns.Draft, campaigns.Running},
			s.now)
		s.must(err)
		if paused.Status != campaigns.Paused {
			t.Errorf("status %s", paused.Status)
		}
		_, err = s.Campaigns.SetStatus(ctx, 99, campaigns.Paused, []campaigns.Status{campaigns.Draft}, s.now)
		s.wantIs(err, store.ErrNotFound)
		running, err := s.Dialing.Running(ctx)
		s.must(err)
		if len(running) != 2 || running[0].ID != high.ID || running[1].ID != low.ID {
			t.Errorf("running %+v", running)
		}
		page, err := s.Campaigns.Campaigns(ctx, low.ID, 1)
		s.must(err)
		if len(page) != 1 || page[0].ID != high.ID {
			t.Errorf("page %+v", page)
		}
	})
}

// TestChangesReachOtherProcesses has one process change what another has in memory.
func TestChangesReachOtherProcesses(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(), s.person())
		other, err := store.Open(ctx, s.url, store.Options{})
		s.must(err)
		defer other.Disconnect()
		s.claim(s.plan(c)) // keeps the campaign in memory
		changed := *c
		changed.Ring = 99 * time.Second
		_, err = other.Campaigns.UpdateCampaign(ctx, changed, s.now)
		s.must(err)
		if claimed := s.claim(s.plan(c)); claimed.Campaign.Ring != 99*time.Second {
			t.Errorf("claimed with the old campaign: %+v", claimed.Campaign)
		}
	})
}

func TestPlanGoesByPriorityAndTime(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		first, second, third, later := s.person(), s.person(), s.person(), s.person()
		first.Priority, third.Priority, later.Priority = 5, -5, 9
		s.add(c, second, third)
		s.after(time.Minute)
		s.add(c, first)
		s.now = s.now.Add(time.Hour)
		s.add(c, later) // due only then
		s.now = s.now.Add(-time.Minute)
		planned, err := s.Dialing.Plan(ctx, c.ID, 10, s.now)
		s.must(err)
		var order []string
		for _, a := range planned {
			order = append(order, a.Number)
		}
		if want := []string{first.Phones[0].Number, second.Phones[0].Number, third.Phones[0].Number}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

func TestPlanHeedsPolicy(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		// Outside the windows nothing is planned, and nobody is moved.
		c := s.campaign(func(c *campaigns.Campaign) { c.Windows = []campaigns.Window{{Cron: "0 14 * * *", Duration: time.Hour}} })
		s.add(c, s.person())
		if planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now); err != nil || len(planned) != 0 {
			t.Errorf("planned %+v before the window, %v", planned, err)
		}
		s.now = noon.Add(2 * time.Hour)
		a := s.plan(c)
		if want := noon.Add(3 * time.Hour); !a.ValidUntil.Equal(want) {
			t.Errorf("permit until %s, want the window's end %s", a.ValidUntil, want)
		}

		// A person who was called in one campaign waits in the other, by the other's own rules.
		limited := s.campaign(func(c *campaigns.Campaign) { c.Limits = campaigns.Limits{MinimumGap: time.Hour} })
		other := s.campaign()
		shared := s.person()
		s.add(other, shared)
		s.add(limited, somebody(shared.CRMID, "+447700955555")) // another phone
		s.close(s.dial(other), campaigns.Busy)
		if planned, err := s.Dialing.Plan(ctx, limited.ID, 1, s.now); err != nil || len(planned) != 0 {
			t.Errorf("planned %+v within the gap, %v", planned, err)
		}
		contacts, err := s.Contacts.Contacts(ctx, limited.ID, campaigns.Waiting, "", 0, 1)
		s.must(err)
		if want := s.now.Add(time.Hour); len(contacts) != 1 || !contacts[0].NextAt.Equal(want) {
			t.Errorf("contact %+v, want it due at %s", contacts, want)
		}
		q, err := s.Contacts.Question(ctx, contacts[0].ID, s.now)
		s.must(err)
		if v := campaigns.Decide(q); v.Permit || v.Refusals[0].Rule != "minimum_gap" || len(q.Past) != 1 || !q.Automatic {
			t.Errorf("question %+v, verdict %+v", q, v)
		}
	})
}

// TestAnOpeningWakes: who was put off beyond a campaign's hours is due again when these are given an opening.
func TestAnOpeningWakes(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.Windows = []campaigns.Window{{Cron: "0 10 * * *", Duration: 150 * time.Minute}} // noon, and half an hour more
			c.Limits = campaigns.Limits{MinimumGap: time.Hour}
		})
		other, shared := s.campaign(), s.person()
		s.add(other, shared)
		s.add(c, shared)
		s.close(s.dial(other), campaigns.Busy)
		next := func() time.Time {
			t.Helper()
			planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now)
			if s.must(err); len(planned) != 0 {
				t.Fatalf("planned %+v within the gap", planned)
			}
			list, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, "", 0, 1)
			s.must(err)
			return list[0].NextAt
		}
		if got, want := next(), noon.Add(22*time.Hour); !got.Equal(want) {
			t.Fatalf("put off to %s, want the next window's beginning, %s", got, want)
		}
		opened := *c
		opened.Exceptions = []campaigns.Exception{{Date: noon.Format(time.DateOnly), From: "12:30", To: "18:00", Note: "today"}}
		s.after(time.Second)
		_, err := s.Campaigns.UpdateCampaign(ctx, opened, s.now)
		s.must(err)
		if got, want := next(), noon.Add(time.Hour); got.Before(want) || got.After(want.Add(time.Minute)) {
			t.Errorf("put off to %s, want the end of the gap, %s", got, want)
		}
	})
}

func TestBarredNumbers(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("1", "+447700900001", "+447700900002"), somebody("2", "+447700900003"), somebody("3", "+447700900004"))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900001", Reason: "asked", MadeBy: "boss", At: s.now}))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "2", At: s.now}))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900004", CRMID: "3", At: s.now}))
		// one half was there
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900001", CRMID: "nobody", Reason: "later", At: s.now}))
		planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now)
		s.must(err)
		if len(planned) != 1 || planned[0].Number != "+447700900002" {
			t.Errorf("planned %+v: want the number that is not barred", planned)
		}
		done, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Complete, "", 0, 5)
		s.must(err)
		if len(done) != 2 || done[0].Reason != "do_not_call" {
			t.Errorf("finished %+v", done)
		}
		if got, want := types(s.events()), "1:contact.finished 1:contact.finished "; got != want {
			t.Errorf("events %s, want %s", got, want)
		}
		all, err := s.Contacts.BarredList(ctx, "", "", 0, 10)
		s.must(err)
		if len(all) != 4 || all[0].CRMID != "nobody" || all[3].Reason != "asked" {
			t.Errorf("list %+v", all)
		}
		if page, _ := s.Contacts.BarredList(ctx, "", "", all[1].ID, 1); len(page) != 1 || page[0].ID != all[2].ID {
			t.Errorf("page %+v", page)
		}

		// Taken off by half, the other half stays.
		for _, half := range []struct {
			number, crmID string
			was           bool
		}{{"+447700900004", "", true}, {"+447700900004", "", false}, {"", "3", true}, {"", "3", false}} {
			if was, err := s.Contacts.Unbar(ctx, half.number, half.crmID, s.now); err != nil || was != half.was {
				t.Errorf("unbar %+v: %v, %v", half, was, err)
			}
		}
	})
}

func TestPromise(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 1 })
		s.add(c, s.person())
		a := s.dial(c)
		promise := campaigns.Callback{ContactID: a.ContactID, At: s.now.Add(time.Hour), AgentID: 4, MadeBy: "boss"}
		_, err := s.Contacts.Promise(ctx, promise, s.now)
		s.wantIs(err, store.ErrConflict) // in a call
		s.close(a, campaigns.Busy)       // the last attempt: finished
		k, err := s.Contacts.Promise(ctx, promise, s.now)
		s.must(err)
		if k.State != campaigns.Waiting || !k.NextAt.Equal(promise.At) || k.CallbackAgent != 4 {
			t.Errorf("promised %+v", k)
		}
		promise.At = s.now.Add(30 * time.Minute) // replaces it
		_, err = s.Contacts.Promise(ctx, promise, s.now)
		s.must(err)
		list, err := s.Contacts.Callbacks(ctx, 0, 4, time.Time{}, 0, 10)
		s.must(err)
		promise.CampaignID, promise.OpenAt = c.ID, promise.At
		if len(list) != 1 || list[0] != promise {
			t.Errorf("callbacks %+v", list)
		}
		if list, _ = s.Contacts.Callbacks(ctx, c.ID, 0, promise.At, a.ContactID, 10); len(list) != 0 {
			t.Errorf("after the last one: %+v", list)
		}
		s.now = promise.At
		if b := s.plan(c); b.Origin != dialer.Callback { // a promise is kept beyond max_attempts
			t.Errorf("planned %+v", b)
		}
		_, err = s.Contacts.Promise(ctx, campaigns.Callback{ContactID: 9999, At: s.now}, s.now)
		s.wantIs(err, store.ErrNotFound)
	})
}

func TestStats(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(), s.person(), s.person(), s.person(), s.person())
		a := s.talk(c)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", Now: s.now}))
		s.close(s.dial(c), campaigns.Busy)
		s.close(s.claim(s.plan(c)).Attempt, campaigns.AgentNoAnswer)
		cancelled := s.plan(c)
		_, err := s.Dialing.Cancel(ctx, cancelled.ID, reason.Reason{}, s.now)
		s.must(err)
		s.dial(c)
		got, err := s.Campaigns.Stats(ctx, c.ID)
		s.must(err)
		want := campaigns.Stats{Contacts: map[campaigns.ContactState]int{campaigns.Complete: 1, campaigns.Waiting: 3,
			campaigns.Calling: 1},
			Reasons: map[string]int{"code:1": 1}, Outcomes: map[campaigns.Outcome]int{campaigns.Answered: 1, campaigns.Busy: 1,
				campaigns.AgentNoAnswer: 1},
			Codes: map[string]int{"1": 1}, Open: 1, Dialed: 3, Talk: time.Minute, NextDue: noon}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("stats\n%+v\nwant\n%+v", got, want)
		}
		for filter, n := range map[dialer.AttemptFilter]int{
			{CampaignID: c.ID}: 5, {CampaignID: c.ID + 1}: 0, {State: dialer.Cancelled}: 1, {Outcome: campaigns.Busy}: 1,
			{CallTraceID: a.CallTraceID}: 1, {Number: a.Number}: 1, {From: s.now}: 4, {To: s.now}: 1, {AgentID: 5}: 0,
		} {
			if list, err := s.Attempts.Attempts(ctx, filter, 0, 10); err != nil || len(list) != n {
				t.Errorf("%+v: %d attempts, want %d; %v", filter, len(list), n, err)
			}
		}
	})
}
