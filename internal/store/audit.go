package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

// Audit notes what somebody did.
func (s Audits) Audit(ctx context.Context, a access.Audit) error {
	_, err := s.exec(ctx, insertAudit, at(a.At), a.Who, a.What, a.Object, a.Detail)
	if err != nil {
		return fmt.Errorf("store: audit: %w", err)
	}
	return nil
}

const insertAudit = `INSERT INTO audit (at, who, what, object, detail) VALUES ($1, $2, $3, $4, $5)`

// audit notes it in the transaction that does it.
func (t *tx) audit(who, what, object, detail string, now time.Time) {
	t.later(insertAudit, at(now), who, what, object, detail)
}

// AuditEntry is an entry of the audit log with its place in it.
type AuditEntry struct {
	ID int64
	access.Audit
}

// AuditLog lists what was done, the latest first: entries with an id below before (zero: all), at most limit.
func (s Audits) AuditLog(ctx context.Context, before int64, limit int) ([]AuditEntry, error) {
	list, err := all(ctx, s, func(row scanner) (e AuditEntry, err error) {
		err = row.Scan(&e.ID, moment{&e.At}, &e.Who, &e.What, &e.Object, &e.Detail)
		return e, err
	}, `SELECT id, at, who, what, object, detail FROM audit WHERE CAST($1 AS BIGINT) = 0 OR id < $1 ORDER BY id DESC LIMIT $2`,
		before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: audit log: %w", err)
	}
	return list, nil
}
