package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// names are the contacts of attempts, in their order.
func (h *house) names(planned []dialer.Attempt, err error) string {
	h.tb.Helper()
	h.must(err)
	var names []string
	for _, a := range planned {
		names = append(names, h.contact(a.ContactID).Name)
	}
	return strings.Join(names, " ")
}

func (h *house) giveAllBack() {
	h.tb.Helper()
	_, err := h.Dialing.CancelStale(ctx, h.now.Add(time.Hour), h.now)
	h.must(err)
}

// named is a contact with a name and a payload.
func (h *house) named(name, payload string) campaigns.Contact {
	h.n++
	c := h.person(fmt.Sprintf("+4477009%05d", h.n))
	c.Name, c.Payload = name, []byte(payload)
	return c
}

// TestPromisesComeFirst: of one priority those with a promised callback, then those tried before, then the others.
func TestPromisesComeFirst(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.named("tried", ""))
		s.close(s.dial(c), campaigns.Busy)
		s.add(c, s.named("promised", ""))
		p := s.plan(c)
		s.giveAllBack()
		for i := range 200 {
			s.add(c, s.named(fmt.Sprint("fresh", i), ""))
		}
		important := s.named("important", "")
		important.Priority = 1
		s.add(c, important)
		s.after(10 * time.Minute)
		_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: p.ContactID, At: s.now, MadeBy: "boss"}, s.now)
		s.must(err)
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 4, s.now)); got != "important promised tried fresh0" {
			t.Errorf("planned: %s", got)
		}
	})
}

// TestThePlaceInTheQueue: the place that is told is that of the plan, over priorities, promises, retries and the order of the
// others.
func TestThePlaceInTheQueue(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Order.By = campaigns.Newest })
		s.add(c, s.named("tried", ""))
		s.close(s.dial(c), campaigns.Busy)
		s.add(c, s.named("promised", ""))
		p := s.plan(c)
		s.giveAllBack()
		s.add(c, s.named("old", ""))
		s.add(c, s.named("new", ""))
		important := s.named("important", "")
		important.Priority = 1
		s.add(c, important)
		s.after(10 * time.Minute)
		_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: p.ContactID, At: s.now, MadeBy: "boss"}, s.now)
		s.must(err)
		first, err := s.Contacts.Waiting(ctx, c.ID, 10, s.now)
		s.must(err)
		var names []string
		for i, standing := range first {
			k := s.contact(standing.ContactID)
			names = append(names, k.Name)
			for _, limit := range []int{10, 2} {
				if n, err := s.Contacts.Ahead(ctx, k, limit, s.now); err != nil || n != min(i, limit) {
					t.Errorf("%d ahead of %s of %d, %v", n, k.Name, limit, err)
				}
			}
		}
		if got := strings.Join(names, " "); got != "important promised tried new old" {
			t.Errorf("waiting: %s", got)
		}
		if planned := s.names(s.Dialing.Plan(ctx, c.ID, 5, s.now)); planned != strings.Join(names, " ") {
			t.Errorf("planned: %s", planned)
		}
	})
}

// TestFreshContactsComeInTheirOrder: by what the campaign says, also after policy has put some of them off.
func TestFreshContactsComeInTheirOrder(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for order, want := range map[campaigns.Order]string{
			{}:                              "a b c d",
			{By: campaigns.Newest}:          "d c b a",
			{By: campaigns.Alternating}:     "a d b c",
			{By: "field", Field: "balance"}: "b d a c",
			{By: "score", Field: "balance"}: "a d b c",
			{By: "field", Field: "balance", Descending: true}: "a d b c",
		} {
			c := s.campaign(func(c *campaigns.Campaign) { c.Order = order })
			s.add(c, s.named("a", `{"balance": 300}`), s.named("b", `{"balance": "-2"}`), s.named("c", `{}`),
				s.named("d", `{"balance": "20.5"}`))
			if got := s.names(s.Dialing.Plan(ctx, c.ID, 4, s.now)); got != want {
				t.Errorf("%+v: %s, want %s", order, got, want)
			}
		}
	})
}

// TestAChangedOrderPutsEverybodyAnew: those who were imported before, too.
func TestAChangedOrderPutsEverybodyAnew(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.named("a", `{"balance": 1}`), s.named("b", `{"balance": 3}`), s.named("c", `{"balance": 2}`))
		changed := *c
		changed.Order = campaigns.Order{By: campaigns.ByScore, Field: "balance"}
		c, err := s.Campaigns.UpdateCampaign(ctx, changed, s.now)
		s.must(err)
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 3, s.now)); got != "b c a" {
			t.Errorf("planned: %s", got)
		}
	})
}

