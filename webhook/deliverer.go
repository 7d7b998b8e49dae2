package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/telemetry"
)

const (
	// TaskQueue is the Asynq queue of the wake-ups, which an installation puts its name before; TaskType their type. A task says
	// "look at this endpoint"; what is to be sent is known to SQL alone, so a task that is lost, late or repeated does no harm.
	TaskQueue = "webhook"
	TaskType  = "webhook:deliver"

	sweepEvery  = time.Second           // finds what no wake-up told of: retries, and all work while Redis is away
	surveyEvery = 10 * time.Second      // counts and warns
	pruneEvery  = time.Hour             //
	wakeEvery   = 10 * time.Millisecond // a busy endpoint is woken a hundred times a second at most
	wakeTimeout = 500 * time.Millisecond
	stopGrace   = 5 * time.Second // for tries under way when the process stops
)

// Queue enqueues wake-ups; an [asynq.Client] does.
type Queue interface {
	EnqueueContext(ctx context.Context, task *asynq.Task, opts ...asynq.Option) (*asynq.TaskInfo, error)
}

// Deps are what a [Deliverer] works with.
type Deps struct {
	Store     Store
	TaskQueue string             // the Asynq queue of the wake-ups; empty: TaskQueue
	Queue     Queue              // nil: wake-ups do not leave the process
	Allow     AllowList          // places that are not public, and yet may be sent to
	Sealer    Sealer             // of endpoints' headers and certificates; nil: endpoints have none
	Metrics   *telemetry.Metrics // nil: nothing is counted
	Logger    *slog.Logger       // nil: slog.Default
	Now       func() time.Time   // the time by the store's clock, which leases and next tries are judged by; nil: time.Now
}

// Deliverer sends due deliveries to their endpoints. Each endpoint has a lane of its own, so one that hangs delays no
// other. Any number of processes may run one over the same store: leases keep them apart.
type Deliverer struct {
	store     Store
	queue     Queue
	taskQueue string
	allow     AllowList
	dial      dialFunc
	sealer    Sealer
	metrics   *telemetry.Metrics
	log       *slog.Logger
	now       func() time.Time

	wake chan struct{} // something is in wanted

	mu     sync.Mutex
	wanted map[int64]bool  // endpoints to be woken; 0: all that have something due
	lanes  map[int64]*lane // nil while Run does not run
	start  func(*lane)

	warned map[int64]time.Time // when an endpoint was last warned of; the survey's own
}

// NewDeliverer makes a deliverer that does nothing before Run.
func NewDeliverer(deps Deps) (*Deliverer, error) {
	if deps.Store == nil {
		return nil, errors.New("webhook: a deliverer needs a store")
	}
	d := &Deliverer{
		store: deps.Store, queue: deps.Queue, taskQueue: cmp.Or(deps.TaskQueue, TaskQueue), allow: deps.Allow, metrics: deps.Metrics,
		log: deps.Logger, now: deps.Now,
		dial:   deps.Allow.dial(),
		sealer: deps.Sealer,
		wake:   make(chan struct{}, 1),
		wanted: map[int64]bool{},
		warned: map[int64]time.Time{},
	}
	if d.log == nil {
		d.log = slog.Default()
	}
	if d.now == nil {
		d.now = time.Now
	}
	return d, nil
}

// Run delivers until ctx ends. It returns when every try under way is over and recorded, at the latest five seconds
// later: a try cut short then is made again, by any process.
func (d *Deliverer) Run(ctx context.Context) error {
	var owned sync.WaitGroup
	trying, cutShort := context.WithCancel(context.WithoutCancel(ctx))
	defer cutShort()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cutShort) })()

	d.mu.Lock()
	if d.lanes != nil {
		d.mu.Unlock()
		return errors.New("webhook: the deliverer runs already")
	}
	d.lanes = map[int64]*lane{}
	d.start = func(l *lane) { owned.Go(func() { l.run(ctx, trying) }) }
	d.mu.Unlock()

	owned.Go(func() { d.passOnWakes(ctx) })
	owned.Go(func() { retry.OnBeat(ctx, sweepEvery, nil, d.sweep) })
	owned.Go(func() { retry.OnBeat(ctx, surveyEvery, nil, d.survey) })
	owned.Go(func() { retry.OnBeat(ctx, pruneEvery, nil, d.prune) })
	<-ctx.Done()
	d.mu.Lock()
	d.lanes = nil // no lane is started from here on
	d.mu.Unlock()
	owned.Wait()
	return nil
}

// Wake says that events were committed for these endpoints, or, without any, for some. It never blocks, and needs not be
// called for an event to be sent: it only saves the wait for the next sweep.
func (d *Deliverer) Wake(endpointIDs ...int64) {
	d.mu.Lock()
	if len(endpointIDs) == 0 {
		d.wanted[0] = true
	}
	for _, id := range endpointIDs {
		d.wanted[id] = true
	}
	d.mu.Unlock()
	signal(d.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// passOnWakes turns calls of Wake into tasks. The tasks are not made unique by Asynq: one that is being processed would
// swallow the one enqueued just after an event's commit. Wakes that come while others are passed on are joined instead.
func (d *Deliverer) passOnWakes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		}
		d.mu.Lock()
		wanted := d.wanted
		d.wanted = map[int64]bool{}
		d.mu.Unlock()
		for id := range wanted {
			if err := d.enqueue(ctx, id); err != nil {
				d.look(ctx, id) // Redis is away: this process does the work itself
			}
		}
		retry.Sleep(ctx, wakeEvery)
	}
}

