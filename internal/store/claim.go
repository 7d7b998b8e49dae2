package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/webhook"
)

// mayRing is what must hold of an attempt in the very statement that claims it, and again in the one that lets the
// customer's phone be dialed: the campaign runs (for a call by hand it may have finished, too) by the rules of the plan, neither
// number nor person is on the do-not-call list, and nothing has happened since the plan has looked that may forbid it: nothing
// was recorded of them, and no other call to them took place. What the plan has seen is compared, not moments: of two things in
// one millisecond nobody could tell which was first. Attempts without it were planned by a version that compared moments.
const mayRing = `EXISTS (SELECT 1 FROM campaigns c WHERE c.id = attempts.campaign_id
		AND (c.status = 'running' OR (attempts.origin = 'manual' AND c.status = 'finished'))
		AND (attempts.rules_seen IS NULL OR c.rules_at <= attempts.rules_seen))
	AND NOT EXISTS (SELECT 1 FROM do_not_call d WHERE d.number = attempts.number AND (d.expires_at IS NULL OR d.expires_at > r.now))
	AND NOT EXISTS (SELECT 1 FROM do_not_call d WHERE d.crm_id = attempts.person AND (d.expires_at IS NULL OR d.expires_at > r.now))
	AND NOT EXISTS (SELECT 1 FROM merged_people m JOIN do_not_call d ON d.crm_id = m.crm_id
		WHERE m.root = attempts.person AND (d.expires_at IS NULL OR d.expires_at > r.now))
	AND (attempts.origin = 'manual' OR NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = attempts.contact_id AND ` + cameByClosed +
	`))
	AND NOT EXISTS (SELECT 1 FROM merged_people m WHERE m.crm_id = attempts.person AND m.root <> m.crm_id)
	AND CASE WHEN attempts.changes_seen IS NULL
		THEN NOT EXISTS (SELECT 1 FROM person_changes x WHERE x.key IN (attempts.number, attempts.person) AND x.at >
		attempts.prepared_at)
		ELSE attempts.changes_seen = COALESCE((SELECT sum(x.at) FROM person_changes x WHERE x.key IN (attempts.number,
		attempts.person)), 0) END
	AND NOT EXISTS (SELECT 1 FROM attempts b WHERE b.number = attempts.number AND b.prepared_at > attempts.prepared_at - 90000000
		AND b.ended_at > attempts.prepared_at AND b.dialed_at IS NOT NULL AND b.id <> attempts.id)
	AND NOT EXISTS (SELECT 1 FROM attempts b WHERE b.person = attempts.person AND b.prepared_at > attempts.prepared_at - 90000000
		AND b.ended_at > attempts.prepared_at AND b.dialed_at IS NOT NULL AND b.id <> attempts.id)`

// historyLimit bounds Claimed.History.
const historyLimit = 20

// claim is one call of Claim.
type claim struct {
	id      dialer.AttemptID
	row     claimRow
	claimed dialer.Claimed
}

type claimRow struct {
	ID         int64  `json:"id"`
	Owner      string `json:"owner"`
	AgentID    int64  `json:"agent_id,omitempty"`
	LeaseUntil *int64 `json:"lease_until"`
	Now        *int64 `json:"now"`
}

// Claim takes a prepared attempt for owner. See [dialer.Store].
func (s Dialing) Claim(ctx context.Context, id dialer.AttemptID, owner string, agentID int64, lease time.Duration,
	now time.Time) (
	dialer.Claimed, error) {
	c := &claim{id: id, row: claimRow{int64(id), owner, agentID, millis(now.Add(lease)), millis(now)}}
	if err := s.claims.do(ctx, c); err != nil {
		return dialer.Claimed{}, err
	}
	return c.claimed, nil
}

// takeClaims is the run of the batcher of claims.
func (s *db) takeClaims(ctx context.Context, jobs []*job[*claim]) {
	rows, ids := make([]claimRow, len(jobs)), make([]int64, len(jobs))
	for i, j := range jobs {
		rows[i], ids[i] = j.ask.row, j.ask.row.ID
	}
	versions := map[dialer.AttemptID]int64{}
	list, err := changed(ctx, s, func(row scanner) (a dialer.Attempt, err error) {
		var version int64
		err = row.Scan(append(attemptFields(&a), &version)...)
		versions[a.ID] = version
		return a, err
	}, `UPDATE attempts SET state = 'dialing', owner = r.owner, agent_id = COALESCE(r.agent_id, attempts.agent_id),
			fence = attempts.fence + 1, lease_until = r.lease_until, claimed_at = r.now
		FROM ROWS($1: id BIGINT, owner TEXT, agent_id BIGINT, lease_until BIGINT, now BIGINT) AS r
		WHERE attempts.id = r.id AND attempts.id = ANY($2) AND attempts.state = 'prepared' AND attempts.valid_until > r.now
			AND `+mayRing+`
		RETURNING `+attemptColumns+`, (SELECT c.version FROM campaigns c WHERE c.id = attempts.campaign_id)`, rowset(rows), ids)
	if err != nil {
		fail(jobs, fmt.Errorf("store: claim attempts: %w", err))
		return
	}
	// From here on the attempts are ours; should their company not be found, the leases run out and they are closed undialed.
	company, err := s.company(ctx, s, list, versions)
	if err != nil {
		fail(jobs, fmt.Errorf("store: claim attempts: %w", err))
		return
	}
	for _, j := range jobs {
		c, ok := company[j.ask.id]
		if !ok {
			j.err = dialer.ErrNotClaimed
			continue
		}
		j.ask.claimed = *c
	}
}

