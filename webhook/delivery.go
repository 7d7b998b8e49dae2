package webhook

import (
	"context"
	"errors"
	"time"
)

// ErrNoEndpoint says that a [Store] holds no such endpoint.
var ErrNoEndpoint = errors.New("webhook: no such endpoint")

// Endpoint is a CRM's address for events.
type Endpoint struct {
	ID         int64
	URL        string   // as [ParseURL] accepts it
	Types      []Type   // empty: every type but agent.state_changed
	Secret     string   // "whsec_" and base64 of 32 bytes; never in a reply but at its making
	Old        []Secret // those before it, which sign too until their ends
	Ordered    bool     // strict order of a contact's events: the next one waits until the one before is delivered or failed
	Rate       int      // requests a second from one node; zero: 200
	Concurrent int      // requests at once from one node; zero: 16
	Disabled   bool
	Reason     string    // why it is disabled
	FailingAt  time.Time // since when every try has failed; zero: the last one did not
	CreatedAt  time.Time
}

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
	Delivered DeliveryState = "delivered" // answered by 2xx
	Failed    DeliveryState = "failed"    // every retry is used up; a replay starts it again
)

// Delivery is the journey of one event to one endpoint.
type Delivery struct {
	ID         int64
	EventID    string
	EndpointID int64
	Type       Type
	State      DeliveryState
	Tries      int // since the event or the last replay: the place in the retry schedule
	NextAt     time.Time
	Body       []byte // the exact bytes, as stored with the event
	Key        string // what Ordered orders by: the contact or number
	Sequence   int64
	CreatedAt  time.Time
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

// Backlog is an endpoint that has deliveries due.
type Backlog struct {
	EndpointID int64
	Oldest     time.Time // the earliest NextAt of them
}

// Selection says which deliveries of an endpoint are sent again.
type Selection struct {
	DeliveryID int64     // this one alone; else all that match the rest
	OnlyFailed bool      // those that have failed; false: delivered ones too
	From, To   time.Time // made in this span, From included, To not; zero: open
}

// Store is what deliveries need of the system of record. Event and deliveries (one for each endpoint that [Endpoint.Wants]
// it, disabled or not, due at once) are inserted by the transaction that makes the event true.
type Store interface {
	// Endpoint reads one endpoint, or answers ErrNoEndpoint; Endpoints reads all.
	Endpoint(ctx context.Context, id int64) (Endpoint, error)
	Endpoints(ctx context.Context) ([]Endpoint, error)

	// DueEndpoints lists the enabled endpoints with deliveries that are pending, due and not leased.
	DueEndpoints(ctx context.Context, now time.Time) ([]Backlog, error)

	// Due leases up to limit pending deliveries of one endpoint that are due and not leased, oldest first, until the moment
	// given, so that no other node sends them meanwhile. Of an Ordered endpoint it leases only the first pending
	// delivery of each key, and none of a key whose first one waits or is leased. A disabled endpoint has none.
	Due(ctx context.Context, endpointID int64, limit int, now, leaseUntil time.Time) ([]Delivery, error)

	// Record stores a try (under the next number) and, in the same transaction, the delivery's next state: it ends the lease
	// and adds one to Tries. What is Delivered stays so, as another node may have been late with a failure.
	Record(ctx context.Context, t Try, next DeliveryState, nextAt time.Time) error

	// Release ends the leases of deliveries that were not sent after all; they are due again at once.
	Release(ctx context.Context, deliveryIDs []int64) error

	// MarkEndpoint stores since when an endpoint fails (zero: it works; of two moments the earlier one stays), and disables
	// it when reason is given.
	MarkEndpoint(ctx context.Context, id int64, failingAt time.Time, disableReason string) error

	// Replay makes the selected deliveries of an endpoint pending again, due now, Tries zero; it answers how many.
	Replay(ctx context.Context, endpointID int64, which Selection, now time.Time) (int, error)

	// Prune forgets up to limit events that happened before the moment given, with their deliveries and tries; it answers
	// how many.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)
}