func (d *Deliverer) enqueue(ctx context.Context, endpointID int64) error {
	if d.queue == nil {
		return errors.New("webhook: no queue")
	}
	ctx, cancel := context.WithTimeout(ctx, wakeTimeout)
	defer cancel()
	task := asynq.NewTask(TaskType, strconv.AppendInt(nil, endpointID, 10))
	_, err := d.queue.EnqueueContext(ctx, task, asynq.Queue(d.taskQueue), asynq.MaxRetry(0), asynq.Timeout(time.Minute))
	return err
}

// ProcessTask handles a task of [TaskType]: it wakes the endpoint's lane and is done.
func (d *Deliverer) ProcessTask(ctx context.Context, task *asynq.Task) error {
	id, err := strconv.ParseInt(string(task.Payload()), 10, 64)
	if err != nil {
		return fmt.Errorf("webhook: payload of %s is not an endpoint's id: %w", TaskType, asynq.SkipRetry)
	}
	d.look(ctx, id)
	return nil
}

// look wakes one lane, or, for 0, each that has something due.
func (d *Deliverer) look(ctx context.Context, endpointID int64) {
	if endpointID == 0 {
		d.sweep(ctx)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lanes == nil {
		return // not running; another process's sweep finds it
	}
	l := d.lanes[endpointID]
	if l == nil {
		l = newLane(d, endpointID)
		d.lanes[endpointID] = l
		d.start(l)
	}
	signal(l.wake)
}

// forget drops the lane of an endpoint that is no more.
func (d *Deliverer) forget(endpointID int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.lanes, endpointID)
}

func (d *Deliverer) sweep(ctx context.Context) {
	now := d.now()
	due, err := d.store.DueEndpoints(ctx, now)
	if err != nil {
		d.failed(ctx, "webhook sweep failed", err)
		return
	}
	lag := time.Duration(0)
	for _, b := range due {
		lag = max(lag, now.Sub(b.Oldest))
		if b.Ready {
			d.look(ctx, b.EndpointID)
		}
	}
	d.metrics.EventLag(lag)
}

// survey counts the endpoints by health, and warns, once a day each, of those that will be disabled.
func (d *Deliverer) survey(ctx context.Context) {
	endpoints, err := d.store.Endpoints(ctx)
	if err != nil {
		d.failed(ctx, "webhook survey failed", err)
		return
	}
	now, count := d.now(), map[Health]int{Working: 0, Failing: 0, Warned: 0, Disabled: 0}
	for _, e := range endpoints {
		health := e.Health(now)
		count[health]++
		if health == Warned && now.Sub(d.warned[e.ID]) >= warnAfter {
			d.warned[e.ID] = now
			d.log.Warn("webhook endpoint keeps failing and will be disabled", slog.Int64("endpoint", e.ID),
				slog.Time("failing_since", e.FailingAt), slog.Time("disabled_at", e.DisabledAt()))
		}
	}
	for health, n := range count {
		d.metrics.WebhookEndpoints(string(health), n)
	}
}

// prune forgets events after 30 days, a bounded number at a time, so that no transaction is long.
func (d *Deliverer) prune(ctx context.Context) {
	const limit = 1000
	for ctx.Err() == nil {
		n, err := d.store.Prune(ctx, d.now().Add(-keepFor), limit)
		if err != nil {
			d.failed(ctx, "webhook events not pruned", err)
		}
		if err != nil || n < limit {
			return
		}
	}
}

func (d *Deliverer) failed(ctx context.Context, message string, err error) {
	if ctx.Err() == nil {
		d.log.Error(message, slog.Any("error", err))
	}
}

// Test sends a ping to the endpoint, enabled or not, and returns what came of it. It is neither stored nor repeated. Where it
// succeeds at an endpoint that fails, what waits is tried at once.
func (d *Deliverer) Test(ctx context.Context, endpointID int64) (Try, error) {
	e, err := d.store.Endpoint(ctx, endpointID)
	if err != nil {
		return Try{}, fmt.Errorf("webhook: test of endpoint %d: %w", endpointID, err)
	}
	ping := Event{ID: NewEventID(), Type: Ping, At: d.now().UTC()}
	body, err := json.Marshal(ping)
	if err != nil {
		return Try{}, fmt.Errorf("webhook: test of endpoint %d: %w", endpointID, err)
	}
	line := line{dial: d.dial}
	defer line.close()
	if e, err = e.Open(d.sealer); err != nil {
		return Try{}, fmt.Errorf("webhook: test of endpoint %d: %w", endpointID, err)
	}
	client, err := line.get(e)
	if err != nil {
		return Try{}, fmt.Errorf("webhook: test of endpoint %d: %w", endpointID, err)
	}
	r := d.post(ctx, client, e, ping.ID, body)
	if r.Fault == NoFault && !e.FailingAt.IsZero() {
		if err := d.store.Probe(ctx, e.ID, d.now()); err != nil {
			d.failed(ctx, "webhook probe not brought forward", err) // it comes by itself
		}
		d.Wake(e.ID)
	}
	return r.Try, nil
}

// Replay sends deliveries of the endpoint again, with their old webhook-id and body, and returns how many.
func (d *Deliverer) Replay(ctx context.Context, endpointID int64, which Selection) (int, error) {
	n, err := d.store.Replay(ctx, endpointID, which, d.now())
	if err != nil {
		return 0, fmt.Errorf("webhook: replay to endpoint %d: %w", endpointID, err)
	}
	d.Wake(endpointID)
	return n, nil
}
