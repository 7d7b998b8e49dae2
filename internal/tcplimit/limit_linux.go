// Package tcplimit keeps what was handed to the kernel from leaving late: a connection whose far end acknowledges nothing for a
// while is dropped, with all that waits in it.
package tcplimit

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Control is for [net.Dialer]: connections are dropped whose far end acknowledges nothing for so long (RFC 5482).
func Control(unacknowledged time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		control := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledged.Milliseconds()))
		})
		return errors.Join(control, err)
	}
}
