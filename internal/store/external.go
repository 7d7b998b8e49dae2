package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// Adopt keeps a call that another system has placed, or takes over one that has lost its process. See [dialer.Store].
func (s *Store) Adopt(ctx context.Context, call dialer.ExternalCall, owner string, lease time.Duration, now time.Time) (
	dialer.Claimed, error) {
	var claimed dialer.Claimed
	err := s.inTx(ctx, func(t *tx) error {
		place, err := t.placeOf(ctx, call)
		if err != nil {
			return err
		}
		a, err := t.former(ctx, call, place.number)
		switch {
		case err == nil:
			err = mayTakeOver(a, owner, now)
		case errors.Is(err, ErrNotFound):
			a, err = t.prepareExternal(ctx, call, place, now)
		}
		if err == nil {
			claimed, err = t.own(ctx, a.ID, call, owner, now.Add(lease), now)
		}
		return err
	})
	if err != nil {
		return dialer.Claimed{}, fmt.Errorf("store: adopt call %q of agent %d: %w", call.CallTraceID, call.AgentID, err)
	}
	return claimed, nil
}

// place is where in the record an external call belongs.
type place struct {
	campaign  *campaigns.Campaign
	contactID int64  // zero: in no list
	person    string // the contact's, or the CRM's word for who it is
	number    string // E.164
}

// placeOf finds a call's contact by the CRM's id: in the campaign of the call's line, else in the one where the person was
// put last. A customer without an id is found by the number, in the campaign of the line. Without a contact the call belongs
// to the campaign of its line, else to the first one that the agent works for.
func (t *tx) placeOf(ctx context.Context, call dialer.ExternalCall) (place, error) {
	line, err := t.store.campaignBy(ctx, t, call.Queue)
	if errors.Is(err, ErrNotFound) {
		line, err = nil, nil
	}
	if err != nil {
		return place{}, err
	}
	contact, err := t.contactOf(ctx, call, line)
	if err != nil {
		return place{}, err
	}
	p := place{campaign: line, person: call.CustomerID}
	switch {
	case contact != nil:
		p.contactID = contact.ID
		p.campaign, err = t.store.loadCampaign(ctx, t, contact.CampaignID)
	case line == nil:
		p.campaign, err = t.firstCampaign(ctx, call)
	}
	if err != nil {
		return place{}, err
	}
	p.number, err = campaigns.NormalizeNumber(call.Number, p.campaign.Region)
	switch {
	case err == nil:
	case contact != nil && len(contact.Phones) > 0:
		p.number = contact.Phones[0].Number
	default:
		return place{}, fmt.Errorf("%w: the customer is known neither by the CRM's id nor by number: %w", dialer.ErrNotClaimed, err)
	}
	if contact != nil {
		p.person = contact.person(p.number)
	}
	if p.person == "" {
		p.person = p.number
	}
	return p, nil
}

