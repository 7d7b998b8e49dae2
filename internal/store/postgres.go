package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	defaultMaxConns = 16
	rollbackLimit   = 5 * time.Second
)

// postgres is the engine that production runs on.
type postgres struct{ pool *pgxpool.Pool }

func openPostgres(ctx context.Context, url string, maxConns int) (*postgres, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// What is wrong may be quoted with a password in it.
		return nil, errors.New("store: PostgreSQL URL: want postgres://user:password@host:5432/database?sslmode=…")
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "ringmaster"
	}
	if params["idle_in_transaction_session_timeout"] == "" {
		params["idle_in_transaction_session_timeout"] = "60s" // a process that hangs must not keep its locks for ever
	}
	// Every query of ours finds its rows by an index. While tables are young the planner takes reading them whole for
	// cheaper, and keeps that plan when they have grown. Nothing here is long enough to be compiled.
	for _, way := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"} {
		params[way] = "off"
	}
	if config.MaxConns = int32(maxConns); maxConns <= 0 {
		config.MaxConns = defaultMaxConns
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("store: PostgreSQL: %w", err)
	}
	return &postgres{pool}, nil
}

func (*postgres) name() string  { return "postgres" }
func (*postgres) clock() string { return "SELECT clock_timestamp()" }
func (*postgres) writers() int  { return 2 } // one decides while the other commits

func (p *postgres) close() error {
	p.pool.Close()
	return nil
}

func (p *postgres) database() *sql.DB { return stdlib.OpenDBFromPool(p.pool) }

func (p *postgres) exec(ctx context.Context, st statement) (int64, error) {
	tag, err := p.pool.Exec(ctx, withRows(st.query), st.args...)
	return tag.RowsAffected(), err
}

func (p *postgres) query(ctx context.Context, st statement) (rows, error) {
	return p.pool.Query(ctx, withRows(st.query), st.args...)
}

func (p *postgres) change(ctx context.Context, st statement) (rows, error) { return p.query(ctx, st) }

func (p *postgres) begin(ctx context.Context, f func(session) error) error {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("store: connection: %w", err)
	}
	defer conn.Release() // a connection that is broken, or still in a transaction, is closed
	defer func() {
		if conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().IsClosed() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
			defer cancel()
			_, _ = conn.Exec(ctx, "rollback")
		}
	}()
	return f(&postgresSession{conn: conn.Conn()})
}

func (*postgres) unique(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505"
}

func (*postgres) refused(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e)
}

func (*postgres) retry(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01") // serialization failure, deadlock
}

// withRows puts ROWS into PostgreSQL's words.
func withRows(query string) string {
	if !strings.Contains(query, "ROWS(") {
		return query
	}
	if r, ok := withoutRows.Load(query); ok {
		return r.(string)
	}
	r := rowsOf.ReplaceAllString(query, `json_to_recordset(CAST(CAST(${1} AS TEXT) AS JSON)) AS ${3}(${2})`)
	withoutRows.Store(query, r)
	return r
}

var (
	rowsOf      = regexp.MustCompile(`ROWS\((\$\d+|c\.phones):\s+([^)]*)\)\s+AS\s+(\w+)`)
	withoutRows sync.Map // query → the same in PostgreSQL's words
)

// postgresSession sends begin with its first statement and commit with its last: a whole step of the attempt protocol is
// two round trips, one that locks and reads and one that writes and commits. What follows a failed statement in a batch
// is not run, the commit included.
type postgresSession struct {
	conn  *pgx.Conn
	begun bool
}

func (s *postgresSession) batch(statements []statement) *pgx.Batch {
	b := &pgx.Batch{}
	if !s.begun {
		b.Queue("begin")
		s.begun = true
	}
	for _, st := range statements {
		b.Queue(withRows(st.query), st.args...)
	}
	return b
}

func (s *postgresSession) query(ctx context.Context, before []statement, st statement) (rows, error) {
	if s.begun && len(before) == 0 {
		return s.conn.Query(ctx, withRows(st.query), st.args...)
	}
	b := s.batch(before)
	b.Queue(withRows(st.query), st.args...)
	results := s.conn.SendBatch(ctx, b)
	for range b.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // repeats err
			return nil, err
		}
	}
	r, err := results.Query()
	if err != nil {
		_ = results.Close()
		return nil, err
	}
	return &batchRows{r, results}, nil
}

func (s *postgresSession) run(ctx context.Context, statements []statement, commit bool) ([]int64, error) {
	if len(statements) == 0 && (!commit || !s.begun) {
		return nil, nil
	}
	begins := !s.begun
	b := s.batch(statements)
	if commit {
		b.Queue("commit")
	}
	results := s.conn.SendBatch(ctx, b)
	affected := make([]int64, 0, b.Len())
	for range b.Len() {
		tag, err := results.Exec()
		if err != nil {
			_ = results.Close() // repeats err
			return nil, err
		}
		affected = append(affected, tag.RowsAffected())
	}
	if begins {
		affected = affected[1:]
	}
	return affected[:len(statements)], results.Close()
}

// batchRows are the rows of a batch's last query.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
}

func (r *batchRows) Close() {
	r.Rows.Close()
	_ = r.results.Close() // Err has said it
}
