package campaigns

import (
	"testing"
	"time"
)

// TestClockChanges: cron windows and the next permit in the two nights of a year in which clocks are changed, in UTC.
func TestClockChanges(t *testing.T) {
	night := []Window{{"0 0 * * *", 5 * time.Hour}}
	office := []Window{{"0 9 * * *", 8 * time.Hour}}
	half := func(hour string) []Window { return []Window{{"30 " + hour + " * * *", 30 * time.Minute}} }
	for _, row := range []struct {
		name, zone string
		windows    []Window
		now        string
		open       bool
		change     string // of the windows
		permit     string // by the windows alone, from now on
	}{
		// A window lasts as long as it says; the clock on the wall shows an hour more in spring, and one less in autumn.
		{"spring", "Europe/Kyiv", night, "2026-03-29T02:59:59Z", true, "2026-03-29T03:00:00Z", "2026-03-29T02:59:59Z"},
		{"autumn", "Europe/Kyiv", night, "2026-10-25T01:59:59Z", true, "2026-10-25T02:00:00Z", "2026-10-25T01:59:59Z"},
		{"spring", "Europe/London", night, "2026-03-29T04:59:59Z", true, "2026-03-29T05:00:00Z", "2026-03-29T04:59:59Z"},
		{"autumn", "Europe/London", night, "2026-10-25T03:59:59Z", true, "2026-10-25T04:00:00Z", "2026-10-25T03:59:59Z"},
		{"spring", "America/New_York", night, "2026-03-08T09:59:59Z", true, "2026-03-08T10:00:00Z", "2026-03-08T09:59:59Z"},
		{"autumn", "America/New_York", night, "2026-11-01T08:59:59Z", true, "2026-11-01T09:00:00Z", "2026-11-01T08:59:59Z"},

		// A time that the clock skips has no opening: the next one is the day after.
		{"skipped", "Europe/Kyiv", half("3"), "2026-03-28T22:00:00Z", false, "2026-03-30T00:30:00Z", "2026-03-30T00:30:00Z"},
		{"skipped", "Europe/London", half("1"), "2026-03-29T00:00:00Z", false, "2026-03-30T00:30:00Z", "2026-03-30T00:30:00Z"},
		{"skipped", "America/New_York", half("2"), "2026-03-08T05:00:00Z", false, "2026-03-09T06:30:00Z", "2026-03-09T06:30:00Z"},

		// One that it shows twice has two.
		{"first", "Europe/Kyiv", half("3"), "2026-10-25T00:45:00Z", true, "2026-10-25T01:00:00Z", "2026-10-25T00:45:00Z"},
		{"second", "Europe/Kyiv", half("3"), "2026-10-25T01:10:00Z", false, "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"},
		{"first", "Europe/London", half("1"), "2026-10-25T00:45:00Z", true, "2026-10-25T01:00:00Z", "2026-10-25T00:45:00Z"},
		{"second", "Europe/London", half("1"), "2026-10-25T01:10:00Z", false, "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"},
		{"first", "America/New_York", half("1"), "2026-11-01T05:45:00Z", true, "2026-11-01T06:00:00Z", "2026-11-01T05:45:00Z"},
		{"second", "America/New_York", half("1"), "2026-11-01T06:10:00Z", false, "2026-11-01T06:30:00Z", "2026-11-01T06:30:00Z"},

		// Office hours are the wall's, on the morning after, too.
		{"spring", "Europe/Kyiv", office, "2026-03-28T22:30:00Z", false, "2026-03-29T06:00:00Z", "2026-03-29T06:00:00Z"},
		{"autumn", "Europe/Kyiv", office, "2026-10-24T21:30:00Z", false, "2026-10-25T07:00:00Z", "2026-10-25T07:00:00Z"},
		{"spring", "Europe/London", office, "2026-03-29T00:30:00Z", false, "2026-03-29T08:00:00Z", "2026-03-29T08:00:00Z"},
		{"autumn", "Europe/London", office, "2026-10-24T23:30:00Z", false, "2026-10-25T09:00:00Z", "2026-10-25T09:00:00Z"},
		{"spring", "America/New_York", office, "2026-03-08T05:30:00Z", false, "2026-03-08T13:00:00Z", "2026-03-08T13:00:00Z"},
		{"autumn", "America/New_York", office, "2026-11-01T04:30:00Z", false, "2026-11-01T14:00:00Z", "2026-11-01T14:00:00Z"},
	} {
		t.Run(row.zone+" "+row.name+" "+row.windows[0].Cron, func(t *testing.T) {
			moment := func(s string) time.Time {
				m, err := time.Parse(time.RFC3339, s)
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			c := &Campaign{TimeZone: row.zone, Profile: NoProfile, Windows: row.windows, Ring: 30 * time.Second, MaxAttempts: 3}
			if open, change := OpenAt(c, moment(row.now)); open != row.open || !change.Equal(moment(row.change)) {
				t.Errorf("open %v until %s, want %v until %s", open, change.UTC().Format(time.RFC3339), row.open, row.change)
			}
			if got := NextPermit(Question{Campaign: c, Now: moment(row.now)}); !got.Equal(moment(row.permit)) {
				t.Errorf("next permit %s, want %s", got.UTC().Format(time.RFC3339), row.permit)
			}
		})
	}
}
