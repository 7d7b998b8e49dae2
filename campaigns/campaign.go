package campaigns

import (
	"encoding/json"
	"time"
)

// Mode says how a campaign's calls begin.
type Mode string

const (
	Manual      Mode = "manual"      // agents place the calls themselves; the campaign needs no contacts
	Preview     Mode = "preview"     // the agent sees the card first and starts the call
	Progressive Mode = "progressive" // one call for each free agent, the agent's phone first
	Predictive  Mode = "predictive"  // more calls than free agents, the customer's phone first
)

// Status is where a campaign stands.
type Status string

const (
	Draft    Status = "draft"    // never started
	Running  Status = "running"  // calls are made whenever a window is open
	Paused   Status = "paused"   // no new calls; Start continues
	Stopped  Status = "stopped"  // ended by a supervisor
	Finished Status = "finished" // no contact is left to call; new contacts set it running again by Start
)

// Campaign is whom to call and when. All durations have millisecond precision.
type Campaign struct {
	ID       int64  `json:"ID"`
	Name     string `json:"Name"`  // unique, 1 to 100 characters
	Queue    string `json:"Queue"` // the line's name as agents see it; unique; the name when empty
	Mode     Mode   `json:"Mode"`
	Status   Status `json:"Status"`
	Priority int    `json:"Priority"` // -100 to 100; between campaigns that share agents the higher one comes first
	// 1 to 100; campaigns of one priority share the agents that they contend for in this proportion
	Weight int `json:"Weight"`

	TimeZone string   `json:"TimeZone"` // IANA name; for contacts without one of their own, and for the windows
	Region   string   `json:"Region"`   // ISO 3166 code by which national numbers in lists are read, such as "UA"
	Windows  []Window `json:"Windows"`  // when calls may be made; none: whenever the profile allows
	// dates on which it is open beside its windows, or closed
	Exceptions []Exception `json:"Exceptions,omitempty"`
	Holidays   []string    `json:"Holidays"` // dates without calls, "2006-01-02" in the contact's zone, besides the calendar's
	// HolidayCalendar is the country whose holidays are kept besides the profile's, such as "PL"; [NoCalendar]: none are, not the
	// profile's either. WorkingDays are dates of the calendars that are no holidays.
	HolidayCalendar string   `json:"HolidayCalendar,omitempty"`
	WorkingDays     []string `json:"WorkingDays,omitempty"`
	// ConsentLiftsTimes lets a person's recorded wish lift the hours, weekends and holidays of a profile that lets nobody lift them:
	// an admin's to set, with counsel's word.
	ConsentLiftsTimes bool   `json:"ConsentLiftsTimes,omitempty"`
	Profile           string `json:"Profile"` // a named set of legal rules: [Profiles]
	Limits            Limits `json:"Limits"`  // limits on top of the profile's; the stricter one holds

	Pacing   Pacing   `json:"Pacing,omitzero"`   // of a predictive campaign
	Machines Machines `json:"Machines,omitzero"` // what becomes of answering machines
	// of a preview campaign: how long a contact is shown to an agent, 10 s to 1 h; zero: 2 min
	Preview time.Duration `json:"Preview,omitempty"`

	CallerID    string        `json:"CallerID"`            // the number shown to the customer, E.164
	CallerIDs   []string      `json:"CallerIDs,omitempty"` // own numbers to choose from instead, E.164: [Campaign.CallerIDFor]
	AgentRing   time.Duration `json:"AgentRing"`           // how long an agent's phone rings: 5 s to 60 s
	Ring        time.Duration `json:"Ring"`                // how long a customer's phone rings: 15 s to 120 s
	MaxDuration time.Duration `json:"MaxDuration"`         // longest talk; zero: no limit
	WrapUp      time.Duration `json:"WrapUp"`              // time to set a call code after the call: 1 s to 1 h

	MaxAttempts int                   `json:"MaxAttempts"` // dialed attempts a contact; 1 to 100
	Retry       map[Outcome]RetryRule `json:"Retry"`       // what follows an outcome without talk
	CallCodes   []CallCode            `json:"CallCodes"`   // what agents may say of a call
	DefaultCode string                `json:"DefaultCode"` // CallCode.ID applied when wrap-up ends without one; empty: finish

	Order     Order         `json:"Order,omitzero"`     // of those whom nobody has tried yet
	Callbacks CallbackRules `json:"Callbacks,omitzero"` // how promises are kept
	Sticky    Sticky        `json:"Sticky,omitzero"`    // whether the agent who talked last calls again
	// field of the payload that names the skill which an agent needs for the contact
	SkillField string `json:"SkillField,omitempty"`
	Quota      int    `json:"Quota,omitempty"` // calls at once, at most; zero: no limit
	// labels of phones, those to be tried first; others follow in the list's order
	PhoneOrder []string `json:"PhoneOrder,omitempty"`
	PhoneTries int      `json:"PhoneTries,omitempty"` // dialed attempts at one phone of a contact, at most; zero: no limit

	CardLink        string `json:"CardLink"`                  // template of the CRM page pushed with the call: [CardLinkFor]
	CardLinkUnknown string `json:"CardLinkUnknown,omitempty"` // the same for calls without a contact; empty: they have no card
	RecordingLink   string `json:"RecordingLink"`             // template, {calltraceid} inside: [RecordingLinkFor]
	Script          string `json:"Script,omitempty"`          // what the agent says, with placeholders: [ScriptFor]

	CreatedAt time.Time `json:"CreatedAt"`
	UpdatedAt time.Time `json:"UpdatedAt"`
}

