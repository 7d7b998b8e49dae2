package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Why a neighbour or a file cannot be used.
var (
	becauseRefused     = reason.Plain("cause.refused")
	becauseSilent      = reason.Plain("cause.silent")
	becauseNoName      = reason.With1[string]("cause.no_such_name", "name")
	becauseUnreachable = reason.Plain("cause.unreachable")
	becauseClosed      = reason.Plain("cause.closed")
	becauseCertificate = reason.Plain("cause.certificate")
	becauseInUse       = reason.Plain("cause.in_use")
	becausePermission  = reason.Plain("cause.permission")
	becauseNoFile      = reason.Plain("cause.no_such_file")
	becausePassword    = reason.Plain("cause.password")
	becauseNoDatabase  = reason.Plain("cause.no_such_database")
)

// cause is an error as a finding tells it: its reason, or the kind of failure that it is, or what the server itself says. What it
// cannot tell goes to the log as it is.
func (d *Doctor) cause(err error) reason.Reason {
	if why := reason.Of(err); !why.IsZero() {
		return why
	}
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var postgres *pgconn.PgError
	var server redis.Error
	var network net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return becauseNoName(dns.Name)
	case errors.As(err, &untrusted):
		return becauseCertificate
	case errors.As(err, &postgres):
		switch postgres.Code {
		case "28P01", "28000":
			return becausePassword
		case "3D000":
			return becauseNoDatabase
		}
		return reason.Said(postgres.Message)
	case errors.Is(err, syscall.ECONNREFUSED):
		return becauseRefused
	case errors.Is(err, syscall.EADDRINUSE):
		return becauseInUse
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return becauseUnreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return becauseClosed
	case errors.Is(err, fs.ErrPermission):
		return becausePermission
	case errors.Is(err, fs.ErrNotExist):
		return becauseNoFile
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return becauseSilent
	case errors.Is(err, redis.Nil): // a Redis error by its type, and no server's word
	case errors.As(err, &server) && redis.HasErrorPrefix(err, "WRONGPASS"), errors.As(err, &server) && redis.HasErrorPrefix(err, "NOAUTH"):
		return becausePassword
	case errors.As(err, &server):
		return reason.Said(server.Error())
	}
	if d.log != nil {
		fmt.Fprintf(d.log, "doctor: %s: %v\n", d.check, err)
	}
	return reason.Unspecific()
}