// TestAPromiseIsKeptByWhoMadeIt: until the fallback; then by anyone.
func TestAPromiseIsKeptByWhoMadeIt(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.named("a", ""))
		a := s.plan(c)
		s.giveAllBack()
		mine, other := s.agent().ID, s.agent().ID
		_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: a.ContactID, At: s.now, AgentID: mine,
			Fallback: 10 * time.Minute, MadeBy: "boss"}, s.now)
		s.must(err)
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now, other)); got != "" {
			t.Errorf("given to another agent: %s", got)
		}
		planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now, other, mine)
		if s.must(err); len(planned) != 1 || planned[0].AgentID != mine || planned[0].Origin != dialer.Callback {
			t.Errorf("planned %+v, want the agent who promised", planned)
		}
		s.giveAllBack()
		planned, err = s.Dialing.Plan(ctx, c.ID, 1, s.after(10*time.Minute), other)
		if s.must(err); len(planned) != 1 || planned[0].AgentID != other {
			t.Errorf("after the fallback: %+v", planned)
		}
	})
}

// TestACallbackSurvivesABusySignal: it has tries of its own, though all attempts are used up; when they are over it is missed.
func TestACallbackSurvivesABusySignal(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 1; c.Callbacks.Tries = 2 })
		s.add(c, s.named("a", ""))
		s.close(s.dial(c), campaigns.NoAnswer)
		list, err := s.Attempts.Attempts(ctx, dialer.AttemptFilter{CampaignID: c.ID}, 0, 1)
		s.must(err)
		id := list[0].ContactID
		from := s.now
		_, err = s.Contacts.Promise(ctx, campaigns.Callback{ContactID: id, At: s.now, MadeBy: "boss"}, s.now)
		s.must(err)
		s.close(s.dial(c), campaigns.Busy)
		if k := s.contact(id); k.State != campaigns.Waiting || !k.NextAt.Equal(s.now.Add(10*time.Minute)) {
			t.Fatalf("after a busy signal: %+v", k)
		}
		s.after(10 * time.Minute)
		b := s.dial(c)
		if b.Origin != dialer.Callback {
			t.Errorf("second try: %+v", b)
		}
		s.close(b, campaigns.Busy)
		if k := s.contact(id); k.State != campaigns.Complete || k.Reason != "max_attempts" {
			t.Errorf("after all tries: %+v", k)
		}
		clock, err := s.Dialing.Promises(ctx, c.ID, from, s.now)
		if s.must(err); clock != (campaigns.PromiseClock{Due: 1, InTime: 1}) || clock.Share() != 1 {
			t.Errorf("clock %+v", clock)
		}
	})
}

// TestThePromiseClock: a late promise is told once, and counts; one that is moved or cancelled does not.
func TestThePromiseClock(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		_, err := s.Webhooks.CreateEndpoint(ctx, webhook.Endpoint{URL: "http://127.0.0.1/", Secret: "whsec_", CreatedAt: s.now})
		s.must(err)
		c := s.campaign()
		s.add(c, s.named("a", ""), s.named("b", ""), s.named("c", ""))
		planned, err := s.Dialing.Plan(ctx, c.ID, 3, s.now)
		s.must(err)
		s.giveAllBack()
		from, who := s.now, s.agent()
		for _, a := range planned {
			_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: a.ContactID, At: s.now, AgentID: who.ID, MadeBy: "boss"},
				s.now)
			s.must(err)
		}
		s.after(5*time.Minute + time.Second)
		_, err = s.Contacts.MoveCallback(ctx, campaigns.Callback{ContactID: planned[1].ContactID, At: s.now.Add(time.Hour),
			MadeBy: "boss"}, s.now)
		s.must(err)
		_, err = s.Contacts.CancelCallback(ctx, planned[2].ContactID, "boss", "reason: a mistake", s.now)
		s.must(err)
		for want := 1; want >= 0; want-- {
			if n, err := s.Dialing.WatchPromises(ctx, s.now, 10); err != nil || n != want {
				t.Errorf("late: %d, %v, want %d", n, err, want)
			}
		}
		events := s.events()
		last := events[len(events)-1]
		if last.Type != webhook.CallbackLate || last.Data.Callback == nil || !last.Data.Callback.At.Equal(from) ||
			last.Data.Agent == nil || last.Data.Agent.Login != who.Login {
			t.Errorf("event %+v", last)
		}
		clock, err := s.Dialing.Promises(ctx, c.ID, from, s.now)
		if s.must(err); clock != (campaigns.PromiseClock{Due: 1, Overdue: 1}) {
			t.Errorf("clock %+v", clock)
		}
		s.wantIs(func() error {
			_, err := s.Contacts.CancelCallback(ctx, planned[2].ContactID, "boss", "", s.now)
			return err
		}(), store.ErrNotFound)
		list, err := s.Contacts.Callbacks(ctx, c.ID, 0, time.Time{}, 0, 10)
		s.must(err)
		s.must(s.Contacts.PermitCallbacks(ctx, list, s.now))
		if len(list) != 2 || !list[0].PermittedAt.Equal(s.now) || !list[1].PermittedAt.Equal(s.now.Add(time.Hour)) {
			t.Errorf("callbacks %+v", list)
		}
	})
}

