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
		waits := e.Ordered && first[d.Key]
		first[d.Key] = true
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
			list = append(list, Backlog{EndpointID: id, Oldest: due[0].NextAt})
		}
	}
	return list, nil
}

func (s *memStore) Due(_ context.Context, endpointID int64, limit int, now, leaseUntil time.Time) ([]Delivery, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	s.dueCalls++
	var list []Delivery
	for _, d := range s.due(endpointID, now) {
		if len(list) < limit {
			d.leasedUntil = leaseUntil
			list = append(list, d.Delivery)
		}
	}
	return list, nil
}

func (s *memStore) Record(_ context.Context, t Try, next DeliveryState, nextAt time.Time) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	d := s.deliveries[t.DeliveryID]
	t.Number = len(s.tries[t.DeliveryID]) + 1
	s.tries[t.DeliveryID] = append(s.tries[t.DeliveryID], t)
	d.leasedUntil = time.Time{}
	d.Tries++
	if d.State != Delivered {
		d.State, d.NextAt = next, nextAt
	}
	s.recorded <- t
	return nil
}

func (s *memStore) Release(_ context.Context, ids []int64) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.deliveries[id].leasedUntil = time.Time{}
	}
	return nil
}

func (s *memStore) MarkEndpoint(_ context.Context, id int64, failingAt time.Time, reason string) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	e := s.endpoints[id]
	if failingAt.IsZero() || e.FailingAt.IsZero() || failingAt.Before(e.FailingAt) {
		e.FailingAt = failingAt
	}
	if reason != "" {
		e.Disabled, e.Reason = true, reason
	}
	s.endpoints[id] = e
	return nil
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
		if d.EndpointID == endpointID && one && (!which.OnlyFailed || d.State == Failed) {
			d.State, d.NextAt, d.Tries = Pending, now, 0
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
	limit := time.After(20 * time.Second)
	for len(list) < n {
		select {
		case try := <-s.recorded:
			list = append(list, try)
		case <-limit:
			t.Fatalf("%d of %d tries after 20 s: %+v", len(list), n, list)
		}
	}
	return list
}