// Limits bound how often one person is called. Zero means no limit of this kind.
type Limits struct {
	PerDay     int           `json:"per_day,omitempty"`     // dialed attempts a calendar day of the person
	PerPeriod  int           `json:"per_period,omitempty"`  // dialed attempts within Period
	Period     time.Duration `json:"period,omitempty"`      // rolling, up to 31 days
	MinimumGap time.Duration `json:"minimum_gap,omitempty"` // between the end of one attempt and the next

	AutoDialing      time.Duration `json:"auto_dialing,omitempty"`       // automatic dialing a calendar day of the person
	MeaningfulPerDay int           `json:"meaningful_per_day,omitempty"` // calls with a meaningful code a calendar day

	// Points on which the laws are read differently, for counsel to settle. Both make the rules stricter.
	// AutoDialing counts the talk too, not only INVITE to answer or cancel
	TalkIsDialing    bool `json:"talk_is_dialing,omitempty"`
	TalkIsMeaningful bool `json:"talk_is_meaningful,omitempty"` // every talk is a meaningful contact, whatever its code
}

// Outcome is what the phone network said of an attempt.
type Outcome string

const (
	Answered      Outcome = "answered"        // both sides talked, or the customer answered and left before an agent was due
	Busy          Outcome = "busy"            // 486, 600
	NoAnswer      Outcome = "no_answer"       // rang out, 480, 408, 487
	Rejected      Outcome = "rejected"        // 603
	InvalidNumber Outcome = "invalid_number"  // 404, 484, 604
	Congestion    Outcome = "congestion"      // 503 and other 5xx
	AgentNoAnswer Outcome = "agent_no_answer" // the agent's phone was not answered; the customer was not dialed
	AgentGaveUp   Outcome = "agent_gave_up"   // the agent hung up before the customer answered
	// an answering machine answered, and was taken away: hung up, or left a message
	AnsweringMachine Outcome = "answering_machine"
	// a person answered, and we ended the call, or the patience ran out, before an agent was connected
	Abandoned Outcome = "abandoned"
	Unknown   Outcome = "unknown" // nobody knows how it ended: its process was lost, or might not dial any more
)

// Outcomes lists every outcome, in the order reports show them.
var Outcomes = []Outcome{Answered, Busy, NoAnswer, Rejected, InvalidNumber, Congestion, AgentNoAnswer, AgentGaveUp,
	AnsweringMachine, Abandoned, Unknown}

// GaveUp reports whether we gave the customer's phone up while it was not answered: an answer may have come all the same.
func (o Outcome) GaveUp() bool { return o == NoAnswer || o == AgentGaveUp || o == Unknown }

// RetryRule says what follows an outcome.
type RetryRule struct {
	After time.Duration `json:"after"` // when the contact is due again
	// attempts with this outcome before the contact is finished; zero: only MaxAttempts counts
	Max int `json:"max,omitempty"`
	// Growth multiplies After with each further attempt of this outcome, up to Longest; zero or 1: it stays.
	Growth     float64       `json:"growth,omitempty"`
	Longest    time.Duration `json:"longest,omitempty"`     // zero: 31 days
	OtherPhone bool          `json:"other_phone,omitempty"` // the contact's next phone is tried first
}

// Action is what a call code does to the contact.
type Action string