// TestStickyAgent: who has talked before calls again.
func TestStickyAgent(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for _, mode := range []campaigns.StickyMode{campaigns.Prefer, campaigns.Require} {
			c := s.campaign(func(c *campaigns.Campaign) {
				c.Sticky = campaigns.Sticky{Mode: mode, For: 20 * time.Minute}
				c.CallCodes = []campaigns.CallCode{{ID: "1", Name: "again", Action: campaigns.RetryAfter, After: time.Hour}}
			})
			s.add(c, s.named("a", ""))
			mine, other := s.agent().ID, s.agent().ID
			a, err := s.Dialing.Claim(ctx, s.plan(c).ID, "node-1", mine, 30*time.Second, s.now)
			s.must(err)
			s.must(s.Dialing.Dialed(ctx, a.Attempt.ID, "node-1", 1, ringing, s.now))
			s.must(s.Dialing.Answered(ctx, a.Attempt.ID, "node-1", 1, "7", s.now))
			s.close(a.Attempt, campaigns.Answered)
			s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.Attempt.ID, Code: "1", Now: s.now}))
			s.after(time.Hour)
			planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now, other)
			s.must(err)
			if got := len(planned) == 1; got != (mode == campaigns.Prefer) {
				t.Errorf("%s, another agent: %+v", mode, planned)
			}
			s.giveAllBack()
			planned, err = s.Dialing.Plan(ctx, c.ID, 1, s.now, other, mine)
			if s.must(err); len(planned) != 1 || planned[0].AgentID != mine {
				t.Errorf("%s, both free: %+v", mode, planned)
			}
			s.giveAllBack()
			planned, err = s.Dialing.Plan(ctx, c.ID, 1, s.after(20*time.Minute), other)
			if s.must(err); len(planned) != 1 || planned[0].AgentID != other {
				t.Errorf("%s, afterwards: %+v", mode, planned)
			}
			s.giveAllBack()
		}
	})
}

// TestSkills: a contact that needs one is given to an agent who has it, and waits for one.
func TestSkills(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.SkillField = "language" })
		s.add(c, s.named("polish", `{"language": "PL"}`), s.named("any", `{}`))
		plain, skilled := s.agent(), s.agent()
		skilled.Skills = []string{"pl", "vip"}
		skilled, err := s.Agents.UpdateAgent(ctx, skilled, s.now)
		if s.must(err); len(skilled.Skills) != 2 {
			t.Fatalf("agent %+v", skilled)
		}
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 2, s.now, plain.ID)); got != "any" {
			t.Errorf("without the skill: %s", got)
		}
		s.giveAllBack()
		planned, err := s.Dialing.Plan(ctx, c.ID, 2, s.now, plain.ID, skilled.ID)
		if got := s.names(planned, err); got != "polish any" || planned[0].AgentID != skilled.ID || planned[1].AgentID != plain.ID {
			t.Errorf("with it: %s, %+v", got, planned)
		}
	})
}

// TestQuota: no more calls at once than the campaign may have.
func TestQuota(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Quota = 2 })
		s.add(c, s.named("a", ""), s.named("b", ""), s.named("c", ""))
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 3, s.now)); got != "a b" {
			t.Errorf("planned: %s", got)
		}
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 3, s.now)); got != "" {
			t.Errorf("beyond the quota: %s", got)
		}
		s.giveAllBack()
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "a" {
			t.Errorf("when they are over: %s", got)
		}
	})
}

