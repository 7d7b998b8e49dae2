package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// fullCount is what [store.Campaigns.Stats] says, counted row by row.
func (h *house) fullCount(campaignID int64) campaigns.Stats {
	h.tb.Helper()
	db := h.DB()
	defer db.Close()
	stats := campaigns.Stats{Contacts: map[campaigns.ContactState]int{}, Reasons: map[string]int{},
		Outcomes: map[campaigns.Outcome]int{}, Codes: map[string]int{}}
	rows, err := db.Query(`SELECT state, COALESCE(reason, ''), count(*) FROM contacts WHERE campaign_id = $1 GROUP BY 1, 2`,
		campaignID)
	h.must(err)
	defer rows.Close()
	for rows.Next() {
		var state, reason string
		var n int
		h.must(rows.Scan(&state, &reason, &n))
		if stats.Contacts[campaigns.ContactState(state)] += n; state == "finished" {
			stats.Reasons[reason] += n
		}
	}
	h.must(rows.Err())
	attempts, err := db.Query(`SELECT state, COALESCE(outcome, ''), COALESCE(code, ''), count(*), count(dialed_at),
		COALESCE(sum(CASE WHEN state = 'closed' THEN ended_at - answered_at END), 0)
		FROM attempts WHERE campaign_id = $1 AND state <> 'cancelled' GROUP BY 1, 2, 3`, campaignID)
	h.must(err)
	defer attempts.Close()
	for attempts.Next() {
		var state, outcome, code string
		var n, dialed, talk int
		h.must(attempts.Scan(&state, &outcome, &code, &n, &dialed, &talk))
		switch {
		case state != "closed":
			stats.Open += n
		case outcome == string(campaigns.AgentNoAnswer):
			stats.Outcomes[campaigns.AgentNoAnswer] += n
		case dialed > 0:
			stats.Outcomes[campaigns.Outcome(outcome)] += dialed
		}
		if code != "" {
			stats.Codes[code] += n
		}
		stats.Dialed += dialed
		stats.Talk += time.Duration(talk) * time.Millisecond
	}
	h.must(attempts.Err())
	return stats
}

// wantCounts compares what is kept with a full count.
func (h *house) wantCounts(c *campaigns.Campaign) {
	h.tb.Helper()
	got, err := h.Campaigns.Stats(ctx, c.ID)
	h.must(err)
	got.NextDue = time.Time{}
	if want := h.fullCount(c.ID); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		h.tb.Fatalf("campaign %d is counted\n%+v\nbut has\n%+v", c.ID, got, want)
	}
	lists, err := h.Imports.Lists(ctx, c.ID, 0, 100)
	h.must(err)
	for _, l := range lists {
		got, err := h.Imports.List(ctx, l.ID)
		h.must(err)
		states, reasons := map[campaigns.ContactState]int{}, map[string]int{}
		people, err := h.Imports.ListContacts(ctx, l.ID, 0, 1000)
		h.must(err)
		for _, k := range people {
			if states[k.State]++; k.State == campaigns.Complete {
				reasons[k.Reason]++
			}
		}
		if !maps.Equal(got.Contacts, states) || !maps.Equal(got.Reasons, reasons) {
			h.tb.Fatalf("list %q is counted %v %v, but has %v %v", l.Name, got.Contacts, got.Reasons, states, reasons)
		}
	}
}

// TestCountsEqualAFullCount after whatever happens to lists, contacts and calls; and contacts are found by their names.
func TestCountsEqualAFullCount(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": testdeps.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := open(t, url(t))
			rapid.Check(t, func(rt *rapid.T) { playCounted(rt, s) })
		})
	}
}

