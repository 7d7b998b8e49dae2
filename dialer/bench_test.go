package dialer_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// BenchmarkAttempts is one attempt an operation, through plan, task, claim, simulated call, close, code and their events, on
// PostgreSQL with durable commits. Beside it, on the same Redis in the same run, bare Asynq tasks that do nothing.
//
//	go test ./dialer -run xxx -bench Attempts -benchtime 5000x
func BenchmarkAttempts(b *testing.B) {
	dsn := testdeps.PostgresServer(b, true).Database(b)
	redisAddr := testdeps.RedisServer(b).Addr
	h := newHouseAt(b, dsn, redisAddr, simulated.Script{Crowd: simulated.Prompt})
	c := h.campaign()
	h.people(c, benchNumbers(b.N)...)
	n := h.node("n1", func(d *dialer.Deps) { d.Limits = dialer.Limits{} })
	n.coder("1")
	people := make([]agents.Agent, 150)
	for i := range people {
		people[i] = h.newAgent(c.Queue)
	}
	b.ResetTimer()
	for _, a := range people {
		n.login(a)
	}
	h.within(10*time.Minute, b.N, "SELECT count(*) FROM contacts WHERE state = 'finished'")
	b.StopTimer()
	rate := float64(b.N) / b.Elapsed().Seconds()
	n.stop()
	h.check(h.rings())
	bare := bareTasks(b, redisAddr, max(b.N, 5000))
	b.ReportMetric(rate, "attempts/s")
	b.ReportMetric(bare, "bare-asynq/s")
	b.ReportMetric(rate/bare, "ratio")
	b.ReportMetric(float64(h.count("SELECT count(*) FROM attempts WHERE state = 'cancelled'")), "cancelled")
}

func benchNumbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("+44770%07d", i)
	}
	return list
}

// bareTasks returns how many tasks that do nothing Asynq works off in a second, set as the dialer sets it.
func bareTasks(b *testing.B, addr string, n int) float64 {
	b.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	client := asynq.NewClientFromRedisClient(rdb)
	for range n {
		if _, err := client.Enqueue(asynq.NewTask("nothing", nil), asynq.Queue("bare"), asynq.MaxRetry(0),
			asynq.Retention(30*time.Second)); err != nil {
			b.Fatal(err)
		}
	}
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{Concurrency: 64, Queues: map[string]int{"bare": 1},
		TaskCheckInterval: 10 * time.Millisecond, JanitorInterval: 100 * time.Millisecond, LogLevel: asynq.FatalLevel})
	var done atomic.Int64
	all := make(chan struct{})
	began := time.Now()
	err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if done.Add(1) == int64(n) {
			close(all)
		}
		return nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	<-all
	rate := float64(n) / time.Since(began).Seconds()
	server.Shutdown()
	return rate
}

// BenchmarkFreeToPlaced is how long an agent who comes free waits until the next contact's call leaves, with 40 agents who
// make some 40 calls a second, on PostgreSQL with durable commits.
//
//	go test ./dialer -run xxx -bench FreeToPlaced -benchtime 1000x
func BenchmarkFreeToPlaced(b *testing.B) {
	dsn := testdeps.PostgresServer(b, true).Database(b)
	script := steady
	script.Crowd.Talk = simulated.LogNormal{Median: 16 * time.Second, Sigma: 0.5} // 0.8 s at this speed
	script.Rules = nil
	h := newHouseAt(b, dsn, testdeps.RedisServer(b).Addr, script)
	c := h.campaign()
	h.people(c, benchNumbers(b.N+40)...)
	watch := &stopwatch{PhoneNetwork: h.network, free: map[string]time.Time{}}
	n := h.node("n1", func(d *dialer.Deps) {
		d.Limits = dialer.Limits{Drain: -1}
		d.Networks["simulated"] = watch
		d.Roster = freeing{d.Roster, watch}
	})
	n.coder("1")
	for range 40 {
		n.agent(c.Queue)
	}
	b.ResetTimer()
	for watch.count() < b.N {
		testdeps.Lasts(10 * time.Millisecond)
	}
	b.StopTimer()
	n.stop()
	waits := watch.sorted()
	at := func(share float64) float64 {
		return float64(waits[int(share*float64(len(waits)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(len(waits))/b.Elapsed().Seconds(), "calls/s")
}

// stopwatch is a phone network that notes when each agent's next call is ordered.
type stopwatch struct {
	dialer.PhoneNetwork
	mu    sync.Mutex
	free  map[string]time.Time // by extension
	waits []time.Duration
}

func (s *stopwatch) Place(ctx context.Context, c dialer.Call) (dialer.LiveCall, error) {
	now := time.Now()
	s.mu.Lock()
	if since, ok := s.free[c.Agent.Name]; ok {
		s.waits = append(s.waits, now.Sub(since))
		delete(s.free, c.Agent.Name)
	}
	s.mu.Unlock()
	return s.PhoneNetwork.Place(ctx, c)
}

// freeing notes the moment before the state of an agent who comes free is stored.
type freeing struct {
	dialer.Roster
	watch *stopwatch
}

func (f freeing) Apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error) {
	began := time.Now()
	l, err := f.Roster.Apply(ctx, agentID, in)
	if in.Kind == agents.CodeSet && err == nil && l.Free() {
		f.watch.mu.Lock()
		f.watch.free[l.Extension.Name] = began
		f.watch.mu.Unlock()
	}
	return l, err
}

func (s *stopwatch) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waits)
}

func (s *stopwatch) sorted() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	waits := slices.Clone(s.waits)
	slices.Sort(waits)
	return waits
}
