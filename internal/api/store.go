package api

import (
	"context"
	"iter"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// Store is what the API needs of the system of record, all of it. Every method is one transaction unless it says otherwise. What
// is not there is [Deps].NotFound, what contradicts what is stored [Deps].Conflict; both with a text for people.
type Store struct {
	CampaignStore
	ContactStore
	ImportStore
	PeopleStore
	ConsentStore
	AttemptStore
	RecordingStore
	AgentStore
	UserStore
	AuditStore
	WebhookStore
	JournalStore
	ReplyStore
}

// complete reports whether nothing of it is left out.
func (s Store) complete() bool {
	return s.CampaignStore != nil && s.ContactStore != nil && s.ImportStore != nil && s.PeopleStore != nil &&
		s.ConsentStore != nil && s.AttemptStore != nil && s.RecordingStore != nil && s.AgentStore != nil &&
		s.UserStore != nil && s.AuditStore != nil && s.WebhookStore != nil && s.JournalStore != nil && s.ReplyStore != nil
}

// UserStore keeps those who may use the API. Changes are audited under who.
type UserStore interface {
	User(ctx context.Context, id int64) (access.User, error)
	UserByLogin(ctx context.Context, login string) (access.User, error)
	Users(ctx context.Context) ([]access.User, error)

	// FirstAdminNonce returns what the link of the first admin follows from. access.ErrAdminThere: there is an admin. NotFound: none
	// is good.
	FirstAdminNonce(ctx context.Context, now time.Time) ([]byte, error)
	// CreateFirstAdmin stores the first admin and ends the link. access.ErrAdminThere: somebody else was first.
	CreateFirstAdmin(ctx context.Context, u access.User, nonce []byte, now time.Time) (access.User, error)
	// CreateUser stores a new user. Conflict: the login is in use.
	CreateUser(ctx context.Context, u access.User) (access.User, error)

	// SetUserDisabled, SetUserRole and SetUserPassword change a user, and end the sessions; DeleteUser forgets one with the
	// tokens. access.ErrLastAdmin: nobody would be left who administrates.
	SetUserDisabled(ctx context.Context, id int64, disabled bool, who string, now time.Time) (access.User, error)
	SetUserRole(ctx context.Context, id int64, role access.Role, agentID int64, who string, now time.Time) (access.User, error)
	SetUserPassword(ctx context.Context, id int64, hash, who string, now time.Time) (access.User, error)
	DeleteUser(ctx context.Context, id int64, who string, now time.Time) error

	CreateToken(ctx context.Context, t access.Token) (access.Token, error)

	// Tokens lists a user's tokens, by id; user id zero: everybody's.
	Tokens(ctx context.Context, userID int64) ([]access.Token, error)
	RevokeToken(ctx context.Context, id int64) error
}

// AuditStore keeps what people have done.
type AuditStore interface {
	Audit(ctx context.Context, a access.Audit) error

	// AuditEntries lists entries, the latest first, those with ids below before (zero: from the latest).
	AuditEntries(ctx context.Context, f access.AuditFilter, before int64, limit int) ([]access.AuditEntry, error)
}

// AgentStore keeps the agents that the CRM provisions, and opens their sessions.
type AgentStore interface {
	Agent(ctx context.Context, id int64) (agents.Agent, error)
	AgentByLogin(ctx context.Context, login string) (agents.Agent, error)

	// SetLanguage keeps the language of an agent's texts; empty: the server's.
	SetLanguage(ctx context.Context, agentID int64, language string) error

	// ChangeAgentOfUser edits the agent of the CRM's user, or makes it. edit may be called more than once.
	ChangeAgentOfUser(ctx context.Context, userID, login string, edit func(*agents.Agent) (detail string, err error), who string,
		now time.Time) (
		a agents.Agent, created bool, err error)

	// AgentsOfUser lists the agents whom the user of a cookie may be.
	AgentsOfUser(ctx context.Context, username, userID string) ([]agents.Agent, error)

	// ReserveExtension keeps an extension for the agent's login: its own, the last one it had, or any free one.
	ReserveExtension(ctx context.Context, agentID int64) (agents.Extension, error)

	// CreateLoginToken keeps the hash of a one-time password.
	CreateLoginToken(ctx context.Context, agentID int64, hash []byte, expires, now time.Time) error
}

// CampaignStore keeps campaigns. What it returns is shared: it is copied before it is changed.
type CampaignStore interface {
	Campaign(ctx context.Context, id int64) (*campaigns.Campaign, error)

	// Campaigns lists campaigns with ids above after, by id.
	Campaigns(ctx context.Context, after int64, limit int) ([]*campaigns.Campaign, error)

	// CreateCampaign stores a validated campaign in the status draft. Conflict: the name or the queue is in use.
	CreateCampaign(ctx context.Context, c campaigns.Campaign, now time.Time) (*campaigns.Campaign, error)

	// UpdateCampaign replaces all but id, status and times.
	UpdateCampaign(ctx context.Context, c campaigns.Campaign, now time.Time) (*campaigns.Campaign, error)

	// SetStatus changes the status if it is one of from; else Conflict. Once it has returned, no attempt of a campaign that
	// was paused or stopped is dialed.
	SetStatus(ctx context.Context, id int64, to campaigns.Status, from []campaigns.Status, now time.Time) (
		*campaigns.Campaign, error)

	// Stats says what a campaign has come to; the size of the campaign does not matter.
	Stats(ctx context.Context, campaignID int64) (campaigns.Stats, error)
	Account(ctx context.Context, campaignID int64, from, to time.Time) ([]dialer.AccountSpan, error)

	// Records are the parts of a recorded day that begin between two moments, packed, in their order.
	Records(ctx context.Context, campaignID int64, from, to time.Time) ([][]byte, error)

	// Tried lists the latest calls of the dialer's own that have ended, oldest first; not more than most.
	Tried(ctx context.Context, campaignID int64, since time.Time, most int) ([]dialer.TriedCall, error)

	// Templates are campaigns' settings under names. Conflict: the name is in use, and replace does not say that it may be.
	Templates(ctx context.Context) ([]campaigns.Template, error)
	Template(ctx context.Context, id int64) (campaigns.Template, error)
	SaveTemplate(ctx context.Context, t campaigns.Template, replace bool, detail string, now time.Time) (campaigns.Template, error)
	DeleteTemplate(ctx context.Context, id int64, who string, now time.Time) error

	// Sample is what the campaign's latest automatic calls were like.
	Sample(ctx context.Context, campaignID int64, now time.Time) (dialer.Sample, error)
}

// ContactStore keeps contacts, the do-not-call list and promised callbacks.
type ContactStore interface {
	// ImportContacts stores the lines of a list as they come, in transactions of some thousands, so that what was accepted
	// stays when the list breaks off: the report then counts it, and the error is the list's (lists.ErrList or the
	// reader's). A *campaigns.LineError refuses its line. A contact whose CRM id or one of whose numbers is in the campaign
	// already is a duplicate; two CRM ids on one number are two people. New contacts are due at once.
	ImportContacts(ctx context.Context, campaignID int64, lines iter.Seq2[campaigns.Line, error], now time.Time) (
		campaigns.ImportReport, error)

	Contact(ctx context.Context, id int64) (*campaigns.Contact, error)

	// ContactsByID reads contacts; those that are not there are left out.
	ContactsByID(ctx context.Context, ids []int64) ([]campaigns.Contact, error)

	// Contacts lists a campaign's contacts with ids above after, by id; an empty state or CRM id filters nothing.
	Contacts(ctx context.Context, campaignID int64, state campaigns.ContactState, crmID string, after int64, limit int) (
		[]campaigns.Contact, error)

	// Find lists contacts of all campaigns, or of one, by any of some numbers, or by the CRM's id when there is one; by id.
	Find(ctx context.Context, campaignID int64, numbers []string, crmID string, after int64, limit int) ([]campaigns.Contact, error)

	// FindByEnd does so by the last digits of a number, four at least; FindByName by words of names, in the order of NamePlace.
	FindByEnd(ctx context.Context, campaignID int64, digits string, after int64, limit int) ([]campaigns.Contact, error)
	FindByName(ctx context.Context, campaignID int64, name string, after *campaigns.NamePlace, limit int) ([]campaigns.Contact,
		*campaigns.NamePlace, error)

	// EditContact, FinishContact and ReopenContact are a supervisor's deeds at a contact, audited under who. Conflict: it is in a
	// call, or waits for its call code. edit may be called more than once.
	EditContact(ctx context.Context, id int64, edit func(*campaigns.Contact) error, who string, now time.Time) (*campaigns.Contact,
		error)
	FinishContact(ctx context.Context, id int64, why, who string, now time.Time) (*campaigns.Contact, error)
	ReopenContact(ctx context.Context, id int64, why, who string, now time.Time) (*campaigns.Contact, error)

	// MoveContacts puts contacts into another campaign, each audited under who. Conflict: it was one alone, and that one stays.
	MoveContacts(ctx context.Context, m campaigns.Moving, why, who string, now time.Time) (campaigns.Moved, error)

	// Waiting judges the waiting contacts of a campaign that come first. Ahead counts those before one, as far as limit.
	Waiting(ctx context.Context, campaignID int64, most int, now time.Time) ([]campaigns.Standing, error)
	Ahead(ctx context.Context, contact *campaigns.Contact, limit int, now time.Time) (int, error)

	// Question gathers what policy judges by for the contact's next automatic call.
	Question(ctx context.Context, contactID int64, now time.Time) (campaigns.Question, error)

	// Bar puts a number, a person or both on the do-not-call list; an entry that is there already stays as it was. Waiting
	// contacts find out at their next plan, open attempts at their claim.
	Bar(ctx context.Context, b campaigns.Barred) error

	// BarAll is Bar for a part of a list, all of it or nothing; it returns how many numbers and people are new on it, or on it for
	// longer.
	BarAll(ctx context.Context, list []campaigns.Barred) (int, error)

	// BarredBy looks up what bars calls to a person, a number, or a person on a number at a moment, as the gate does.
	BarredBy(ctx context.Context, number, crmID string, now time.Time) ([]campaigns.Barred, error)

	// BarredList lists entries, newest first, those with ids below before (zero: from the newest); a number or CRM id selects
	// its entries.
	BarredList(ctx context.Context, number, crmID string, before int64, limit int) ([]campaigns.Barred, error)

	// Unbar takes a number or a person off the list; whom it has put off is due again. False: it was not there.
	Unbar(ctx context.Context, number, crmID string, now time.Time) (bool, error)

	// Promise sets a callback on a contact that is waiting or finished; one agreed before is replaced. Conflict: the contact
	// is in a call, or waits for its call code.
	Promise(ctx context.Context, c campaigns.Callback, now time.Time) (*campaigns.Contact, error)

	// MoveCallback sets another moment for a promised callback, CancelCallback takes it back; both are audited. ErrNotFound: nothing
	// is promised. Conflict: the contact is in a call.
	MoveCallback(ctx context.Context, c campaigns.Callback, now time.Time) (*campaigns.Contact, error)
	CancelCallback(ctx context.Context, contactID int64, who, why string, now time.Time) (*campaigns.Contact, error)

	// Callback is what is promised to a contact.
	Callback(ctx context.Context, contactID int64) (campaigns.Callback, error)

	// PermitCallbacks says of each when law and settings allow it.
	PermitCallbacks(ctx context.Context, list []campaigns.Callback, now time.Time) error

	// Promises is how promises are kept whose moment lies from from until now; campaign zero: of all campaigns.
	Promises(ctx context.Context, campaignID int64, from, now time.Time) (campaigns.PromiseClock, error)

	// Callbacks lists promised callbacks that are not fulfilled, by time, those after the moment and contact given; zero ids
	// of campaign or agent filter nothing.
	Callbacks(ctx context.Context, campaignID, agentID int64, after time.Time, afterContact int64, limit int) (
		[]campaigns.Callback, error)
}

// AttemptStore reads attempts and corrects their codes.
type AttemptStore interface {
	Attempt(ctx context.Context, id dialer.AttemptID) (dialer.Attempt, error)

	// Attempts lists attempts, latest first, those with ids below before (zero: from the latest).
	Attempts(ctx context.Context, f dialer.AttemptFilter, before dialer.AttemptID, limit int) ([]dialer.Attempt, error)

	// OpenCalls lists the attempts that are under way, by id, those with ids above after; campaign zero: of all.
	OpenCalls(ctx context.Context, campaignID int64, after dialer.AttemptID, limit int) ([]dialer.Attempt, error)

	// Report counts attempts by what the filter says, in the order of the keys.
	Report(ctx context.Context, f dialer.ReportFilter) ([]dialer.ReportRow, error)

	// PromiseReport counts promised callbacks whose agreed moment is in the filter's span, by campaign, list, agent or hour.
	PromiseReport(ctx context.Context, f dialer.ReportFilter, now time.Time) ([]dialer.PromiseRow, error)

	// AgentFigures counts an agent's calls that were prepared between two moments, and the promised callbacks.
	AgentFigures(ctx context.Context, agentID int64, from, to, now time.Time) (dialer.Figures, error)

	// CorrectCode changes the call code of an attempt that has one, as a new event; it is audited under who.
	CorrectCode(ctx context.Context, c dialer.Coding, who string) error
}

// RecordingStore reads what was kept of calls.
type RecordingStore interface {
	// Recording reads what was kept of a call; else NotFound.
	Recording(ctx context.Context, trace string) (dialer.Recording, error)
}

// WebhookStore keeps endpoints.
type WebhookStore interface {
	Endpoint(ctx context.Context, id int64) (webhook.Endpoint, error)
	Endpoints(ctx context.Context) ([]webhook.Endpoint, error)
	CreateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error)
	UpdateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error)
	DeleteEndpoint(ctx context.Context, id int64) error

	// Secrets lists the secrets that sign an endpoint's requests now, the present one first. RotateSecret gives it a new one;
	// Conflict: too many sign already. EndSecret ends a former one; Conflict: it is the present one.
	Secrets(ctx context.Context, endpointID int64, now time.Time) ([]webhook.Secret, error)
	RotateSecret(ctx context.Context, endpointID int64, secret string, now time.Time) (webhook.Endpoint, error)
	EndSecret(ctx context.Context, endpointID, id int64) error
}

