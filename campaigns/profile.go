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

	Sources map[string]string // rule → what it rests on
	Duties  []string          // what the profile demands of people and configuration, where the dialer cannot see to it
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
		Sources: map[string]string{
			ruleHours:      "law on consumer lending, art. 25; National Bank as quoted by n-pravda.in.ua",
			ruleWeekend:    "law on consumer lending, art. 25; National Bank as quoted by n-pravda.in.ua",
			ruleHoliday:    "law on consumer lending, art. 25; code of labour laws, art. 73 and 67",
			ruleMeaningful: "law on consumer lending, art. 25; opendatabot.ua/en/analytics/collectors-registry",
			ruleAutomatic:  "law on consumer lending, art. 25; n-pravda.in.ua",
		},
		Duties: []string{
			"The caller's number must not be hidden (art. 25, unverified).",
			"Every direct interaction is recorded, the person is warned of it, the recording is kept 3 years (art. 25, unverified).",
			"At the first contact the creditor, the company, its phone and address, the agent's name or number are told " +
				"(auxilium.company/en/stattya25).",
			"Protected persons (military service and others) who notified, and representatives by written notice, go on the " +
				"do-not-call list (law 2459-IX; sbmiskrada.gov.ua/news/1690886619).",
			"Whether holidays apply under martial law is unclear, so they are kept; working_days takes dates off.",
			"Whether the 30 minutes mean ringing only is unclear: limits.talk_is_dialing counts the talk too.",
			"Call codes must say which contacts were meaningful; a talk without a code counts as one.",
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
		Sources: map[string]string{
			ruleAbandoned: "Ofcom, persistent misuse: a number abandoned rests 72 hours unless an agent is guaranteed",
		},
		Duties: []string{
			"The message for abandoned calls (telephony.sip.abandoned) says who called, and how to be called no more.",
			"The policy of 2017 no longer calls 3 % abandoned a safe line: lower is better.",
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
		Sources: map[string]string{
			ruleHours:        "Regulation F, 12 CFR 1006.6(b)(1)",
			rulePerPeriod:    "Regulation F, 12 CFR 1006.14(b)(2)(i)(A)",
			ruleConversation: "Regulation F, 12 CFR 1006.14(b)(2)(i)(B)",
		},
		Duties: []string{
			"Recordings, where made, are kept 3 years.",
			"Florida allows 3 calls in 24 hours: set limits.per_period 3 and limits.period 24h for its numbers.",
			"The rule counts a debt, the dialer counts a person: stricter where a person has several debts.",
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
