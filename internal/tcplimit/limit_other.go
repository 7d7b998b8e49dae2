//go:build !linux

// Package tcplimit keeps what was handed to the kernel from leaving late. Systems other than Linux have no such setting.
package tcplimit

import (
	"syscall"
	"time"
)

// Control is for [net.Dialer]; it changes nothing.
func Control(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
