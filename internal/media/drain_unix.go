//go:build unix

package media

import (
	"net"
	"syscall"
)

// drain throws away what a socket has received while nobody read it; false: that could not be done, or there is no end of it.
func drain(c *net.UDPConn) (empty bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	const most = 10_000 // far more than the system's buffer holds
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		for range most {
			if _, _, err := syscall.Recvfrom(int(fd), b[:], 0); err == syscall.EAGAIN { // the sockets of package net never block
				empty = true
				return
			}
		}
	})
	return empty && err == nil
}
