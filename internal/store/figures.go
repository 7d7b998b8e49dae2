package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
)

// OpenCalls lists the attempts that are under way, by id, those with ids above after; campaign zero: of all.
func (s Attempts) OpenCalls(ctx context.Context, campaignID int64, after dialer.AttemptID, limit int) ([]dialer.Attempt, error) {
	// Those that have not ended are few: number > '' has the database read their index, and not the whole table by id.
	list, err := all(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE ended_at IS NULL AND number > ''
		AND state <> 'prepared' AND id > $1 AND (CAST($2 AS BIGINT) = 0 OR campaign_id = $2) ORDER BY id LIMIT $3`, int64(after),
		campaignID, limit)
	if err != nil {
		return nil, fmt.Errorf("store: open calls: %w", err)
	}
	return list, nil
}

// AgentFigures counts an agent's calls that were prepared between two moments, and the promised callbacks.
func (s Attempts) AgentFigures(ctx context.Context, agentID int64, from, to, now time.Time) (dialer.Figures, error) {
	f := dialer.Figures{Outcomes: map[campaigns.Outcome]int{}, Codes: map[string]int{}}
	_, err := all(ctx, s, func(row scanner) (none struct{}, err error) {
		var outcome campaigns.Outcome
		var code string
		var n, dialed, talks int
		var talk, wrapUp time.Duration
		err = row.Scan(orZero(&outcome), orZero(&code), &n, &dialed, &talks, span{&talk}, span{&wrapUp})
		f.Calls, f.Talks, f.Talk, f.WrapUp = f.Calls+dialed, f.Talks+talks, f.Talk+talk, f.WrapUp+wrapUp
		if outcome != "" {
			f.Outcomes[outcome] += n
		}
		if code != "" {
			f.Codes[code] += n
		}
		return none, err
	}, `SELECT a.outcome, COALESCE(c.name, a.code), count(*), count(a.dialed_at), count(a.answered_at),
			CAST(COALESCE(sum(a.ended_at - a.answered_at), 0) AS BIGINT),
			CAST(COALESCE(sum(CASE WHEN a.answered_at IS NOT NULL AND a.code_reason <> 'correction' THEN a.code_set_at - a.ended_at END),
			0) AS BIGINT)
		FROM agent_calls k JOIN attempts a ON a.id = k.attempt_id LEFT JOIN call_codes c ON c.campaign_id = a.campaign_id AND c.id =
		a.code
		WHERE k.agent_id = $1 AND k.attempt_id > $2 AND a.agent_id = $1 AND a.prepared_at >= $3 AND a.prepared_at < $4
			AND a.state <> 'cancelled'
		GROUP BY a.outcome, COALESCE(c.name, a.code)`, agentID, ids.Least(from), at(from), at(to))
	if err != nil {
		return f, fmt.Errorf("store: figures of agent %d: %w", agentID, err)
	}
	_, err = all(ctx, s, func(row scanner) (none struct{}, err error) {
		return none, row.Scan(&f.Callbacks, &f.LateCallbacks)
	}, `SELECT count(*), count(CASE WHEN at < $2 THEN 1 END) FROM callbacks WHERE done_at IS NULL AND agent_id = $1`, agentID,
		at(now))
	if err != nil {
		return f, fmt.Errorf("store: callbacks of agent %d: %w", agentID, err)
	}
	return f, nil
}
