package campaigns

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// FieldError is one field of a campaign that cannot be accepted.
type FieldError struct {
	Field string        // as the API names it, such as "windows[1].cron"
	Why   reason.Reason // what is wrong, and what would be right
}

// ValidationError lists every bad field.
type ValidationError []FieldError

func (e ValidationError) Error() string {
	parts := make([]string, len(e))
	for i, f := range e {
		parts[i] = f.Field + ": " + f.Why.String()
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

// Means are what a campaign's customers can be called with.
type Means struct {
	AllHide   bool // every way to customers hides the caller's number
	NoMessage bool // customers who are called before there is an agent hear no message when none comes
	NoMachine bool // there is no recorded message for answering machines
}

// MayStart refuses a campaign that says too little to know when its people may be called, by a [ValidationError] that names all
// that is missing or could never be. It is asked at the start, and of every change while the campaign runs.
func (c *Campaign) MayStart(with Means) error {
	v := &validation{}
	if c.Region == "" {
		v.bad("region", whyRegionMissing)
	}
	if c.TimeZone == "" {
		v.bad("time_zone", whyZoneMissing)
	}
	if c.Profile == "" {
		v.bad("profile", whyProfileMissing(profileNames(), NoProfile))
	}
	if p, known := ProfileByName(c.Profile); known && p.NoHiding && with.AllHide {
		v.bad("profile", whyAllHide(c.Profile))
	}
	if c.Mode == Predictive && with.NoMessage && c.NeedsMessage() {
		v.bad("mode", whyNoMessage(c.profileName()))
	}
	if c.Machines.Action == LeaveMessage && with.NoMachine {
		v.bad("machines.action", whyNoMachineMessage)
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
	v.pacing(c)
	v.machines(c)
	if c.CallerID != "" {
		if n, err := NormalizeNumber(c.CallerID, ""); err != nil || n != c.CallerID {
			v.bad("caller_id", whyE164)
		}
	}
	if len(c.CallerIDs) > maxCallerIDs {
		v.bad("caller_ids", field.MaxItems(maxCallerIDs))
	}
	for i, own := range c.CallerIDs {
		place := fmt.Sprintf("caller_ids[%d]", i)
		if n, err := NormalizeNumber(own, ""); err != nil || n != own {
			v.bad(place, whyE164)
		} else if slices.Contains(c.CallerIDs[:i], own) {
			v.bad(place, field.Unique)
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
		where := "retry." + string(outcome)
		if !slices.Contains(Outcomes, outcome) || outcome == Answered {
			v.bad(where, field.OneOf(list(Outcomes[1:])))
		}
		v.lasts(where+".after", rule.After, 0, 31*day)
		v.between(where+".max", rule.Max, 0, 100)
		v.growth(where+".growth", rule.Growth)
		v.lasts(where+".longest", rule.Longest, 0, 31*day)
	}
	v.next(c)
	v.codes(c)
	if c.CardLink != "" {
		if err := checkTemplate(c.CardLink, cardFields, true); err != nil {
			v.bad("card_link", reason.OrUnspecific(err))
		}
	}
	if c.CardLinkUnknown != "" {
		if err := checkTemplate(c.CardLinkUnknown, unknownFields, false); err != nil {
			v.bad("card_link_unknown", reason.OrUnspecific(err))
		}
	}
	if err := checkScript(c.Script); err != nil {
		v.bad("script", reason.OrUnspecific(err))
	}
	if c.RecordingLink != "" {
		if err := checkTemplate(c.RecordingLink, []string{"calltraceid"}, false); err != nil {
			v.bad("recording_link", reason.OrUnspecific(err))
		} else if !strings.Contains(c.RecordingLink, "{calltraceid}") {
			v.bad("recording_link", whyNoTrace)
		}
	}
	if len(v.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(v.errors, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return v.errors
}

type validation struct{ errors ValidationError }

func (v *validation) bad(field string, why reason.Reason) {
	v.errors = append(v.errors, FieldError{field, why})
}

func (v *validation) text(where, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least || n > most:
		v.bad(where, field.Length(least, most))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		v.bad(where, field.NoControl)
	case strings.TrimSpace(s) != s:
		v.bad(where, field.NoBlanks)
	}
}

func (v *validation) oneOf(where, s string, allowed ...string) {
	if !slices.Contains(allowed, s) {
		v.bad(where, field.OneOf(allowed))
	}
}

func (v *validation) between(where string, n, least, most int) {
	if n < least || n > most {
		v.bad(where, field.Between(least, most))
	}
}

func (v *validation) lasts(where string, d, least, most time.Duration) {
	if d < least || d > most {
		v.bad(where, field.Lasts(least, most))
	}
}

func (v *validation) schedule(c *Campaign) {
	loc, err := campaignZone(c)
	if err != nil {
		v.bad("time_zone", field.Zone)
		loc = time.UTC
	}
	if c.Region != "" && !knownRegion(c.Region) {
		v.bad("region", field.Region)
	}
	if len(c.Windows) > 50 {
		v.bad("windows", field.MaxItems(50))
	}
	for i, w := range c.Windows {
		where := fmt.Sprintf("windows[%d]", i)
		o, err := w.parse(loc)
		if err != nil {
			v.bad(where, reason.OrUnspecific(err))
		} else if o.next(time.Date(2026, 1, 1, 0, 0, 0, 0, loc)).IsZero() {
			v.bad(where, whyCronNever)
		}
	}
	v.exceptions(c, loc)
	v.dates("holidays", c.Holidays)
	v.dates("working_days", c.WorkingDays)
	if c.HolidayCalendar != "" {
		v.oneOf("holiday_calendar", c.HolidayCalendar, append(HolidayCalendars(), NoCalendar)...)
	}
}

func (v *validation) dates(where string, list []string) {
	if len(list) > 1000 {
		v.bad(where, field.MaxItems(1000))
	}
	for i, date := range list {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			v.bad(fmt.Sprintf("%s[%d]", where, i), field.Date)
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
		v.bad("limits.per_period", field.With("per_period", "period"))
	}
	v.lasts("limits.minimum_gap", l.MinimumGap, 0, 31*day)
	if l.AutoDialing != 0 {
		v.lasts("limits.auto_dialing", l.AutoDialing, max(c.Ring, time.Second), day)
	}
	if c.Ring < p.MinimumRing {
		v.bad("ring", whyMinimumRing(p.Name, p.MinimumRing))
	}
}

func (v *validation) codes(c *Campaign) {
	if len(c.CallCodes) > 200 {
		v.bad("call_codes", field.MaxItems(200))
	}
	seen := make(map[string]bool, len(c.CallCodes))
	for i, code := range c.CallCodes {
		where := fmt.Sprintf("call_codes[%d]", i)
		if !allDigits(code.ID) || len(code.ID) > 9 {
			v.bad(where+".id", whyCodeID)
		} else if seen[code.ID] {
			v.bad(where+".id", whyCodeTwice(code.ID))
		}
		seen[code.ID] = true
		v.text(where+".name", code.Name, 1, 100)
		v.oneOf(where+".action", string(code.Action), string(Finish), string(RetryAfter), string(CallbackAt), string(DoNotCall))
		v.lasts(where+".after", code.After, 0, 366*day)
		if code.Action == RetryAfter && code.After == 0 {
			v.bad(where+".after", field.With("after", string(RetryAfter)))
		}
		v.growth(where+".growth", code.Growth)
		v.between(where+".max", code.Max, 0, 100)
		if code.Bars != "" {
			v.oneOf(where+".bars", string(code.Bars), string(BarNumber), string(BarPerson))
		}
		if code.AnsweredBy != "" {
			v.oneOf(where+".answered_by", string(code.AnsweredBy), string(ByPerson), string(ByMachine))
		}
		v.text(where+".action_flag", code.ActionFlag, 0, 20)
	}
	if c.DefaultCode != "" && !seen[c.DefaultCode] {
		v.bad("default_code", whyNoSuchCode)
	}
}

func list(outcomes []Outcome) []string {
	names := make([]string, len(outcomes))
	for i, o := range outcomes {
		names[i] = string(o)
	}
	return names
}
