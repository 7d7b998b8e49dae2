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
