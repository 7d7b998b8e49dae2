package dialer

import (
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// ReportFilter says what a report counts: attempts prepared between two moments, From included, To not; zero ids filter nothing.
type ReportFilter struct {
	By         string // campaign, list, agent, hour, outcome, code, origin
	From, To   time.Time
	CampaignID int64
	AgentID    int64
	ListID     int64 // of contacts who came by it
}

// ReportRow is one line of a report.
type ReportRow struct {
	ID   int64  // of the campaign, list or agent (zero: none); by hour, its first moment in Unix milliseconds
	Text string // the outcome, code or origin

	Attempts, Dialed, Answered, Abandoned, Coded, Meaningful int
	Talk, WrapUp                                             time.Duration
}

// PromiseRow is one line of a report on promised callbacks, whose ID is as of a ReportRow.
type PromiseRow struct {
	ID int64
	campaigns.PromiseCount
}
