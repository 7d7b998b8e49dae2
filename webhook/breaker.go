package webhook

import (
	"net/http"
	"time"
)

// An endpoint that fails is asked by one request at a time, of whichever node, until one succeeds: that is its breaker. A
// failure is not always the endpoint's, though. One event may be more than a CRM can stomach, and must hold nothing else up:
//
//	works ──an event is refused──▶ doubtful ──more events refused, or no reply──▶ open
//	  ▲                               │                                             │
//	  └──── any request succeeds ─────┴──────────── the probe succeeds ─────────────┘
//
// While doubtful, events that were not refused go on; those that were are asked again one by one, as probes. While open,
// there is nothing but probes. An event that fails again after the endpoint has worked for others fails by itself: it gets
// a schedule of its own, and the endpoint is not blamed.
const (
	strikesToOpen = 5               // different events refused, and none accepted between them
	probeLeast    = time.Second     // the pause between two probes is a tenth of the outage, but at least this
	probeMost     = time.Minute     // and at most this
	probePart     = 10              //
	probeLease    = 2 * tryTimeout  // for a probe whose node is lost
	tellAfter     = 5 * time.Second // of failing: other endpoints are told, so that a blip tells nobody
	tellAgain     = warnAfter       // and once more each day
	refusalsToLet = 2               // an event refused so often by itself lets later ones of its contact pass
	leastAge      = 60 * time.Hour  // an event is not given up before, however often it was tried
	aliveWithin   = time.Second     // another request's success so shortly before a failure speaks for the endpoint
)

// Fault is what kind of failure a try was.
type Fault int

const (
	NoFault     Fault = iota // the reply was a 2xx
	Refused                  // the reply had another status: perhaps only this event is refused
	Down                     // no reply, or one that asks to be left alone
	Unreachable              // no connection: whatever the event was
)

// faultOf sorts a reply's status.
func faultOf(status int, retryAfter time.Duration) Fault {
	switch {
	case status >= 200 && status <= 299:
		return NoFault
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && retryAfter > 0:
		return Down
	}
	return Refused
}

// Result is a try, and what it says of the endpoint.
type Result struct {
	Try
	Fault      Fault
	RetryAfter time.Duration // for which the receiver asked to be left alone
	Probe      bool          // it was the one request that asks a failing endpoint
	Alive      bool          // another request, begun after this one, has just succeeded
	Random     float64       // of [0, 1): spreads pauses
}

// Verdict is what a result makes of an endpoint and a delivery.
type Verdict struct {
	Endpoint Endpoint
	Delivery Delivery
	Tell     []Type // events about the endpoint, for the others
	Pull     bool   // whatever waits for a later moment is due now: the endpoint was away, and is back
}

// open reports whether nothing but probes is sent.
func (e Endpoint) open() bool { return !e.FailingAt.IsZero() && e.Strikes >= strikesToOpen }

// Admission is what may be sent to an endpoint at this moment.
type Admission struct {
	Limit     int  // how many deliveries
	FreshOnly bool // of them none that was refused since the endpoint fails
	Probe     bool // and one more, which asks whether it still fails
}

// Admits says what may be sent now.
func (e Endpoint) Admits(now time.Time) Admission {
	switch {
	case e.Disabled:
		return Admission{}
	case e.FailingAt.IsZero():
		return Admission{Limit: min(e.concurrent()*batchFactor, e.perBatch())}
	}
	a := Admission{FreshOnly: true, Probe: !now.Before(e.ProbeAt)}
	if !e.open() {
		a.Limit = min(e.concurrent(), e.perBatch()) // what is leased waits behind timeouts
	}
	return a
}

// Claimed is the endpoint while one node makes its probe.
func (e Endpoint) Claimed(now time.Time) Endpoint {
	e.ProbeAt = now.Add(probeLease)
	return e
}

// Conclude applies a result. It is the breaker's whole logic, and pure.
func Conclude(e Endpoint, d Delivery, r Result) Verdict {
	end := r.At.Add(r.Duration)
	if d.State != Delivered {
		d.Tries++
	}
	if r.Fault == NoFault {
		d.State, d.NextAt = Delivered, time.Time{}
		return e.worked(d, r, end)
	}
	if d.State == Delivered || e.Disabled { // the failure comes late: another node, another request was faster
		return Verdict{Endpoint: e, Delivery: d}
	}
	if e.ownFault(d, r) {
		if r.Probe && !e.FailingAt.IsZero() {
			e.ProbeAt = end.Add(probeDelay(0, 0, r.Random)) // it has told nothing of the others that failed
		}
		return Verdict{Endpoint: e, Delivery: d.refused(r, end)}
	}
	return e.failed(d, r, end)
}

