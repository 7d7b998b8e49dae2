package campaigns

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// A call that infrastructure failed before any phone rang is no call to the person and spends none of the person's attempts. So
// that a contact is not tried for ever, such calls have a bound of their own.
const (
	firstFaultPause = time.Minute
	faultsPerDay    = 5
)

// FaultPause is when a contact is due again after a call that infrastructure failed, with so many before it within a day.
func FaultPause(before int) time.Duration {
	return firstFaultPause << min(max(before, 0), 6)
}

func checkFaults(j *judge) answer {
	if j.faultsToday() >= faultsPerDay {
		return answer{no: true, at: dayStart(j.local, 1)}
	}
	return answer{}
}

func tellFaults(j *judge) reason.Reason {
	if n := j.faultsToday(); n > 0 {
		return whyFaults(n, j.loc.String(), faultsPerDay)
	}
	return whyNoFaults(j.loc.String())
}

func (j *judge) faultsToday() int {
	n := 0
	for _, p := range j.faults {
		if p.ContactID == j.Contact.ID && sameDay(p.DialedAt, j.Now, j.loc) {
			n++
		}
	}
	return n
}
