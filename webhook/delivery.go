package webhook

import (
	"context"
	"time"
)

// Endpoint is a CRM's address for events.
type Endpoint struct {
	ID         int64
	URL        string // https, or http where the allow-list permits
	Types      []Type // empty: every type but agent.state_changed
	Secret     string // "whsec_" and base64 of 32 bytes; never in a reply but at its making
	OldSecret  string // signs too until OldUntil, after a rotation
	OldUntil   time.Time
	Ordered    bool // strict order of a contact's events: the next one waits for the one before
	Rate       int  // requests a second; zero: 50
	Concurrent int  // requests at once; zero: 8
	Disabled   bool
	Reason     string    // why it is disabled
	FailingAt  time.Time // since when every try has failed; zero: the last one did not
	CreatedAt  time.Time
}

// DeliveryState is where a delivery stands.
type DeliveryState string

const (
	Pending   DeliveryState = "pending"   // due at NextAt
	Delivered DeliveryState = "delivered" // answered by 2xx
	Failed    DeliveryState = "failed"    // every retry is used up, or the endpoint was disabled; a replay starts it again
)

// Delivery is the journey of one event to one endpoint.
type Delivery struct {
	ID         int64
	EventID    string
	EndpointID int64
	Type       Type
	State      DeliveryState
	Tries      int
	NextAt     time.Time
	Body       []byte // the exact bytes, as stored with the event
	Key        string // what Ordered orders by: the contact or number
	Sequence   int64
	CreatedAt  time.Time
}

// Try is one HTTP request of a delivery.
type Try struct {
	DeliveryID int64
	Number     int // 1, 2, …
	At         time.Time
	Duration   time.Duration
	Status     int    // HTTP status; zero when there was none
	Error      string // why there was none
	Reply      string // the first 1,024 bytes
}

// Store is what deliveries need of the system of record.
type Store interface {
	// Endpoint reads one endpoint; Endpoints all.
	Endpoint(ctx context.Context, id int64) (Endpoint, error)
	Endpoints(ctx context.Context) ([]Endpoint, error)

	// Due leases up to limit pending deliveries of one endpoint that are due, oldest first, until the moment given, so that
	// no other node sends them meanwhile.
	Due(ctx context.Context, endpointID int64, limit int, now, leaseUntil time.Time) ([]Delivery, error)

	// Record stores a try and the delivery's next state in one transaction.
	Record(ctx context.Context, t Try, next DeliveryState, nextAt time.Time) error

	// MarkEndpoint stores since when an endpoint fails (zero: it works), and disables it when reason is given.
	MarkEndpoint(ctx context.Context, id int64, failingAt time.Time, disableReason string) error
}
