package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// TestReport: on both databases, by every key; what was cancelled is no attempt.
func TestReport(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person(), s.person())
		s.close(s.dial(c), campaigns.Busy)
		s.talk(c)
		for by, want := range map[string]int{"campaign": 1, "agent": 1, "hour": 1, "outcome": 2, "code": 1, "origin": 1, "list": 1} {
			rows, err := s.Attempts.Report(ctx, dialer.ReportFilter{By: by, From: s.now.Add(-time.Hour), To: s.now.Add(time.Hour),
				CampaignID: c.ID})
			s.must(err)
			n := 0
			for _, r := range rows {
				n += r.Dialed
			}
			if by != "agent" && len(rows) != want || n != 2 {
				t.Errorf("by %s: %+v", by, rows)
			}
		}
		// Of a list: one of two calls.
		s.imports(c, "spring", campaigns.NewOnly, list(listed("77", "Ann", "", "phone:77")))
		s.close(s.dial(c), campaigns.Busy)
		for id, want := range map[int64]string{0: "0:2 1:1", 1: "1:1", 2: ""} {
			rows, err := s.Attempts.Report(ctx, dialer.ReportFilter{By: "list", From: s.now.Add(-time.Hour), To: s.now.Add(time.Hour),
				ListID: id})
			s.must(err)
			var got []string
			for _, r := range rows {
				got = append(got, fmt.Sprintf("%d:%d", r.ID, r.Dialed))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("of list %d: %s, want %s", id, got, want)
			}
		}
		if _, err := s.Attempts.Report(ctx, dialer.ReportFilter{By: "colour"}); err == nil {
			t.Error("nothing has a colour")
		}
	})
}

// TestPromiseReport: on both databases each promise is one of the fates; one that was moved is counted at both moments, and one
// that was dialed counts as it was dialed, whatever came afterwards.
func TestPromiseReport(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c, who := s.campaign(), s.agent()
		from := s.now.Truncate(time.Hour)
		promise := func(name string, in time.Duration, agentID int64) int64 {
			s.add(c, s.named(name, ""))
			everybody := s.listOf(c)
			id := everybody[len(everybody)-1].ID
			_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: id, At: s.now.Add(in), AgentID: agentID, MadeBy: "boss"},
				s.now)
			s.must(err)
			return id
		}
		later := func(id int64) {
			_, err := s.Contacts.MoveCallback(ctx, campaigns.Callback{ContactID: id, At: s.now.Add(3 * time.Hour), MadeBy: "boss"}, s.now)
			s.must(err)
		}
		promise("kept", 0, 0)
		s.talk(c)
		promise("late", 0, 0)
		s.after(5*time.Minute + time.Second)
		s.talk(c)
		_, err := s.Contacts.FinishContact(ctx, promise("missed", time.Hour, who.ID), "paid", "boss", s.now)
		s.must(err)
		later(promise("moved", time.Hour, who.ID))
		_, err = s.Contacts.CancelCallback(ctx, promise("cancelled", time.Hour, who.ID), "boss", "a mistake", s.now)
		s.must(err)
		promise("overdue", time.Minute, who.ID)
		tried := promise("tried", 0, 0)
		s.close(s.dial(c), campaigns.Busy)
		later(tried)
		s.after(time.Hour)

		span := func(by string, change ...func(*dialer.ReportFilter)) dialer.ReportFilter {
			f := dialer.ReportFilter{By: by, From: from, To: from.Add(24 * time.Hour)}
			for _, change := range change {
				change(&f)
			}
			return f
		}
		type row struct {
			id int64
			p  campaigns.PromiseCount
		}
		whole := campaigns.PromiseCount{Made: 9, InTime: 2, Late: 1, Missed: 1, Moved: 1, Cancelled: 1, Waiting: 2, Overdue: 1}
		anybody := row{0, campaigns.PromiseCount{Made: 5, InTime: 2, Late: 1, Waiting: 2}}
		hers := row{who.ID, campaigns.PromiseCount{Made: 4, Missed: 1, Moved: 1, Cancelled: 1, Overdue: 1}}
		for _, ask := range []struct {
			f    dialer.ReportFilter
			want []row
		}{
			{span("campaign"), []row{{c.ID, whole}}},
			{span("list"), []row{{0, whole}}},
			{span("agent"), []row{anybody, hers}},
			{span("agent", func(f *dialer.ReportFilter) { f.AgentID = who.ID }), []row{hers}},
			{span("campaign", func(f *dialer.ReportFilter) { f.CampaignID = c.ID + 1 }), nil},
			{span("list", func(f *dialer.ReportFilter) { f.ListID = 7 }), nil},
			{span("hour", func(f *dialer.ReportFilter) { f.To = from.Add(time.Hour) }),
				[]row{{from.UnixMilli(), campaigns.PromiseCount{Made: 4, InTime: 2, Late: 1, Overdue: 1}}}},
		} {
			rows, err := s.Attempts.PromiseReport(ctx, ask.f, s.now)
			s.must(err)
			var got []row
			for _, r := range rows {
				got = append(got, row{r.ID, r.PromiseCount})
			}
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", ask.want) {
				t.Errorf("by %s\n got %+v\nwant %+v", ask.f.By, got, ask.want)
			}
		}
		clock, err := s.Dialing.Promises(ctx, c.ID, from, s.now)
		if want := (campaigns.PromiseClock{Due: 5, InTime: 2, Late: 1, Missed: 1, Overdue: 1}); err != nil || clock != want {
			t.Errorf("clock %+v, %v, want %+v", clock, err, want)
		}
		if _, err := s.Attempts.PromiseReport(ctx, span("colour"), s.now); err == nil {
			t.Error("nothing has a colour")
		}
	})
}
