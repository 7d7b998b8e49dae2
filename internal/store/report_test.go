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