// JournalStore reads events and their deliveries.
type JournalStore interface {
	// Deliveries lists an endpoint's deliveries, latest first, those with ids below before (zero: from the latest); an empty
	// state filters nothing.
	Deliveries(ctx context.Context, endpointID int64, state webhook.DeliveryState, before int64, limit int) (
		[]webhook.Delivery, error)

	// Events and AllDeliveries list in the order in which events were written, nothing appears before a place that was
	// answered; Event reads one, or returns NotFound.
	Events(ctx context.Context, f webhook.Filter, limit int) ([]webhook.Entry, error)
	Event(ctx context.Context, id string) (webhook.Entry, error)
	AllDeliveries(ctx context.Context, f webhook.Filter, limit int) ([]webhook.Delivery, error)

	// Tries lists a delivery's tries in their order.
	Tries(ctx context.Context, deliveryID int64) ([]webhook.Try, error)
}

// ReplyStore keeps the replies to POSTs that carry an Idempotency-Key, for a day at least.
type ReplyStore interface {
	// Once does what is asked under a key, in one transaction with its reply; see internal/store. The reply is as BeginReply's.
	Once(ctx context.Context, key string, fingerprint []byte, now time.Time,
		do func(ctx context.Context) (status int, body []byte)) (
		status int, kept, body []byte, err error)

	// BeginReply takes a key. Status zero: it is ours, and EndReply must follow. Else there was a reply before, with this
	// status, fingerprint and body; a status of -1 means that the first request is still under way. A key whose request
	// never ended (its process died) is given again after ten minutes.
	BeginReply(ctx context.Context, key string, fingerprint []byte, now time.Time) (status int, kept []byte, body []byte, err error)

	// EndReply keeps the reply; status zero gives the key back, so that the request may be tried again.
	EndReply(ctx context.Context, key string, status int, body []byte, now time.Time) error
}
