package redisconn

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long one wait for a task lasts. It bounds how long a lost wake-up, or a queue that was paused, is not noticed.
const patience = 3 * time.Second

// Patient is a client for the Asynq server of one queue. Asynq has no blocking read: it asks for the next task, sleeps, and
// asks again, so an idle server is either slow to find a task or keeps a processor busy with asking. Through a Patient the
// question itself waits: a queue that is empty is watched by BLMOVE, which takes the next task and puts it back where it
// was, and then the question is asked again. Who enqueues need not know of it.
type Patient struct {
	redis.UniversalClient
	pending  string // key of the list of the queue's tasks
	patience time.Duration
	hasty    atomic.Bool // the server does not know BLMOVE (Redis before 6.2): Asynq asks and sleeps as it is used to
	once     sync.Once
	stop     chan struct{}
}

// NewPatient makes a client for a server of this queue alone. The client below stays its owner's.
func NewPatient(client redis.UniversalClient, queue string) *Patient {
	return &Patient{UniversalClient: client, pending: "asynq:{" + queue + "}:pending", patience: patience, stop: make(chan struct{})}
}

// Stop ends the wait, for good. It must be called before the server's Shutdown, which would wait for it.
func (p *Patient) Stop() { p.once.Do(func() { close(p.stop) }) }

// EvalSha implements [redis.Scripter], by which Asynq asks for the next task.
func (p *Patient) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return p.ask(ctx, keys, func() *redis.Cmd { return p.UniversalClient.EvalSha(ctx, sha1, keys, args...) })
}

// Eval implements [redis.Scripter]: so the question is asked of a server that does not know the script yet.
func (p *Patient) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return p.ask(ctx, keys, func() *redis.Cmd { return p.UniversalClient.Eval(ctx, script, keys, args...) })
}

func (p *Patient) ask(ctx context.Context, keys []string, run func() *redis.Cmd) *redis.Cmd {
	cmd := run()
	// Asynq's script takes the keys of the pending tasks, the pause, the active tasks and the leases.
	if len(keys) != 4 || keys[0] != p.pending || !errors.Is(cmd.Err(), redis.Nil) || p.hasty.Load() || !p.await(ctx) {
		return cmd
	}
	return run() // nothing again: the queue is paused, and Asynq sleeps
}

// await reports whether a task has come. A wait that is stopped ends by itself, a little later, and changes nothing.
func (p *Patient) await(ctx context.Context) bool {
	came := make(chan bool, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, p.patience+ioTimeout)
		defer cancel()
		err := p.BLMove(ctx, p.pending, p.pending, "RIGHT", "RIGHT", p.patience).Err()
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "unknown command") {
			p.hasty.Store(true)
		}
		came <- err == nil
	}()
	select {
	case yes := <-came:
		return yes
	case <-p.stop:
		return false
	}
}
