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
	// planLooks bounds how many contacts one Plan looks at for each attempt asked for, before it looks further down the queue.
	planLooks = 4
	// planBatch is the least number of contacts that are looked at, at once.
	planBatch = 50
	// clearBatch is how many contacts one Clear looks at.
	clearBatch = 500
	// agentPause is when a contact is due again who may be called only with an agent, and there was none.
	agentPause = 5 * time.Second
	// busyPause is when a contact is due again whose number was in a call of another campaign.
	busyPause = time.Minute
	// askAgain is when a contact is due again that policy cannot judge or would never permit by the campaign's settings: these
	// may be changed.
	askAgain = time.Hour
	// askRarely is the same where nobody may call before a moment that is more than a year ahead.
	askRarely = 30 * 24 * time.Hour
)

// Plan prepares up to n attempts at the due contacts of a running campaign. See [dialer.Store].
func (s Dialing) Plan(ctx context.Context, campaignID int64, n int, now time.Time, free ...int64) ([]dialer.Attempt, error) {
	return s.planFor(ctx, campaignID, n, false, free, now)
}

// PlanAhead prepares attempts of which only some need an agent. See [dialer.Store].
func (s Dialing) PlanAhead(ctx context.Context, campaignID int64, n int, now time.Time, free ...int64) ([]dialer.Attempt, error) {
	return s.planFor(ctx, campaignID, n, true, append([]int64{}, free...), now)
}

func (s Dialing) planFor(ctx context.Context, campaignID int64, n int, ahead bool, free []int64, now time.Time) ([]dialer.Attempt,
	error) {
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
		q, err := t.newQueue(ctx, c, n, free, now)
		if err != nil || q.n == 0 {
			return err
		}
		q.ahead = ahead
		planned, err = q.plan(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: plan campaign %d: %w", campaignID, err)
	}
	return planned, nil
}

