package webhook

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// memStore is a Store in memory: the rules of the interface's comments and nothing else.
type memStore struct {
	mu         sync.Mutex
	endpoints  map[int64]Endpoint
	deliveries map[int64]*memDelivery
	tries      map[int64][]Try
	recorded   chan Try // a signal for each Record, if anybody listens
	away       bool     // every method fails
	dueCalls   int
	slots      map[int64]time.Time
	told       []Type
}

type memDelivery struct {
	Delivery
	leasedUntil time.Time
}

var errAway = errors.New("memstore: away")

func newMemStore() *memStore {
	return &memStore{
		endpoints: map[int64]Endpoint{}, deliveries: map[int64]*memDelivery{}, tries: map[int64][]Try{},
		recorded: make(chan Try, 10_000),
	}
}

// add puts an event's delivery to an endpoint in the store, as the transaction that makes the event true would.
func (s *memStore) add(endpointID int64, key string, sequence int64, body string) Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := int64(len(s.deliveries) + 1)
	d := &memDelivery{Delivery: Delivery{
		ID: id, EventID: NewEventID(), EndpointID: endpointID, Type: CallCompleted, State: Pending,
		NextAt: time.Now(), Body: []byte(body), Key: key, Sequence: sequence, CreatedAt: time.Now(),
	}}
	s.deliveries[id] = d
	return d.Delivery
}

func (s *memStore) put(e Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints[e.ID] = e
}

func (s *memStore) get(id int64) (Delivery, []Try) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deliveries[id].Delivery, slices.Clone(s.tries[id])
}

func (s *memStore) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *memStore) lock() (func(), error) {
	s.mu.Lock()
	if s.away {
		s.mu.Unlock()
		return func() {}, errAway
	}
	return s.mu.Unlock, nil
}

func (s *memStore) Endpoint(_ context.Context, id int64) (Endpoint, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return Endpoint{}, err
	}
	e, ok := s.endpoints[id]
	if !ok {
		return Endpoint{}, ErrNoEndpoint
	}
	return e, nil
}

func (s *memStore) Endpoints(context.Context) ([]Endpoint, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	var list []Endpoint
	for _, e := range s.endpoints {
		list = append(list, e)
	}
	return list, nil
}

// due lists what is due and not leased, in the order and with the waiting of [Store.Take].
func (s *memStore) due(endpointID int64, now time.Time) []*memDelivery {
	e := s.endpoints[endpointID]
	if e.Disabled {
		return nil
	}
	var list []*memDelivery
	for _, d := range s.deliveries {
		if d.EndpointID == endpointID && d.State == Pending {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *memDelivery) int { return cmp.Compare(a.ID, b.ID) })
	first := map[string]bool{}
	return slices.DeleteFunc(list, func(d *memDelivery) bool {
		waits := first[d.Key]
		first[d.Key] = waits || e.Ordered || d.Refusals < refusalsToLet
		return waits || d.NextAt.After(now) || d.leasedUntil.After(now)
	})
}

func (s *memStore) DueEndpoints(_ context.Context, now time.Time) ([]Backlog, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	var list []Backlog
	for id := range s.endpoints {
		if due := s.due(id, now); len(due) > 0 {
			list = append(list, Backlog{EndpointID: id, Oldest: due[0].NextAt, Ready: true})
		}
	}
	return list, nil
}

