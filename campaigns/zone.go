package campaigns

import (
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // hours are law: the zones must be known on a machine without a zone database too
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

// zoneOf is where the contact lives: its own zone, else the campaign's, else UTC.
func zoneOf(c *Campaign, contact *Contact) (*time.Location, error) {
	if contact != nil && contact.TimeZone != "" {
		return zone(contact.TimeZone)
	}
	return campaignZone(c)
}

// zoneName is the zone that zoneOf reads.
func zoneName(c *Campaign, contact *Contact) string {
	if contact != nil && contact.TimeZone != "" {
		return contact.TimeZone
	}
	return c.TimeZone
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
