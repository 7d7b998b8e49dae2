package uptime

import (
	"time"

	"golang.org/x/sys/unix"
)

func sinceStart() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Since(began) // a kernel before 2.6.39
	}
	return time.Duration(ts.Nano())
}

func elapsed() time.Duration { return sinceStart() }

var began = time.Now()
