package store_test

import (
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
		for by, want := range map[string]int{"campaign": 1, "agent": 1, "hour": 1, "outcome": 2, "code": 1, "origin": 1} {
			rows, err := s.Attempts.Report(ctx, dialer.ReportFilter{By: by, From: s.now.Add(-time.Hour), To: s.now.Add(time.Hour), CampaignID: c.ID})
			s.must(err)
			n := 0
			for _, r := range rows {
				n += r.Dialed
			}
			if by != "agent" && len(rows) != want || n != 2 {
				t.Errorf("by %s: %+v", by, rows)
			}
		}
		if _, err := s.Attempts.Report(ctx, dialer.ReportFilter{By: "colour"}); err == nil {
			t.Error("nothing has a colour")
		}
	})
}
