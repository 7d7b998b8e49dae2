//go:build !linux

package sipua

import (
	"syscall"
	"time"
)

// dropUnacknowledged does nothing: other systems have no such setting.
func dropUnacknowledged(syscall.RawConn, time.Duration) error { return nil }
