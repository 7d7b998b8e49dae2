package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// who is a person with two CRM ids, the first of whom is to be called, and a stranger.
type who struct{ id, other, stranger, number, second, third string }

func newWho(n int) who {
	id := func(kind string) string { return fmt.Sprint(kind, n) }
	number := func(i int) string { return fmt.Sprintf("+4477011%05d", 10*n+i) }
	return who{id("a"), id("b"), id("c"), number(1), number(2), number(3)}
}

// TestWhatHappensAfterThePlanIsSeen: in the very millisecond of the plan, and also where the clock of who tells is behind, before
// the claim and between it and the dial. What was there before the plan keeps nobody from the call.
func TestWhatHappensAfterThePlanIsSeen(t *testing.T) {
	talked := true
	changes := []struct {
		name string
		do   func(s *house, c *campaigns.Campaign, w who, at time.Time)
	}{
		{"the number is barred", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: w.number, At: at}))
		}},
		{"the person is barred", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: w.id, At: at}))
		}},
		{"the person is barred by another id", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: w.other, At: at}))
		}},
		{"the person was met", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			_, _, err := s.People.Meet(ctx, campaigns.Interaction{ExternalID: w.id, Kind: campaigns.Visit, CRMID: w.other, At: at,
				Meaningful: &talked}, at)
			s.must(err)
		}},
		{"somebody was met on another number", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			_, _, err := s.People.Meet(ctx, campaigns.Interaction{ExternalID: w.id, Kind: campaigns.OutgoingCall, Number: w.second, At: at,
				Meaningful: &talked}, at)
			s.must(err)
		}},
		{"the person wishes otherwise", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			_, err := s.People.Consent(ctx, campaigns.Consent{CRMID: w.id, Kind: campaigns.NotThere, Number: w.number, Source: "a letter",
				GivenAt: at}, at)
			s.must(err)
		}},
		{"people are merged", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			s.must(s.People.Merge(ctx, w.id, []string{w.stranger}, "boss", "x", at))
		}},
		{"people are split", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			s.must(s.People.Split(ctx, w.other, "boss", "x", at))
		}},
		{"the person's other contact is edited", func(s *house, c *campaigns.Campaign, w who, at time.Time) {
			list, err := s.Contacts.Find(ctx, 0, nil, w.other, 0, 1)
			s.must(err)
			_, err = s.Contacts.EditContact(ctx, list[0].ID, func(k *campaigns.Contact) error { k.TimeZone = "Asia/Tokyo"; return nil },
				"boss", at)
			s.must(err)
		}},
		{"a list tells more of the person", func(s *house, _ *campaigns.Campaign, w who, at time.Time) {
			more := s.campaign()
			k := somebody(w.id, w.third)
			k.TimeZone = "Asia/Tokyo"
			_, err := s.Contacts.ImportContacts(ctx, more.ID, lines(k), at)
			s.must(err)
		}},
		{"a list tells another zone", func(s *house, c *campaigns.Campaign, w who, at time.Time) {
			k := somebody(w.id, w.number)
			k.TimeZone = "Asia/Tokyo"
			s.now = at
			s.imports(c, "second", campaigns.Update, list(k))
		}},
		{"the rules change", func(s *house, c *campaigns.Campaign, w who, at time.Time) {
			changed := *c
			changed.Limits.PerDay = 1
			_, err := s.Campaigns.UpdateCampaign(ctx, changed, at)
			s.must(err)
		}},
		{"the campaign is paused and goes on by other rules", func(s *house, c *campaigns.Campaign, w who, at time.Time) {
			c, err := s.Campaigns.SetStatus(ctx, c.ID, campaigns.Paused, []campaigns.Status{campaigns.Running}, at)
			s.must(err)
			changed := *c
			changed.Windows = []campaigns.Window{{Cron: "0 1 * * *", Duration: time.Hour}}
			_, err = s.Campaigns.UpdateCampaign(ctx, changed, at)
			s.must(err)
			_, err = s.Campaigns.SetStatus(ctx, c.ID, campaigns.Running, []campaigns.Status{campaigns.Paused}, at)
			s.must(err)
		}},
		{"the list is closed", func(s *house, c *campaigns.Campaign, w who, at time.Time) {
			lists, err := s.Imports.Lists(ctx, c.ID, 0, 1)
			s.must(err)
			_, err = s.Imports.CloseList(ctx, lists[0].ID, "boss", "old", at)
			s.must(err)
		}},
		{"the permit ends", func(s *house, _ *campaigns.Campaign, _ who, _ time.Time) { s.after(25 * time.Hour) }},
	}
	each(t, func(t *testing.T, s *house) {
		cases := 0
		for _, change := range changes {
			for _, claimed := range []bool{false, true} {
				for _, behind := range []time.Duration{0, time.Second} {
					if change.name == "the permit ends" && behind > 0 {
						continue
					}
					cases++
					s.now = noon.Add(time.Duration(cases) * 48 * time.Hour)
					w := newWho(cases)
					c := s.campaign()
					s.imports(c, "first", campaigns.NewOnly, list(somebody(w.id, w.number)))
					other := s.campaign()
					s.add(other, somebody(w.other, w.second))
					s.must(s.People.Merge(ctx, w.id, []string{w.other}, "boss", "x", s.now)) // in the millisecond of the plan, and before it
					a := s.plan(c)
					if claimed {
						a = s.claim(a).Attempt
					}
					change.do(s, c, w, s.now.Add(-behind))
					if !claimed {
						if _, err := s.Dialing.Claim(ctx, a.ID, "n", 7, time.Minute, s.now); !errors.Is(err, dialer.ErrNotClaimed) {
							t.Errorf("%s, told %s late: claim answers %v", change.name, behind, err)
						}
					} else if err := s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now); !errors.Is(err, dialer.ErrFenced) {
						t.Errorf("%s after the claim, told %s late: dialed answers %v", change.name, behind, err)
					}
				}
			}
		}
	})
}

