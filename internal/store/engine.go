package store

import (
	"context"
	"database/sql"
)

// engine is one of the two databases: postgres.go, sqlite.go. Queries are written in PostgreSQL's dialect, with one word more:
// "ROWS($1: id BIGINT, name TEXT) AS r" is a table made of the argument, a JSON list of objects, or of the column c.phones. Lists
// of ids and texts are arguments of "= ANY($1)".
type engine interface {
	name() string

	// writers is how many transactions of one kind are worth running at once.
	writers() int
	close() error

	// clock is a query for the moment by the database's own clock; empty: that of the process.
	clock() string

	// database is another handle on the same database, for migrations; the caller closes it.
	database() *sql.DB

	// begin gives a connection to one transaction; f commits it, or it is rolled back when f returns.
	begin(ctx context.Context, f func(session) error) error

	// exec runs one statement in a transaction of its own and returns the rows affected; change runs one that returns rows.
	exec(ctx context.Context, st statement) (int64, error)
	change(ctx context.Context, st statement) (rows, error)

	// query reads what is committed.
	query(ctx context.Context, st statement) (rows, error)

	// unique reports whether err is a violated unique index or key; refused, whether the database has said no, so that nothing
	// of the transaction is done; retry, whether it may be run again.
	unique(err error) bool
	refused(err error) bool
	retry(err error) bool

	// lockReply takes an Idempotency-Key for the transaction; false: another one has it.
	lockReply(ctx context.Context, t *tx, key string) (bool, error)

	// lockImport keeps other imports into the campaign out until the transaction ends.
	lockImport(ctx context.Context, t *tx, campaignID int64) error

	// contactIDs reserves n ids of contacts, in their order.
	contactIDs(ctx context.Context, t *tx, n int) (func() int64, error)

	// tallies is the query of what is counted of a campaign ($1): kind, key, n, and how many changes are not folded; of is a further
	// condition. freshCalls is that of a campaign's fresh calls of a day ($2): list, n. fold adds up the changes.
	tallies(of string) string
	freshCalls() string
	fold(ctx context.Context) error

	// end is the expression of a column's last four characters, as its index has it.
	end(column string) string

	// insertContacts inserts new contacts, as fast as the database can.
	insertContacts(ctx context.Context, t *tx, list []*newContact) error
}

// session is one transaction, with as few round trips as can be.
type session interface {
	// query runs the statements before it and then reads; they share a round trip.
	query(ctx context.Context, before []statement, st statement) (rows, error)

	// run runs statements, and commits with the last one if asked to. It returns the rows affected by each.
	run(ctx context.Context, statements []statement, commit bool) ([]int64, error)
}

type statement struct {
	query string
	args  []any
}

// rows is what a query returns. It must be closed.
type rows interface {
	scanner
	Next() bool
	Err() error
	Close()
}

// scanner is a row that may be read.
type scanner interface{ Scan(dest ...any) error }
