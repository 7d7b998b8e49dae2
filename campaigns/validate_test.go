package campaigns

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func newCampaign() *Campaign {
	c := &Campaign{Name: "Winter", Region: "UA"}
	c.SetDefaults()
	return c
}

func TestDefaultsAreValid(t *testing.T) {
	for region, want := range map[string][2]string{
		"UA": {"ua-1349-IX", "Europe/Kyiv"}, "GB": {"uk-ofcom", "Europe/London"}, "US": {"us-reg-f", ""}, "PL": {"", "Europe/Warsaw"},
		"": {"", ""},
	} {
		c := &Campaign{Name: "Winter", Region: region}
		c.SetDefaults()
		if err := c.Validate(); err != nil {
			t.Errorf("region %q: %v", region, err)
		}
		if got := [2]string{c.Profile, c.TimeZone}; got != want || c.Queue != "Winter" {
			t.Errorf("region %q: %v, queue %q", region, got, c.Queue)
		}
	}
}

// TestMayStart: what decides when people may be called has to be known, and all that is missing is told at once.
func TestMayStart(t *testing.T) {
	for _, w := range []struct {
		campaign Campaign
		missing  string
		allHide  bool
		silent   bool
	}{
		{Campaign{Region: "UA"}, "", false, false},
		{Campaign{}, "region time_zone profile", false, false},
		{Campaign{Region: "US"}, "time_zone", false, false},
		{Campaign{Region: "US", TimeZone: "America/Denver"}, "", false, false},
		{Campaign{Region: "PL"}, "profile", false, false},
		{Campaign{Region: "PL", Profile: "none"}, "", false, false},
		{Campaign{TimeZone: "Europe/Kyiv", Profile: "ua-1349-IX"}, "region", false, false},
		{Campaign{Region: "UA"}, "profile", true, false},
		{Campaign{Profile: "ua-1349-IX"}, "region time_zone profile", true, false},
		{Campaign{Region: "GB"}, "", true, false},
		{Campaign{Region: "UA", Profile: "none"}, "", true, false},
		{Campaign{Region: "GB", Mode: Predictive}, "mode", false, true},
		{Campaign{Region: "US", TimeZone: "America/Denver", Mode: Predictive}, "mode", false, true},
		{Campaign{Region: "GB", Mode: Progressive}, "", false, true},
		{Campaign{Region: "GB", Mode: Predictive}, "", false, false},
		{Campaign{Region: "UA", Mode: Predictive}, "", false, true},
		{Campaign{Region: "GB", Profile: "none", Mode: Predictive}, "", false, true},
	} {
		c := w.campaign
		c.Name = "Winter"
		c.SetDefaults()
		var refused ValidationError
		if err := c.MayStart(Means{AllHide: w.allHide, NoMessage: w.silent}); err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		var fields []string
		for _, f := range refused {
			fields = append(fields, f.Field)
		}
		if got := strings.Join(fields, " "); got != w.missing {
			t.Errorf("%+v: missing %q, want %q", w.campaign, got, w.missing)
		}
	}
}

func TestDefaultsKeepWhatIsSet(t *testing.T) {
	c := &Campaign{Name: "Winter", Region: "UA", Profile: "none", Ring: time.Minute,
		Retry: map[Outcome]RetryRule{Busy: {After: time.Hour}}}
	c.SetDefaults()
	if c.Profile != "none" || c.Ring != time.Minute || c.Retry[Busy].After != time.Hour || c.Retry[NoAnswer].After == 0 {
		t.Errorf("%+v", c)
	}
}