// TestARefusedHeadStarvesNobody: one plan finds who may be called behind a thousand who may not, and the head is cleared once.
func TestARefusedHeadStarvesNobody(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay = 1; c.Profile = "us-reg-f"; c.Region = "US" })
		var list []campaigns.Contact
		for i := range 1000 {
			asleep := s.person(fmt.Sprintf("+4477101%05d", i))
			asleep.Name, asleep.TimeZone = "asleep", "Asia/Tokyo" // 21:00
			list = append(list, asleep)
		}
		awake := s.named("awake", "")
		awake.TimeZone = "Europe/London"
		s.add(c, append(list, awake)...)
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "awake" {
			t.Errorf("planned: %s", got)
		}
		rounds := 0
		for more := true; more; rounds++ {
			var err error
			more, err = s.Queues.Clear(ctx, c.ID, s.now)
			s.must(err)
		}
		if rounds > 4 {
			t.Errorf("cleared in %d rounds", rounds)
		}
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "" {
			t.Errorf("planned: %s", got)
		}
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 2, s.after(11*time.Hour))); got != "asleep asleep" { // 08:00 in Tokyo
			t.Errorf("in the morning: %s", got)
		}
	})
}

// TestWhatIsSaidNewCountsForWhoIsNext: a list and an edit may say another language or balance.
func TestWhatIsSaidNewCountsForWhoIsNext(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.SkillField, c.Order = "language", campaigns.Order{By: campaigns.ByField, Field: "balance"}
		})
		s.imports(c, "first", campaigns.NewOnly, list(listed("1", "Ann", `{"balance":1}`, "phone:01"),
			listed("2", "Bob", `{"balance":2}`, "phone:02"),
			listed("3", "Cid", `{"balance":3}`, "phone:03")))
		s.imports(c, "second", campaigns.Update, list(listed("1", "", `{"balance":9}`, "phone:01"),
			listed("2", "", `{"language":"pl"}`, "phone:02")))
		list, err := s.Contacts.Contacts(ctx, c.ID, "", "3", 0, 1)
		s.must(err)
		_, err = s.Contacts.EditContact(ctx, list[0].ID,
			func(k *campaigns.Contact) error { k.Payload = []byte(`{"balance":10}`); return nil }, "boss", s.now)
		s.must(err)
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 3, s.now)); got != "Bob Ann Cid" {
			t.Errorf("planned: %s", got)
		}
		s.giveAllBack()
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 3, s.now, s.agent().ID, s.agent().ID, s.agent().ID)); got != "Ann Cid" {
			t.Errorf("planned for agents who speak no Polish: %s", got)
		}
	})
}

// TestWhoWasPutOffIsWoken: when what stood in the way is gone, those whom it has put off are due again, but no earlier than they
// would be without it; others stay as they are.
func TestWhoWasPutOffIsWoken(t *testing.T) {
	for _, tt := range []struct {
		name  string
		put   func(s *house, c *campaigns.Campaign)
		mend  func(s *house, c *campaigns.Campaign)
		still string // who is put off all the same
	}{
		{"an entry of the person is removed", func(s *house, c *campaigns.Campaign) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "1", At: s.now, Expires: s.now.AddDate(0, 1, 0)}))
		}, func(s *house, c *campaigns.Campaign) {
			_, err := s.Contacts.Unbar(ctx, "", "1", s.now)
			s.must(err)
		}, ""},
		{"an entry of the number is removed", func(s *house, c *campaigns.Campaign) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900001", At: s.now, Expires: s.now.AddDate(0, 1, 0)}))
		}, func(s *house, c *campaigns.Campaign) {
			_, err := s.Contacts.Unbar(ctx, "+447700900001", "", s.now)
			s.must(err)
		}, ""},
		{"the contact has another phone", func(s *house, c *campaigns.Campaign) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900001", At: s.now, Expires: s.now.AddDate(0, 1, 0)}))
		}, func(s *house, c *campaigns.Campaign) {
			_, err := s.Contacts.EditContact(ctx, s.listOf(c)[0].ID, func(k *campaigns.Contact) error {
				k.Phones = append(k.Phones, campaigns.Phone{Number: "+447700900009"})
				return nil
			}, "boss", s.now)
			s.must(err)
		}, ""},
		{"people are two again", func(s *house, c *campaigns.Campaign) {
			meant := true
			s.must(s.People.Merge(ctx, "1", []string{"3"}, "boss", "", s.now))
			_, _, err := s.People.Meet(ctx, campaigns.Interaction{ExternalID: "3", Kind: campaigns.Visit, CRMID: "3", At: s.now,
				Meaningful: &meant}, s.now)
			s.must(err)
		}, func(s *house, c *campaigns.Campaign) { s.must(s.People.Split(ctx, "3", "boss", "", s.now)) }, ""},
		{"the talk was no conversation", func(s *house, c *campaigns.Campaign) {
			other := s.campaign()
			s.add(other, somebody("1", "+447700900003"))
			s.talk(other)
		}, func(s *house, c *campaigns.Campaign) {
			db := s.DB()
			defer func() { _ = db.Close() }()
			var talk int64
			s.must(db.QueryRow(`SELECT max(id) FROM attempts WHERE answered_at IS NOT NULL`).Scan(&talk))
			s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: dialer.AttemptID(talk), Code: "2", Now: s.now}))
		}, ""},
		{"the rules are loosened", func(s *house, c *campaigns.Campaign) {
			meant := true
			for _, id := range []string{"1", "2"} {
				_, _, err := s.People.Meet(ctx, campaigns.Interaction{ExternalID: id, Kind: campaigns.Visit, CRMID: id, At: s.now,
					Meaningful: &meant}, s.now)
				s.must(err)
			}
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "2", At: s.now, Expires: s.now.AddDate(0, 1, 0)}))
		}, func(s *house, c *campaigns.Campaign) {
			loose, err := s.Campaigns.Campaign(ctx, c.ID)
			s.must(err)
			is := *loose
			is.Limits.MeaningfulPerDay = 0
			_, err = s.Campaigns.UpdateCampaign(ctx, is, s.now)
			s.must(err)
		}, "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				c := s.campaign(func(c *campaigns.Campaign) { c.Limits.MeaningfulPerDay = 1 })
				s.add(c, somebody("1", "+447700900001"), somebody("2", "+447700900002"))
				tt.put(s, c)
				s.after(time.Minute)
				planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now)
				s.must(err)
				for _, a := range planned {
					if a.Person == "1" {
						t.Fatalf("planned %+v", a)
					}
				}
				s.giveAllBack()
				tt.mend(s, c)
				for _, k := range s.listOf(c) {
					if due := !k.NextAt.After(s.now); due == (k.CRMID == tt.still) {
						t.Errorf("%s is due at %s, now is %s", k.CRMID, k.NextAt, s.now)
					}
				}
			})
		})
	}
}

