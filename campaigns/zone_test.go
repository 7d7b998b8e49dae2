package campaigns

import (
	"slices"
	"testing"
	"time"
)

// TestWhereThePersonIs: hours are those of where the person is known to be, else of every zone that the number may be in.
func TestWhereThePersonIs(t *testing.T) {
	const nobody = "+99912345678" // of no zone that the table knows
	for _, c := range []struct {
		name, number, own string
		known             []string
		campaign          string
		now               string // UTC
		permit            bool
		next              string // UTC
	}{
		{"half past midnight in California", "+14155550100", "", nil, "", "2026-11-24T08:30:00Z", false, "2026-11-24T16:00:00Z"},
		{"San Francisco from New York, 05:30", "+14155550100", "", nil, "America/New_York", "2026-11-24T13:30:00Z", false,
			"2026-11-24T16:00:00Z"},
		{"San Francisco from New York, 08:00", "+14155550100", "", nil, "America/New_York", "2026-11-24T16:00:00Z", true, ""},
		{"Honolulu from New York, 02:30", "+18085550100", "", nil, "America/New_York", "2026-11-24T12:30:00Z", false,
			"2026-11-24T18:00:00Z"},
		{"Honolulu from New York, 07:59", "+18085550100", "", nil, "America/New_York", "2026-11-24T17:59:59Z", false,
			"2026-11-24T18:00:00Z"},
		{"New York at nine in the evening", "+12125550100", "", nil, "Pacific/Honolulu", "2026-11-25T02:00:00Z", false,
			"2026-11-25T13:00:00Z"},
		{"anywhere in North America, noon in New York", "+18005550100", "", nil, "America/New_York", "2026-11-24T17:00:00Z", false, ""},
		{"the own zone alone", "+14155550100", "America/New_York", []string{"Pacific/Honolulu"}, "Europe/Kyiv", "2026-11-24T13:30:00Z",
			true, ""},
		{"known from elsewhere", "+14155550100", "", []string{"America/New_York"}, "Europe/Kyiv", "2026-11-24T13:30:00Z", true, ""},
		{"known as two from elsewhere", "+14155550100", "", []string{"America/New_York", "Pacific/Honolulu"}, "Europe/Kyiv",
			"2026-11-24T13:30:00Z", false, "2026-11-24T18:00:00Z"},
		{"the campaign's, where nothing else is known", nobody, "", nil, "Europe/Kyiv", "2026-11-24T13:30:00Z", true, ""},
		{"nothing is known at all", nobody, "", nil, "", "2026-11-24T13:30:00Z", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, _ := time.Parse(time.RFC3339, c.now)
			q := Question{Campaign: &Campaign{Region: "US", Profile: "us-reg-f", TimeZone: c.campaign, Ring: 30 * time.Second},
				Contact: &Contact{ID: 1, TimeZone: c.own}, Number: c.number, Zones: c.known, Automatic: true, Now: now}
			v := Decide(q)
			if v.Permit != c.permit {
				t.Fatalf("%+v", v)
			}
			if want, _ := time.Parse(time.RFC3339, c.next); c.next != "" && !NextPermit(q).Equal(want) {
				t.Errorf("next %s, want %s", NextPermit(q).UTC(), want)
			}
		})
	}
}

// TestZonesOfNumbers: no number is called before 08:00 or after 21:00 in any zone that it may be in.
func TestZonesOfNumbers(t *testing.T) {
	for _, number := range []string{"+14155550100", "+18085550100", "+18005550100", "+19075550100", "+77011234567",
		"+380501234567"} {
		zones := numberZones(number)
		if len(zones) == 0 {
			t.Fatalf("no zone of %s", number)
		}
		for now := time.Date(2026, 3, 6, 0, 7, 0, 0,
			time.UTC); now.Before(time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC)); now = now.Add(13 * time.Minute) {
			permit := Decide(Question{Campaign: &Campaign{Profile: "us-reg-f", TimeZone: "America/New_York"}, Number: number,
				Now: now}).Permit
			open := true
			for _, loc := range zones {
				open = open && now.In(loc).Hour() >= 8 && now.In(loc).Hour() < 21
			}
			if permit != open {
				t.Fatalf("%s at %s: permit %v, open %v", number, now, permit, open)
			}
		}
	}
}

// TestTheBestKnownZoneIsNamed: of zones that keep the same time, people are told the country's own.
func TestTheBestKnownZoneIsNamed(t *testing.T) {
	for number, want := range map[string]string{"+447700900123": "Europe/London", "+442079460123": "Europe/London"} {
		if zones := numberZones(number); len(zones) != 1 || zones[0].String() != want {
			t.Errorf("%s is in %v", number, zones)
		}
	}
}

// TestHolidays compares the calendars with dates that the countries have published.
func TestHolidays(t *testing.T) {
	for _, c := range []struct {
		country string
		year    int
		want    []string
	}{
		{"UA", 2026, []string{"01-01", "03-08", "03-09", "04-12", "04-13", "05-01", "05-08", "05-31", "06-01", "06-28", "06-29",
			"07-15", "08-24", "10-01", "12-25"}},
		{"GB", 2026, []string{"01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-26", "12-28"}},
		{"GB", 2021, []string{"01-01", "04-02", "04-05", "05-03", "05-31", "08-30", "12-25", "12-26", "12-27", "12-28"}},
		{"US", 2026, []string{"01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "07-04", "09-07", "10-12", "11-11", "11-26",
			"12-25"}},
		{"US", 2027, []string{"01-01", "01-18", "02-15", "05-31", "06-18", "06-19", "07-04", "07-05", "09-06", "10-11", "11-11",
			"11-25", "12-24", "12-25", "12-31"}},
		{"PL", 2026, []string{"01-01", "01-06", "04-05", "04-06", "05-01", "05-03", "05-24", "06-04", "08-15", "11-01", "11-11",
			"12-24", "12-25", "12-26"}},
		{"DE", 2026, []string{"01-01", "04-03", "04-06", "05-01", "05-14", "05-25", "10-03", "12-25", "12-26"}},
		{"KZ", 2026, []string{"01-01", "01-02", "01-07", "03-08", "03-09", "03-21", "03-22", "03-23", "03-24", "03-25", "05-01",
			"05-07", "05-09", "05-11", "05-27",
			"07-06", "08-30", "08-31", "10-25", "10-26", "12-16"}},
	} {
		var got []string
		for _, day := range HolidaysOf(&Campaign{Profile: NoProfile, HolidayCalendar: c.country}, c.year) {
			got = append(got, day[5:])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %d:\n%v\nwant\n%v", c.country, c.year, got, c.want)
		}
	}
}
