package sipua

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dropUnacknowledged has the kernel drop a connection whose far end acknowledges nothing for so long (RFC 5482).
func dropUnacknowledged(c syscall.RawConn, after time.Duration) error {
	var err error
	control := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
	})
	return errors.Join(control, err)
}
