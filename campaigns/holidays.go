package campaigns

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Public holidays by country, as the statutes named here had them in November 2026. A deployer adds and removes dates by a
// campaign's holidays and working_days. Ukraine works on its holidays under martial law (law 2136-IX, art. 6); whether article 25
// means these days then is for counsel to say, so they are kept.
var calendars = map[string]calendar{
	// Code of labour laws, art. 73, as amended by laws 3107-IX, 3220-IX, 3258-IX (2023); art. 67: a day off that falls on a weekend
	// follows it.
	"UA": {rules: []holiday{on(1, 1), on(3, 8), on(5, 1), on(5, 8), on(6, 28), on(7, 15), on(8, 24), on(10, 1), on(12, 25),
		orthodox(0), orthodox(49)}, later: true},
	// Banking and Financial Dealings Act 1971, England and Wales; Scotland and Northern Ireland have others besides.
	"GB": {rules: []holiday{on(1, 1), easter(-2), easter(1), nth(1, time.Monday, 5), nth(-1, time.Monday, 5),
		nth(-1, time.Monday, 8),
		on(12, 25), on(12, 26)}, later: true},
	// 5 U.S.C. 6103: federal holidays; one on a Saturday is kept on Friday, one on a Sunday on Monday.
	"US": {rules: []holiday{on(1, 1), nth(3, time.Monday, 1), nth(3, time.Monday, 2), nth(-1, time.Monday, 5), on(6, 19), on(7, 4),
		nth(1, time.Monday, 9), nth(2, time.Monday, 10), on(11, 11), nth(4, time.Thursday, 11), on(12, 25)}, nearest: true},
	// Act of 18 January 1951 on days free from work, as amended in 2024 (Christmas Eve).
	"PL": {rules: []holiday{on(1, 1), on(1, 6), easter(0), easter(1), on(5, 1), on(5, 3), easter(49), easter(60), on(8, 15),
		on(11, 1), on(11, 11),
		on(12, 24), on(12, 25), on(12, 26)}},
	// Law 267-II of 13 December 2001 on holidays, as amended in 2022; labour code, art. 85. Kurban Ait follows the moon: the table
	// ends in 2030.
	"KZ": {rules: []holiday{on(1, 1), on(1, 2), on(1, 7), on(3, 8), on(3, 21), on(3, 22), on(3, 23), on(5, 1), on(5, 7), on(5, 9),
		on(7, 6), on(8, 30),
		on(10, 25), on(12, 16)}, later: true, dates: []string{"2025-06-06", "2026-05-27", "2027-05-16", "2028-05-05", "2029-04-24",
		"2030-04-13"}},
	// The nine days of all sixteen states; each state has others besides.
	"DE": {rules: []holiday{on(1, 1), easter(-2), easter(1), on(5, 1), easter(39), easter(50), on(10, 3), on(12, 25), on(12, 26)}},
}

// NoCalendar is the holiday calendar of a campaign that keeps none, where its profile would.
const NoCalendar = "none"

// calendar is a country's holidays.
type calendar struct {
	rules   []holiday
	dates   []string // that no rule gives
	later   bool     // one on a weekend frees the next working day too
	nearest bool     // one on a Saturday frees Friday, one on a Sunday Monday
}

// holiday is its date in a year.
type holiday func(year int) time.Time

func on(month time.Month, day int) holiday {
	return func(year int) time.Time { return date(year, month, day) }
}

// nth is a weekday of a month: the first is 1, the last -1.
func nth(n int, weekday time.Weekday, month time.Month) holiday {
	return func(year int) time.Time {
		if n < 0 {
			last := date(year, month+1, 0)
			return last.AddDate(0, 0, -(int(last.Weekday()-weekday)+7)%7)
		}
		first := date(year, month, 1)
		return first.AddDate(0, 0, (int(weekday-first.Weekday())+7)%7+7*(n-1))
	}
}

