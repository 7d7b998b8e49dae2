package campaigns

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func opens(date, from, to string) Exception { return Exception{Date: date, From: from, To: to} }

func closes(date, from, to string) Exception {
	return Exception{Date: date, From: from, To: to, Closed: true}
}

// TestExceptions: openings beside the windows, and closings, in the campaign's zone, also on days on which clocks are changed.
func TestExceptions(t *testing.T) {
	office, night := []Window{{"0 9 * * 1-5", 11 * time.Hour}}, []Window{{"0 22 * * *", 4 * time.Hour}}
	for _, row := range []struct {
		name, zone string
		windows    []Window
		exceptions []Exception
		now        string // UTC
		open       bool
		change     string // UTC; empty: none
	}{
		{"Friday evening", "Europe/Kyiv", office, []Exception{opens("2026-12-05", "10:00", "14:00")},
			"2026-12-04T18:00:00Z", false, "2026-12-05T08:00:00Z"},
		{"on the Saturday", "Europe/Kyiv", office, []Exception{opens("2026-12-05", "10:00", "14:00")},
			"2026-12-05T08:00:00Z", true, "2026-12-05T12:00:00Z"},
		{"after it", "Europe/Kyiv", office, []Exception{opens("2026-12-05", "10:00", "14:00")},
			"2026-12-05T12:00:00Z", false, "2026-12-07T07:00:00Z"},
		{"an opening prolongs a window", "Europe/Kyiv", office, []Exception{opens("2026-12-04", "19:00", "22:00")},
			"2026-12-04T10:00:00Z", true, "2026-12-04T20:00:00Z"},
		{"until midnight", "Europe/Kyiv", office, []Exception{opens("2026-12-05", "22:00", "24:00"),
			opens("2026-12-06", "00:00", "01:00")},
			"2026-12-05T20:00:00Z", true, "2026-12-05T23:00:00Z"},

		{"a closed day, before", "Europe/Kyiv", office, []Exception{closes("2026-12-24", "", "")},
			"2026-12-23T19:00:00Z", false, "2026-12-25T07:00:00Z"},
		{"a closed day, at noon", "Europe/Kyiv", office, []Exception{closes("2026-12-24", "", "")},
			"2026-12-24T10:00:00Z", false, "2026-12-25T07:00:00Z"},
		{"two closed days and a weekend", "Europe/Kyiv", office, []Exception{closes("2026-12-25", "", ""),
			closes("2026-12-24", "", "")},
			"2026-12-24T10:00:00Z", false, "2026-12-28T07:00:00Z"},
		{"an afternoon off, before", "Europe/Kyiv", office, []Exception{closes("2026-12-24", "14:00", "")},
			"2026-12-24T10:00:00Z", true, "2026-12-24T12:00:00Z"},
		{"a lunch, in it", "Europe/Kyiv", office, []Exception{closes("2026-12-24", "12:00", "13:00")},
			"2026-12-24T10:30:00Z", false, "2026-12-24T11:00:00Z"},
		{"a night into a closed day", "Europe/Kyiv", night, []Exception{closes("2026-12-24", "", "")},
			"2026-12-23T21:00:00Z", true, "2026-12-23T22:00:00Z"},
		{"the night of a closed day", "Europe/Kyiv", night, []Exception{closes("2026-12-24", "", "")},
			"2026-12-24T21:00:00Z", false, "2026-12-24T22:00:00Z"},
		{"no windows, before a closing", "Europe/Kyiv", nil, []Exception{closes("2026-12-24", "", "")},
			"2026-12-20T10:00:00Z", true, "2026-12-23T22:00:00Z"},
		{"no windows, after all closings", "Europe/Kyiv", nil, []Exception{closes("2026-12-24", "", "")},
			"2026-12-24T22:00:00Z", true, ""},
		{"closed for good", "Europe/Kyiv", []Window{{"0 9 30 2 *", time.Hour}}, []Exception{opens("2026-12-05", "10:00", "14:00")},
			"2026-12-05T12:00:00Z", false, ""},

		// The clock on the wall decides: an hour that is skipped is missing, and one that is shown twice is twice.
		{"spring", "Europe/Kyiv", office, []Exception{opens("2026-03-29", "02:30", "05:00")},
			"2026-03-29T00:30:00Z", true, "2026-03-29T02:00:00Z"},
		{"autumn", "Europe/Kyiv", office, []Exception{opens("2026-10-25", "02:30", "05:00")},
			"2026-10-24T23:30:00Z", true, "2026-10-25T03:00:00Z"},
		{"spring", "Europe/London", office, []Exception{opens("2026-03-29", "00:30", "03:00")},
			"2026-03-29T00:30:00Z", true, "2026-03-29T02:00:00Z"},
		{"autumn, first", "Europe/London", office, []Exception{opens("2026-10-25", "01:00", "01:30")},
			"2026-10-25T00:00:00Z", true, "2026-10-25T00:30:00Z"},
		{"autumn, second", "Europe/London", office, []Exception{opens("2026-10-25", "01:00", "01:30")},
			"2026-10-25T00:45:00Z", false, "2026-10-25T01:00:00Z"},
		{"spring", "America/New_York", office, []Exception{opens("2026-03-08", "01:30", "04:00")},
			"2026-03-08T06:30:00Z", true, "2026-03-08T08:00:00Z"},
		{"autumn", "America/New_York", office, []Exception{opens("2026-11-01", "00:30", "03:00")},
			"2026-11-01T04:30:00Z", true, "2026-11-01T08:00:00Z"},
		{"a closed day of 25 hours", "America/New_York", []Window{{"0 * * * *", time.Hour}}, []Exception{closes("2026-11-01", "", "")},
			"2026-11-01T04:00:00Z", false, "2026-11-02T05:00:00Z"},
		{"a closed day of 23 hours", "America/New_York", []Window{{"0 * * * *", time.Hour}}, []Exception{closes("2026-03-08", "", "")},
			"2026-03-08T05:00:00Z", false, "2026-03-09T04:00:00Z"},
	} {
		t.Run(row.zone+" "+row.name, func(t *testing.T) {
			c := &Campaign{TimeZone: row.zone, Profile: NoProfile, Windows: row.windows, Exceptions: row.exceptions, MaxAttempts: 3}
			moment := func(s string) (m time.Time) {
				if s != "" {
					m = must(time.Parse(time.RFC3339, s))
				}
				return m
			}
			if open, change := OpenAt(c, moment(row.now)); open != row.open || !change.Equal(moment(row.change)) {
				t.Errorf("open %v until %s, want %v until %s", open, change.UTC().Format(time.RFC3339), row.open, row.change)
			}
			permit := moment(row.now)
			if !row.open {
				permit = moment(row.change)
			}
			if got := NextPermit(Question{Campaign: c, Now: moment(row.now)}); !got.Equal(permit) {
				t.Errorf("next permit %s, want %s", got.UTC(), permit)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestExceptionsByMinutes: at every minute the clock on the wall decides, whatever windows, openings and closings there are.
func TestExceptionsByMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(oddZones).Draw(t, "zone")
		loc := must(zone(name))
		now := nearClockChange(t, loc)
		cron := drawCron(t)
		duration := time.Duration(rapid.IntRange(1, 14*60).Draw(t, "duration")) * time.Minute
		c := &Campaign{TimeZone: name, Windows: []Window{{cron.String(), duration}}}
		for i := range rapid.IntRange(1, 4).Draw(t, "exceptions") {
			from := rapid.IntRange(0, 24*60-1).Draw(t, fmt.Sprint("from", i))
			to := rapid.IntRange(from+1, 24*60).Draw(t, fmt.Sprint("to", i))
			clock := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }
			c.Exceptions = append(c.Exceptions, Exception{Date: now.AddDate(0, 0, rapid.IntRange(-1, 2).Draw(t, fmt.Sprint("day", i))).
				Format(time.DateOnly), From: clock(from), To: clock(to), Closed: rapid.Bool().Draw(t, fmt.Sprint("closed", i))})
		}
		shows := func(m time.Time, closed bool) bool {
			return slices.ContainsFunc(c.Exceptions, func(e Exception) bool {
				at := m.Format("15:04")
				return e.Closed == closed && e.Date == m.Format(time.DateOnly) && e.From <= at && at < e.To
			})
		}
		openBy := func(m time.Time) bool {
			m = m.In(loc)
			open := shows(m, false)
			for tick := m; !open && m.Sub(tick) < duration; tick = tick.Add(-time.Minute) {
				open = cron.ticks(tick)
			}
			return open && !shows(m, true)
		}
		open, change := OpenAt(c, now)
		if want := openBy(now); open != want {
			t.Fatalf("%s %+v at %s: open %v, want %v", name, c, now, open, want)
		}
		if !change.After(now) {
			t.Fatalf("%s %+v at %s: change at %s", name, c, now, change)
		}
		for m := now; m.Before(change) && m.Sub(now) < 4*day; m = m.Add(7 * time.Minute) {
			if openBy(m) != open {
				t.Fatalf("%s %+v at %s: changed at %s, before %s", name, c, now, m, change)
			}
		}
		if openBy(change) == open || openBy(change.Add(-time.Minute)) != open {
			t.Fatalf("%s %+v at %s: no change at %s", name, c, now, change)
		}
	})
}

// TestOpeningIsWithinTheLaw: a Saturday that a campaign opens is none on which Ukraine's law permits calls, and its hours bind an
// opening too.
func TestOpeningIsWithinTheLaw(t *testing.T) {
	c := &Campaign{TimeZone: "Europe/Kyiv", Region: "UA", Profile: "ua-1349-IX", Windows: []Window{{"0 9 * * 1-5", time.Hour}},
		Exceptions:  []Exception{opens("2026-12-05", "10:00", "14:00"), opens("2026-12-07", "07:00", "24:00")},
		MaxAttempts: 3}
	saturday := at(t, "Europe/Kyiv", "2026-12-05 00:00")
	spans, _ := Lawful(Question{Campaign: c, Now: saturday}, saturday, at(t, "Europe/Kyiv", "2026-12-08 00:00"), 10)
	if len(spans) != 1 || !spans[0].From.Equal(at(t, "Europe/Kyiv", "2026-12-07 09:00")) ||
		!spans[0].To.Equal(at(t, "Europe/Kyiv", "2026-12-07 20:00")) {
		t.Errorf("%v", spans)
	}
	o := OpeningAt(c, at(t, "Europe/Kyiv", "2026-12-05 12:00"))
	if !o.Campaign || o.Profile {
		t.Errorf("on the Saturday: %+v", o)
	}
	closed := &Campaign{TimeZone: "Europe/Kyiv", Profile: "ua-1349-IX", Exceptions: []Exception{closes("2026-12-07", "", "")}}
	if o := OpeningAt(closed, at(t, "Europe/Kyiv", "2026-12-07 12:00")); o.Campaign || !o.Profile {
		t.Errorf("closed on a Monday: %+v", o)
	}
}

// TestExceptionsAreTold: an explanation says which exception decides, and repeats its note.
func TestExceptionsAreTold(t *testing.T) {
	c := &Campaign{TimeZone: "Europe/Kyiv", Windows: []Window{{"0 9 * * 1-5", 11 * time.Hour}}, Exceptions: []Exception{
		{Date: "2026-12-05", From: "10:00", To: "14:00", Note: "Saturday once"}, {Date: "2026-12-24", Closed: true}}}
	for now, want := range map[string]string{
		"2026-12-05 11:00": "policy.open_on_for", "2026-12-24 11:00": "policy.closed_on", "2026-12-04 11:00": "policy.window_open",
		"2026-12-05 09:00": "policy.window_closed",
	} {
		e := Explain(Question{Campaign: c, Now: at(t, "Europe/Kyiv", now)})
		i := slices.IndexFunc(e.Gates, func(g Gate) bool { return g.Rule == ruleWindow })
		if i < 0 || e.Gates[i].Reason.Key() != want {
			t.Errorf("%s: %v, want %s", now, e.Gates, want)
		}
	}
}

// TestAClosingThatCannotBeReadCloses: the record may hold what no request could have brought; in doubt nobody is called, and the
// explanations say why. An opening that cannot be read opens nothing.
func TestAClosingThatCannotBeReadCloses(t *testing.T) {
	office := []Window{{"0 9 * * 1-5", 11 * time.Hour}}
	for _, row := range []struct {
		name      string
		exception Exception
		now, why  string
		open      bool
		opens     string // empty: never
	}{
		{"hours, on the day", closes("2026-12-24", "2pm", ""), "2026-12-24 10:00", "policy.closed_on_unread", false,
			"2026-12-25 09:00"},
		{"hours turned around", closes("2026-12-24", "14:00", "10:00"), "2026-12-24 16:00", "policy.closed_on_unread", false,
			"2026-12-25 09:00"},
		{"hours, the day before", closes("2026-12-24", "2pm", ""), "2026-12-23 10:00", "policy.window_open", true, "2026-12-23 20:00"},
		{"date", closes("24.12.2026", "", ""), "2026-12-02 10:00", "policy.closed_undated", false, ""},
		{"no date", closes("", "", ""), "2026-12-02 10:00", "policy.closed_undated", false, ""},
		{"a date that is none", closes("2026-02-30", "", ""), "2026-12-02 10:00", "policy.closed_undated", false, ""},
		{"an opening's date", opens("5.12.2026", "10:00", "14:00"), "2026-12-05 11:00", "policy.window_closed", false,
			"2026-12-07 09:00"},
		{"an opening's hours", opens("2026-12-05", "10", ""), "2026-12-05 11:00", "policy.window_closed", false, "2026-12-07 09:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := &Campaign{TimeZone: "Europe/Kyiv", Profile: NoProfile, Windows: office, MaxAttempts: 3,
				Exceptions: []Exception{closes("2026-01-01", "", ""), row.exception}}
			now := at(t, "Europe/Kyiv", row.now)
			open, change := OpenAt(c, now)
			if open != row.open || (row.opens == "") != change.IsZero() ||
				row.opens != "" && !change.Equal(at(t, "Europe/Kyiv", row.opens)) {
				t.Errorf("open %v until %v", open, change)
			}
			e := Explain(Question{Campaign: c, Now: now})
			i := slices.IndexFunc(e.Gates, func(g Gate) bool { return g.Rule == ruleWindow })
			if i < 0 || e.Gates[i].Reason.Key() != row.why || e.Gates[i].Pass != row.open {
				t.Errorf("%v, want %s", e.Gates, row.why)
			}
		})
	}
}

