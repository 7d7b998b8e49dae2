// Package cause has the reasons why a neighbour or a file cannot be used, by the kind of its error: what the command line, the
// doctor and the trunks of our own telephony say alike, and no driver's words.
package cause

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"syscall"

	"github.com/creditorro/ringmaster/internal/reason"
)

var (
	refused     = reason.Plain("cause.refused")
	silent      = reason.Plain("cause.silent")
	noName      = reason.With1[string]("cause.no_such_name", "name")
	unreachable = reason.Plain("cause.unreachable")
	closed      = reason.Plain("cause.closed")
	certificate = reason.Plain("cause.certificate")
	inUse       = reason.Plain("cause.in_use")
	permission  = reason.Plain("cause.permission")
	noFile      = reason.Plain("cause.no_such_file")
)

// Of is an error's own reason, or the kind of failure that it is; none, when the error tells neither.
func Of(err error) reason.Reason {
	if why := reason.Of(err); !why.IsZero() {
		return why
	}
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return noName(dns.Name)
	case errors.As(err, &untrusted):
		return certificate
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case errors.Is(err, syscall.EADDRINUSE):
		return inUse
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return unreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF):
		return closed
	case errors.Is(err, fs.ErrPermission):
		return permission
	case errors.Is(err, fs.ErrNotExist):
		return noFile
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return silent
	}
	return reason.Reason{}
}
