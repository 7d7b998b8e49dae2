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
	"strings"
	"sync"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// sqlite is the embedded engine: one file, one writer at a time, readers who never wait for it. Its commits are on the
// disk when they return (synchronous=FULL).
type sqlite struct {
	dsn    string
	db     *sql.DB       // readers
	turn   chan struct{} // held by whoever writes
	writer *sql.Conn
	closed chan struct{}        // closed when nobody may write any more
	stmts  map[string]*sql.Stmt // the writer's prepared statements
	reads  sync.Map             // query → *sql.Stmt, the readers'
}

var errClosed = errors.New("store: sqlite: disconnected")

const sqlitePragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
	"&_pragma=cache_size(-32000)&_pragma=temp_store(MEMORY)"

func openSQLite(ctx context.Context, path string) (*sqlite, error) {
	if path == "" {
		return nil, errors.New("store: sqlite: needs a path: sqlite:data/ringmaster.db")
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + sqlitePragmas
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("store: sqlite: %w", err)
	}
	// The writer comes first: it makes the file and switches it to WAL.
	writer, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: sqlite: %w", err), db.Close())
	}
	readers := max(4, runtime.NumCPU())
	db.SetMaxOpenConns(1 + readers)
	db.SetMaxIdleConns(readers)
	return &sqlite{dsn: dsn, db: db, turn: make(chan struct{}, 1), writer: writer, closed: make(chan struct{}),
		stmts: map[string]*sql.Stmt{}}, nil
}

func (*sqlite) name() string  { return "sqlite" }
func (*sqlite) clock() string { return "" }
func (*sqlite) writers() int  { return 1 }

func (s *sqlite) close() error {
	select {
	case s.turn <- struct{}{}: // for ever: nobody writes any more
	case <-s.closed:
		return nil
	}
	close(s.closed)
	return errors.Join(s.writer.Close(), s.db.Close())
}

func (s *sqlite) database() *sql.DB {
	db, _ := sql.Open("sqlite", s.dsn) // it was opened before
	return db
}

func (s *sqlite) query(ctx context.Context, st statement) (rows, error) {
	prepared, err := s.reading(ctx, st.query)
	if err != nil {
		return nil, err
	}
	r, err := prepared.QueryContext(ctx, arguments(st.args)...)
	if err != nil {
		return nil, err
	}
	return sqlRows{r}, nil
}

// reading returns a reader's statement that each connection parses once: to parse took more than half the time of a look that
// finds nothing.
func (s *sqlite) reading(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := s.reads.Load(query); ok {
		return st.(*sql.Stmt), nil
	}
	st, err := s.db.PrepareContext(ctx, dialect(query))
	if err != nil {
		return nil, err
	}
	if first, other := s.reads.LoadOrStore(query, st); other {
		_ = st.Close()
		return first.(*sql.Stmt), nil
	}
	return st, nil
}

func (s *sqlite) exec(ctx context.Context, st statement) (int64, error) {
	var n int64
	err := s.begin(ctx, func(t session) error {
		affected, err := t.run(ctx, []statement{st}, true)
		if err == nil {
			n = affected[0]
		}
		return err
	})
	return n, err
}

// change gives the turn back when its rows are closed.
func (s *sqlite) change(ctx context.Context, st statement) (rows, error) {
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	r, err := (&sqliteSession{s, true}).query(ctx, nil, st) // without BEGIN the statement is a transaction of its own
	if err != nil {
		<-s.turn
		return nil, err
	}
	return &turnRows{rows: r, turn: s.turn}, nil
}

func (s *sqlite) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-s.closed:
		return errClosed
	case <-ctx.Done():
		return fmt.Errorf("store: sqlite: waiting to write: %w", ctx.Err())
	}
}

