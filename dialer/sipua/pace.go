package sipua

import (
	"sync"
	"time"
)

// pace is a smooth rate: one INVITE each interval, never two together however long none was sent. A call first takes a turn,
// before any phone rings, so that there is room for it; its INVITE then passes when the one before it is long enough ago.
type pace struct {
	every time.Duration // zero: no limit

	mu     sync.Mutex
	next   time.Time // the next turn
	lined  time.Time // when the latest INVITE is due
	passed time.Time // when it may leave
}

// newPace spaces INVITEs so that no second holds more than perSecond, a little wider than it takes: a busy machine writes one
// late and the next one in time.
func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	return &pace{every: time.Duration(1.02 * float64(time.Second) / perSecond)}
}

// turn takes the next turn if it is at most patience away, and says how long to wait for it; false: it is not.
func (p *pace) turn(now time.Time, patience time.Duration) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.every == 0 {
		return 0, true
	}
	at := p.next
	if at.Before(now) {
		at = now
	}
	if wait = at.Sub(now); wait > patience {
		return wait, false
	}
	p.next = at.Add(p.every)
	return wait, true
}

// line says how long the INVITE of a call whose agent is there waits until it is due: many agents may have answered at once.
func (p *pace) line(now time.Time) (wait time.Duration) { return p.behind(&p.lined, now) }

// pass says how long an INVITE that is due and ready to be written waits: the one before it may have been late.
func (p *pace) pass(now time.Time) (wait time.Duration) { return p.behind(&p.passed, now) }

// behind moves last on to the next moment that is far enough from it, and says how far that is.
func (p *pace) behind(last *time.Time, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.every == 0 {
		return 0
	}
	at := last.Add(p.every)
	if at.Before(now) {
		at = now
	}
	*last = at
	return at.Sub(now)
}

// room counts the turns within patience that nobody has taken.
func (p *pace) room(now time.Time, patience time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.every == 0 {
		return unlimited
	}
	at := p.next
	if at.Before(now) {
		at = now
	}
	if left := patience - at.Sub(now); left >= 0 {
		return 1 + int(left/p.every)
	}
	return 0
}

// unlimited is the room where there is no limit.
const unlimited = 1 << 30
