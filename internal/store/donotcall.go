package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Bar puts a number (E.164), a person by the CRM's id, or both on the do-not-call list; what is on it already stays as it
// was, unless the new entry holds longer or protects. Once it has returned neither is claimed or dialed any more, and
// their waiting contacts are put off, or finished.
func (s Contacts) Bar(ctx context.Context, b campaigns.Barred) error {
	err := s.inTx(ctx, func(t *tx) error {
		if err := t.bar(ctx, b); err != nil {
			return err
		}
		if b.CRMID != "" { // a call to one of the person's numbers by hand is planned by the number
			if err := t.touch(ctx, b.At, subject{crmID: b.CRMID}); err != nil {
				return err
			}
		}
		return t.listedNow(ctx, []campaigns.Barred{b}, b.At)
	})
	if err != nil {
		return fmt.Errorf("store: do-not-call list: %w", err)
	}
	return nil
}

// BarAll is Bar for a part of a list, all of it or nothing. It returns how many numbers and people are new on the list,
// or on it for longer.
func (s Contacts) BarAll(ctx context.Context, list []campaigns.Barred) (added int, err error) {
	if len(list) == 0 {
		return 0, nil
	}
	err = s.inTx(ctx, func(t *tx) error {
		if added, err = t.barHalves(ctx, list); err != nil {
			return err
		}
		var people []subject
		for _, b := range list {
			if b.CRMID != "" {
				people = append(people, subject{crmID: b.CRMID})
			}
		}
		if err := t.touch(ctx, list[0].At, people...); err != nil {
			return err
		}
		return t.listedNow(ctx, list, list[0].At)
	})
	if err != nil {
		return 0, fmt.Errorf("store: do-not-call list: %w", err)
	}
	return added, nil
}