// TestAPlanThatWasSlow: a plan that has looked before another call to the person, and inserts after it, is not dialed.
func TestAPlanThatWasSlow(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("1", n1))
		slow := s.now // it has looked now
		first := s.dial(c)
		s.after(time.Minute)
		s.close(first, campaigns.Busy)
		s.after(time.Hour)
		second := s.plan(c)
		db := s.DB()
		defer db.Close()
		_, err := db.Exec(fmt.Sprintf("UPDATE attempts SET prepared_at = %d WHERE id = %s", slow.UnixMilli(), second.ID))
		s.must(err)
		_, err = s.Dialing.Claim(ctx, second.ID, "n", 7, time.Minute, s.now)
		s.wantIs(err, dialer.ErrNotClaimed)
	})
}

// TestManyRoundsOfNumbers: however many contacts without a CRM id lead from one number to the next, what happened at the far end
// counts. Where they are too many to look at, nobody is called, and the reason says so.
func TestManyRoundsOfNumbers(t *testing.T) {
	number := func(i int) string { return fmt.Sprintf("+38050%07d", i) }
	each(t, func(t *testing.T, s *house) {
		for _, tt := range []struct {
			rounds int
			want   []string
		}{{9, []string{"meaningful_per_day"}}, {40, []string{"meaningful_per_day"}}, {90, []string{"person"}}} {
			base := tt.rounds * 1000
			chain := [2]*campaigns.Campaign{s.campaign(strict), s.campaign(strict)} // within one the same number is the same contact
			for i := range tt.rounds {
				s.add(chain[i%2], phones("", number(base+i), number(base+i+1)))
			}
			far := s.campaign(strict)
			s.add(far, phones("", number(base+tt.rounds)))
			for range 2 {
				if tt.want[0] != "person" { // nor is anybody called from there
					s.talkByHand(far, number(base+tt.rounds), "1")
					s.after(time.Hour)
				}
			}
			near := s.campaign(strict)
			s.add(near, phones("", number(base)), phones("", number(base+900)))
			list, err := s.Contacts.Contacts(ctx, near.ID, "", "", 0, 10)
			s.must(err)
			q, err := s.Contacts.Question(ctx, list[0].ID, s.now)
			s.must(err)
			var rules []string
			for _, r := range campaigns.Decide(q).Refusals {
				rules = append(rules, r.Rule)
			}
			if !slices.Equal(rules, tt.want) {
				t.Errorf("after %d rounds: refused by %v, want %v", tt.rounds, rules, tt.want)
			}
			planned, err := s.Dialing.Plan(ctx, near.ID, 5, s.now)
			if s.must(err); len(planned) != 1 || planned[0].Number != number(base+900) {
				t.Errorf("after %d rounds: planned %+v, want the other one alone", tt.rounds, planned)
			}
			s.giveAllBack()
			s.after(24 * time.Hour)
		}
	})
}

