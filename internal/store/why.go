package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Waiting looks at the waiting contacts of a campaign that come first, at most so many, and says what policy would say of each
// now.
func (s Contacts) Waiting(ctx context.Context, campaignID int64, most int, now time.Time) ([]campaigns.Standing, error) {
	c, err := Campaigns(s).Campaign(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	list, err := s.first(ctx, campaignID, most)
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
		one := campaigns.Standing{ContactID: k.ID, DueAt: k.NextAt,
			PutOff: !k.wakeAt.IsZero() && !k.wakeAt.After(now)}
		phone, has := known.nextPhone(c, k, i)
		if one.NoPhone = !has; has {
			one.Verdict = campaigns.Decide(known.question(c, k, i, phone.Number, true, now))
		}
		standings[i] = one
	}
	return standings, nil
}

// first reads the waiting contacts that come first in the queue, due or not.
func (s Contacts) first(ctx context.Context, campaignID int64, most int) ([]*contact, error) {
	levels, err := all(ctx, s, scanLevel, levelsQuery, campaignID)
	var list []*contact
	for i := 0; err == nil && i < len(levels) && len(list) < most; i++ {
		tier := tiers[levels[i].tier]
		var some []*contact
		some, err = all(ctx, s, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.campaign_id = $1 AND c.state = 'waiting'
			AND c.priority = $2 AND `+tier.where+` ORDER BY `+tier.order+` LIMIT $3`, campaignID, levels[i].priority, most-len(list))
		list = append(list, some...)
	}
	return list, err
}

// Ahead counts the waiting contacts of a campaign that come before one, as far as limit: of those that are due by now, or by the
// time when it is due itself. Those whom nobody has tried yet are counted by the campaign's order of them, alternating ones as
// the oldest first.
func (s Contacts) Ahead(ctx context.Context, contact *campaigns.Contact, limit int, now time.Time) (int, error) {
	levels, err := all(ctx, s, scanLevel, levelsQuery, contact.CampaignID)
	if err != nil {
		return 0, fmt.Errorf("store: place of contact %d: %w", contact.ID, err)
	}
	var place int64
	own, err := one(ctx, s, func(row scanner) (own tier, err error) {
		err = row.Scan(&own, &place)
		return own, err
	}, `SELECT CASE WHEN callback_at IS NOT NULL THEN 0 WHEN attempts > 0 THEN 1 WHEN NOT put_off THEN 2 ELSE 3 END, place
		FROM contacts WHERE id = $1`, contact.ID)
	if err != nil {
		return 0, fmt.Errorf("store: place of contact %d: %w", contact.ID, err)
	}
	by, n := contact.NextAt, 0
	if by.Before(now) {
		by = now
	}
	for i := 0; i < len(levels) && n < limit; i++ {
		l := levels[i]
		before := `TRUE` // the whole level
		args := []any{contact.CampaignID, l.priority, at(by), limit - n}
		switch {
		case l.priority < contact.Priority, l.priority == contact.Priority && l.tier.rank() > own.rank():
			return n, nil
		case l.priority > contact.Priority, l.tier.rank() < own.rank():
		case own.rank() == untried.rank():
			before, args = `(c.place, c.id) < ($5, $6)`, append(args, place, contact.ID)
		default:
			before, args = `(c.next_at, c.id) < ($5, $6)`, append(args, at(contact.NextAt), contact.ID)
		}
		more, err := one(ctx, s, scanID, `SELECT count(*) FROM (SELECT 1 FROM contacts c WHERE c.campaign_id = $1 AND c.state =
			'waiting'
			AND c.priority = $2 AND c.next_at <= $3 AND `+tiers[l.tier].where+` AND `+before+` LIMIT $4) AS ahead`, args...)
		if err != nil {
			return 0, fmt.Errorf("store: place of contact %d: %w", contact.ID, err)
		}
		n += int(more)
	}
	return n, nil
}