// worked is an endpoint after a success. Of an endpoint that is only doubted any success says that it works; of one that has
// been given up, that of a request that began before says nothing.
func (e Endpoint) worked(d Delivery, r Result, end time.Time) Verdict {
	v := Verdict{Endpoint: e, Delivery: d}
	if e.Disabled || e.FailingAt.IsZero() || e.open() && r.At.Before(e.FailingAt) && !r.Probe || end.Before(e.FailingAt) {
		return v
	}
	if !e.ToldAt.IsZero() {
		v.Tell, v.Pull = []Type{EndpointRecovered}, true
	}
	v.Endpoint.FailingAt, v.Endpoint.ProbeAt, v.Endpoint.ToldAt = time.Time{}, time.Time{}, time.Time{}
	v.Endpoint.WorkedAt, v.Endpoint.Strikes, v.Endpoint.Error = end, 0, ""
	return v
}

// ownFault reports whether a failure is this event's alone: it was so before, or it failed before and the endpoint has worked
// since; and the endpoint has not been given up.
func (e Endpoint) ownFault(d Delivery, r Result) bool {
	if e.open() || r.Fault == Unreachable || r.Status == http.StatusGone || r.Status != 0 && r.Fault == Down {
		return false
	}
	return d.Refusals > 0 || !d.FailedAt.IsZero() && !e.WorkedAt.Before(d.FailedAt)
}

// refused is a delivery that failed by itself.
func (d Delivery) refused(r Result, end time.Time) Delivery {
	d.Refusals++
	d.FailedAt = end
	delay, more := retryDelay(d.Refusals, r.Random, r.RetryAfter)
	if !more && end.Sub(d.CreatedAt) < leastAge {
		delay, more = retryDelay(len(delays), r.Random, r.RetryAfter)
	}
	d.State, d.NextAt = Pending, end.Add(delay)
	if !more {
		d.State, d.NextAt = Failed, time.Time{}
	}
	return d
}

// failed is an endpoint after a failure that may be its own. The delivery stays due: the breaker alone holds it.
func (e Endpoint) failed(d Delivery, r Result, end time.Time) Verdict {
	known := !e.FailingAt.IsZero() && !d.FailedAt.Before(e.FailingAt)
	switch {
	case e.FailingAt.IsZero():
		e.FailingAt, e.Strikes, e.ToldAt = end, 0, time.Time{}
		e.ProbeAt = end.Add(probeDelay(0, 0, r.Random))
	case r.Probe:
		e.ProbeAt = end.Add(probeDelay(end.Sub(e.FailingAt), r.Duration, r.Random))
	}
	if wait := end.Add(r.RetryAfter); r.RetryAfter > 0 && e.ProbeAt.Before(wait) {
		e.ProbeAt = wait
	}
	switch {
	case r.Alive: // it works for others
		e.Strikes = max(e.Strikes, 1)
	case r.Fault != Refused:
		e.Strikes = strikesToOpen
	case !known:
		e.Strikes = min(e.Strikes+1, strikesToOpen)
	}
	if r.Fault != Unreachable {
		d.FailedAt = end
	}
	e.Error = r.Error
	if r.Status == http.StatusGone {
		e.Disabled, e.Reason = true, whyGone
	} else if end.Sub(e.FailingAt) >= disableAfter {
		e.Disabled, e.Reason = true, whyFailed(e.FailingAt.UTC())
	}
	v := Verdict{Delivery: d}
	switch {
	case e.ToldAt.IsZero() && (e.Disabled || end.Sub(e.FailingAt) >= tellAfter),
		!e.ToldAt.IsZero() && end.Sub(e.ToldAt) >= tellAgain:
		e.ToldAt = end
		v.Tell = append(v.Tell, EndpointFailing)
	}
	if e.Disabled {
		v.Tell = append(v.Tell, EndpointDisabled)
	}
	v.Endpoint = e
	return v
}

// probeDelay is the pause after a probe that took so long, in an outage that has lasted so long. It is counted from the
// probe's beginning, so that timeouts do not make recovery later than it need be.
func probeDelay(outage, took time.Duration, random float64) time.Duration {
	spread := func(d time.Duration) time.Duration { return time.Duration(float64(d) * (1 - jitter + 2*jitter*random)) }
	return max(spread(min(max(outage/probePart, probeLeast), probeMost))-took, spread(probeLeast))
}
