package dialer

import (
	"errors"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
)

func TestAttemptStates(t *testing.T) {
	states := []State{Prepared, Dialing, InTalk, Closed, Cancelled, ""}
	steps := []Step{StepClaim, StepCancel, StepAnswer, StepClose, StepLose, StepLate, "dance"}
	outcomes := append([]campaigns.Outcome{""}, campaigns.Outcomes...)

	type arrow struct {
		from State
		step Step
	}
	arrows := map[arrow]State{
		{Prepared, StepClaim}:  Dialing,
		{Prepared, StepCancel}: Cancelled,
		{Dialing, StepAnswer}:  InTalk,
		{Dialing, StepClose}:   Closed,
		{Dialing, StepLose}:    Closed,
		{InTalk, StepClose}:    Closed,
		{InTalk, StepLose}:     Closed,
	}
	for _, from := range states {
		for _, step := range steps {
			for _, last := range outcomes {
				want, allowed := arrows[arrow{from, step}]
				if from == Closed && step == StepClose && last == campaigns.Unknown {
					want, allowed = Closed, true // the late truth
				}
				if from == Closed && step == StepLate {
					switch last {
					case campaigns.NoAnswer, campaigns.AgentGaveUp, campaigns.Unknown:
						want, allowed = Closed, true // the answer that crossed our giving up
					}
				}
				if !allowed {
					want = from
				}
				got, err := from.After(step, last)
				if got != want || errors.Is(err, ErrNoArrow) == allowed {
					t.Errorf("%s after %s (outcome %q): %s, %v; want %s", step, from, last, got, err, want)
				}
			}
		}
	}
}