// TestAnEntryOfYears is not asked about each hour.
func TestAnEntryOfYears(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("1", n1))
		until := s.now.AddDate(3, 0, 0)
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: n1, At: s.now, Expires: until}))
		for asked := 0; ; asked++ {
			planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now)
			s.must(err)
			if len(planned) == 1 {
				if s.now.Before(until) {
					t.Errorf("planned at %s", s.now)
				}
				return
			}
			list, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, "", 0, 1)
			if s.must(err); len(list) != 1 || !list[0].NextAt.After(s.now) || asked > 40 {
				t.Fatalf("asked %d times: %+v", asked, list)
			}
			s.now = list[0].NextAt
		}
	})
}

// TestTwoPlanners plan the same people in campaigns that share them, with whole calls between: no person is in two calls at once,
// and nobody has more calls than the day allows.
func TestTwoPlanners(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		const people, perDay = 30, 2
		var list []*campaigns.Campaign
		for range 3 {
			c := s.campaign(func(c *campaigns.Campaign) {
				c.MaxAttempts, c.Limits.PerDay = 100, perDay
				c.Retry = map[campaigns.Outcome]campaigns.RetryRule{campaigns.Busy: {After: time.Millisecond}}
			})
			var contacts []campaigns.Contact
			for i := range people { // half of them by another number in each campaign
				k := somebody(fmt.Sprint("p", i), fmt.Sprintf("+4477010%05d", i+i%2*1000*len(list)))
				contacts = append(contacts, k)
			}
			s.add(c, contacts...)
			list = append(list, c)
		}
		var mu sync.Mutex
		inCall, dialed := map[string]bool{}, map[string]int{}
		start := s.now
		var planners sync.WaitGroup
		for p := range 4 {
			planners.Go(func() {
				node := fmt.Sprint("node-", p)
				for round := range 12 {
					now := start.Add(time.Duration(round) * time.Second)
					for i := range list {
						planned, err := s.Dialing.Plan(ctx, list[(i+p)%len(list)].ID, 7, now)
						if err != nil {
							t.Errorf("plan: %v", err)
							return
						}
						for _, a := range planned {
							claimed, err := s.Dialing.Claim(ctx, a.ID, node, 0, time.Minute, now)
							if errors.Is(err, dialer.ErrNotClaimed) {
								continue
							}
							if err != nil {
								t.Errorf("claim: %v", err)
								return
							}
							mu.Lock()
							if inCall[a.Person] {
								t.Errorf("%s is in two calls", a.Person)
							}
							inCall[a.Person] = true
							mu.Unlock()
							err = s.Dialing.Dialed(ctx, a.ID, node, claimed.Attempt.Fence, time.Minute, now)
							if err == nil {
								mu.Lock()
								if dialed[a.Person]++; dialed[a.Person] > perDay {
									t.Errorf("%s was dialed %d times", a.Person, dialed[a.Person])
								}
								mu.Unlock()
							} else if !errors.Is(err, dialer.ErrFenced) {
								t.Errorf("dialed: %v", err)
							}
							mu.Lock()
							inCall[a.Person] = false
							mu.Unlock()
							_, err = s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: node, Fence: claimed.Attempt.Fence, Outcome: campaigns.Busy,
								EndedAt: now, Confirmed: true})
							if err != nil {
								t.Errorf("close: %v", err)
								return
							}
						}
					}
				}
			})
		}
		planners.Wait()
		if len(dialed) != people {
			t.Errorf("%d of %d people were dialed", len(dialed), people)
		}
	})
}
