package store_test

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// oracle says who may be called when, slowly and plainly, from a list of all that has happened. It was written from the rules'
// words and shares no code with the gate, nor with the tables that feed it.
type oracle struct {
	calls    []*told
	entries  []campaigns.Barred
	consents []campaigns.Consent
	merged   [][]string // groups of CRM ids
	contacts []campaigns.Contact
}

// told is a call of ours, or another contact with a person.
type told struct {
	crmID, number string
	kind          campaigns.InteractionKind // empty: our call
	dialed        time.Time
	answered, end time.Time
	rang, talked  time.Duration // of what was over when it was told
	automatic     bool
	coded         bool
	meaningful    bool
	abandoned     bool // answered, and no agent came
}

// inquiry is whom the oracle is asked about.
type inquiry struct {
	campaign  *campaigns.Campaign
	contact   *campaigns.Contact // nil: a number in no list
	promised  bool
	number    string
	automatic bool
}

func (o *oracle) idsOf(crmID string) []string {
	for _, group := range o.merged {
		if slices.Contains(group, crmID) {
			return group
		}
	}
	return []string{crmID}
}

func numbersOf(k campaigns.Contact) (list []string) {
	for _, p := range k.Phones {
		list = append(list, p.Number)
	}
	return list
}

// spread adds the numbers to which contacts without a CRM id lead, until there are no more.
func (o *oracle) spread(numbers []string) []string {
	for grown := true; grown; {
		grown = false
		for _, k := range o.contacts {
			if k.CRMID != "" || !slices.ContainsFunc(k.Phones,
				func(p campaigns.Phone) bool { return slices.Contains(numbers, p.Number) }) {
				continue
			}
			for _, n := range numbersOf(k) {
				if !slices.Contains(numbers, n) {
					numbers, grown = append(numbers, n), true
				}
			}
		}
	}
	return numbers
}

// who is whom the contact may be: CRM ids and numbers.
func (o *oracle) who(a inquiry) (ids, numbers, zones []string) {
	numbers = []string{a.number}
	crmID := ""
	if a.contact != nil {
		numbers, crmID = numbersOf(*a.contact), a.contact.CRMID
	}
	numbers = o.spread(numbers)
	if crmID != "" {
		ids = o.idsOf(crmID)
	} else {
		own := slices.Clone(numbers)
		for _, k := range o.contacts { // it may be anybody who has one of its numbers
			if k.CRMID != "" && slices.ContainsFunc(k.Phones, func(p campaigns.Phone) bool { return slices.Contains(own, p.Number) }) {
				ids = append(ids, o.idsOf(k.CRMID)...)
			}
		}
	}
	for _, k := range o.contacts {
		if k.CRMID == "" || !slices.Contains(ids, k.CRMID) {
			continue
		}
		numbers = append(numbers, numbersOf(k)...)
		if crmID != "" && k.TimeZone != "" {
			zones = append(zones, k.TimeZone)
		}
	}
	return ids, o.spread(numbers), zones
}

// numberZones are those of the numbers that the histories use.
var numberZones = map[string]string{"+380": "Europe/Kyiv", "+44": "Europe/London", "+1212": "America/New_York",
	"+1808": "Pacific/Honolulu"}

// freeDays are Ukraine's public holidays around the histories' beginnings: in the other profiles holidays are no law.
var freeDays = []string{"2026-03-08", "2026-03-09", "2026-12-25", "2027-01-01", "2026-10-01"}

var locations sync.Map // by zone

