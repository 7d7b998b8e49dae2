package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Stats says what a campaign has come to: from counts that are kept as it happens, so that the size of the campaign does not
// matter. It is several queries, in which the counts may move against each other.
func (s Campaigns) Stats(ctx context.Context, campaignID int64) (campaigns.Stats, error) {
	stats := campaigns.Stats{Contacts: map[campaigns.ContactState]int{}, Reasons: map[string]int{},
		Outcomes: map[campaigns.Outcome]int{}, Codes: map[string]int{}}
	if _, err := s.Campaign(ctx, campaignID); err != nil {
		return stats, err
	}
	err := s.tallied(ctx, campaignID, 0, stats.Contacts, func(kind, key string, n int64) {
		switch kind {
		case "finished":
			stats.Reasons[key] += int(n)
		case "outcome":
			stats.Outcomes[campaigns.Outcome(key)] += int(n)
		case "code":
			stats.Codes[key] += int(n)
		case "dialed":
			stats.Dialed += int(n)
		case "talk":
			stats.Talk += time.Duration(n) * time.Millisecond
		}
	})
	if err != nil {
		return campaigns.Stats{}, fmt.Errorf("store: contacts of campaign %d: %w", campaignID, err)
	}
	// number > '' has the database read the index of those that have not ended, which are few.
	_, err = all(ctx, s, func(row scanner) (none struct{}, err error) {
		var dialed int
		err = row.Scan(&stats.Open, &dialed)
		stats.Dialed += dialed
		return none, err
	}, `SELECT count(*), count(dialed_at) FROM attempts WHERE ended_at IS NULL AND number > '' AND campaign_id = $1`, campaignID)
	if err != nil {
		return campaigns.Stats{}, fmt.Errorf("store: attempts of campaign %d: %w", campaignID, err)
	}
	if stats.NextDue, err = s.nextDue(ctx, campaignID); err != nil {
		return campaigns.Stats{}, fmt.Errorf("store: next due of campaign %d: %w", campaignID, err)
	}
	return stats, nil
}

// tallied gives what is counted of a campaign, or of one of its lists, to add, and its contacts by where they stand.
func (s *db) tallied(ctx context.Context, campaignID, listID int64, states map[campaigns.ContactState]int,
	add func(kind, key string, n int64)) error {
	waiting, moves := 0, 0
	of, args := ``, []any{campaignID}
	if listID != 0 {
		of, args = ` AND list_id = $2`, append(args, listID)
	}
	_, err := all(ctx, s, func(row scanner) (none struct{}, err error) {
		var kind, key string
		var n, parts int64
		err = row.Scan(&kind, &key, &n, &parts)
		switch {
		case kind == "contacts":
			waiting += int(n)
		case kind == "finished" && n != 0:
			states[campaigns.Complete] += int(n)
			waiting -= int(n)
		}
		if moves += int(parts); n != 0 {
			add(kind, key, n)
		}
		return none, err
	}, s.engine.tallies(of), args...)
	if err != nil {
		return err
	}
	// The index of those who are held by a call has nobody else.
	_, err = all(ctx, s, func(row scanner) (none struct{}, err error) {
		var state campaigns.ContactState
		var n int
		err = row.Scan(&state, &n)
		states[state] += n
		waiting -= n
		return none, err
	}, `SELECT state, count(*) FROM contacts WHERE campaign_id = $1 AND state IN ('calling', 'coding')`+of+` GROUP BY state`, args...)
	if err != nil {
		return err
	}
	if waiting > 0 { // a contact may have begun a call between the two queries
		states[campaigns.Waiting] = waiting
	}
	if moves > foldMoves {
		return s.FoldTallies(ctx)
	}
	return nil
}

// foldMoves is from how many changes on who reads the counts adds them up, too.
const foldMoves = 2000

// FoldTallies adds up the changes that were appended to the counts.
func (s *db) FoldTallies(ctx context.Context) error {
	if err := s.engine.fold(ctx); err != nil {
		return fmt.Errorf("store: fold the counts: %w", err)
	}
	return nil
}

func (*sqlite) tallies(of string) string {
	return `SELECT kind, key, sum(n), 0 FROM tallies WHERE campaign_id = $1` + of + ` GROUP BY kind, key ORDER BY kind, key`
}

func (*sqlite) fold(context.Context) error { return nil } // nothing is appended: a writer is alone

// tallies reads counts and changes in one statement, and so as of one moment.
func (*postgres) tallies(of string) string {
	return `SELECT kind, key, CAST(sum(n) AS BIGINT), CAST(sum(part) AS BIGINT) FROM (
			SELECT kind, key, n, 0 AS part FROM tallies WHERE campaign_id = $1` + of + `
			UNION ALL SELECT kind, key, n, 1 FROM tally_moves WHERE campaign_id = $1` + of + `) AS counted
		GROUP BY kind, key ORDER BY kind, key`
}

// fold is one statement, so that every reader sees the changes once: here or there. One process does it at a time.
func (p *postgres) fold(ctx context.Context) error {
	const folding = 0x666f6c64 // "fold": a key space of our own
	_, err := p.exec(ctx, statement{`WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(` + strconv.Itoa(folding) +
		`, 0) AS ours),
		gone AS (DELETE FROM tally_moves WHERE (SELECT ours FROM turn) RETURNING campaign_id, list_id, kind, key, n)
		INSERT INTO tallies AS t (campaign_id, list_id, kind, key, n)
		SELECT campaign_id, list_id, kind, key, sum(n) FROM gone GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0
		ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = t.n + excluded.n`, nil})
	return err
}

// nextDue is the earliest next time of a waiting contact; of those whom nobody has tried yet, who are due since they came, that
// of the first.
func (s *db) nextDue(ctx context.Context, campaignID int64) (earliest time.Time, err error) {
	levels, err := all(ctx, s, scanLevel, levelsQuery, campaignID)
	if err != nil {
		return earliest, err
	}
	for _, l := range levels {
		tier := tiers[l.tier]
		next, err := all(ctx, s, func(row scanner) (next time.Time, err error) {
			err = row.Scan(moment{&next})
			return next, err
		}, `SELECT c.next_at FROM contacts c WHERE c.campaign_id = $1 AND c.state = 'waiting' AND c.priority = $2 AND `+tier.where+
			` ORDER BY `+tier.order+` LIMIT 1`, campaignID, l.priority)
		if err != nil {
			return earliest, err
		}
		if len(next) > 0 && (earliest.IsZero() || next[0].Before(earliest)) {
			earliest = next[0]
		}
	}
	return earliest, nil
}
