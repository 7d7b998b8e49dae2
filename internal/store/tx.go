package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"
)

// maxRuns bounds how often a transaction is run that the database asks to run again (a deadlock, a busy file).
const maxRuns = 5

// tx is one transaction. Writes whose result nobody needs are queued by later and go together, in one round trip.
type tx struct {
	store  *Store
	conn   *sql.Conn
	sqlTx  *sql.Tx
	queue  []statement
	events bool
}

// inTx runs f in one transaction. An error of f rolls back and is answered as it is; any other error means that the outcome
// is unknown. f may be run more than once.
func (s *Store) inTx(ctx context.Context, f func(t *tx) error) error {
	for run := 1; ; run++ {
		events, err := s.runTx(ctx, f)
		if err == nil {
			if events {
				s.onEvent()
			}
			return nil
		}
		if run == maxRuns || !s.dialect.retry(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(time.Duration(run) * 20 * time.Millisecond)):
		}
	}
}

func (s *Store) runTx(ctx context.Context, f func(t *tx) error) (events bool, err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("store: connection: %w", err)
	}
	defer conn.Close()
	sqlTx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("store: begin: %w", err)
	}
	defer sqlTx.Rollback() // after a commit it does nothing
	t := &tx{store: s, conn: conn, sqlTx: sqlTx}
	if err := f(t); err != nil {
		return false, err
	}
	if err := t.flush(ctx); err != nil {
		return false, err
	}
	if err := sqlTx.Commit(); err != nil {
		return false, fmt.Errorf("store: commit: %w", err)
	}
	return t.events, nil
}

// later queues a write; it is done before the next read and before the commit.
func (t *tx) later(query string, args ...any) {
	t.queue = append(t.queue, statement{query, args})
}

// flush does the queued writes.
func (t *tx) flush(ctx context.Context) error {
	_, err := t.affected(ctx)
	return err
}

// affected does the queued writes and answers how many rows each has changed.
func (t *tx) affected(ctx context.Context) ([]int64, error) {
	if len(t.queue) == 0 {
		return nil, nil
	}
	queue := t.queue
	t.queue = nil
	n, err := t.store.dialect.batch(ctx, t.conn, queue)
	if err != nil {
		return nil, fmt.Errorf("store: write: %w", err)
	}
	return n, nil
}

func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	t.later(query, args...)
	n, err := t.affected(ctx)
	if err != nil {
		return 0, err
	}
	return n[len(n)-1], nil
}

func (t *tx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.flush(ctx); err != nil {
		return nil, err
	}
	d := t.store.dialect
	return t.sqlTx.QueryContext(ctx, d.query(query), d.args(args)...)
}

// exec runs one statement in a transaction of its own.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	for run := 1; ; run++ {
		r, err := s.write.ExecContext(ctx, s.dialect.query(query), s.dialect.args(args)...)
		if err == nil {
			return r.RowsAffected()
		}
		if run == maxRuns || !s.dialect.retry(err) {
			return 0, err
		}
	}
}

func (s *Store) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.read.QueryContext(ctx, s.dialect.query(query), s.dialect.args(args)...)
}

// querier is the store itself, which reads what is committed, or a transaction.
type querier interface {
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// writing is the store as a querier of single statements that change something and answer rows.
type writing struct{ *Store }

func (w writing) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return w.write.QueryContext(ctx, w.dialect.query(query), w.dialect.args(args)...)
}

// scanner is a row that may be read.
type scanner interface{ Scan(dest ...any) error }

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

// one reads the first row of a query, or answers ErrNotFound.
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