func playCounted(rt *rapid.T, s *house) {
	s.now = noon
	c := s.campaign()
	names := []string{"Тарас Шевченко", "Шевчук Олена", "Anne-Marie d’Arc", "anna KOVÁČ", ""}
	some := func() (k campaigns.Contact, there bool) {
		list, err := s.Contacts.Contacts(ctx, c.ID, "", "", 0, 500)
		s.must(err)
		if len(list) == 0 {
			return k, false
		}
		return list[rapid.IntRange(0, len(list)-1).Draw(rt, "contact")], true
	}
	list := func() (int64, bool) {
		all, err := s.Imports.Lists(ctx, c.ID, 0, 10)
		s.must(err)
		if len(all) == 0 {
			return 0, false
		}
		return all[rapid.IntRange(0, len(all)-1).Draw(rt, "list")].ID, true
	}
	rt.Repeat(map[string]func(*rapid.T){
		"import": func(rt *rapid.T) {
			var people []campaigns.Contact
			for range rapid.IntRange(1, 4).Draw(rt, "people") {
				k := s.person()
				k.Name = rapid.SampledFrom(names).Draw(rt, "name")
				people = append(people, k)
			}
			if k, there := some(); there && k.CRMID != "" { // somebody who is there, by another name
				k.Name = rapid.SampledFrom(names).Draw(rt, "name")
				people = append(people, k)
			}
			im, err := s.Imports.BeginImport(ctx, campaigns.Import{CampaignID: c.ID, State: campaigns.ImportRunning, MadeBy: "boss",
				List: rapid.SampledFrom([]string{"spring", "autumn"}).Draw(rt, "list"),
				Choice: rapid.SampledFrom([]campaigns.Choice{campaigns.NewOnly, campaigns.Update,
					campaigns.Replace}).Draw(rt, "choice")}, s.now)
			if errors.Is(err, store.ErrConflict) {
				return // the list is closed
			}
			s.must(err)
			_, err = s.Imports.RunImport(ctx, im, false, lines(people...), func() int64 { return 7 }, s.now)
			s.must(err)
		},
		"call": func(rt *rapid.T) {
			planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now)
			s.must(err)
			if len(planned) == 0 {
				return
			}
			a := planned[0]
			if rapid.Bool().Draw(rt, "cancelled") {
				_, err := s.Dialing.Cancel(ctx, a.ID, whyNot, s.now)
				s.must(err)
				return
			}
			a = s.claim(a).Attempt
			s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
			if rapid.Bool().Draw(rt, "busy") {
				s.close(a, campaigns.Busy)
				return
			}
			s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, a.ID.String(), s.now))
			s.after(time.Minute)
			s.close(a, campaigns.Answered)
			if rapid.Bool().Draw(rt, "coded") {
				code := rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "code")
				s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: code, Now: s.now}))
			}
		},
		"finish": func(rt *rapid.T) {
			if k, there := some(); there {
				_, _ = s.Contacts.FinishContact(ctx, k.ID, "paid", "boss", s.now) // refused in a call
			}
		},
		"reopen": func(rt *rapid.T) {
			if k, there := some(); there {
				_, _ = s.Contacts.ReopenContact(ctx, k.ID, "", "boss", s.now)
			}
		},
		"rename": func(rt *rapid.T) {
			if k, there := some(); there {
				_, _ = s.Contacts.EditContact(ctx, k.ID, func(k *campaigns.Contact) error {
					k.Name = rapid.SampledFrom(names).Draw(rt, "name")
					return nil
				}, "boss", s.now)
			}
		},
		"close list": func(rt *rapid.T) {
			if id, there := list(); there {
				_, err := s.Imports.CloseList(ctx, id, "boss", "", s.now)
				s.must(err)
			}
		},
		"reopen list": func(rt *rapid.T) {
			if id, there := list(); there {
				_, err := s.Imports.ReopenList(ctx, id, "boss", "", s.now)
				s.must(err)
			}
		},
		"recycle": func(rt *rapid.T) {
			if id, there := list(); there {
				_, _ = s.Imports.RecycleList(ctx, id, campaigns.Recycling{ResetAttempts: true}, "boss", s.now)
			}
		},
		"wait": func(rt *rapid.T) { s.after(time.Hour) },
		"fold": func(rt *rapid.T) { s.must(s.FoldTallies(ctx)) },
		"": func(rt *rapid.T) {
			s.wantCounts(c)
			s.wantFound(c)
		},
	})
}

// wantFound looks for what is known of everybody of a small campaign.
func (h *house) wantFound(c *campaigns.Campaign) {
	h.tb.Helper()
	people, err := h.Contacts.Contacts(ctx, c.ID, "", "", 0, 500)
	h.must(err)
	byState := 0
	for _, state := range []campaigns.ContactState{campaigns.Waiting, campaigns.Calling, campaigns.Coding, campaigns.Complete} {
		list, err := h.Contacts.Contacts(ctx, c.ID, state, "", 0, 500)
		h.must(err)
		byState += len(list)
	}
	if byState != len(people) {
		h.tb.Fatalf("%d by state, %d in all", byState, len(people))
	}
	for typed, called := range map[string][]string{"шевч": {"Тарас Шевченко", "Шевчук Олена"}, "ТАРАС шевч": {"Тарас Шевченко"},
		"kovac": {"anna KOVÁČ"}, "ann": {"Anne-Marie d’Arc", "anna KOVÁČ"}, "marie d'arc": {"Anne-Marie d’Arc"}, "nobody": nil} {
		want := 0
		for _, k := range people {
			if slices.Contains(called, k.Name) {
				want++
			}
		}
		if got := h.foundByName(c.ID, typed, 2); len(got) != want {
			h.tb.Fatalf("%q finds %d, want %d", typed, len(got), want)
		}
	}
}

// foundByName reads all pages.
func (h *house) foundByName(campaignID int64, typed string, limit int) map[int64]bool {
	h.tb.Helper()
	found := map[int64]bool{}
	var after *campaigns.NamePlace
	for {
		list, next, err := h.Contacts.FindByName(ctx, campaignID, typed, after, limit)
		h.must(err)
		for _, k := range list {
			if found[k.ID] {
				h.tb.Fatalf("%q finds contact %d twice", typed, k.ID)
			}
			found[k.ID] = true
		}
		if after = next; next == nil {
			return found
		}
	}
}

