package testdeps

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// FreeAddress returns an address of the loopback at which neither TCP nor UDP listens, for a program that is told where to
// listen: below the ports that the system gives away itself, and none that a browser refuses. Until the test has ended nobody
// gets its port here a second time, in none of the user's processes: a node under test takes it a good while after this, and
// several test processes ask.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	port, lock, err := freePort()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { lock.Close() })
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// freePort returns a port of FreeAddress, and the lock that keeps it from others until it is closed, or the process ends.
func freePort() (port int, lock *os.File, err error) {
	for range 300 {
		if port = 7000 + rand.IntN(3000); port >= 8888 && port < 8948 { // where each SIPp takes a port to be controlled by
			continue
		}
		if lock, err = lockPort(port); err != nil {
			return 0, nil, err
		}
		if lock == nil {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if l, err := net.Listen("tcp", address); err == nil {
			u, err := net.ListenPacket("udp", address)
			l.Close()
			if err == nil {
				u.Close()
				return port, lock, nil
			}
		}
		lock.Close()
	}
	return 0, nil, errors.New("testdeps: no port is free for TCP and UDP")
}

// lockPort locks the port's file; nil where another one has it.
func lockPort(port int) (*os.File, error) {
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("ringmaster-test-ports-%d", os.Getuid()))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(folder, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	switch err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		lock.Close()
		return nil, nil
	case err != nil:
		lock.Close()
		return nil, err
	}
	return lock, nil
}
