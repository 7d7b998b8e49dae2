package testdeps

import (
	"testing"
	"time"
)

// patience is how long a test waits for what must happen: a machine ten times slower, and busy, is no fault.
const patience = 2 * time.Minute

// Eventually waits until something is so; if it never is the test ends. What has a signal of its own is awaited by that.
func Eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	if !within(patience, is) {
		tb.Fatalf("waited %s in vain for %s", patience, what)
	}
}

// Seen looks until what it sees is as wanted, and returns that; if it never is the test ends, and says what was seen last.
func Seen[T any](tb testing.TB, what string, look func() T, is func(T) bool) (seen T) {
	tb.Helper()
	return SeenWithin(tb, patience, what, look, is)
}

// SeenWithin is Seen for what may take longer than [Seen] has patience.
func SeenWithin[T any](tb testing.TB, limit time.Duration, what string, look func() T, is func(T) bool) (seen T) {
	tb.Helper()
	if !within(limit, func() bool { seen = look(); return is(seen) }) {
		tb.Fatalf("waited %s in vain for %s; last seen: %+v", limit, what, seen)
	}
	return seen
}

// within polls, ever more seldom, until is agrees; false: the time is over.
func within(limit time.Duration, is func() bool) bool {
	pause := time.Millisecond / 2
	for end := time.Now().Add(limit); !is(); time.Sleep(pause) {
		if time.Now().After(end) {
			return is() // the machine may have stood still
		}
		pause = min(2*pause, 20*time.Millisecond)
	}
	return true
}

// Quiet lets time pass in which nothing is to happen: there is no signal for that.
func Quiet(d time.Duration) { time.Sleep(d) }

// Lasts lets time pass that is the subject itself: the length of a talk, the pace of a far end, the time that work takes.
func Lasts(d time.Duration) { time.Sleep(d) }
