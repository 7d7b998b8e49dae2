package dialer

import (
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// pickUp is the answer of a customer who was called before there was an agent. The law's clock runs from it.
func (c *course) pickUp(e event) []effect {
	c.phase, c.pickedUp = phaseAlone, e.told.At
	effects := []effect{{do: doSeek}, {do: doTimer, then: evImpatience, at: c.speakBy()}}
	return append(effects, c.write(note{kind: notePickUp, at: e.told.At})...)
}

// toSpeak is how much earlier than the patience is over an agent's phone is no longer waited for: the message has to be heard by
// then, and not begun.
const toSpeak = 100 * time.Millisecond

// speakBy is until when an agent may come to a customer who was called first.
func (c *course) speakBy() time.Time { return c.pickedUp.Add(c.patience - toSpeak) }

// give brings a found agent to the customer who waits.
func (c *course) give(event) []effect {
	c.phase, c.agent = phaseJoining, true
	return append(c.tell(agents.Input{Kind: agents.Ringing}), effect{do: doJoin})
}

// notJoined lets go of an agent whose phone was not answered, and seeks another one.
func (c *course) notJoined(e event) []effect {
	in := agents.Input{Kind: agents.AgentDidNotReply, ErrorText: e.told.ErrorText}
	if e.spared {
		in = agents.Input{Kind: agents.Released}
	}
	c.phase = phaseAlone
	return append(c.letGo(in), effect{do: doSeek})
}

// letGo takes the agent out of a call that goes on.
func (c *course) letGo(in agents.Input) []effect {
	if !c.agent {
		return nil
	}
	c.agent = false
	return []effect{{do: doLetGo, in: &in}}
}

// join is the moment at which both sides are up.
func (c *course) join(e event) []effect { return c.connect(e) }

// lose gives the customer up for whom no agent came within the patience.
func (c *course) lose(event) []effect {
	c.phase = phaseSorry
	return append(c.letGo(agents.Input{Kind: agents.Released}), effect{do: doHangUp, by: "system"})
}

// leftAlone says that the call has come to an answer, and to no agent.
func (c *course) leftAlone() bool { return c.first && c.talkedAt.IsZero() && !c.pickedUp.IsZero() }
