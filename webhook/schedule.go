package webhook

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// delays are the pauses of an event that the receiver refuses while it takes others: about three days in all. Each varies
// by jitter, so that the refused ones do not come back in one blow.
var delays = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	jitter        = 0.2
	maxRetryAfter = time.Hour // for which a receiver that asks for it is left alone

	warnAfter    = 24 * time.Hour      // of failing: warned in the log, once a day
	disableAfter = 5 * 24 * time.Hour  // of failing: disabled
	keepFor      = 30 * 24 * time.Hour // events are kept and can be replayed
)

// retryDelay is the pause after a delivery's refusal number tries (1, 2, …); false: it was the last one. random is
// from [0, 1). What the receiver asked for by Retry-After lengthens the pause and never shortens it: a receiver that
// always says 1 must not use up three days of retries in ten seconds.
func retryDelay(tries int, random float64, retryAfter time.Duration) (time.Duration, bool) {
	if tries < 1 || tries > len(delays) {
		return 0, false
	}
	delay := time.Duration(float64(delays[tries-1]) * (1 - jitter + 2*jitter*random))
	return max(delay, retryAfter), true
}

// parseRetryAfter reads a Retry-After header, RFC 9110 section 10.2.3: seconds or an HTTP date. The reply is between
// zero (none, the past, or nonsense) and an hour.
func parseRetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" || len(header) > 64 {
		return 0
	}
	if strings.Trim(header, "0123456789") == "" {
		seconds, err := strconv.ParseInt(header, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return maxRetryAfter // digits, but too many for a number
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// Health is how an endpoint does, for lists and warnings.
type Health string

const (
	Working  Health = "working"
	Failing  Health = "failing"  // the last try failed
	Warned   Health = "warned"   // nothing got through for a day; it will be disabled
	Disabled Health = "disabled" // nothing is sent; its events are kept for 30 days and sent when it is enabled
)

// Health tells how the endpoint does at this moment.
func (e Endpoint) Health(now time.Time) Health {
	switch {
	case e.Disabled:
		return Disabled
	case e.FailingAt.IsZero():
		return Working
	case now.Sub(e.FailingAt) >= warnAfter:
		return Warned
	}
	return Failing
}

// DisabledAt is when an endpoint that keeps failing will be disabled; zero while it works.
func (e Endpoint) DisabledAt() time.Time {
	if e.FailingAt.IsZero() {
		return time.Time{}
	}
	return e.FailingAt.Add(disableAfter)
}
