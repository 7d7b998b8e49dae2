package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

const (
	// planLooks bounds how many contacts one Plan looks at for each attempt asked for: where policy refuses many, the
	// next Plan goes on behind them, because their next time was moved.
	planLooks = 4
	// planBatch is the least number of contacts that are looked at, at once.
	planBatch = 50
	// busyPause is when a contact is due again whose number was in a call of another campaign.
	busyPause = time.Minute
	// askAgain is when a contact is due again that policy cannot judge or would never permit by the campaign's settings: these
	// may be changed.
	askAgain = time.Hour
)

// Plan prepares up to n attempts at the due contacts of a running campaign. See [dialer.Store].
func (s Dialing) Plan(ctx context.Context, campaignID int64, n int, now time.Time) ([]dialer.Attempt, error) {
	if n <= 0 {
		return nil, nil
	}
	var planned []dialer.Attempt
	err := s.inTx(ctx, func(t *tx) error {
		planned = nil
		c, err := s.loadCampaign(ctx, t, campaignID)
		if err != nil {
			return err
		}
		if open, _ := campaigns.OpenAt(c, now); !open || c.Status != campaigns.Running || c.Mode == campaigns.Manual {
			return nil
		}
		due, err := t.due(ctx, campaignID, max(planLooks*n, planBatch), now)
		if err != nil || len(due) == 0 {
			return err
		}
		planned, err = t.plan(ctx, c, due, n, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: plan campaign %d: %w", campaignID, err)
	}
	return planned, nil
}

// due locks the due contacts of a campaign, by priority and then by time, at most limit. Other planners pass over them.
// It goes from one priority that is there to the next, so that each step is a short walk of one index however many
// contacts are not due.
func (t *tx) due(ctx context.Context, campaignID int64, limit int, now time.Time) ([]*contact, error) {
	levels, err := all(ctx, t, scanID, `WITH RECURSIVE levels (priority) AS (
			SELECT max(priority) FROM contacts WHERE campaign_id = $1 AND state = 'waiting'
			UNION ALL
			SELECT (SELECT max(c.priority) FROM contacts c WHERE c.campaign_id = $1 AND c.state = 'waiting'
				AND c.priority < levels.priority)
			FROM levels WHERE levels.priority IS NOT NULL)
		SELECT priority FROM levels WHERE priority IS NOT NULL ORDER BY priority DESC`, campaignID)
	if err != nil {
		return nil, err
	}
	var due []*contact
	for _, priority := range levels {
		some, err := all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c
			WHERE c.campaign_id = $1 AND c.state = 'waiting' AND c.priority = $2 AND c.next_at <= $3
				AND NOT `+cameByClosed+`
			ORDER BY c.next_at, c.id LIMIT $4 FOR UPDATE SKIP LOCKED`, campaignID, priority, at(now), limit-len(due))
		if err != nil {
			return nil, err
		}
		if due = append(due, some...); len(due) >= limit {
			break
		}
	}
	return due, nil
}

// candidate is a contact that policy permits to call now.
type candidate struct {
	*contact
	whom   string // by the CRM id, or the number
	number string
	until  time.Time
	place  int // in the order of the due
}

func (k *candidate) origin(c *campaigns.Campaign) dialer.Origin {
	switch {
	case !k.callbackAt.IsZero():
		return dialer.Callback
	case c.Mode == campaigns.Preview:
		return dialer.Previewed
	}
	return dialer.Automatic
}

// plan asks policy about the due contacts, in their order, until n may be called, and prepares attempts at these.
func (t *tx) plan(ctx context.Context, c *campaigns.Campaign, due []*contact, n int, now time.Time) ([]dialer.Attempt, error) {
	people := make([]subject, len(due))
	for i, contact := range due {
		people[i] = subjectOf(contact)
	}
	facts, err := t.db.facts(ctx, t, c, people, now)
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	taken := map[string]bool{} // a person or number in two contacts of one batch is called once; the other one waits its turn
	for i, contact := range due {
		if len(candidates) == n {
			break
		}
		phone, ok := facts.nextPhone(contact, i)
		if !ok {
			if err := t.giveUp(c, contact, "no_number", now); err != nil {
				return nil, err
			}
			continue
		}
		q := facts.question(c, contact, i, phone.Number, true, now)
		verdict := campaigns.Decide(q)
		if !verdict.Permit {
			if err := t.putOff(c, contact, q, verdict, now); err != nil {
				return nil, err
			}
			continue
		}
		if facts.busy(facts.who[i]) {
			t.dueAt(contact, now.Add(busyPause), now)
			continue
		}
		person := facts.who[i].person(phone.Number)
		if keys := append(facts.who[i].numbers, person); !slices.ContainsFunc(keys, func(key string) bool { return taken[key] }) {
			for _, key := range keys {
				taken[key] = true
			}
			candidates = append(candidates, candidate{contact, person, phone.Number, verdict.ValidUntil, i})
		}
	}
	return t.prepare(ctx, c, candidates, now)
}

// putOff moves a refused contact to when it may be called, or finishes it when that is never.
func (t *tx) putOff(c *campaigns.Campaign, contact *contact, q campaigns.Question, v campaigns.Verdict, now time.Time) error {
	for _, r := range v.Refusals {
		if r.Next.IsZero() && (r.Rule == "do_not_call" || r.Rule == "max_attempts") {
			return t.giveUp(c, contact, r.Rule, now)
		}
	}
	next := campaigns.NextPermit(q)
	if !next.After(now) {
		next = now.Add(askAgain)
	}
	t.dueAt(contact, next, now)
	return nil
}

func (t *tx) dueAt(contact *contact, next, now time.Time) {
	t.later(`UPDATE contacts SET next_at = $2, updated_at = $3 WHERE id = $1`, contact.ID, at(next), at(now))
}

// giveUp finishes a contact that was waiting.
func (t *tx) giveUp(c *campaigns.Campaign, contact *contact, reason string, now time.Time) error {
	t.settle(contact, "", campaigns.Disposition{State: campaigns.Complete, Reason: reason}, now)
	return t.contactFinished(c, contact, now)
}

// prepare inserts the attempts. One whose number or person is in a call, or whose id is in use, is passed over: its contact
// is due again in a while.
func (t *tx) prepare(ctx context.Context, c *campaigns.Campaign, candidates []candidate, now time.Time) ([]dialer.Attempt,
	error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	// Inserted in the order of their numbers: two planners that waited for each other's rows would be a deadlock.
	slices.SortFunc(candidates, func(a, b candidate) int { return strings.Compare(a.number, b.number) })
	attempts := make([]dialer.Attempt, len(candidates))
	for i, k := range candidates {
		attempts[i] = dialer.Attempt{ID: dialer.AttemptID(t.db.ids.Next(now)), CampaignID: c.ID, ContactID: k.ID,
			Ordinal: k.ordinals + 1,
			Person:  k.whom, Number: k.number, Origin: k.origin(c), State: dialer.Prepared, ValidUntil: k.until,
			PreparedAt: now}
		if attempts[i].Origin == dialer.Callback {
			attempts[i].AgentID = k.CallbackAgent // who promised it, and is asked first
		}
	}
	inserted, err := t.insert(ctx, attempts...)
	if err != nil {
		return nil, err
	}
	planned := make([]dialer.Attempt, 0, len(candidates))
	place := make(map[int64]int, len(candidates))
	var calling []int64
	for i, k := range candidates {
		if !inserted[attempts[i].ID] {
			t.dueAt(k.contact, now.Add(busyPause), now)
			continue
		}
		place[k.ID] = k.place
		planned = append(planned, attempts[i])
		calling = append(calling, k.ID)
	}
	t.later(`UPDATE contacts SET state = 'calling', ordinals = ordinals + 1, updated_at = $2 WHERE id = ANY($1)`, calling, at(now))
	slices.SortFunc(planned, func(a, b dialer.Attempt) int { return place[a.ContactID] - place[b.ContactID] })
	return planned, nil
}

// insert stores prepared attempts and answers which. Those whose id, number, contact or person is in use are left out.
func (t *tx) insert(ctx context.Context, attempts ...dialer.Attempt) (map[dialer.AttemptID]bool, error) {
	rows := make([]preparedRow, len(attempts))
	for i, a := range attempts {
		rows[i] = preparedRow{i, int64(a.ID), a.CampaignID, a.ContactID, a.Ordinal, a.Person, a.Number, string(a.Origin), a.AgentID,
			millis(a.ValidUntil), millis(a.PreparedAt)}
	}
	ids, err := all(ctx, t, scanID, `INSERT INTO attempts
			(id, campaign_id, contact_id, ordinal, person, number, origin, state, agent_id, valid_until, prepared_at)
		SELECT id, campaign_id, contact_id, ordinal, COALESCE((SELECT m.root FROM merged_people m WHERE m.crm_id = r.person), r.person),
			number, origin, 'prepared', agent_id, valid_until, prepared_at
		FROM ROWS($1: n INTEGER, id BIGINT, campaign_id BIGINT, contact_id BIGINT, ordinal INTEGER, person TEXT, number TEXT,
			origin TEXT,
			agent_id BIGINT, valid_until BIGINT, prepared_at BIGINT) AS r
		WHERE TRUE ORDER BY n ON CONFLICT DO NOTHING RETURNING id`, rowset(rows))
	inserted := make(map[dialer.AttemptID]bool, len(ids))
	for _, id := range ids {
		inserted[dialer.AttemptID(id)] = true
	}
	return inserted, err
}

// preparedRow is an attempt to be inserted, in the order of N.
type preparedRow struct {
	N          int    `json:"n"`
	ID         int64  `json:"id"`
	CampaignID int64  `json:"campaign_id"`
	ContactID  int64  `json:"contact_id,omitempty"`
	Ordinal    int    `json:"ordinal,omitempty"`
	Person     string `json:"person"`
	Number     string `json:"number"`
	Origin     string `json:"origin"`
	AgentID    int64  `json:"agent_id,omitempty"`
	ValidUntil *int64 `json:"valid_until"`
	PreparedAt *int64 `json:"prepared_at"`
}
