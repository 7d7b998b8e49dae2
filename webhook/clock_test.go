package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// The tests of this file run on synctest's clock: three days pass in a moment. The network is net.Pipe with a real
// http.Server at its other end, as real sockets do not stand still with that clock. A bubble whose goroutines do not
// all end fails, so each of these tests also shows that Run leaves none behind.

// pipes is a network of in-memory listeners by host name.
type pipes map[string]*pipeListener

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	l := p[host]
	if l == nil {
		time.Sleep(connectTimeout) // a host that swallows packets, and a net.Dialer that gives up
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bubble is a store, a deliverer that runs, and CRMs by host name, all on the test's clock.
func bubble(t *testing.T, crms map[string]http.HandlerFunc, test func(store *memStore, stop func())) {
	synctest.Test(t, func(t *testing.T) {
		network, store := pipes{}, newMemStore()
		var servers []*http.Server
		for host, handler := range crms {
			l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
			network[host] = l
			server := &http.Server{Handler: handler}
			servers = append(servers, server)
			go server.Serve(l)
		}
		d, err := NewDeliverer(Deps{Store: store, Logger: quiet(), Allow: allow(t, "crm", "dead", "black-hole")})
		if err != nil {
			t.Fatal(err)
		}
		d.dial = network.dial
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { d.Run(ctx) })
		stop := func() { cancel(); running.Wait() }
		test(store, stop)
		stop()
		for _, s := range servers {
			s.Close()
		}
	})
}

// hang never replies. Only a body that was read lets net/http notice that the client is gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// An event that the CRM refuses, while it takes all others, is tried for three days by its own schedule, and no other waits
// for it but those of its contact, for some seconds.
func TestScheduleToTheEnd(t *testing.T) {
	var at []time.Time
	worst := time.Duration(0)
	crm := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == "poison" {
			at = append(at, time.Now())
			w.WriteHeader(500)
			return
		}
		made, _ := time.Parse(time.RFC3339Nano, string(body))
		worst = max(worst, time.Since(made))
	}
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		id := store.add(1, "c", 1, "poison").ID
		for n := range 5 * 24 * 6 {
			time.Sleep(10 * time.Minute)
			store.add(1, fmt.Sprint("c", n), 1, time.Now().Format(time.RFC3339Nano))
		}
		stop()
		delivery, tries := store.get(id)
		if delivery.State != Failed || delivery.Refusals != 10 || len(tries) != len(at) {
			t.Fatalf("%s after %d refusals, %d tries, %d requests", delivery.State, delivery.Refusals, len(tries), len(at))
		}
		own := at[len(at)-10:] // before them it was asked while nothing had yet been accepted
		for i, delay := range delays[:9] {
			got := own[i+1].Sub(own[i])
			if got < time.Duration(0.8*float64(delay)) || got > time.Duration(1.2*float64(delay))+2*sweepEvery {
				t.Errorf("retry %d came after %v, want %v ± 20 %%", i+1, got, delay)
			}
		}
		if worst > 2*sweepEvery {
			t.Errorf("another event waited %v", worst)
		}
	})
}

// The CRM is away for a while: what was made meanwhile comes within seconds of its return, oldest first, each contact's
// events in their order, at the rate that was set, with one request at a time while it is away.
func TestOutage(t *testing.T) {
	for name, away := range map[string]http.HandlerFunc{
		"500":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) },
		"503":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) },
		"aborts": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	} {
		for _, length := range []time.Duration{10 * time.Second, time.Minute, time.Hour} {
			t.Run(fmt.Sprint(name, " ", length), func(t *testing.T) { outage(t, away, length) })
		}
	}
}

