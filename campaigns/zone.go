package campaigns

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // hours are law: the zones must be known on a machine without a zone database too

	"github.com/nyaruka/phonenumbers"
)

// zones keeps what [zone] has loaded. Only names of real zones enter, about 600, so it cannot grow without bound.
var zones sync.Map // string → *time.Location

// zone loads an IANA time zone by its name. "Local" is refused: it would mean another zone on every machine.
func zone(name string) (*time.Location, error) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, fmt.Errorf("campaigns: time zone %.64q: want an IANA name such as Europe/Kyiv", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("campaigns: time zone %q: want an IANA name such as Europe/Kyiv", name)
	}
	zones.Store(name, loc)
	return loc, nil
}

// CheckZone refuses what is not the name of a time zone.
func CheckZone(name string) error {
	_, err := zone(name)
	return err
}

// LikelyZone is where somebody with the number most probably is: in the zone that the contact names, else in the first of those
// that the number may be in, else in the campaign's, else in UTC. It is good for guesses: whether a call is lawful is judged in
// all of them.
func LikelyZone(contact, number, campaign string) *time.Location {
	if z, err := zone(contact); err == nil {
		return z
	}
	if list := numberZones(number); len(list) > 0 {
		return list[0]
	}
	if z, err := zone(campaign); err == nil {
		return z
	}
	return time.UTC
}

// unsaid is what zonesOf calls the zone of a campaign that does not say one.
const unsaid = "UTC"

// zonesOf are where the person may be: the contact's own zone; else those that are known of the person anywhere; else every zone
// that the number may be in; else the campaign's, and UTC where it has none. Zones that keep the same time are one. None: the one
// that it names cannot be read.
func zonesOf(q *Question) (zones []*time.Location, name string) {
	switch {
	case q.Contact != nil && q.Contact.TimeZone != "":
		return loadZones([]string{q.Contact.TimeZone})
	case len(q.Zones) > 0:
		return loadZones(q.Zones)
	}
	if zones = numberZones(q.Number); len(zones) > 0 {
		return zones, ""
	}
	if q.Campaign.TimeZone == "" {
		return []*time.Location{time.UTC}, unsaid
	}
	return loadZones([]string{q.Campaign.TimeZone})
}

// loadZones loads zones by name; the first that cannot be read is returned alone.
func loadZones(names []string) (zones []*time.Location, bad string) {
	for _, name := range names {
		loc, err := zone(name)
		if err != nil {
			return nil, name
		}
		zones = append(zones, loc)
	}
	return distinct(zones), ""
}

// ofNumbers keeps what numberZones has made of the lists of libphonenumber's table, some hundreds.
var ofNumbers sync.Map // string → []*time.Location

// numberZones are all zones that a number may be in, by the table of libphonenumber; none where it knows none.
func numberZones(number string) []*time.Location {
	names, err := phonenumbers.GetTimezonesForPrefix(number)
	if err != nil || len(names) == 0 || names[0] == phonenumbers.UNKNOWN_TIMEZONE {
		return nil
	}
	key := strings.Join(names, " ")
	if known, ok := ofNumbers.Load(key); ok {
		return known.([]*time.Location)
	}
	var zones []*time.Location
	for _, name := range bestKnownFirst(number, names) {
		if loc, err := zone(name); err == nil { // one that this program's zone data does not have yet or any more is left out
			zones = append(zones, loc)
		}
	}
	zones = distinct(zones)
	ofNumbers.Store(key, zones)
	return zones
}

// bestKnownFirst puts the zone of the country that its calling code is known for before those of its islands: of zones that
// keep the same time people are told the first, and a number of +44 is in Europe/London rather than in Europe/Guernsey.
func bestKnownFirst(number string, names []string) []string {
	parsed, err := phonenumbers.Parse(number, "")
	if err != nil {
		return names
	}
	main := soleZones[phonenumbers.GetRegionCodeForCountryCode(int(parsed.GetCountryCode()))]
	i := slices.Index(names, main)
	if i <= 0 {
		return names
	}
	return append([]string{main}, slices.Delete(slices.Clone(names), i, i+1)...)
}

// distinct leaves out zones that keep the same time as one before.
func distinct(zones []*time.Location) []*time.Location {
	if len(zones) < 2 {
		return zones
	}
	var list []*time.Location
	seen := map[string]bool{}
	for _, loc := range zones {
		if c := course(loc); !seen[c] {
			seen[c] = true
			list = append(list, loc)
		}
	}
	return list
}

// courses keeps what course has found, by zone.
var courses sync.Map // string → string

// course is how a zone's clock goes, from 2024 to 2037.
func course(loc *time.Location) string {
	if known, ok := courses.Load(loc.String()); ok {
		return known.(string)
	}
	var b strings.Builder
	for t, end := time.Unix(1704067200, 0).In(loc), time.Unix(2145916800, 0); t.Before(end); {
		_, offset := t.Zone()
		fmt.Fprintf(&b, "%d ", offset)
		_, next := t.ZoneBounds()
		if next.IsZero() {
			break
		}
		fmt.Fprintf(&b, "%d ", next.Unix())
		t = next
	}
	courses.Store(loc.String(), b.String())
	return b.String()
}

func campaignZone(c *Campaign) (*time.Location, error) {
	if c.TimeZone == "" {
		return time.UTC, nil
	}
	return zone(c.TimeZone)
}

// dayStart is the first instant of the calendar day that lies days after t's. A midnight that a clock change skips or
// repeats is why it is not simply time.Date: the day then begins at 01:00, or at the first of two midnights.
func dayStart(t time.Time, days int) time.Time {
	y, m, d := t.Date()
	noon := time.Date(y, m, d+days, 12, 0, 0, 0, t.Location())
	y, m, d = noon.Date()
	start := time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	if start.Day() != d {
		_, start = start.ZoneBounds()
	}
	const step = 30 * time.Minute // every zone's changes are multiples of it
	for earlier := start.Add(-step); earlier.Day() == d; earlier = earlier.Add(-step) {
		start = earlier
	}
	return start
}

// sameDay reports whether both moments lie on one calendar day of the zone.
func sameDay(a, b time.Time, loc *time.Location) bool {
	ay, am, ad := a.In(loc).Date()
	by, bm, bd := b.In(loc).Date()
	return ay == by && am == bm && ad == bd
}
