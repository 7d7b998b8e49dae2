package campaigns

import (
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Names of the rules, as refusals, statistics and the API show them. They are stable.
const (
	ruleDoNotCall    = "do_not_call"
	ruleProfile      = "profile"   // the campaign names a profile that does not exist
	ruleTimeZone     = "time_zone" // the person's zone is not known
	rulePerson       = "person"    // nobody can say who the person is
	ruleHours        = "hours"
	ruleWeekend      = "weekend"
	ruleHoliday      = "holiday"
	ruleWindow       = "window"
	ruleInCall       = "in_call"
	ruleMaxAttempts  = "max_attempts"
	rulePerDay       = "per_day"
	rulePerPeriod    = "per_period"
	ruleMinimumGap   = "minimum_gap"
	ruleMeaningful   = "meaningful_per_day"
	ruleAutomatic    = "auto_dialing"
	ruleConversation = "conversation_rest"
	ruleAbandoned    = "abandoned_rest"
	ruleWish         = "wish"           // the person does not want to be called on the number
	ruleFaults       = "infrastructure" // calls to the contact failed on their way today
)

// rule is one gate on the way to a call.
type rule struct {
	name   string
	source string
	hard   bool
	check  func(*judge) answer
	tell   func(*judge) reason.Reason // the facts it judges by, true of a permit and of a refusal
}

// answer of one rule. With no, at is when it would permit: zero means never. Else at is when it may refuse by the mere
// passing of time: zero means not.
type answer struct {
	no bool
	at time.Time
}

// judge is a question with what all rules need of it.
type judge struct {
	*Question
	loc    *time.Location   // the person's; of several, the one that a rule is asked for
	local  time.Time        // now, there
	zones  []*time.Location // all in which the person may be
	faults []PastCall       // those of Past that infrastructure failed; no other rule sees them
	rules  []rule
}

// ask asks a rule in every zone in which the person may be: all must permit. It returns the judge of the zone that refuses, for
// its words.
func (j *judge) ask(r *rule) (answer, *judge) {
	if len(j.zones) == 1 {
		return r.check(j), j
	}
	var all answer
	teller := j
	for _, loc := range j.zones {
		there := *j
		there.loc, there.local = loc, j.Now.In(loc)
		a := r.check(&there)
		switch {
		case a.no && !all.no:
			all, teller = a, &there
		case a.no && (a.at.IsZero() || !all.at.IsZero() && a.at.After(all.at)):
			all, teller = a, &there
		case !a.no && !all.no && !a.at.IsZero() && (all.at.IsZero() || a.at.Before(all.at)):
			all.at = a.at
		}
	}
	return all, teller
}

// newJudge gathers the rules that apply. What makes every judgement impossible is itself a refusal.
func newJudge(q *Question) (*judge, *Refusal) {
	p, ok := ProfileByName(q.Campaign.profileName())
	if !ok {
		return nil, &Refusal{Rule: ruleProfile, Reason: whyNoProfile(q.Campaign.Profile),
			Source: sourceSetting, Hard: true}
	}
	if q.Unclear {
		return nil, &Refusal{Rule: rulePerson, Reason: whyUnclear, Source: sourceRecord, Hard: true}
	}
	zones, unknown := zonesOf(q)
	if len(zones) == 0 {
		return nil, &Refusal{Rule: ruleTimeZone, Reason: whyNoZone(unknown), Source: sourceSetting, Hard: true}
	}
	if unknown == unsaid && p.local() { // nobody knows where the person is, and the law asks
		return nil, &Refusal{Rule: ruleTimeZone, Reason: whyUnsaidZone, Source: sourceSetting, Hard: true}
	}
	j := &judge{Question: q, loc: zones[0], local: q.Now.In(zones[0]), zones: zones, rules: rulesOf(q, p)}
	if slices.ContainsFunc(q.Past, func(p PastCall) bool { return p.Fault }) {
		calls := *q
		calls.Past = nil
		for _, p := range q.Past {
			if p.Fault {
				j.faults = append(j.faults, p)
			} else {
				calls.Past = append(calls.Past, p)
			}
		}
		j.Question = &calls
	}
	return j, nil
}

const (
	sourceList    = "do-not-call list"
	sourceSetting = "campaign setting"
	sourceRecord  = "the record of people and numbers"
	sourceWish    = "the person's wish"
	sourceNetwork = "phone network"
	sourceCourse  = "attempt protocol"
)

// rulesOf lists the rules that bind this question: the law's, then the campaign's own.
func rulesOf(q *Question, p *Profile) []rule {
	c, l := q.Campaign, q.Campaign.Limits
	rules := append(make([]rule, 0, 12), rule{ruleDoNotCall, sourceList, true, checkDoNotCall, tellDoNotCall})
	law := func(r rule) {
		r.hard, r.source = true, p.Sources[r.name].Key()
		if kinds := p.lifts(c, r.name); len(kinds) > 0 && len(q.Consents) > 0 {
			r = lifted(r, kinds, p.LiftsFor)
		}
		rules = append(rules, r)
	}
	setting := func(r rule) {
		r.source = sourceSetting
		rules = append(rules, r)
	}
	if len(q.Consents) > 0 {
		rules = append(rules, rule{ruleWish, sourceWish, true, checkWish, tellWish})
	}
	if p.To > 0 {
		law(hoursRule(p.From, p.To))
	}
	if p.NoWeekends {
		law(rule{name: ruleWeekend, check: checkWeekend, tell: tellWeekend})
	}
	if len(c.Holidays) > 0 || len(calendarsOf(c)) > 0 {
		holidays := rule{name: ruleHoliday, check: checkHoliday, tell: tellHoliday}
		if p.NoHolidays {
			law(holidays)
		} else {
			setting(holidays)
		}
	}
	if p.MeaningfulPerDay > 0 {
		law(meaningfulRule(p.MeaningfulPerDay))
	}
	if p.AutoDialing > 0 && q.Automatic {
		law(automaticRule(p.AutoDialing))
	}
	if p.PerPeriod > 0 {
		law(periodRule(p.PerPeriod, p.Period, (*PastCall).ours))
	}
	if p.ConversationRest > 0 {
		law(conversationRule(p.ConversationRest))
	}
	if p.AbandonedRest > 0 && q.Automatic && c.Mode == Predictive && !q.WithAgent { // in the other modes an agent is there first
		law(abandonedRule(p.AbandonedRest))
	}

	if len(c.Windows) > 0 || len(c.Exceptions) > 0 {
		setting(rule{name: ruleWindow, check: checkWindow, tell: tellWindow})
	}
	setting(rule{name: ruleInCall, check: checkInCall, tell: tellInCall})
	if c.MaxAttempts > 0 && q.Contact != nil && !q.Promised {
		setting(rule{name: ruleMaxAttempts, check: checkMaxAttempts, tell: tellMaxAttempts})
	}
	if q.Automatic && q.Contact != nil {
		rules = append(rules, rule{name: ruleFaults, source: sourceNetwork, check: checkFaults, tell: tellFaults})
	}
	if l.PerDay > 0 {
		setting(rule{name: rulePerDay, check: checkPerDay, tell: tellPerDay})
	}
	if l.PerPeriod > 0 {
		setting(periodRule(l.PerPeriod, l.Period, (*PastCall).from))
	}
	if l.MinimumGap > 0 {
		setting(rule{name: ruleMinimumGap, check: checkGap, tell: tellGap})
	}
	if l.MeaningfulPerDay > 0 {
		setting(meaningfulRule(l.MeaningfulPerDay))
	}
	if l.AutoDialing > 0 && q.Automatic {
		setting(automaticRule(l.AutoDialing))
	}
	return rules
}

func checkDoNotCall(j *judge) answer {
	if !j.DoNotCall || !j.BarredTo.IsZero() && !j.Now.Before(j.BarredTo) {
		return answer{}
	}
	return answer{no: true, at: j.BarredTo}
}

func tellDoNotCall(j *judge) reason.Reason {
	switch {
	case !checkDoNotCall(j).no:
		return whyNotListed
	case j.Protected && !j.BarredTo.IsZero():
		return whyProtectedUntil(j.BarredTo)
	case j.Protected:
		return whyProtected
	case !j.BarredTo.IsZero():
		return whyListedUntil(j.BarredTo)
	}
	return whyListed
}

// hoursRule allows calls from one time of the person's day until another.
func hoursRule(from, to time.Duration) rule {
	return rule{
		name: ruleHours,
		check: func(j *judge) answer {
			opens, closes := clockAt(j.local, from), clockAt(j.local, to)
			switch {
			case j.Now.Before(opens):
				return answer{no: true, at: opens}
			case j.Now.Before(closes):
				return answer{at: closes}
			}
			return answer{no: true, at: clockAt(dayStart(j.local, 1), from)}
		},
		tell: func(j *judge) reason.Reason {
			return whyHours(clock(from), clock(to), j.local.Format("15:04"), j.loc.String())
		},
	}
}

func checkWeekend(j *judge) answer {
	switch j.local.Weekday() {
	case time.Saturday:
		return answer{no: true, at: dayStart(j.local, 2)}
	case time.Sunday:
		return answer{no: true, at: dayStart(j.local, 1)}
	}
	return answer{at: dayStart(j.local, int(time.Saturday-j.local.Weekday()))}
}

func tellWeekend(j *judge) reason.Reason {
	return whyWeekend(weekdayWord(weekdays[j.local.Weekday()]), j.loc.String())
}

func checkHoliday(j *judge) answer {
	next := dayStart(j.local, 1)
	if !isHoliday(j.Campaign, j.local) {
		// A permit may last a day, and a day of 23 hours brings the day after tomorrow within it.
		for _, start := range []time.Time{next, dayStart(next, 1)} {
			if isHoliday(j.Campaign, start) {
				return answer{at: start}
			}
		}
		return answer{}
	}
	for range 400 { // no calendar frees a whole year
		if !isHoliday(j.Campaign, next) {
			return answer{no: true, at: next}
		}
		next = dayStart(next, 1)
	}
	return answer{no: true}
}

func tellHoliday(j *judge) reason.Reason {
	today := reason.Day(j.local.Format(time.DateOnly))
	if isHoliday(j.Campaign, j.local) {
		return whyHoliday(today, j.loc.String())
	}
	return whyNoHoliday(today, j.loc.String())
}

func checkWindow(j *judge) answer {
	open, change := OpenAt(j.Campaign, j.Now)
	return answer{no: !open, at: change}
}

func tellWindow(j *judge) reason.Reason {
	open, change := OpenAt(j.Campaign, j.Now)
	loc, err := campaignZone(j.Campaign)
	if err != nil {
		return whyWindowZone(j.Campaign.TimeZone)
	}
	if closed, ok := ClosedBy(j.Campaign, j.Now); ok {
		return closed
	}
	if d := exceptionAt(j.Campaign, j.Now); d != nil && !change.IsZero() {
		return d.tell(change.In(loc))
	}
	switch {
	case open && change.IsZero():
		return whyAlwaysOpen
	case open:
		return whyWindow(change.In(loc))
	case change.IsZero():
		return whyNeverOpen
	}
	return whyNoWindow(change.In(loc))
}

// clockAt is the moment of local's day at which the wall clock shows d after midnight.
func clockAt(local time.Time, d time.Duration) time.Time {
	y, m, day := local.Date()
	return time.Date(y, m, day, 0, 0, int(d/time.Second), 0, local.Location())
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}
