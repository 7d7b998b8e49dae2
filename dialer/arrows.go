package dialer

import (
	"slices"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// arrow is what an event does to a call, from where, and where it may lead.
type arrow struct {
	on   []eventKind
	from []phase
	to   []phase // empty: it stays where it is
	what string  // for the table in the docs
	do   func(c *course, e event) []effect
}

// signs are the first signs of life of the agent's phone, or of what comes after it.
var signs = []eventKind{eventKind(AgentRinging), eventKind(AgentAnswered), eventKind(CustomerDialing), eventKind(CustomerRinging)}

func on(kinds ...eventKind) []eventKind { return kinds }
func at(p ...phase) []phase             { return p }

// arrows is the whole machine. What is not listed changes nothing.
var arrows = []arrow{
	{on(evClaimed), at(phaseWaiting), nil, "the order goes to the phone network", (*course).begin},
	{on(evSeen), at(phaseSeen), nil, "the record is asked to keep it, its agent waits shortly for that", (*course).see},
	{on(evShowDue), at(phaseSeen), at(phaseWaiting), "the agent is In Call", (*course).show},
	{on(evAdopted), at(phaseSeen), at(phaseWaiting), "the agent is In Call", (*course).adopt},
	{on(evAdopted), alive, nil, "the agent is shown what the record knows", (*course).adopt},
	{on(evAdopted), at(phaseParted), nil, "the end follows", (*course).adopt},
	{on(evUnkept), at(phaseSeen), at(phaseWaiting), "the agent is In Call all the same", (*course).goUnkept},
	{on(evUnkept), alive, nil, "nothing is written any more", (*course).goUnkept},
	{on(evUnkept), at(phaseParted), at(phaseCoding, phaseOver), "the code is for the phone network alone", (*course).goUnkept},
	{on(evElsewhere), append(at(phaseSeen, phaseParted), alive...), at(phaseOver), "nothing is written any more",
		(*course).elsewhere},

	{on(evPlaced), at(phaseWaiting), nil, "hung up, if that was asked for meanwhile", (*course).place},
	{on(evNotTaken), at(phaseWaiting), at(phaseClosing), "the close is written; a phone that is to blame counts as not reachable",
		(*course).end},
	{on(evRefused), alive, nil, "the customer was not dialed, whatever the record has heard", (*course).refuse},
	{signs, at(phaseWaiting), at(phaseRinging), "the agent is shown the card", (*course).sign},
	{on(eventKind(CustomerRinging)), at(phaseRinging), nil, "noted since when", (*course).noteRinging},
	{on(eventKind(TraceKnown)), alive, nil, "the agent is told, the calltraceid is written", (*course).trace},
	{on(eventKind(CardKnown)), at(phaseRinging), nil, "the agent is shown the fuller card", to(phaseRinging, agents.Ringing)},
	{on(eventKind(CustomerAnswered)), at(phaseWaiting, phaseRinging), at(phaseTalking, phaseAlone),
		"the agent sees it, the answer is written; a customer who was called first waits, and an agent is sought", (*course).answer},
	{on(evGiven), at(phaseAlone), at(phaseJoining), "the agent is shown the card, and that agent's phone rings", (*course).give},
	{on(evNotJoined), at(phaseJoining), at(phaseAlone), "Force Pause for an agent whose phone is to blame; another one is sought",
		(*course).notJoined},
	{on(eventKind(Joined)), at(phaseJoining), at(phaseTalking), "the agent sees it, the answer is written with its agent",
		(*course).join},
	{on(evImpatience), at(phaseAlone, phaseJoining), at(phaseSorry),
		"the customer is told that nobody is there, and hung up; the agent goes free", (*course).lose},
	{on(eventKind(MachineHeard)), at(phaseAlone, phaseJoining, phaseTalking),
		at(phaseAlone, phaseJoining, phaseTalking, phaseMachine),
		"as the campaign says: it is hung up, or hears the message, and its agent goes free; or it only is noted",
		(*course).hearMachine},
	{on(eventKind(MachineHeard)), at(phaseSorry, phaseHolding), nil, "noted", (*course).noteMachine},
	{on(eventKind(AgentParted)), at(phaseMachine), nil, "the agent goes free", (*course).partFromMachine},
	{on(eventKind(HeldProgress)), at(phaseTalking), at(phaseHolding), "the agent is told", to(phaseHolding, agents.Held)},
	{on(eventKind(ResumedProgress)), at(phaseHolding), at(phaseTalking), "the agent is told", to(phaseTalking, agents.Retrieved)},
	{on(evHangUp), at(phaseJoining), at(phaseAlone, phaseJoining),
		"an agent who declines is let go of, and another one is sought; else the phone network is told", (*course).hangUp},
	{on(evHangUp), at(phaseClosing, phaseParted, phaseWaiting, phaseRinging, phaseAlone, phaseSorry, phaseMachine, phaseTalking,
		phaseHolding), nil, "the phone network is told", (*course).hangUp},

	{on(eventKind(Ended)), alive, at(phaseClosing, phaseParted, phaseCoding, phaseOver),
		"the close is written, and a code that was chosen; where the record has not heard of the call, the agent is told at once",
		(*course).end},
	{on(evAway), at(phaseClosing), at(phaseParted), "the agent is told meanwhile", (*course).part},
	{on(evClosed), at(phaseClosing), at(phaseCoding, phaseStoring, phaseOver), "the agent is told", (*course).closed},
	{on(evClosed), at(phaseParted), at(phaseCoding, phaseStoring, phaseOver), "the agent knows it", (*course).goOn},
	{on(evLate), at(phaseClosing, phaseParted, phaseCoding, phaseStoring, phaseOver), nil, "it is written as abandoned",
		(*course).answerLate},

	{on(evCode), alive, nil, "it is kept, and the agent told so", (*course).keepCode},
	{on(evCode), at(phaseClosing, phaseParted), nil,
		"it is written behind the close; where the record has not heard of the call, its agent goes on", (*course).keepCode},
	{on(evCode), at(phaseCoding), at(phaseStoring, phaseOver), "it is written; without a record the agent goes on",
		(*course).storeCode},
	{on(evCode), at(phaseStoring), nil, "it is written in the place of the one before", (*course).storeCode},
	{on(evCodeDue), at(phaseCoding), at(phaseStoring, phaseOver),
		"that none was set in time is written; without a record the agent goes on", (*course).timeOut},
	{on(evCodeDue), at(phaseParted), nil, "that none was set in time is written behind the close, and the agent goes on",
		(*course).timeOut},
	{on(evUntold), at(phaseParted, phaseCoding), nil, "the time for a code begins anew: nobody could see that it ran",
		(*course).prolong},
	{on(evCoded), at(phaseStoring), at(phaseOver), "phone network and agent are told, the agent goes on", (*course).coded},
	{on(evAway), at(phaseStoring), at(phaseStoring, phaseOver),
		"who has chosen it is told; a process that stops leaves it to the sweep", (*course).codeAway},
	{on(evDismissed), at(phaseCoding, phaseStoring), at(phaseOver), "the agent has gone on", giveUp(ErrCodeSet)},

	{on(evStopping), append(at(phaseSeen, phaseClosing, phaseParted, phaseStoring), alive...), nil, "noted", (*course).stop},
	{on(evStopping), at(phaseCoding), at(phaseCoding, phaseOver),
		"the code is left to the sweep; one for the phone network alone is waited for", (*course).stop},
	{on(evLeft), append(at(phaseSeen, phaseParted, phaseCoding), alive...), at(phaseParted, phaseOver),
		"the next life finds it again; an end that must go on record is stayed for", (*course).leave},
	{on(evAbandoned), at(phaseSeen, phaseParted, phaseCoding, phaseStoring), at(phaseOver), "left to the sweep",
		giveUp(errStopping)},
	{on(evAbandoned), append(at(phaseClosing), alive...), at(phaseOver), "hung up, and its agent told; another system's goes on",
		(*course).abandon},
}

func arrowFor(p phase, kind eventKind) *arrow {
	for i := range arrows {
		if slices.Contains(arrows[i].on, kind) && slices.Contains(arrows[i].from, p) {
			return &arrows[i]
		}
	}
	return nil
}

// to is an arrow that only moves, and tells the agent.
func to(p phase, kind agents.Kind) func(*course, event) []effect {
	return func(c *course, _ event) []effect {
		c.phase = p
		return c.tell(agents.Input{Kind: kind})
	}
}

// sign is the first sign of life.
func (c *course) sign(e event) []effect {
	if e.kind == eventKind(CustomerRinging) {
		c.noteRinging(e)
	}
	c.phase = phaseRinging
	return c.tell(agents.Input{Kind: agents.Ringing})
}

// noteRinging notes since when the customer's phone rings, which the law has a word on.
func (c *course) noteRinging(e event) []effect {
	if c.ringsAt.IsZero() {
		c.ringsAt = e.told.At
	}
	return nil
}

// tell is an effect for the agent, if there is one.
func (c *course) tell(in agents.Input) []effect {
	if !c.agent {
		return nil
	}
	return []effect{{do: doTell, in: &in}}
}

// write is an effect for the record, if it has the call or will.
func (c *course) write(n note) []effect {
	if c.record == recordNone {
		return nil
	}
	return []effect{{do: doWrite, note: &n}}
}

func (c *course) begin(e event) []effect {
	c.wrapUp = e.wrapUp
	return []effect{{do: doPlace}}
}

func (c *course) see(e event) []effect {
	c.record, c.up, c.wrapUp = recordAsked, true, e.wrapUp
	return []effect{{do: doWrite, note: &note{kind: noteAdopt}}, {do: doTimer, then: evShowDue, at: e.at.Add(atOnce)}}
}

func (c *course) show(event) []effect {
	c.phase = phaseWaiting
	return c.enter()
}

// enter makes the agent In Call, or shows the agent who is what is known by now.
func (c *course) enter() []effect {
	if !c.agent {
		return nil
	}
	return []effect{{do: doEnter}}
}

func (c *course) adopt(e event) []effect {
	c.record = recordKept
	if !e.talked.IsZero() {
		c.talkedAt = e.talked
	}
	if c.phase == phaseParted {
		return nil
	}
	c.wrapUp = e.wrapUp
	if e.coding.Code != "" && !c.hasCode() {
		c.code = e.coding
	}
	if c.phase == phaseSeen {
		c.phase = phaseWaiting
	}
	return c.enter()
}

func (c *course) goUnkept(e event) []effect {
	c.record = recordNone
	switch c.phase {
	case phaseSeen:
		return c.show(e)
	case phaseParted:
		return c.goOn(e)
	}
	return nil
}

func (c *course) place(event) []effect {
	c.up = true
	if c.hungUpBy != "" {
		return []effect{{do: doHangUp, by: c.hungUpBy}}
	}
	return nil
}

func (c *course) refuse(event) []effect {
	c.refused = true
	return nil
}

func (c *course) trace(e event) []effect {
	effects := c.tell(agents.Input{Kind: agents.TraceKnown, TraceID: e.told.CallTraceID, CardLink: e.link})
	if e.told.CallTraceID == "" {
		return effects
	}
	return append(effects, c.write(note{kind: noteTrace, trace: e.told.CallTraceID})...)
}

// answer has the agent see it first, for whom every moment counts.
func (c *course) answer(e event) (effects []effect) {
	if c.first {
		return c.pickUp(e)
	}
	if c.phase == phaseWaiting {
		effects = c.tell(agents.Input{Kind: agents.Ringing})
	}
	return append(effects, c.connect(e)...)
}

// connect is the beginning of the talk.
func (c *course) connect(e event) (effects []effect) {
	c.phase = phaseTalking
	effects = c.tell(agents.Input{Kind: agents.Connected})
	if e.told.Kept != "" {
		effects = append(effects, c.write(note{kind: noteKeep, kept: KeptTalk{Kept: e.told.Kept}})...)
	}
	if c.talkedAt.IsZero() { // or it was taken over in the midst of the talk
		c.talkedAt = e.told.At
		effects = append(effects, c.write(note{kind: noteAnswer, at: e.told.At})...)
	}
	return effects
}

func (c *course) hangUp(e event) []effect {
	if c.phase == phaseJoining && e.by == "agent" {
		return c.notJoined(e)
	}
	if c.hungUpBy == "" {
		c.hungUpBy = e.by
	}
	return []effect{{do: doHangUp, by: e.by}}
}

// end has the record hear of the end before the agent, whose next call is then planned by what it says.
func (c *course) end(e event) (effects []effect) {
	if e.blame != nil {
		effects = c.tell(*e.blame)
	}
	closing := c.closing(e)
	c.due = closing.CodeDueAt
	c.parting = c.partingWords(e)
	effects = append(effects, c.write(note{kind: noteClose, closing: closing})...)
	if c.hasCode() {
		effects = append(effects, c.writeCode()...)
	}
	if c.record == recordKept {
		c.phase = phaseClosing
		return effects
	}
	effects = append(effects, c.part(e)...)
	if c.record == recordNone {
		return append(effects, c.goOn(e)...)
	}
	switch {
	case c.due.IsZero():
	case c.hasCode():
		effects = append(effects, c.free()...)
	default:
		effects = append(effects, effect{do: doTimer, then: evCodeDue, at: c.due})
	}
	return effects
}

// part tells the agent of the end.
func (c *course) part(event) []effect {
	c.phase = phaseParted
	if !c.agent {
		return nil
	}
	in := c.parting
	return []effect{{do: doPart, in: &in}}
}

func (c *course) closed(e event) []effect { return append(c.part(e), c.goOn(e)...) }

// goOn is where a call goes whose end both the record and the agent have heard.
func (c *course) goOn(e event) []effect {
	switch {
	case c.due.IsZero():
		c.phase = phaseOver
	case c.record == recordNone && c.hasCode():
		c.phase = phaseOver
		return c.free()
	case c.hasCode():
		c.phase = phaseStoring // it is written already
	case c.stopping && c.record == recordKept:
		c.phase = phaseOver
	case c.record == recordNone && !e.codes:
		c.phase = phaseCoding
		return []effect{{do: doTimer, then: evCodeDue, at: e.at}}
	default:
		c.phase = phaseCoding
		return []effect{{do: doTimer, then: evCodeDue, at: c.due}}
	}
	return nil
}

func (c *course) answerLate(e event) []effect {
	return c.write(note{kind: noteLate, at: e.told.At,
		closing: Closing{Outcome: campaigns.Abandoned, HangupBy: "system", Cause: onOneLine(e.told.Cause), EndedAt: e.told.At}})
}

func (c *course) writeCode() []effect {
	if c.due.IsZero() {
		return nil // none is awaited
	}
	return c.write(note{kind: noteCode, coding: c.code})
}

// keepCode keeps a code until the record has the end of its call.
func (c *course) keepCode(e event) []effect {
	if c.ended() && (c.due.IsZero() || !c.agent) {
		return []effect{{do: doReply, err: ErrNoCall}}
	}
	c.code = e.coding
	if !c.ended() {
		return append(c.tell(agents.Input{Kind: agents.CodeChosen, CodeID: e.coding.Code}), effect{do: doReply})
	}
	effects := c.writeCode()
	if c.record != recordKept {
		effects = append(effects, c.free()...)
	}
	return append(effects, effect{do: doReply})
}

func (c *course) storeCode(e event) []effect {
	if !c.agent {
		return []effect{{do: doReply, err: ErrCodeSet}}
	}
	c.code = e.coding
	if c.record == recordNone {
		c.phase = phaseOver
		return append(c.free(), effect{do: doReply})
	}
	c.phase = phaseStoring
	return c.writeCode()
}

func (c *course) timeOut(e event) []effect {
	if c.phase == phaseParted {
		if !c.agent || c.hasCode() {
			return nil
		}
		c.code = Coding{TimedOut: true, Now: c.due}
		return append(c.writeCode(), c.free()...)
	}
	e.coding = Coding{TimedOut: true, Now: c.due}
	return c.storeCode(e)
}

func (c *course) prolong(e event) []effect {
	if c.due.IsZero() || c.hasCode() || !c.agent {
		return nil
	}
	c.due = e.at.Add(c.wrapUp)
	return append(c.write(note{kind: noteDue, at: c.due}), effect{do: doTimer, then: evCodeDue, at: c.due})
}

// free lets the agent go on, whose phone network hears of the code first: its own agent must be free before the next call.
func (c *course) free() []effect {
	if !c.agent {
		return nil
	}
	c.agent = false
	in := agents.Input{Kind: agents.CodeSet}
	if c.code.TimedOut {
		in.Kind = agents.WrapUpOver
	}
	code := c.code
	return []effect{{do: doNetwork, coding: &code}, {do: doPart, in: &in}}
}

func (c *course) coded(e event) []effect {
	c.phase, c.code = phaseOver, e.coding
	return append(c.free(), effect{do: doReply, err: e.err})
}

func (c *course) codeAway(e event) []effect {
	if c.stopping {
		return c.drop(e.err)
	}
	return []effect{{do: doReply, err: e.err}}
}

func (c *course) stop(event) []effect {
	c.stopping = true
	if c.phase != phaseCoding || c.record == recordNone {
		return nil
	}
	return c.drop(errStopping)
}

// leave ends our part in a call of another system's.
func (c *course) leave(event) []effect {
	if c.phase == phaseParted && c.record == recordKept {
		return nil
	}
	return c.drop(errStopping)
}

func (c *course) elsewhere(event) []effect {
	c.record = recordNone
	return c.drop(ErrKept)
}

// abandon leaves a call whose end cannot be put on record now to whoever reconciles.
func (c *course) abandon(e event) (effects []effect) {
	switch {
	case c.alive() && c.origin == External:
		return c.drop(errStopping)
	case c.alive():
		c.parting = c.partingWords(event{at: e.at, told: Progress{Outcome: campaigns.Unknown, HangupBy: "system",
			Cause: "the process has stopped"}})
		effects = []effect{{do: doHangUp, by: "system"}}
	}
	effects = append(effects, c.part(e)...)
	return append(effects, c.drop(errStopping)...)
}

func giveUp(why error) func(*course, event) []effect {
	return func(c *course, _ event) []effect { return c.drop(why) }
}

// drop is the end of a call of which nothing more is told. Those who wait for their code's way on record are told why.
func (c *course) drop(why error) []effect {
	c.phase = phaseOver
	return []effect{{do: doDrop}, {do: doReply, err: why}}
}
