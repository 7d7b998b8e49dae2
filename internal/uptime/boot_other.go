//go:build !linux

package uptime

import "time"

// sinceStart is the wall clock, which goes on in suspend; it may be set.
func sinceStart() time.Duration { return time.Duration(time.Now().UnixNano()) }

// elapsed stands still in suspend here, which looks as if everybody else's clock was set.
func elapsed() time.Duration { return time.Since(born) }
