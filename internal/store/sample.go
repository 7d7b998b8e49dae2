package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
)

// The sample of a campaign's calls: bounded, so that it costs little however many there are.
const (
	sampleCalls = 2000
	sampleAge   = 7 * 24 * time.Hour
)

// Sample reads what the latest automatic calls of a campaign were like: at most 2,000 of the last seven days.
func (s Campaigns) Sample(ctx context.Context, campaignID int64, now time.Time) (dialer.Sample, error) {
	sample, err := one(ctx, s.db, func(row scanner) (p dialer.Sample, err error) {
		var ring, talk, talks2, wrap, wraps2 float64 // milliseconds, and their squares
		err = row.Scan(&p.Calls, &p.Answered, orZero(&ring), &p.Talks, orZero(&talk), orZero(&talks2), &p.Wraps, orZero(&wrap),
			orZero(&wraps2))
		p.Ring, p.Talk, p.Wrap = milliseconds(ring), spell(talk, talks2), spell(wrap, wraps2)
		return p, err
	}, `SELECT count(*), count(a.up_at), CAST(avg(a.up_at - a.dialed_at) AS DOUBLE PRECISION),
			count(a.talk), CAST(avg(a.talk) AS DOUBLE PRECISION), CAST(avg(a.talk * a.talk) AS DOUBLE PRECISION),
			count(a.wrap), CAST(avg(a.wrap) AS DOUBLE PRECISION), CAST(avg(a.wrap * a.wrap) AS DOUBLE PRECISION)
		FROM (SELECT COALESCE(picked_up_at, answered_at) AS up_at, dialed_at,
				CASE WHEN agent_id IS NOT NULL AND answered_at IS NOT NULL THEN ended_at - answered_at END AS talk,
				CASE WHEN code_set_at > ended_at THEN code_set_at - ended_at END AS wrap
			FROM attempts WHERE campaign_id = $1 AND id >= $2 AND dialed_at IS NOT NULL AND state = 'closed' AND NOT fault
				AND origin = 'automatic' ORDER BY id DESC LIMIT $3) AS a`, campaignID, ids.Least(now.Add(-sampleAge)), sampleCalls)
	if err != nil {
		return dialer.Sample{}, fmt.Errorf("store: sample of campaign %d: %w", campaignID, err)
	}
	sample.Agents, err = one(ctx, s.db, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT count(*) FROM agent_queues q JOIN campaigns c ON c.queue = q.queue JOIN agents a ON a.id = q.agent_id
		WHERE c.id = $1 AND NOT a.disabled`, campaignID)
	if err != nil {
		return dialer.Sample{}, fmt.Errorf("store: agents of campaign %d: %w", campaignID, err)
	}
	return sample, nil
}

func milliseconds(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// spell is the distribution with a mean of durations and of their squares.
func spell(mean, squares float64) dialer.Spell {
	if mean <= 0 {
		return dialer.Spell{}
	}
	return dialer.Spell{Mean: milliseconds(mean), Spread: math.Sqrt(max(squares-mean*mean, 0)) / mean}
}