// TestValidate has a row for every field.
func TestValidate(t *testing.T) {
	tests := []struct {
		field  string
		change func(*Campaign)
	}{
		{"name", func(c *Campaign) { c.Name = "" }},
		{"name", func(c *Campaign) { c.Name = strings.Repeat("я", 101) }},
		{"name", func(c *Campaign) { c.Name = "a\nb" }},
		{"name", func(c *Campaign) { c.Name = " a" }},
		{"queue", func(c *Campaign) { c.Queue = "" }},
		{"mode", func(c *Campaign) { c.Mode = "auto" }},
		{"status", func(c *Campaign) { c.Status = "on" }},
		{"priority", func(c *Campaign) { c.Priority = 101 }},
		{"weight", func(c *Campaign) { c.Weight = 101 }},
		{"weight", func(c *Campaign) { c.Weight = -1 }},
		{"time_zone", func(c *Campaign) { c.TimeZone = "Local" }},
		{"region", func(c *Campaign) { c.Region = "XX" }},
		{"windows[0]", func(c *Campaign) { c.Windows = []Window{{"0 9 * *", time.Hour}} }},
		{"windows[1]", func(c *Campaign) { c.Windows = []Window{{"0 9 * * *", time.Hour}, {"0 9 * * *", time.Second}} }},
		{"windows[0]", func(c *Campaign) { c.Windows = []Window{{"0 9 30 2 *", time.Hour}} }},
		{"windows[0]", func(c *Campaign) { c.Windows = []Window{{"@every 1h", time.Hour}} }},
		{"windows[0]", func(c *Campaign) { c.Windows = []Window{{"CRON_TZ=UTC 0 9 * * *", time.Hour}} }},
		{"windows", func(c *Campaign) { c.Windows = make([]Window, 51) }},
		{"holidays[0]", func(c *Campaign) { c.Holidays = []string{"25.12.2026"} }},
		{"holidays", func(c *Campaign) { c.Holidays = make([]string, 1001) }},
		{"profile", func(c *Campaign) { c.Profile = "ua" }},
		{"limits.per_day", func(c *Campaign) { c.Limits.PerDay = -1 }},
		{"limits.period", func(c *Campaign) { c.Limits.PerPeriod = 3 }},
		{"limits.per_period", func(c *Campaign) { c.Limits.Period = time.Hour }},
		{"limits.period", func(c *Campaign) { c.Limits = Limits{PerPeriod: 1, Period: 32 * day} }},
		{"limits.minimum_gap", func(c *Campaign) { c.Limits.MinimumGap = -1 }},
		{"limits.auto_dialing", func(c *Campaign) { c.Limits.AutoDialing = time.Second }},
		{"limits.meaningful_per_day", func(c *Campaign) { c.Limits.MeaningfulPerDay = 101 }},
		{"caller_id", func(c *Campaign) { c.CallerID = "0441234567" }},
		{"caller_ids[1]", func(c *Campaign) { c.CallerIDs = []string{"+380441234567", "0441234567"} }},
		{"caller_ids[1]", func(c *Campaign) { c.CallerIDs = []string{"+380441234567", "+380441234567"} }},
		{"caller_ids", func(c *Campaign) { c.CallerIDs = make([]string, maxCallerIDs+1) }},
		{"agent_ring", func(c *Campaign) { c.AgentRing = time.Second }},
		{"ring", func(c *Campaign) { c.Ring = 14 * time.Second }},
		{"max_duration", func(c *Campaign) { c.MaxDuration = 5 * time.Hour }},
		{"wrap_up", func(c *Campaign) { c.WrapUp = 2 * time.Hour }},
		{"max_attempts", func(c *Campaign) { c.MaxAttempts = 101 }},
		{"retry.bsy", func(c *Campaign) { c.Retry["bsy"] = RetryRule{} }},
		{"retry.answered", func(c *Campaign) { c.Retry[Answered] = RetryRule{} }},
		{"retry.busy.after", func(c *Campaign) { c.Retry[Busy] = RetryRule{After: -1} }},
		{"retry.busy.max", func(c *Campaign) { c.Retry[Busy] = RetryRule{Max: 101} }},
		{"call_codes[0].id", func(c *Campaign) { c.CallCodes = []CallCode{{ID: "x", Name: "n", Action: Finish}} }},
		{"call_codes[1].id", func(c *Campaign) {
			c.CallCodes = []CallCode{{ID: "1", Name: "n", Action: Finish}, {ID: "1", Name: "n", Action: Finish}}
		}},
		{"call_codes[0].name", func(c *Campaign) { c.CallCodes = []CallCode{{ID: "1", Action: Finish}} }},
		{"call_codes[0].action", func(c *Campaign) { c.CallCodes = []CallCode{{ID: "1", Name: "n", Action: "explode"}} }},
		{"call_codes[0].after", func(c *Campaign) { c.CallCodes = []CallCode{{ID: "1", Name: "n", Action: RetryAfter}} }},
		{"call_codes", func(c *Campaign) { c.CallCodes = make([]CallCode, 201) }},
		{"default_code", func(c *Campaign) { c.DefaultCode = "4" }},
		{"card_link_unknown", func(c *Campaign) { c.CardLinkUnknown = "javascript:alert(1)" }},
		{"card_link_unknown", func(c *Campaign) { c.CardLinkUnknown = "https://crm.example/{crm_id}" }},
		{"card_link", func(c *Campaign) { c.CardLink = "javascript:alert(1)" }},
		{"script", func(c *Campaign) { c.Script = "Good day, {nobody}" }},
		{"script", func(c *Campaign) { c.Script = "Good day, {name" }},
		{"script", func(c *Campaign) { c.Script = "Good \x00 day" }},
		{"script", func(c *Campaign) { c.Script = strings.Repeat("a", 20_001) }},
		{"recording_link", func(c *Campaign) { c.RecordingLink = "https://rec.example/" }},
		{"recording_link", func(c *Campaign) { c.RecordingLink = "https://rec.example/{crm_id}" }},
	}
	for _, tt := range tests {
		c := newCampaign()
		tt.change(c)
		var refused ValidationError
		if err := c.Validate(); !errors.As(err, &refused) {
			t.Errorf("%s: %v, want a ValidationError", tt.field, err)
			continue
		}
		found := false
		for _, f := range refused {
			if f.Why.IsZero() {
				t.Errorf("%s: no reason", f.Field)
			}
			found = found || f.Field == tt.field
		}
		if !found {
			t.Errorf("want %s refused, got %v", tt.field, refused)
		}
	}
}

