package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// step is one step in the life of an attempt. Steps of many attempts share a transaction: it holds their rows, lets each step
// decide and change what it holds in memory, and then writes what has changed.
type step struct {
	id dialer.AttemptID

	// check refuses this step alone; it changes nothing. take may be run again, after a check.
	check func(h *locked) error
	take  func(ctx context.Context, t *tx, h *locked) error
}

// locked is an attempt whose row, and whose contact's row, this transaction has locked.
type locked struct {
	dialer.Attempt
	codeReason  string
	meaningful  bool
	campaign    *campaigns.Campaign
	contact     *contact           // nil: a number in no list
	quietUntil  time.Time          // until then the customer's phone may ring by it; zero: it does not
	pickedUpAt  time.Time          // when the customer answered who was called before there was an agent
	answeredBy  campaigns.Answerer // by its call code
	late        bool               // it was closed as unknown before
	answered    bool               // it was closed as one that nobody answered before
	faults      int                // attempts at the contact in the day before that infrastructure failed
	others      string             // the outcomes of the contact's other attempts, those in vain at an agent too, between commas
	codes       string             // the codes of the contact's other attempts, between commas
	after       int                // attempts at the contact after this one and not over before it, other systems' in vain left out
	agentLogin  string
	agentUserID string
}

// subject is who was called.
func (h *locked) subject() subject {
	if h.contact != nil {
		return subjectOf(h.contact)
	}
	s := subject{numbers: []string{h.Number}}
	if h.Person != h.Number {
		s.crmID = h.Person
	}
	return s
}

// latest reports whether no attempt after this one decides where the contact stands. What other systems call in vain decides
// nothing.
func (h *locked) latest() bool { return h.contact != nil && h.after == 0 }

// talked reports whether an agent talked with the customer: one who was called first may have left before.
func (h *locked) talked() bool {
	return !h.AnsweredAt.IsZero() && (h.pickedUpAt.IsZero() || h.AgentID != 0)
}

// spare is the disposition with a contact due no earlier than the attempt's phone has certainly stopped to ring, where the far
// end has not confirmed that it has.
func (h *locked) spare(d campaigns.Disposition) campaigns.Disposition {
	if d.State == campaigns.Waiting && !h.quietUntil.IsZero() {
		d.NextAt = latest(d.NextAt, h.quietUntil)
	}
	return d
}

// sameOutcome counts the contact's attempts with this one's outcome, this one included.
func (h *locked) sameOutcome() int {
	n := 1
	for o := range strings.SplitSeq(h.others, ",") {
		if o == string(h.Outcome) {
			n++
		}
	}
	return n
}

// sameCode counts the contact's calls with this code, this one included.
func (h *locked) sameCode(id string) int {
	n := 1
	for code := range strings.SplitSeq(h.codes, ",") {
		if code == id {
			n++
		}
	}
	return n
}

// step takes a step together with others, or as a part of the transaction of a request that is done once: any other would wait
// for that one, and it for the step.
func (s *db) step(ctx context.Context, st step) error {
	if s.ambientOf(ctx) == nil {
		return s.steps.do(ctx, st)
	}
	j := &job[step]{ask: st}
	s.takeSteps(ctx, []*job[step]{j})
	return j.err
}

