package campaigns

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// FieldError is one field of a campaign that cannot be accepted.
type FieldError struct {
	Field   string // as the API names it, such as "windows[1].cron"
	Problem string // what is wrong, and what would be right
}

// ValidationError lists every bad field.
type ValidationError []FieldError

func (e ValidationError) Error() string {
	parts := make([]string, len(e))
	for i, f := range e {
		parts[i] = f.Field + ": " + f.Problem
	}
	return "campaigns: " + strings.Join(parts, "; ")
}

// SetDefaults fills in what a new campaign leaves open. The legal profile follows the region, so that a campaign of a
// country we know the law of does not run without it by oversight; so does the time zone, where the region has only one. What
// stays open then has to be said before the start: [Campaign.MayStart].
func (c *Campaign) SetDefaults() {
	set(&c.Queue, c.Name)
	set(&c.Mode, Progressive)
	set(&c.Status, Draft)
	set(&c.TimeZone, soleZones[c.Region])
	set(&c.Profile, defaultProfiles[c.Region])
	set(&c.AgentRing, 15*time.Second)
	set(&c.Ring, 30*time.Second)
	set(&c.WrapUp, time.Minute)
	set(&c.MaxAttempts, 5)
	set(&c.Weight, 1)
	retry := make(map[Outcome]RetryRule, len(defaultRetry))
	for outcome, rule := range defaultRetry {
		retry[outcome] = rule
	}
	for outcome, rule := range c.Retry {
		retry[outcome] = rule
	}
	c.Retry = retry
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// MayStart refuses a campaign that says too little to know when its people may be called, by a [ValidationError] that names all
// that is missing or could never be. It is asked at the start, and of every change while the campaign runs. allHide says that every
// way to customers hides the caller's number.
func (c *Campaign) MayStart(allHide bool) error {
	v := &validation{}
	if c.Region == "" {
		v.bad("region", "missing: want an ISO 3166 code such as UA, by which numbers are read")
	}
	if c.TimeZone == "" {
		v.bad("time_zone", "missing: want an IANA name such as Europe/Kyiv; a region with several zones has none by default")
	}
	if c.Profile == "" {
		v.bad("profile", "missing: want one of %s; %q must be said", strings.Join(profileNames(), ", "), NoProfile)
	}
	if p, known := ProfileByName(c.Profile); known && p.NoHiding && allHide {
		v.bad("profile", "%s wants the caller's number shown, and every trunk hides it (privacy): nobody could be called; "+
			"take privacy from a trunk, or add one without it", c.Profile)
	}
	if len(v.errors) == 0 {
		return nil
	}
	return v.errors
}

// Validate refuses a campaign that could not run, by a [ValidationError] that names every bad field. A draft may leave open what
// [Campaign.MayStart] asks for.
func (c *Campaign) Validate() error {
	v := &validation{}
	v.text("name", c.Name, 1, 100)
	v.text("queue", c.Queue, 1, 100)
	v.oneOf("mode", string(c.Mode), string(Manual), string(Preview), string(Progressive), string(Predictive))
	v.oneOf("status", string(c.Status), string(Draft), string(Running), string(Paused), string(Stopped), string(Finished))
	v.between("priority", c.Priority, -100, 100)
	v.between("weight", c.Weight, 1, 100)
	v.schedule(c)
	v.limits(c)
	if c.CallerID != "" {
		if n, err := NormalizeNumber(c.CallerID, ""); err != nil || n != c.CallerID {
			v.bad("caller_id", "%q: want E.164, such as +380441234567", c.CallerID)
		}
	}
	v.lasts("agent_ring", c.AgentRing, 5*time.Second, time.Minute)
	v.lasts("ring", c.Ring, 15*time.Second, 2*time.Minute)
	if c.MaxDuration != 0 {
		v.lasts("max_duration", c.MaxDuration, 10*time.Second, longestCall-5*time.Minute)
	}
	v.lasts("wrap_up", c.WrapUp, time.Second, time.Hour)
	v.between("max_attempts", c.MaxAttempts, 1, 100)
	for outcome, rule := range c.Retry {
		field := "retry." + string(outcome)
		if !slices.Contains(Outcomes, outcome) || outcome == Answered {
			v.bad(field, "no such outcome without talk: want one of %s", list(Outcomes[1:]))
		}
		v.lasts(field+".after", rule.After, 0, 31*day)
		v.between(field+".max", rule.Max, 0, 100)
	}
	v.codes(c)
	if c.CardLink != "" {
		if err := checkTemplate(c.CardLink, cardFields, true); err != nil {
			v.bad("card_link", "%v", err)
		}
	}
	if c.CardLinkUnknown != "" {
		if err := checkTemplate(c.CardLinkUnknown, unknownFields, false); err != nil {
			v.bad("card_link_unknown", "%v", err)
		}
	}
	if c.RecordingLink != "" {
		if err := checkTemplate(c.RecordingLink, []string{"calltraceid"}, false); err != nil {
			v.bad("recording_link", "%v", err)
		} else if !strings.Contains(c.RecordingLink, "{calltraceid}") {
			v.bad("recording_link", "want {calltraceid} in it")
		}
	}
	if len(v.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(v.errors, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return v.errors
}

type validation struct{ errors ValidationError }

func (v *validation) bad(field, format string, args ...any) {
	v.errors = append(v.errors, FieldError{field, fmt.Sprintf(format, args...)})
}

func (v *validation) text(field, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least || n > most:
		v.bad(field, "%d characters: want %d to %d", n, least, most)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		v.bad(field, "want text without control characters")
	case strings.TrimSpace(s) != s:
		v.bad(field, "want no blanks at its ends")
	}
}

func (v *validation) oneOf(field, s string, allowed ...string) {
	if !slices.Contains(allowed, s) {
		v.bad(field, "%.40q: want one of %s", s, strings.Join(allowed, ", "))
	}
}

func (v *validation) between(field string, n, least, most int) {
	if n < least || n > most {
		v.bad(field, "%d: want %d to %d", n, least, most)
	}
}

func (v *validation) lasts(field string, d, least, most time.Duration) {
	if d < least || d > most {
		v.bad(field, "%s: want %s to %s", d, least, most)
	}
}

func (v *validation) schedule(c *Campaign) {
	loc, err := campaignZone(c)
	if err != nil {
		v.bad("time_zone", "%.64q: want an IANA name such as Europe/Kyiv", c.TimeZone)
		loc = time.UTC
	}
	if c.Region != "" && !knownRegion(c.Region) {
		v.bad("region", "%.10q: want an ISO 3166 code such as UA", c.Region)
	}
	if len(c.Windows) > 50 {
		v.bad("windows", "%d: want at most 50", len(c.Windows))
	}
	for i, w := range c.Windows {
		field := fmt.Sprintf("windows[%d]", i)
		o, err := w.parse(loc)
		if err != nil {
			v.bad(field, "%v", err)
		} else if o.next(time.Date(2026, 1, 1, 0, 0, 0, 0, loc)).IsZero() {
			v.bad(field, "cron %q names no moment within five years", w.Cron)
		}
	}
	v.dates("holidays", c.Holidays)
	v.dates("working_days", c.WorkingDays)
	if c.HolidayCalendar != "" {
		v.oneOf("holiday_calendar", c.HolidayCalendar, append(HolidayCalendars(), NoCalendar)...)
	}
}

func (v *validation) dates(field string, list []string) {
	if len(list) > 1000 {
		v.bad(field, "%d dates: want at most 1000", len(list))
	}
	for i, date := range list {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			v.bad(fmt.Sprintf("%s[%d]", field, i), "%.20q: want a date such as 2026-12-25", date)
		}
	}
}

func (v *validation) limits(c *Campaign) {
	p, ok := ProfileByName(c.profileName())
	if !ok {
		v.oneOf("profile", c.Profile, profileNames()...)
		p = &Profile{}
	}
	l := c.Limits
	v.between("limits.per_day", l.PerDay, 0, 100)
	v.between("limits.per_period", l.PerPeriod, 0, 1000)
	v.between("limits.meaningful_per_day", l.MeaningfulPerDay, 0, 100)
	if l.PerPeriod > 0 || l.Period != 0 {
		v.lasts("limits.period", l.Period, time.Minute, 31*day)
	}
	if l.Period != 0 && l.PerPeriod == 0 {
		v.bad("limits.per_period", "want a number of attempts with limits.period")
	}
	v.lasts("limits.minimum_gap", l.MinimumGap, 0, 31*day)
	if l.AutoDialing != 0 {
		v.lasts("limits.auto_dialing", l.AutoDialing, max(c.Ring, time.Second), day)
	}
	if c.Ring < p.MinimumRing {
		v.bad("ring", "%s: profile %s wants at least %s", c.Ring, p.Name, p.MinimumRing)
	}
}

func (v *validation) codes(c *Campaign) {
	if len(c.CallCodes) > 200 {
		v.bad("call_codes", "%d: want at most 200", len(c.CallCodes))
	}
	seen := make(map[string]bool, len(c.CallCodes))
	for i, code := range c.CallCodes {
		field := fmt.Sprintf("call_codes[%d]", i)
		if !allDigits(code.ID) || len(code.ID) > 9 {
			v.bad(field+".id", "%.20q: want 1 to 9 decimal digits", code.ID)
		} else if seen[code.ID] {
			v.bad(field+".id", "%q is there already", code.ID)
		}
		seen[code.ID] = true
		v.text(field+".name", code.Name, 1, 100)
		v.oneOf(field+".action", string(code.Action), string(Finish), string(RetryAfter), string(CallbackAt), string(DoNotCall))
		v.lasts(field+".after", code.After, 0, 366*day)
		if code.Action == RetryAfter && code.After == 0 {
			v.bad(field+".after", "want how long to wait, for the action retry_after")
		}
		v.text(field+".action_flag", code.ActionFlag, 0, 20)
	}
	if c.DefaultCode != "" && !seen[c.DefaultCode] {
		v.bad("default_code", "%q: want the id of one of call_codes", c.DefaultCode)
	}
}

func list(outcomes []Outcome) string {
	names := make([]string, len(outcomes))
	for i, o := range outcomes {
		names[i] = string(o)
	}
	return strings.Join(names, ", ")
}
