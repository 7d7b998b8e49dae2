package engineio

import "golang.org/x/sys/unix"

// unacknowledged is how many bytes the kernel still holds that the other side has not acknowledged; 0 if it cannot tell.
func unacknowledged(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return max(n, 0)
}
