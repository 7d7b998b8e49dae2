package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
)

// accountKept is how far back the account goes: as far as the longest period of a cap, and a bit.
const accountKept = 32 * 24 * time.Hour

// accountKey is one minute of a campaign's account.
type accountKey struct {
	campaign, minute int64
}

// accounted is what an attempt stands for in the account of abandoned calls, and when: the moment of the answer. Calls by hand
// and calls of other systems are nobody's doing here; one of which nobody knows how it went on after the answer counts as
// abandoned. Who answered the call code knows better than who listened.
func (h *locked) accounted() (e dialer.AccountEnding, at time.Time) {
	if h.State != dialer.Closed || h.Origin == dialer.ByHand || h.Origin == dialer.External {
		return "", at
	}
	at = h.AnsweredAt
	for _, next := range []time.Time{h.pickedUpAt, h.EndedAt} {
		if at.IsZero() {
			at = next
		}
	}
	switch {
	case h.Outcome == campaigns.AnsweringMachine && h.answeredBy == campaigns.ByPerson:
		return dialer.AccountMistaken, at
	case h.Outcome == campaigns.AnsweringMachine, h.answeredBy == campaigns.ByMachine,
		h.Machine && h.talked() && h.answeredBy == "":
		return dialer.AccountMachine, at
	case h.Outcome == campaigns.Abandoned:
		return dialer.AccountAbandoned, at
	case h.talked():
		return dialer.AccountConnected, at
	case h.Outcome == campaigns.Answered:
		return dialer.AccountHungUp, at
	case !h.pickedUpAt.IsZero():
		return dialer.AccountAbandoned, at
	}
	return "", at
}

// account adds n to what an ending counts in its minute. It is stored with the commit.
func (t *tx) account(campaign int64, e dialer.AccountEnding, at time.Time, n int) {
	if e == "" {
		return
	}
	if t.changed.accounts == nil {
		t.changed.accounts = map[accountKey]*accountRow{}
	}
	key := accountKey{campaign, at.Truncate(time.Minute).UnixMilli()}
	row := t.changed.accounts[key]
	if row == nil {
		row = &accountRow{CampaignID: key.campaign, Minute: key.minute}
		t.changed.accounts[key] = row
	}
	switch e {
	case dialer.AccountConnected:
		row.Connected += n
	case dialer.AccountAbandoned:
		row.Abandoned += n
	case dialer.AccountHungUp:
		row.HungUp += n
	case dialer.AccountMachine:
		row.Machines += n
	case dialer.AccountMistaken:
		row.Mistaken += n
	}
}

type accountRow struct {
	CampaignID int64 `json:"campaign_id"`
	Minute     int64 `json:"minute"`
	Connected  int   `json:"connected"`
	Abandoned  int   `json:"abandoned"`
	HungUp     int   `json:"hung_up"`
	Machines   int   `json:"machines"`
	Mistaken   int   `json:"mistaken"`
}

// writeAccounts queues the statement that stores them, in the order of their keys: two transactions that wait for each other's
// rows would be a deadlock.
func (t *tx) writeAccounts(accounts map[accountKey]*accountRow) {
	if len(accounts) == 0 {
		return
	}
	rows := make([]accountRow, 0, len(accounts))
	for _, row := range accounts {
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(a, b accountRow) int {
		return cmp.Or(cmp.Compare(a.CampaignID, b.CampaignID), cmp.Compare(a.Minute, b.Minute))
	})
	t.later(`INSERT INTO pacing_minutes (campaign_id, minute, connected, abandoned, hung_up, machines, mistaken)
		SELECT campaign_id, minute, connected, abandoned, hung_up, machines, mistaken
		FROM ROWS($1: campaign_id BIGINT, minute BIGINT, connected BIGINT, abandoned BIGINT, hung_up BIGINT, machines BIGINT,
		mistaken BIGINT) AS r
		WHERE TRUE ORDER BY campaign_id, minute
		ON CONFLICT (campaign_id, minute) DO UPDATE SET connected = pacing_minutes.connected + excluded.connected,
			abandoned = pacing_minutes.abandoned + excluded.abandoned, hung_up = pacing_minutes.hung_up + excluded.hung_up,
			machines = pacing_minutes.machines + excluded.machines, mistaken = pacing_minutes.mistaken + excluded.mistaken`, rowset(rows))
}

