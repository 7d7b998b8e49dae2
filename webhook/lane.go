package webhook

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

const (
	leaseFor          = time.Minute
	defaultRate       = 200
	defaultConcurrent = 16
	batchFactor       = 4 // deliveries leased at once for each request that may be under way
	recordEvery       = time.Second
)

// lane sends the deliveries of one endpoint, within its limits.
type lane struct {
	d    *Deliverer
	id   int64
	wake chan struct{}
	log  *slog.Logger

	slots *semaphore.Weighted // requests at once
	rate  *rate.Limiter

	mu        sync.Mutex
	endpoint  Endpoint  // as last read, and what the tries since have taught
	restUntil time.Time // the receiver asked to be left alone
}

func newLane(d *Deliverer, id int64) *lane {
	log := d.log.With(slog.Int64("endpoint", id))
	return &lane{d: d, id: id, wake: make(chan struct{}, 1), log: log, rate: rate.NewLimiter(0, 0)}
}

// run sends whatever is due, each time it is woken. A try under way lives in trying, which outlasts ctx a little.
func (l *lane) run(ctx, trying context.Context) {
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		err := l.drain(ctx, trying, &sending)
		if errors.Is(err, ErrNoEndpoint) {
			l.d.forget(l.id)
			return
		}
		if err != nil {
			l.d.failed(ctx, "webhook deliveries not read", err) // the sweep wakes the lane again
		}
	}
}

// drain leases and sends until nothing is due.
func (l *lane) drain(ctx, trying context.Context, sending *sync.WaitGroup) error {
	for ctx.Err() == nil {
		e, err := l.refresh(ctx)
		if err != nil || l.closed() {
			return err
		}
		leased := time.Now()
		batch, err := l.lease(ctx, e, leased)
		if err != nil || len(batch) == 0 {
			return err
		}
		slots := l.slots
		for i, delivery := range batch {
			if !l.admit(ctx, slots, leased) {
				l.release(batch[i:])
				break
			}
			sending.Go(func() {
				defer slots.Release(1)
				l.deliver(trying, e, delivery)
			})
		}
	}
	return nil
}

// lease takes what is due. A stop does not cut it short: leases of which nobody knows would hold deliveries up for as long
// as they last.
func (l *lane) lease(ctx context.Context, e Endpoint, now time.Time) ([]Delivery, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return l.d.store.Due(ctx, l.id, batchSize(e), now, now.Add(leaseFor))
}

// refresh reads the endpoint anew: its secret, limits and state may have been changed by a supervisor or another node.
func (l *lane) refresh(ctx context.Context) (Endpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.d.store.Endpoint(ctx, l.id)
	if err != nil {
		return e, err
	}
	if e.Rate <= 0 {
		e.Rate = defaultRate
	}
	if e.Concurrent <= 0 {
		e.Concurrent = defaultConcurrent
	}
	if l.slots == nil || e.Concurrent != l.endpoint.Concurrent {
		l.slots = semaphore.NewWeighted(int64(e.Concurrent)) // requests under way keep the old one
	}
	if l.rate.Burst() != e.Rate {
		l.rate = rate.NewLimiter(rate.Limit(e.Rate), e.Rate)
	}
	l.endpoint = e
	return e, nil
}

// batchSize is small for an endpoint that fails: what is leased waits behind its timeouts.
func batchSize(e Endpoint) int {
	if e.FailingAt.IsZero() {
		return e.Concurrent * batchFactor
	}
	return e.Concurrent
}

// closed reports whether nothing is to be sent at this moment.
func (l *lane) closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.endpoint.Disabled || time.Now().Before(l.restUntil)
}

// admit waits for a slot and the rate. False: the process stops, the endpoint wants no more, or what is left of the
// lease is too short for a whole try and another node might send the same at the same time.
func (l *lane) admit(ctx context.Context, slots *semaphore.Weighted, leased time.Time) bool {
	ctx, cancel := context.WithDeadline(ctx, leased.Add(leaseFor-tryTimeout-recordEvery))
	defer cancel()
	if slots.Acquire(ctx, 1) != nil {
		return false
	}
	if l.rate.Wait(ctx) != nil || l.closed() {
		slots.Release(1)
		return false
	}
	return true
}