func (s *sqlite) begin(ctx context.Context, f func(session) error) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	t := &sqliteSession{sqlite: s}
	defer func() {
		if t.begun {
			_, _ = s.writer.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	return f(t)
}

func (*sqlite) unique(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && (e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func (*sqlite) refused(err error) bool {
	var e *driver.Error
	return errors.As(err, &e)
}

func (*sqlite) retry(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_BUSY // another process holds the file
}

// sqliteSession is the writer's transaction.
type sqliteSession struct {
	*sqlite
	begun bool
}

func (t *sqliteSession) ensure(ctx context.Context) error {
	if t.begun {
		return nil
	}
	// It counts as begun also when ctx ends meanwhile: the driver says then that BEGIN failed, whether it did or not. IMMEDIATE
	// takes the write lock now: no deadlock by a later upgrade.
	t.begun = true
	_, err := t.writer.ExecContext(ctx, "BEGIN IMMEDIATE")
	return err
}

// prepared returns a statement that is parsed once. The queries are constants, so there are not many.
func (t *sqliteSession) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := t.stmts[query]; ok {
		return st, nil
	}
	st, err := t.writer.PrepareContext(ctx, dialect(query))
	if err == nil {
		t.stmts[query] = st
	}
	return st, err
}

func (t *sqliteSession) query(ctx context.Context, before []statement, st statement) (rows, error) {
	if err := t.ensure(ctx); err != nil {
		return nil, err
	}
	if _, err := t.run(ctx, before, false); err != nil {
		return nil, err
	}
	prepared, err := t.prepared(ctx, st.query)
	if err != nil {
		return nil, err
	}
	r, err := prepared.QueryContext(ctx, arguments(st.args)...)
	if err != nil {
		return nil, err
	}
	return sqlRows{r}, nil
}

func (t *sqliteSession) run(ctx context.Context, statements []statement, commit bool) ([]int64, error) {
	if len(statements) > 0 {
		if err := t.ensure(ctx); err != nil {
			return nil, err
		}
	}
	affected := make([]int64, len(statements))
	for i, st := range statements {
		prepared, err := t.prepared(ctx, st.query)
		if err != nil {
			return nil, err
		}
		r, err := prepared.ExecContext(ctx, arguments(st.args)...)
		if err != nil {
			return nil, err
		}
		if affected[i], err = r.RowsAffected(); err != nil {
			return nil, err
		}
	}
	if commit && t.begun {
		if _, err := t.writer.ExecContext(ctx, "COMMIT"); err != nil {
			return nil, err
		}
		t.begun = false
	}
	return affected, nil
}

var (
	rowLocks = regexp.MustCompile(`\s+FOR\s+UPDATE(\s+OF\s+\w+(,\s+\w+)?)?(\s+SKIP\s+LOCKED)?`) // a writer is alone
	anyOf    = regexp.MustCompile(`=\s+ANY\((\$\d+)\)`)
	ofRows   = regexp.MustCompile(`(\w+\.id)\s+=\s+ANY\((\$\d+)\)`)
	rewrites sync.Map // query → the same in SQLite's words
)

// dialect puts a query into SQLite's words. Placeholders need nothing: the driver takes $1 as the first argument.
func dialect(query string) string {
	if r, ok := rewrites.Load(query); ok {
		return r.(string)
	}
	r := rowLocks.ReplaceAllString(query, "")
	if strings.Contains(r, "ROWS($") {
		// The table is entered from the rows, one by one: from the ids, all rows would be read anew for each of them.
		r = ofRows.ReplaceAllString(r, "+$1 = ANY($2)")
	}
	r = anyOf.ReplaceAllString(r, "IN (SELECT value FROM json_each($1))")
	r = rowsOf.ReplaceAllStringFunc(r, func(rows string) string {
		part := rowsOf.FindStringSubmatch(rows)
		var columns []string
		for column := range strings.SplitSeq(part[2], ",") {
			name := strings.Fields(column)[0]
			columns = append(columns, fmt.Sprintf("value->>'%s' AS %s", name, name))
		}
		return "(SELECT " + strings.Join(columns, ", ") + " FROM json_each(" + part[1] + ")) AS " + part[3]
	})
	rewrites.Store(query, r)
	return r
}

// arguments puts lists into JSON, for json_each.
func arguments(args []any) []any {
	changed := args
	for i, a := range args {
		switch a.(type) {
		case []int64, []string:
			if &changed[0] == &args[0] {
				changed = append([]any(nil), args...)
			}
			list, _ := json.Marshal(a) // numbers and texts cannot fail
			changed[i] = string(list)
		}
	}
	return changed
}

type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close() { _ = r.Rows.Close() } // Err has said it

type turnRows struct {
	rows
	turn chan struct{}
	once sync.Once
}

func (r *turnRows) Close() {
	r.rows.Close()
	r.once.Do(func() { <-r.turn })
}
