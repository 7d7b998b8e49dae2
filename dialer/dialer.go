package dialer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/ids"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/limits"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/telemetry"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// Deps is what a dialer works with.
type Deps struct {
	Installation installation.Name // by which keys, channels and task queues are named
	Node         string            // this process's name among the nodes: the home of its agents
	Store        Store
	Queues       Queues   // who is next, looked after beside the plans
	Previews     Previews // of preview campaigns
	// Tried lists the latest calls of the dialer's own that were dialed since then and have ended, oldest first; not more than most.
	// Who answers is learned from them; nil: nothing is.
	Tried    func(ctx context.Context, campaignID int64, since time.Time, most int) ([]TriedCall, error)
	Roster   Roster
	Networks map[string]PhoneNetwork // by the name that Extension.Network says
	Redis    redis.UniversalClient   // for contact tasks and orders
	Limits   Limits
	IDs      *ids.Generator     // of attempts, the store's: no two are equal in one process; nil: one of its own
	Log      *slog.Logger       // nil: slog.Default()
	Metrics  *telemetry.Metrics // nil: nothing is counted

	// Now is the time by the clock of the store, by which leases, permits and due times are judged; nil: time.Now. Setting the
	// node's own clock must not move it.
	Now func() time.Time

	// MayDial says why nothing new may be dialed at this node, such as clocks that differ; nil: always. Calls that are up go on.
	MayDial func() error
}

// Limits of a dialer. Zero fields take their defaults.
type Limits struct {
	MaxCalls  int           // calls in the making or up at once; [limits.Calls]
	Workers   int           // contact tasks in hand at once; 64
	Lease     time.Duration // of an attempt without renewal; [limits.Lease]
	Renew     time.Duration // between renewals; a sixth of Lease
	Margin    time.Duration // before the lease's end from which no customer is dialed; a sixth of Lease
	Stale     time.Duration // from planning to claim, at most; 15 s
	Reconcile time.Duration // between looks for lost calls; 10 s
	NoPhone   time.Duration // without a registered phone until Available with the flag On becomes Force Pause; 10 s
	NewHome   time.Duration // and at least after the agent has logged on, or has come under this process; 30 s
	Drain     time.Duration // for running calls at the end, before they are hung up; [limits.Drain]; below zero: not at all
}

func (l Limits) withDefaults() Limits {
	or := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	if l.MaxCalls <= 0 {
		l.MaxCalls = limits.Calls
	}
	if l.Workers <= 0 {
		l.Workers = 64
	}
	or(&l.Lease, limits.Lease)
	or(&l.Renew, l.Lease/6)
	or(&l.Margin, l.Lease/6)
	or(&l.Stale, 15*time.Second)
	or(&l.Reconcile, 10*time.Second)
	or(&l.NoPhone, 10*time.Second)
	or(&l.NewHome, 30*time.Second)
	or(&l.Drain, limits.Drain)
	return l
}

func (d Deps) check() error {
	var errs []error
	want := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("dialer: "+what))
		}
	}
	want(d.Node != "" && !strings.Contains(d.Node, ":"), fmt.Sprintf("node name %q: want one without a colon", d.Node))
	want(d.Installation != "", "an installation's name is needed")
	want(d.Store != nil && d.Queues != nil && d.Previews != nil && d.Roster != nil && d.Redis != nil,
		"a store, a roster and Redis are needed")
	want(d.Limits.Renew+d.Limits.Margin < d.Limits.Lease,
		fmt.Sprintf("a lease of %v is no longer than its renewal (%v) and margin (%v) together", d.Limits.Lease, d.Limits.Renew,
			d.Limits.Margin))
	return errors.Join(errs...)
}

// Dialer is one node's part of the corridor: it plans, claims, calls, closes and reconciles.
type Dialer struct {
	Deps
	owner string // of this process's attempts: the node, and which of its lives

	tellsCodes bool // one of the networks wants to know call codes

	states states
	calls  *supervisor
	pacer  *pacer
	orders *orders
	reach  *reach
	nails  *nails
	tasks  *tasks

	steadySince uptime.Instant    // since when SQL has answered each reconciling, and its clock could be told; only that touches it
	forgotten   time.Time         // when old accounts were last dropped; likewise
	leftTried   map[AttemptID]int // how often a talk that a former life has left was asked about; likewise
}

