package webhook

import (
	"encoding/json"
	"time"
)

// Type names an event.
type Type string

const (
	CallAnswered      Type = "call.answered"
	CallCompleted     Type = "call.completed"
	CallCodeSet       Type = "call.code_set"
	RecordingReady    Type = "recording.ready"
	ContactFinished   Type = "contact.finished"
	CampaignFinished  Type = "campaign.finished"
	AgentStateChanged Type = "agent.state_changed" // off unless an endpoint names it
)

// Event is one thing that happened, as CRM authors read it. The JSON form is what is signed and sent.
type Event struct {
	ID       string    `json:"id"` // the webhook-id: the same over retries and replays
	Type     Type      `json:"type"`
	At       time.Time `json:"timestamp"`
	Sequence int64     `json:"sequence"` // grows by one a contact (or, without one, a number): tells older from newer
	Data     Data      `json:"data"`
}

// Data is the body of an Event; fields that an event does not have are absent.
type Data struct {
	Call     *Call     `json:"call,omitempty"`
	Contact  *Contact  `json:"contact"` // null for a manual call to a number in no list
	Campaign *Campaign `json:"campaign,omitempty"`
	Agent    *Agent    `json:"agent,omitempty"`
	Code     *Code     `json:"code"`             // null until one is set, and when the time for it ran out
	Reason   string    `json:"reason,omitempty"` // of call.code_set: "agent", "timeout" or "correction"; of contact.finished: why
}

// Call is one attempt.
type Call struct {
	AttemptID     string     `json:"attempt_id"`
	CallTraceID   *string    `json:"calltraceid"` // null until the network has told it
	Origin        string     `json:"origin"`
	Ordinal       int        `json:"ordinal"`
	Number        string     `json:"number"`
	Outcome       string     `json:"outcome,omitempty"`
	Cause         string     `json:"cause,omitempty"`
	HangupBy      string     `json:"hangup_by,omitempty"`
	DialedAt      *time.Time `json:"dialed_at,omitempty"`
	AnsweredAt    *time.Time `json:"answered_at,omitempty"`
	EndedAt       *time.Time `json:"ended_at,omitempty"`
	TalkSeconds   float64    `json:"talk_seconds,omitempty"`
	RecordingLink string     `json:"recording_link,omitempty"`
}

// Contact is the person as the CRM knows it.
type Contact struct {
	ID         int64           `json:"id"`
	CRMID      string          `json:"crm_id"`
	State      string          `json:"state"`
	NextCallAt *time.Time      `json:"next_call_at,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"` // as it was imported
}

// Campaign is the campaign's name and id.
type Campaign struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Agent is the agent of the call.
type Agent struct {
	ID     int64  `json:"id"`
	Login  string `json:"login"`
	UserID string `json:"user_id,omitempty"` // the CRM's id of the user
	State  string `json:"state,omitempty"`   // of agent.state_changed
}

// Code is the call code and what it did to the contact.
type Code struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action"`
}
