package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Errors of a [Store].
var (
	// ErrNotClaimed says that the attempt is not there to be claimed: another worker has it, it was cancelled, its
	// permit ran out, its campaign stopped, or its number went on the do-not-call list. Nothing may be dialed.
	ErrNotClaimed = errors.New("dialer: attempt not claimed")
	// ErrFenced says that the attempt is no longer this owner's under this fence.
	ErrFenced = errors.New("dialer: attempt fenced")
	// ErrNumberBusy says that the number or the contact has an open attempt already.
	ErrNumberBusy error = reason.New(reason.Conflict, whyNumberBusy, "dialer: number is in a call")
	// ErrNoQueue says that no campaign has the queue.
	ErrNoQueue error = reason.New(reason.Missing, whyNoQueue, "dialer: no campaign has the queue")
	// ErrKept says that a call of another system is followed by this process already.
	ErrKept = errors.New("dialer: the call is kept already")
	// ErrCodeSet says that the attempt has a call code already.
	ErrCodeSet error = reason.Wrap(reason.Conflict, whyCoded, fmt.Errorf("dialer: %w", agents.ErrCodeTooLate))
)

// Store is what the corridor needs of the system of record. Every method is one transaction; an error other than the
// sentinels means that the outcome is unknown, and the caller must not dial.
type Store interface {
	// Plan prepares up to n attempts at the due contacts of a running campaign, one a contact. The highest priority comes first, of
	// one priority promised callbacks, then those tried before, then the others in the campaign's order. Whoever policy refuses is
	// skipped (and is due again when it may permit); where it refuses the whole head of the queue, somebody further down is
	// called. Nothing is planned outside the campaign's windows. free are the agents who could have the calls, in the order in which
	// they shall: each attempt then names one of them, and whoever waits for another agent is left out. Without free, anybody.
	Plan(ctx context.Context, campaignID int64, n int, now time.Time, free ...int64) ([]Attempt, error)

	// WatchPromises tells the CRM of promised callbacks that are late, at most limit; it returns how many.
	WatchPromises(ctx context.Context, now time.Time, limit int) (int, error)

	// Promises is how promises of the time given are kept, over all campaigns (campaignID zero) or in one.
	Promises(ctx context.Context, campaignID int64, from, now time.Time) (campaigns.PromiseClock, error)

	// PlanAhead is Plan for calls that are placed before they have an agent. Those that may be placed only with one are given one of
	// free (AgentID): promised callbacks, people who were abandoned of late, and those who are not served by whoever comes free.
	PlanAhead(ctx context.Context, campaignID int64, n int, now time.Time, free ...int64) ([]Attempt, error)

	// PlanManual prepares one attempt by an agent's hand. A refusal by policy comes as *RefusedError, a number in a call
	// as ErrNumberBusy.
	PlanManual(ctx context.Context, m ManualCall, now time.Time) (Attempt, error)

	// Cancel gives up an attempt that is still prepared; the contact is due again as it was. False: it was not prepared.
	Cancel(ctx context.Context, id AttemptID, why reason.Reason, now time.Time) (bool, error)

	// CancelStale cancels what was prepared before the moment given, never claimed, and is not kept by [Previews.Show]; it returns
	// how many.
	CancelStale(ctx context.Context, before, now time.Time) (int, error)

	// Claim takes a prepared attempt for owner: fence + 1 and a lease. It checks the permit, the campaign and the
	// do-not-call list in the same statement, and else returns ErrNotClaimed. agentID is kept on the attempt.
	Claim(ctx context.Context, id AttemptID, owner string, agentID int64, lease time.Duration, now time.Time) (Claimed, error)

	// Renew extends the leases of owner's attempts and returns those that are still its own.
	Renew(ctx context.Context, owner string, ids []AttemptID, lease time.Duration, now time.Time) ([]AttemptID, error)

	// Adopt keeps a call that another system has placed: as an attempt of origin External that is dialing and owner's, its
	// contact found by the CRM's id, else by the number. What was prepared for the same person, contact or number is
	// cancelled; if one of them is in a call of ours, the attempt is closed as Unknown at once, and how it really ends comes late.
	// A call of the agent's that the record has already, and that no process speaks for any more, is taken over
	// instead, under a new fence: open, or closed as Unknown. ErrNumberBusy: another process may still speak for it, so try
	// again later. ErrKept: this process does. ErrNotClaimed: its end is on record, or nobody can say who the customer is. Where no
	// campaign is found for it one is made of its line, which is by hand and not started.
	// To repeat a call whose outcome is unknown is safe.
	Adopt(ctx context.Context, c ExternalCall, owner string, lease time.Duration, now time.Time) (Claimed, error)

	// Traced keeps the calltraceid of an attempt as soon as its network has told it: by it a call that lost its process is found
	// again. An attempt that is not owner's under this fence any more is left as it is.
	Traced(ctx context.Context, id AttemptID, owner string, fence int64, trace string) error

	// Dialed commits that the customer's phone is about to ring. Like Claim it checks, in the same statement, that the
	// campaign still runs and the number is not on the do-not-call list: the agent's phone may have rung for a minute.
	// For as long as quiet its person is called by nobody else, unless the attempt's end is known and confirmed: the phone may
	// ring on without us. ErrFenced: it must not ring.
	Dialed(ctx context.Context, id AttemptID, owner string, fence int64, quiet time.Duration, now time.Time) error

	// DialedAgain commits that the customer's phone is about to ring by another way, after one that certainly did not take the
	// call. It checks what Dialed checks, and that Dialed was committed.
	DialedAgain(ctx context.Context, id AttemptID, owner string, fence int64, quiet time.Duration, now time.Time) error

	// Answered commits that both sides talk, with the calltraceid; it writes call.answered.
	Answered(ctx context.Context, id AttemptID, owner string, fence int64, trace string, now time.Time) error

	// PickedUp commits that a customer who was called before there was an agent has answered: should the process be lost, the call
	// counts as abandoned.
	PickedUp(ctx context.Context, id AttemptID, owner string, fence int64, now time.Time) error

	// Joined is Answered with the agent who talks, where the attempt was claimed without one.
	Joined(ctx context.Context, id AttemptID, owner string, fence, agentID int64, trace string, now time.Time) error

	// Keep keeps by what the attempt's talk can be ended should its process be lost. It is forgotten with the end of the talk.
	// ErrFenced: there is no such talk of this owner's.
	Keep(ctx context.Context, k KeptTalk) error

	// Left lists the talks that former lives of the node have left, those of owner's left out, at most limit: not closed, or closed
	// as Unknown within the hour.
	Left(ctx context.Context, node, owner string, now time.Time, limit int) ([]LeftTalk, error)

	// Close ends an attempt by compare-and-set on owner and fence, settles the contact and writes call.completed. Only
	// Unknown may be overwritten by a late close, and an end without an answer by Abandoned: the answer came when we had given
	// up. ErrFenced: it is closed with a known outcome already.
	Close(ctx context.Context, c Closing) (Attempt, error)

	// Account reads the minutes of a campaign's account of abandoned calls from a moment on, oldest first. Close keeps it.
	Account(ctx context.Context, campaignID int64, from time.Time) ([]pacing.Span, error)

	// Shown is what the campaign's calls that were dialed by the pacer between two moments have shown. Worth is how many they are;
	// zero fields are not known.
	Shown(ctx context.Context, campaignID int64, from, to time.Time) (pacing.Prior, error)

	// KeepRecord keeps a part of a campaign's day as one node's pacing has seen it, for a week.
	KeepRecord(ctx context.Context, campaignID int64, node string, begin time.Time, body []byte) error

	// ForgetAccounts drops what no cap is counted by any more, and records that are too old.
	ForgetAccounts(ctx context.Context, now time.Time) error

	// SetCode stores a call code on a closed attempt that awaits one (it was closed with CodeDueAt), applies its action to
	// the contact and writes call.code_set. ErrCodeSet: it has one, or awaits none.
	SetCode(ctx context.Context, c Coding) error

	// Prolong moves the time for a call code of a closed attempt that awaits one; of any other it changes nothing.
	Prolong(ctx context.Context, id AttemptID, until time.Time) error

	// CodesDue lists closed attempts whose time for a call code is over, oldest first, at most limit.
	CodesDue(ctx context.Context, now time.Time, limit int) ([]Attempt, error)

	// Lapsed lists open, claimed attempts whose lease ended before the moment given, oldest first, at most limit.
	Lapsed(ctx context.Context, before time.Time, limit int) ([]Attempt, error)

	// CloseUnknown closes a lapsed attempt as Unknown if its fence is still the one given.
	CloseUnknown(ctx context.Context, id AttemptID, fence int64, now time.Time) (bool, error)

	// Running lists the campaigns in the status running, those of the highest priority first.
	Running(ctx context.Context) ([]*campaigns.Campaign, error)

	// FinishDrained sets a running campaign finished when every contact of it is, and writes campaign.finished.
	FinishDrained(ctx context.Context, campaignID int64, now time.Time) (bool, error)
}