func (t *tx) bar(ctx context.Context, b campaigns.Barred) error {
	insert := func(number, crmID string) {
		t.later(`INSERT INTO do_not_call (number, crm_id, reason, source, protected, made_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			orNull(number), orNull(crmID), b.Reason, b.Source, b.Protected, b.MadeBy, at(b.At), at(b.Expires))
	}
	insert(b.Number, b.CRMID)
	// One half may have been on the list already, which kept the whole entry out.
	inserted, err := t.flush(ctx)
	if err == nil && inserted[len(inserted)-1] == 0 {
		_, err = t.barHalves(ctx, []campaigns.Barred{b})
	}
	return err
}

// barredHalf is a number or a person on its way onto the list.
type barredHalf struct {
	Key       string `json:"key"`
	Reason    string `json:"reason"`
	Source    string `json:"source"`
	Protected bool   `json:"protected"`
	MadeBy    string `json:"made_by"`
	At        *int64 `json:"at"`
	Expires   *int64 `json:"expires"`
}

// barHalves puts numbers and people on the list, each in an entry of its own. Of two entries for one the stricter is
// kept: the one that holds longer, and it protects if one of them does.
func (t *tx) barHalves(ctx context.Context, list []campaigns.Barred) (changed int, err error) {
	for _, half := range []string{"number", "crm_id"} {
		var rows []barredHalf
		place := map[string]int{} // one statement may change a row once
		for _, b := range list {
			r := barredHalf{b.CRMID, b.Reason, b.Source, b.Protected, b.MadeBy, millis(b.At), millis(b.Expires)}
			if half == "number" {
				r.Key = b.Number
			}
			if r.Key == "" {
				continue
			}
			i, there := place[r.Key]
			if !there {
				place[r.Key] = len(rows)
				rows = append(rows, r)
				continue
			}
			protected := rows[i].Protected || r.Protected
			if was := rows[i].Expires; was != nil && (r.Expires == nil || *r.Expires > *was) {
				rows[i] = r
			}
			rows[i].Protected = protected
		}
		if len(rows) == 0 {
			continue
		}
		slices.SortFunc(rows, func(a, b barredHalf) int { return strings.Compare(a.Key, b.Key) }) // always in one order: no deadlock
		n, err := t.exec(ctx, fmt.Sprintf(insertBarred, half), rowset(rows))
		if err != nil {
			return 0, err
		}
		changed += int(n)
	}
	return changed, nil
}

const insertBarred = `INSERT INTO do_not_call (%[1]s, reason, source, protected, made_by, created_at, expires_at)
	SELECT r.key, r.reason, r.source, r.protected, r.made_by, r.at, r.expires
	FROM ROWS($1: key TEXT, reason TEXT, source TEXT, protected BOOLEAN, made_by TEXT, at BIGINT, expires BIGINT) AS r WHERE TRUE
	ON CONFLICT (%[1]s) DO UPDATE SET reason = excluded.reason, source = excluded.source, made_by = excluded.made_by,
		created_at = excluded.created_at,
		protected = excluded.protected OR (do_not_call.protected AND (do_not_call.expires_at IS NULL OR do_not_call.expires_at >
		excluded.created_at)),
		expires_at = CASE WHEN do_not_call.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
			WHEN do_not_call.expires_at > excluded.expires_at THEN do_not_call.expires_at ELSE excluded.expires_at END
	WHERE (do_not_call.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > do_not_call.expires_at))
		OR (excluded.protected AND NOT do_not_call.protected)`

// Unbar takes a number or a person off the do-not-call list; whom it has put off is due again. False: neither was on it.
func (s Contacts) Unbar(ctx context.Context, number, crmID string, now time.Time) (bool, error) {
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
		if there = a+b+c > 0; err != nil || !there {
			return err
		}
		who := subject{crmID: crmID}
		if number != "" {
			who.numbers = []string{number}
		}
		return t.wake(ctx, now, who)
	})
	if err != nil {
		return false, fmt.Errorf("store: do-not-call list: %w", err)
	}
	return there, nil
}

const barredColumns = `d.id, d.number, d.crm_id, d.reason, d.source, d.protected, d.made_by, d.created_at, d.expires_at`

func scanBarred(row scanner) (b campaigns.Barred, err error) {
	err = row.Scan(&b.ID, orZero(&b.Number), orZero(&b.CRMID), &b.Reason, &b.Source, &b.Protected, &b.MadeBy, moment{&b.At},
		moment{&b.Expires})
	return b, err
}

// BarredBy looks up what bars calls to a person, to a number, or to a person on a number at a moment, as the gate does:
// entries of the number and of all CRM ids of the person; for a number alone, those of everybody who has it. nil: nothing
// does.
func (s Contacts) BarredBy(ctx context.Context, number, crmID string, now time.Time) ([]campaigns.Barred, error) {
	who := subject{crmID: crmID}
	if number != "" {
		who.numbers = []string{number}
	}
	relations, err := s.kin(ctx, s, []subject{who})
	if err != nil {
		return nil, err
	}
	before, ids, numbers, err := s.erasedOf(ctx, s, relations[0].ids, who.numbers)
	if err != nil {
		return nil, err
	}
	list, err := all(ctx, s, scanBarred, `SELECT `+barredColumns+` FROM do_not_call d WHERE d.number = ANY($1) AND `+barsAt("$3")+`
		UNION SELECT `+barredColumns+` FROM do_not_call d WHERE d.crm_id = ANY($2) AND `+barsAt("$3")+` ORDER BY id DESC LIMIT 100`,
		numbers, ids, at(now))
	if err != nil {
		return nil, fmt.Errorf("store: do-not-call list: %w", err)
	}
	for i := range list { // an entry that is kept of somebody who was erased is told by what was asked
		list[i].Number = before.number(list[i].Number)
		list[i].CRMID = before.people(list[i].CRMID)[0]
	}
	return list, nil
}

// barsAt is the condition that an entry d of the list bars at a moment.
func barsAt(moment string) string {
	return "(d.expires_at IS NULL OR d.expires_at > CAST(" + moment + " AS BIGINT))"
}

// BarredList lists entries of the do-not-call list, newest first, those with ids below before (zero: from the newest); a
// number or CRM id selects its entries.
func (s Contacts) BarredList(ctx context.Context, number, crmID string, before int64, limit int) ([]campaigns.Barred, error) {
	list, err := all(ctx, s, scanBarred, `SELECT `+barredColumns+` FROM do_not_call d
		WHERE ($1 = '' OR number = $1) AND ($2 = '' OR crm_id = $2) AND (CAST($3 AS BIGINT) = 0 OR id < $3) ORDER BY id DESC LIMIT $4`,
		number, crmID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: do-not-call list: %w", err)
	}
	return list, nil
}