func load(zone string) *time.Location {
	if known, ok := locations.Load(zone); ok {
		return known.(*time.Location)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	locations.Store(zone, loc)
	return loc
}

// forbids names the rules by which the call is forbidden at a moment; none: it is permitted.
func (o *oracle) forbids(a inquiry, now time.Time) (rules []string) {
	add := func(rule string, forbidden bool) {
		if forbidden && !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	ids, numbers, known := o.who(a)
	for _, e := range o.entries {
		if e.Expires.IsZero() || now.Before(e.Expires) {
			add("do_not_call", e.Number == a.number || e.CRMID != "" && slices.Contains(ids, e.CRMID))
		}
	}
	var past []*told
	for _, c := range o.calls {
		if !c.dialed.After(now) && (c.crmID != "" && slices.Contains(ids, c.crmID) || c.number != "" && slices.Contains(numbers,
			c.number)) {
			past = append(past, c)
		}
	}
	var consents []campaigns.Consent // of whoever has a number nobody knows whose they are
	if a.contact != nil && a.contact.CRMID != "" {
		for _, c := range o.consents {
			if slices.Contains(ids, c.CRMID) && c.WithdrawnAt.IsZero() && !c.GivenAt.After(now) &&
				(c.ExpiresAt.IsZero() || c.ExpiresAt.After(now)) &&
				(c.Number == "" || c.Number == a.number) && (c.CampaignID == 0 || c.CampaignID == a.campaign.ID) {
				consents = append(consents, c)
			}
		}
	}
	for _, c := range consents {
		add("wish", c.Kind == campaigns.NotThere)
	}
	for _, c := range past {
		add("in_call", c.end.IsZero() && now.Sub(c.dialed) < 4*time.Hour)
	}
	if a.contact != nil && !a.promised {
		add("max_attempts", a.contact.Attempts >= a.campaign.MaxAttempts)
	}
	if len(a.campaign.Windows) > 0 { // the only one that the histories use: from 10:00 for six hours, UTC
		add("window", now.UTC().Hour() < 10 || now.UTC().Hour() >= 16)
	}
	zones := known
	switch {
	case a.contact != nil && a.contact.TimeZone != "":
		zones = []string{a.contact.TimeZone}
	case len(known) == 0:
		for prefix, zone := range numberZones {
			if strings.HasPrefix(a.number, prefix) {
				zones = []string{zone}
			}
		}
	}
	for _, zone := range zones { // wherever the person may be
		o.forbidsThere(a, now, load(zone), past, consents, add)
	}
	return rules
}

func (o *oracle) forbidsThere(a inquiry, now time.Time, loc *time.Location, past []*told, consents []campaigns.Consent,
	add func(string, bool)) {
	there := now.In(loc)
	today := there.Format(time.DateOnly)
	wish := func(kinds ...campaigns.ConsentKind) bool { return wished(consents, past, kinds, now, loc, 0) }
	weekWish := func(kinds ...campaigns.ConsentKind) bool {
		return wished(consents, past, kinds, now, loc, 7*24*time.Hour)
	}
	hour, weekend := there.Hour(), there.Weekday() == time.Saturday || there.Weekday() == time.Sunday
	l := a.campaign.Limits
	sameDay := func(c *told) bool { return c.dialed.In(loc).Format(time.DateOnly) == today }
	dialed, meaningful, automatic := 0, 0, time.Duration(0)
	var lastEnd, lastTalk time.Time
	week, period := 0, 0
	for _, c := range past {
		counts := c.meaningful || (c.kind == "" && !c.answered.IsZero() || c.kind != "") && !c.coded
		ours := c.kind == "" || c.kind == campaigns.OutgoingCall
		end := c.end
		if end.IsZero() {
			end = c.dialed
		}
		if end.After(lastEnd) {
			lastEnd = end
		}
		if counts && (ours || c.kind == campaigns.InboundCall) && end.After(lastTalk) {
			lastTalk = end
		}
		if ours && c.dialed.After(now.Add(-7*24*time.Hour)) {
			week++
		}
		if c.kind != campaigns.InboundCall && l.PerPeriod > 0 && c.dialed.After(now.Add(-l.Period)) {
			period++
		}
		if !sameDay(c) {
			continue
		}
		if c.kind != campaigns.InboundCall {
			dialed++
		}
		if counts {
			meaningful++
		}
		if c.automatic {
			automatic += ringOf(c, a.campaign.Ring)
		}
	}
	switch a.campaign.Profile {
	case "ua-1349-IX":
		add("hours", hour < 9 || hour >= 20)
		add("weekend", weekend)
		add("holiday", slices.Contains(freeDays, today))
		add("meaningful_per_day", meaningful >= 2 && !wish(campaigns.CallMeAt))
		add("auto_dialing", a.automatic && (automatic >= 30*time.Minute || automatic > 0 && automatic+a.campaign.Ring > 30*time.Minute))
	case "us-reg-f":
		add("hours", (hour < 8 || hour >= 21) && !weekWish(campaigns.MayCallAt, campaigns.CallMeAt))
		add("per_period", week >= 7 && !weekWish(campaigns.MayCall, campaigns.CallMeAt))
		add("conversation_rest", restsAfter(lastTalk, now, loc) && !weekWish(campaigns.MayCall, campaigns.CallMeAt))
	case "uk-ofcom": // without an agent, who in the other modes is there before the call
		for _, c := range past {
			add("abandoned_rest", c.abandoned && c.number == a.number && now.Before(c.end.Add(72*time.Hour)) && a.automatic &&
				a.campaign.Mode == campaigns.Predictive)
		}
	}
	add("per_day", l.PerDay > 0 && dialed >= l.PerDay)
	add("per_period", l.PerPeriod > 0 && period >= l.PerPeriod)
	add("minimum_gap", l.MinimumGap > 0 && !lastEnd.IsZero() && now.Before(lastEnd.Add(l.MinimumGap)))
	add("meaningful_per_day", l.MeaningfulPerDay > 0 && meaningful >= l.MeaningfulPerDay)
}

// ringOf is how long a call has rung.
func ringOf(c *told, ring time.Duration) time.Duration {
	switch {
	case c.rang > 0 || c.kind != "":
		return c.rang
	case !c.answered.IsZero():
		return c.answered.Sub(c.dialed)
	case !c.end.IsZero():
		return c.end.Sub(c.dialed)
	}
	return ring // it still rings
}

// restsAfter counts seven days of the person's, that of the talk being the first.
func restsAfter(talk, now time.Time, loc *time.Location) bool {
	if talk.IsZero() {
		return false
	}
	day := talk.In(loc)
	for range 7 {
		if day.Format(time.DateOnly) == now.In(loc).Format(time.DateOnly) {
			return true
		}
		y, m, d := day.Date()
		day = time.Date(y, m, d+1, 12, 0, 0, 0, loc)
	}
	return false
}

// wished reports whether one of the consents holds at this moment.
func wished(consents []campaigns.Consent, past []*told, kinds []campaigns.ConsentKind, now time.Time, loc *time.Location,
	longest time.Duration) bool {
	for _, c := range consents {
		if !slices.Contains(kinds, c.Kind) || longest > 0 && !now.Before(c.GivenAt.Add(longest)) {
			continue
		}
		switch c.Kind {
		case campaigns.MayCall:
			return true
		case campaigns.CallMeAt:
			kept := slices.ContainsFunc(past, func(p *told) bool {
				talked := p.talked > 0 || !p.answered.IsZero() && p.end.After(p.answered)
				return talked && !p.dialed.Before(c.At)
			})
			if !kept && !now.Before(c.At) && now.Before(c.At.Add(2*time.Hour)) {
				return true
			}
		case campaigns.MayCallAt:
			there := now.In(loc)
			since := time.Duration(there.Hour())*time.Hour + time.Duration(there.Minute())*time.Minute
			if (len(c.Days) == 0 || slices.Contains(c.Days, there.Weekday())) && since >= c.From && since < c.To {
				return true
			}
		}
	}
	return false
}

// first is the first moment, in steps of five minutes, at which nothing forbids the call any more if nothing happens until then;
// zero: none before limit.
func (o *oracle) first(a inquiry, now, limit time.Time) time.Time {
	for ; now.Before(limit); now = now.Add(5 * time.Minute) {
		if len(o.forbids(a, now)) == 0 {
			return now
		}
	}
	return time.Time{}
}
