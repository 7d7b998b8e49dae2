// Package uptime tells how long the machine has been up, the time that it was suspended included. Go's monotonic clock stands
// still in suspend: what must be over by then, such as a lease, is judged by both.
package uptime

import "time"

// Instant is a moment by both clocks.
type Instant struct {
	clock time.Time     // with a monotonic reading
	up    time.Duration // since the machine has started
}

// Now is this moment.
func Now() Instant { return At(time.Now()) }

// At is this moment, for somebody whose clock shows t.
func At(t time.Time) Instant { return Instant{t, sinceStart()} }

// Add is d later.
func (i Instant) Add(d time.Duration) Instant { return Instant{i.clock.Add(d), i.up + d} }

// Before reports whether both clocks say that i is earlier than limit.
func (i Instant) Before(limit Instant) bool { return i.clock.Before(limit.clock) && i.up < limit.up }

// Sub is how long i is after an earlier moment, by the clock that says more.
func (i Instant) Sub(earlier Instant) time.Duration {
	return max(i.clock.Sub(earlier.clock), i.up-earlier.up)
}

// IsZero reports whether i is no moment.
func (i Instant) IsZero() bool { return i == Instant{} }

// Elapsed is a count of time that goes on evenly, in suspend too, and that setting a clock does not change. Only differences mean
// something.
func Elapsed() time.Duration { return elapsed() }
