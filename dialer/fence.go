package dialer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/uptime"
)

// Reasons of the self-fence not to dial a customer.
var (
	errLeaseOver   = errors.New("dialer: the lease is over, or too near its end")
	errHungUp      = errors.New("dialer: hung up before the customer's phone rang")
	errPermitEnded = errors.New("dialer: the permit to call ran out")
)

// fence says whether one attempt's customer may be dialed.
type fence struct {
	now    func() time.Time
	until  time.Time // the permit's end; zero: it has none
	margin time.Duration
	hungUp func() bool

	mu     sync.Mutex
	lease  uptime.Instant // ours until then
	lost   bool           // another owner has the attempt
	dialed bool           // it has passed
	closed bool           // it lets nobody pass any more: the call was withdrawn before
}

// mayRing says whether the customer's phone may be dialed at this very moment. It is asked at each write of what dials it, so it
// asks nobody.
func (f *fence) mayRing() error {
	now := f.now()
	if f.hungUp() {
		return errHungUp
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return errHungUp
	case f.lost || !uptime.At(now).Before(f.lease.Add(-f.margin)):
		return errLeaseOver
	case !f.until.IsZero() && !now.Before(f.until):
		return errPermitEnded
	}
	return nil
}

// renewed notes what became of the lease. It returns false when the lease is lost for good, the first time only.
func (f *fence) renewed(ours bool, until uptime.Instant) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ours {
		f.lease = until
		return true
	}
	known := f.lost
	f.lost = true
	return known
}

// close keeps a call from dialing its customer that has not done so; false: it may have.
func (f *fence) close() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = f.closed || !f.dialed
	return f.closed
}

// passed says whether the customer's phone may ring by now.
func (f *fence) passed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dialed
}

// pass is the self-fence: the lease is ours, it goes on record that the customer's phone rings, and after the time that the
// record took the lease is still ours. It is passed again only where the way before certainly did not take the call.
func (f *fence) pass(ctx context.Context, dialed func(ctx context.Context, again bool, now time.Time) error) error {
	if err := f.mayRing(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	f.mu.Lock()
	again := f.dialed
	f.mu.Unlock()
	if err := dialed(ctx, again, f.now()); err != nil {
		return fmt.Errorf("dialer: the customer's ring is not on record: %w", err)
	}
	f.mu.Lock()
	f.dialed = true
	f.mu.Unlock()
	return f.mayRing()
}
