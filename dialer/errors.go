package dialer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// ParseAttemptID reads an attempt's decimal form.
func ParseAttemptID(s string) (AttemptID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n >= 1<<53 {
		return 0, fmt.Errorf("dialer: attempt id %q: want decimal digits, above 0 and below 2^53", s)
	}
	return AttemptID(n), nil
}

func (e *RefusedError) Error() string {
	reasons := make([]string, len(e.Verdict.Refusals))
	for i, r := range e.Verdict.Refusals {
		reasons[i] = r.Reason.String()
	}
	return "dialer: refused: " + strings.Join(reasons, "; ")
}

// Why is what people are told.
func (e *RefusedError) Why() reason.Reason { return e.why() }

// Class is a contradiction's: the call is asked for, and the rules say no.
func (e *RefusedError) Class() reason.Class { return reason.Conflict }

// Is says that a refusal because of a call that is up is ErrNumberBusy: sometimes policy sees that call first, sometimes
// the index.
func (e *RefusedError) Is(target error) bool {
	return target == ErrNumberBusy && slices.ContainsFunc(e.Verdict.Refusals,
		func(r campaigns.Refusal) bool { return r.Rule == "in_call" })
}
