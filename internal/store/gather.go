package store

import (
	"encoding/json"
	"time"
)

// gathered is what a transaction has changed of rows that it holds. Each table is written by one statement, however many
// rows there are.
type gathered struct {
	accounts map[accountKey]*accountRow
	attempts []*locked
	contacts []*contact
	events   []eventRow
	moved    []movedRow
}

// waiting are the contacts that have changed, by their ids.
func (c *gathered) waiting() (ids []int64) {
	for _, k := range c.contacts {
		ids = append(ids, k.ID)
	}
	for _, m := range c.moved {
		ids = append(ids, m.ID)
	}
	return ids
}

// movedRow is a waiting contact that is due at another time.
type movedRow struct {
	ID     int64  `json:"id"`
	NextAt *int64 `json:"next_at"`
	Now    *int64 `json:"now"`
	Listed bool   `json:"listed"`
}

// keep notes that a held attempt has changed.
func (t *tx) keep(h *locked) { t.changed.attempts = append(t.changed.attempts, h) }

// save notes that a contact that this transaction holds has changed.
func (t *tx) save(c *contact, now time.Time) {
	c.UpdatedAt = now
	for _, k := range t.changed.contacts {
		if k == c {
			return
		}
	}
	t.changed.contacts = append(t.changed.contacts, c)
}

// write queues the statements that store what was gathered.
func (t *tx) write() {
	c := t.changed
	t.changed = gathered{}
	if len(c.attempts) > 0 {
		rows, ids := make([]attemptRow, len(c.attempts)), make([]int64, len(c.attempts))
		for i, h := range c.attempts {
			rows[i], ids[i] = h.row(), int64(h.ID)
		}
		t.later(updateAttempts, rowset(rows), ids)
	}
	if len(c.contacts) > 0 {
		rows, ids := make([]contactRow, len(c.contacts)), make([]int64, len(c.contacts))
		for i, k := range c.contacts {
			rows[i], ids[i] = k.row(), k.ID
		}
		t.later(updateContacts, rowset(rows), ids)
	}
	if len(c.moved) > 0 {
		ids := make([]int64, len(c.moved))
		for i, m := range c.moved {
			ids[i] = m.ID
		}
		t.later(`UPDATE contacts SET next_at = r.next_at, updated_at = r.now, put_off = TRUE, listed = r.listed,
			wake_at = COALESCE(contacts.wake_at, contacts.next_at)
			FROM ROWS($1: id BIGINT, next_at BIGINT, now BIGINT, listed BOOLEAN) AS r WHERE contacts.id = r.id
			AND contacts.id = ANY($2)`, rowset(c.moved), ids)
	}
	t.writeAccounts(c.accounts)
	if len(c.events) > 0 {
		t.later(insertEvents, rowset(c.events))
		for i := range c.events {
			c.events[i].Body = ""
		}
		t.later(insertDeliveries, rowset(c.events))
		t.laterJournal(c.events)
		t.events = true
	}
}

// attemptRow is what a step may change of an attempt.
type attemptRow struct {
	ID          int64  `json:"id"`
	State       string `json:"state"`
	DialedAt    *int64 `json:"dialed_at"`
	QuietUntil  *int64 `json:"quiet_until"`
	AnsweredAt  *int64 `json:"answered_at"`
	PickedUpAt  *int64 `json:"picked_up_at"`
	AgentID     int64  `json:"agent_id,omitempty"`
	EndedAt     *int64 `json:"ended_at"`
	CallTraceID string `json:"calltraceid,omitempty"`
	Outcome     string `json:"outcome,omitempty"`
	Cause       string `json:"cause"`
	HangupBy    string `json:"hangup_by"`
	Fault       bool   `json:"fault"`
	Machine     bool   `json:"machine"`
	CodeDueAt   *int64 `json:"code_due_at"`
	Code        string `json:"code,omitempty"`
	CodeReason  string `json:"code_reason,omitempty"`
	CodeSetAt   *int64 `json:"code_set_at"`
	Meaningful  bool   `json:"meaningful"`
	AnsweredBy  string `json:"answered_by,omitempty"`
}

func (h *locked) row() attemptRow {
	return attemptRow{int64(h.ID), string(h.State), millis(h.DialedAt), millis(h.quietUntil), millis(h.AnsweredAt),
		millis(h.pickedUpAt), h.AgentID, millis(h.EndedAt), h.CallTraceID,
		string(h.Outcome), h.Cause, h.HangupBy, h.Fault, h.Machine, millis(h.CodeDueAt),
		h.Code, h.codeReason, millis(h.CodeSetAt), h.meaningful,
		string(h.answeredBy)}
}

