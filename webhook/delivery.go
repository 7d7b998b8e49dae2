package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// ErrNoEndpoint says that a [Store] holds no such endpoint.
var ErrNoEndpoint error = reason.New(reason.Missing, whyNoEndpoint, "webhook: no such endpoint")

// MaxEndpoints bounds the endpoints: each makes every event dearer.
const MaxEndpoints = 50

// ErrTooManyEndpoints refuses one more than that.
var ErrTooManyEndpoints error = reason.New(reason.Conflict, whyTooManyEndpoints(MaxEndpoints),
	fmt.Sprintf("webhook: there are %d endpoints already: delete one first", MaxEndpoints))

// Endpoint is a CRM's address for events.
type Endpoint struct {
	ID         int64
	URL        string   // as [ParseURL] accepts it
	Types      []Type   // empty: every type but agent.state_changed
	Secret     string   // "whsec_" and base64 of 32 bytes; never in a reply but at its making
	Old        []Secret // those before it, which sign too until their ends
	Private             // headers and certificates of its own; zero in what a store returns: see Sealed
	Sealed     []byte   // Private, encrypted; nil: there is nothing
	Campaigns  []int64  // empty: all; events of no campaign are sent all the same
	Version    int      // of the bodies; zero: 1
	Ordered    bool     // strict order of a contact's events: the next one waits until the one before is delivered or failed
	Rate       int      // requests a second from all nodes together; zero: 200
	Concurrent int      // requests at once from one node; zero: 16
	Disabled   bool
	Reason     reason.Reason // why it is disabled
	FailingAt  time.Time     // since when every try has failed; zero: the last one did not
	WorkedAt   time.Time     // when it last began to work again
	ProbeAt    time.Time     // while it fails: when one request may ask again
	Strikes    int           // while it fails: how many events were refused since
	ToldAt     time.Time     // while it fails: when the other endpoints were last told
	Error      string        // while it fails: the last try's
	CreatedAt  time.Time
}

const (
	defaultRate       = 200
	defaultConcurrent = 16
	batchFactor       = 4               // deliveries leased at once for each request that may be under way
	batchSpan         = 2 * time.Second // and what the rate lets go in this time
	headroom          = 0.9             // of the rate: networks and schedulers bunch what was sent evenly
)

func (e Endpoint) concurrent() int {
	if e.Concurrent <= 0 {
		return defaultConcurrent
	}
	return e.Concurrent
}

// Spacing is the least time between two requests.
func (e Endpoint) Spacing() time.Duration {
	rate := e.Rate
	if rate <= 0 {
		rate = defaultRate
	}
	return time.Duration(float64(time.Second) / (headroom * float64(rate)))
}

func (e Endpoint) perBatch() int { return max(1, int(batchSpan/e.Spacing())) }

// Wants reports whether the endpoint is to be told of events of this type.
func (e Endpoint) Wants(t Type) bool {
	if len(e.Types) == 0 {
		return t != AgentStateChanged
	}
	for _, w := range e.Types {
		if w == t {
			return true
		}
	}
	return false
}

// DeliveryState is where a delivery stands.
type DeliveryState string

const (
	Pending   DeliveryState = "pending"   // due at NextAt; while its endpoint is disabled it waits, and is due when enabled
	Delivered DeliveryState = "delivered" // the reply was a 2xx
	Failed    DeliveryState = "failed"    // every retry is used up; a replay starts it again
)

// Delivery is the journey of one event to one endpoint.
type Delivery struct {
	ID         int64
	EventID    string
	EndpointID int64
	Type       Type
	State      DeliveryState
	Tries      int // since the event or the last replay
	Refusals   int // of these, failures of this event while others came through: the place in the retry schedule
	NextAt     time.Time
	FailedAt   time.Time // when a try last failed that the event itself may have been the cause of
	Body       []byte    // the exact bytes, as stored with the event
	Key        string    // what Ordered orders by: the contact or number
	Sequence   int64
	CreatedAt  time.Time
	Position   int64 // of a list: the event's place in the journal
	Probe      bool  // of a batch: it asks a failing endpoint whether it works again
}

