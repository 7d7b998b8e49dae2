package campaigns_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// TestBoundsAreThoseOfTheRules: as many past calls as a bound allows are refused, one fewer is not.
func TestBoundsAreThoseOfTheRules(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC) // a Tuesday
	for _, tt := range []struct {
		name    string
		profile string
		limits  campaigns.Limits
		bounds  int
	}{
		{"none", "none", campaigns.Limits{}, 0},
		{"a day", "none", campaigns.Limits{PerDay: 2}, 1},
		{"a period", "none", campaigns.Limits{PerPeriod: 3, Period: 5 * time.Hour}, 1},
		{"a gap", "none", campaigns.Limits{MinimumGap: time.Hour}, 1},
		{"conveyed", "none", campaigns.Limits{MeaningfulPerDay: 2}, 1},
		{"dialing", "none", campaigns.Limits{AutoDialing: 5 * time.Minute}, 1},
		{"regulation F", "us-reg-f", campaigns.Limits{}, 2},
		{"Ukraine", "ua-1349-IX", campaigns.Limits{}, 2},
		{"no such profile", "nowhere", campaigns.Limits{PerDay: 1}, 0},
	} {
		c := &campaigns.Campaign{Profile: tt.profile, Limits: tt.limits, TimeZone: "Europe/Kyiv", Ring: time.Minute, MaxAttempts: 99}
		bounds := campaigns.Bounds(c, now)
		if len(bounds) != tt.bounds {
			t.Errorf("%s: %d bounds: %+v", tt.name, len(bounds), bounds)
		}
		for _, b := range bounds {
			for _, n := range []int{b.Most - 1, b.Most} {
				contact := &campaigns.Contact{TimeZone: "Europe/Kyiv"}
				q := campaigns.Question{Campaign: c, Contact: contact, Number: "+380501234567", Automatic: true, Now: now}
				for i := range n { // just after the bound's moment
					at := b.Since.Add(time.Duration(i+1) * time.Second)
					p := campaigns.PastCall{Number: q.Number, DialedAt: at, EndedAt: at, Dialing: time.Minute, Automatic: true,
						Outcome: campaigns.NoAnswer}
					if b.Told {
						p.Outcome, p.Talk, p.Meaningful, p.Automatic = campaigns.Answered, time.Second, true, false
					}
					q.Past = append(q.Past, p)
				}
				if v := campaigns.Decide(q); v.Permit != (n < b.Most) {
					t.Errorf("%s, %+v, %d calls: %+v", tt.name, b, n, v)
				}
			}
		}
	}
}
