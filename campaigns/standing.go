package campaigns

import "time"

// Standing is where a waiting contact stands: when it is due, and what policy says of it now.
type Standing struct {
	ContactID int64
	DueAt     time.Time
	PutOff    bool // it was due, and policy has put it off to DueAt
	NoPhone   bool // none that can be called; there is no verdict then
	Verdict   Verdict
}

// FinishedByHand is the reason of a contact that a supervisor has ended, as when the debt is paid.
const FinishedByHand = "by_hand"