func (l *lane) release(batch []Delivery) {
	ids := make([]int64, len(batch))
	for i, delivery := range batch {
		ids[i] = delivery.ID
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if err := l.d.store.Release(ctx, ids); err != nil {
		l.log.Warn("webhook leases not released, they will run out", slog.Int("deliveries", len(ids)), slog.Any("error", err))
	}
}

// deliver makes one try of a delivery and stores what came of it.
func (l *lane) deliver(trying context.Context, e Endpoint, delivery Delivery) {
	t, retryAfter := l.d.post(trying, e, delivery.EventID, delivery.Body)
	if trying.Err() != nil && t.Status == 0 {
		l.release([]Delivery{delivery}) // our own stop cut it short: that says nothing of the endpoint
		return
	}
	t.DeliveryID = delivery.ID
	ok := t.Error == ""
	next, nextAt := Delivered, time.Time{}
	if delay, more := retryDelay(delivery.Tries+1, rand.Float64(), retryAfter); !ok && more {
		next, nextAt = Pending, time.Now().Add(delay)
	} else if !ok {
		next = Failed
	}
	if (t.Status == http.StatusTooManyRequests || t.Status == http.StatusServiceUnavailable) && retryAfter > 0 {
		l.rest(min(retryAfter, maxRest))
	}
	l.learn(trying, ok, t)
	l.record(trying, t, next, nextAt)
	l.report(delivery, t, next)
	if e.Ordered {
		signal(l.wake) // the key's next delivery may go now
	}
}

func (l *lane) rest(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.restUntil = time.Now().Add(d)
}

// learn keeps the endpoint's health, in SQL only when it changes. The lock is held over the store's answer, so that a
// refresh does not bring the state of before back.
func (l *lane) learn(trying context.Context, ok bool, t Try) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, is := l.endpoint, l.endpoint.after(ok, t.Status, time.Now())
	if was.Disabled || is.FailingAt.Equal(was.FailingAt) && !is.Disabled {
		return
	}
	l.endpoint = is
	ctx, cancel := context.WithTimeout(context.WithoutCancel(trying), stopGrace)
	defer cancel()
	if err := l.d.store.MarkEndpoint(ctx, l.id, is.FailingAt, is.Reason); err != nil {
		l.log.Error("webhook endpoint's state not stored", slog.Any("error", err)) // the next try does it
	}
	switch {
	case is.Disabled:
		l.log.Warn("webhook endpoint disabled, its events are kept", slog.String("reason", is.Reason))
	case ok:
		l.log.Info("webhook endpoint works again", slog.Time("failed_since", was.FailingAt))
	default:
		l.log.Warn("webhook endpoint fails", slog.Int("status", t.Status), slog.String("error", t.Error))
	}
}

// record stores the try. While SQL is away it goes on for as long as the lease lasts; then the delivery is sent again, and
// the receiver knows it by its webhook-id.
func (l *lane) record(trying context.Context, t Try, next DeliveryState, nextAt time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(trying), leaseFor-tryTimeout)
	defer cancel()
	for {
		err := l.d.store.Record(ctx, t, next, nextAt)
		if err == nil {
			return
		}
		select {
		case <-trying.Done():
		case <-ctx.Done():
		case <-time.After(recordEvery):
			continue
		}
		l.log.Error("webhook try not stored, it will be made again", slog.Int64("delivery", t.DeliveryID), slog.Any("error", err))
		return
	}
}

func (l *lane) report(delivery Delivery, t Try, next DeliveryState) {
	switch next {
	case Delivered:
		l.d.metrics.Delivered("ok")
	case Pending:
		l.d.metrics.Delivered("retry")
	case Failed:
		l.d.metrics.Delivered("failed")
		l.log.Warn("webhook delivery failed for good, it can be replayed", slog.Int64("delivery", delivery.ID),
			slog.String("event", delivery.EventID), slog.String("type", string(delivery.Type)),
			slog.Int("status", t.Status), slog.String("error", t.Error))
	}
}