func outage(t *testing.T, away http.HandlerFunc, length time.Duration) {
	var mu sync.Mutex
	var back time.Time
	var probes int
	var at []time.Time
	var got []string
	crm := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Before(back) {
			probes++
			away(w, r)
		} else {
			at, got = append(at, now), append(got, string(body))
		}
	}
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		back = time.Now().Add(length)
		n := min(int(length/time.Second)*20, 3000)
		for i := range n {
			store.add(1, fmt.Sprint("c", i%97), int64(i), fmt.Sprint(i%97, " ", i))
			time.Sleep(length / time.Duration(n))
		}
		for limit := time.Now().Add(10 * time.Minute); time.Now().Before(limit); time.Sleep(time.Second) {
			mu.Lock()
			done := len(got) == n
			mu.Unlock()
			if done {
				break
			}
		}
		stop()
		if len(got) != n {
			t.Fatalf("%d of %d events", len(got), n)
		}
		within := max(5*time.Second, length/8)
		if within = min(within, 75*time.Second); at[0].Sub(back) > within {
			t.Errorf("noticed after %v", at[0].Sub(back))
		}
		if took, most := at[n-1].Sub(at[0]), time.Duration(n)*time.Second/150+3*time.Second; took > most {
			t.Errorf("%d events took %v", n, took)
		}
		if most := strikesToOpen + defaultConcurrent + int(length/probeMost) + 45; probes > most {
			t.Errorf("%d requests while it was away, want %d at most", probes, most)
		}
		if n := busiest(at); n > defaultRate {
			t.Errorf("%d requests in one second", n)
		}
		last := map[string]int{}
		for _, body := range got {
			var contact string
			var i int
			fmt.Sscan(body, &contact, &i)
			if before, seen := last[contact]; seen && before > i {
				t.Fatalf("contact %s: %d after %d", contact, i, before)
			}
			last[contact] = i
		}
	})
}

// busiest is the most moments in any one second.
func busiest(at []time.Time) int {
	slices.SortFunc(at, time.Time.Compare)
	most, from := 0, 0
	for to := range at {
		for at[to].Sub(at[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// Events that hang, or that are refused, do not hold the others up, whatever their share.
func TestPoisonBlocksNobody(t *testing.T) {
	for name, c := range map[string]struct {
		every  int // one event of so many
		answer http.HandlerFunc
	}{
		"500":   {4, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }},
		"502":   {4, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502) }},
		"hangs": {100, hang}, // each takes one of 16 places for 15 s
	} {
		t.Run(name, func(t *testing.T) {
			arrived, worst := 0, time.Duration(0)
			var mu sync.Mutex
			crm := func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if string(body) == "poison" {
					c.answer(w, r)
					return
				}
				made, _ := time.Parse(time.RFC3339Nano, string(body))
				mu.Lock()
				arrived++
				worst = max(worst, time.Since(made))
				mu.Unlock()
			}
			bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
				store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
				for n := range 1200 {
					body := time.Now().Format(time.RFC3339Nano)
					if n%c.every == 0 {
						body = "poison"
					}
					store.add(1, fmt.Sprint("c", n), 1, body)
					time.Sleep(50 * time.Millisecond)
				}
				time.Sleep(2 * time.Minute)
				mu.Lock()
				if want := 1200 - 1200/c.every; arrived != want || worst > 10*time.Second {
					t.Errorf("%d of %d good events came, the latest after %v", arrived, want, worst)
				}
				mu.Unlock()
				stop()
				if slices.Contains(store.told, EndpointDisabled) {
					t.Errorf("told %v", store.told)
				}
			})
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	var at []time.Time
	crm := func(w http.ResponseWriter, r *http.Request) {
		at = append(at, time.Now())
		if len(at) == 1 {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(503)
		}
	}
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret(), Concurrent: 1})
		for n := range 5 {
			store.add(1, "c", int64(n), "{}")
		}
		time.Sleep(time.Hour)
		stop()
		if len(at) != 6 {
			t.Fatalf("%d requests", len(at))
		}
		// The whole endpoint rests, not only the delivery that met the 503.
		if rest := at[1].Sub(at[0]); rest < 600*time.Second || rest > 603*time.Second {
			t.Errorf("rested %v, want 10 min", rest)
		}
	})
}