const (
	Finish     Action = "finish"      // the contact is done
	RetryAfter Action = "retry_after" // due again after CallCode.After
	// due at the moment agreed with the customer, CallCode.After from now, or a day, when none is given
	CallbackAt Action = "callback_at"
	DoNotCall  Action = "do_not_call" // the person, or the number alone, is never called again, in any campaign
)

// Bars says whom the action [DoNotCall] bars.
type Bars string

// A number is barred for everybody. A person is on all numbers, in all campaigns and later lists, and the dialed number with the
// person.
const (
	BarNumber Bars = "number"
	BarPerson Bars = "person"
)

// CallCode is what the agent says about a call, with its consequence.
type CallCode struct {
	ID     string        `json:"id"` // decimal digits, unique in the campaign
	Name   string        `json:"name"`
	Action Action        `json:"action"`
	After  time.Duration `json:"after,omitempty"`
	// of RetryAfter: multiplies After with each further call with this code; zero or 1: it stays
	Growth float64 `json:"growth,omitempty"`
	// of RetryAfter: calls with this code before the contact is finished; zero: only MaxAttempts counts
	Max        int    `json:"max,omitempty"`
	OtherPhone bool   `json:"other_phone,omitempty"` // of RetryAfter: the contact's next phone is tried first
	Meaningful bool   `json:"meaningful,omitempty"`  // debt information was conveyed: what the law counts
	Bars       Bars   `json:"bars,omitempty"`        // of DoNotCall: whom; empty: the person
	Withdraws  bool   `json:"withdraws,omitempty"`   // the person takes back what was permitted
	ActionFlag string `json:"action_flag,omitempty"` // relayed to Mediatel's front end, never read
	// who answered, in the agent's words; empty: the code does not say. It corrects what was heard in the account of abandoned calls
	AnsweredBy Answerer `json:"answered_by,omitempty"`
}

// ContactState is where a contact stands in its campaign.
type ContactState string

const (
	Waiting  ContactState = "waiting"  // due at NextAt
	Calling  ContactState = "calling"  // an attempt is open
	Coding   ContactState = "coding"   // talked; held until the call code or its time limit
	Complete ContactState = "finished" // no further call; Reason says why
)

// Contact is one person to reach in one campaign.
type Contact struct {
	ID         int64
	CampaignID int64
	CRMID      string // the CRM's id of the person; the same person in other campaigns has the same
	Name       string
	Phones     []Phone // in the order to be tried; 1 to 10
	TimeZone   string  // IANA; empty: the campaign's
	Priority   int     // -100 to 100, higher first
	Payload    json.RawMessage

	State    ContactState
	Reason   string    // why it is finished, such as "code:4" or "max_attempts"
	NextAt   time.Time // when Waiting
	Attempts int       // dialed attempts

	CallbackAgent int64  // the agent who promised to call back; zero: any
	CallTraceID   string // of the last talked call
	RecordingLink string // of the last talked call
	UpdatedAt     time.Time
}

// Phone is one number of a contact.
type Phone struct {
	Number string `json:"number"`          // E.164
	Label  string `json:"label,omitempty"` // as the list named it
	// Extension is what to dial inside the house that answers. The number alone is dialed; the agent sees the extension, and
	// enters it by keypad or asks for it.
	Extension string `json:"extension,omitempty"`
	Invalid   bool   `json:"invalid,omitempty"` // the network said that it does not exist
	// What came of it: an order of phones goes by this.
	Tries  int     `json:"tries,omitempty"`  // dialed attempts
	Missed int     `json:"missed,omitempty"` // of them that nobody has answered, since the last answer
	Turn   int     `json:"turn,omitempty"`   // how often it has given its turn to the next phone
	Last   Outcome `json:"last,omitempty"`   // of the last attempt
}

// PastCall is what policy knows of an earlier attempt at the same person, in any campaign, or of another contact with the person.
type PastCall struct {
	Kind       InteractionKind // how the person was met; empty: a call of ours
	ContactID  int64
	Number     string
	DialedAt   time.Time // when the customer's phone was dialed; calls that never rang are not past calls
	EndedAt    time.Time // zero while the call is up
	Dialing    time.Duration
	Talk       time.Duration
	Outcome    Outcome
	QuietUntil time.Time // until then the phone may ring yet, as far as anybody knows; zero: it does not
	Automatic  bool      // placed by the dialer, not by an agent's hand
	Meaningful bool      // by its call code
	Fault      bool      // infrastructure failed and no phone rang: no call to the person, and counted by the rule for faults alone
	Uncoded    bool      // talked, and no call code says whether it was meaningful: it counts as if
}
