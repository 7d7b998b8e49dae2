package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Stats counts what a campaign has come to. It reads all contacts and attempts of the campaign, in several queries: on a
// large one it takes a moment, in which the counts may move against each other.
func (s Campaigns) Stats(ctx context.Context, campaignID int64) (campaigns.Stats, error) {
	if _, err := s.Campaign(ctx, campaignID); err != nil {
		return campaigns.Stats{}, err
	}
	stats := campaigns.Stats{Contacts: map[campaigns.ContactState]int{}, Reasons: map[string]int{},
		Outcomes: map[campaigns.Outcome]int{},
		Codes:    map[string]int{}}
	_, err := all(ctx, s, func(row scanner) (none struct{}, err error) {
		var state campaigns.ContactState
		var reason string
		var n int
		var next time.Time
		err = row.Scan(&state, orZero(&reason), &n, moment{&next})
		stats.Contacts[state] += n
		switch state {
		case campaigns.Complete:
			stats.Reasons[reason] += n
		case campaigns.Waiting:
			stats.NextDue = next
		}
		return none, err
	}, `SELECT state, reason, count(*), min(next_at) FROM contacts WHERE campaign_id = $1 GROUP BY state, reason`, campaignID)
	if err != nil {
		return campaigns.Stats{}, fmt.Errorf("store: contacts of campaign %d: %w", campaignID, err)
	}
	_, err = all(ctx, s, func(row scanner) (none struct{}, err error) {
		var state string
		var outcome campaigns.Outcome
		var code string
		var n, dialed int
		var talk time.Duration
		err = row.Scan(&state, orZero(&outcome), orZero(&code), &n, &dialed, span{&talk})
		switch {
		case state == "cancelled":
			return none, err
		case state != "closed":
			stats.Open += n
		case outcome == campaigns.AgentNoAnswer:
			stats.Outcomes[outcome] += n
		case dialed > 0:
			stats.Outcomes[outcome] += dialed
		}
		if code != "" {
			stats.Codes[code] += n
		}
		stats.Dialed += dialed
		stats.Talk += talk
		return none, err
	}, `SELECT state, outcome, code, count(*), count(dialed_at), CAST(COALESCE(sum(ended_at - answered_at), 0) AS BIGINT)
		FROM attempts WHERE campaign_id = $1 GROUP BY state, outcome, code`, campaignID)
	if err != nil {
		return campaigns.Stats{}, fmt.Errorf("store: attempts of campaign %d: %w", campaignID, err)
	}
	return stats, nil
}
