package webhook

import (
	"encoding/json"
	"time"
)

// Type names an event. New types may be added: a receiver replies 2xx to those it does not know.
type Type string

const (
	CallAnswered      Type = "call.answered"       // agent and customer talk
	CallCompleted     Type = "call.completed"      // an attempt is over, talked or not; may come again with a better outcome
	CallCodeSet       Type = "call.code_set"       // the agent has said what came of the call, or the time for it ran out
	RecordingReady    Type = "recording.ready"     // call.recording_link may be opened
	ContactFinished   Type = "contact.finished"    // no further call will be made; reason says why
	CallbackLate      Type = "callback.late"       // a promised callback was not dialed within five minutes of the agreed moment
	CampaignFinished  Type = "campaign.finished"   // every contact of it is finished
	AgentStateChanged Type = "agent.state_changed" // sent only to endpoints that name it
	EndpointFailing   Type = "endpoint.failing"    // another endpoint fails: for five seconds at least, and again each day
	EndpointDisabled  Type = "endpoint.disabled"   // another endpoint is sent nothing more until somebody enables it
	EndpointRecovered Type = "endpoint.recovered"  // another endpoint that endpoint.failing told of works again
	Ping              Type = "ping"                // a test by a supervisor; its data is empty
)

// Event is one thing that happened: the body of a webhook request. Events may come twice (ID tells) and, unless the
// endpoint is set to strict order, out of order (Sequence tells).
type Event struct {
	ID       string    `json:"id"` // equal to the header webhook-id; the same over all retries and replays
	Type     Type      `json:"type"`
	At       time.Time `json:"timestamp"` // when it happened; the header webhook-timestamp is when this request was made
	Sequence int64     `json:"sequence"`  // grows with each event of one contact, or of one number when the contact is null
	Data     Data      `json:"data"`
}

// Data is what happened. Contact and code are always there, as null when there is none; the rest is absent when an
// event does not have it.
type Data struct {
	Call     *Call     `json:"call,omitempty"`
	Contact  *Contact  `json:"contact"` // null for a manual call to a number in no list
	Campaign *Campaign `json:"campaign,omitempty"`
	Agent    *Agent    `json:"agent,omitempty"`
	Code     *Code     `json:"code"`               // null until one is set, and in call.code_set when the time for it ran out
	Callback *Callback `json:"callback,omitempty"` // of callback.late; agent is who promised it
	Endpoint *Failure  `json:"endpoint,omitempty"` // of endpoint.failing, endpoint.disabled and endpoint.recovered
	// of call.code_set: "agent", "timeout" or "correction"; of contact.finished and endpoint.disabled: why
	Reason string `json:"reason,omitempty"`
}

// Call is one attempt to reach the contact. Times are UTC, RFC 3339.
type Call struct {
	AttemptID     string     `json:"attempt_id"`  // decimal digits, ordered by time
	CallTraceID   *string    `json:"calltraceid"` // decimal, makes the recording's link; null until the network tells it
	Origin        string     `json:"origin"`      // "automatic", "manual", "callback", "preview" or "external"
	Ordinal       int        `json:"ordinal"`     // 1, 2, … of the contact
	Number        string     `json:"number"`      // E.164
	Outcome       string     `json:"outcome,omitempty"`
	Cause         string     `json:"cause,omitempty"`       // the phone network's own words, such as "486 Busy Here"
	HangupBy      string     `json:"hangup_by,omitempty"`   // "agent", "customer" or "system"
	Fault         bool       `json:"fault,omitempty"`       // infrastructure failed and no phone rang: it was no call to the person
	DialedAt      *time.Time `json:"dialed_at,omitempty"`   // absent: the customer's phone never rang
	AnsweredAt    *time.Time `json:"answered_at,omitempty"` // absent: they did not talk
	EndedAt       *time.Time `json:"ended_at,omitempty"`
	TalkSeconds   float64    `json:"talk_seconds,omitempty"`
	RecordingLink string     `json:"recording_link,omitempty"`
}

// Contact is the person as the CRM knows it.
type Contact struct {
	ID         int64           `json:"id"`
	CRMID      string          `json:"crm_id"`
	State      string          `json:"state"`                  // "waiting", "calling", "coding" or "finished"
	NextCallAt *time.Time      `json:"next_call_at,omitempty"` // while waiting
	Payload    json.RawMessage `json:"payload,omitempty"`      // as the CRM imported it
}

// Campaign is the campaign's id and name.
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

// Failure is another endpoint, which does not do well.
type Failure struct {
	ID           int64      `json:"id"`
	Host         string     `json:"host"`                    // of its URL
	FailingSince *time.Time `json:"failing_since,omitempty"` // absent when it works again
	DisabledAt   *time.Time `json:"disabled_at,omitempty"`   // of endpoint.failing: when it will be disabled unless it works again
	Error        string     `json:"error,omitempty"`         // the last try's
	Waiting      int64      `json:"waiting"`                 // its events that have not arrived
}

// Callback is a promise to call a contact back.
type Callback struct {
	At     time.Time  `json:"at"`                // as agreed
	OpenAt *time.Time `json:"open_at,omitempty"` // from then on any agent may keep it; absent: any may at once
}

// Code is the call code and what it did to the contact.
type Code struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action"` // "finish", "retry_after", "callback_at" or "do_not_call"
}
