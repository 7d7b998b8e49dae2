package dialer

import (
	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// hearMachine is what becomes of a call that an answering machine has answered. Nobody has waited for this: an agent may be in it
// by now. Who was a person at first is taken from an agent by a beep alone, and never once the agent has said what the call was.
func (c *course) hearMachine(e event) []effect {
	if c.phase == phaseTalking && (e.told.Doubtful || c.hasCode()) {
		return nil
	}
	c.noteMachine(e)
	if c.machines != campaigns.HangUpMachine && c.machines != campaigns.LeaveMessage {
		return nil
	}
	var effects []effect
	if c.phase == phaseJoining {
		effects = c.letGo(agents.Input{Kind: agents.Released})
	}
	c.phase = phaseMachine
	if c.machines == campaigns.LeaveMessage {
		return append(effects, effect{do: doMessage})
	}
	return append(effects, effect{do: doHangUp, by: "system"})
}

// noteMachine keeps that it is one, for the record.
func (c *course) noteMachine(e event) []effect {
	c.machine, c.heardBy = true, e.told.Cause
	return nil
}

// partFromMachine frees the agent whom the phone network has taken out of a machine's call.
func (c *course) partFromMachine(event) []effect {
	return c.letGo(agents.Input{Kind: agents.MachineGone})
}

// leftToMachine says that the call has come to an answering machine and to nobody else: an agent who had it was taken out.
func (c *course) leftToMachine() bool { return c.machine && (c.phase == phaseMachine || c.leftAlone()) }

// machineOutcome is the outcome of a machine's call that ended in this way. One that failed before the answer has none.
func (c *course) machineOutcome(o campaigns.Outcome) campaigns.Outcome {
	if c.leftToMachine() && (o == campaigns.Answered || o == campaigns.Abandoned) {
		return campaigns.AnsweringMachine
	}
	return o
}

// leaveMessage has the phone network leave the message; one that cannot hangs up.
func leaveMessage(live LiveCall) {
	if leaver, can := live.(MessageLeaver); can {
		leaver.LeaveMessage()
		return
	}
	live.Hangup("system")
}