// Try is one HTTP request of a delivery.
type Try struct {
	DeliveryID int64
	Number     int // 1, 2, … over the delivery's whole life; the store gives it
	At         time.Time
	Duration   time.Duration
	Status     int    // HTTP status; zero when there was none
	Error      string // why the try failed; empty when it did not
	Reply      string // the first 1,024 bytes, valid UTF-8
}

// Entry is an event as it was written.
type Entry struct {
	Position int64 // its place among all events: grows
	ID       string
	Type     Type
	At       time.Time
	Body     []byte
}

// Filter chooses events or deliveries, after a place. Zero values filter nothing.
type Filter struct {
	After         int64 // position
	AfterDelivery int64 // and of that event, after this delivery
	Type          Type
	CampaignID    int64
	ContactID     int64
	Since, Until  time.Time // when it happened: Since included, Until not
	EndpointID    int64     // of deliveries
	State         DeliveryState
}

// Backlog is an endpoint that has deliveries due.
type Backlog struct {
	EndpointID int64
	Oldest     time.Time // the earliest NextAt of them
	Ready      bool      // some may be sent; false: it fails, and its next probe is later
}

// Batch is what one node sends next.
type Batch struct {
	Endpoint   Endpoint // as it is now
	Deliveries []Delivery
	First      time.Time // when the first of them may go; each other one [Endpoint.Spacing] later
}

// Selection says which deliveries of an endpoint are sent again.
type Selection struct {
	DeliveryID int64     // this one alone; else all that match the rest
	OnlyFailed bool      // those that did not arrive, given up or still waiting; false: delivered ones too
	From, To   time.Time // made in this span, From included, To not; zero: open
}

// Store is what deliveries need of the system of record. Event and deliveries (one for each endpoint that [Endpoint.Wants]
// it, disabled or not, due at once) are inserted by the transaction that makes the event true.
type Store interface {
	// Endpoint reads one endpoint, or returns ErrNoEndpoint; Endpoints reads all.
	Endpoint(ctx context.Context, id int64) (Endpoint, error)
	Endpoints(ctx context.Context) ([]Endpoint, error)

	// DueEndpoints lists the enabled endpoints with deliveries that are pending, due and not leased.
	DueEndpoints(ctx context.Context, now time.Time) ([]Backlog, error)

	// Take leases what [Endpoint.Admits] of the endpoint's due deliveries that are not leased, oldest first, until the moment
	// given, so that no other node sends them meanwhile, and gives them a place in the endpoint's rate, which all nodes share.
	// No delivery is leased before an earlier pending one of its key, unless that one was refused by itself twice and the
	// endpoint is not Ordered. A probe is the oldest event that never failed, of a type that did not since the endpoint
	// does if there is one; else the one that failed longest ago. It is claimed ([Endpoint.Claimed]) in the same transaction.
	Take(ctx context.Context, endpointID int64, now, leaseUntil time.Time) (Batch, error)

	// Record stores the tries of an endpoint (each under its delivery's next number; the last 50 are kept) and what [Conclude]
	// makes of each, with the events that it tells, in one transaction; it ends the leases. It returns the endpoint and
	// the deliveries' states. A delivery that was forgotten meanwhile stays so.
	Record(ctx context.Context, endpointID int64, results []Result) (Endpoint, []DeliveryState, error)

	// Release ends the leases of deliveries that were not sent after all; they are due again at once, a probe too.
	Release(ctx context.Context, endpointID int64, deliveryIDs []int64, probe bool, now time.Time) error

	// Probe makes the next probe of a failing endpoint due now: somebody has reason to think that it works.
	Probe(ctx context.Context, endpointID int64, now time.Time) error

	// Replay makes the selected deliveries of an endpoint pending and due now, those that wait too, with Tries and Refusals
	// zero, and its probe as well; it returns how many.
	Replay(ctx context.Context, endpointID int64, which Selection, now time.Time) (int, error)

	// Prune forgets up to limit events that happened before the moment given, with their deliveries and tries; it returns
	// how many.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)
}
