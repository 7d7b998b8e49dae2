package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// shared is a campaign with people of several lists, those of one list after those of another, each named like its list.
func (h *house) shared(people map[string]int, change ...func(*campaigns.Campaign)) (*campaigns.Campaign, map[string]int64) {
	h.tb.Helper()
	c := h.campaign(change...)
	ids := map[string]int64{}
	for _, name := range []string{"a", "b", "c", "none"} {
		var list []campaigns.Contact
		for range people[name] {
			list = append(list, h.named(name, ""))
		}
		switch {
		case len(list) == 0:
		case name == "none":
			h.add(c, list...)
		default:
			h.imports(c, name, campaigns.NewOnly, lines(list...))
		}
	}
	lists, err := h.Imports.Lists(ctx, c.ID, 0, 10)
	h.must(err)
	for _, l := range lists {
		ids[l.Name] = l.ID
	}
	return c, ids
}

// share sets how a list shares calls.
func (h *house) share(id int64, weight, quota int) {
	h.tb.Helper()
	_, err := h.Imports.SetList(ctx, id, campaigns.ListSetting{Weight: &weight, Quota: &quota}, "boss", h.now)
	h.must(err)
}

// calledBy plans calls, so many at once, and counts them by list.
func (h *house) calledBy(c *campaigns.Campaign, calls, atOnce int, called map[string]int) map[string]int {
	h.tb.Helper()
	for calls > 0 {
		planned, err := h.Dialing.Plan(ctx, c.ID, min(calls, atOnce), h.now)
		h.must(err)
		if len(planned) == 0 {
			break
		}
		calls -= len(planned)
		for _, name := range strings.Fields(h.names(planned, nil)) {
			called[name]++
		}
	}
	return called
}

// TestListsShareByWeight: three of one list to one of the other, one by one and by the dozen; also when the program was started
// anew in between. Whoever has nobody left leaves all calls to the others.
func TestListsShareByWeight(t *testing.T) {
	for _, atOnce := range []int{1, 12} {
		t.Run(fmt.Sprint(atOnce), func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				people := map[string]int{"a": 400, "b": 200, "none": 200}
				calls := 400
				if atOnce > 1 {
					people, calls = map[string]int{"a": 800, "b": 300, "none": 300}, 1000
				}
				c, ids := s.shared(people)
				s.share(ids["a"], 3, 0)
				called := s.calledBy(c, calls/2, atOnce, map[string]int{})
				again := open(t, s.url)
				again.now = s.after(time.Hour)
				again.calledBy(c, calls-calls/2, atOnce, called)
				for name, part := range map[string]float64{"a": 0.6, "b": 0.2, "none": 0.2} {
					if want := part * float64(calls); float64(called[name]) < 0.95*want || float64(called[name]) > 1.05*want {
						t.Errorf("of %d calls %v: want %.0f of %s", calls, called, want, name)
					}
				}
				again.after(time.Hour)
				again.calledBy(c, 10_000, 50, called)
				if fmt.Sprint(called) != fmt.Sprint(people) {
					t.Errorf("called at last %v of %v", called, people)
				}
			})
		})
	}
}

// TestAListThatComesLaterHasItsShareAlone: a list whose people come in the afternoon does not make up for the morning.
func TestAListThatComesLaterHasItsShareAlone(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, ids := s.shared(map[string]int{"a": 300, "b": 100})
		s.share(ids["a"], 3, 0)
		s.calledBy(c, 200, 10, map[string]int{})
		var late []campaigns.Contact
		for range 100 {
			late = append(late, s.named("c", ""))
		}
		s.imports(c, "c", campaigns.NewOnly, lines(late...))
		if got := s.calledBy(c, 100, 10, map[string]int{}); got["c"] < 18 || got["c"] > 22 {
			t.Errorf("called %v, want a fifth of c", got)
		}
	})
}

// TestAListsQuota: so many calls a day and not one more, without those that were given up or rang nobody's phone; the next day
// of the campaign's zone begins at zero. Promises and retries are neither counted nor held back.
func TestAListsQuota(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		tokyo := func(c *campaigns.Campaign) { c.TimeZone = "Asia/Tokyo" } // it is nine in the evening
		c, ids := s.shared(map[string]int{"a": 30, "b": 4}, tokyo)
		s.share(ids["a"], 1, 5)
		for range 2 {
			if got := s.calledBy(c, 100, 3, map[string]int{}); got["a"] != 5 || got["b"] != 4 {
				t.Errorf("called %v, want 5 of a and 4 of b", got)
			}
			s.giveAllBack()
		}

		c, ids = s.shared(map[string]int{"a": 30}, tokyo)
		s.share(ids["a"], 1, 6)
		s.close(s.dial(c), campaigns.Busy)
		s.close(s.dial(c), campaigns.Busy)
		a := s.dial(c)
		_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.AgentNoAnswer,
			NotDialed: true, Confirmed: true, EndedAt: s.now})
		s.must(err)
		want := func(today, planned, of int) {
			t.Helper()
			l, err := s.Imports.List(ctx, ids["a"])
			s.must(err)
			if n, err := s.Imports.ListToday(ctx, l, s.now); err != nil || n != today || l.Quota != 6 {
				t.Errorf("%d calls today, %v, want %d: %+v", n, err, today, l)
			}
			got, err := s.Dialing.Plan(ctx, c.ID, 100, s.now)
			s.must(err)
			fresh := 0
			for _, a := range got {
				if s.contact(a.ContactID).Attempts == 0 {
					fresh++
				}
			}
			if len(got) != planned || fresh != of {
				t.Errorf("planned %d, of these %d fresh; want %d and %d", len(got), fresh, planned, of)
			}
		}
		want(2, 4, 4)
		s.after(time.Hour)
		want(6, 2, 0) // the retries
		s.after(2*time.Hour + time.Minute)
		want(0, 6, 6)
		s.must(s.FoldTallies(ctx))
		want(6, 0, 0)
	})
}