// contactOf reads a call's contact; nil: there is none. line may be nil.
func (t *tx) contactOf(ctx context.Context, call dialer.ExternalCall, line *campaigns.Campaign) (*contact, error) {
	var c *contact
	var err error
	if call.CustomerID != "" {
		var first int64
		if line != nil {
			first = line.ID
		}
		// From campaign to campaign, because the CRM's ids are indexed a campaign.
		c, err = one(ctx, t, scanContact, `SELECT `+contactColumns+` FROM campaigns p
			JOIN contacts c ON c.campaign_id = p.id AND c.crm_id = $1 AND c.crm_id <> ''
			ORDER BY CASE WHEN p.id = $2 THEN 0 ELSE 1 END, c.id DESC LIMIT 1`, call.CustomerID, first)
	} else if line != nil {
		number, bad := campaigns.NormalizeNumber(call.Number, line.Region)
		if bad != nil {
			return nil, nil
		}
		c, err = one(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c
			WHERE c.id = (SELECT p.contact_id FROM contact_phones p WHERE p.campaign_id = $1 AND p.number = $2)`, line.ID, number)
	}
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return c, err
}

func (t *tx) firstCampaign(ctx context.Context, call dialer.ExternalCall) (*campaigns.Campaign, error) {
	id, err := one(ctx, t, scanID, `SELECT c.id FROM campaigns c JOIN agent_queues q ON q.queue = c.queue
		WHERE q.agent_id = $1 ORDER BY q.queue LIMIT 1`, call.AgentID)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: no campaign has the queue %q or the customer %q, and the agent works for none",
			dialer.ErrNotClaimed, call.Queue, call.CustomerID)
	}
	if err != nil {
		return nil, err
	}
	return t.store.loadCampaign(ctx, t, id)
}

// former locks the agent's attempt that the call is, if the record has it: by its calltraceid or, where the process was lost
// before that was known, by its number.
func (t *tx) former(ctx context.Context, call dialer.ExternalCall, number string) (dialer.Attempt, error) {
	return one(ctx, t, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE id = (SELECT max(id) FROM (
			SELECT id FROM attempts WHERE calltraceid = $2 AND agent_id = $1
			UNION ALL
			SELECT id FROM attempts WHERE number = $3 AND agent_id = $1 AND ended_at IS NULL AND calltraceid IS NULL
				AND dialed_at IS NOT NULL) AS candidates) FOR UPDATE`, call.AgentID, orNull(call.CallTraceID), number)
}

// mayTakeOver says whether an attempt has nobody to speak for it: its process is a former life of the same node, its lease is
// over, or it was closed as Unknown.
func mayTakeOver(a dialer.Attempt, owner string, now time.Time) error {
	node, _, _ := strings.Cut(owner, "/")
	theirs, _, _ := strings.Cut(a.Owner, "/")
	switch {
	case a.State == dialer.Closed && a.Outcome == campaigns.Unknown && a.CodeSetAt.IsZero():
		return nil
	case a.State == dialer.Closed, a.Owner == owner && a.LeaseUntil.After(now):
		return fmt.Errorf("%w: it is on record as attempt %s", dialer.ErrNotClaimed, a.ID)
	case a.LeaseUntil.After(now) && node != theirs:
		return dialer.ErrNumberBusy
	}
	return nil
}

// prepareExternal inserts the attempt, in place of what is prepared for somebody who is in a call already.
func (t *tx) prepareExternal(ctx context.Context, call dialer.ExternalCall, p place, now time.Time) (dialer.Attempt, error) {
	a := dialer.Attempt{ID: dialer.AttemptID(t.store.ids.Next(now)), CampaignID: p.campaign.ID, Person: p.person, Number: p.number,
		Origin: dialer.External, State: dialer.Prepared, ValidUntil: now, AgentID: call.AgentID, PreparedAt: now}
	_, err := t.cancel(ctx, "the customer is in a call of another system", now,
		`ended_at IS NULL AND state = 'prepared' AND (number = $3 OR person = $4 OR contact_id = $5)`, a.Number, a.Person, p.contactID)
	if err != nil {
		return a, err
	}
	var contact *contact // locked after the attempts, as steps do
	if p.contactID != 0 {
		if contact, err = t.holdContact(ctx, p.contactID); err != nil {
			return a, err
		}
		a.ContactID, a.Ordinal = contact.ID, contact.ordinals+1
	}
	return a, t.begin(ctx, a, contact, now)
}

// own makes an attempt the owner's, under the next fence. One that was just prepared has its customer dialed with that.
func (t *tx) own(ctx context.Context, id dialer.AttemptID, call dialer.ExternalCall, owner string, lease, now time.Time) (
	dialer.Claimed, error) {
	dialed := call.StartedAt
	if dialed.IsZero() || dialed.After(now) {
		dialed = now
	}
	var version int64
	a, err := one(ctx, t, func(row scanner) (a dialer.Attempt, err error) {
		err = row.Scan(append(attemptFields(&a), &version)...)
		return a, err
	}, `UPDATE attempts SET state = CASE WHEN state = 'prepared' THEN 'dialing' ELSE state END, owner = $2, fence = fence + 1,
			lease_until = $3, claimed_at = COALESCE(claimed_at, $4), dialed_at = COALESCE(dialed_at, $5),
			calltraceid = COALESCE(calltraceid, $6)
		WHERE id = $1
		RETURNING `+attemptColumns+`, (SELECT c.version FROM campaigns c WHERE c.id = attempts.campaign_id)`,
		int64(id), owner, at(lease), at(now), at(dialed), orNull(call.CallTraceID))
	if err != nil {
		return dialer.Claimed{}, err
	}
	company, err := t.store.company(ctx, t, []dialer.Attempt{a}, map[dialer.AttemptID]int64{a.ID: version})
	if err != nil {
		return dialer.Claimed{}, err
	}
	return *company[a.ID], nil
}
