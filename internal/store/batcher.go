package store

import (
	"context"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/dialer"
)

const (
	laneBatch = 64               // jobs of one transaction
	laneLimit = 10 * time.Second // for one transaction
)

// batcher does jobs of one kind together: while a transaction is on its way to the disk, the jobs that come meanwhile gather
// for the next one. One that comes alone does not wait.
type batcher[T any] struct {
	width int // transactions at once
	of    func(T) dialer.AttemptID
	run   func(ctx context.Context, batch []*job[T]) // of attempts that are all different

	mu      sync.Mutex
	waiting []*job[T]
	running int
	ended   sync.WaitGroup
}

type job[T any] struct {
	ask  T
	err  error // written before done is closed
	ctx  context.Context
	done chan struct{}
}

// do returns when the job is done. When ctx ends before, it may still be done: the outcome is unknown.
func (l *batcher[T]) do(ctx context.Context, ask T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job[T]{ask: ask, ctx: ctx, done: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, j)
	if l.running < l.width {
		l.running++
		l.ended.Go(l.work)
	}
	l.mu.Unlock()
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work runs until nobody waits. A transaction serves many, so nobody's context ends it.
func (l *batcher[T]) work() {
	for {
		batch := l.next()
		if batch == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), laneLimit)
		l.run(ctx, batch)
		cancel()
		for _, j := range batch {
			close(j.done)
		}
	}
}

// next takes jobs whose askers still wait, one an attempt; the others come after them.
func (l *batcher[T]) next() []*job[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	var batch, rest []*job[T]
	taken := map[dialer.AttemptID]bool{}
	for _, j := range l.waiting {
		id := l.of(j.ask)
		switch {
		case j.ctx.Err() != nil:
			j.err = j.ctx.Err()
			close(j.done)
		case len(batch) == laneBatch || taken[id]:
			rest = append(rest, j)
		default:
			taken[id] = true
			batch = append(batch, j)
		}
	}
	l.waiting = rest
	if batch == nil {
		l.running--
	}
	return batch
}

// fail tells all askers of a batch the same.
func fail[T any](batch []*job[T], err error) {
	for _, j := range batch {
		j.err = err
	}
}
