package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/ids"
)

// forgetAfter is how long the row of a recording that was erased stays, so that every node removes what it has of it.
const forgetAfter = 30 * 24 * time.Hour

// callsKept is how long it is kept how many calls a list has had on a day. An attempt ends within it.
const callsKept = 7 * 24 * time.Hour

// Purge forgets attempts that are older than the law of their campaign has them kept, and has their recordings erased: at most so
// many of each campaign. It returns how many attempts are gone. Campaigns whose profile says nothing keep theirs.
func (s Recordings) Purge(ctx context.Context, now time.Time, limit int) (total int, err error) {
	const page = 100
	for after := int64(0); ; {
		list, err := Campaigns(s).Campaigns(ctx, after, page)
		if err != nil {
			return total, err
		}
		for _, c := range list {
			after = c.ID
			kept := campaigns.Retention(c)
			if kept == 0 {
				continue
			}
			n, err := s.purge(ctx, c.ID, now.Add(-kept), now, limit)
			if total += n; err != nil {
				return total, fmt.Errorf("store: purge attempts of campaign %d: %w", c.ID, err)
			}
		}
		if len(list) < page {
			break
		}
	}
	if _, err := s.exec(ctx, `DELETE FROM recordings WHERE erase_at IS NOT NULL AND erased_at < $1`, at(now.Add(-forgetAfter))); err != nil {
		return total, fmt.Errorf("store: forget erased recordings: %w", err)
	}
	// The day of a campaign's zone is over at the latest a day after UTC's.
	if _, err := s.exec(ctx, `DELETE FROM tallies WHERE kind = 'fresh' AND key < $1`, now.UTC().Add(-callsKept).Format(time.DateOnly)); err != nil {
		return total, fmt.Errorf("store: forget the calls of past days: %w", err)
	}
	return total, nil
}

func (s Recordings) purge(ctx context.Context, campaignID int64, before, now time.Time, limit int) (n int, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		old, err := all(ctx, t, scanID, `SELECT a.id FROM attempts a WHERE a.campaign_id = $1 AND a.id < $2 AND a.ended_at < $3
			ORDER BY a.id LIMIT $4 FOR UPDATE SKIP LOCKED`, campaignID, ids.Least(before), at(before), limit)
		if n = len(old); err != nil || n == 0 {
			return err
		}
		t.later(`UPDATE recordings SET erase_at = $2 WHERE attempt_id = ANY($1) AND erase_at IS NULL`, old, at(now))
		t.later(`DELETE FROM agent_calls WHERE (agent_id, attempt_id) IN (SELECT a.agent_id, a.id FROM attempts a WHERE a.id = ANY($1))`, old)
		t.later(`DELETE FROM attempts WHERE id = ANY($1)`, old)
		return nil
	})
	return n, err
}

// eraseAgain is how long a recording that was erased is erased again, in the store of files too: another node may have been
// uploading it.
const eraseAgain = 24 * time.Hour

// ToErase lists recordings whose files are to be removed: first those that are due, and then those of which this node may have a
// file still, for so long as their rows stay.
func (s Recordings) ToErase(ctx context.Context, now time.Time, limit int) (due, again []string, err error) {
	_, err = all(ctx, s, func(row scanner) (none struct{}, err error) {
		var trace string
		var erased bool
		if err = row.Scan(&trace, &erased); erased {
			again = append(again, trace)
		} else {
			due = append(due, trace)
		}
		return none, err
	}, `SELECT calltraceid, erased_at IS NOT NULL AND erased_at < $3 FROM recordings WHERE erase_at IS NOT NULL AND erase_at <= $1
		ORDER BY erased_at IS NOT NULL, erased_at DESC, erase_at, calltraceid LIMIT $2`, at(now), limit, at(now.Add(-eraseAgain)))
	if err != nil {
		return nil, nil, fmt.Errorf("store: recordings to erase: %w", err)
	}
	return due, again, nil
}

// Erased notes that a node has removed what it had of recordings.
func (s Recordings) Erased(ctx context.Context, traces []string, now time.Time) error {
	_, err := s.exec(ctx, `UPDATE recordings SET erased_at = $2 WHERE calltraceid = ANY($1) AND erased_at IS NULL`, traces, at(now))
	if err != nil {
		return fmt.Errorf("store: erased recordings: %w", err)
	}
	return nil
}

// Locked reports whether a recording is kept for the law's sake alone: nobody hears it.
func (s Recordings) Locked(ctx context.Context, trace string) (bool, error) {
	list, err := all(ctx, s, scanText, `SELECT calltraceid FROM recordings WHERE calltraceid = $1 AND
		(locked_at IS NOT NULL OR erase_at IS NOT NULL)`, trace)
	if err != nil {
		return false, fmt.Errorf("store: recording %s: %w", trace, err)
	}
	return len(list) > 0, nil
}

// Forgettable returns those of recordings that no law has kept at a moment.
func (s Recordings) Forgettable(ctx context.Context, traces []string, now time.Time) ([]string, error) {
	type kept struct {
		trace    string
		campaign int64
		ended    time.Time
	}
	list, err := all(ctx, s, func(row scanner) (k kept, err error) {
		err = row.Scan(&k.trace, &k.campaign, moment{&k.ended})
		return k, err
	}, `SELECT r.calltraceid, a.campaign_id, r.ended_at FROM recordings r JOIN attempts a ON a.id = r.attempt_id
		WHERE r.calltraceid = ANY($1)`, traces)
	if err != nil {
		return nil, fmt.Errorf("store: recordings to forget: %w", err)
	}
	retention, keep := map[int64]time.Duration{}, map[string]bool{}
	for _, k := range list {
		if _, known := retention[k.campaign]; !known {
			c, err := Campaigns(s).Campaign(ctx, k.campaign)
			if err != nil {
				return nil, err
			}
			retention[k.campaign] = campaigns.Retention(c)
		}
		keep[k.trace] = keep[k.trace] || k.ended.Add(retention[k.campaign]).After(now)
	}
	return slices.DeleteFunc(slices.Clone(traces), func(trace string) bool { return keep[trace] }), nil
}
