package store

import (
	"context"
	"fmt"
	"time"
)

const (
	recordsKept = 8 * 24 * time.Hour
	mostRecords = 5000 // of a day: three nodes, each a minute, and more
)

// KeepRecord keeps a part of a campaign's day. See [dialer.Store].
func (s *db) KeepRecord(ctx context.Context, campaignID int64, node string, begin time.Time, body []byte) error {
	_, err := s.exec(ctx, `INSERT INTO pacing_records (campaign_id, begin_at, node, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, campaignID, at(begin), node, body)
	if err != nil {
		return fmt.Errorf("store: keep a record of campaign %d: %w", campaignID, err)
	}
	return nil
}

// Records reads the parts of a campaign's day that begin between two moments, in their order, of all nodes.
func (s Campaigns) Records(ctx context.Context, campaignID int64, from, to time.Time) ([][]byte, error) {
	list, err := all(ctx, s, func(row scanner) (body []byte, err error) { return body, row.Scan(&body) },
		`SELECT body FROM pacing_records WHERE campaign_id = $1 AND begin_at >= $2 AND begin_at < $3 ORDER BY begin_at, node
		LIMIT $4`, campaignID, at(from), at(to), mostRecords)
	if err != nil {
		return nil, fmt.Errorf("store: records of campaign %d: %w", campaignID, err)
	}
	return list, nil
}

func (s *db) forgetRecords(ctx context.Context, now time.Time) error {
	if _, err := s.exec(ctx, `DELETE FROM pacing_records WHERE begin_at < $1`, at(now.Add(-recordsKept))); err != nil {
		return fmt.Errorf("store: forget records: %w", err)
	}
	return nil
}