// Previews are prepared attempts whose contacts are shown to agents.
type Previews interface {
	// Show keeps prepared attempts whose contacts are shown to agents until the moment given, and returns those that are still
	// prepared and may still be called, with what the agents are shown.
	Show(ctx context.Context, ids []AttemptID, until, now time.Time) ([]Claimed, error)

	// Skip gives up an attempt that is still prepared; it counts nowhere, and its contact is due again at next. False: it was not
	// prepared.
	Skip(ctx context.Context, id AttemptID, why reason.Reason, next, now time.Time) (bool, error)
}

// Queues looks after who is next in campaigns, beside the plans.
type Queues interface {
	// Seek goes on down a running campaign's queue where the look of the last [Store.Plan] that found nobody has ended, for less
	// than a second; nobody is locked, and nothing is written. Found: it has come to somebody who may be called by those free (see
	// Plan), and the next Plan looks there. More: it has not come to the end, so seek again. ahead: as for [Store.PlanAhead].
	Seek(ctx context.Context, campaignID int64, ahead bool, now time.Time, free ...int64) (found, more bool, err error)

	// Clear moves those whom policy refuses out of the head of a campaign's queue. More: all that it has looked at were refused, so
	// look again.
	Clear(ctx context.Context, campaignID int64, now time.Time) (more bool, err error)
}