// TestFindByEnd: by the last digits, also of a number that two people share.
func TestFindByEnd(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person("+447700901234", "+447700921234"), s.person("+447700901234"), s.person("+447700905678"))
		for digits, want := range map[string]int{"1234": 2, "901234": 2, "921234": 1, "7700905678": 1, "9999": 0, "234": 0} {
			list, err := s.Contacts.FindByEnd(ctx, 0, digits, 0, 10)
			s.must(err)
			if len(list) != want {
				t.Errorf("%s finds %d, want %d", digits, len(list), want)
			}
		}
		page, err := s.Contacts.FindByEnd(ctx, c.ID, "1234", 0, 1)
		s.must(err)
		rest, err := s.Contacts.FindByEnd(ctx, c.ID, "1234", page[0].ID, 5)
		s.must(err)
		if len(rest) != 1 || rest[0].ID == page[0].ID {
			t.Errorf("behind %d: %+v", page[0].ID, rest)
		}
	})
}

// TestNamesOfOlderVersions are found after the migration.
func TestNamesOfOlderVersions(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		k := s.person()
		k.Name = "Леся Українка"
		s.add(c, k)
		db := s.DB()
		defer db.Close()
		for _, q := range []string{"DELETE FROM contact_words", "UPDATE sequences SET value = 0 WHERE key = 'contact_words'"} {
			_, err := db.Exec(q)
			s.must(err)
		}
		s.must(s.Migrate(ctx))
		if found := s.foundByName(0, "українка леся", 5); len(found) != 1 {
			t.Errorf("found %v", found)
		}
	})
}

// BenchmarkHands is what supervisors ask of a campaign of a hundred thousand contacts, or as many as are told, the slowest of a
// hundred in 99 of them.
func BenchmarkHands(b *testing.B) {
	people := testdeps.People(b, 100_000)
	first := []string{"Олександр", "Олена", "Тарас", "Ірина", "Марія", "Андрій", "Наталія", "Сергій"}
	last := []string{"Шевченко", "Коваленко", "Бондаренко", "Ткач", "Мельник", "Кравець", "Іванчук"}
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			s := open(b, engine.url(b))
			c := s.campaign()
			_, err := s.Contacts.ImportContacts(ctx, c.ID, func(yield func(campaigns.Line, error) bool) {
				for line, err := range numbered(people) {
					i := line.Number
					line.Contact.Name = fmt.Sprintf("%s %s%d", first[i%len(first)], last[i/8%len(last)], i/56%1000)
					if !yield(line, err) {
						return
					}
				}
			}, s.now)
			s.must(err)
			for range 200 { // a few at the other end are finished
				k, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, fmt.Sprint(10_000_000+people-1-s.n), 0, 1)
				s.must(err)
				_, err = s.Contacts.FinishContact(ctx, k[0].ID, "", "boss", s.now)
				s.must(err)
				s.n++
			}
			b.ResetTimer()
			for name, ask := range map[string]func(i int) error{
				"stats": func(int) error { _, err := s.Campaigns.Stats(ctx, c.ID); return err },
				"finished": func(int) error {
					_, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Complete, "", 0, 100)
					return err
				},
				"waiting": func(i int) error {
					_, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, "", int64(i*people/200), 100)
					return err
				},
				"number": func(i int) error {
					_, err := s.Contacts.Find(ctx, 0, []string{fmt.Sprintf("+38050%07d", i*997)}, "", 0, 100)
					return err
				},
				"last digits": func(i int) error {
					_, err := s.Contacts.FindByEnd(ctx, 0, fmt.Sprintf("%04d", i*97), 0, 100)
					return err
				},
				"crm id": func(i int) error {
					_, err := s.Contacts.Find(ctx, 0, nil, fmt.Sprint(10_000_000+i*997), 0, 100)
					return err
				},
				"common name": func(int) error { _, _, err := s.Contacts.FindByName(ctx, 0, "о", nil, 100); return err },
				"two common names": func(int) error {
					_, _, err := s.Contacts.FindByName(ctx, 0, "олена ткач", nil, 100)
					return err
				},
				"names of nobody": func(int) error {
					_, _, err := s.Contacts.FindByName(ctx, 0, "тарас олена", nil, 100)
					return err
				},
				"rare name": func(i int) error {
					_, _, err := s.Contacts.FindByName(ctx, 0, fmt.Sprintf("ткач%d", i), nil, 100)
					return err
				},
			} {
				b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
					var took []time.Duration
					for i := range b.N {
						begun := time.Now()
						s.must(ask(i % 100))
						took = append(took, time.Since(begun))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
					b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				})
			}
		})
	}
}
