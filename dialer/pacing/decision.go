package pacing

// Key says why a decision is as it is; each has its words at the edges.
type Key string

// The keys.
const (
	ByRisk       Key = "pacing.risk"         // one more call would risk more than the limit
	ByRoom       Key = "pacing.room"         // trunks, their rates or lines an agent allow no more
	WarmingUp    Key = "pacing.warm_up"      // too little is known yet: two calls a free agent
	ByMode       Key = "pacing.mode"         // one call (or the ratio) for each free agent, as the mode says
	ByCap        Key = "pacing.cap"          // the cap is reached: one call a free agent until it is paid back
	ByTrouble    Key = "pacing.trouble"      // a trunk or the state's keeper is in trouble: one call a free agent
	StaleState   Key = "pacing.stale"        // the state is too old: no call
	NoCredit     Key = "pacing.no_credit"    // no agent who counts: no call
	NotPossible  Key = "pacing.not_possible" // the snapshot contradicts itself: no call
	enoughForNow     = 10000                 // new calls of one decision, at most
)

// Decision is what to do now, and the numbers behind it.
type Decision struct {
	Originate int     // calls
	GiveUp    []int64 // calls that have lost their agent; valid until the next decision
	Key       Key
	Numbers   Numbers
}

// Numbers are what a decision was made of: the arguments of its key.
type Numbers struct {
	Idle       int     `json:"idle"`       // agents who are free and count
	Busy       int     `json:"busy"`       // agents in a talk, its offer or wrap-up, who count
	Ringing    int     `json:"ringing"`    // calls
	Waiting    int     `json:"waiting"`    // answered calls without an agent
	Room       int     `json:"room"`       // new calls that trunks, rates and lines an agent allow
	AnswerRate float64 `json:"answerRate"` // as learned
	RingTime   float64 `json:"ringTime"`   // seconds to an answer, the median as learned
	Free       float64 `json:"free"`       // agents expected to be free by the median answer of a call dialed now
	Answers    float64 `json:"answers"`    // answers expected by then
	Risk       float64 `json:"risk"`       // that the last call dialed finds nobody; of the first one if none was dialed
	Limit      float64 `json:"limit"`      // of that risk
	Balance    float64 `json:"balance"`    // abandoned calls that the day's cap still allows
	HalfHour   float64 `json:"halfHour"`   // the same of the last half hour
}
