package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const interactionColumns = `id, external_id, kind, crm_id, number, at, ring_ms, talk_ms, automatic, meaningful, note, made_by, created_at`

func scanInteraction(row scanner) (i campaigns.Interaction, err error) {
	var meaningful *bool
	err = row.Scan(&i.ID, &i.ExternalID, &i.Kind, orZero(&i.CRMID), orZero(&i.Number), moment{&i.At}, span{&i.Ring}, span{&i.Talk},
		&i.Automatic,
		&meaningful, &i.Note, &i.MadeBy, moment{&i.CreatedAt})
	i.Meaningful = meaningful
	return i, err
}

// met lists what happened with people outside of our calls.
func (s *db) met(ctx context.Context, q querier, crmIDs, numbers []string, since time.Time) ([]pastCall, error) {
	list, err := all(ctx, q, func(row scanner) (pastCall, error) {
		i, err := scanInteraction(row)
		return pastCall{i.Past(), i.CRMID}, err
	}, `SELECT `+interactionColumns+` FROM interactions WHERE crm_id = ANY($1) AND at > $3
		UNION SELECT `+interactionColumns+` FROM interactions WHERE number = ANY($2) AND at > $3 ORDER BY at`, crmIDs, numbers,
		at(since))
	if err != nil {
		return nil, fmt.Errorf("store: interactions: %w", err)
	}
	return list, nil
}

// Meet notes that a person was met outside of our calls; created is false when the CRM has told it before. ErrConflict: it has
// told something else by this id.
func (s People) Meet(ctx context.Context, i campaigns.Interaction, now time.Time) (noted campaigns.Interaction, created bool,
	err error) {
	err = s.inTx(ctx, func(t *tx) error {
		created = false
		noted, err = one(ctx, t, scanInteraction, `INSERT INTO interactions (external_id, kind, crm_id, number, at, ring_ms, talk_ms,
			automatic,
				meaningful, note, made_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (external_id) DO NOTHING RETURNING `+interactionColumns,
			i.ExternalID, string(i.Kind), orNull(i.CRMID), orNull(i.Number), at(i.At), i.Ring.Milliseconds(), i.Talk.Milliseconds(),
			i.Automatic,
			i.Meaningful, i.Note, i.MadeBy, at(now))
		if errors.Is(err, ErrNotFound) {
			noted, err = one(ctx, t, scanInteraction, `SELECT `+interactionColumns+` FROM interactions WHERE external_id = $1`,
				i.ExternalID)
			if err == nil && !noted.Same(&i) {
				err = contradiction(whyToldBefore(i.ExternalID))
			}
			return err
		}
		if err != nil {
			return err
		}
		created = true
		who := subject{crmID: i.CRMID}
		if i.Number != "" {
			who.numbers = []string{i.Number}
		}
		if err := t.touch(ctx, now, who); err != nil {
			return err
		}
		kin, err := t.db.kin(ctx, t, []subject{who}) // a contact without a CRM id may be anybody who has one of its numbers
		for _, r := range kin {
			t.metAfter(now, subject{numbers: r.numbers})
			t.metAfter(now, subjectsOf(r.ids)...)
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrConflict) {
		err = fmt.Errorf("store: interaction: %w", err)
	}
	return noted, created, err
}

// Interactions lists what happened with people outside of our calls, the latest told first: those with ids below before (zero:
// from the latest), of a person or a number; empty: of everybody.
func (s People) Interactions(ctx context.Context, crmID, number string, before int64, limit int) ([]campaigns.Interaction,
	error) {
	list, err := all(ctx, s, scanInteraction, `SELECT `+interactionColumns+` FROM interactions
		WHERE ($1 = '' OR crm_id = $1) AND ($2 = '' OR number = $2) AND (CAST($3 AS BIGINT) = 0 OR id < $3) ORDER BY id DESC LIMIT $4`,
		crmID, number, before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: interactions: %w", err)
	}
	return list, nil
}
