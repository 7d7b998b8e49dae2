package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"runtime"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is what the two databases do not agree on. Queries are written for PostgreSQL.
type dialect interface {
	name() string

	// query rewrites a query; args its arguments. Lists of ids and texts are written "= ANY($1)".
	query(q string) string
	args(args []any) []any

	// batch runs statements on a connection in as few round trips as can be, and answers the rows affected by each.
	batch(ctx context.Context, conn *sql.Conn, statements []statement) ([]int64, error)

	// lockImport keeps other imports into the campaign out until the transaction ends.
	lockImport(ctx context.Context, t *tx, campaignID int64) error

	// contactIDs reserves n ids of contacts, in their order.
	contactIDs(ctx context.Context, t *tx, n int) (func() int64, error)

	// insertContacts inserts new contacts, as fast as the database can.
	insertContacts(ctx context.Context, t *tx, list []*newContact) error

	// unique reports whether err is a violated unique index or key, retry whether the transaction may be run again.
	unique(err error) bool
	retry(err error) bool
}

type statement struct {
	query string
	args  []any
}

// PostgreSQL.

type postgresDialect struct{}

const defaultMaxConns = 16

func openPostgres(dsn string, maxConns int) (*sql.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("store: PostgreSQL URL: want postgres://user:password@host:5432/database?sslmode=…") // err may quote it
	}
	if _, ok := config.RuntimeParams["application_name"]; !ok {
		config.RuntimeParams["application_name"] = "ringmaster"
	}
	// A client that hangs in a transaction must not keep its locks for ever.
	if _, ok := config.RuntimeParams["idle_in_transaction_session_timeout"]; !ok {
		config.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	}
	if maxConns <= 0 {
		maxConns = defaultMaxConns
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	return db, nil
}

func (postgresDialect) name() string          { return "postgres" }
func (postgresDialect) query(q string) string { return q }
func (postgresDialect) args(args []any) []any { return args }

func (postgresDialect) batch(ctx context.Context, conn *sql.Conn, statements []statement) (affected []int64, err error) {
	err = conn.Raw(func(driverConn any) error {
		var batch pgx.Batch
		for _, st := range statements {
			batch.Queue(st.query, st.args...)
		}
		results := driverConn.(*stdlib.Conn).Conn().SendBatch(ctx, &batch)
		for range statements {
			tag, err := results.Exec()
			if err != nil {
				_ = results.Close() // repeats err
				return err
			}
			affected = append(affected, tag.RowsAffected())
		}
		return results.Close()
	})
	return affected, err
}

func (postgresDialect) unique(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505"
}

func (postgresDialect) retry(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01") // serialization failure, deadlock
}

// SQLite.

type sqliteDialect struct{}

// openSQLite opens a writer, whose transactions take the write lock at their beginning, and readers, who never wait for it.
func openSQLite(path string) (write, read *sql.DB, err error) {
	if path == "" {
		return nil, nil, errors.New("store: sqlite: needs a path: sqlite:data/ringmaster.db")
	}
	dsn := func(extra string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
			"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=cache_size(-32000)&_pragma=temp_store(MEMORY)" + extra
	}
	if write, err = sql.Open("sqlite", dsn("&_txlock=immediate")); err != nil {
		return nil, nil, fmt.Errorf("store: sqlite: %w", err)
	}
	write.SetMaxOpenConns(1)
	// The first connection switches the file to WAL, which needs it alone.
	if err := write.Ping(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("store: sqlite: %w", err), write.Close())
	}
	if read, err = sql.Open("sqlite", dsn("&_pragma=query_only(1)")); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("store: sqlite: %w", err), write.Close())
	}
	read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	read.SetMaxIdleConns(max(4, runtime.NumCPU()))
	return write, read, nil
}

func (sqliteDialect) name() string { return "sqlite" }

var (
	rowLocks = regexp.MustCompile(`\s+FOR UPDATE( OF \w+)?( SKIP LOCKED)?`) // a writer is alone
	anyOf    = regexp.MustCompile(`= ANY\((\$\d+)\)`)
	rewrites sync.Map // query → the same in SQLite's words; the queries are constants, so it stays small
)

func (sqliteDialect) query(q string) string {
	if r, ok := rewrites.Load(q); ok {
		return r.(string)
	}
	r := anyOf.ReplaceAllString(rowLocks.ReplaceAllString(q, ""), "IN (SELECT value FROM json_each($1))")
	rewrites.Store(q, r)
	return r
}

func (sqliteDialect) args(args []any) []any {
	var changed []any
	for i, a := range args {
		switch a.(type) {
		case []int64, []string:
			if changed == nil {
				changed = append([]any(nil), args...)
			}
			list, _ := json.Marshal(a) // cannot fail
			changed[i] = string(list)
		}
	}
	if changed == nil {
		return args
	}
	return changed
}

func (d sqliteDialect) batch(ctx context.Context, conn *sql.Conn, statements []statement) (affected []int64, err error) {
	for _, st := range statements {
		r, err := conn.ExecContext(ctx, d.query(st.query), d.args(st.args)...)
		if err != nil {
			return affected, err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return affected, err
		}
		affected = append(affected, n)
	}
	return affected, nil
}

func (sqliteDialect) unique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func (sqliteDialect) retry(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY // another process holds the file
}