// New makes a dialer. It must be made before the roster runs, which tells it of logins; [Dialer.Run] starts the work.
func New(d Deps) (*Dialer, error) {
	d.Limits = d.Limits.withDefaults()
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.IDs == nil {
		d.IDs = &ids.Generator{}
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.MayDial == nil {
		d.MayDial = func() error { return nil }
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	// A process that starts again under its old name must not take the attempts of its former life for its own.
	dl := &Dialer{Deps: d, owner: d.Node + "/" + rand.Text()[:8], leftTried: map[AttemptID]int{}}
	for _, network := range d.Networks {
		_, wants := network.(CodeSetter)
		dl.tellsCodes = dl.tellsCodes || wants
	}
	dl.states = states{d.Roster, d.Now, d.Log}
	dl.tasks = &tasks{d.Installation, asynq.NewClientFromRedisClient(d.Redis), d.Store, d.Previews, d.Now, d.Log}
	dl.calls = newSupervisor(d, dl.owner, dl.states)
	dl.pacer = newPacer(d, dl.tasks, dl.calls)
	dl.orders = newOrders(d, dl.calls.obey)
	dl.nails = newNails(d, dl.states)
	dl.reach = newReach(d, dl.states, dl.nails.note)
	dl.calls.reach, dl.calls.codeOnRecord = dl.reach, dl.codeOnRecord
	return dl, nil
}

// Run works until ctx ends; then it takes no more tasks, lets running calls end within Limits.Drain, hangs up the rest, and
// returns when their ends are on record, or cannot be within a few seconds.
func (d *Dialer) Run(ctx context.Context) error {
	if len(d.Networks) == 0 { // nothing is planned, no task is taken; what lost nodes have left is tidied up all the same
		retry.Every(ctx, d.Limits.Reconcile, d.reconcile)
		return nil
	}
	waiting := redisconn.NewPatient(d.Redis, TaskQueue(d.Installation, d.Node))
	server := d.newServer(waiting)
	if err := server.Start(asynq.HandlerFunc(d.dial)); err != nil {
		return fmt.Errorf("dialer: %w", err)
	}
	var planning, serving sync.WaitGroup
	calls, endCalls := context.WithCancel(context.WithoutCancel(ctx)) // leases and orders live as long as the calls
	defer endCalls()
	planning.Go(func() { d.pacer.run(ctx) })
	planning.Go(func() { d.pacer.seekOn(ctx) })
	planning.Go(func() { d.pacer.clearHeads(ctx) })
	planning.Go(func() { retry.OnBeat(ctx, previewBeat, nil, d.pacer.keepShown) })
	planning.Go(func() { retry.Every(ctx, d.Limits.Reconcile, d.reconcile) })
	d.nails.begin(ctx)
	planning.Go(func() { d.reach.run(ctx) })
	serving.Go(func() { retry.Every(calls, d.Limits.Renew, d.calls.renew) })
	serving.Go(func() { retry.Every(calls, d.Limits.Renew, d.calls.renewClaims) })
	serving.Go(func() { d.orders.run(calls) })

	<-ctx.Done()
	d.calls.refuseNew()
	planning.Wait()
	waiting.Stop()
	server.Shutdown()
	d.pacer.giveBack()
	d.finish()
	d.nails.wait()
	endCalls()
	serving.Wait()
	return nil
}

// finish is the end of the running calls.
func (d *Dialer) finish() {
	patience, cancel := context.WithTimeout(context.Background(), max(d.Limits.Drain, 0))
	defer cancel()
	if err := d.Drain(patience); err == nil {
		return
	}
	d.HangupAll()
	last, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	if err := d.Drain(last); err != nil {
		d.Log.Error("calls left to other nodes to reconcile", slog.Int("calls", d.Active()))
	}
	d.calls.abandon()
}

// lastWords is how long a call that was hung up at the end may take to be closed on record.
const lastWords = 10 * time.Second

// Drain takes no more calls and returns when none is running, or when ctx ends.
func (d *Dialer) Drain(ctx context.Context) error { return d.calls.drain(ctx) }

// HangupAll hangs up every call of this process.
func (d *Dialer) HangupAll() { d.calls.hangupAll() }

// Active counts this process's calls in the making or up.
func (d *Dialer) Active() int { return d.calls.active() }

// Wake has the pacer look for work now: after a campaign was started, or contacts came in.
func (d *Dialer) Wake() { d.pacer.wakeUp() }

// newServer sets Asynq up as a fast wake-up: the client lets an idle one wait for a task instead of asking for it. No contact
// task is delayed, retried or kept, so what Asynq does for such tasks it does seldom.
func (d *Dialer) newServer(client redis.UniversalClient) *asynq.Server {
	return asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency:       d.Limits.Workers,
		Queues:            map[string]int{TaskQueue(d.Installation, d.Node): 1},
		TaskCheckInterval: 10 * time.Millisecond,

		DelayedTaskCheckInterval: time.Minute,
		JanitorInterval:          time.Minute,

		ShutdownTimeout: taskLimit,
		Logger:          redisconn.AsynqLog(d.Log),
		LogLevel:        asynq.WarnLevel,
	})
}