// TestACodeThatBarsPutsOffThePersonsOtherContacts: nobody need come upon them at a plan.
func TestACodeThatBarsPutsOffThePersonsOtherContacts(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, other := s.campaign(), s.campaign()
		s.add(c, somebody("1", n1))
		s.add(other, somebody("1", n2), somebody("2", n1), somebody("3", n3))
		a := s.talk(c)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "4", Now: s.now}))
		var waiting []string
		for _, k := range s.listOf(other) {
			if k.State == campaigns.Waiting {
				waiting = append(waiting, k.CRMID)
			}
		}
		if fmt.Sprint(waiting) != "[3]" {
			t.Errorf("waiting: %v, want [3]", waiting)
		}
	})
}

// TestOneInACallIsAskedForAgainSoon: nobody knows when a call ends, and who is in one is not put off for an hour.
func TestOneInACallIsAskedForAgainSoon(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, other := s.campaign(), s.campaign()
		s.add(c, somebody("1", n1))
		s.add(other, somebody("1", n2))
		a := s.dial(c)
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, a.ID.String(), s.after(5*time.Second)))
		if got := s.names(s.Dialing.Plan(ctx, other.ID, 1, s.now)); got != "" {
			t.Fatalf("planned %s", got)
		}
		if due := s.listOf(other)[0].NextAt; due.After(s.now.Add(time.Minute)) || !due.After(s.now) {
			t.Errorf("due at %s, now is %s", due, s.now)
		}
	})
}

// TestWokenNotBeforeItsTime: who waits for another try does so, whatever was recorded meanwhile.
func TestWokenNotBeforeItsTime(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("1", "+447700900001"))
		a := s.dial(c)
		s.close(a, campaigns.Busy)
		again := s.contact(a.ContactID).NextAt
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "1", At: s.now, Expires: s.now.AddDate(0, 1, 0)}))
		if due := s.contact(a.ContactID).NextAt; !due.After(again) {
			t.Fatalf("barred for a month, due at %s", due)
		}
		_, err := s.Contacts.Unbar(ctx, "", "1", s.now)
		s.must(err)
		if due := s.contact(a.ContactID).NextAt; !due.Equal(again) {
			t.Errorf("due at %s, want %s as before", due, again)
		}
	})
}

func (h *house) listOf(c *campaigns.Campaign) []campaigns.Contact {
	h.tb.Helper()
	list, err := h.Contacts.Contacts(ctx, c.ID, "", "", 0, 100)
	h.must(err)
	return list
}
