package campaigns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// LawChange is one setting by which people's protection changes.
type LawChange struct {
	Field    string // as the API names it
	From, To string // for people; "-" is none
	Loosens  bool   // it is not merely stricter
}

func (c LawChange) String() string { return fmt.Sprintf("%s: %s -> %s", c.Field, c.From, c.To) }

// LawChanges lists how the rules by which people may be called differ between two settings of a campaign; was is nil for a new
// one, which is compared with what its region gets by default. A stricter value of the same profile is no loosening; everything
// else is, another profile too: which of two laws is the stricter one is for counsel to say.
func LawChanges(was, is *Campaign) []LawChange {
	if was == nil {
		was = &Campaign{Region: is.Region}
	}
	from := was.Profile
	if from == "" {
		from = defaultProfiles[is.Region] // nobody has chosen yet: what the region has is the measure
	}
	var changes []LawChange
	add := func(field, from, to string, loosens bool) {
		changes = append(changes, LawChange{field, orDash(from), orDash(to), loosens})
	}
	if is.Profile != was.Profile && is.Profile != from {
		add("profile", from, is.Profile, from != "" && from != NoProfile || is.Profile == NoProfile)
	} else if law := defaultProfiles[is.Region]; is.Region != was.Region && law != "" && is.Profile != "" && is.Profile != law {
		add("region", was.Region, is.Region, true) // into a country whose law the campaign does not keep
	}
	l, m := was.Limits, is.Limits
	most := func(field string, from, to int) {
		if from != to {
			add(field, number(from), number(to), to == 0 || from != 0 && to > from)
		}
	}
	most("limits.per_day", l.PerDay, m.PerDay)
	most("limits.meaningful_per_day", l.MeaningfulPerDay, m.MeaningfulPerDay)
	if l.PerPeriod != m.PerPeriod || l.Period != m.Period {
		add("limits.per_period", periodText(l), periodText(m),
			m.PerPeriod == 0 || l.PerPeriod != 0 && (m.PerPeriod > l.PerPeriod || m.Period < l.Period))
	}
	if l.AutoDialing != m.AutoDialing {
		add("limits.auto_dialing", span(l.AutoDialing), span(m.AutoDialing),
			m.AutoDialing == 0 || l.AutoDialing != 0 && m.AutoDialing > l.AutoDialing)
	}
	if l.MinimumGap != m.MinimumGap {
		add("limits.minimum_gap", span(l.MinimumGap), span(m.MinimumGap), m.MinimumGap < l.MinimumGap)
	}
	stricter := func(field string, from, to bool) { // settings that make the rules stricter
		if from != to {
			add(field, strconv.FormatBool(from), strconv.FormatBool(to), from)
		}
	}
	stricter("limits.talk_is_dialing", l.TalkIsDialing, m.TalkIsDialing)
	stricter("limits.talk_is_meaningful", l.TalkIsMeaningful, m.TalkIsMeaningful)
	if from, to := was.Pace(), is.Pace(); is.Mode == Predictive {
		if from.AbandonedCap != to.AbandonedCap {
			add("pacing.abandoned_cap", share(from.AbandonedCap), share(to.AbandonedCap), to.AbandonedCap > from.AbandonedCap)
		}
		if from.Patience != to.Patience {
			add("pacing.patience", span(from.Patience), span(to.Patience), to.Patience > from.Patience)
		}
	}
	if was.ConsentLiftsTimes != is.ConsentLiftsTimes {
		add("consent_lifts_times", strconv.FormatBool(was.ConsentLiftsTimes), strconv.FormatBool(is.ConsentLiftsTimes),
			is.ConsentLiftsTimes)
	}
	if was.HolidayCalendar != is.HolidayCalendar {
		add("holiday_calendar", was.HolidayCalendar, is.HolidayCalendar,
			was.HolidayCalendar != "" && was.HolidayCalendar != NoCalendar || is.HolidayCalendar == NoCalendar)
	}
	if !sameDates(was.WorkingDays, is.WorkingDays) {
		more := slices.ContainsFunc(is.WorkingDays, func(d string) bool { return !slices.Contains(was.WorkingDays, d) })
		add("working_days", dates(was.WorkingDays), dates(is.WorkingDays), more)
	}
	if !sameDates(was.Holidays, is.Holidays) {
		gone := slices.ContainsFunc(was.Holidays, func(d string) bool { return !slices.Contains(is.Holidays, d) })
		add("holidays", dates(was.Holidays), dates(is.Holidays), gone)
	}
	return changes
}

// SameRules reports whether two settings of a campaign judge and call people alike. Where they do not, what was planned by the
// one does not hold by the other.
func SameRules(a, b *Campaign) bool {
	return a.Profile == b.Profile && a.Region == b.Region && a.TimeZone == b.TimeZone && slices.Equal(a.Windows, b.Windows) &&
		slices.Equal(a.Exceptions, b.Exceptions) &&
		sameDates(a.Holidays, b.Holidays) && a.HolidayCalendar == b.HolidayCalendar && sameDates(a.WorkingDays, b.WorkingDays) &&
		a.ConsentLiftsTimes == b.ConsentLiftsTimes && a.Limits == b.Limits && a.MaxAttempts == b.MaxAttempts &&
		a.PhoneTries == b.PhoneTries &&
		a.CallerID == b.CallerID && slices.Equal(a.CallerIDs, b.CallerIDs) && a.Ring == b.Ring
}

// CheckLaw says whether somebody may give a campaign these settings: what loosens the law is an administrator's, and wants a
// reason. It returns what the audit has to say of the law, empty when nothing of it changes.
func CheckLaw(was, is *Campaign, administrator bool, why string) (audit string, err error) {
	changes := LawChanges(was, is)
	var loosened []LawChange
	parts := make([]string, 0, len(changes)+1)
	for _, c := range changes {
		parts = append(parts, c.String())
		if c.Loosens {
			loosened = append(loosened, c)
		}
	}
	switch {
	case len(loosened) > 0 && !administrator:
		return "", &LawError{loosened}
	case len(loosened) > 0 && strings.TrimSpace(why) == "":
		return "", ValidationError{{"reason", whyLawReason(changeTexts(loosened))}}
	}
	if why != "" {
		parts = append(parts, "reason: "+why)
	}
	return strings.Join(parts, "; "), nil
}

// LawError refuses settings that are an administrator's to give.
type LawError struct{ Changes []LawChange }

func (e *LawError) Error() string {
	return "campaigns: loosening the law is an administrator's: " + joinChanges(e.Changes)
}

// Why is what it says to people.
func (e *LawError) Why() reason.Reason { return whyLaw(changeTexts(e.Changes)) }

// Class is that of what is not for whoever asks.
func (e *LawError) Class() reason.Class { return reason.Denied }

func changeTexts(changes []LawChange) []string {
	texts := make([]string, len(changes))
	for i, c := range changes {
		texts[i] = c.String()
	}
	return texts
}

func joinChanges(changes []LawChange) string { return strings.Join(changeTexts(changes), ", ") }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func share(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func periodText(l Limits) string {
	if l.PerPeriod == 0 {
		return ""
	}
	return fmt.Sprintf("%d in %s", l.PerPeriod, l.Period)
}

func sameDates(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// maxDates is how many dates an audit entry lists.
const maxDates = 40

func dates(list []string) string {
	list = slices.Sorted(slices.Values(list))
	if len(list) > maxDates {
		return strings.Join(list[:maxDates], " ") + fmt.Sprintf(" and %d more", len(list)-maxDates)
	}
	return strings.Join(list, " ")
}
