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

	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	leaseFor    = time.Minute
	recordEvery = time.Second // while SQL is away
	recordBatch = 64          // results of one transaction

	tellOtherKey = time.Minute // how often a node says that it cannot send
)

// lane sends the deliveries of one endpoint, within its limits.
type lane struct {
	d    *Deliverer
	id   int64
	wake chan struct{}
	log  *slog.Logger
	line line

	slots  *semaphore.Weighted // requests at once
	width  int                 // how many there are
	lastAt time.Time           // when the last request went, by the store's clock

	results chan outcome

	asking sync.Mutex // held over each question to the store about the endpoint, so that no old state comes after a new one

	mu       sync.Mutex
	endpoint Endpoint // as the store last said
	alive    success  // the last one
}

// outcome is a result on its way into the store.
type outcome struct {
	delivery Delivery
	result   Result
	recorded chan struct{} // closed when it is stored, or given up
}

// success is a request that was accepted.
type success struct{ began, ended time.Time }

func newLane(d *Deliverer, id int64) *lane {
	return &lane{d: d, id: id, wake: make(chan struct{}, 1), log: d.log.With(slog.Int64("endpoint", id)),
		line: line{dial: d.dial}, results: make(chan outcome)}
}

// run sends whatever is due, each time it is woken. A try under way lives in trying, which outlasts ctx a little.
func (l *lane) run(ctx, trying context.Context) {
	var sending, recording sync.WaitGroup
	recording.Go(func() { l.record(trying) })
	defer l.line.close()
	defer recording.Wait()
	defer close(l.results)
	defer sending.Wait()
	var toldAt time.Time // of a key that is another one
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
		switch {
		case err == nil:
		case !errors.Is(err, ErrOtherKey):
			l.d.failed(ctx, "webhook deliveries not read", err) // the sweep wakes the lane again
		case time.Since(toldAt) >= tellOtherKey:
			toldAt = time.Now()
			l.log.Error("webhook deliveries left to other nodes", slog.Any("error", err))
		}
	}
}

// drain leases and sends until nothing may be sent.
func (l *lane) drain(ctx, trying context.Context, sending *sync.WaitGroup) error {
	for ctx.Err() == nil {
		leased := time.Now()
		batch, err := l.take(ctx, l.d.now())
		if err != nil || len(batch.Deliveries) == 0 {
			return err
		}
		slots, spacing, at := l.slots, batch.Endpoint.Spacing(), batch.First
		for i, delivery := range batch.Deliveries {
			if !l.admit(ctx, slots, delivery, leased, at, spacing) {
				l.release(batch.Deliveries[i:])
				break
			}
			at = at.Add(spacing)
			sending.Go(func() {
				defer slots.Release(1)
				l.deliver(trying, batch.Endpoint, delivery)
			})
		}
	}
	return nil
}

// take leases what may be sent. A stop does not cut it short: leases of which nobody knows would hold deliveries up for as
// long as they last.
func (l *lane) take(ctx context.Context, now time.Time) (Batch, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	l.asking.Lock()
	defer l.asking.Unlock()
	batch, err := l.d.store.Take(ctx, l.id, now, now.Add(leaseFor))
	if err != nil {
		return Batch{}, err
	}
	if _, err := batch.Endpoint.Open(l.d.sealer); err != nil && len(batch.Deliveries) > 0 {
		l.release(batch.Deliveries) // to a node that has the key; the endpoint is not to blame
		return Batch{}, err
	}
	l.set(batch.Endpoint)
	if width := batch.Endpoint.concurrent(); l.slots == nil || l.width != width {
		l.slots, l.width = semaphore.NewWeighted(int64(width)), width // requests under way keep the old one
	}
	return batch, nil
}

func (l *lane) set(e Endpoint) (was Endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, l.endpoint = l.endpoint, e
	return was
}

// closed reports whether a leased delivery is not to be sent after all.
func (l *lane) closed(delivery Delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.endpoint.Disabled || l.endpoint.open() && !delivery.Probe
}

// admit waits for a slot and the delivery's place in the rate. False: the process stops, the endpoint wants no more, or
// what is left of the lease is too short for a whole try and another node might send the same at the same time. A late
// request delays those after it: what was missed is not caught up at more than the rate.
//
// leased is by this process's clock, at by the store's.
func (l *lane) admit(ctx context.Context, slots *semaphore.Weighted, delivery Delivery, leased, at time.Time,
	spacing time.Duration) bool {
	ctx, cancel := context.WithDeadline(ctx, leased.Add(leaseFor-tryTimeout-recordEvery))
	defer cancel()
	if slots.Acquire(ctx, 1) != nil {
		return false
	}
	if next := l.lastAt.Add(spacing); at.Before(next) {
		at = next
	}
	if !retry.Sleep(ctx, at.Sub(l.d.now())) || l.closed(delivery) {
		slots.Release(1)
		return false
	}
	l.lastAt = l.d.now()
	return true
}

