//go:build !unix

package sipua

import "net"

// writeAsking writes a datagram and asks before. Here the socket's queue of writers stands between both.
func writeAsking(c *net.UDPConn, b []byte, to net.Addr, may func() error) error {
	if err := may(); err != nil {
		return err
	}
	_, err := c.WriteTo(b, to)
	return err
}
