package testdeps

import (
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
// listen: below the ports that the system gives away itself. Nobody gets its port here a second time before the test has
// ended, in no process of this machine: a node under test takes it a good while after this, and several test processes ask.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	for range 300 {
		port := 7000 + rand.IntN(3000)
		if !reserve(tb, port) {
			continue
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp", address)
		l.Close()
		if err == nil {
			u.Close()
			return address
		}
	}
	tb.Fatal("no port is free for TCP and UDP")
	return ""
}

// reserve locks the port's file until the test has ended; a process that is killed leaves no lock.
func reserve(tb testing.TB, port int) bool {
	tb.Helper()
	folder := filepath.Join(os.TempDir(), "ringmaster-test-ports")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		tb.Fatal(err)
	}
	lock, err := os.OpenFile(filepath.Join(folder, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return false
	}
	tb.Cleanup(func() { lock.Close() })
	return true
}
