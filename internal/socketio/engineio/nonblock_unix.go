//go:build unix

package engineio

import (
	"errors"
	"syscall"
)

// nonblocking tells that sockets can be read and written without waiting, beside the runtime's poller.
const nonblocking = true

func readFD(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

func writeFD(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Write(fd, p)
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}

func isAgain(err error) bool { return errors.Is(err, syscall.EAGAIN) }