// Account reads the minutes of a campaign's account from a moment on, oldest first; minutes without an answer are left out. See
// [dialer.Store].
func (s Dialing) Account(ctx context.Context, campaignID int64, from time.Time) ([]dialer.AccountSpan, error) {
	return s.accountOf(ctx, campaignID, from, time.Time{})
}

// Account reads the minutes of a campaign's account between two moments, oldest first.
func (s Campaigns) Account(ctx context.Context, campaignID int64, from, to time.Time) ([]dialer.AccountSpan, error) {
	return s.accountOf(ctx, campaignID, from, to)
}

func (s *db) accountOf(ctx context.Context, campaignID int64, from, to time.Time) ([]dialer.AccountSpan, error) {
	if to.IsZero() {
		to = time.UnixMilli(1 << 53)
	}
	list, err := all(ctx, s, func(row scanner) (p dialer.AccountSpan, err error) {
		err = row.Scan(moment{&p.Begin}, &p.Connected, &p.Abandoned, &p.HungUp, &p.Machines, &p.Mistaken)
		return p, err
	}, `SELECT minute, connected, abandoned, hung_up, machines, mistaken FROM pacing_minutes
		WHERE campaign_id = $1 AND minute >= $2 AND minute < $3 ORDER BY minute`, campaignID, at(from.Truncate(time.Minute)), at(to))
	if err != nil {
		return nil, fmt.Errorf("store: account of campaign %d: %w", campaignID, err)
	}
	return list, nil
}

// Shown is what the pacer's calls of a campaign have shown. See [dialer.Store].
func (s Dialing) Shown(ctx context.Context, campaignID int64, from, to time.Time) (dialer.Shown, error) {
	shown, err := one(ctx, s.db, func(row scanner) (p dialer.Shown, err error) {
		var answered int
		var ring, talk, wrap float64 // milliseconds
		err = row.Scan(&p.Worth, &answered, orZero(&ring), orZero(&talk), orZero(&wrap))
		if p.Worth > 0 {
			p.AnswerRate = float64(answered) / p.Worth
		}
		p.RingTime, p.Talk, p.Wrap = ring/1000, talk/1000, wrap/1000
		return p, err
	}, `SELECT count(*), count(a.up_at), CAST(avg(a.up_at - a.dialed_at) AS DOUBLE PRECISION),
			CAST(avg(CASE WHEN a.agent_id IS NOT NULL THEN a.ended_at - a.answered_at END) AS DOUBLE PRECISION),
			CAST(avg(CASE WHEN a.code_set_at > a.ended_at THEN a.code_set_at - a.ended_at END) AS DOUBLE PRECISION)
		FROM (SELECT COALESCE(picked_up_at, answered_at) AS up_at, dialed_at, agent_id, ended_at, answered_at, code_set_at FROM attempts
			WHERE campaign_id = $1 AND id >= $2 AND id < $3 AND dialed_at >= $4 AND dialed_at < $5 AND state = 'closed' AND NOT fault
			AND origin = 'automatic') AS a`,
		campaignID, ids.Least(from), ids.Least(to.Add(2*time.Hour)), at(from), at(to))
	if err != nil {
		return dialer.Shown{}, fmt.Errorf("store: what campaign %d has shown: %w", campaignID, err)
	}
	return shown, nil
}

// ForgetAccounts drops what no cap is counted by any more, and records that are too old.
func (s Dialing) ForgetAccounts(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, `DELETE FROM pacing_minutes WHERE minute < $1`, at(now.Add(-accountKept)))
	if err != nil {
		return fmt.Errorf("store: forget accounts: %w", err)
	}
	return s.forgetRecords(ctx, now)
}
