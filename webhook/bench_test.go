package webhook

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// queueStore is a memStore whose due deliveries come from a channel: it costs next to nothing.
type queueStore struct {
	*memStore
	queue chan Delivery
}

func newQueueStore(n int) *queueStore {
	s := &queueStore{newMemStore(), make(chan Delivery, n)}
	s.recorded = make(chan Try, n)
	return s
}

func (s *queueStore) DueEndpoints(context.Context, time.Time) ([]Backlog, error) {
	return []Backlog{{EndpointID: 1, Oldest: time.Now(), Ready: true}}, nil
}

func (s *queueStore) Take(_ context.Context, _ int64, now, _ time.Time) (Batch, error) {
	batch := Batch{Endpoint: s.endpoints[1], First: now}
	for len(batch.Deliveries) < defaultConcurrent*batchFactor {
		select {
		case d := <-s.queue:
			batch.Deliveries = append(batch.Deliveries, d)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

func (s *queueStore) Record(_ context.Context, _ int64, results []Result) (Endpoint, []DeliveryState, error) {
	for _, r := range results {
		s.recorded <- r.Try
	}
	return s.endpoints[1], make([]DeliveryState, len(results)), nil
}

// BenchmarkDeliver compares deliveries to a receiver in this process with a bare loop of net/http over the same number of
// connections: go test -bench Deliver ./webhook. The store is in memory, so SQL is not in these figures.
func BenchmarkDeliver(b *testing.B) {
	body := `{"id":"evt","data":{"call":` + strings.Repeat(`"0123456789",`, 80) + `0}}`
	newReceiver := func(b *testing.B) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
		b.Cleanup(s.Close)
		return s
	}
	b.Run("bare", func(b *testing.B) {
		crm := newReceiver(b)
		client := newClient(allow(b, "127.0.0.1").dial(), nil)
		work := make(chan struct{})
		var workers sync.WaitGroup
		for range defaultConcurrent {
			workers.Go(func() {
				for range work {
					r, err := client.Post(crm.URL, "application/json", bytes.NewReader([]byte(body)))
					if err != nil {
						b.Error(err)
						return
					}
					io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
			})
		}
		for b.Loop() {
			work <- struct{}{}
		}
		close(work)
		workers.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	})
	b.Run("deliverer", func(b *testing.B) {
		crm, store := newReceiver(b), newQueueStore(b.N)
		store.put(Endpoint{ID: 1, URL: crm.URL, Secret: NewSecret(), Rate: 1_000_000})
		for range b.N {
			store.queue <- Delivery{EventID: "evt_0123456789abcdef", Body: []byte(body)}
		}
		b.ResetTimer()
		start(b, Deps{Store: store})
		for range b.N {
			<-store.recorded
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	})
}
