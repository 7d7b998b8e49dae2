package sipua

import (
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// circuit is what the calls over a trunk have shown of it: whether the next call may be sent there. It is a value; after makes
// the next one, and nothing else changes it.
//
//	closed ──a run of refusals, or of silence──▶ open ──in time, or OPTIONS is good again──▶ probing ──taken──▶ closed
//	   └──────numbers suddenly unknown─────────▶ open ◀──────────refused, or silent────────────┘
type circuit struct {
	state  circuitState
	cause  circuitCause // why it is not closed
	run    int          // failures in a row
	level  int          // times that it opened in a row
	until  time.Time    // open: when a probe may be sent
	rest   time.Time    // the trunk asked to be left alone until then (Retry-After)
	down   bool         // OPTIONS is not answered well
	digits numbers
}

type circuitState int

const (
	circuitClosed  circuitState = iota // calls are sent
	circuitOpen                        // none are
	circuitProbing                     // one is, and the others wait for what becomes of it
)

type circuitCause int

const (
	nothingWrong circuitCause = iota
	byRefusals
	bySilence
	byNumbers
)

// signal is what happened to a call over a trunk, or to an OPTIONS.
type signal int

const (
	callTaken     signal = iota // a phone rang, or the network spoke of the customer
	callRefused                 // a final failure of the trunk's, or of what is behind it, and nothing rang
	callSilent                  // no response at all
	callSwallowed               // 100 Trying, and nothing more
	neverSent                   // no connection: the INVITE was not written
	callUndecided               // the call ended before anything was known
	probeSent                   // a probe is being sent
	optionsGood
	optionsBad
)

// Failures in a row that open a circuit. A few trunks never say that a phone rings: 100 alone needs more of them.
var runs = map[signal]int{callRefused: 3, callSilent: 2, neverSent: 2, callSwallowed: 5}

const (
	firstOpen, longestOpen = 10 * time.Second, 5 * time.Minute
	firstHold, longestHold = 5 * time.Minute, time.Hour
	// longestRest bounds what is obeyed of a Retry-After.
	longestRest = 5 * time.Minute
)

// after is the circuit after a signal. probe: it is about the call that was sent to try the trunk.
func (c circuit) after(s signal, probe bool, now time.Time) circuit {
	switch s {
	case optionsBad:
		c.down = true
	case optionsGood:
		again := c.down || c.cause == bySilence && c.level == 1
		c.down = false
		if c.state == circuitOpen && again && c.cause != byNumbers {
			c.until = now
		}
	case probeSent:
		if c.state == circuitOpen {
			c.state = circuitProbing
		}
	case callUndecided:
		if probe && c.state == circuitProbing {
			c.state, c.until = circuitOpen, now
		}
	case callTaken:
		c.run = 0
		switch {
		case c.state == circuitClosed || c.cause == byNumbers:
		case probe:
			c = c.closed()
		case c.state == circuitOpen: // a call of before
			c.until = now
		}
	default: // failures
		c = c.failed(s, probe, now)
	}
	return c
}

func (c circuit) failed(s signal, probe bool, now time.Time) circuit {
	switch {
	case c.state == circuitClosed:
		if c.run++; c.run < runs[s] {
			return c
		}
	case !probe || c.state == circuitOpen: // a call of before
		return c
	}
	cause := bySilence
	if s == callRefused {
		cause = byRefusals
	}
	if c.state == circuitProbing && c.cause == byNumbers {
		cause = byNumbers
	}
	return c.opened(cause, now)
}

func (c circuit) opened(cause circuitCause, now time.Time) circuit {
	first, longest := firstOpen, longestOpen
	if cause == byNumbers {
		first, longest = firstHold, longestHold
	}
	c.state, c.cause = circuitOpen, cause
	c.until = now.Add(min(first<<min(c.level, 8), longest))
	c.level++
	return c
}

func (c circuit) closed() circuit {
	c.state, c.cause, c.run, c.level, c.until = circuitClosed, nothingWrong, 0, 0, time.Time{}
	return c
}

// resting is the circuit of a trunk that asked to be left alone for a while.
func (c circuit) resting(d time.Duration, now time.Time) circuit {
	if until := now.Add(min(d, longestRest)); until.After(c.rest) {
		c.rest = until
	}
	return c
}

// told is the circuit after a number was said not to exist, or was found; believed: what was said of it may be acted upon. Where
// suddenly hardly a number exists the trunk is at fault, not the list.
func (c circuit) told(unknown, probe bool, now time.Time) (next circuit, believed bool) {
	c.digits = c.digits.after(unknown)
	switch {
	case probe && c.state == circuitProbing && c.cause == byNumbers:
		if unknown {
			return c.opened(byNumbers, now), false
		}
		c.digits = c.digits.forgotten()
		return c.closed(), true
	case c.state == circuitClosed && c.digits.sudden():
		return c.opened(byNumbers, now), false
	}
	return c, !unknown || !c.digits.doubtful() && c.cause != byNumbers
}

// may says whether a call may be sent now, and whether it would be a probe; else why not, in words for people.
func (c circuit) may(now time.Time) (ok, probe bool, why excuse) {
	switch {
	case c.down:
		return false, false, excuse{"does not answer OPTIONS", whyNoAnswer}
	case now.Before(c.rest):
		return false, false, excuse{fmt.Sprintf("asked to be left alone for %s more (503 with Retry-After)",
			c.rest.Sub(now).Round(time.Second)), whyLeftAlone(c.rest.UTC())}
	case c.state == circuitProbing:
		return false, false, c.why().and("; one call tries it", whyTried)
	case c.state == circuitOpen && now.Before(c.until):
		at := c.until.UTC()
		return false, false, c.why().and(fmt.Sprintf("; a call tries it in %s", c.until.Sub(now).Round(time.Second)),
			func(why reason.Reason) reason.Reason { return whyTriedAt(why, at) })
	}
	return true, c.state == circuitOpen, excuse{}
}

func (c circuit) why() excuse {
	switch c.cause {
	case byRefusals:
		return excuse{"refused one call after the other", whyRefusals}
	case bySilence:
		return excuse{"did not answer one call after the other", whySilence}
	case byNumbers:
		unknown, of := c.digits.unknown(), c.digits.n
		return excuse{fmt.Sprintf("says of %d of the last %d numbers that they do not exist", unknown, of), whyNumbers(unknown, of)}
	}
	return excuse{}
}

// change is when the circuit next lets something through by the mere passing of time; zero: it does not.
func (c circuit) change(now time.Time) time.Time {
	next := time.Time{}
	for _, at := range []time.Time{c.rest, c.until} {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// numbers remembers of which numbers a trunk lately said that they do not exist.
type numbers struct {
	recent [30]bool
	n      int     // of them are used, from the front; the latest is the last one
	before float64 // share of unknown numbers before the recent ones
	aged   int     // how many those were
}

func (d numbers) after(unknown bool) numbers {
	if d.n == len(d.recent) {
		d = d.age(d.recent[0])
		copy(d.recent[:], d.recent[1:])
		d.n--
	}
	d.recent[d.n] = unknown
	d.n++
	return d
}

func (d numbers) age(unknown bool) numbers {
	d.aged++
	value := 0.0
	if unknown {
		value = 1
	}
	d.before += (value - d.before) / float64(min(d.aged, 200))
	return d
}

// forgotten begins anew: what the trunk said while it was at fault is no measure.
func (d numbers) forgotten() numbers { return numbers{before: d.before, aged: d.aged} }

func (d numbers) unknown() (k int) {
	for _, unknown := range d.recent[:d.n] {
		if unknown {
			k++
		}
	}
	return k
}

// sudden says that far more numbers are unknown than a list explains: than were before, or, of a trunk that is new, than two of
// three.
func (d numbers) sudden() bool {
	most := 0.65
	if d.aged >= len(d.recent) {
		most = max(0.5, d.before+0.35)
	}
	return d.n >= 12 && float64(d.unknown()) >= most*float64(d.n)
}

// doubtful says that the last four numbers were unknown.
func (d numbers) doubtful() bool {
	const some = 4
	if d.n < some {
		return false
	}
	for _, unknown := range d.recent[d.n-some : d.n] {
		if !unknown {
			return false
		}
	}
	return true
}