func TestValidateAccepts(t *testing.T) {
	c := newCampaign()
	c.Windows = []Window{{"0 9 * * 1-5", 11 * time.Hour}, {"@daily", time.Hour}}
	c.Holidays = []string{"2026-12-25"}
	c.CallerID = "+380441234567"
	c.Limits = Limits{PerDay: 3, PerPeriod: 7, Period: week, MinimumGap: time.Hour, AutoDialing: 10 * time.Minute}
	c.CallCodes = []CallCode{{ID: "4", Name: "10. Promise to pay", Action: CallbackAt, Meaningful: true, ActionFlag: "0"}}
	c.DefaultCode = "4"
	c.CardLink = "https://crm.example/card/{crm_id}?b={payload.balance}"
	c.RecordingLink = "/records/mediatel-record?calltraceID={calltraceid}"
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEveryLawHasASource(t *testing.T) {
	for _, p := range Profiles {
		q := &Question{Campaign: &Campaign{Profile: p.Name, Mode: Predictive, Holidays: []string{"2026-12-25"}}, Automatic: true}
		for _, r := range rulesOf(q, &p) {
			if r.source == "" {
				t.Errorf("%s: rule %s has no source", p.Name, r.name)
			}
		}
		for rule := range p.Sources {
			found := false
			for _, r := range rulesOf(q, &p) {
				found = found || r.name == rule && r.hard
			}
			if !found {
				t.Errorf("%s: source of %s, which is no rule of it", p.Name, rule)
			}
		}
	}
}
