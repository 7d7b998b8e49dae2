package campaigns_test

import (
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

func TestWhereabouts(t *testing.T) {
	phones := func(numbers ...string) *campaigns.Contact {
		c := &campaigns.Contact{}
		for _, n := range numbers {
			c.Phones = append(c.Phones, campaigns.Phone{Number: n})
		}
		return c
	}
	own := phones("+380501234567")
	own.TimeZone = "Asia/Tokyo"
	for _, tt := range []struct {
		name string
		c    *campaigns.Contact
		want string
	}{
		{"the own zone", own, "Asia/Tokyo"},
		{"by the number", phones("+12122000001"), "America/New_York"},
		{"two numbers of one zone", phones("+12122000001", "+12122000002"), "America/New_York"},
		{"two numbers of two zones", phones("+18082000001", "+12122000001"), "America/New_York|Pacific/Honolulu"},
		{"nobody knows", phones("+999"), "-"},
		{"anywhere", phones("+18005550100"), ""},
		{"no phone", phones(), ""},
	} {
		if got := campaigns.Whereabouts(tt.c); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestNobodyMayBeCalledWhereItIsClosed: what is closed for a place refuses whoever is there, and what is open does not refuse one
// who was never called.
func TestNobodyMayBeCalledWhereItIsClosed(t *testing.T) {
	numbers := map[string]string{"+380501234567": "", "+12122000001": "", "+18082000001": "", "+442072000003": "", "+999": ""}
	for number := range numbers {
		k := &campaigns.Contact{Phones: []campaigns.Phone{{Number: number}}}
		where := campaigns.Whereabouts(k)
		for _, profile := range campaigns.Profiles {
			for _, zone := range []string{"", "Europe/Kyiv"} {
				c := &campaigns.Campaign{Profile: profile.Name, TimeZone: zone, HolidayCalendar: "GB"}
				for now := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC); now.Day() < 29; now = now.Add(30 * time.Minute) {
					v, closed := campaigns.ClosedFor(c, where, now)
					is := campaigns.Decide(campaigns.Question{Campaign: c, Contact: k, Number: number, Automatic: true, Now: now})
					if closed == is.Permit {
						t.Fatalf("%s at %s by %s: closed %v by %+v, one of them: %+v", strings.TrimSpace(where), now, profile.Name, closed, v, is)
					}
				}
			}
		}
	}
}
