package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// mayRing is what must hold of an attempt in the very statement that claims it, and again in the one that lets the
// customer's phone be dialed: the campaign runs (for a call by hand it is enough that nobody stopped it) and neither
// number nor person is on the do-not-call list.
const mayRing = `EXISTS (SELECT 1 FROM campaigns c WHERE c.id = attempts.campaign_id
		AND (c.status = 'running' OR (attempts.origin = 'manual' AND c.status <> 'stopped')))
	AND NOT EXISTS (SELECT 1 FROM do_not_call d WHERE d.number = attempts.number)
	AND NOT EXISTS (SELECT 1 FROM do_not_call d WHERE d.crm_id = attempts.person)`

// historyLimit bounds Claimed.History.
const historyLimit = 20

// Claim takes a prepared attempt for owner. See [dialer.Store].
func (s *Store) Claim(ctx context.Context, id dialer.AttemptID, owner string, agentID int64, lease time.Duration, now time.Time) (dialer.Claimed, error) {
	var claimed dialer.Claimed
	var version int64
	_, err := one(ctx, changing{s}, func(row scanner) (struct{}, error) {
		return struct{}{}, row.Scan(append(attemptFields(&claimed.Attempt), &version)...)
	}, `UPDATE attempts SET state = 'dialing', owner = $2, agent_id = COALESCE($3, agent_id), fence = fence + 1, lease_until = $4, claimed_at = $5
		WHERE id = $1 AND state = 'prepared' AND valid_until > $5 AND `+mayRing+`
		RETURNING `+attemptColumns+`, (SELECT c.version FROM campaigns c WHERE c.id = attempts.campaign_id)`,
		int64(id), owner, orNull(agentID), at(now.Add(lease)), at(now))
	if errors.Is(err, ErrNotFound) {
		return dialer.Claimed{}, dialer.ErrNotClaimed
	}
	if err != nil {
		return dialer.Claimed{}, fmt.Errorf("store: claim attempt %s: %w", id, err)
	}
	// From here on the attempt is ours; should its company not be found, the lease runs out and it is closed undialed.
	if claimed.Campaign, err = s.campaignAt(ctx, s, claimed.Attempt.CampaignID, version); err != nil {
		return dialer.Claimed{}, err
	}
	contactID := claimed.Attempt.ContactID
	if contactID == 0 {
		return claimed, nil
	}
	if claimed.Contact, err = s.Contact(ctx, contactID); err != nil {
		return dialer.Claimed{}, err
	}
	if claimed.Attempt.Ordinal > 1 {
		claimed.History, err = all(ctx, s, scanAttempt, `SELECT `+attemptColumns+` FROM attempts
			WHERE contact_id = $1 AND ordinal < $2 AND state = 'closed' ORDER BY ordinal DESC LIMIT $3`,
			contactID, claimed.Attempt.Ordinal, historyLimit)
		if err != nil {
			return dialer.Claimed{}, fmt.Errorf("store: history of contact %d: %w", contactID, err)
		}
	}
	return claimed, nil
}

// Renew extends the leases of owner's attempts and answers those that are still its own.
func (s *Store) Renew(ctx context.Context, owner string, of []dialer.AttemptID, lease time.Duration, now time.Time) ([]dialer.AttemptID, error) {
	numbers := make([]int64, len(of))
	for i, id := range of {
		numbers[i] = int64(id)
	}
	kept, err := all(ctx, changing{s}, func(row scanner) (id dialer.AttemptID, err error) {
		err = row.Scan(&id)
		return id, err
	}, `UPDATE attempts SET lease_until = $3 WHERE id = ANY($1) AND owner = $2 AND state IN ('dialing', 'answered') RETURNING id`,
		numbers, owner, at(now.Add(lease)))
	if err != nil {
		return nil, fmt.Errorf("store: renew leases of %s: %w", owner, err)
	}
	return kept, nil
}

// Dialed commits that the customer's phone is about to ring. See [dialer.Store].
func (s *Store) Dialed(ctx context.Context, id dialer.AttemptID, owner string, fence int64, now time.Time) error {
	n, err := s.exec(ctx, `UPDATE attempts SET dialed_at = $4
		WHERE id = $1 AND owner = $2 AND fence = $3 AND state = 'dialing' AND dialed_at IS NULL AND `+mayRing,
		int64(id), owner, fence, at(now))
	if err != nil {
		return fmt.Errorf("store: attempt %s dialed: %w", id, err)
	}
	if n == 0 {
		return dialer.ErrFenced
	}
	return nil
}

// Answered commits that both sides talk, with the calltraceid; it writes call.answered.
func (s *Store) Answered(ctx context.Context, id dialer.AttemptID, owner string, fence int64, trace string, now time.Time) error {
	return s.inTx(ctx, func(t *tx) error {
		h, err := t.hold(ctx, id, "")
		if err != nil {
			return err
		}
		if h.Owner != owner || h.Fence != fence || h.State != dialer.Dialing || h.DialedAt.IsZero() {
			return dialer.ErrFenced
		}
		h.State, h.AnsweredAt = dialer.InTalk, now
		if trace != "" {
			h.CallTraceID = trace
		}
		t.later(`UPDATE attempts SET state = 'answered', answered_at = $2, calltraceid = $3 WHERE id = $1`,
			int64(id), at(now), orNull(h.CallTraceID))
		if err := t.tell(ctx, h, webhook.CallAnswered, nil, "", now); err != nil || h.contact == nil {
			return err
		}
		return t.save(h.contact, now)
	})
}

// Cancel gives up an attempt that is still prepared; the contact is due again as it was. False: it was not prepared.
func (s *Store) Cancel(ctx context.Context, id dialer.AttemptID, reason string, now time.Time) (bool, error) {
	n, err := s.cancel(ctx, reason, now, `id = $3 AND state = 'prepared'`, int64(id))
	return n > 0, err
}

// CancelStale cancels what was prepared before the moment given and never claimed; it answers how many.
func (s *Store) CancelStale(ctx context.Context, before, now time.Time) (int, error) {
	return s.cancel(ctx, "not claimed in time", now, `ended_at IS NULL AND state = 'prepared' AND prepared_at < $3`, at(before))
}

func (s *Store) cancel(ctx context.Context, reason string, now time.Time, which string, arg any) (n int, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		contacts, err := all(ctx, t, func(row scanner) (id int64, err error) {
			err = row.Scan(orZero(&id))
			return id, err
		}, `UPDATE attempts SET state = 'cancelled', cause = $1, ended_at = $2 WHERE `+which+` RETURNING contact_id`, reason, at(now), arg)
		if err != nil {
			return err
		}
		n = len(contacts)
		// What a calling contact's row has kept says where it stood.
		t.later(`UPDATE contacts SET state = CASE WHEN reason IS NULL THEN 'waiting' ELSE 'finished' END
			WHERE id = ANY($1) AND state = 'calling'`, contacts)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("store: cancel attempts: %w", err)
	}
	return n, nil
}