// TestAClosingForGood: nothing opens behind it.
func TestAClosingForGood(t *testing.T) {
	c := &Campaign{TimeZone: "Europe/Kyiv", Windows: []Window{{"0 9 30 2 *", time.Hour}},
		Exceptions: []Exception{closes("2026-12-24", "", "")}}
	if why, ok := ClosedBy(c, at(t, "Europe/Kyiv", "2026-12-24 10:00")); !ok || why.Key() != "policy.closed_on_for_good" {
		t.Errorf("%v, %v", why, ok)
	}
}

func TestExceptionsAreChecked(t *testing.T) {
	office := []Window{{"0 9 * * 1-5", time.Hour}}
	for _, row := range []struct {
		name       string
		windows    []Window
		exceptions []Exception
		field, why string // empty: it is right
	}{
		{"right", office, []Exception{opens("2026-12-05", "10:00", "14:00"), closes("2026-12-05", "14:00", ""),
			closes("2026-12-24", "", "")}, "", ""},
		{"a closing alone", nil, []Exception{closes("2026-12-24", "", "")}, "", ""},
		{"no date", office, []Exception{opens("5.12.2026", "10:00", "14:00")}, "exceptions[0].date", "field.date"},
		{"no hours", office, []Exception{opens("2026-12-05", "", "")}, "exceptions[0]", "campaign.exception_hours"},
		{"turned around", office, []Exception{opens("2026-12-05", "14:00", "10:00")}, "exceptions[0]", "campaign.exception_hours"},
		{"no time", office, []Exception{opens("2026-12-05", "9", "10:00")}, "exceptions[0]", "campaign.exception_hours"},
		{"after midnight", office, []Exception{opens("2026-12-05", "20:00", "24:30")}, "exceptions[0]", "campaign.exception_hours"},
		{"open anyway", nil, []Exception{opens("2026-12-05", "10:00", "14:00")}, "exceptions[0]", "campaign.exception_open_already"},
		{"skipped", office, []Exception{opens("2026-03-29", "03:00", "04:00")}, "exceptions[0]", "campaign.exception_skipped"},
		{"both", office, []Exception{closes("2026-12-05", "", ""), opens("2026-12-05", "10:00", "14:00")}, "exceptions[1]",
			"campaign.exception_contradicts"},
		{"a line in the note", office, []Exception{{Date: "2026-12-24", Closed: true, Note: "a\nb"}}, "exceptions[0].note",
			"field.no_control_characters"},
		{"too many", office, slices.Repeat([]Exception{closes("2026-12-24", "", "")}, 401), "exceptions", "field.max_items"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := Campaign{Name: "x", TimeZone: "Europe/Kyiv", Windows: row.windows, Exceptions: row.exceptions}
			c.SetDefaults()
			err := c.Validate()
			var bad ValidationError
			switch {
			case row.field == "" && err != nil:
				t.Error(err)
			case row.field != "" && (!errors.As(err, &bad) || len(bad) != 1 || bad[0].Field != row.field || bad[0].Why.Key() != row.why):
				t.Errorf("%v, want %s: %s", err, row.field, row.why)
			}
		})
	}
}
