package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/creditorro/ringmaster/webhook"
)

// insertJournal gives events their places. It comes last in a transaction.
const insertJournal = `INSERT INTO journal (event_id, type, campaign_id, contact_id, at)
	SELECT r.id, r.type, r.campaign, r.contact, r.at
	FROM ROWS($1: n INTEGER, id TEXT, type TEXT, campaign BIGINT, contact BIGINT, at BIGINT) AS r ORDER BY r.n`

// Readers go on from a place in the journal, so nothing may appear before it later. SQLite has one writer. In PostgreSQL
// places are given before the commit: each transaction that writes events holds a lock whose key is the last place given
// before, and readers stop short of the lowest one held.
const (
	journalSpace = "29" // the upper 16 bits of these locks' keys
	holdJournal  = `SELECT pg_advisory_xact_lock_shared((CAST(` + journalSpace +
		` AS BIGINT) << 48) | (SELECT last_value FROM journal_position_seq))`
	heldJournal = `SELECT COALESCE(min(((CAST(classid AS BIGINT) & 65535) << 32) | CAST(objid AS BIGINT)), 9223372036854775807)
		FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND (CAST(classid AS BIGINT) >> 16) = ` + journalSpace + `
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
)

// laterJournal queues the places of events.
func (t *tx) laterJournal(events []eventRow) {
	if t.db.engine.name() == "postgres" {
		t.later(holdJournal)
	}
	t.later(insertJournal, rowset(events))
}

// stable is the last place of the journal before which nothing more will appear. The order of its questions matters: what
// was given a place before the first one is either committed before the third, or its lock is seen by the second.
func (s Journal) stable(ctx context.Context) (int64, error) {
	if s.engine.name() != "postgres" {
		return one(ctx, s, scanID, `SELECT COALESCE(max(position), 0) FROM journal`)
	}
	given, err := one(ctx, s, scanID, `SELECT last_value FROM journal_position_seq`)
	if err != nil {
		return 0, err
	}
	held, err := one(ctx, s, scanID, heldJournal)
	return min(given, held-1), err
}

// Events lists events in the order in which they were written.
func (s Journal) Events(ctx context.Context, f webhook.Filter, limit int) ([]webhook.Entry, error) {
	end, err := s.stable(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: events: %w", err)
	}
	list, err := all(ctx, s, scanEntry, `SELECT j.position, v.id, v.type, v.at, v.body FROM journal j JOIN events v ON v.id =
		j.event_id
		WHERE j.position > $1 AND j.position <= $2 AND `+inJournal+` ORDER BY j.position LIMIT $8`,
		f.After, end, string(f.Type), orNull(f.CampaignID), orNull(f.ContactID), at(f.Since), at(f.Until), limit)
	if err != nil {
		return nil, fmt.Errorf("store: events: %w", err)
	}
	return list, nil
}

const inJournal = `($3 = '' OR j.type = $3) AND (CAST($4 AS BIGINT) IS NULL OR j.campaign_id = $4)
	AND (CAST($5 AS BIGINT) IS NULL OR j.contact_id = $5)
	AND (CAST($6 AS BIGINT) IS NULL OR j.at >= $6) AND (CAST($7 AS BIGINT) IS NULL OR j.at < $7)`

func scanEntry(row scanner) (e webhook.Entry, err error) {
	err = row.Scan(&e.Position, &e.ID, &e.Type, moment{&e.At}, &e.Body)
	return e, err
}

// Event reads one event.
func (s Journal) Event(ctx context.Context, id string) (webhook.Entry, error) {
	e, err := one(ctx, s, scanEntry, `SELECT j.position, v.id, v.type, v.at, v.body FROM events v JOIN journal j ON j.event_id = v.id
		WHERE v.id = $1`, id)
	if errors.Is(err, ErrNotFound) {
		return e, fmt.Errorf("store: event: %w", ErrNotFound)
	}
	return e, err
}

// AllDeliveries lists deliveries in the order in which their events were written.
func (s Journal) AllDeliveries(ctx context.Context, f webhook.Filter, limit int) ([]webhook.Delivery, error) {
	end, err := s.stable(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: deliveries: %w", err)
	}
	list, err := all(ctx, s, func(row scanner) (webhook.Delivery, error) {
		var position int64
		d, err := scanDelivery(row, &position)
		d.Position = position
		return d, err
	}, `SELECT `+deliveryColumns+`, j.position FROM journal j JOIN deliveries d ON d.event_id = j.event_id JOIN events v ON v.id =
		d.event_id
		WHERE (j.position > $1 OR j.position = $1 AND d.id > $9) AND j.position <= $2 AND `+inJournal+`
		AND (CAST($10 AS BIGINT) IS NULL OR d.endpoint_id = $10) AND ($11 = '' OR d.state = $11)
		ORDER BY j.position, d.id LIMIT $8`,
		f.After, end, string(f.Type), orNull(f.CampaignID), orNull(f.ContactID), at(f.Since), at(f.Until), limit, f.AfterDelivery,
		orNull(f.EndpointID), string(f.State))
	if err != nil {
		return nil, fmt.Errorf("store: deliveries: %w", err)
	}
	return list, nil
}

// idList is how the column campaigns is searched by: each id between commas.
func idList(ids []int64) string {
	text := ""
	for i, id := range ids {
		if i == 0 {
			text = ","
		}
		text += strconv.FormatInt(id, 10) + ","
	}
	return text
}
