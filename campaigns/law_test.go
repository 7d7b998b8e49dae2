package campaigns

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestWhoMayLoosenTheLaw(t *testing.T) {
	ua := Campaign{Region: "UA", Profile: "ua-1349-IX", Holidays: []string{"2026-12-25", "2027-01-01"},
		Limits: Limits{PerDay: 2, PerPeriod: 3, Period: 24 * time.Hour, MinimumGap: time.Hour, TalkIsMeaningful: true}}
	with := func(f func(*Campaign)) Campaign {
		c := ua
		f(&c)
		return c
	}
	bare := Campaign{Region: "PL"}
	for _, c := range []struct {
		name    string
		was     *Campaign
		is      Campaign
		loosens string // in what the audit says; "": nothing does
	}{
		{"a new one by its region's law", nil, ua, ""},
		{"a new one without its region's law", nil, Campaign{Region: "UA", Profile: NoProfile}, "profile: ua-1349-IX -> none"},
		{"a new one by another country's law", nil, Campaign{Region: "UA", Profile: "uk-ofcom"}, "profile: ua-1349-IX -> uk-ofcom"},
		{"a new one where we know no law", nil, Campaign{Region: "PL", Profile: "ua-1349-IX"}, ""},
		{"a new one without any", nil, Campaign{Region: "PL", Profile: NoProfile}, "profile: - -> none"},
		{"none chosen later", &bare, Campaign{Region: "PL", Profile: NoProfile}, "profile: - -> none"},
		{"the region's, chosen later", &Campaign{}, Campaign{Region: "UA", Profile: "ua-1349-IX"}, ""},
		{"not the region's, chosen later", &Campaign{}, Campaign{Region: "UA", Profile: "us-reg-f"}, "profile: ua-1349-IX -> us-reg-f"},
		{"into a country of another law", &Campaign{Region: "PL", Profile: "uk-ofcom"}, Campaign{Region: "UA", Profile: "uk-ofcom"},
			"region: PL -> UA"},
		{"none", &ua, with(func(c *Campaign) { c.Profile = NoProfile }), "profile: ua-1349-IX -> none"},
		{"not said any more", &ua, with(func(c *Campaign) { c.Profile = "" }), "profile: ua-1349-IX -> -"},
		{"a law where there was none", &Campaign{Region: "UA", Profile: NoProfile}, Campaign{Region: "UA", Profile: "ua-1349-IX"}, ""},
		{"nothing of the law", &ua, with(func(c *Campaign) { c.Name, c.MaxAttempts = "x", 100 }), ""},
		{"more a day", &ua, with(func(c *Campaign) { c.Limits.PerDay = 3 }), "limits.per_day: 2 -> 3"},
		{"any a day", &ua, with(func(c *Campaign) { c.Limits.PerDay = 0 }), "limits.per_day: 2 -> -"},
		{"fewer a day", &ua, with(func(c *Campaign) { c.Limits.PerDay = 1 }), ""},
		{"a shorter period", &ua, with(func(c *Campaign) { c.Limits.Period = time.Hour }),
			"limits.per_period: 3 in 24h0m0s -> 3 in 1h0m0s"},
		{"a longer period", &ua, with(func(c *Campaign) { c.Limits.Period = 48 * time.Hour }), ""},
		{"fewer in a shorter one", &ua, with(func(c *Campaign) { c.Limits.PerPeriod, c.Limits.Period = 1, time.Hour }),
			"limits.per_period"},
		{"a shorter gap", &ua, with(func(c *Campaign) { c.Limits.MinimumGap = time.Minute }), "limits.minimum_gap"},
		{"a limit where there was none", &ua, with(func(c *Campaign) {
			c.Limits.AutoDialing, c.Limits.MeaningfulPerDay = time.Hour,
				1
		}), ""},
		{"a reading that is less strict", &ua, with(func(c *Campaign) { c.Limits.TalkIsMeaningful = false }),
			"limits.talk_is_meaningful: true -> false"},
		{"a holiday more", &ua, with(func(c *Campaign) { c.Holidays = []string{"2027-01-01", "2026-12-25", "2027-03-08"} }), ""},
		{"a holiday less", &ua, with(func(c *Campaign) { c.Holidays = c.Holidays[1:] }),
			"holidays: 2026-12-25 2027-01-01 -> 2027-01-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := CheckLaw(c.was, &c.is, false, "counsel")
			var law *LawError
			if refused := errors.As(err, &law); refused != (c.loosens != "") || refused && !strings.Contains(law.Error(), c.loosens) {
				t.Errorf("a supervisor: %v", err)
			}
			said, err := CheckLaw(c.was, &c.is, true, "counsel, 1 June")
			if err != nil || !strings.Contains(said, c.loosens) || !strings.Contains(said, "reason: counsel, 1 June") {
				t.Errorf("an administrator: %q, %v", said, err)
			}
			_, err = CheckLaw(c.was, &c.is, true, " ")
			var invalid ValidationError
			if refused := errors.As(err, &invalid); refused != (c.loosens != "") || refused && invalid[0].Field != "reason" {
				t.Errorf("without a reason: %v", err)
			}
		})
	}
}
