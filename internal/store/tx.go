package store

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/internal/retry"
)

// maxRuns bounds how often a transaction is run that the database asks to run again (a deadlock, a busy file).
const maxRuns = 5

// tx is one transaction. Writes whose result nobody needs are queued by later and go together with what comes next.
type tx struct {
	db      *db
	session session
	queue   []statement
	changed gathered
	woken   map[int64][]subject // by the moment: whom something recorded may permit to be called that was refused
	met     map[int64][]subject // by the moment: whom something recorded may bar from being called
	soon    meeting             // the same, for a transaction after this one
	events  bool                // some were written
}

// inTx runs f in one transaction, and then stores what it has gathered. An error of f rolls back and is returned as it is;
// any other error means that the outcome is unknown. f may be run more than once.
func (s *db) inTx(ctx context.Context, f func(t *tx) error) error {
	if a := s.ambientOf(ctx); a != nil {
		return a.within(ctx, f)
	}
	for run := 1; ; run++ {
		t := &tx{db: s}
		err := s.engine.begin(ctx, func(session session) error {
			t.session = session
			if err := f(t); err != nil {
				return err
			}
			t.write()
			if err := t.settle(ctx); err != nil {
				return err
			}
			if _, err := session.run(ctx, t.queue, true); err != nil {
				return fmt.Errorf("store: write: %w", err)
			}
			return nil
		})
		if err == nil {
			s.settleSoon(t.soon)
			if t.events {
				s.onEvent()
			}
			return nil
		}
		if run == maxRuns || !s.engine.retry(err) {
			return err
		}
		if !retry.Sleep(ctx, retry.Spread(time.Duration(run)*10*time.Millisecond, 1)) {
			return err
		}
	}
}

// settle has those woken, and then those put off, whose turn has changed by what the transaction has written.
func (t *tx) settle(ctx context.Context) error {
	if err := t.wakeWoken(ctx); err != nil {
		return err
	}
	return t.putOffNow(ctx)
}

// later queues a write. It is done before the next read, and at the latest with the commit.
func (t *tx) later(query string, args ...any) {
	t.queue = append(t.queue, statement{query, args})
}

// flush does the queued writes and returns how many rows each has changed.
func (t *tx) flush(ctx context.Context) ([]int64, error) {
	queue := t.queue
	t.queue = nil
	affected, err := t.session.run(ctx, queue, false)
	if err != nil {
		return nil, fmt.Errorf("store: write: %w", err)
	}
	return affected, nil
}

// exec does the queued writes and then this one, and returns how many rows it has changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	t.later(query, args...)
	affected, err := t.flush(ctx)
	if err != nil {
		return 0, err
	}
	return affected[len(affected)-1], nil
}

func (t *tx) query(ctx context.Context, query string, args ...any) (rows, error) {
	queue := t.queue
	t.queue = nil
	return t.session.query(ctx, queue, statement{query, args})
}

// exec runs one statement in a transaction of its own.
func (s *db) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if a := s.ambientOf(ctx); a != nil {
		var n int64
		err := a.within(ctx, func(t *tx) (err error) {
			n, err = t.exec(ctx, query, args...)
			return err
		})
		return n, err
	}
	for run := 1; ; run++ {
		n, err := s.engine.exec(ctx, statement{query, args})
		if err == nil || run == maxRuns || !s.engine.retry(err) {
			return n, err
		}
	}
}

// changed runs one statement in a transaction of its own and returns its rows.
func changed[T any](ctx context.Context, s *db, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	for run := 1; ; run++ {
		list, err := all(ctx, changing{s}, scan, query, args...)
		if err == nil || run == maxRuns || !s.engine.retry(err) {
			return list, err
		}
	}
}

// params are the arguments of a query that is put together.
type params []any

// add returns by what the query has the value.
func (a *params) add(value any) string {
	*a = append(*a, value)
	return fmt.Sprintf("$%d", len(*a))
}

// querier is the store, which reads what is committed, or a transaction.
type querier interface {
	query(ctx context.Context, query string, args ...any) (rows, error)
}

func (s *db) query(ctx context.Context, query string, args ...any) (rows, error) {
	if a := s.ambientOf(ctx); a != nil {
		return a.session.query(ctx, nil, statement{query, args})
	}
	return s.engine.query(ctx, statement{query, args})
}

// changing is the store as a querier of single statements that change something and return rows.
type changing struct{ *db }

func (c changing) query(ctx context.Context, query string, args ...any) (rows, error) {
	if a := c.ambientOf(ctx); a != nil {
		return a.change(ctx, statement{query, args})
	}
	return c.engine.change(ctx, statement{query, args})
}

// all reads every row of a query.
func all[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// one reads the first row of a query, or returns ErrNotFound.
func one[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	list, err := all(ctx, q, scan, query, args...)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}
