package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/telemetry"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// receiver is a CRM: it verifies each request with the library's own verifier and replies by its script.
type receiver struct {
	*httptest.Server
	t      testing.TB
	secret string
	answer http.HandlerFunc // after the verification

	mu   sync.Mutex
	got  []received
	more chan received
}

type received struct {
	id, timestamp, body string
	at                  time.Time
}

func newReceiver(t testing.TB, secret string, answer http.HandlerFunc) *receiver {
	r := &receiver{t: t, secret: secret, answer: answer, more: make(chan received, 10_000)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	v, err := standardwebhooks.NewWebhook(r.secret)
	if err == nil {
		err = v.Verify(body, req.Header)
	}
	if err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("bad request %s %v: %v", req.Method, req.Header, err)
	}
	got := received{req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp"), string(body), time.Now()}
	r.mu.Lock()
	r.got = append(r.got, got)
	r.mu.Unlock()
	r.more <- got
	if r.answer != nil {
		r.answer(w, req)
	}
}

func (r *receiver) requests() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// start runs a deliverer on the store until the test ends or stop is called.
func start(t testing.TB, deps Deps) (d *Deliverer, stop func()) {
	t.Helper()
	deps.Allow, deps.Logger = allow(t, "127.0.0.0/8"), quiet()
	d, err := NewDeliverer(deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return d, stop
}

func TestDeliversSignedExactBytes(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "thanks") })
	store.put(Endpoint{ID: 1, URL: crm.URL + "/hook?tenant=7", Secret: secret})
	body := `{"z":1,   "a":"<&>\u003c"}`
	want := store.add(1, "c1", 1, body)
	metrics := telemetry.New(prometheus.NewRegistry())
	start(t, Deps{Store: store, Metrics: metrics})

	store.waitTries(t, 1)
	delivery, tries := store.get(want.ID)
	got := crm.requests()[0]
	good := len(tries) == 1 && tries[0].Status == 200 && tries[0].Reply == "thanks" && tries[0].Error == ""
	if !good || delivery.State != Delivered {
		t.Errorf("delivery %+v, tries %+v", delivery, tries)
	}
	if got.body != body || got.id != want.EventID {
		t.Errorf("received %+v", got)
	}
}

func TestReplaysKeepTheWebhookID(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret})
	want := store.add(1, "c1", 1, `{"n":1}`)
	d, _ := start(t, Deps{Store: store})
	store.waitTries(t, 1)

	if n, err := d.Replay(t.Context(), 1, Selection{DeliveryID: want.ID}); n != 1 || err != nil {
		t.Fatalf("replayed %d: %v", n, err)
	}
	store.waitTries(t, 1)
	got := crm.requests()
	if len(got) != 2 || got[0].id != got[1].id || got[0].body != got[1].body {
		t.Errorf("received %+v", got)
	}
	if _, tries := store.get(want.ID); len(tries) != 2 || tries[1].Number != 2 {
		t.Errorf("tries %+v", tries)
	}
}

// What receivers reply, and what a try then says.
func TestAnswers(t *testing.T) {
	flood := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		state  DeliveryState
		error  string // the try's error contains it
		reply  int    // bytes kept
	}{
		"204": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, Delivered, "", 0},
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) }, Pending, "HTTP 500", 5},
		"404": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, Pending, "HTTP 404", 0},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 307) }, Pending,
			"HTTP 307: redirects are not followed; set the endpoint's URL to /elsewhere", 0},
		"304":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, Pending, "HTTP 304", 0},
		"long reply":   {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, flood) }, Delivered, "", 1024},
		"binary reply": {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("a\x00b\xff\xfec")) }, Delivered, "", 3},
		"cut off":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Pending, "EOF", 0},
		"huge header":  {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", flood) }, Pending, "exceeded", 0},
	} {
		t.Run(name, func(t *testing.T) {
			store, secret := newMemStore(), NewSecret()
			crm := newReceiver(t, secret, c.answer)
			store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret})
			id := store.add(1, "c1", 1, `{}`).ID
			start(t, Deps{Store: store})
			store.waitTries(t, 1)
			delivery, tries := store.get(id)
			try := tries[0]
			told := strings.Contains(try.Error, c.error) && (c.error == "") == (try.Error == "")
			if !told || delivery.State != c.state || len(try.Reply) != c.reply {
				t.Errorf("%s, try: status %d, error %q, reply %d bytes", delivery.State, try.Status, try.Error, len(try.Reply))
			}
			if n := len(crm.requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestConnectionRefusedSaysSoWithoutTheURL(t *testing.T) {
	store := newMemStore()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	store.put(Endpoint{ID: 1, URL: "http://" + listener.Addr().String() + "/?token=hush", Secret: NewSecret()})
	id := store.add(1, "c1", 1, `{}`).ID
	start(t, Deps{Store: store})
	try := store.waitTries(t, 1)[0]
	if try.Status != 0 || !strings.Contains(try.Error, "refused") || strings.Contains(try.Error, "hush") {
		t.Errorf("try %+v", try)
	}
	e, _ := store.Endpoint(t.Context(), 1)
	if delivery, _ := store.get(id); delivery.State != Pending || !e.open() {
		t.Errorf("delivery %+v, endpoint %+v", delivery, e)
	}
}

func TestPrivateAddressIsNeverDialed(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	d, err := NewDeliverer(Deps{Store: store, Logger: quiet(), Allow: allow(t, "crm.lan")})
	if err != nil {
		t.Fatal(err)
	}
	// The endpoint was accepted once, when the allow-list was longer.
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret})
	try, err := d.Test(t.Context(), 1)
	if err != nil || try.Status != 0 || !strings.Contains(try.Error, "allow-list") || len(crm.requests()) != 0 {
		t.Errorf("try %+v, %v, requests %d", try, err, len(crm.requests()))
	}
}

