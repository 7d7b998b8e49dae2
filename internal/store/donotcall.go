package store

import (
	"context"
	"fmt"

	"github.com/creditorro/ringmaster/campaigns"
)

// Bar puts a number (E.164), a person by the CRM's id, or both on the do-not-call list; what is on it already stays as it
// was. Once it is answered neither is claimed or dialed any more; waiting contacts find out at their next plan.
func (s Contacts) Bar(ctx context.Context, b campaigns.Barred) error {
	err := s.inTx(ctx, func(t *tx) error {
		if err := t.bar(ctx, b); err != nil || b.CRMID == "" {
			return err
		}
		return t.touch(ctx, subject{crmID: b.CRMID}, b.At) // a call to one of the person's numbers by hand is planned by the number
	})
	if err != nil {
		return fmt.Errorf("store: do-not-call list: %w", err)
	}
	return nil
}

func (t *tx) bar(ctx context.Context, b campaigns.Barred) error {
	insert := func(number, crmID string) {
		t.later(`INSERT INTO do_not_call (number, crm_id, reason, made_by, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`,
			orNull(number), orNull(crmID), b.Reason, b.MadeBy, at(b.At))
	}
	insert(b.Number, b.CRMID)
	if b.Number == "" || b.CRMID == "" {
		return nil
	}
	// One half may have been on the list already, which kept the whole entry out.
	inserted, err := t.flush(ctx)
	if err == nil && inserted[len(inserted)-1] == 0 {
		insert(b.Number, "")
		insert("", b.CRMID)
	}
	return err
}

// Unbar takes a number or a person off the do-not-call list. False: neither was on it.
func (s Contacts) Unbar(ctx context.Context, number, crmID string) (bool, error) {
	var there bool
	err := s.inTx(ctx, func(t *tx) error {
		a, err := t.exec(ctx, `UPDATE do_not_call SET number = NULL WHERE number = $1 AND crm_id IS NOT NULL AND crm_id <> $2`,
			number, crmID)
		if err != nil {
			return err
		}
		b, err := t.exec(ctx, `UPDATE do_not_call SET crm_id = NULL WHERE crm_id = $2 AND number IS NOT NULL AND number <> $1`,
			number, crmID)
		if err != nil {
			return err
		}
		c, err := t.exec(ctx, `DELETE FROM do_not_call WHERE number = $1 OR crm_id = $2`, number, crmID)
		there = a+b+c > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store: do-not-call list: %w", err)
	}
	return there, nil
}

// BarredList lists entries of the do-not-call list, newest first, those with ids below before (zero: from the newest); a number
// or CRM id selects its entries.
func (s Contacts) BarredList(ctx context.Context, number, crmID string, before int64, limit int) ([]campaigns.Barred, error) {
	list, err := all(ctx, s, func(row scanner) (b campaigns.Barred, err error) {
		err = row.Scan(&b.ID, orZero(&b.Number), orZero(&b.CRMID), &b.Reason, &b.MadeBy, moment{&b.At})
		return b, err
	}, `SELECT id, number, crm_id, reason, made_by, created_at FROM do_not_call
		WHERE ($1 = '' OR number = $1) AND ($2 = '' OR crm_id = $2) AND (CAST($3 AS BIGINT) = 0 OR id < $3) ORDER BY id DESC LIMIT $4`,
		number, crmID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: do-not-call list: %w", err)
	}
	return list, nil
}
