package pacing

import "time"

// Mode is how a campaign's calls are paced.
type Mode string

// The modes.
const (
	Preview     Mode = "preview"     // one contact shown to each free agent, who dials
	Progressive Mode = "progressive" // one call for each free agent
	// a fixed number of lines for each free agent, progressive once the cap is reached; to compare with
	Ratio      Mode = "ratio"
	Predictive Mode = "predictive" // as many as the cap on abandoned calls allows
)

// Settings are a campaign's.
type Settings struct {
	Mode  Mode
	Ratio float64 // lines a free agent, in mode ratio
	Prior Prior   // what is known before the first call; zero: nothing
}

// Status is what an agent does.
type Status uint8

// The statuses. Zero is unknown: such an agent gives no credit.
const (
	Unknown Status = iota
	Idle           // free for a call
	Offered        // a call is offered to the agent's phone
	Talk           // with a customer
	Wrap           // after the talk, before the next one
	Pause          // away
	statuses
)

// Agent is somebody logged in.
type Agent struct {
	ID     int
	Status Status
	For    time.Duration // in this status
	Stale  bool          // tab, registration or auto-answer are not fresh: no credit for this agent
}

// Call is an originated call that rings, or is about to.
type Call struct {
	ID       int64
	Age      time.Duration // since its origination
	Undialed bool          // its customer's phone cannot ring yet: it may be given up at any moment
	Odds     Odds          // that it is answered
}

// Odds is how many times as likely as the average call a call is answered. Zero: nobody knows, so it is as likely as calls were
// of late.
type Odds float64

// Trouble is why no more than one call a free agent may be dialed, whatever the mode.
type Trouble string

// The troubles.
const (
	SlowState    Trouble = "state" // Redis or SQL answers slowly
	TrunkTrouble Trouble = "trunk" // a trunk refuses, fails or is away
)

// StaleAfter is the age from which a state of agents and calls is not trusted.
const StaleAfter = 2 * time.Second

// Totals are counts since the start of the day.
type Totals struct {
	Dialed   int
	Answered int // by people
	Other    int // ended otherwise: not answered, busy, failed
}

// Done is what ended since the snapshot before.
type Done struct {
	RingAnswered []time.Duration // origination to a person's answer
	RingOther    []time.Duration // origination to any other end
	OddsAnswered []Odds          // of RingAnswered, in its order; shorter: of the others nobody knows
	OddsOther    []Odds          // of RingOther, likewise
	Talk, Wrap   []time.Duration
}

// Snapshot is a campaign at one moment. Slices are not kept.
type Snapshot struct {
	Now         time.Duration // since some start; never goes back
	Cap         float64       // abandoned / answered, at most
	RingTimeout time.Duration // a call that is not answered is given up then
	MinRing     time.Duration // a ringing call may be given up from then on; zero: never
	Patience    time.Duration // an answered call that has no agent by then is abandoned
	MaxNew      int           // calls that trunks and their rates have room for
	MaxLines    float64       // calls that ring or wait, for each agent who is not away, at most; zero: any number
	StateAge    time.Duration // of what is told here about agents and calls
	Trouble     Trouble       // empty: none

	Agents  []Agent
	Calls   []Call          // not answered yet, oldest first
	Waiting []time.Duration // since the answer, of calls that have no agent yet, oldest first

	Share         float64 // of what the account allows, where others dial for the same campaign; zero: all of it
	Totals        Totals
	Day, HalfHour Tally // of the account
	Done          Done
}