func TestEnvironmentProxyIsIgnored(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	transport := newClient(AllowList{}.dial(), nil).Transport.(*http.Transport)
	if transport.Proxy != nil {
		t.Error("a proxy function is set")
	}
}

func TestPing(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret, Disabled: true})
	d, err := NewDeliverer(Deps{Store: store, Logger: quiet(), Allow: allow(t, "127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	try, err := d.Test(t.Context(), 1)
	var event Event
	if err != nil || try.Status != 200 || json.Unmarshal([]byte(crm.requests()[0].body), &event) != nil || event.Type != Ping {
		t.Errorf("try %+v, %v, received %+v", try, err, crm.requests())
	}
	if event.ID != crm.requests()[0].id {
		t.Errorf("event id %s, webhook-id %s", event.ID, crm.requests()[0].id)
	}
	if _, err := d.Test(t.Context(), 2); err == nil || !strings.Contains(err.Error(), "no such endpoint") {
		t.Errorf("test of no endpoint: %v", err)
	}
}

func TestOrderedEndpointKeepsEachContactsOrder(t *testing.T) {
	const contacts, events = 5, 12
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret, Ordered: true, Concurrent: 4, Rate: 10_000})
	for n := range events {
		for c := range contacts {
			store.add(1, fmt.Sprint("c", c), int64(n), fmt.Sprintf("%d %d", c, n))
		}
	}
	start(t, Deps{Store: store})
	store.waitTries(t, contacts*events)
	next := map[int]int{}
	for _, r := range crm.requests() {
		var c, n int
		fmt.Sscan(r.body, &c, &n)
		if n != next[c] {
			t.Fatalf("contact %d: event %d instead of %d", c, n, next[c])
		}
		next[c]++
	}
}

func TestOrderedEndpointWaitsForTheOneThatFailed(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	crm.answer = func(w http.ResponseWriter, _ *http.Request) {
		if last := crm.requests(); last[len(last)-1].body == "a1" {
			w.WriteHeader(500)
		}
	}
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret, Ordered: true, Concurrent: 1})
	store.add(1, "a", 1, "a1")
	blocked := store.add(1, "a", 2, "a2")
	store.add(1, "b", 1, "b1")
	start(t, Deps{Store: store})
	store.waitTries(t, 2)
	if delivery, tries := store.get(blocked.ID); delivery.State != Pending || len(tries) != 0 {
		t.Errorf("overtaking: %+v %+v", delivery, tries)
	}
}

func TestLimitsOfAnEndpoint(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	var now, most atomic.Int64
	crm := newReceiver(t, secret, func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		testdeps.Lasts(20 * time.Millisecond) // the receiver's work, so that requests overlap
		now.Add(-1)
	})
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret, Concurrent: 3, Rate: 20})
	for n := range 30 {
		store.add(1, fmt.Sprint("c", n), 1, "{}")
	}
	start(t, Deps{Store: store})
	store.waitTries(t, 30)
	got := crm.requests()
	if most.Load() > 3 {
		t.Errorf("%d requests at once", most.Load())
	}
	var at []time.Time
	for _, r := range got {
		at = append(at, r.at)
	}
	if n := busiest(at); n > 25 { // 19 at the most are sent, and some may be late on their way; all 30 come at once without a limit
		t.Errorf("%d requests in one second", n)
	}
}

