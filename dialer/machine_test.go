package dialer

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// TestHowAMachinesCallEnds: whom it is put down to, and what its agent is told.
func TestHowAMachinesCallEnds(t *testing.T) {
	talked := func(c *course) { c.talkedAt = t0 }
	heard := func(c *course) { c.machine, c.heardBy = true, "beep" }
	for _, row := range []struct {
		what    string
		c       course
		told    campaigns.Outcome
		outcome campaigns.Outcome
		agent   agents.Kind
		code    bool
	}{
		{"hung up before an agent came", in(phaseMachine, waited, hangsUp, heard), campaigns.Abandoned, campaigns.AnsweringMachine,
			agents.MachineGone, false},
		{"taken away from an agent", in(phaseMachine, found, talked, hangsUp, heard), campaigns.Answered, campaigns.AnsweringMachine,
			agents.MachineGone, false},
		{"taken away from one who was there first", in(phaseMachine, talked, hangsUp, heard), campaigns.Answered,
			campaigns.AnsweringMachine, agents.MachineGone, false},
		{"connected", in(phaseTalking, found, talked, connects, heard), campaigns.Answered, campaigns.Answered, agents.HungUp, true},
		{"heard when nobody had come in time", in(phaseSorry, waited, hangsUp, heard), campaigns.Abandoned, campaigns.AnsweringMachine,
			agents.MachineGone, false},
		{"a person for whom nobody came", in(phaseSorry, waited, hangsUp), campaigns.Abandoned, campaigns.Abandoned, agents.Released,
			false},
		{"its process stops", in(phaseMachine, waited, hangsUp, heard), campaigns.Unknown, campaigns.Unknown, agents.Released, false},
	} {
		e := event{kind: eventKind(Ended), at: t0.Add(time.Minute), told: Progress{Kind: Ended, Outcome: row.told, Cause: "BYE"}}
		closing := row.c.closing(e)
		row.c.due = closing.CodeDueAt
		if in := row.c.partingWords(e); closing.Outcome != row.outcome || in.Kind != row.agent ||
			closing.Machine != row.c.machine || row.code == closing.CodeDueAt.IsZero() {
			t.Errorf("%s: %+v, and the agent is told %s", row.what, closing, in.Kind)
		}
	}
}
