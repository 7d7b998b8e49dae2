package uptime

import "time"

// born is the process's own: processes that start at different moments do not ask their neighbours all at once.
var born = time.Now()

// Beat is how long it is until the process's next full d. What a process does now and then it does on the beat, so that one
// awakening serves for all, and an idle process sleeps between.
func Beat(d time.Duration) time.Duration {
	past := time.Since(born) % d
	if past < 0 { // by a clock of a test
		past += d
	}
	return d - past
}