func TestHangingEndpointCostsFifteenSeconds(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for r.Context().Err() == nil {
			io.WriteString(w, ".")
			w.(http.Flusher).Flush()
			time.Sleep(time.Second)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		host    string
		took    time.Duration
		state   DeliveryState
		status  int
		error   string
	}{
		"no answer":        {hang, "crm", tryTimeout, Pending, 0, "no answer within 15s"},
		"no connection":    {hang, "black-hole", connectTimeout, Pending, 0, "no connection within 5s"},
		"reply never ends": {drip, "crm", tryTimeout, Delivered, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, map[string]http.HandlerFunc{"crm": c.handler}, func(store *memStore, stop func()) {
				store.put(Endpoint{ID: 1, URL: "http://" + c.host + "/", Secret: NewSecret()})
				id := store.add(1, "c", 1, "{}").ID
				time.Sleep(17 * time.Second)
				delivery, tries := store.get(id)
				if len(tries) == 0 {
					t.Fatal("no try")
				}
				first := tries[0]
				if first.Duration != c.took || first.Status != c.status || first.Error != c.error || delivery.State != c.state {
					t.Errorf("%s %+v", delivery.State, tries)
				}
			})
		})
	}
}

func TestFiveDaysOfFailingDisable(t *testing.T) {
	works := false
	crm := func(w http.ResponseWriter, r *http.Request) {
		if !works {
			w.WriteHeader(502)
		}
	}
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		began := time.Now()
		health := map[Health]time.Duration{}
		for hour := range 24 * 6 {
			if hour%6 == 0 {
				store.add(1, "c", int64(hour), "{}")
			}
			time.Sleep(time.Hour)
			e, _ := store.Endpoint(t.Context(), 1)
			if _, seen := health[e.Health(time.Now())]; !seen {
				health[e.Health(time.Now())] = time.Since(began)
			}
		}
		for h, want := range map[Health]time.Duration{Failing: time.Hour, Warned: 25 * time.Hour, Disabled: 121 * time.Hour} {
			if off := health[h] - want; off.Abs() > time.Hour {
				t.Errorf("%s after %v, want about %v", h, health[h], want)
			}
		}
		e, _ := store.Endpoint(t.Context(), 1)
		if e.Reason.Key() != "webhook.failed_for_days" {
			t.Errorf("reason %q", e.Reason)
		}

		// Mended and enabled again: what came meanwhile is sent, and what had failed for good by a replay.
		works = true
		e.Disabled, e.Reason, e.FailingAt = false, reason.Reason{}, time.Time{}
		store.put(e)
		store.Replay(t.Context(), 1, Selection{OnlyFailed: true}, time.Now())
		time.Sleep(30 * time.Hour) // the longest pause of the schedule, 24 h + 20 %, has passed
		stop()
		for id := range store.deliveries {
			if d, _ := store.get(id); d.State != Delivered {
				t.Errorf("delivery %d is %s", id, d.State)
			}
		}
	})
}

func TestEventsArePrunedAfterThirtyDays(t *testing.T) {
	crm := func(http.ResponseWriter, *http.Request) {}
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		for n := range 2500 {
			store.add(1, "c", int64(n), "{}")
		}
		store.mu.Lock()
		for _, d := range store.deliveries { // they happened 30 days ago, less an hour and a half
			d.State, d.CreatedAt = Delivered, time.Now().Add(90*time.Minute-keepFor)
		}
		store.mu.Unlock()
		left := func() int { store.mu.Lock(); defer store.mu.Unlock(); return len(store.deliveries) }
		time.Sleep(89 * time.Minute)
		if n := left(); n != 2500 {
			t.Errorf("%d kept before 30 days", n)
		}
		time.Sleep(pruneEvery + 2*time.Minute) // one beat, whenever it falls, comes after the 30 days
		if n := left(); n != 0 {
			t.Errorf("%d kept after 30 days", n)
		}
	})
}

