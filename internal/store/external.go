package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// Adopt keeps a call that another system has placed, or takes over one that has lost its process. See [dialer.Store].
func (s Dialing) Adopt(ctx context.Context, call dialer.ExternalCall, owner string, lease time.Duration, now time.Time) (
	dialer.Claimed, error) {
	var claimed dialer.Claimed
	err := s.inTx(ctx, func(t *tx) error {
		var p belonging
		a, err := t.known(ctx, call)
		if errors.Is(err, ErrNotFound) {
			if p, err = t.belongingOf(ctx, call); err != nil {
				return err
			}
			a, err = t.untraced(ctx, call, p.number, now)
		}
		switch {
		case err == nil:
			err = mayTakeOver(a, call, owner, now)
		case errors.Is(err, ErrNotFound):
			a, err = t.prepareExternal(ctx, call, p, owner, now)
		}
		if err == nil {
			claimed, err = t.own(ctx, a.ID, call, owner, now.Add(lease), now)
		}
		if err == nil && a.State == dialer.Closed && a.DialedAt.IsZero() {
			err = t.countDialed(ctx, &claimed, now)
		}
		return err
	})
	if err != nil {
		return dialer.Claimed{}, fmt.Errorf("store: adopt call %q of agent %d: %w", call.CallTraceID, call.AgentID, err)
	}
	return claimed, nil
}

// countDialed counts for the contact a call that was closed as never dialed, and is seen for all that.
func (t *tx) countDialed(ctx context.Context, claimed *dialer.Claimed, now time.Time) error {
	if claimed.Contact == nil {
		return nil
	}
	contact, err := t.lockContact(ctx, claimed.Contact.ID)
	if err != nil {
		return err
	}
	contact.Attempts++
	claimed.Contact.Attempts = contact.Attempts
	t.save(contact, now)
	return nil
}

// Traced keeps a calltraceid. See [dialer.Store].
func (s Dialing) Traced(ctx context.Context, id dialer.AttemptID, owner string, fence int64, trace string) error {
	_, err := s.exec(ctx, `UPDATE attempts SET calltraceid = $4 WHERE id = $1 AND owner = $2 AND fence = $3 AND calltraceid IS NULL`,
		int64(id), owner, fence, trace)
	if err != nil {
		return fmt.Errorf("store: calltraceid of attempt %s: %w", id, err)
	}
	return nil
}

// belonging is where in the record an external call belongs.
type belonging struct {
	campaign  *campaigns.Campaign // nil: none is there for it yet
	contactID int64               // zero: in no list
	person    string              // the contact's, or the CRM's word for who it is
	number    string              // E.164
}

