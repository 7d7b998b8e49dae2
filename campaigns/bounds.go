package campaigns

import "time"

// Bound is how much may have happened with a person since a moment before a rule of a campaign refuses: fewer than Most.
type Bound struct {
	Since  time.Time
	Most   int  // at least 1
	Told   bool // only that in which something was conveyed counts
	Spoken bool // only that which was by telephone counts
}

// Bounds are, roughly, the rules of a campaign that judge by what happened with a person before: good for finding who may be
// called among very many, not for permitting a call, which is for [Decide]. Days are those of the campaign's zone, a call counts
// from its beginning, and of automatic dialing each call counts as a whole ring time.
func Bounds(c *Campaign, now time.Time) []Bound {
	p, ok := ProfileByName(c.profileName())
	loc, err := campaignZone(c)
	if !ok || err != nil {
		return nil // nobody is called anyway
	}
	var list []Bound
	add := func(most int, since time.Time, told bool) {
		if most > 0 {
			list = append(list, Bound{since, most, told, false})
		}
	}
	l, today := c.Limits, dayStart(now.In(loc), 0)
	add(l.PerDay, today, false)
	if l.MinimumGap > 0 {
		add(1, now.Add(-l.MinimumGap), false)
	}
	for _, r := range []struct {
		most   int
		period time.Duration
	}{{l.PerPeriod, l.Period}, {p.PerPeriod, p.Period}} {
		add(r.most, now.Add(-r.period), false)
	}
	for _, most := range []time.Duration{l.AutoDialing, p.AutoDialing} {
		if most > 0 && c.Ring > 0 {
			add(max(1, int(most/c.Ring)), today, false)
		}
	}
	add(l.MeaningfulPerDay, today, true)
	add(p.MeaningfulPerDay, today, true)
	if p.ConversationRest > 0 {
		list = append(list, Bound{dayStart(now.In(loc), 1-int(p.ConversationRest/day)), 1, true, true})
	}
	return list
}

// ByPast reports whether what happened with the person before bars a call, and nothing else does but the hour and the day: it is
// known when it ends, unless something more happens.
func (v Verdict) ByPast() bool {
	past := false
	for _, r := range v.Refusals {
		switch r.Rule {
		case rulePerDay, rulePerPeriod, ruleMinimumGap, ruleMeaningful, ruleAutomatic, ruleConversation, ruleAbandoned:
			past = true
		case ruleHours, ruleWeekend, ruleHoliday, ruleWindow:
		default:
			return false
		}
	}
	return past
}
