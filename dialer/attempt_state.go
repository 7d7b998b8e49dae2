package dialer

import (
	"errors"
	"fmt"

	"github.com/creditorro/ringmaster/campaigns"
)

// ErrNoArrow says that an attempt's state does not allow a step.
var ErrNoArrow = errors.New("dialer: not in this state")

// Step is what may happen to an attempt.
type Step string

const (
	StepClaim  Step = "claim"  // a worker makes it its own
	StepCancel Step = "cancel" // it is given up, and no phone was touched
	StepAnswer Step = "answer" // both sides are up
	StepClose  Step = "close"  // it is over, with a known outcome
	StepLose   Step = "lose"   // its process was lost: it is over, with the outcome Unknown
	StepLate   Step = "late"   // after we had given up the customer's phone was answered, and hung up: Abandoned
)

// After is the attempt's state machine: the state that follows a step, or [ErrNoArrow] and the state as it was. last is
// the outcome of a closed attempt: only Unknown gives way to a truth that comes late, and an end without an answer to the answer
// that crossed it. docs/attempts.md has the picture.
func (s State) After(step Step, last campaigns.Outcome) (State, error) {
	switch {
	case s == Prepared && step == StepClaim:
		return Dialing, nil
	case s == Prepared && step == StepCancel:
		return Cancelled, nil
	case s == Dialing && step == StepAnswer:
		return InTalk, nil
	case s.Open() && s != Prepared && (step == StepClose || step == StepLose):
		return Closed, nil
	case s == Closed && last == campaigns.Unknown && step == StepClose:
		return Closed, nil
	case s == Closed && last.GaveUp() && step == StepLate:
		return Closed, nil
	}
	return s, fmt.Errorf("%w: %s while %s", ErrNoArrow, step, s)
}

// Open reports whether the attempt holds its contact and its number: no other attempt at either may be planned.
func (s State) Open() bool { return s == Prepared || s == Dialing || s == InTalk }
