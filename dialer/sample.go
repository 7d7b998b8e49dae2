package dialer

import "time"

// Sample is what a campaign's latest automatic calls were like, and how many agents it has: what a day of it is imagined with.
type Sample struct {
	Calls    int // that were dialed and have ended
	Answered int
	Ring     time.Duration // to an answer, the mean
	Talks    int
	Talk     Spell
	Wraps    int
	Wrap     Spell
	Agents   int // of the campaign's line, logged on or not
}

// Spell is a distribution of durations.
type Spell struct {
	Mean   time.Duration
	Spread float64 // standard deviation / mean
}