// The ids come once more as a list: with it the table is entered by its key, whatever the planner thinks of sizes.
const updateAttempts = `UPDATE attempts SET state = r.state, dialed_at = r.dialed_at, quiet_until = r.quiet_until, answered_at =
	r.answered_at,
		picked_up_at = r.picked_up_at, agent_id = COALESCE(r.agent_id, attempts.agent_id),
		ended_at = r.ended_at, calltraceid = r.calltraceid,
		outcome = r.outcome, cause = r.cause, hangup_by = r.hangup_by, fault = r.fault, machine = r.machine,
		code_due_at = r.code_due_at, code = r.code,
		code_reason = r.code_reason, code_set_at = r.code_set_at, meaningful = r.meaningful, answered_by = r.answered_by
	FROM ROWS($1: id BIGINT, state TEXT, dialed_at BIGINT, quiet_until BIGINT, answered_at BIGINT, picked_up_at BIGINT,
	agent_id BIGINT,
		ended_at BIGINT, calltraceid TEXT, outcome TEXT, cause TEXT, hangup_by TEXT, fault BOOLEAN, machine BOOLEAN,
		code_due_at BIGINT, code TEXT, code_reason TEXT, code_set_at BIGINT, meaningful BOOLEAN, answered_by TEXT) AS r
	WHERE attempts.id = r.id AND attempts.id = ANY($2)`

// contactRow is what may change of a contact.
type contactRow struct {
	ID            int64  `json:"id"`
	Phones        string `json:"phones"`
	State         string `json:"state"`
	Reason        string `json:"reason,omitempty"`
	NextAt        *int64 `json:"next_at"`
	Attempts      int    `json:"attempts"`
	Ordinals      int    `json:"ordinals"`
	Sequence      int64  `json:"sequence"`
	CallbackAt    *int64 `json:"callback_at"`
	CallbackAgent int64  `json:"callback_agent,omitempty"`
	CallTraceID   string `json:"calltraceid,omitempty"`
	RecordingLink string `json:"recording_link,omitempty"`
	UpdatedAt     *int64 `json:"updated_at"`
	LastAgent     int64  `json:"last_agent,omitempty"`
	CallbackOpen  *int64 `json:"callback_open_at"`
	CallbackUntil *int64 `json:"callback_until"`
	CallbackTries int    `json:"callback_tries"`
}

func (c *contact) row() contactRow {
	return contactRow{c.ID, string(phonesJSON(nil, c.Phones)), string(c.State), c.Reason, millis(c.NextAt), c.Attempts,
		c.ordinals, c.sequence,
		millis(c.callbackAt), c.CallbackAgent, c.CallTraceID, c.RecordingLink, millis(c.UpdatedAt),
		c.lastAgent, millis(c.callbackOpen), millis(c.callbackUntil), c.callbackTries}
}

const updateContacts = `UPDATE contacts SET phones = r.phones, state = r.state, reason = r.reason, next_at = r.next_at,
	attempts = r.attempts,
		ordinals = r.ordinals, sequence = r.sequence, callback_at = r.callback_at, callback_agent = r.callback_agent,
		calltraceid = r.calltraceid, recording_link = r.recording_link, updated_at = r.updated_at, last_agent = r.last_agent,
		callback_open_at = r.callback_open_at, callback_until = r.callback_until, callback_tries = r.callback_tries,
		put_off = contacts.put_off OR r.next_at IS DISTINCT FROM contacts.next_at,
		wake_at = CASE WHEN r.next_at IS DISTINCT FROM contacts.next_at THEN NULL ELSE contacts.wake_at END
	FROM ROWS($1: id BIGINT, phones TEXT, state TEXT, reason TEXT, next_at BIGINT, attempts INTEGER, ordinals INTEGER,
		sequence BIGINT,
		callback_at BIGINT, callback_agent BIGINT, calltraceid TEXT, recording_link TEXT, updated_at BIGINT, last_agent BIGINT,
		callback_open_at BIGINT, callback_until BIGINT, callback_tries INTEGER) AS r
	WHERE contacts.id = r.id AND contacts.id = ANY($2)`

// eventRow is an event to be written, in the order of N.
type eventRow struct {
	N        int    `json:"n"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Key      string `json:"key"`
	Sequence int64  `json:"sequence"`
	At       *int64 `json:"at"`
	Body     string `json:"body,omitempty"`
	But      int64  `json:"but,omitempty"` // the endpoint that is not told
	Campaign int64  `json:"campaign,omitempty"`
	Contact  int64  `json:"contact,omitempty"`
}

const insertEvents = `INSERT INTO events (id, type, key, sequence, at, body) SELECT id, type, key, sequence, at, body
	FROM ROWS($1: id TEXT, type TEXT, key TEXT, sequence BIGINT, at BIGINT, body TEXT) AS r`

// insertDeliveries makes one for each endpoint that wants the event, as [webhook.Endpoint.Wants] says.
const insertDeliveries = `INSERT INTO deliveries (event_id, endpoint_id, type, key, sequence, state, next_at, created_at)
	SELECT r.id, p.id, r.type, r.key, r.sequence, 'pending', r.at, r.at
	FROM ROWS($1: n INTEGER, id TEXT, type TEXT, key TEXT, sequence BIGINT, at BIGINT, but BIGINT, campaign BIGINT) AS r
	JOIN endpoints p ON (p.types LIKE '%,' || r.type || ',%' OR (p.types = '' AND r.type <> 'agent.state_changed'))
		AND (r.but IS NULL OR p.id <> r.but)
		AND (p.campaigns = '' OR r.campaign IS NULL OR p.campaigns LIKE '%,' || CAST(r.campaign AS TEXT) || ',%') ORDER BY r.n, p.id`

// rowset is the argument of a ROWS(…).
func rowset[T any](rows []T) string {
	text, _ := json.Marshal(rows) // numbers, texts and booleans cannot fail
	return string(text)
}

func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}
