package campaigns

import (
	"fmt"
	"time"
)

// A call that infrastructure failed before any phone rang is no call to the person and spends none of the person's attempts. So that
// a contact is not tried for ever, such calls have a bound of their own.
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

func tellFaults(j *judge) string {
	if n := j.faultsToday(); n > 0 {
		return fmt.Sprintf("%d calls to the contact failed on their way today (%s) and rang nowhere; %d a day are tried", n, j.loc, faultsPerDay)
	}
	return fmt.Sprintf("no call to the contact failed on its way today (%s)", j.loc)
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
