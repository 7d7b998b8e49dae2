package testdeps

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

// ProgramErrors are errors as they come from within, each wrapped as its way here would: what of them every edge must keep to
// itself.
func ProgramErrors() []error {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("connect: %w", syscall.ECONNREFUSED)}
	var list []error
	for _, err := range []error{
		errors.New("sipua: leg: transaction terminated"),
		fmt.Errorf("engineio: %w", &url.Error{Op: "Get", URL: "http://10.0.0.7/socket.io/", Err: refused}),
		errors.New("store: conflict with what is stored"),
		redis.Nil,
		context.DeadlineExceeded,
		context.Canceled,
		pgx.ErrNoRows,
		sql.ErrNoRows,
		sql.ErrConnDone,
		&pgconn.PgError{Severity: "ERROR", Code: "23505", Message: `duplicate key value violates unique constraint "agents_login_key"`},
		errors.New("SQL logic error: no such table: agents (1)"),
		errors.New("database is locked (5) (SQLITE_BUSY)"),
		refused,
		io.ErrUnexpectedEOF,
		errors.New(`json: cannot unmarshal string into Go struct field Settings.ring of type int64`),
		errors.New("runtime error: invalid memory address or nil pointer dereference"),
	} {
		list = append(list, err, fmt.Errorf("store: attempt 7: %w", err),
			fmt.Errorf("dialer: makeCall: %w", fmt.Errorf("roster: claim: %w", err)))
	}
	return list
}

// programWords are what only the program's authors understand.
var programWords = regexp.MustCompile(`(?i)\b(sipua|mediatel|simulated|socketio|engineio|store|dialer|roster|agents|access|campaigns|webhook|gateway|context|redis|sql|json|dial|` +
	`runtime error): |\bGet "|pgx|SQLSTATE|SQLITE|\bnil\b|no rows|no such table|constraint|duplicate key|connect: |deadline|canceled|\bEOF\b|Go struct|10\.0\.0\.7`)

// ProgramWord is a word of the program's in a text that people read; "" when there is none.
func ProgramWord(text string) string { return programWords.FindString(text) }
