package dialer

import (
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// AttemptFilter says which attempts are listed; its zero fields filter nothing.
type AttemptFilter struct {
	CampaignID  int64
	ContactID   int64
	AgentID     int64
	Number      string // E.164
	CallTraceID string
	State       State
	Outcome     campaigns.Outcome
	From, To    time.Time // prepared in this span, From included, To not
}

// Figures count an agent's calls.
type Figures struct {
	Calls, Talks  int // that reached the customer's phone; and were answered
	Talk, WrapUp  time.Duration
	Outcomes      map[campaigns.Outcome]int
	Codes         map[string]int // by the call code's name
	Callbacks     int            // promised and not kept yet
	LateCallbacks int            // of these, those whose moment has passed
}