// TestTwoPlannersKeepOneQuota: however many plan at once.
func TestTwoPlannersKeepOneQuota(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, ids := s.shared(map[string]int{"a": 60})
		s.share(ids["a"], 1, 20)
		var planners sync.WaitGroup
		var planned atomic.Int64
		for range 4 {
			planners.Go(func() {
				for range 10 {
					list, err := s.Dialing.Plan(ctx, c.ID, 3, s.now)
					if err != nil {
						t.Error(err)
					}
					planned.Add(int64(len(list)))
				}
			})
		}
		planners.Wait()
		if n := planned.Load(); n != 20 {
			t.Errorf("%d calls, want 20", n)
		}
	})
}

// TestEqualListsLeaveTheOrder: without a weight or a quota it is the campaign's, whatever the lists.
func TestEqualListsLeaveTheOrder(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for order, want := range map[campaigns.Order]string{
			{}:                     strings.Repeat("a ", 3) + strings.Repeat("b ", 3) + "none none",
			{By: campaigns.Newest}: "none none " + strings.Repeat("b ", 3) + "a a a",
		} {
			c, ids := s.shared(map[string]int{"a": 3, "b": 3, "none": 2}, func(c *campaigns.Campaign) { c.Order = order })
			s.share(ids["a"], 1, 0)
			if got := s.names(s.Dialing.Plan(ctx, c.ID, 8, s.now)); got != want {
				t.Errorf("%+v: %s, want %s", order, got, want)
			}
		}
	})
}

// TestThePlaceAmongSharingLists: the place that is told is that of the plan, to within a few calls.
func TestThePlaceAmongSharingLists(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, ids := s.shared(map[string]int{"a": 30, "b": 12, "none": 12})
		s.share(ids["a"], 3, 0)
		list, err := s.Contacts.Contacts(ctx, c.ID, "", "", 0, 100)
		s.must(err)
		told := map[int64]int{}
		for _, k := range list {
			told[k.ID], err = s.Contacts.Ahead(ctx, &k, 1000, s.now)
			s.must(err)
		}
		planned, err := s.Dialing.Plan(ctx, c.ID, 100, s.now)
		s.must(err)
		if len(planned) != 54 {
			t.Fatalf("planned %d", len(planned))
		}
		for i, a := range planned {
			if off := told[a.ContactID] - i; off < -8 || off > 8 {
				t.Errorf("%d are told to be ahead of call %d", told[a.ContactID], i)
			}
		}
		s.giveAllBack()
		s.share(ids["a"], 3, 1)
		s.plan(c)
		s.plan(c)
		for _, k := range list {
			if k.Name != "a" || s.contact(k.ID).State != campaigns.Waiting {
				continue
			}
			n, err := s.Contacts.Ahead(ctx, &k, 1000, s.now)
			s.must(err)
			if n < 22 {
				t.Errorf("%d are ahead of one whose list has had its call", n)
			}
		}
	})
}

// TestARefusedListHoldsNobodyUp: where nobody of the list whose turn it is may be called, the others are.
func TestARefusedListHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, ids := s.shared(map[string]int{"a": 200, "b": 3}, func(c *campaigns.Campaign) { c.Limits.PerDay = 1 })
		s.share(ids["a"], 100, 0)
		db := s.DB()
		_, err := db.Exec(fmt.Sprintf(`INSERT INTO interactions
			(external_id, kind, crm_id, at, ring_ms, talk_ms, automatic, note, made_by, created_at)
			SELECT crm_id, 'sms', crm_id, %d, 0, 0, FALSE, '', '', %[1]d FROM contacts WHERE list_id = %d`,
			s.now.Add(-time.Hour).UnixMilli(), ids["a"]))
		s.must(errors.Join(err, db.Close()))
		if got := s.names(s.Dialing.Plan(ctx, c.ID, 1, s.now)); got != "b" {
			t.Errorf("planned %q, want b", got)
		}
	})
}
