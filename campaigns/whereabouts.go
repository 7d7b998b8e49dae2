package campaigns

import (
	"slices"
	"strings"
	"time"
)

const (
	// ownZone stands for the campaign's zone in [Whereabouts].
	ownZone = "-"
	// longestWhereabouts is how much of a contact's whereabouts is kept, in bytes: more would be many zones at once, in which it
	// is seldom the same.
	longestWhereabouts = 200
)

// Whereabouts says where a contact may be, by what its own row says: alternatives between "|", one for each phone that may be
// dialed; in each the zones, between commas, of which all must be open. Empty: too many to say.
func Whereabouts(c *Contact) string {
	if c.TimeZone != "" {
		return c.TimeZone
	}
	var all []string
	for _, p := range c.Phones {
		var names []string
		for _, loc := range numberZones(p.Number) {
			names = append(names, loc.String())
		}
		if len(names) == 0 {
			names = []string{ownZone}
		}
		all = append(all, strings.Join(names, ","))
	}
	slices.Sort(all)
	if where := strings.Join(slices.Compact(all), "|"); len(where) <= longestWhereabouts {
		return where
	}
	return ""
}

// ClosedFor says that policy refuses everybody of a campaign now who is there, whatever else is known of them, consents aside:
// the hours, a weekend, a holiday or the campaign's window. v is what it says of one of them who was never called.
func ClosedFor(c *Campaign, whereabouts string, now time.Time) (v Verdict, closed bool) {
	if whereabouts == "" {
		return v, false
	}
	for where := range strings.SplitSeq(whereabouts, "|") {
		q := Question{Campaign: c, Automatic: true, WithAgent: true, Now: now}
		if where != ownZone {
			q.Zones = strings.Split(where, ",")
		}
		if v = Decide(q); v.Permit {
			return Verdict{}, false
		}
	}
	return v, true
}

// Local reports whether a campaign's rules ask where a person is.
func (c *Campaign) Local() bool {
	p, ok := ProfileByName(c.profileName())
	return !ok || p.local() || len(c.Holidays) > 0 || len(calendarsOf(c)) > 0
}