// easter is days after the Easter of the Gregorian calendar (by Meeus, Jones and Butcher).
func easter(days int) holiday {
	return func(year int) time.Time {
		a, b, c := year%19, year/100, year%100
		d := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
		e := (32 + 2*(b%4) + 2*(c/4) - d - c%4) % 7
		m := (a + 11*d + 22*e) / 451
		n := d + e - 7*m + 114
		return date(year, time.Month(n/31), n%31+1+days)
	}
}

// orthodox is days after the Easter of the Julian calendar (by Meeus), as a Gregorian date until 2099.
func orthodox(days int) holiday {
	return func(year int) time.Time {
		d := (19*(year%19) + 15) % 30
		e := (2*(year%4) + 4*(year%7) - d + 34) % 7
		n := d + e + 114
		return date(year, time.Month(n/31), n%31+1+13+days)
	}
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// holidayYears keeps what has been computed, by country and year.
var holidayYears sync.Map // string → map[string]bool

// holidaysIn are the dates without work of a country in a year; none of one that is not known.
func holidaysIn(country string, year int) map[string]bool {
	key := fmt.Sprintf("%.2s%d", country, year)
	if known, ok := holidayYears.Load(key); ok {
		return known.(map[string]bool)
	}
	days := map[string]bool{}
	for y := year - 1; y <= year+1; y++ { // the first of January may free the last of December
		calendars[country].add(days, y)
	}
	prefix := fmt.Sprintf("%04d-", year)
	maps.DeleteFunc(days, func(day string, _ bool) bool { return !strings.HasPrefix(day, prefix) })
	if year > 1900 && year < 2200 { // so that it cannot grow without bound
		holidayYears.Store(key, days)
	}
	return days
}

func (c calendar) add(days map[string]bool, year int) {
	var list []time.Time
	for _, rule := range c.rules {
		list = append(list, rule(year))
	}
	for _, d := range list {
		days[d.Format(time.DateOnly)] = true
	}
	for _, d := range c.dates {
		days[d] = true
	}
	slices.SortFunc(list, time.Time.Compare)
	for _, d := range list {
		weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
		switch {
		case weekend && c.nearest && d.Weekday() == time.Saturday:
			days[d.AddDate(0, 0, -1).Format(time.DateOnly)] = true
		case weekend && (c.nearest || c.later):
			for weekend || days[d.Format(time.DateOnly)] {
				d = d.AddDate(0, 0, 1)
				weekend = d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
			}
			days[d.Format(time.DateOnly)] = true
		}
	}
}

// HolidayCalendars are the countries whose holidays are built in.
func HolidayCalendars() []string { return slices.Sorted(maps.Keys(calendars)) }

// HolidaysOf lists the dates of a year on which a campaign calls nobody.
func HolidaysOf(c *Campaign, year int) []string {
	var days []string
	for d := date(year, 1, 1); d.Year() == year; d = d.AddDate(0, 0, 1) {
		if isHoliday(c, d) {
			days = append(days, d.Format(time.DateOnly))
		}
	}
	return days
}

// calendarsOf are the countries whose holidays a campaign keeps: its profile's, and the one that it chose.
func calendarsOf(c *Campaign) []string {
	if c.HolidayCalendar == NoCalendar {
		return nil
	}
	var list []string
	if p, ok := ProfileByName(c.profileName()); ok && p.NoHolidays {
		list = append(list, p.Country)
	}
	if c.HolidayCalendar != "" && !slices.Contains(list, c.HolidayCalendar) {
		list = append(list, c.HolidayCalendar)
	}
	return list
}

// isHoliday reports whether the campaign calls nobody on local's day.
func isHoliday(c *Campaign, local time.Time) bool {
	day := local.Format(time.DateOnly)
	if slices.Contains(c.Holidays, day) {
		return true
	}
	for _, country := range calendarsOf(c) {
		if holidaysIn(country, local.Year())[day] {
			return !slices.Contains(c.WorkingDays, day)
		}
	}
	return false
}
