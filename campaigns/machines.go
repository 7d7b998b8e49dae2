package campaigns

// Machines says what becomes of answering machines that are heard in a campaign's calls.
type Machines struct {
	Action MachineAction `json:"action,omitempty"`
	// AgentFirst listens to customers whose agent was there first, too.
	AgentFirst bool `json:"agent_first,omitempty"`
}

// MachineAction is what is done with a call that an answering machine has answered.
type MachineAction string

// The actions. The zero value: nobody listens.
const (
	IgnoreMachines MachineAction = ""
	HangUpMachine  MachineAction = "hang_up" // the call ends, its agent goes free
	LeaveMessage   MachineAction = "message" // its agent goes free, and the machine hears the recorded message after its beep
	ConnectMachine MachineAction = "connect" // an agent has it as any other call; it is counted as a machine's
)

// Answerer says who answered a call.
type Answerer string

// Who may answer.
const (
	ByPerson  Answerer = "person"
	ByMachine Answerer = "machine"
)

// ListensFor says what becomes of machines in calls that begin in this way: with the customer's phone first, or the agent's.
func (c *Campaign) ListensFor(customerFirst bool) MachineAction {
	if customerFirst || c.Machines.AgentFirst {
		return c.Machines.Action
	}
	return IgnoreMachines
}

func (v *validation) machines(c *Campaign) {
	v.oneOf("machines.action", string(c.Machines.Action), string(IgnoreMachines), string(HangUpMachine), string(LeaveMessage),
		string(ConnectMachine))
	if c.Machines.AgentFirst && c.Machines.Action == IgnoreMachines {
		v.bad("machines.action", whyNoMachineAction)
	}
}
