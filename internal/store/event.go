package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/webhook"
)

// emit writes an event, with a delivery for each endpoint that wants it. The body is marshalled once: these bytes are signed,
// sent and repeated for ever.
func (t *tx) emit(key string, sequence int64, kind webhook.Type, data webhook.Data, now time.Time) error {
	row, err := newEvent(key, sequence, kind, data, now)
	if err != nil {
		return err
	}
	row.N = len(t.changed.events)
	if data.Campaign != nil {
		row.Campaign = data.Campaign.ID
	}
	if data.Contact != nil {
		row.Contact = data.Contact.ID
	}
	t.changed.events = append(t.changed.events, row)
	return nil
}

func newEvent(key string, sequence int64, kind webhook.Type, data webhook.Data, now time.Time) (eventRow, error) {
	id, err := uuid.NewV7() // ordered by time, so that the index grows at its end
	if err != nil {
		return eventRow{}, fmt.Errorf("store: event id: %w", err)
	}
	e := webhook.Event{ID: "evt_" + strings.ReplaceAll(id.String(), "-", ""), Type: kind, At: now.Truncate(time.Millisecond).UTC(),
		Sequence: sequence, Data: data}
	var body strings.Builder
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // names and links as they are
	if err := enc.Encode(e); err != nil {
		return eventRow{}, fmt.Errorf("store: event %s: %w", kind, err)
	}
	return eventRow{ID: e.ID, Type: string(kind), Key: key, Sequence: sequence, At: millis(now),
		Body: strings.TrimSuffix(body.String(), "\n")}, nil
}

// nextSequence counts the events of what is no contact.
func (t *tx) nextSequence(ctx context.Context, key string) (int64, error) {
	n, err := one(ctx, t, scanID, `INSERT INTO sequences (key, value) VALUES ($1, 1)
		ON CONFLICT (key) DO UPDATE SET value = sequences.value + 1 RETURNING value`, key)
	if err != nil {
		return 0, fmt.Errorf("store: sequence of %s: %w", key, err)
	}
	return n, nil
}

// tell writes an event about a held attempt: the next one of its contact, or of its number.
func (t *tx) tell(ctx context.Context, h *locked, kind webhook.Type, code *webhook.Code, reason string, now time.Time) error {
	data := webhook.Data{Call: h.call(t.db), Campaign: &webhook.Campaign{ID: h.campaign.ID, Name: h.campaign.Name},
		Code: code, Reason: reason}
	if h.AgentID != 0 {
		data.Agent = &webhook.Agent{ID: h.AgentID, Login: h.agentLogin, UserID: h.agentUserID}
	}
	if h.contact == nil {
		sequence, err := t.nextSequence(ctx, h.Number)
		if err != nil {
			return err
		}
		return t.emit(h.Number, sequence, kind, data, now)
	}
	return t.tellContact(h.contact, kind, data, now)
}

// tellContact writes the next event of a contact, and so saves the contact.
func (t *tx) tellContact(c *contact, kind webhook.Type, data webhook.Data, now time.Time) error {
	c.sequence++
	t.save(c, now)
	data.Contact = &webhook.Contact{ID: c.ID, CRMID: c.CRMID, State: string(c.State), Payload: c.Payload}
	if c.State == campaigns.Waiting {
		data.Contact.NextCallAt = moments(c.NextAt)
	}
	return t.emit(contactKey(c.ID), c.sequence, kind, data, now)
}

// contactFinished writes contact.finished.
func (t *tx) contactFinished(campaign *campaigns.Campaign, c *contact, now time.Time) error {
	return t.tellContact(c, webhook.ContactFinished,
		webhook.Data{Campaign: &webhook.Campaign{ID: campaign.ID, Name: campaign.Name}, Reason: c.Reason}, now)
}

// campaignFinished writes campaign.finished.
func (t *tx) campaignFinished(ctx context.Context, c *campaigns.Campaign, now time.Time) error {
	key := "campaign:" + strconv.FormatInt(c.ID, 10)
	sequence, err := t.nextSequence(ctx, key)
	if err != nil {
		return err
	}
	return t.emit(key, sequence, webhook.CampaignFinished, webhook.Data{Campaign: &webhook.Campaign{ID: c.ID, Name: c.Name}}, now)
}

func contactKey(id int64) string { return "contact:" + strconv.FormatInt(id, 10) }

// call is the attempt as CRM authors read it.
func (h *locked) call(s *db) *webhook.Call {
	c := &webhook.Call{AttemptID: h.ID.String(), Origin: string(h.Origin), Ordinal: h.Ordinal, Number: h.Number,
		Outcome: string(h.Outcome),
		Cause:   h.Cause, HangupBy: h.HangupBy, Fault: h.Fault, DialedAt: moments(h.DialedAt), AnsweredAt: moments(h.AnsweredAt),
		EndedAt: moments(h.EndedAt)}
	if h.CallTraceID != "" {
		c.CallTraceID = &h.CallTraceID
	}
	if h.talked() {
		c.RecordingLink = s.recordingLink(h.campaign, h.CallTraceID)
		if !h.EndedAt.IsZero() {
			c.TalkSeconds = max(0, h.EndedAt.Sub(h.AnsweredAt)).Round(time.Millisecond).Seconds()
		}
	}
	return c
}

// recordingLink is where the recording of a talk is found; without a calltraceid there is none.
func (s *db) recordingLink(c *campaigns.Campaign, trace string) string {
	link := campaigns.RecordingLinkFor(c, trace)
	if strings.HasPrefix(link, "/") {
		return s.recordingBase + link
	}
	return link
}

func moments(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.Truncate(time.Millisecond).UTC()
	return &t
}

func eventCode(c campaigns.CallCode) *webhook.Code {
	if c.ID == "" {
		return nil
	}
	return &webhook.Code{ID: c.ID, Name: c.Name, Action: string(c.Action)}
}

// AgentStateChanged writes agent.state_changed, which only endpoints that name it are sent: where none does, nothing, for there
// are several changes a call.
func (s Journal) AgentStateChanged(ctx context.Context, agent webhook.Agent, now time.Time) error {
	_, err := one(ctx, s, scanID, `SELECT id FROM endpoints WHERE types LIKE '%,agent.state_changed,%' LIMIT 1`)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store: agent %d: state event: %w", agent.ID, err)
	}
	err = s.inTx(ctx, func(t *tx) error {
		key := "agent:" + strconv.FormatInt(agent.ID, 10)
		sequence, err := t.nextSequence(ctx, key)
		if err != nil {
			return err
		}
		return t.emit(key, sequence, webhook.AgentStateChanged, webhook.Data{Agent: &agent}, now)
	})
	if err != nil {
		return fmt.Errorf("store: agent %d: state event: %w", agent.ID, err)
	}
	return nil
}