func (s *memStore) Take(_ context.Context, endpointID int64, now, leaseUntil time.Time) (Batch, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return Batch{}, err
	}
	e, ok := s.endpoints[endpointID]
	if !ok {
		return Batch{}, ErrNoEndpoint
	}
	s.dueCalls++
	admits, batch := e.Admits(now), Batch{Endpoint: e, First: now}
	failed := func(d *memDelivery) bool { return admits.FreshOnly && !d.FailedAt.Before(e.FailingAt) }
	suspect := func(d *memDelivery) bool { return !d.FailedAt.IsZero() }
	lease := func(d *memDelivery, probe bool) {
		d.leasedUntil = leaseUntil
		taken := d.Delivery
		taken.Probe = probe
		batch.Deliveries = append(batch.Deliveries, taken)
	}
	var probe *memDelivery
	for _, d := range s.due(endpointID, now) {
		switch {
		case admits.Limit > 0 && !failed(d):
			if len(batch.Deliveries) < admits.Limit {
				lease(d, false)
			}
		case probe == nil || suspect(probe) && (!suspect(d) || d.FailedAt.Before(probe.FailedAt)):
			probe = d
		}
	}
	if admits.Probe && probe != nil {
		lease(probe, true)
		batch.Endpoint = e.Claimed(now)
		s.endpoints[endpointID] = batch.Endpoint
	}
	if s.slots == nil {
		s.slots = map[int64]time.Time{}
	}
	if at := s.slots[endpointID]; at.After(now) {
		batch.First = at
	}
	s.slots[endpointID] = batch.First.Add(time.Duration(len(batch.Deliveries)) * e.Spacing())
	return batch, nil
}

func (s *memStore) Record(_ context.Context, endpointID int64, results []Result) (Endpoint, []DeliveryState, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return Endpoint{}, nil, err
	}
	states := make([]DeliveryState, len(results))
	for i, r := range results {
		d := s.deliveries[r.DeliveryID]
		r.Number = len(s.tries[r.DeliveryID]) + 1
		s.tries[r.DeliveryID] = append(s.tries[r.DeliveryID], r.Try)
		v := Conclude(s.endpoints[endpointID], d.Delivery, r)
		d.Delivery, d.leasedUntil = v.Delivery, time.Time{}
		s.endpoints[endpointID], states[i] = v.Endpoint, v.Delivery.State
		s.told = append(s.told, v.Tell...)
		for _, other := range s.deliveries {
			if v.Pull && other.EndpointID == endpointID && other.State == Pending {
				other.NextAt = r.At
			}
		}
		s.recorded <- r.Try
	}
	return s.endpoints[endpointID], states, nil
}

func (s *memStore) Release(_ context.Context, endpointID int64, ids []int64, probe bool, now time.Time) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.deliveries[id].leasedUntil = time.Time{}
	}
	if probe {
		s.probeNow(endpointID, now)
	}
	return nil
}

func (s *memStore) Probe(_ context.Context, endpointID int64, now time.Time) error {
	unlock, err := s.lock()
	defer unlock()
	s.probeNow(endpointID, now)
	return err
}

func (s *memStore) probeNow(endpointID int64, now time.Time) {
	if e := s.endpoints[endpointID]; e.ProbeAt.After(now) {
		e.ProbeAt = now
		s.endpoints[endpointID] = e
	}
}

func (s *memStore) Replay(_ context.Context, endpointID int64, which Selection, now time.Time) (int, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, d := range s.deliveries {
		one := which.DeliveryID == 0 || which.DeliveryID == d.ID
		if d.EndpointID == endpointID && one && (!which.OnlyFailed || d.State != Delivered) {
			d.State, d.NextAt, d.Tries, d.Refusals = Pending, now, 0, 0
			n++
		}
	}
	return n, nil
}

func (s *memStore) Prune(_ context.Context, before time.Time, limit int) (int, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return 0, err
	}
	n := 0
	for id, d := range s.deliveries {
		if n < limit && d.CreatedAt.Before(before) {
			delete(s.deliveries, id)
			n++
		}
	}
	return n, nil
}

// waitTries waits for n recorded tries.
func (s *memStore) waitTries(t testing.TB, n int) []Try {
	t.Helper()
	var list []Try
	limit := time.After(2 * time.Minute)
	for len(list) < n {
		select {
		case try := <-s.recorded:
			list = append(list, try)
		case <-limit:
			t.Fatalf("%d of %d tries after two minutes: %+v", len(list), n, list)
		}
	}
	return list
}
