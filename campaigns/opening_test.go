package campaigns_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// TestOpeningAt: on a Saturday the campaign's window is open and Ukraine's law is not.
func TestOpeningAt(t *testing.T) {
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2026, 2, day, hour, 0, 0, 0, kyiv) }
	c := &campaigns.Campaign{Profile: "ua-1349-IX", TimeZone: "Europe/Kyiv", MaxAttempts: 5,
		Windows: []campaigns.Window{{Cron: "0 10 * * *", Duration: 8 * time.Hour}}}
	for _, k := range []struct {
		now               time.Time
		campaign, profile bool
		until             time.Time
	}{
		{at(6, 12), true, true, at(6, 18)},    // Friday noon
		{at(6, 18), false, true, at(9, 10)},   // Friday evening
		{at(7, 12), true, false, at(9, 10)},   // Saturday
		{at(9, 23), false, false, at(10, 10)}, // Monday night
	} {
		o := campaigns.OpeningAt(c, k.now)
		if o.Campaign != k.campaign || o.Profile != k.profile || !o.Until.Equal(k.until) {
			t.Errorf("%v: %+v, want %v", k.now, o, k)
		}
	}
	none := &campaigns.Campaign{Profile: "none", TimeZone: "Europe/Kyiv", MaxAttempts: 5}
	if o := campaigns.OpeningAt(none, at(7, 3)); !o.Open() || !o.Until.IsZero() {
		t.Errorf("without any rule: %+v", o)
	}
}

// TestSundayIsSeven: cron's weekdays may name Sunday 0 or 7.
func TestSundayIsSeven(t *testing.T) {
	sunday, monday := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for expr, want := range map[string][2]bool{
		"0 9 * * 7": {true, false}, "0 9 * * 0": {true, false}, "0 9 * * 6-7": {true, false}, "0 9 * * 1-7": {true, true},
		"0 9 * * 1,7":   {true, true},
		"0 9 * * 5-7/2": {true, false}, "0 9 * * 1-5": {false, true}, "0 9 * * 7-7": {true, false},
	} {
		c := &campaigns.Campaign{TimeZone: "UTC", Windows: []campaigns.Window{{Cron: expr, Duration: 8 * time.Hour}}}
		for i, at := range []time.Time{sunday, monday} {
			if open, _ := campaigns.OpenAt(c, at); open != want[i] {
				t.Errorf("%s on %s: %v", expr, at.Weekday(), open)
			}
		}
	}
	c := &campaigns.Campaign{Name: "x", Queue: "x", Mode: campaigns.Progressive, Status: campaigns.Draft, TimeZone: "UTC",
		Profile: "none", Windows: []campaigns.Window{{Cron: "0 9 * * 8", Duration: time.Hour}}}
	if err := c.Validate(); err == nil {
		t.Error("there is no eighth day")
	}
}
