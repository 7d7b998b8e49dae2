package campaigns

import "time"

// Opening is whether calls may be made at a moment, by the clock alone: by the campaign's own windows, and by its profile's
// hours, weekends and holidays in the campaign's time zone. People in other zones have hours of their own.
type Opening struct {
	Campaign, Profile bool
	Until             time.Time // when both together change; zero: they do not, or not within a month
}

// Open reports whether both are open.
func (o Opening) Open() bool { return o.Campaign && o.Profile }

// OpeningAt says whether the campaign may call at a moment, and when that changes.
func OpeningAt(c *Campaign, now time.Time) Opening {
	var o Opening
	o.Campaign, _ = OpenAt(c, now)
	clock := *c
	clock.Limits = Limits{}
	q := Question{Campaign: &clock, Now: now, Automatic: true}
	if c.TimeZone != "" {
		q.Zones = []string{c.TimeZone}
	}
	always := clock
	always.Windows, always.Exceptions = nil, nil
	law := q
	law.Campaign = &always
	o.Profile = Decide(law).Permit
	if !o.Open() {
		o.Until = NextPermit(q)
		return o
	}
	limit := now.AddDate(0, 1, 0)
	if spans, _ := Lawful(q, now, limit, 1); len(spans) == 1 && spans[0].To.Before(limit) {
		o.Until = spans[0].To
	}
	return o
}