// company gathers what Run needs to know beside the attempts.
func (s *db) company(ctx context.Context, q querier, list []dialer.Attempt, versions map[dialer.AttemptID]int64) (
	map[dialer.AttemptID]*dialer.Claimed, error) {
	found := make(map[dialer.AttemptID]*dialer.Claimed, len(list))
	byContact := make(map[int64]*dialer.Claimed, len(list))
	var contacts, again []int64
	for _, a := range list {
		campaign, err := s.campaignAt(ctx, q, a.CampaignID, versions[a.ID])
		if err != nil {
			return nil, err
		}
		found[a.ID] = &dialer.Claimed{Attempt: a, Campaign: campaign}
		if a.ContactID == 0 {
			continue
		}
		byContact[a.ContactID] = found[a.ID]
		contacts = append(contacts, a.ContactID)
		if a.Ordinal > 1 {
			again = append(again, a.ContactID)
		}
	}
	if len(contacts) == 0 {
		return found, nil
	}
	rows, err := all(ctx, q, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1)`, contacts)
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		byContact[c.ID].Contact = c.public()
	}
	if len(again) == 0 {
		return found, nil
	}
	history, err := all(ctx, q, scanAttempt, `SELECT `+attemptColumns+` FROM (
			SELECT *, row_number() OVER (PARTITION BY contact_id ORDER BY ordinal DESC) AS place
			FROM attempts WHERE contact_id = ANY($1) AND state = 'closed') AS attempts
		WHERE place <= $2 ORDER BY contact_id, ordinal DESC`, again, historyLimit)
	if err != nil {
		return nil, err
	}
	for _, a := range history {
		c := byContact[a.ContactID]
		c.History = append(c.History, a)
	}
	return found, nil
}

// Renew extends the leases of owner's attempts and returns those that are still its own.
func (s Dialing) Renew(ctx context.Context, owner string, of []dialer.AttemptID, lease time.Duration,
	now time.Time) ([]dialer.AttemptID, error) {
	kept, err := all(ctx, changing(s), func(row scanner) (id dialer.AttemptID, err error) {
		err = row.Scan(&id)
		return id, err
	}, `UPDATE attempts SET lease_until = $3 WHERE id = ANY($1) AND owner = $2 AND state IN ('dialing', 'answered') RETURNING id`,
		numbers(of), owner, at(now.Add(lease)))
	if err != nil {
		return nil, fmt.Errorf("store: renew leases of %s: %w", owner, err)
	}
	return kept, nil
}

// dial is one call of Dialed or DialedAgain.
type dial struct {
	ID    int64  `json:"id"`
	Owner string `json:"owner"`
	Fence int64  `json:"fence"`
	Quiet *int64 `json:"quiet"`
	Now   *int64 `json:"now"`
	Again bool   `json:"again"`
}

// Dialed commits that the customer's phone is about to ring. See [dialer.Store].
func (s Dialing) Dialed(ctx context.Context, id dialer.AttemptID, owner string, fence int64, quiet time.Duration,
	now time.Time) error {
	return s.dials.do(ctx, dial{int64(id), owner, fence, millis(now.Add(quiet)), millis(now), false})
}

// DialedAgain commits that the customer's phone is about to ring by another way. See [dialer.Store].
func (s Dialing) DialedAgain(ctx context.Context, id dialer.AttemptID, owner string, fence int64, quiet time.Duration,
	now time.Time) error {
	return s.dials.do(ctx, dial{int64(id), owner, fence, millis(now.Add(quiet)), millis(now), true})
}

// takeDials is the run of the batcher of dials.
func (s *db) takeDials(ctx context.Context, jobs []*job[dial]) {
	rows, ids := make([]dial, len(jobs)), make([]int64, len(jobs))
	for i, j := range jobs {
		rows[i], ids[i] = j.ask, j.ask.ID
	}
	may, err := changed(ctx, s, scanID, `UPDATE attempts SET dialed_at = r.now, quiet_until = r.quiet
		FROM ROWS($1: id BIGINT, owner TEXT, fence BIGINT, quiet BIGINT, now BIGINT, again BOOLEAN) AS r
		WHERE attempts.id = r.id AND attempts.id = ANY($2) AND attempts.owner = r.owner AND attempts.fence = r.fence
		AND attempts.state = 'dialing' AND (attempts.dialed_at IS NULL) <> r.again AND attempts.valid_until > r.now AND `+mayRing+`
		RETURNING attempts.id`, rowset(rows), ids)
	if err != nil {
		fail(jobs, fmt.Errorf("store: attempts dialed: %w", err))
		return
	}
	for _, j := range jobs {
		if !slices.Contains(may, j.ask.ID) {
			j.err = dialer.ErrFenced
		}
	}
}

// Answered commits that both sides talk, with the calltraceid; it writes call.answered.
func (s Dialing) Answered(ctx context.Context, id dialer.AttemptID, owner string, fence int64, trace string,
	now time.Time) error {
	return s.Joined(ctx, id, owner, fence, 0, trace, now)
}

// PickedUp commits that a customer who was called before there was an agent has answered. See [dialer.Store].
func (s Dialing) PickedUp(ctx context.Context, id dialer.AttemptID, owner string, fence int64, now time.Time) error {
	return s.step(ctx, step{id: id, check: func(h *locked) error {
		if h.Owner != owner || h.Fence != fence || h.State != dialer.Dialing || h.DialedAt.IsZero() {
			return dialer.ErrFenced
		}
		return nil
	}, take: func(_ context.Context, t *tx, h *locked) error {
		h.pickedUpAt = now
		t.keep(h)
		return nil
	}})
}

// Joined commits that both sides talk, with the agent who does. See [dialer.Store].
func (s Dialing) Joined(ctx context.Context, id dialer.AttemptID, owner string, fence, agentID int64, trace string,
	now time.Time) error {
	return s.step(ctx, step{id: id, check: func(h *locked) error {
		if h.Owner != owner || h.Fence != fence || h.State != dialer.Dialing || h.DialedAt.IsZero() {
			return dialer.ErrFenced
		}
		return nil
	}, take: func(ctx context.Context, t *tx, h *locked) error {
		h.State, h.AnsweredAt = dialer.InTalk, now
		if agentID != 0 && agentID != h.AgentID {
			h.AgentID = agentID
			if err := t.nameAgent(ctx, h); err != nil {
				return err
			}
		}
		if trace != "" {
			h.CallTraceID = trace
		}
		t.keep(h)
		return t.tell(ctx, h, webhook.CallAnswered, nil, "", now)
	}})
}

// Cancel gives up an attempt that is still prepared; the contact is due again as it was. False: it was not prepared.
func (s Dialing) Cancel(ctx context.Context, id dialer.AttemptID, why reason.Reason, now time.Time) (bool, error) {
	n, err := s.cancel(ctx, why, now, `id = $3 AND state = 'prepared'`, int64(id))
	return n > 0, err
}

// CancelStale cancels what was prepared before the moment given, never claimed, and is not kept by Show; it returns how many.
func (s Dialing) CancelStale(ctx context.Context, before, now time.Time) (int, error) {
	return s.cancel(ctx, whyLate, now, `ended_at IS NULL AND state = 'prepared' AND prepared_at < $3
		AND (shown_until IS NULL OR shown_until < $2)`, at(before))
}

func (s Dialing) cancel(ctx context.Context, why reason.Reason, now time.Time, which string, arg any) (n int, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		n, err = t.cancel(ctx, why, now, which, arg)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: cancel attempts: %w", err)
	}
	return n, nil
}

// cancel gives up attempts; which names its args from $3 on.
func (t *tx) cancel(ctx context.Context, why reason.Reason, now time.Time, which string, args ...any) (int, error) {
	contacts, err := all(ctx, t, func(row scanner) (id int64, err error) {
		err = row.Scan(orZero(&id))
		return id, err
	}, `UPDATE attempts SET state = 'cancelled', cause = $1, ended_at = $2 WHERE `+which+` RETURNING contact_id`,
		append([]any{why.Text(), at(now)}, args...)...)
	if err != nil {
		return 0, err
	}
	// What a calling contact's row has kept says where it stood.
	t.later(`UPDATE contacts SET state = CASE WHEN reason IS NULL THEN 'waiting' ELSE 'finished' END
		WHERE id = ANY($1) AND state = 'calling'`, contacts)
	return len(contacts), nil
}
