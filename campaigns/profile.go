package campaigns

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Profile is a named set of legal rules. Its numbers are defaults that a deployer must check with counsel; each refusal
// shows the source of its rule. What a profile demands cannot be relaxed by a campaign's [Limits], only tightened.
type Profile struct {
	Name    string
	Title   reason.Reason // whose rules they are
	Country string        // whose law it is

	From, To   time.Duration // calls are allowed from From until To after midnight, the person's time; both zero: any hour
	NoWeekends bool          // no calls on Saturday and Sunday
	NoHolidays bool          // the country's holidays, and those that the campaign lists, are law
	NoHiding   bool          // the caller's number must be shown: ways to customers that hide it are not taken

	MeaningfulPerDay int           // contacts a calendar day in which debt information was conveyed
	AutoDialing      time.Duration // automatic dialing a calendar day
	PerPeriod        int           // dialed attempts within Period
	Period           time.Duration
	ConversationRest time.Duration // no call after a conversation: whole days, that of the conversation being the first
	AbandonedRest    time.Duration // no call without a guaranteed agent to a number that was abandoned
	MinimumRing      time.Duration // a customer's phone rings at least so long

	AbandonedCap    float64       // abandoned calls over answered ones, at most; zero: no cap
	AbandonedPeriod time.Duration // over which AbandonedCap holds, a campaign
	Message         bool          // an abandoned customer hears who has called

	Retention time.Duration // for how long recordings and attempts are kept, and no longer; zero: it says nothing

	Lifts    []lift        // what a consent lifts; nothing else is lifted
	LiftsFor time.Duration // at most, after it was given; zero: as long as it says

	Sources map[string]reason.Reason // rule → what it rests on
	Duties  []reason.Reason          // what the profile demands of people and configuration, where the dialer cannot see to it
}

const (
	day  = 24 * time.Hour
	week = 7 * day

	threeYears = 3*365*day + day // one of them may be a leap year
)

var (
	whyUkraine     = reason.Plain("profile.ua_1349_ix")
	whyOfcom       = reason.Plain("profile.uk_ofcom")
	whyRegulationF = reason.Plain("profile.us_reg_f")
	whyNoRules     = reason.Plain("profile.none")
)

// citeUkraineHours is what two rules rest on.
var citeUkraineHours = cite("profile.source_ua_hours")

// defaultProfiles names the profile of a country's campaigns that do not choose one.
var defaultProfiles = map[string]string{"UA": "ua-1349-IX", "GB": "uk-ofcom", "US": "us-reg-f"}

// NoProfile is the profile without legal rules: the campaign's own settings and the do-not-call list remain.
const NoProfile = "none"

// Profiles lists the profiles that a campaign may name.
var Profiles = []Profile{
	{
		Name:             "ua-1349-IX",
		Title:            whyUkraine,
		Country:          "UA",
		From:             9 * time.Hour,
		To:               20 * time.Hour,
		NoWeekends:       true,
		NoHolidays:       true,
		NoHiding:         true,
		MeaningfulPerDay: 2,
		AutoDialing:      30 * time.Minute,
		Retention:        threeYears,
		Lifts:            []lift{{ruleMeaningful, []ConsentKind{CallMeAt}}},
		Sources: map[string]reason.Reason{
			ruleHours:      citeUkraineHours,
			ruleWeekend:    citeUkraineHours,
			ruleHoliday:    cite("profile.source_ua_holidays"),
			ruleMeaningful: cite("profile.source_ua_meaningful"),
			ruleAutomatic:  cite("profile.source_ua_automatic"),
		},
		Duties: []reason.Reason{
			reason.Plain("profile.duty_ua_number"),
			reason.Plain("profile.duty_ua_recording"),
			reason.Plain("profile.duty_ua_first_contact"),
			reason.Plain("profile.duty_ua_protected"),
			reason.Plain("profile.duty_ua_holidays"),
			reason.Plain("profile.duty_ua_ringing"),
			reason.Plain("profile.duty_ua_codes"),
		},
	},
	{
		Name:            "uk-ofcom",
		Title:           whyOfcom,
		Country:         "GB",
		AbandonedRest:   72 * time.Hour,
		MinimumRing:     15 * time.Second,
		AbandonedCap:    0.03,
		AbandonedPeriod: day,
		Message:         true,
		Sources: map[string]reason.Reason{
			ruleAbandoned: cite("profile.source_uk_abandoned"),
		},
		Duties: []reason.Reason{
			reason.Plain("profile.duty_uk_message"),
			reason.Plain("profile.duty_uk_share"),
		},
	},
	{
		Name:             "us-reg-f",
		Title:            whyRegulationF,
		Country:          "US",
		From:             8 * time.Hour,
		To:               21 * time.Hour,
		PerPeriod:        7,
		Period:           week,
		ConversationRest: week,
		MinimumRing:      15 * time.Second,
		AbandonedCap:     0.03,
		AbandonedPeriod:  30 * day,
		Message:          true,
		LiftsFor:         week,
		Retention:        threeYears,
		Lifts: []lift{{rulePerPeriod, []ConsentKind{MayCall, CallMeAt}}, {ruleConversation, []ConsentKind{MayCall, CallMeAt}},
			{ruleHours, []ConsentKind{MayCallAt, CallMeAt}}},
		Sources: map[string]reason.Reason{
			ruleHours:        cite("profile.source_us_hours"),
			rulePerPeriod:    cite("profile.source_us_per_period"),
			ruleConversation: cite("profile.source_us_conversation"),
		},
		Duties: []reason.Reason{
			reason.Plain("profile.duty_us_recording"),
			reason.Plain("profile.duty_us_florida"),
			reason.Plain("profile.duty_us_debts"),
		},
	},
	{Name: NoProfile, Title: whyNoRules},
}

// ProfileByName finds a profile.
func ProfileByName(name string) (*Profile, bool) {
	for i := range Profiles {
		if Profiles[i].Name == name {
			return &Profiles[i], true
		}
	}
	return nil, false
}

func profileNames() []string {
	names := make([]string, len(Profiles))
	for i, p := range Profiles {
		names[i] = p.Name
	}
	return names
}

// local reports whether the profile has rules for the person's time of day or date.
func (p *Profile) local() bool { return p.To > 0 || p.NoWeekends || p.NoHolidays }

// Horizon is how far back past calls matter to [Decide], by the moment at which they were dialed. It is at least as long
// as the longest call, which may still be up.
func Horizon(c *Campaign) time.Duration {
	p, ok := ProfileByName(c.profileName())
	if !ok {
		return longestCall // nothing is permitted anyway
	}
	const longestDay = 25 * time.Hour // one on which clocks are put back; faults are always counted by the day
	h := max(longestCall, longestDay)
	l := c.Limits
	if l.PerPeriod > 0 {
		h = max(h, l.Period)
	}
	if p.PerPeriod > 0 {
		h = max(h, p.Period)
	}
	// These count from the end of a call, which lies up to the longest call after its dialing.
	for _, d := range []time.Duration{l.MinimumGap, p.ConversationRest, p.AbandonedRest} {
		if d > 0 {
			h = max(h, d+longestCall)
		}
	}
	return h
}

// profileName is the profile that applies: one that is not named is none.
func (c *Campaign) profileName() string {
	if c.Profile == "" {
		return NoProfile
	}
	return c.Profile
}
