package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

// Audit notes what somebody did.
func (s Audits) Audit(ctx context.Context, a access.Audit) error {
	_, err := s.exec(ctx, insertAudit, at(a.At), a.Who, a.What, a.Object, a.Detail, orNull(string(a.Before)),
		orNull(string(a.After)))
	if err != nil {
		return fmt.Errorf("store: audit: %w", err)
	}
	return nil
}

const insertAudit = `INSERT INTO audit (at, who, what, object, detail, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// audit notes it in the transaction that does it.
func (t *tx) audit(who, what, object, detail string, now time.Time) {
	t.later(insertAudit, at(now), who, what, object, detail, nil, nil)
}

// auditChange notes from what to what something was changed; nil: it was not there, or is no more.
func (t *tx) auditChange(who, what, object, detail string, before, after any, now time.Time) {
	t.later(insertAudit, at(now), who, what, object, detail, jsonOrNull(before), jsonOrNull(after))
}

func jsonOrNull(v any) any {
	if v == nil {
		return nil
	}
	text, _ := json.Marshal(v) // numbers, texts and lists of them cannot fail
	return string(text)
}

// AuditEntry is an entry of the audit log with its place in it.
type AuditEntry = access.AuditEntry

// AuditLog lists what was done, the latest first: entries with an id below before (zero: all), at most limit.
func (s Audits) AuditLog(ctx context.Context, before int64, limit int) ([]AuditEntry, error) {
	return s.AuditEntries(ctx, access.AuditFilter{}, before, limit)
}

// AuditEntries lists what was done, the latest first: entries with an id below before (zero: all), at most limit.
func (s Audits) AuditEntries(ctx context.Context, f access.AuditFilter, before int64, limit int) ([]AuditEntry, error) {
	if before == 0 {
		before = 1 << 62
	}
	// Only what filters stands in the query, so that the database can choose the index that fits.
	query, args := `SELECT id, at, who, what, object, detail, before, after FROM audit WHERE id < $1`, []any{before}
	where := func(condition string, set bool, arg any) {
		if set {
			args = append(args, arg)
			query += " AND " + condition + " $" + strconv.Itoa(len(args))
		}
	}
	where("who =", f.Who != "", f.Who)
	where("what =", f.What != "", f.What)
	where("object =", f.Object != "", f.Object)
	where("at >=", !f.From.IsZero(), at(f.From))
	where("at <", !f.To.IsZero(), at(f.To))
	for _, word := range f.Without {
		where("what NOT LIKE", true, word+".%")
	}
	args = append(args, limit)
	list, err := all(ctx, s, func(row scanner) (e AuditEntry, err error) {
		var was, is string
		err = row.Scan(&e.ID, moment{&e.At}, &e.Who, &e.What, &e.Object, &e.Detail, orZero(&was), orZero(&is))
		if was != "" {
			e.Before = json.RawMessage(was)
		}
		if is != "" {
			e.After = json.RawMessage(is)
		}
		return e, err
	}, query+` ORDER BY id DESC LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("store: audit log: %w", err)
	}
	return list, nil
}