// takeSteps is the run of the batcher of steps.
func (s *db) takeSteps(ctx context.Context, jobs []*job[step]) {
	err := s.inTx(ctx, func(t *tx) error {
		ids := make([]dialer.AttemptID, len(jobs))
		for i, j := range jobs {
			ids[i] = j.ask.id
		}
		rows, err := t.lock(ctx, ids...)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			h := rows[j.ask.id]
			if h == nil {
				j.err = fmt.Errorf("store: attempt %s: %w", j.ask.id, ErrNotFound)
				continue
			}
			if j.err = j.ask.check(h); j.err != nil {
				continue
			}
			if err := j.ask.take(ctx, t, h); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil:
	case len(jobs) > 1 && s.engine.refused(err):
		for _, j := range jobs { // one of them cannot be: the others shall not suffer
			s.takeSteps(ctx, []*job[step]{j})
		}
	default:
		fail(jobs, err)
	}
}

const heldColumns = attemptColumns + `, attempts.code_reason, attempts.meaningful, attempts.quiet_until, attempts.picked_up_at,
	attempts.answered_by,
	(SELECT p.version FROM campaigns p WHERE p.id = attempts.campaign_id),
	(SELECT string_agg(b.outcome, ',') FROM attempts b
		WHERE b.contact_id = attempts.contact_id AND b.id <> attempts.id
		AND (b.dialed_at IS NOT NULL OR b.outcome = 'agent_no_answer') AND NOT b.fault),
	(SELECT string_agg(b.code, ',') FROM attempts b
		WHERE b.contact_id = attempts.contact_id AND b.id <> attempts.id AND b.code IS NOT NULL),
	(SELECT count(*) FROM attempts b WHERE b.contact_id = attempts.contact_id AND b.id <> attempts.id
		AND b.fault AND b.ended_at > attempts.prepared_at - 86400000),
	(SELECT count(*) FROM attempts b WHERE b.contact_id = attempts.contact_id AND b.ordinal > attempts.ordinal
		AND (b.origin <> 'external' OR b.answered_at IS NOT NULL)
		AND (b.ended_at IS NULL OR attempts.ended_at IS NULL OR b.ended_at > attempts.ended_at)),
	(SELECT g.login FROM agents g WHERE g.id = attempts.agent_id), (SELECT g.user_id FROM agents g WHERE g.id = attempts.agent_id)`

// lock locks attempts and then their contacts, each in the order of their ids. Those that are not there are left out.
func (t *tx) lock(ctx context.Context, ids ...dialer.AttemptID) (map[dialer.AttemptID]*locked, error) {
	versions := make(map[*locked]int64, len(ids))
	list, err := all(ctx, t, func(row scanner) (*locked, error) {
		h := &locked{}
		var version int64
		err := row.Scan(append(attemptFields(&h.Attempt), orZero(&h.codeReason), &h.meaningful, moment{&h.quietUntil},
			moment{&h.pickedUpAt}, orZero(&h.answeredBy), &version,
			orZero(&h.others), orZero(&h.codes), &h.faults, &h.after,
			orZero(&h.agentLogin), orZero(&h.agentUserID))...)
		versions[h] = version
		return h, err
	}, `SELECT `+heldColumns+` FROM attempts WHERE attempts.id = ANY($1) ORDER BY attempts.id FOR UPDATE OF attempts`, numbers(ids))
	if err != nil {
		return nil, fmt.Errorf("store: hold attempts: %w", err)
	}
	contacts, err := t.lockContacts(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("store: hold contacts: %w", err)
	}
	found := make(map[dialer.AttemptID]*locked, len(ids))
	for _, h := range list {
		if h.campaign, err = t.db.campaignAt(ctx, t, h.CampaignID, versions[h]); err != nil {
			return nil, err
		}
		h.contact = contacts[h.ContactID]
		found[h.ID] = h
	}
	return found, nil
}

// lockContacts locks the contacts of attempts; two attempts at one contact share it.
func (t *tx) lockContacts(ctx context.Context, list []*locked) (map[int64]*contact, error) {
	var ids []int64
	for _, h := range list {
		if h.ContactID != 0 {
			ids = append(ids, h.ContactID)
		}
	}
	contacts := make(map[int64]*contact, len(ids))
	if len(ids) == 0 {
		return contacts, nil
	}
	rows, err := all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1)
		ORDER BY c.id FOR UPDATE`, ids)
	for _, c := range rows {
		contacts[c.ID] = c
	}
	return contacts, err
}

// lockOne is lock for a transaction that is about one attempt.
func (t *tx) lockOne(ctx context.Context, id dialer.AttemptID) (*locked, error) {
	rows, err := t.lock(ctx, id)
	if err == nil && rows[id] == nil {
		err = fmt.Errorf("store: attempt %s: %w", id, ErrNotFound)
	}
	return rows[id], err
}

func numbers(ids []dialer.AttemptID) []int64 {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return list
}

// nameAgent reads who the attempt's agent is, for what is told of it.
func (t *tx) nameAgent(ctx context.Context, h *locked) error {
	_, err := all(ctx, t, func(row scanner) (none struct{}, err error) {
		return none, row.Scan(orZero(&h.agentLogin), orZero(&h.agentUserID))
	}, `SELECT login, user_id FROM agents WHERE id = $1`, h.AgentID)
	return err
}
