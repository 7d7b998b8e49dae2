package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/creditorro/ringmaster/campaigns"
)

// Where contacts may be by their own rows is the column zone, of [campaigns.Whereabouts]: the queue passes over everybody of a
// zone at once where it is night. It is empty, and each is judged, where more is known than the row says: a consent that may
// lift the hours, people who were merged, another contact of the same person that says a zone.

// anywhere has contacts judged one by one of whom more is known than their rows say, among those with some CRM ids.
func (t *tx) anywhere(crmIDs []string) {
	t.later(`UPDATE contacts SET zone = '' WHERE crm_id = ANY($1) AND crm_id <> '' AND zone <> ''
		AND (EXISTS (SELECT 1 FROM consents k WHERE k.crm_id = contacts.crm_id)
			OR EXISTS (SELECT 1 FROM merged_people m WHERE m.crm_id = contacts.crm_id)
			OR time_zone = '' AND EXISTS (SELECT 1 FROM contacts o WHERE o.crm_id = contacts.crm_id AND o.crm_id <> ''
				AND o.time_zone <> ''))`, crmIDs)
}

// knownBefore says whether the record may know more of people than an import's own campaign does.
func (t *tx) knownBefore(ctx context.Context, campaignID int64) (bool, error) {
	return one(ctx, t, scanBool, `SELECT EXISTS (SELECT 1 FROM contacts WHERE campaign_id < $1)
		OR EXISTS (SELECT 1 FROM contacts WHERE campaign_id > $1) OR EXISTS (SELECT 1 FROM consents)
		OR EXISTS (SELECT 1 FROM merged_people)`, campaignID)
}

// zonesOf lists where those may be who wait in a level. It goes from one zone that is there to the next.
func (q *queue) zonesOf(ctx context.Context, l level) ([]string, error) {
	args := []any{q.c.ID, l.priority}
	waits := l.where(func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	})
	return all(ctx, q.t, scanText, `WITH RECURSIVE z (zone) AS (SELECT min(c.zone) FROM contacts c WHERE `+waits+`
		UNION ALL SELECT (SELECT min(c.zone) FROM contacts c WHERE `+waits+` AND c.zone > z.zone) FROM z WHERE z.zone IS NOT NULL)
		SELECT zone FROM z WHERE zone IS NOT NULL`, args...)
}

// openZones lists those zones of a level that are open now; all says that none of them is closed, and that the level has an order
// over all of them: a list's has one in each zone. Of whom something was promised, each is judged.
func (q *queue) openZones(ctx context.Context, l level) (open []string, all bool, err error) {
	if l.tier == promised || !q.c.Local() && !l.split {
		return nil, true, nil
	}
	if known, ok := q.open[l]; ok {
		return known.zones, known.all, nil
	}
	zones, err := q.zonesOf(ctx, l)
	if err != nil {
		return nil, false, fmt.Errorf("store: zones of those who wait: %w", err)
	}
	open = slices.DeleteFunc(slices.Clone(zones), func(zone string) bool {
		_, closed := campaigns.ClosedFor(q.c, zone, q.now)
		return closed && q.c.Local()
	})
	if q.open == nil {
		q.open = map[level]openZones{}
	}
	q.open[l] = openZones{open, len(open) == len(zones) && !l.split}
	return open, q.open[l].all, nil
}

// openZones are those of a level.
type openZones struct {
	zones []string
	all   bool
}

// passOver is how many more than wanted are looked for in several zones: other planners may hold the first.
const passOver = 4

// inZones is the query of ids of a level's contacts in some zones, the first ones: a short walk in each zone. where and order are
// of contacts c.
func inZones(zones []string, where, order string, limit int, add func(any) string) string {
	arms := make([]string, len(zones))
	each := add(limit)
	for i, zone := range zones {
		arms[i] = `SELECT * FROM (SELECT c.id, c.next_at, c.place FROM contacts c WHERE ` + where + ` AND c.zone = ` + add(zone) +
			` ORDER BY ` + order + ` LIMIT ` + each + `) AS a`
	}
	return `SELECT c.id FROM (` + strings.Join(arms, ` UNION ALL `) + `) AS c ORDER BY ` + order + ` LIMIT ` + each
}
