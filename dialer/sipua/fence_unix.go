//go:build unix

package sipua

import (
	"net"
	"strconv"
	"syscall"
)

// writeAsking writes a datagram, and asks between the socket's own queue of writers and the system call. A question before the
// queue would be stale behind it: a process that was stopped while a hundred INVITEs stood there would send them all on waking.
func writeAsking(c *net.UDPConn, b []byte, to net.Addr, may func() error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return &net.AddrError{Err: "no UDP address", Addr: to.String()}
	}
	target := sockaddr(addr)
	var sent error
	err = raw.Write(func(fd uintptr) (done bool) {
		for {
			if sent = may(); sent != nil {
				return true
			}
			if sent = syscall.Sendto(int(fd), b, 0, target); sent != syscall.EINTR {
				return sent != syscall.EAGAIN // the sockets of package net never block
			}
		}
	})
	if err != nil {
		return err
	}
	if number, is := sent.(syscall.Errno); is {
		return &net.OpError{Op: "write", Net: "udp", Source: c.LocalAddr(), Addr: to, Err: number}
	}
	return sent
}

// sockaddr is the address as the system wants it; our sockets are of one family each.
func sockaddr(addr *net.UDPAddr) syscall.Sockaddr {
	if ip := addr.IP.To4(); ip != nil {
		return &syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip)}
	}
	to := &syscall.SockaddrInet6{Port: addr.Port}
	copy(to.Addr[:], addr.IP.To16())
	if addr.Zone == "" {
		return to
	}
	if link, err := net.InterfaceByName(addr.Zone); err == nil {
		to.ZoneId = uint32(link.Index)
	} else if index, err := strconv.ParseUint(addr.Zone, 10, 32); err == nil {
		to.ZoneId = uint32(index)
	}
	return to
}