// belongingOf finds a call's contact by the CRM's id: in the campaign of the call's line, else in the one where the person was
// put last. A customer without an id is found by the number, in the campaign of the line. Without a contact the call belongs
// to the campaign of its line, else to the first one that the agent works for, else to one that is yet to be made.
func (t *tx) belongingOf(ctx context.Context, call dialer.ExternalCall) (belonging, error) {
	line, err := t.db.campaignBy(ctx, t, call.Queue)
	if errors.Is(err, ErrNotFound) {
		line, err = nil, nil
	}
	if err != nil {
		return belonging{}, err
	}
	contact, err := t.contactOf(ctx, call, line)
	if err != nil {
		return belonging{}, err
	}
	p := belonging{campaign: line, person: call.CustomerID}
	switch {
	case contact != nil:
		p.contactID = contact.ID
		p.campaign, err = t.db.loadCampaign(ctx, t, contact.CampaignID)
	case line == nil:
		p.campaign, err = t.firstCampaign(ctx, call)
	}
	if err != nil {
		return belonging{}, err
	}
	region, err := t.regionOf(ctx, p.campaign)
	if err != nil {
		return belonging{}, err
	}
	p.number, err = campaigns.NormalizeNumber(call.Number, region)
	switch {
	case err == nil:
	case contact != nil && len(contact.Phones) > 0:
		p.number = contact.Phones[0].Number
	default:
		return belonging{}, fmt.Errorf("%w: the customer is known neither by the CRM's id nor by number: %w", dialer.ErrNotClaimed, err)
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

// firstCampaign is the first by name of queue that the agent works for; nil: there is none.
func (t *tx) firstCampaign(ctx context.Context, call dialer.ExternalCall) (*campaigns.Campaign, error) {
	id, err := one(ctx, t, scanID, `SELECT c.id FROM campaigns c JOIN agent_queues q ON q.queue = c.queue
		WHERE q.agent_id = $1 ORDER BY q.queue LIMIT 1`, call.AgentID)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return t.db.loadCampaign(ctx, t, id)
}

// regionOf is where the numbers of a campaign are at home; of one that is yet to be made, as in the campaign that was made last.
func (t *tx) regionOf(ctx context.Context, c *campaigns.Campaign) (string, error) {
	if c != nil {
		return c.Region, nil
	}
	last, err := t.lastCampaign(ctx)
	return last.Region, err
}

// lastCampaign is the campaign that was made last, without its call codes; an empty one: there is none.
func (t *tx) lastCampaign(ctx context.Context) (*campaigns.Campaign, error) {
	last, err := one(ctx, t, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns ORDER BY id DESC LIMIT 1`)
	if errors.Is(err, ErrNotFound) {
		return &campaigns.Campaign{}, nil
	}
	return last.campaign, err
}

// strangers is the queue of calls that came by no line.
const strangers = "Mediatel"

// lineFor makes a campaign for calls of a line that nobody here knows: they are kept, count for the person's caps and have their
// code. It is by hand and never started, so that it calls nobody; a supervisor may fill it in. Where another process is making
// it, or a campaign has the name already, it is that one.
func (t *tx) lineFor(ctx context.Context, queue string, now time.Time) (*campaigns.Campaign, error) {
	if queue = strings.TrimSpace(queue); queue == "" {
		queue = strangers
	}
	queue = string([]rune(queue)[:min(len([]rune(queue)), maxName)])
	last, err := t.lastCampaign(ctx)
	if err != nil {
		return nil, err
	}
	c := campaigns.Campaign{Name: queue, Queue: queue, Mode: campaigns.Manual, Region: last.Region, TimeZone: last.TimeZone}
	c.SetDefaults()
	text, err := settings(&c)
	if err != nil {
		return nil, err
	}
	made, err := t.exec(ctx, `INSERT INTO campaigns (name, queue, mode, status, priority, settings, version, created_at, updated_at)
		VALUES ($1, $1, $2, 'draft', 0, $3, 1, $4, $4) ON CONFLICT DO NOTHING`, queue, c.Mode, text, at(now))
	if err != nil {
		return nil, err
	}
	kept, err := one(ctx, t, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns WHERE queue = $1 OR name = $1
		ORDER BY CASE WHEN queue = $1 THEN 0 ELSE 1 END LIMIT 1`, queue)
	if err != nil {
		return nil, err
	}
	if made > 0 {
		t.audit("system", "campaign.create", fmt.Sprintf("campaign/%d", kept.campaign.ID), queue+": calls of another system", now)
	}
	return t.db.withCodes(ctx, t, kept)
}

// maxName is how many characters a campaign's name may have.
const maxName = 100

// known locks the agent's attempt that the call is, if the record has it: by its id, or its calltraceid.
func (t *tx) known(ctx context.Context, call dialer.ExternalCall) (dialer.Attempt, error) {
	return one(ctx, t, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE id = (SELECT max(id) FROM (
			SELECT id FROM attempts WHERE id = $1 AND origin = 'external'
			UNION ALL
			SELECT id FROM attempts WHERE calltraceid = $3 AND agent_id = $2) AS candidates) FOR UPDATE`,
		int64(call.ID), call.AgentID, orNull(call.CallTraceID))
}

// lostFor is how long after it was dialed a call of ours is looked for that was closed as unknown.
const lostFor = time.Hour

// untraced locks the agent's attempt at the number whose process was lost before its calltraceid was known: open, or closed as
// unknown meanwhile. Of several it is the newest.
func (t *tx) untraced(ctx context.Context, call dialer.ExternalCall, number string, now time.Time) (dialer.Attempt, error) {
	return one(ctx, t, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE number = $2 AND agent_id = $1
		AND calltraceid IS NULL AND dialed_at IS NOT NULL
		AND (ended_at IS NULL OR (outcome = 'unknown' AND code_set_at IS NULL AND dialed_at > $3)) ORDER BY id DESC LIMIT 1 FOR UPDATE`,
		call.AgentID, number, at(dialedAt(call, now).Add(-lostFor)))
}

// mayTakeOver says whether an attempt has nobody to speak for it: its process is a former life of the same node, its lease is
// over, or it was closed as Unknown. One that has the call's own id is of an earlier try.
func mayTakeOver(a dialer.Attempt, call dialer.ExternalCall, owner string, now time.Time) error {
	node, _, _ := strings.Cut(owner, "/")
	theirs, _, _ := strings.Cut(a.Owner, "/")
	switch {
	case a.State == dialer.Cancelled: // another call's, whose id was made by chance in the same millisecond
		return fmt.Errorf("%w: attempt %s is cancelled", dialer.ErrNotClaimed, a.ID)
	case a.ID == call.ID, a.State == dialer.Closed && a.Outcome == campaigns.Unknown:
		return nil
	case a.State == dialer.Closed:
		return fmt.Errorf("%w: it is closed as attempt %s", dialer.ErrNotClaimed, a.ID)
	case a.Owner == owner && a.LeaseUntil.After(now):
		return fmt.Errorf("%w: attempt %s", dialer.ErrKept, a.ID)
	case a.LeaseUntil.After(now) && node != theirs:
		return dialer.ErrNumberBusy
	}
	return nil
}

// prepareExternal inserts the attempt, in place of what is prepared for somebody who is in a call already.
func (t *tx) prepareExternal(ctx context.Context, call dialer.ExternalCall, p belonging, owner string,
	now time.Time) (dialer.Attempt, error) {
	if p.campaign == nil {
		var err error
		if p.campaign, err = t.lineFor(ctx, call.Queue, now); err != nil {
			return dialer.Attempt{}, err
		}
	}
	a := dialer.Attempt{ID: call.ID, CampaignID: p.campaign.ID, Person: p.person, Number: p.number,
		Origin: dialer.External, State: dialer.Prepared, ValidUntil: now, AgentID: call.AgentID, PreparedAt: now}
	_, err := t.cancel(ctx, whyElsewhere, now,
		`ended_at IS NULL AND state = 'prepared' AND (number = $3 OR person = $4 OR contact_id = $5)`, a.Number, a.Person, p.contactID)
	if err != nil {
		return a, err
	}
	var contact *contact // locked after the attempts, as steps do
	if p.contactID != 0 {
		if contact, err = t.lockContact(ctx, p.contactID); err != nil {
			return a, err
		}
		a.ContactID, a.Ordinal = contact.ID, contact.ordinals+1
	}
	if err = t.begin(ctx, a, contact, rested{}, now); errors.Is(err, dialer.ErrNumberBusy) {
		err = t.beginBeside(ctx, a, dialedAt(call, now), owner, now)
	}
	return a, err
}

// beginBeside keeps a call to somebody who is in one of ours: open there can be one alone, so it is closed as unknown from the
// beginning, which counts as dialed. How it ends overwrites that, and leaves to our call where the contact stands.
func (t *tx) beginBeside(ctx context.Context, a dialer.Attempt, dialed time.Time, owner string, now time.Time) error {
	t.later(`INSERT INTO attempts (id, campaign_id, contact_id, ordinal, person, number, origin, state, owner, fence, lease_until,
			valid_until, agent_id, prepared_at, claimed_at, dialed_at, quiet_until, ended_at, outcome, cause, hangup_by)
		VALUES ($1, $2, $3, $4, COALESCE((SELECT m.root FROM merged_people m WHERE m.crm_id = $5), $5), $6, 'external', 'closed', $7,
		1, $8, $8, $9, $8, $8, $10, $11, $8, 'unknown',
			'the customer is in another call: how this one ends comes late', 'system')`,
		int64(a.ID), a.CampaignID, orNull(a.ContactID), orNull(a.Ordinal), a.Person, a.Number, owner, at(now), orNull(a.AgentID),
		at(dialed),
		at(dialed.Add(externalRest)))
	h, err := t.lockOne(ctx, a.ID)
	if err != nil {
		return err
	}
	if h.contact != nil {
		h.contact.ordinals = a.Ordinal
		h.contact.Attempts++
		t.save(h.contact, now)
	}
	return t.tell(ctx, h, webhook.CallCompleted, nil, "", now)
}

// externalRest is how long the phone of another system's call may ring, should nobody learn how it ends: the longest ring that a
// campaign may have, and the rest after it.
const externalRest = 2*time.Minute + dialer.UnknownRest

// dialedAt is when the customer of a call was dialed at the latest.
func dialedAt(call dialer.ExternalCall, now time.Time) time.Time {
	if call.StartedAt.IsZero() || call.StartedAt.After(now) {
		return now
	}
	return call.StartedAt
}

// own makes an attempt the owner's, under the next fence. One that was just prepared has its customer dialed with that. The time
// for a call code does not run out in the midst of a talk that was closed as unknown.
func (t *tx) own(ctx context.Context, id dialer.AttemptID, call dialer.ExternalCall, owner string, lease, now time.Time) (
	dialer.Claimed, error) {
	var version int64
	a, err := one(ctx, t, func(row scanner) (a dialer.Attempt, err error) {
		err = row.Scan(append(attemptFields(&a), &version)...)
		return a, err
	}, `UPDATE attempts SET state = CASE WHEN state = 'prepared' THEN 'dialing' ELSE state END, owner = $2, fence = fence + 1,
			lease_until = $3, claimed_at = COALESCE(claimed_at, $4), dialed_at = COALESCE(dialed_at, $5),
			quiet_until = COALESCE(quiet_until, $8),
			calltraceid = COALESCE(calltraceid, $6),
			code_due_at = CASE WHEN code_due_at IS NOT NULL AND code_set_at IS NULL THEN $7 ELSE code_due_at END
		WHERE id = $1
		RETURNING `+attemptColumns+`, (SELECT c.version FROM campaigns c WHERE c.id = attempts.campaign_id)`,
		int64(id), owner, at(lease), at(now), at(dialedAt(call, now)), orNull(call.CallTraceID), at(now.Add(longestCall)),
		at(dialedAt(call, now).Add(externalRest)))
	if err != nil {
		return dialer.Claimed{}, err
	}
	company, err := t.db.company(ctx, t, []dialer.Attempt{a}, map[dialer.AttemptID]int64{a.ID: version})
	if err != nil {
		return dialer.Claimed{}, err
	}
	return *company[a.ID], nil
}
