package simulated

import (
	"sync"
	"time"
)

// Clock tells the time, and how long a scripted duration lasts.
type Clock interface {
	// Now is the time that progress is stamped with.
	Now() time.Time

	// In is the moment at which a scripted duration that begins now is over.
	In(d time.Duration) time.Time

	// Sleep returns at the moment given, or when wake delivers or stop is closed; a zero moment never comes.
	Sleep(until time.Time, wake, stop <-chan struct{})
}

// Real is the clock on the wall.
func Real() Clock { return wall{speed: 1} }

// Hurried is the clock on the wall with phones that do everything speed times as fast; speed is above zero.
func Hurried(speed float64) Clock { return wall{speed: speed} }

type wall struct{ speed float64 }

func (wall) Now() time.Time { return time.Now() }

func (w wall) In(d time.Duration) time.Time {
	return time.Now().Add(time.Duration(float64(d) / w.speed))
}

func (wall) Sleep(until time.Time, wake, stop <-chan struct{}) {
	var due <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
	case <-wake:
	case <-stop:
	}
}

// Virtual is a clock that stands still until it is advanced. One network sleeps by it.
type Virtual struct {
	mu       sync.Mutex
	settled  sync.Cond // signalled when a sleeper lies down
	now      time.Time
	awake    bool // Advance woke the sleeper, and it does not sleep again yet
	sleeping *sleeper
}

type sleeper struct {
	until time.Time
	due   chan struct{}
}

// NewVirtual starts a clock that shows the time given.
func NewVirtual(now time.Time) *Virtual {
	v := &Virtual{now: now}
	v.settled.L = &v.mu
	return v
}

// Now is the time the clock shows.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// In adds d to the time shown.
func (v *Virtual) In(d time.Duration) time.Time { return v.Now().Add(d) }

// Advance moves the clock on, moment by moment: when the sleeper's moment has come it is woken, and has lain down again
// before the clock moves further. What others do with what they are told goes on beside it.
func (v *Virtual) Advance(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for target := v.now.Add(d); ; {
		s := v.sleeping
		if s == nil || s.until.IsZero() || s.until.After(target) {
			v.now = target
			return
		}
		if s.until.After(v.now) {
			v.now = s.until
		}
		v.sleeping, v.awake = nil, true
		close(s.due)
		for v.awake {
			v.settled.Wait()
		}
	}
}

// Sleep waits for Advance.
func (v *Virtual) Sleep(until time.Time, wake, stop <-chan struct{}) {
	s := &sleeper{until: until, due: make(chan struct{})}
	v.mu.Lock()
	v.sleeping, v.awake = s, false
	v.settled.Signal()
	v.mu.Unlock()
	select {
	case <-s.due:
	case <-wake:
	case <-stop:
	}
	v.mu.Lock()
	if v.sleeping == s {
		v.sleeping = nil
	}
	v.mu.Unlock()
}
