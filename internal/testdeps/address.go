package testdeps

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreeAddress returns a loopback address whose port is free for TCP and UDP, and below those that the kernel gives to whoever
// asks for any: nobody takes it before its owner comes, or comes back after a kill. Browsers refuse none of these ports, and SIPp
// has others.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 7000+rand.IntN(3000))
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
