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
	shares, err := s.sharesOf(ctx, s, c, now)
	var list []*contact
	if err == nil {
		list, err = s.first(ctx, campaignID, most, shares.spent())
	}
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
		if bound := shares.bound(k.list); k.fresh() && one.Verdict.Permit && bound != nil {
			if refusal, spent := bound.Refusal(c, now); spent {
				one.Verdict = campaigns.Verdict{Refusals: []campaigns.Refusal{refusal}}
			}
		}
		standings[i] = one
	}
	return standings, nil
}

// first reads the waiting contacts that come first in the queue, due or not; those of lists that have had all their calls of the
// day come last.
func (s Contacts) first(ctx context.Context, campaignID int64, most int, spent []int64) ([]*contact, error) {
	levels, err := all(ctx, s, scanLevel, levelsQuery, campaignID)
	if err != nil {
		return nil, err
	}
	var list []*contact
	read := func(l level, and string) error {
		if len(list) >= most {
			return nil
		}
		tier := tiers[l.tier]
		args := []any{campaignID, l.priority, most - len(list)}
		if and != "" {
			args = append(args, spent)
		}
		some, err := all(ctx, s, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.campaign_id = $1 AND c.state = 'waiting'
			AND c.priority = $2 AND `+tier.where+and+` ORDER BY `+tier.order+` LIMIT $3`, args...)
		list = append(list, some...)
		return err
	}
	isSpent := ` AND ` + listOf + ` = ANY($4)`
	for _, l := range levels {
		and := ""
		if len(spent) > 0 && l.tier.rank() == untried {
			and = ` AND NOT (` + listOf + ` = ANY($4))`
		}
		if err := read(l, and); err != nil {
			return nil, err
		}
	}
	for _, l := range levels {
		if len(spent) > 0 && l.tier.rank() == untried {
			if err := read(l, isSpent); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// Ahead counts the waiting contacts of a campaign that come before one, as far as limit: of those that are due by now, or by the
// time when it is due itself. Those whom nobody has tried yet are counted by the campaign's order of them, alternating ones as
// the oldest first; where its lists share the calls, those of the own list, and of the others as many as have their turns until
// then.
func (s Contacts) Ahead(ctx context.Context, contact *campaigns.Contact, limit int, now time.Time) (int, error) {
	levels, err := all(ctx, s, scanLevel, levelsQuery, contact.CampaignID)
	if err != nil {
		return 0, fmt.Errorf("store: place of contact %d: %w", contact.ID, err)
	}
	var place, list int64
	own, err := one(ctx, s, func(row scanner) (own tier, err error) {
		err = row.Scan(&own, &place, &list)
		return own, err
	}, `SELECT CASE WHEN callback_at IS NOT NULL THEN 0 WHEN attempts > 0 THEN 1 WHEN NOT put_off THEN 2 ELSE 3 END, place, `+listOf+`
		FROM contacts c WHERE id = $1`, contact.ID)
	var shares *shares
	if err == nil && own.rank() == untried {
		var c *campaigns.Campaign
		if c, err = Campaigns(s).Campaign(ctx, contact.CampaignID); err == nil {
			shares, err = s.sharesOf(ctx, s, c, now)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("store: place of contact %d: %w", contact.ID, err)
	}
	by, n := contact.NextAt, 0
	if by.Before(now) {
		by = now
	}
	for i := 0; i < len(levels) && n < limit; i++ {
		l := levels[i]
		if shares != nil && l.priority == contact.Priority && l.tier.rank() == untried {
			more, err := s.aheadInTurn(ctx, contact, shares, list, place, limit-n, by)
			if err != nil {
				return 0, fmt.Errorf("store: place of contact %d: %w", contact.ID, err)
			}
			return n + more, nil
		}
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

// aheadInTurn counts those whom nobody has tried yet and who come before one of them where lists share the calls: those before it
// in the own list, and of each other one as many as have their turns meanwhile. While the own list has had all its calls of the
// day, the others' all come before.
func (s Contacts) aheadInTurn(ctx context.Context, contact *campaigns.Contact, h *shares, list, place int64, limit int,
	by time.Time) (int, error) {
	waiting := map[int64]int{}
	_, err := all(ctx, s, func(row scanner) (none struct{}, err error) {
		var id int64
		var n, before int
		if err = row.Scan(&id, &n, &before); err == nil {
			waiting[id] = n
			if id == list {
				waiting[id] = before
			}
		}
		return none, err
	}, `SELECT list, count(*), count(CASE WHEN (place, id) < ($4, $5) THEN 1 END) FROM (SELECT `+listOf+` AS list, c.place, c.id
			FROM contacts c WHERE c.campaign_id = $1 AND c.state = 'waiting' AND c.priority = $2 AND c.next_at <= $3
			AND c.callback_at IS NULL AND c.attempts = 0 AND `+ofOpenList+`) AS fresh GROUP BY list`, contact.CampaignID, contact.Priority,
		at(by), place, contact.ID)
	if err != nil {
		return 0, err
	}
	own, n := h.of(list), waiting[list]
	for id, others := range waiting {
		k := h.of(id)
		switch {
		case id == list, k.Spent() && !own.Spent():
			continue
		case k.Quota > 0:
			others = min(others, max(0, k.Quota-k.Today))
		}
		if !own.Spent() {
			others = min(others, (2*waiting[list]+1)*k.Weight/(2*own.Weight)) // its turn comes in the middle of theirs
		}
		n += others
	}
	return min(n, limit), nil
}