func (l *lane) release(batch []Delivery) {
	ids, probe := make([]int64, len(batch)), false
	for i, delivery := range batch {
		ids[i] = delivery.ID
		probe = probe || delivery.Probe
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if err := l.d.store.Release(ctx, l.id, ids, probe, l.d.now()); err != nil {
		l.log.Warn("webhook leases not released, they will run out", slog.Int("deliveries", len(ids)), slog.Any("error", err))
	}
}

// deliver makes one try of a delivery, and returns when what came of it is stored.
func (l *lane) deliver(trying context.Context, e Endpoint, delivery Delivery) {
	e, err := e.Open(l.d.sealer)
	var client *http.Client
	if err == nil {
		client, err = l.line.get(e)
	}
	r := Result{Try: Try{At: l.d.now()}, Fault: Unreachable}
	if err != nil {
		r.Error = plain(err)
	} else {
		r = l.d.post(trying, client, e, delivery.EventID, delivery.Body)
	}
	if trying.Err() != nil && r.Status == 0 {
		l.release([]Delivery{delivery}) // our own stop cut it short: that says nothing of the endpoint
		return
	}
	if r.Fault == Down && r.Status == 0 {
		l.line.drop(client)
	}
	r.DeliveryID, r.Probe, r.Random = delivery.ID, delivery.Probe, rand.Float64()
	r.Alive = l.witness(r)
	o := outcome{delivery, r, make(chan struct{})}
	l.results <- o
	<-o.recorded
}

// witness remembers a success, and says of a failure whether one speaks for the endpoint.
func (l *lane) witness(r Result) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := r.At.Add(r.Duration)
	if r.Fault == NoFault {
		l.alive = success{r.At, end}
		return true
	}
	return l.alive.began.After(r.At) && end.Sub(l.alive.ended) < aliveWithin
}

// record stores results until there are no more. Those that come while others are stored share the next transaction.
func (l *lane) record(trying context.Context) {
	for first := range l.results {
		batch := []outcome{first}
		for more := true; more && len(batch) < recordBatch; {
			select {
			case o, ok := <-l.results:
				if more = ok; ok {
					batch = append(batch, o)
				}
			default:
				more = false
			}
		}
		l.store(trying, batch)
		for _, o := range batch {
			close(o.recorded)
		}
		signal(l.wake) // the next ones of these contacts may go now
	}
}

// store stores results. While SQL is away it goes on for as long as the leases last; then the deliveries are sent again,
// and the receiver knows them by their webhook-ids.
func (l *lane) store(trying context.Context, batch []outcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(trying), leaseFor-tryTimeout)
	defer cancel()
	results := make([]Result, len(batch))
	for i, o := range batch {
		results[i] = o.result
	}
	for {
		if l.learn(ctx, batch, results) == nil {
			return
		}
		if ctx.Err() == nil && retry.Sleep(trying, retry.Spread(recordEvery, 0.25)) {
			continue
		}
		l.log.Error("webhook tries not stored, they will be made again", slog.Int("tries", len(batch)), slog.Any("error", ctx.Err()))
		return
	}
}

func (l *lane) learn(ctx context.Context, batch []outcome, results []Result) error {
	l.asking.Lock()
	defer l.asking.Unlock()
	is, states, err := l.d.store.Record(ctx, l.id, results)
	if err != nil {
		l.log.Warn("webhook tries not stored yet", slog.Any("error", err))
		return err
	}
	was := l.set(is)
	for i, o := range batch {
		l.count(o, states[i])
	}
	l.tell(was, is)
	return nil
}

func (l *lane) count(o outcome, state DeliveryState) {
	switch {
	case state == Failed:
		l.d.metrics.Delivered("failed")
		l.log.Warn("webhook delivery failed for good, it can be replayed", slog.Int64("delivery", o.delivery.ID),
			slog.String("event", o.delivery.EventID), slog.String("type", string(o.delivery.Type)),
			slog.Int("status", o.result.Status), slog.String("error", o.result.Error))
	case o.result.Fault == NoFault:
		l.d.metrics.Delivered("ok")
	default:
		l.d.metrics.Delivered("retry")
	}
}

// tell logs how the endpoint's health has changed.
func (l *lane) tell(was, is Endpoint) {
	switch {
	case is.Disabled && !was.Disabled:
		l.log.Warn("webhook endpoint disabled, its events are kept", slog.String("reason", is.Reason.Key()))
	case !is.ToldAt.IsZero() && was.ToldAt.IsZero():
		l.log.Warn("webhook endpoint fails", slog.Time("failing_since", is.FailingAt), slog.String("error", is.Error))
	case is.FailingAt.IsZero() && !was.ToldAt.IsZero():
		l.log.Info("webhook endpoint works again", slog.Time("failed_since", was.FailingAt))
	}
}
