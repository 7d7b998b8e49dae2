package doctor

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/cause"
)

// Why a server of ours cannot be used, beside what every neighbour may have.
var (
	becausePassword   = reason.Plain("cause.password")
	becauseNoDatabase = reason.Plain("cause.no_such_database")
)

// cause is an error as a finding tells it: its reason, or the kind of failure that it is, or what the server itself says. What it
// cannot tell goes to the log as it is.
func (d *Doctor) cause(err error) reason.Reason {
	why := Cause(err)
	if !why.IsZero() {
		return why
	}
	if d.log != nil {
		fmt.Fprintf(d.log, "doctor: %s: %v\n", d.check, err)
	}
	return reason.Unspecific()
}

// Cause is why a neighbour or a file cannot be used; none, when the error does not tell.
func Cause(err error) reason.Reason {
	var postgres *pgconn.PgError
	var server redis.Error
	if errors.As(err, &postgres) {
		switch postgres.Code {
		case "28P01", "28000":
			return becausePassword
		case "3D000":
			return becauseNoDatabase
		}
		return reason.Said(postgres.Message)
	}
	if why := cause.Of(err); !why.IsZero() {
		return why
	}
	switch {
	case errors.Is(err, redis.Nil): // a Redis error by its type, and no server's word
	case errors.As(err, &server) && redis.HasErrorPrefix(err, "WRONGPASS"),
		errors.As(err, &server) && redis.HasErrorPrefix(err, "NOAUTH"):
		return becausePassword
	case errors.As(err, &server):
		return reason.Said(server.Error())
	}
	return reason.Reason{}
}
