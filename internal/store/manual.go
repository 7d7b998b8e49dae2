package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
)

// PlanManual prepares one attempt by an agent's hand. See [dialer.Store]. A queue that names no campaign is ErrNotFound; a
// number that cannot be read is refused by the rule "number".
func (s Dialing) PlanManual(ctx context.Context, m dialer.ManualCall, now time.Time) (dialer.Attempt, error) {
	var a dialer.Attempt
	err := s.inTx(ctx, func(t *tx) error {
		c, err := s.campaignBy(ctx, t, m.Queue)
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%w: %q", dialer.ErrNoQueue, m.Queue)
		}
		if err != nil {
			return err
		}
		number, err := campaigns.NormalizeNumber(m.Number, c.Region)
		if err != nil {
			return refused("number", reason.OrUnspecific(err))
		}
		// finished: no contact is left for the dialer, agents may still call
		if c.Status != campaigns.Running && c.Status != campaigns.Finished {
			return refused("campaign_status", whyCampaignIs(c.Name, c.Status.Word()))
		}
		contact, err := t.lockByNumber(ctx, c.ID, number)
		if err != nil {
			return err
		}
		until, seen, overridden, err := t.judgeManual(ctx, c, contact, number, m, now)
		if err != nil {
			return err
		}
		a, err = t.prepareManual(ctx, c, contact, number, until, seen, m, now)
		if err == nil && overridden != "" {
			t.audit(byAgent(m.AgentID), "policy.override", "attempt/"+a.ID.String(), overridden, now)
		}
		return err
	})
	if err != nil {
		return dialer.Attempt{}, err
	}
	return a, nil
}

func refused(rule string, why reason.Reason) error {
	return &dialer.RefusedError{Verdict: campaigns.Verdict{Refusals: []campaigns.Refusal{{Rule: rule, Reason: why, Hard: true}}}}
}

// lockByNumber locks the contact with this number in the campaign; nil when there is none.
func (t *tx) lockByNumber(ctx context.Context, campaignID int64, number string) (*contact, error) {
	c, err := one(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c
		WHERE c.id = (SELECT p.contact_id FROM contact_phones p WHERE p.campaign_id = $1 AND p.number = $2) FOR UPDATE`,
		campaignID, number)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return c, err
}

// judgeManual asks policy. It returns the permit's end, what was recorded of the person until now, and which rules were
// overridden.
func (t *tx) judgeManual(ctx context.Context, c *campaigns.Campaign, contact *contact, number string, m dialer.ManualCall,
	now time.Time) (
	until time.Time, seen int64, overridden string, err error) {
	who := subject{numbers: []string{number}}
	if contact != nil {
		who = subjectOf(contact)
	}
	facts, err := t.db.facts(ctx, t, c, []subject{who}, now)
	if err != nil {
		return time.Time{}, 0, "", err
	}
	if facts.busy(facts.who[0]) {
		return time.Time{}, 0, "", dialer.ErrNumberBusy
	}
	seen = facts.seen(facts.who[0].person(number), number)
	verdict := campaigns.Decide(facts.question(c, contact, 0, number, false, now))
	if verdict.Permit {
		return verdict.ValidUntil, seen, "", nil
	}
	for _, r := range verdict.Refusals {
		if r.Hard || !m.Override {
			return time.Time{}, 0, "", &dialer.RefusedError{Verdict: verdict}
		}
		overridden += r.Rule + " "
	}
	return now.Add(overrideLasts), seen, overridden[:len(overridden)-1], nil
}

// overrideLasts is how long an overridden permit may wait to be claimed.
const overrideLasts = time.Minute

func (t *tx) prepareManual(ctx context.Context, c *campaigns.Campaign, contact *contact, number string, until time.Time,
	seen int64,
	m dialer.ManualCall, now time.Time) (dialer.Attempt, error) {
	a := dialer.Attempt{ID: dialer.AttemptID(t.db.ids.Next(now)), CampaignID: c.ID, Person: contact.person(number),
		Number: number,
		Origin: m.Origin, State: dialer.Prepared, ValidUntil: until, AgentID: m.AgentID, PreparedAt: now}
	a.CallerID = c.CallerIDFor(a.Person, number)
	if a.Origin == "" {
		a.Origin = dialer.ByHand
	}
	if contact != nil {
		// A contact in a call, or held for its call code, is busy even where the number called now is another one.
		if contact.State == campaigns.Calling || contact.State == campaigns.Coding {
			return a, dialer.ErrNumberBusy
		}
		a.ContactID, a.Ordinal = contact.ID, contact.ordinals+1
	}
	return a, t.begin(ctx, a, contact, rested{changes: seen, rules: c.UpdatedAt}, now)
}

// begin inserts one prepared attempt, and lets its contact, which may be nil, be in a call; one that awaits a call code goes on
// to. ErrNumberBusy: the number, the contact or the person is in a call already.
func (t *tx) begin(ctx context.Context, a dialer.Attempt, contact *contact, on rested, now time.Time) error {
	inserted, err := t.insert(ctx, []dialer.Attempt{a}, []rested{on})
	if err != nil {
		return err
	}
	if !inserted[a.ID] {
		return dialer.ErrNumberBusy
	}
	if contact != nil {
		contact.ordinals = a.Ordinal
		if contact.State != campaigns.Coding {
			contact.State = campaigns.Calling
		}
		t.save(contact, now)
	}
	return nil
}
