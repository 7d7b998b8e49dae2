package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
)

// Tried lists the latest calls of the dialer's own that were dialed since then and have ended, oldest first; not more than most.
func (s Campaigns) Tried(ctx context.Context, campaignID int64, since time.Time, most int) ([]dialer.TriedCall, error) {
	list, err := all(ctx, s.db, func(row scanner) (c dialer.TriedCall, err error) {
		err = row.Scan(&c.ContactID, &c.Ordinal, &c.Number, &c.TimeZone, moment{&c.DialedAt}, &c.Answered, &c.Outcome)
		return c, err
	}, `SELECT a.contact_id, a.ordinal, a.number, COALESCE(c.time_zone, ''), a.dialed_at,
			COALESCE(a.picked_up_at, a.answered_at) IS NOT NULL, a.outcome
		FROM (SELECT id, contact_id, ordinal, number, dialed_at, picked_up_at, answered_at, outcome FROM attempts
			WHERE campaign_id = $1 AND id >= $2 AND state = 'closed' AND dialed_at >= $3 AND contact_id IS NOT NULL AND NOT fault
				AND origin = 'automatic' ORDER BY id DESC LIMIT $4) AS a
		LEFT JOIN contacts AS c ON c.id = a.contact_id ORDER BY a.id DESC`, campaignID, ids.Least(since), at(since), most)
	if err != nil {
		return nil, fmt.Errorf("store: calls of campaign %d: %w", campaignID, err)
	}
	slices.Reverse(list)
	return list, nil
}