// ManualCall is an agent's order to call a number.
type ManualCall struct {
	AgentID  int64
	Queue    string // names the campaign
	Number   string // as typed; validated by the campaign's region
	Override bool   // the agent's role may override soft refusals; audited
	Origin   Origin
}

// ExternalCall is a call that another system has placed, as its network shows it at one of our agents.
type ExternalCall struct {
	ID          AttemptID // of the attempt that it becomes, if the record does not have it; dialer gives it
	AgentID     int64
	Extension   agents.Extension // where it rings
	CallTraceID string           // empty: not known
	CustomerID  string           // the person in the CRM's words; empty: not known
	Number      string           // the customer's, as shown
	Queue       string           // the line it came by, in the other system's words
	StartedAt   time.Time        // when it was first seen: its customer counts as dialed from then on
	Card        *Card            // nil: none
	Live        LiveCall
}

// RefusedError says why the gate does not let a call through.
type RefusedError struct{ Verdict campaigns.Verdict }

// Claimed is an attempt that is ours to dial, with all that Run needs to know.
type Claimed struct {
	Attempt  Attempt
	Campaign *campaigns.Campaign
	Contact  *campaigns.Contact // nil for a number in no list
	History  []Attempt          // the contact's earlier attempts, latest first, at most 20
}

// Closing is how a call ended.
type Closing struct {
	ID          AttemptID
	Owner       string
	Fence       int64
	AgentID     int64 // who talked, where the attempt was claimed without an agent
	Outcome     campaigns.Outcome
	CallTraceID string
	HangupBy    string
	Cause       string
	RetryAfter  time.Duration
	PickedUpAt  time.Time // when a customer who was called before there was an agent has answered
	AnsweredAt  time.Time // when talked; kept where Answered was not committed, because SQL was away
	EndedAt     time.Time
	Machine     bool      // an answering machine was heard
	Fault       bool      // infrastructure failed and no phone rang: the attempt counts against no cap, and has a bound of its own
	NotDialed   bool      // the customer's phone was certainly not dialed, although Dialed is committed: the attempt counts nowhere
	Confirmed   bool      // the customer's phone certainly rings no more by the attempt; else its person rests, whatever the outcome
	CodeDueAt   time.Time // when talked, and after a call by hand that reached nobody: until then the contact is held for a code
}

// KeptTalk is by what a talk can be ended without its process.
type KeptTalk struct {
	ID      AttemptID
	Node    string // the process's name
	Owner   string
	Fence   int64
	Network string
	Kept    string // the network's own
}

// LeftTalk is a talk that a former life of a process has left.
type LeftTalk struct {
	Attempt Attempt
	WrapUp  time.Duration
	Network string
	Kept    string
}

// Coding is a call code set on an attempt.
type Coding struct {
	ID         AttemptID
	Code       string              // CallCode.ID; empty with TimedOut: the campaign's default
	Foreign    *campaigns.CallCode // what Code means where the campaign has no such code: one of the phone network's own
	CallbackAt time.Time           // for callback_at; zero: the code's After
	AgentID    int64               // who set it; zero: nobody
	TimedOut   bool
	Now        time.Time
}
