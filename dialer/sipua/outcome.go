package sipua

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
)

// verdict is what a failed INVITE means.
type verdict struct {
	outcome    campaigns.Outcome
	refusal    bool          // as in finding
	unknown    bool          // as in finding
	code       int           // the status of the final response; zero: none came
	unsent     bool          // the INVITE was certainly not written
	cause      string        // for people and logs: status line, and Reason where there is one
	retryAfter time.Duration // what the network asked for; at most a day
	final      bool          // the far end itself has ended the INVITE, or never saw it: no phone rings by it
}

// ended is the verdict of a far end's final response.
func (v verdict) ended() verdict {
	v.final = true
	return v
}

// outcomeOf says what a final response other than 2xx means for the customer. Redirections are refused: following them
// would dial a number that no policy has seen.
func outcomeOf(code int) campaigns.Outcome {
	switch code {
	case sip.StatusBusyHere, sip.StatusGlobalBusyEverywhere:
		return campaigns.Busy
	case sip.StatusRequestTimeout, sip.StatusTemporarilyUnavailable, sip.StatusRequestTerminated:
		return campaigns.NoAnswer
	case sip.StatusNotFound, sip.StatusGone, sip.StatusAddressIncomplete, sip.StatusGlobalDoesNotExistAnywhere:
		return campaigns.InvalidNumber
	case sip.StatusGlobalDecline, 607, 608: // declined, unwanted (RFC 8197), rejected (RFC 8688)
		return campaigns.Rejected
	}
	return campaigns.Congestion // 5xx, and all that speaks of the trunk rather than of the customer
}

func verdictOf(res *sip.Response) verdict {
	f := findingOf(res.StatusCode, q850(res))
	v := verdict{outcome: f.outcome, refusal: f.refusal, unknown: f.unknown, code: res.StatusCode,
		cause: fmt.Sprintf("%d %s", res.StatusCode, clean(res.Reason))}
	if h := res.GetHeader("Reason"); h != nil { // RFC 3326
		v.cause += "; " + clean(h.Value())
	}
	if h := res.GetHeader("Retry-After"); h != nil { // RFC 3261, section 20.33: seconds, perhaps a comment or parameters
		digits := strings.TrimSpace(h.Value())
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		if n, err := strconv.ParseInt(digits, 10, 32); err == nil {
			v.retryAfter = min(time.Duration(n)*time.Second, 24*time.Hour)
		}
	}
	return v
}

// noResponse is the cause when a trunk says nothing at all.
const noResponse = "no response"

// unsentError says why an INVITE was certainly not written.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

// verdictOfError says what it means when no response came at all: once the INVITE may have left, nobody knows.
func verdictOfError(err error) verdict {
	switch {
	case errors.As(err, new(unsentError)):
		return verdict{outcome: campaigns.Congestion, unsent: true, final: true, cause: clean(err.Error())}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, sip.ErrTransactionTimeout):
		return verdict{outcome: campaigns.Unknown, cause: noResponse}
	case errors.Is(err, errGivenUp):
		return verdict{outcome: campaigns.NoAnswer, cause: "rang out"}
	}
	return verdict{outcome: campaigns.Unknown, cause: clean(err.Error())}
}

// clean bounds what strangers wrote, and keeps it printable.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == '�' {
			return -1
		}
		return r
	}, s)
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.TrimSpace(s)
}