func TestDeadEndpointDelaysNoOther(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	release := make(chan struct{})
	dead := newReceiver(t, secret, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	live := newReceiver(t, secret, nil)
	store.put(Endpoint{ID: 1, URL: dead.URL, Secret: secret})
	store.put(Endpoint{ID: 2, URL: live.URL, Secret: secret})
	for n := range 100 {
		store.add(1, "c", int64(n), "{}")
	}
	d, stop := start(t, Deps{Store: store})
	<-dead.more
	for n := range 20 {
		began := time.Now()
		store.add(2, "c", int64(n), "{}")
		d.Wake(2)
		<-live.more
		if took := time.Since(began); took > tryTimeout/2 { // the dead one is given a whole one
			t.Errorf("event %d came after %v", n, took)
		}
	}
	close(release)
	stop()
}

func TestGoneDisablesAndKeepsTheRest(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret, Concurrent: 1})
	for n := range 20 {
		store.add(1, "c", int64(n), "{}")
	}
	d, _ := start(t, Deps{Store: store})
	store.waitTries(t, 1)
	d.Wake(1)
	testdeps.Eventually(t, "the leases to be released", func() bool {
		store.mu.Lock()
		defer store.mu.Unlock()
		leased := 0
		for _, d := range store.deliveries {
			if d.leasedUntil.After(time.Now()) {
				leased++
			}
		}
		return leased == 0
	})
	e, _ := store.Endpoint(t.Context(), 1)
	if n := len(crm.requests()); n != 1 || !e.Disabled || e.Reason.Key() != "webhook.gone" {
		t.Errorf("%d requests, endpoint %+v", n, e)
	}

	// Enabled again, nothing is lost.
	crm.mu.Lock()
	crm.answer = nil
	crm.mu.Unlock()
	e.Disabled, e.Reason, e.FailingAt = false, reason.Reason{}, time.Time{}
	store.put(e)
	d.Wake()
	store.waitTries(t, 19)
}

// Stopping in the middle of a try lets it finish when it can.
func TestStopLetsATryFinish(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	release := make(chan struct{})
	crm := newReceiver(t, secret, func(http.ResponseWriter, *http.Request) { <-release })
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret})
	id := store.add(1, "c", 1, "{}").ID
	_, stop := start(t, Deps{Store: store})
	<-crm.more
	time.AfterFunc(100*time.Millisecond, func() { close(release) })
	stop()
	if delivery, tries := store.get(id); delivery.State != Delivered || len(tries) != 1 {
		t.Errorf("%+v %+v", delivery, tries)
	}
}

// Two nodes share a store; each delivery is sent once.
func TestTwoNodes(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret, Rate: 10_000})
	for n := range 300 {
		store.add(1, fmt.Sprint("c", n), 1, "{}")
	}
	start(t, Deps{Store: store})
	start(t, Deps{Store: store})
	store.waitTries(t, 300)
	seen := map[string]bool{}
	for _, r := range crm.requests() {
		if seen[r.id] {
			t.Errorf("%s came twice", r.id)
		}
		seen[r.id] = true
	}
}

// With a real Redis: a wake-up goes through Asynq, and without Redis the process does the work itself.
func TestWakesThroughAsynq(t *testing.T) {
	addr := testdeps.Redis(t)
	redis := asynq.RedisClientOpt{Addr: addr}
	client := asynq.NewClient(redis)
	defer client.Close()
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret})

	d, _ := start(t, Deps{Store: store, Queue: client})
	var processed atomic.Int64
	mux := asynq.NewServeMux()
	mux.HandleFunc(TaskType, func(ctx context.Context, task *asynq.Task) error {
		processed.Add(1)
		return d.ProcessTask(ctx, task)
	})
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency: 2, Queues: map[string]int{TaskQueue: 1}, LogLevel: asynq.FatalLevel,
		TaskCheckInterval: 10 * time.Millisecond, ShutdownTimeout: time.Second,
	})
	if err := server.Start(mux); err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		store.add(1, "c", int64(n), "{}")
		d.Wake(1)
	}
	store.waitTries(t, 50)
	testdeps.Eventually(t, "a task", func() bool { return processed.Load() > 0 })
	if err := d.ProcessTask(t.Context(), asynq.NewTask(TaskType, []byte("x"))); err == nil {
		t.Error("a task without an endpoint's id was accepted")
	}

	server.Shutdown()
	client.Close() // Redis is gone for this process
	began := time.Now()
	store.add(1, "c", 51, "{}")
	d.Wake(1)
	store.waitTries(t, 1)
	if took := time.Since(began); took > 10*sweepEvery {
		t.Errorf("without Redis it took %v", took)
	}
}

func TestMetrics(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	store.put(Endpoint{ID: 1, URL: crm.URL, Secret: secret})
	store.put(Endpoint{ID: 2, URL: crm.URL, Secret: secret, FailingAt: time.Now().Add(-30 * time.Hour)})
	store.put(Endpoint{ID: 3, URL: crm.URL, Secret: secret, Disabled: true})
	store.add(1, "c", 1, "{}")
	registry := prometheus.NewRegistry()
	start(t, Deps{Store: store, Metrics: telemetry.New(registry)})
	store.waitTries(t, 1)
	for name, want := range map[string]float64{
		"events_delivered_total ok":  1,
		"webhook_endpoints working":  1,
		"webhook_endpoints failing":  0,
		"webhook_endpoints warned":   1,
		"webhook_endpoints disabled": 1,
	} {
		testdeps.Eventually(t, fmt.Sprint(name, " = ", want), func() bool {
			value, ok := gather(t, registry)["ringmaster_"+name]
			return ok && value == want
		})
	}
}

// gather reads every counter and gauge, by name and label value.
func gather(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			for _, label := range m.Label {
				got[family.GetName()+" "+label.GetValue()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return got
}
