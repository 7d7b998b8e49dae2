package api

import (
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// CampaignSettings is what a supervisor decides of a campaign. Fields that are left out get a default.
type CampaignSettings struct {
	Name     string         `json:"name" required:"false" doc:"Unique, 1 to 100 characters" example:"Winter"`
	Queue    string         `json:"queue" required:"false" doc:"The line's name as agents see it; the name when left out"`
	Mode     campaigns.Mode `json:"mode" required:"false" enum:"manual,preview,progressive,predictive" doc:"How calls begin; progressive when left out"`
	Priority int            `json:"priority" required:"false" doc:"-100 to 100; of campaigns that share agents the higher one comes first"`
	Weight   int            `json:"weight" required:"false" doc:"1 to 100; campaigns of one priority share the agents that they contend for in this proportion; 1 when left out" example:"3"`

	TimeZone          string              `json:"time_zone" required:"false" doc:"IANA name; of the region when left out, if it has only one. Needed to start" example:"Europe/Kyiv"`
	Region            string              `json:"region" required:"false" doc:"ISO 3166 code by which national numbers are read. Needed to start" example:"UA"`
	Windows           []CampaignWindow    `json:"windows" required:"false" nullable:"false" doc:"When calls may be made; none: whenever the profile allows"`
	Exceptions        []CampaignException `json:"exceptions" required:"false" nullable:"false" doc:"Dates with other hours than the windows': openings beside them, never outside the profile's law, and closings; at most 400"`
	Holidays          []string            `json:"holidays" required:"false" nullable:"false" doc:"Dates without calls, besides the calendars'" example:"[\"2026-12-25\"]"`
	HolidayCalendar   string              `json:"holiday_calendar" required:"false" enum:",DE,GB,KZ,PL,UA,US,none" doc:"Country whose holidays are kept besides the profile's; none: no calendar is, the profile's neither (an admin's to set)"`
	ConsentLiftsTimes bool                `json:"consent_lifts_times" required:"false" doc:"A person's recorded wish lifts the profile's hours, weekends and holidays where the profile lets nobody lift them (an admin's to set, with counsel's word)"`
	WorkingDays       []string            `json:"working_days" required:"false" nullable:"false" doc:"Dates of the calendars that are no holidays (an admin's to add)" example:"[\"2026-05-01\"]"`
	Profile           string              `json:"profile" required:"false" doc:"Legal rules: one of GET /api/v1/profiles; of the region when left out, if we know its law. Needed to start: none must be said" example:"ua-1349-IX"`
	Limits            CampaignLimits      `json:"limits" required:"false" doc:"On top of the profile's; the stricter one holds"`

	Machines CampaignMachines `json:"machines" required:"false" doc:"What becomes of answering machines"`

	Pacing CampaignPacing `json:"pacing" required:"false" doc:"How far a predictive campaign's calls run ahead of its agents"`

	Preview Duration `json:"preview" required:"false" doc:"How long a preview campaign shows a contact to an agent, who may call or skip it: 10s to 1h; 2m when 0s"`

	CallerID    string   `json:"caller_id" required:"false" doc:"The number shown to the customer, E.164; empty: the network's default"`
	CallerIDs   []string `json:"caller_ids" required:"false" nullable:"false" doc:"Own numbers, E.164, at most 200, of which each customer is shown one in the place of caller_id: the nearest by country and area code, among equals always the same one" example:"[\"+380441234567\", \"+380322345678\"]"`
	AgentRing   Duration `json:"agent_ring" required:"false" doc:"How long an agent's phone rings: 5s to 1m"`
	Ring        Duration `json:"ring" required:"false" doc:"How long a customer's phone rings: 15s to 2m"`
	MaxDuration Duration `json:"max_duration" required:"false" doc:"Longest talk, 10s to 3h55m; 0s: no limit"`
	WrapUp      Duration `json:"wrap_up" required:"false" doc:"Time for a call code after the call: 1s to 1h"`

	MaxAttempts int                  `json:"max_attempts" required:"false" doc:"Dialed attempts a contact: 1 to 100"`
	Retry       map[string]RetryRule `json:"retry" required:"false" doc:"What follows an outcome without talk, by outcome"`
	CallCodes   []CallCode           `json:"call_codes" required:"false" nullable:"false" doc:"What agents may say of a call"`
	DefaultCode string               `json:"default_code" required:"false" doc:"Id of the code applied when wrap-up ends without one; empty: the contact is finished"`

	Order      CampaignOrder     `json:"order" required:"false" doc:"Of the contacts of one priority whom nobody has tried yet; promised callbacks come before them, and so do those tried before"`
	Callbacks  CampaignCallbacks `json:"callbacks" required:"false" doc:"How promised callbacks are kept"`
	Sticky     CampaignSticky    `json:"sticky" required:"false" doc:"Whether the agent who talked last with a contact calls again"`
	SkillField string            `json:"skill_field" required:"false" doc:"Field of the payload that names the skill which an agent needs for the contact; empty: none is needed" example:"language"`
	Quota      int               `json:"quota" required:"false" doc:"Calls at once, at most, over all nodes; 0: no limit"`
	PhoneOrder []string          `json:"phone_order" required:"false" nullable:"false" doc:"Labels of phones, those to be tried first; the others follow as the list has them" example:"[\"mobile\"]"`
	PhoneTries int               `json:"phone_tries" required:"false" doc:"Dialed attempts at one phone of a contact, at most; 0: no limit"`

	CardLink      string `json:"card_link" required:"false" doc:"Template of the page pushed with the call" example:"https://crm.example.com/card/{crm_id}?call={calltraceid}"`
	CardUnknown   string `json:"card_link_unknown" required:"false" doc:"The same for a call without a contact: {number}, {calltraceid}, {attempt_id}, {campaign_id}, {queue}, {agent}; empty: no page" example:"https://crm.example.com/search?phone={number}"`
	RecordingLink string `json:"recording_link" required:"false" doc:"Template of the recording's address, {calltraceid} inside"`
	Script        string `json:"script" required:"false" doc:"What the agent says, shown on the desk with {name}, {crm_id}, {number}, {queue}, {agent} and {payload.KEY} filled in; at most 20000 bytes" example:"Good day, {name}. I am calling about contract {payload.contract}."`
}

// Campaign is whom to call and when.
type Campaign struct {
	ID int64 `json:"id"`
	CampaignSettings
	Status    campaigns.Status `json:"status" enum:"draft,running,paused,stopped,finished"`
	CreatedAt time.Time        `json:"created_at"`
	UpdatedAt time.Time        `json:"updated_at"`
}

// CampaignOrder is the order of contacts whom nobody has tried yet.
type CampaignOrder struct {
	By         campaigns.OrderBy `json:"by" required:"false" enum:",oldest,newest,random,alternating,field,score" doc:"oldest when left out. alternating: the oldest and the newest in turn. field: by a field of the payload, the lowest first. score: by a number in the payload, the highest first"`
	Field      string            `json:"field" required:"false" doc:"Of the payload, for field and score" example:"balance"`
	Descending bool              `json:"descending" required:"false" doc:"Turns field and score around"`
}

// CampaignCallbacks say how promised callbacks are kept.
type CampaignCallbacks struct {
	Tries    int      `json:"tries" required:"false" doc:"Attempts to keep one promise, whatever max_attempts says; 3 when 0"`
	Again    Duration `json:"again" required:"false" doc:"From one of them to the next; 10m when 0s"`
	Window   Duration `json:"window" required:"false" doc:"How long they go on, from the agreed moment or the first try; 2h when 0s"`
	Fallback Duration `json:"fallback" required:"false" doc:"How long after the agreed moment only the agent who promised may call, then anyone; 10m when 0s"`
}

// CampaignSticky lets the agent who talked last with a contact have the next call too.
type CampaignSticky struct {
	Mode campaigns.StickyMode `json:"mode" required:"false" enum:",prefer,require" doc:"prefer: that agent if free, else anyone. require: that agent alone, for as long as for says after the contact is due"`
	For  Duration             `json:"for" required:"false" doc:"Of require: 1m to 168h"`
}

// CampaignWindow opens at each tick of a cron expression and stays open for a while.
type CampaignWindow struct {
	Cron     string   `json:"cron" doc:"Five fields, in the campaign's time zone" example:"0 9 * * 1-5"`
	Duration Duration `json:"duration" doc:"1m to 168h" example:"11h"`
}

// CampaignException is one date on which a campaign is open beside its windows, or closed.
type CampaignException struct {
	Date   string `json:"date" format:"date" doc:"In the campaign's time zone" example:"2026-12-05"`
	From   string `json:"from" required:"false" doc:"By the clock on the wall there; of a closing, when left out: from the day's beginning" example:"10:00"`
	To     string `json:"to" required:"false" doc:"Up to 24:00; of a closing, when left out: until the day's end" example:"14:00"`
	Closed bool   `json:"closed" required:"false" doc:"Nobody is called then; else the campaign is open beside its windows"`
	Note   string `json:"note" required:"false" maxLength:"200" doc:"Why; explanations repeat it" example:"Saturday once"`
}

// CampaignLimits bound how often one person is called. Zero means no limit of this kind.
type CampaignLimits struct {
	PerDay           int      `json:"per_day" required:"false" doc:"Dialed attempts a day of the person, in all campaigns"`
	PerPeriod        int      `json:"per_period" required:"false" doc:"Dialed attempts within period"`
	Period           Duration `json:"period" required:"false" doc:"Rolling, up to 744h"`
	MinimumGap       Duration `json:"minimum_gap" required:"false" doc:"Between the end of one attempt and the next"`
	AutoDialing      Duration `json:"auto_dialing" required:"false" doc:"Automatic dialing a day of the person"`
	MeaningfulPerDay int      `json:"meaningful_per_day" required:"false" doc:"Calls with a meaningful code a day of the person"`
	TalkIsDialing    bool     `json:"talk_is_dialing" required:"false" doc:"auto_dialing counts the talk too"`
	TalkIsMeaningful bool     `json:"talk_is_meaningful" required:"false" doc:"Every talk is a meaningful contact, whatever its code"`
}

// CampaignPacing is how far a predictive campaign's calls run ahead of its agents. Zero fields take their defaults.
type CampaignPacing struct {
	Ratio        float64  `json:"ratio" required:"false" doc:"Lines for each free agent, always: 1 to 3; 0: as many as the cap on abandoned calls allows"`
	MaxLines     float64  `json:"max_lines" required:"false" doc:"Calls that ring or wait for each agent who is not away, at most: 1 to 10; 3 when left out"`
	AbandonedCap float64  `json:"abandoned_cap" required:"false" doc:"Abandoned calls over answered ones, at most; the profile's when left out, or 0.03" example:"0.02"`
	Patience     Duration `json:"patience" required:"false" doc:"How long an answered customer waits for an agent: 500ms to 2s, with profile none to 1m; 2s when left out"`
}

// CampaignMachines says what becomes of answering machines.
type CampaignMachines struct {
	Action     campaigns.MachineAction `json:"action" required:"false" enum:",hang_up,message,connect" doc:"Of a call that a machine has answered: hang up, leave the recorded message after the beep, or connect it as any other; nobody listens for machines when left out"`
	AgentFirst bool                    `json:"agent_first" required:"false" doc:"Also in calls whose agent is there first: the agent is freed when a machine is heard"`
}

// RetryRule says what follows an outcome.
type RetryRule struct {
	After Duration `json:"after" doc:"When the contact is due again: up to 744h" example:"1h"`
	Max   int      `json:"max" required:"false" doc:"Attempts with this outcome before the contact is finished; 0: only max_attempts counts"`

	Growth     float64  `json:"growth" required:"false" doc:"Multiplies after with each further attempt of this outcome: 1 to 100; 0: it stays" example:"2"`
	Longest    Duration `json:"longest" required:"false" doc:"Up to which after grows; 744h when 0s"`
	OtherPhone bool     `json:"other_phone" required:"false" doc:"The contact's next phone is tried first"`
}

// CallCode is what an agent says about a call, with its consequence.
type CallCode struct {
	ID         string           `json:"id" doc:"1 to 9 digits, unique in the campaign" example:"4"`
	Name       string           `json:"name" example:"Promise to pay"`
	Action     campaigns.Action `json:"action" enum:"finish,retry_after,callback_at,do_not_call"`
	After      Duration         `json:"after" required:"false" doc:"For retry_after, and for callback_at without an agreed time (24h when left out or 0)"`
	Growth     float64          `json:"growth" required:"false" doc:"Of retry_after: multiplies after with each further call with this code: 1 to 100; 0: it stays"`
	Max        int              `json:"max" required:"false" doc:"Of retry_after: calls with this code before the contact is finished; 0: only max_attempts counts"`
	OtherPhone bool             `json:"other_phone" required:"false" doc:"Of retry_after: the contact's next phone is tried first"`
	Meaningful bool             `json:"meaningful" required:"false" doc:"Debt information was conveyed: what the law counts"`
	Bars       campaigns.Bars   `json:"bars" required:"false" enum:",number,person" doc:"Whom do_not_call bars: the number alone, or the person on all numbers in all campaigns with the dialed number; the person when left out"`
	Withdraws  bool             `json:"withdraws" required:"false" doc:"The person takes back what was permitted: all consents end"`
	ActionFlag string           `json:"action_flag" required:"false" doc:"Relayed to a Mediatel front end, never read"`

	AnsweredBy campaigns.Answerer `json:"answered_by" required:"false" enum:",person,machine" doc:"Who answered, in the agent's words: it corrects what was heard in the account of abandoned calls"`
}

// settingsOf shows a campaign's settings.
func settingsOf(c *campaigns.Campaign) CampaignSettings {
	s := CampaignSettings{
		Name: c.Name, Queue: c.Queue, Mode: c.Mode, Priority: c.Priority, Weight: c.Weight, TimeZone: c.TimeZone, Region: c.Region,
		Windows: []CampaignWindow{}, Exceptions: []CampaignException{}, Holidays: append([]string{}, c.Holidays...),
		HolidayCalendar: c.HolidayCalendar, ConsentLiftsTimes: c.ConsentLiftsTimes,
		WorkingDays: append([]string{}, c.WorkingDays...), Profile: c.Profile,
		CallerID:  c.CallerID,
		AgentRing: Duration(c.AgentRing), Ring: Duration(c.Ring), MaxDuration: Duration(c.MaxDuration), WrapUp: Duration(c.WrapUp),
		MaxAttempts: c.MaxAttempts, Retry: map[string]RetryRule{}, CallCodes: []CallCode{}, DefaultCode: c.DefaultCode,
		Pacing:   CampaignPacing{c.Pacing.Ratio, c.Pacing.MaxLines, c.Pacing.AbandonedCap, Duration(c.Pacing.Patience)},
		Machines: CampaignMachines{c.Machines.Action, c.Machines.AgentFirst},
		CardLink: c.CardLink, CardUnknown: c.CardLinkUnknown, RecordingLink: c.RecordingLink, Script: c.Script,
		Limits: CampaignLimits{
			PerDay: c.Limits.PerDay, PerPeriod: c.Limits.PerPeriod, Period: Duration(c.Limits.Period),
			MinimumGap:  Duration(c.Limits.MinimumGap),
			AutoDialing: Duration(c.Limits.AutoDialing), MeaningfulPerDay: c.Limits.MeaningfulPerDay,
			TalkIsDialing: c.Limits.TalkIsDialing, TalkIsMeaningful: c.Limits.TalkIsMeaningful,
		},
	}
	s.Order = CampaignOrder{c.Order.By, c.Order.Field, c.Order.Descending}
	s.Callbacks = CampaignCallbacks{c.Callbacks.Tries, Duration(c.Callbacks.Again), Duration(c.Callbacks.Window),
		Duration(c.Callbacks.Fallback)}
	s.Sticky = CampaignSticky{c.Sticky.Mode, Duration(c.Sticky.For)}
	s.Preview = Duration(c.Preview)
	s.SkillField, s.Quota, s.PhoneTries = c.SkillField, c.Quota, c.PhoneTries
	s.PhoneOrder = append([]string{}, c.PhoneOrder...)
	s.CallerIDs = append([]string{}, c.CallerIDs...)
	for _, w := range c.Windows {
		s.Windows = append(s.Windows, CampaignWindow{w.Cron, Duration(w.Duration)})
	}
	for _, e := range c.Exceptions {
		s.Exceptions = append(s.Exceptions, CampaignException(e))
	}
	for outcome, r := range c.Retry {
		s.Retry[string(outcome)] = RetryRule{Duration(r.After), r.Max, r.Growth, Duration(r.Longest), r.OtherPhone}
	}
	for _, k := range c.CallCodes {
		s.CallCodes = append(s.CallCodes, CallCode{k.ID, k.Name, k.Action, Duration(k.After), k.Growth, k.Max, k.OtherPhone,
			k.Meaningful, k.Bars, k.Withdraws, k.ActionFlag, k.AnsweredBy})
	}
	return s
}

// Apply puts the settings into a campaign, which keeps its id, status and times.
func (s CampaignSettings) Apply(c campaigns.Campaign) campaigns.Campaign {
	c.Name, c.Queue, c.Mode, c.Priority, c.Weight, c.TimeZone, c.Region = s.Name, s.Queue, s.Mode, s.Priority, s.Weight, s.TimeZone,
		s.Region
	c.ConsentLiftsTimes = s.ConsentLiftsTimes
	if c.CallerIDs = nil; len(s.CallerIDs) > 0 {
		c.CallerIDs = s.CallerIDs
	}
	c.Holidays, c.HolidayCalendar, c.WorkingDays, c.Profile, c.CallerID = s.Holidays, s.HolidayCalendar, s.WorkingDays, s.Profile,
		s.CallerID
	c.AgentRing, c.Ring = time.Duration(s.AgentRing), time.Duration(s.Ring)
	c.MaxDuration, c.WrapUp = time.Duration(s.MaxDuration), time.Duration(s.WrapUp)
	c.MaxAttempts, c.DefaultCode = s.MaxAttempts, s.DefaultCode
	c.CardLink, c.CardLinkUnknown, c.RecordingLink, c.Script = s.CardLink, s.CardUnknown, s.RecordingLink, s.Script
	c.Limits = campaigns.Limits{
		PerDay: s.Limits.PerDay, PerPeriod: s.Limits.PerPeriod, Period: time.Duration(s.Limits.Period),
		MinimumGap:  time.Duration(s.Limits.MinimumGap),
		AutoDialing: time.Duration(s.Limits.AutoDialing), MeaningfulPerDay: s.Limits.MeaningfulPerDay,
		TalkIsDialing: s.Limits.TalkIsDialing, TalkIsMeaningful: s.Limits.TalkIsMeaningful,
	}
	c.Order = campaigns.Order{By: s.Order.By, Field: s.Order.Field, Descending: s.Order.Descending}
	c.Callbacks = campaigns.CallbackRules{Tries: s.Callbacks.Tries, Again: time.Duration(s.Callbacks.Again),
		Window:   time.Duration(s.Callbacks.Window),
		Fallback: time.Duration(s.Callbacks.Fallback)}
	c.Sticky = campaigns.Sticky{Mode: s.Sticky.Mode, For: time.Duration(s.Sticky.For)}
	c.Preview = time.Duration(s.Preview)
	c.SkillField, c.Quota, c.PhoneTries, c.PhoneOrder = s.SkillField, s.Quota, s.PhoneTries, s.PhoneOrder
	c.Pacing = campaigns.Pacing{Ratio: s.Pacing.Ratio, MaxLines: s.Pacing.MaxLines, AbandonedCap: s.Pacing.AbandonedCap,
		Patience: time.Duration(s.Pacing.Patience)}
	c.Machines = campaigns.Machines{Action: s.Machines.Action, AgentFirst: s.Machines.AgentFirst}
	c.Windows, c.Exceptions, c.CallCodes, c.Retry = nil, nil, nil, nil
	for _, e := range s.Exceptions {
		c.Exceptions = append(c.Exceptions, campaigns.Exception(e))
	}
	for _, w := range s.Windows {
		c.Windows = append(c.Windows, campaigns.Window{Cron: w.Cron, Duration: time.Duration(w.Duration)})
	}
	for _, k := range s.CallCodes {
		c.CallCodes = append(c.CallCodes, campaigns.CallCode{ID: k.ID, Name: k.Name, Action: k.Action, After: time.Duration(k.After),
			Growth: k.Growth, Max: k.Max, OtherPhone: k.OtherPhone, Meaningful: k.Meaningful, Bars: k.Bars, Withdraws: k.Withdraws,
			ActionFlag: k.ActionFlag, AnsweredBy: k.AnsweredBy})
	}
	if s.Retry != nil {
		c.Retry = make(map[campaigns.Outcome]campaigns.RetryRule, len(s.Retry))
	}
	for outcome, r := range s.Retry {
		c.Retry[campaigns.Outcome(outcome)] = campaigns.RetryRule{After: time.Duration(r.After), Max: r.Max, Growth: r.Growth,
			Longest: time.Duration(r.Longest), OtherPhone: r.OtherPhone}
	}
	return c
}

func showCampaign(c *campaigns.Campaign) Campaign {
	return Campaign{ID: c.ID, CampaignSettings: settingsOf(c), Status: c.Status, CreatedAt: c.CreatedAt.UTC(),
		UpdatedAt: c.UpdatedAt.UTC()}
}

// CampaignStats are a campaign's counts at one moment.
type CampaignStats struct {
	Contacts    map[string]int `json:"contacts" doc:"By where they stand: waiting, calling, coding, finished"`
	Reasons     map[string]int `json:"reasons" doc:"Finished contacts, by reason"`
	Outcomes    map[string]int `json:"outcomes" doc:"Closed attempts, by outcome"`
	Codes       map[string]int `json:"codes" doc:"Closed attempts, by call code"`
	Open        int            `json:"open" doc:"Attempts prepared, dialing or up"`
	Dialed      int            `json:"dialed" doc:"Attempts at which the customer's phone rang"`
	TalkSeconds float64        `json:"talk_seconds"`
	NextDue     *time.Time     `json:"next_due" doc:"The earliest next call of a waiting contact; null: none waits"`
	WindowOpen  bool           `json:"window_open" doc:"Whether calls may be made now, by the campaign's windows and by its profile's hours in its time zone"`
	WindowUntil *time.Time     `json:"window_until" doc:"When that changes; null: it does not"`
	OwnWindow   bool           `json:"campaign_open" doc:"Whether a window of the campaign is open"`
	ProfileOpen bool           `json:"profile_open" doc:"Whether the profile's hours, weekends and holidays permit calls, in the campaign's time zone"`
}

func showStats(c *campaigns.Campaign, s campaigns.Stats, now time.Time) CampaignStats {
	v := CampaignStats{
		Contacts: map[string]int{}, Reasons: map[string]int{}, Outcomes: map[string]int{}, Codes: map[string]int{},
		Open: s.Open, Dialed: s.Dialed, TalkSeconds: s.Talk.Seconds(), NextDue: moment(s.NextDue),
	}
	for state, n := range s.Contacts {
		v.Contacts[string(state)] = n
	}
	for reason, n := range s.Reasons {
		v.Reasons[reason] = n
	}
	for outcome, n := range s.Outcomes {
		v.Outcomes[string(outcome)] = n
	}
	for code, n := range s.Codes {
		v.Codes[code] = n
	}
	o := campaigns.OpeningAt(c, now)
	v.WindowOpen, v.WindowUntil, v.OwnWindow, v.ProfileOpen = o.Open(), moment(o.Until), o.Campaign, o.Profile
	return v
}
