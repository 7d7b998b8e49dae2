package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Waiting looks at the waiting contacts of a campaign that come first, at most so many, and says what policy would say of each now.
func (s Contacts) Waiting(ctx context.Context, campaignID int64, most int, now time.Time) ([]campaigns.Standing, error) {
	c, err := Campaigns(s).Campaign(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	list, err := all(ctx, s, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.campaign_id = $1 AND c.state = 'waiting'
		ORDER BY c.priority DESC, c.next_at, c.id LIMIT $2`, campaignID, most)
	if err != nil {
		return nil, fmt.Errorf("store: waiting contacts of campaign %d: %w", campaignID, err)
	}
	people := make([]subject, len(list))
	for i, k := range list {
		people[i] = subjectOf(k)
	}
	known, err := s.facts(ctx, s, c, people, now)
	if err != nil {
		return nil, err
	}
	standings := make([]campaigns.Standing, len(list))
	for i, k := range list {
		one := campaigns.Standing{ContactID: k.ID, DueAt: k.NextAt}
		phone, has := known.nextPhone(c, k, i)
		if one.NoPhone = !has; has {
			one.Verdict = campaigns.Decide(known.question(c, k, i, phone.Number, true, now))
		}
		standings[i] = one
	}
	return standings, nil
}

// Ahead counts the waiting contacts of a campaign that come before one, as far as limit.
func (s Contacts) Ahead(ctx context.Context, contact *campaigns.Contact, limit int) (int, error) {
	// Two ranges of one index, each no longer than asked: an OR would read all that wait.
	n, err := one(ctx, s, scanID, `SELECT (SELECT count(*) FROM (SELECT 1 FROM contacts WHERE campaign_id = $1 AND state = 'waiting'
			AND priority > $2 LIMIT $5) AS above)
		+ (SELECT count(*) FROM (SELECT 1 FROM contacts WHERE campaign_id = $1 AND state = 'waiting' AND priority = $2
			AND (next_at, id) < ($3, $4) LIMIT $5) AS beside)`,
		contact.CampaignID, contact.Priority, at(contact.NextAt), contact.ID, limit)
	if err != nil {
		return 0, fmt.Errorf("store: place of contact %d: %w", contact.ID, err)
	}
	return min(int(n), limit), nil
}
