package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
)

// reportKeys are by what reports group attempts: a number and a text.
var reportKeys = map[string][2]string{
	"campaign": {"campaign_id", "''"},
	"agent":    {"COALESCE(agent_id, 0)", "''"},
	"hour":     {"prepared_at - prepared_at % 3600000", "''"},
	"outcome":  {"0", "COALESCE(outcome, '')"},
	"code":     {"campaign_id", "COALESCE(code, '')"},
	"origin":   {"0", "origin"},
	"list":     {"COALESCE((SELECT c.list_id FROM contacts c WHERE c.id = attempts.contact_id), 0)", "''"},
}

// Report counts the attempts that were prepared between two moments, by what f says, in the order of the keys.
func (s Attempts) Report(ctx context.Context, f dialer.ReportFilter) ([]dialer.ReportRow, error) {
	key, known := reportKeys[f.By]
	if !known {
		return nil, fmt.Errorf("store: report by %q: nothing is counted by it", f.By)
	}
	// The ids grow with time: the range of the table's key is read, not the table.
	query, args := ` FROM attempts WHERE id > $1 AND id < $2 AND prepared_at >= $3 AND prepared_at < $4 AND state <> 'cancelled'`,
		[]any{ids.Least(f.From), ids.Least(f.To.Add(2 * time.Hour)), at(f.From), at(f.To)}
	where := func(column string, id int64) {
		if id != 0 {
			args = append(args, id)
			query += " AND " + column + " = $" + strconv.Itoa(len(args))
		}
	}
	where("campaign_id", f.CampaignID)
	where("agent_id", f.AgentID)
	if f.ListID != 0 {
		args = append(args, f.ListID)
		query += " AND contact_id IN (SELECT k.id FROM contacts k WHERE k.list_id = $" + strconv.Itoa(len(args)) + ")"
	}
	list, err := all(ctx, s, func(row scanner) (r dialer.ReportRow, err error) {
		err = row.Scan(&r.ID, &r.Text, &r.Attempts, &r.Dialed, &r.Answered, &r.Abandoned, &r.Coded, &r.Meaningful, span{&r.Talk},
			span{&r.WrapUp})
		return r, err
	}, `SELECT CAST(`+key[0]+` AS BIGINT), `+key[1]+
		`, count(*), count(dialed_at), count(answered_at), count(CASE WHEN outcome = 'abandoned' THEN 1 END),
		count(code), count(CASE WHEN meaningful THEN 1 END), CAST(COALESCE(sum(ended_at - answered_at), 0) AS BIGINT),
		CAST(COALESCE(sum(CASE WHEN answered_at IS NOT NULL AND code_reason <> 'correction' THEN code_set_at - ended_at END), 0) AS BIGINT)`+
		query+` GROUP BY 1, 2 ORDER BY 1, 2`, args...)
	if err != nil {
		return nil, fmt.Errorf("store: report: %w", err)
	}
	return list, nil
}

// promiseKeys are by what reports group promises.
var promiseKeys = map[string]string{
	"campaign": "campaign_id",
	"agent":    "COALESCE(agent_id, 0)",
	"hour":     "at - at % 3600000",
	"list":     "COALESCE((SELECT c.list_id FROM contacts c WHERE c.id = callbacks.contact_id), 0)",
}

// PromiseReport counts promised callbacks by what f says, in the order of the keys: those whose agreed moment lies between two.
func (s Attempts) PromiseReport(ctx context.Context, f dialer.ReportFilter, now time.Time) ([]dialer.PromiseRow, error) {
	key, known := promiseKeys[f.By]
	if !known {
		return nil, fmt.Errorf("store: report of promises by %q: nothing is counted by it", f.By)
	}
	list, err := all(ctx, s, func(row scanner) (r dialer.PromiseRow, err error) {
		return r, row.Scan(append([]any{&r.ID}, fatesOf(&r.PromiseCount)...)...)
	}, `SELECT CAST(id AS BIGINT), `+fates+` FROM (SELECT `+key+` AS id, `+fate+` AS fate FROM callbacks WHERE at >= $3 AND at < $4
		AND (CAST($5 AS BIGINT) = 0 OR campaign_id = $5) AND (CAST($6 AS BIGINT) = 0 OR agent_id = $6)
		AND (CAST($7 AS BIGINT) = 0 OR contact_id IN (SELECT k.id FROM contacts k WHERE k.list_id = $7))) promises
		GROUP BY id ORDER BY id`, campaigns.PromiseLate.Milliseconds(), at(now), at(f.From), at(f.To), f.CampaignID, f.AgentID, f.ListID)
	if err != nil {
		return nil, fmt.Errorf("store: report of promises: %w", err)
	}
	return list, nil
}
