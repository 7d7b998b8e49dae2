package sipua

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
)

// A Q.850 cause in a Reason header (RFC 3326, RFC 6432) says what the telephone network itself found. It is truer than the SIP
// status, which gateways choose freely: many say 404 for a fault of their own routing. Causes that are not here leave it to the
// status.
var (
	// causesOfCustomers speak of the customer's phone: somebody, or nobody, is there.
	causesOfCustomers = map[int]campaigns.Outcome{
		1:  campaigns.InvalidNumber, // unallocated number
		17: campaigns.Busy,
		18: campaigns.NoAnswer, // no user responding
		19: campaigns.NoAnswer, // alerted, no answer
		20: campaigns.NoAnswer, // subscriber absent
		21: campaigns.Rejected,
		22: campaigns.InvalidNumber, // number changed
	}
	// causesOfNetworks say nothing of the customer: the call was lost on the way.
	causesOfNetworks = map[int]bool{
		2: true, 3: true, 5: true, 6: true, // no route to the transit network, to the destination; wrong prefix; channel unacceptable
		27: true, 28: true, 29: true, // destination out of order; number incomplete; facility rejected
		// no circuit, out of order, congestion
		34: true, 38: true, 39: true, 40: true, 41: true, 42: true, 43: true, 44: true, 46: true, 47: true,
		49: true, 50: true, 53: true, 55: true, 57: true, 58: true, 62: true, 63: true, // service not available
		65: true, 66: true, 69: true, 70: true, 79: true, // a service that the network does not offer
		81: true, 82: true, 83: true, 84: true, 85: true, 86: true, 87: true, 88: true, 90: true, 91: true, 95: true, // invalid message
		96: true, 97: true, 98: true, 99: true, 100: true, 101: true, 102: true, 103: true, 110: true, 111: true, // protocol error
	}
)

// q850 is the cause of the telephone network's that a response carries; zero: none.
func q850(res *sip.Response) int {
	for h := range headersOf(res, "Reason") {
		for value := range splitQuoted(h.Value(), ',') {
			protocol, params, _ := strings.Cut(value, ";")
			if !strings.EqualFold(strings.TrimSpace(protocol), "Q.850") {
				continue
			}
			for param := range splitQuoted(params, ';') {
				name, number, _ := strings.Cut(param, "=")
				if !strings.EqualFold(strings.TrimSpace(name), "cause") {
					continue
				}
				if n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(number), `"`)); err == nil && n > 0 && n < 128 {
					return n
				}
			}
		}
	}
	return 0
}

// splitQuoted splits where sep stands outside of quotes.
func splitQuoted(s string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, from := false, 0
		for i := 0; i < len(s); i++ {
			switch {
			case quoted && s[i] == '\\':
				i++
			case s[i] == '"':
				quoted = !quoted
			case s[i] == sep && !quoted:
				if !yield(s[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(s[from:])
	}
}

// finding is what a final response other than 2xx says.
type finding struct {
	outcome campaigns.Outcome
	refusal bool // the trunk itself, or what is behind it, did not take the call: 5xx, 403, or 404 with a cause of the network's
	unknown bool // the number is said not to exist, and no more than the status says so
}

// findingOf judges by the cause where there is one, else by the status. Redirections are refused: following them would dial a
// number that no policy has seen. A 6xx is an answer of the customer's side whatever the cause: no other way leads further.
func findingOf(code, cause int) finding {
	outcome, ofCustomer := causesOfCustomers[cause]
	switch {
	case ofCustomer:
		return finding{outcome: outcome}
	case causesOfNetworks[cause] && code < 600:
		return finding{outcome: campaigns.Congestion, refusal: code >= 500 || code == sip.StatusForbidden || code == sip.StatusNotFound}
	}
	outcome = outcomeOf(code)
	return finding{
		outcome: outcome,
		refusal: code >= 500 && code < 600 || code == sip.StatusForbidden,
		unknown: outcome == campaigns.InvalidNumber && code < 600,
	}
}
