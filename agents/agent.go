package agents

import (
	"encoding/json"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Agent is a person who receives calls, as kept in the system of record.
type Agent struct {
	ID           int64
	Login        string // unique, 1 to 64 characters
	Name         string // full name or e-mail
	PasswordHash string // argon2id, encoded as in its RFC 9106 PHC string; never leaves the process
	UserID       string // the CRM's id of the user, as VouchCookie carries it; the cookie must match it when set
	Username     string // the CRM's name of the user, as VouchCookie carries it
	Queues       []string
	Skills       []string      // that contacts may need, such as a language; in small letters
	Extension    string        // name of the extension owned now; empty: none
	AutoCall     bool          // the auto-call flag
	PauseID      string        // pause in force, "0" for none; [ForcePauseID] for Force Pause
	PauseCause   reason.Reason // why Force Pause is in force
	Disabled     bool
	Language     string // of the texts that the tab shows: "en", "uk", "ru"; empty: the server's
	UpdatedAt    time.Time
	Profile      json.RawMessage `json:"-"` // object: what other systems' administration keeps here and we do not use; nil: nothing
}

// Bound says whether the agent is a certain user of the CRM; one made by its name and password alone is not.
func (a Agent) Bound() bool { return a.UserID != "" || a.Username != "" }

// BelongsTo says whether the agent is the user of the CRM whom VouchCookie names. An agent bound to nobody is nobody's: who knows
// its password may log in as it, and no cookie is enough.
func (a Agent) BelongsTo(username, userID string) bool {
	return a.Bound() && (a.UserID == "" || a.UserID == userID) && (a.Username == "" || a.Username == username)
}

// Extension is where an agent's phone rings.
type Extension struct {
	ID      int64    `json:"ID"`
	Name    string   `json:"Name"`    // what the agent types at login; unique
	Network string   `json:"Network"` // the phone network it belongs to: "simulated", "sip", "mediatel"
	Number  string   `json:"Number"`  // as dialed on Server
	Server  string   `json:"Server"`  // external telephony server, host[:port]; empty: our own registrar
	Codecs  []string `json:"Codecs"`
	Options bool     `json:"Options"` // whether Server is asked by OPTIONS if the extension is reachable
	// NailedUp: one leg to the phone is kept up while the agent may be given calls, and they all go by it.
	NailedUp bool            `json:"NailedUp"`
	OwnerID  int64           `json:"OwnerID"`
	Taken    int64           `json:"Taken"` // which taking of it this is: it grows with each one
	Profile  json.RawMessage `json:"-"`     // as an agent's
}

// Pause is a reason to take no calls that agents may choose.
type Pause struct {
	ID   string // decimal digits, never "0" or [ForcePauseID]
	Name string
}

// Pause ids with a meaning of their own.
const (
	NoPause      = "0"    // no pause is in force
	ForcePauseID = "1000" // Force Pause; it is never on offer
)