// A node is lost with its leases; another sends when they have run out.
func TestLeaseOfALostNodeRunsOut(t *testing.T) {
	var at time.Time
	crm := func(http.ResponseWriter, *http.Request) { at = time.Now() }
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
		began := time.Now()
		id := store.add(1, "c", 1, "{}").ID
		store.deliveries[id].leasedUntil = began.Add(leaseFor) // what the lost node did last
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		time.Sleep(2 * leaseFor)
		stop()
		if took := at.Sub(began); took < leaseFor || took > leaseFor+2*sweepEvery {
			t.Errorf("sent after %v, want %v", took, leaseFor)
		}
	})
}

// Stopping in the middle of a try that does not end: Run returns in time, the try counts for nothing, and the delivery is
// free for another node at once.
func TestStopCutsATryShort(t *testing.T) {
	bubble(t, map[string]http.HandlerFunc{"crm": hang}, func(store *memStore, stop func()) {
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret(), Concurrent: 1})
		for n := range 4 {
			store.add(1, fmt.Sprint("c", n), 1, "{}")
		}
		time.Sleep(3 * sweepEvery / 2) // past the sweep that begins the try
		began := time.Now()
		stop()
		if took := time.Since(began); took != stopGrace {
			t.Errorf("Run took %v to stop", took)
		}
		now := time.Now()
		if e := store.endpoints[1]; !e.FailingAt.IsZero() {
			t.Error("our stop was counted against the endpoint")
		}
		if due := store.due(1, now); len(due) != 4 {
			t.Errorf("%d of 4 deliveries are free", len(due))
		}
	})
}

// SQL away after the CRM has replied: the try is stored when SQL is back, and nothing is sent twice.
func TestStoreAwayInMidTry(t *testing.T) {
	var store *memStore
	requests := 0
	crm := func(http.ResponseWriter, *http.Request) {
		requests++
		store.setAway(true)
	}
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(s *memStore, stop func()) {
		store = s
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		id := store.add(1, "c", 1, "{}").ID
		time.Sleep(30 * time.Second)
		store.setAway(false)
		time.Sleep(5 * time.Minute)
		if d, tries := store.get(id); d.State != Delivered || len(tries) != 1 || requests != 1 {
			t.Errorf("%s after %d tries, %d requests", d.State, len(tries), requests)
		}
	})
}

// Ten endpoints hang, one works; its first tries come within a second all the same.
func TestFirstTryWithinASecond(t *testing.T) {
	sent, worst := map[string]time.Time{}, time.Duration(0)
	var mu sync.Mutex
	crm := func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		worst = max(worst, time.Since(sent[r.Header.Get("webhook-id")]))
	}
	bubble(t, map[string]http.HandlerFunc{"crm": crm, "dead": hang}, func(store *memStore, stop func()) {
		for id := range int64(10) {
			store.put(Endpoint{ID: id + 2, URL: fmt.Sprintf("http://dead/%d", id), Secret: NewSecret()})
		}
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		for n := range 200 {
			for id := range int64(10) {
				store.add(id+2, "c", int64(n), "{}")
			}
			mu.Lock()
			sent[store.add(1, "c", int64(n), "{}").EventID] = time.Now()
			mu.Unlock()
			time.Sleep(330 * time.Millisecond) // without a wake: Redis is away
		}
		stop()
		if worst > sweepEvery {
			t.Errorf("a first try came after %v", worst)
		}
	})
}

func TestRunTwiceIsRefused(t *testing.T) {
	d, err := NewDeliverer(Deps{Store: newMemStore(), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 2)
	for range 2 {
		go func() { first <- d.Run(ctx) }()
	}
	if err := <-first; err == nil {
		t.Error("two Runs at once")
	}
	cancel()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := NewDeliverer(Deps{}); err == nil {
		t.Error("a deliverer without a store")
	}
	if errors.Is(d.Run(ctx), context.Canceled) {
		t.Error("Run answers its own stop as an error")
	}
}