// Clear moves those whom policy refuses out of the head of a campaign's queue. See [dialer.Queues]. They are judged twice, the
// second time locked: a plan passes over whoever is locked, so nobody shall be who may be called.
func (s Queues) Clear(ctx context.Context, campaignID int64, now time.Time) (more bool, err error) {
	look := &tx{db: s.db, session: onlooker{s.engine}}
	more, err = look.clearHead(ctx, campaignID, now, func(q *queue) ([]*contact, error) { return q.head(ctx, clearBatch) })
	if refused := look.changed.waiting(); err == nil && len(refused) > 0 {
		err = s.inTx(ctx, func(t *tx) error {
			_, err := t.clearHead(ctx, campaignID, now, func(*queue) ([]*contact, error) {
				return all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1) AND c.state = 'waiting'
					AND c.next_at <= $2 ORDER BY c.id FOR UPDATE SKIP LOCKED`, refused, at(now))
			})
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("store: clear the head of campaign %d: %w", campaignID, err)
	}
	return more, nil
}

// clearHead moves those of some contacts whom policy refuses, up to the first who may be called. More: there are others behind.
func (t *tx) clearHead(ctx context.Context, campaignID int64, now time.Time, some func(*queue) ([]*contact, error)) (more bool,
	err error) {
	c, err := t.db.loadCampaign(ctx, t, campaignID)
	if err != nil {
		return false, err
	}
	if open, _ := campaigns.OpenAt(c, now); !open || c.Status != campaigns.Running || c.Mode == campaigns.Manual {
		return false, nil
	}
	q, err := t.newQueue(ctx, c, 1, nil, now)
	if err != nil {
		return false, err
	}
	due, err := some(q)
	if err != nil || len(due) == 0 {
		return false, err
	}
	permitted, err := q.judge(ctx, due)
	return len(due) >= clearBatch && len(permitted) == 0, err
}

// candidate is a contact that policy permits to call now.
type candidate struct {
	*contact
	whom   string // by the CRM id, or the number
	number string
	until  time.Time
	agent  int64 // who shall have the call; zero: whoever
	place  int   // among the candidates
	seen   int64 // of what was recorded of the person
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

// judge asks policy about due contacts, in their order, until as many as are wanted may be called. Those whom it refuses are
// moved.
func (q *queue) judge(ctx context.Context, due []*contact) ([]candidate, error) {
	t, c, now := q.t, q.c, q.now
	due = slices.DeleteFunc(due, func(k *contact) bool { // samples may overlap
		was := q.judged[k.ID]
		q.judged[k.ID] = true
		return was
	})
	people := make([]subject, len(due))
	for i, contact := range due {
		people[i] = subjectOf(contact)
	}
	facts, err := t.db.facts(ctx, t, c, people, now)
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	rest := make([]int, len(due)) // places in due
	for i := range rest {
		rest[i] = i
	}
	for {
		var i int
		if i, rest = q.next(due, rest); i < 0 || len(candidates) == q.n {
			break
		}
		contact := due[i]
		phone, ok := facts.nextPhone(c, contact, i)
		if !ok {
			if err := t.giveUp(c, contact, "no_number", now); err != nil {
				return nil, err
			}
			continue
		}
		question := facts.question(c, contact, i, phone.Number, true, now)
		verdict := campaigns.Decide(question)
		needsAgent := q.ahead && q.wantsAgent(contact)
		if !verdict.Permit && c.Mode == campaigns.Predictive {
			question.WithAgent = true
			verdict, needsAgent = campaigns.Decide(question), q.ahead
		}
		if !verdict.Permit {
			if err := t.putOff(facts, i, c, contact, question, verdict, now); err != nil {
				return nil, err
			}
			continue
		}
		if facts.busy(facts.who[i]) {
			t.dueAt(contact, now.Add(busyPause), false, now)
			continue
		}
		person := facts.who[i].person(phone.Number)
		keys := append(slices.Clone(facts.who[i].numbers), person)
		if q.reached[phone.Number] || q.reached[person] || slices.ContainsFunc(keys, func(key string) bool { return q.taken[key] }) {
			continue
		}
		agent, ok := int64(0), true
		if needsAgent || !q.ahead {
			agent, ok = q.agentFor(contact)
		}
		if !ok {
			if q.ahead && !q.anyFree() {
				t.dueAt(contact, now.Add(agentPause), false, now) // those behind it may be called
			}
			continue // it waits for somebody who is not free now
		}
		q.taken[phone.Number], q.taken[person] = true, true
		for _, key := range keys {
			q.reached[key] = true
		}
		q.shares.count(contact)
		candidates = append(candidates, candidate{contact, person, phone.Number, verdict.ValidUntil, agent, len(candidates),
			facts.seen(person, phone.Number)})
	}
	return candidates, nil
}

// putOff moves a refused contact, which is at this place of those the facts are about, to when it may be called, by this number
// or by another one whose turn comes first; or finishes it when that is never.
func (t *tx) putOff(f *facts, place int, c *campaigns.Campaign, contact *contact, q campaigns.Question, v campaigns.Verdict,
	now time.Time) error {
	for _, r := range v.Refusals {
		if r.Next.IsZero() && (r.Rule == "do_not_call" || r.Rule == "max_attempts") {
			return t.giveUp(c, contact, r.Rule, now)
		}
	}
	next := campaigns.NextPermit(q)
	if !next.After(now) {
		next = now.Add(askAgain)
		// Nobody may call before, but what stands in the way may be taken away.
		if later := v.NextEligible(); later.After(next) {
			next = earlier(later, now.Add(askRarely))
		} else if later.After(now) && slices.ContainsFunc(v.Refusals, func(r campaigns.Refusal) bool { return r.Rule == "in_call" }) {
			next = later // nobody knows when a call ends
		}
	}
	next = earlier(next, f.nextTurn(c, contact, place))
	t.dueAt(contact, next, !next.After(f.listedUntil(contact, place)), now)
	return nil
}

func (t *tx) dueAt(contact *contact, next time.Time, listed bool, now time.Time) {
	t.changed.moved = append(t.changed.moved, dueRow(contact, next, listed, now))
}

func dueRow(contact *contact, next time.Time, listed bool, now time.Time) movedRow {
	return movedRow{contact.ID, millis(next), millis(now), listed}
}

// giveUp finishes a contact that was waiting.
func (t *tx) giveUp(c *campaigns.Campaign, contact *contact, reason string, now time.Time) error {
	t.dispose(contact, "", campaigns.Disposition{State: campaigns.Complete, Reason: reason}, now)
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
	attempts, seen := make([]dialer.Attempt, len(candidates)), make([]rested, len(candidates))
	today, _ := c.Day(now)
	for i, k := range candidates {
		seen[i] = rested{changes: k.seen, rules: c.UpdatedAt}
		if k.fresh() {
			seen[i].list, seen[i].day = k.list, today
		}
		attempts[i] = dialer.Attempt{ID: dialer.AttemptID(t.db.ids.Next(now)), CampaignID: c.ID, ContactID: k.ID,
			Ordinal: k.ordinals + 1, AgentID: k.agent,
			Person: k.whom, Number: k.number, Origin: k.origin(c), State: dialer.Prepared, ValidUntil: k.until,
			PreparedAt: now, CallerID: c.CallerIDFor(k.whom, k.number)}
		if attempts[i].Origin == dialer.Callback && k.agent == 0 {
			attempts[i].AgentID = k.CallbackAgent // who promised it, and is asked first
		}
	}
	inserted, err := t.insert(ctx, attempts, seen)
	if err != nil {
		return nil, err
	}
	planned := make([]dialer.Attempt, 0, len(candidates))
	place := make(map[int64]int, len(candidates))
	var calling []int64
	for i, k := range candidates {
		if !inserted[attempts[i].ID] {
			t.dueAt(k.contact, now.Add(busyPause), false, now)
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

// rested is what a plan rests on.
type rested struct {
	changes int64     // [facts.seen]
	rules   time.Time // the campaign's UpdatedAt
	list    int64     // of somebody fresh
	day     string    // of a call to somebody fresh: the campaign's; empty: it is none
}

// insert stores prepared attempts, with what each rests on, and answers which. Those whose id, number, contact or person is in
// use are left out.
func (t *tx) insert(ctx context.Context, attempts []dialer.Attempt, on []rested) (map[dialer.AttemptID]bool, error) {
	rows := make([]preparedRow, len(attempts))
	for i, a := range attempts {
		rows[i] = preparedRow{i, int64(a.ID), a.CampaignID, a.ContactID, a.Ordinal, a.Person, a.Number, string(a.Origin), a.AgentID,
			millis(a.ValidUntil), millis(a.PreparedAt), on[i].changes, millis(on[i].rules), a.CallerID, on[i].list, on[i].day}
	}
	ids, err := all(ctx, t, scanID, `INSERT INTO attempts
			(id, campaign_id, contact_id, ordinal, person, number, origin, state, agent_id, valid_until, prepared_at, changes_seen,
			rules_seen, caller_id, fresh_list, fresh_day)
		SELECT id, campaign_id, contact_id, ordinal, COALESCE((SELECT m.root FROM merged_people m WHERE m.crm_id = r.person), r.person),
			number, origin, 'prepared', agent_id, valid_until, prepared_at, changes_seen, rules_seen, caller_id,
			fresh_list, fresh_day
		FROM ROWS($1: n INTEGER, id BIGINT, campaign_id BIGINT, contact_id BIGINT, ordinal INTEGER, person TEXT, number TEXT,
			origin TEXT,
			agent_id BIGINT, valid_until BIGINT, prepared_at BIGINT, changes_seen BIGINT, rules_seen BIGINT,
			caller_id TEXT, fresh_list BIGINT, fresh_day TEXT) AS r
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
	Changes    int64  `json:"changes_seen"`
	Rules      *int64 `json:"rules_seen"`
	CallerID   string `json:"caller_id"`
	FreshList  int64  `json:"fresh_list,omitempty"`
	FreshDay   string `json:"fresh_day,omitempty"`
}
