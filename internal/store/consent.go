package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const consentColumns = `id, crm_id, kind, number, campaign_id, days, from_ms, to_ms, at, source, given_at, expires_at, made_by, withdrawn_at,
	withdrawn_by`

func scanConsent(row scanner) (c campaigns.Consent, err error) {
	var days string
	err = row.Scan(&c.ID, &c.CRMID, &c.Kind, orZero(&c.Number), orZero(&c.CampaignID), &days, span{&c.From}, span{&c.To},
		moment{&c.At}, &c.Source,
		moment{&c.GivenAt}, moment{&c.ExpiresAt}, &c.MadeBy, moment{&c.WithdrawnAt}, &c.WithdrawnBy)
	for _, d := range days {
		c.Days = append(c.Days, time.Weekday(d-'0'))
	}
	return c, err
}

const insertConsent = `INSERT INTO consents (crm_id, kind, number, campaign_id, days, from_ms, to_ms, at, source, given_at,
	expires_at, made_by)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

func consentRow(c campaigns.Consent) []any {
	var days strings.Builder
	for _, d := range c.Days {
		fmt.Fprint(&days, int(d))
	}
	return []any{c.CRMID, string(c.Kind), orNull(c.Number), orNull(c.CampaignID), days.String(), c.From.Milliseconds(),
		c.To.Milliseconds(), at(c.At),
		c.Source, at(c.GivenAt), at(c.ExpiresAt), c.MadeBy}
}

// Consent notes what a person permits or wishes. It is audited. What was planned for the person before is planned anew.
func (s People) Consent(ctx context.Context, c campaigns.Consent, now time.Time) (noted campaigns.Consent, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		noted, err = one(ctx, t, scanConsent, insertConsent+` RETURNING `+consentColumns, consentRow(c)...)
		if err != nil {
			return err
		}
		t.anywhere([]string{c.CRMID})
		t.audit(c.MadeBy, "consent.add", "person/"+c.CRMID, fmt.Sprintf("%d: %s, by %s", noted.ID, c.Kind, c.Source), now)
		return t.touchAndWake(ctx, now, subject{crmID: c.CRMID})
	})
	if err != nil {
		return noted, fmt.Errorf("store: consent: %w", err)
	}
	return noted, nil
}

// Withdraw ends a consent, for the reason given; one that is withdrawn stays as it was.
func (s People) Withdraw(ctx context.Context, id int64, who, why string, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		c, err := one(ctx, t, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE id = $1 FOR UPDATE`, id)
		if err != nil || !c.WithdrawnAt.IsZero() {
			return err
		}
		t.later(`UPDATE consents SET withdrawn_at = $2, withdrawn_by = $3 WHERE id = $1`, id, at(now), who)
		t.audit(who, "consent.withdraw", "person/"+c.CRMID, fmt.Sprintf("%d: %s; reason: %s", id, c.Kind, why), now)
		return t.touchAndWake(ctx, now, subject{crmID: c.CRMID})
	})
	if err != nil {
		return fmt.Errorf("store: withdraw consent %d: %w", id, err)
	}
	return nil
}

// Consents lists what a person has permitted and wished, also what is over, the latest first: those with ids below before (zero:
// from the latest); an empty id is everybody.
func (s People) Consents(ctx context.Context, crmID string, before int64, limit int) ([]campaigns.Consent, error) {
	list, err := all(ctx, s, scanConsent, `SELECT `+consentColumns+` FROM consents
		WHERE ($1 = '' OR crm_id = $1) AND (CAST($2 AS BIGINT) = 0 OR id < $2) ORDER BY id DESC LIMIT $3`, crmID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: consents: %w", err)
	}
	return list, nil
}

// consents are those in force, by CRM id.
func (s *db) consents(ctx context.Context, q querier, crmIDs []string, now time.Time) (map[string][]campaigns.Consent, error) {
	byID := map[string][]campaigns.Consent{}
	if len(crmIDs) == 0 {
		return byID, nil
	}
	list, err := all(ctx, q, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE crm_id = ANY($1) AND withdrawn_at IS NULL
		AND (expires_at IS NULL OR expires_at > $2) ORDER BY id`, crmIDs, at(now))
	if err != nil {
		return nil, fmt.Errorf("store: consents: %w", err)
	}
	for _, c := range list {
		byID[c.CRMID] = append(byID[c.CRMID], c)
	}
	return byID, nil
}

// wish notes that a person asked to be called at a moment; it returns by what the promise finds the wish, nothing for nobody we
// know by id.
func (t *tx) wish(c *contact, when time.Time, source, madeBy string, now time.Time) string {
	if c.CRMID == "" || !when.After(now) {
		return ""
	}
	t.later(insertConsent, consentRow(campaigns.Consent{CRMID: c.CRMID, Kind: campaigns.CallMeAt, At: when, Source: source,
		GivenAt: now, MadeBy: madeBy})...)
	t.anywhere([]string{c.CRMID})
	t.wakeAfter(now, subject{crmID: c.CRMID})
	return source
}

// unwish takes back what an attempt's earlier code said that the person wished, and with withdraws all that the person has
// permitted.
func (t *tx) unwish(ctx context.Context, h *locked, withdraws bool, who string, now time.Time) error {
	if !h.CodeSetAt.IsZero() {
		n, err := t.exec(ctx, `UPDATE consents SET withdrawn_at = $2, withdrawn_by = $3 WHERE source = $1 AND withdrawn_at IS NULL`,
			"attempt/"+h.ID.String(), at(now), who)
		if err != nil {
			return err
		}
		if n > 0 && h.contact != nil {
			t.wakeAfter(now, subjectOf(h.contact))
			if err := t.touch(ctx, now, subjectOf(h.contact)); err != nil {
				return err
			}
		}
	}
	if !withdraws || h.contact == nil || h.contact.CRMID == "" {
		return nil
	}
	relations, err := t.db.kin(ctx, t, []subject{{crmID: h.contact.CRMID}})
	if err != nil {
		return err
	}
	t.later(`UPDATE consents SET withdrawn_at = $2, withdrawn_by = $3 WHERE crm_id = ANY($1) AND withdrawn_at IS NULL AND kind <>
		'not_number'`,
		relations[0].ids, at(now), who)
	t.audit(who, "consent.withdraw", "person/"+h.contact.CRMID, "all, by call code "+h.Code, now)
	return t.touch(ctx, now, subject{crmID: h.contact.CRMID})
}
