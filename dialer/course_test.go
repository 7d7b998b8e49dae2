package dialer

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

var t0 = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// in makes a course of ours that stands in a phase with an agent; change may alter it.
func in(p phase, change ...func(*course)) course {
	c := course{phase: p, origin: Automatic, record: recordKept, agent: true, wrapUp: time.Minute}
	c.up = c.alive()
	if c.ended() {
		c.due, c.parting = t0.Add(time.Minute), agents.Input{Kind: agents.HungUp, CodeDueAt: t0.Add(time.Minute)}
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func asked(c *course)     { c.origin, c.record = External, recordAsked }
func unkept(c *course)    { c.origin, c.record = External, recordNone }
func theirKept(c *course) { c.origin = External }
func chosen(c *course)    { c.code = Coding{Code: "1"} }
func stopping(c *course)  { c.stopping = true }
func alone(c *course)     { c.first, c.agent, c.patience = true, false, 2*time.Second }
func waited(c *course)    { alone(c); c.pickedUp = t0 }
func found(c *course)     { waited(c); c.agent = true }
func isMachine(c *course) { c.machine = true }
func hangsUp(c *course)   { c.machines = campaigns.HangUpMachine }
func leaves(c *course)    { c.machines = campaigns.LeaveMessage }
func connects(c *course)  { c.machines = campaigns.ConnectMachine }
func noCode(c *course)    { c.due = time.Time{} }

// does writes effects down as a row of the table does.
func does(effects []effect) string {
	words := make([]string, len(effects))
	for i, e := range effects {
		switch e.do {
		case doTell, doPart:
			words[i] = string(e.in.Kind)
		case doWrite:
			words[i] = "+" + string(e.note.kind)
		case doLetGo:
			words[i] = string(e.in.Kind) + " let go"
		case doTimer:
			words[i] = "timer:" + string(e.then)
		case doHangUp:
			words[i] = "hang up"
		case doReply:
			words[i] = "reply"
			if e.err != nil {
				words[i] = "reply no"
			}
		default:
			words[i] = string(e.do)
		}
	}
	return strings.Join(words, ", ")
}

// TestCourse has a row for each arrow, and for each of its forks.
func TestCourse(t *testing.T) {
	network := func(kind ProgressKind) event {
		return event{kind: eventKind(kind), at: t0, told: Progress{Kind: kind, At: t0}}
	}
	ended := func(o campaigns.Outcome) event {
		e := network(Ended)
		e.told.Outcome = o
		return e
	}
	machine, doubtful := network(MachineHeard), network(MachineHeard)
	doubtful.told.Doubtful = true
	just := func(kind eventKind) event { return event{kind: kind, at: t0} }
	code := event{kind: evCode, at: t0, coding: Coding{Code: "2"}}
	keeping := network(CustomerAnswered)
	keeping.told.Kept = "all that is known"
	trace := network(TraceKnown)
	trace.told.CallTraceID = "77"
	blamed := event{kind: evNotTaken, at: t0, told: Progress{Outcome: campaigns.Congestion},
		blame: &agents.Input{Kind: agents.ReachableChanged}}
	withCodes := event{kind: evUnkept, at: t0, codes: true}
	coded := event{kind: evCoded, at: t0, coding: Coding{TimedOut: true}}
	const codeTold = "tell the network the code, "
	for _, row := range []struct {
		from course
		e    event
		to   phase
		does string
	}{
		{in(phaseWaiting, alone), just(evClaimed), phaseWaiting, "place the call"},
		{in(phaseWaiting, alone), network(CustomerRinging), phaseRinging, ""},
		{in(phaseRinging, alone), network(CustomerRinging), phaseRinging, ""},
		{in(phaseRinging, alone), network(CustomerAnswered), phaseAlone, "seek an agent, timer:patience_over, +pickup"},
		{in(phaseAlone, alone), just(evGiven), phaseJoining, "ringing, ring the agent"},
		{in(phaseJoining, found), just(evNotJoined), phaseAlone, "agent_did_not_reply let go, seek an agent"},
		{in(phaseJoining, found), event{kind: evNotJoined, at: t0, spared: true}, phaseAlone, "released let go, seek an agent"},
		{in(phaseJoining, found), event{kind: evHangUp, by: "agent"}, phaseAlone, "agent_did_not_reply let go, seek an agent"},
		{in(phaseJoining, found), event{kind: evHangUp, by: "system"}, phaseJoining, "hang up"},
		{in(phaseJoining, found), network(Joined), phaseTalking, "connected, +answer"},
		{in(phaseAlone, alone), just(evImpatience), phaseSorry, "hang up"},
		{in(phaseJoining, found), just(evImpatience), phaseSorry, "released let go, hang up"},
		{in(phaseTalking, found), just(evImpatience), phaseTalking, ""},
		{in(phaseSorry, waited), just(evGiven), phaseSorry, ""},
		{in(phaseSorry, waited), ended(campaigns.Abandoned), phaseClosing, "+close, count it as over"},
		{in(phaseAlone, waited), ended(campaigns.Answered), phaseClosing, "+close, count it as over"},
		{in(phaseJoining, found), ended(campaigns.Answered), phaseClosing, "+close, count it as over"},
		{in(phaseAlone, waited, hangsUp), machine, phaseMachine, "hang up"},
		{in(phaseAlone, waited, leaves), machine, phaseMachine, "leave the message"},
		{in(phaseAlone, waited, connects), machine, phaseAlone, ""},
		{in(phaseAlone, waited), machine, phaseAlone, ""},
		{in(phaseJoining, found, hangsUp), machine, phaseMachine, "released let go, hang up"},
		{in(phaseJoining, found, leaves), machine, phaseMachine, "released let go, leave the message"},
		{in(phaseTalking, found, hangsUp), machine, phaseMachine, "hang up"},
		{in(phaseTalking, hangsUp), machine, phaseMachine, "hang up"},
		{in(phaseTalking, found, leaves), machine, phaseMachine, "leave the message"},
		{in(phaseTalking, found, connects), machine, phaseTalking, ""},
		{in(phaseTalking, found, hangsUp), doubtful, phaseTalking, ""},
		{in(phaseAlone, waited, hangsUp), doubtful, phaseMachine, "hang up"},
		{in(phaseTalking, found, hangsUp, chosen), machine, phaseTalking, ""},
		{in(phaseHolding, found, hangsUp), machine, phaseHolding, ""},
		{in(phaseSorry, waited, hangsUp), machine, phaseSorry, ""},
		{in(phaseMachine, found, leaves, isMachine), network(AgentParted), phaseMachine, "machine_gone let go"},
		{in(phaseMachine, waited, leaves, isMachine), network(AgentParted), phaseMachine, ""},
		{in(phaseMachine, waited, leaves, isMachine), just(evImpatience), phaseMachine, ""},
		{in(phaseMachine, waited, leaves, isMachine), just(evGiven), phaseMachine, ""},
		{in(phaseMachine, found, leaves, isMachine), event{kind: evHangUp, by: "system"}, phaseMachine, "hang up"},
		{in(phaseMachine, waited, leaves, isMachine), ended(campaigns.Answered), phaseClosing, "+close, count it as over"},
		{in(phaseWaiting), just(evClaimed), phaseWaiting, "place the call"},
		{in(phaseSeen, asked), just(evSeen), phaseSeen, "+adopt, timer:show_due"},
		{in(phaseSeen, asked), just(evShowDue), phaseWaiting, "enter the agent"},
		{in(phaseSeen, asked, func(c *course) { c.up = true }), just(evAdopted), phaseWaiting, "enter the agent, count it as up"},
		{in(phaseTalking, asked), just(evAdopted), phaseTalking, "enter the agent"},
		{in(phaseParted, asked), just(evAdopted), phaseParted, "take a slot"},
		{in(phaseSeen, asked), just(evUnkept), phaseWaiting, "enter the agent"},
		{in(phaseTalking, asked), just(evUnkept), phaseTalking, ""},
		{in(phaseParted, asked), just(evUnkept), phaseCoding, "timer:code_due"},
		{in(phaseParted, asked), withCodes, phaseCoding, "timer:code_due"},
		{in(phaseParted, asked, noCode), just(evUnkept), phaseOver, ""},
		{in(phaseParted, asked, chosen), just(evUnkept), phaseOver, codeTold + "code_set"},
		{in(phaseTalking, asked), just(evElsewhere), phaseOver, "write no more, reply no, count it as over"},

		{in(phaseWaiting, func(c *course) { c.up = false }), just(evPlaced), phaseWaiting, "count it as up"},
		{in(phaseWaiting, func(c *course) { c.hungUpBy = "agent" }), just(evPlaced), phaseWaiting, "hang up"},
		{in(phaseWaiting), blamed, phaseClosing, "reachable_changed, +close, count it as over"},
		{in(phaseRinging), just(evRefused), phaseRinging, ""},
		{in(phaseWaiting), network(AgentRinging), phaseRinging, "ringing"},
		{in(phaseRinging), network(CustomerRinging), phaseRinging, ""},
		{in(phaseRinging), trace, phaseRinging, "trace_known, +trace"},
		{in(phaseRinging, unkept), trace, phaseRinging, "trace_known"},
		{in(phaseRinging), network(CardKnown), phaseRinging, "ringing"},
		{in(phaseTalking), network(CardKnown), phaseTalking, ""},
		{in(phaseWaiting), network(CustomerAnswered), phaseTalking, "ringing, connected, +answer"},
		{in(phaseRinging), network(CustomerAnswered), phaseTalking, "connected, +answer"},
		{in(phaseRinging, func(c *course) { c.talkedAt = t0 }), network(CustomerAnswered), phaseTalking, "connected"},
		{in(phaseRinging), keeping, phaseTalking, "connected, +keep, +answer"},
		{in(phaseTalking), network(HeldProgress), phaseHolding, "held"},
		{in(phaseHolding), network(ResumedProgress), phaseTalking, "retrieved"},
		{in(phaseTalking), event{kind: evHangUp, by: "agent"}, phaseTalking, "hang up"},
		{in(phaseCoding), event{kind: evHangUp, by: "agent"}, phaseCoding, ""},

		{in(phaseTalking), ended(campaigns.Answered), phaseClosing, "+close, count it as over"},
		{in(phaseTalking, chosen), ended(campaigns.Answered), phaseClosing, "+close, +code, count it as over"},
		{in(phaseRinging, chosen), ended(campaigns.Busy), phaseClosing, "+close, count it as over"},
		{in(phaseTalking, theirKept), ended(campaigns.Answered), phaseClosing, "+close, count it as over, take a slot"},
		{in(phaseTalking, asked), ended(campaigns.Answered), phaseParted, "+close, hung_up, timer:code_due, count it as over"},
		{in(phaseTalking, asked, chosen), ended(campaigns.Answered), phaseParted,
			"+close, +code, hung_up, " + codeTold + "code_set, count it as over"},
		{in(phaseRinging, asked), ended(campaigns.Busy), phaseParted, "+close, customer_failed, count it as over"},
		{in(phaseTalking, unkept), ended(campaigns.Answered), phaseCoding, "hung_up, timer:code_due, count it as over"},
		{in(phaseTalking, unkept, chosen), ended(campaigns.Answered), phaseOver, "hung_up, " + codeTold + "code_set, count it as over"},
		{in(phaseClosing), just(evAway), phaseParted, "hung_up"},
		{in(phaseClosing), just(evClosed), phaseCoding, "hung_up, timer:code_due, free the slot"},
		{in(phaseClosing, chosen), just(evClosed), phaseStoring, "hung_up, free the slot"},
		{in(phaseClosing, noCode), just(evClosed), phaseOver, "hung_up, free the slot"},
		{in(phaseClosing, stopping), just(evClosed), phaseOver, "hung_up, free the slot"},
		{in(phaseParted), just(evClosed), phaseCoding, "timer:code_due, free the slot"},
		{in(phaseOver), just(evLate), phaseOver, "+late"},
		{in(phaseTalking), just(evLate), phaseTalking, ""},

		{in(phaseTalking), code, phaseTalking, "code_chosen, reply"},
		{in(phaseClosing), code, phaseClosing, "+code, reply"},
		{in(phaseParted, noCode), code, phaseParted, "reply no"},
		{in(phaseParted, asked), code, phaseParted, "+code, " + codeTold + "code_set, reply"},
		{in(phaseCoding), code, phaseStoring, "+code"},
		{in(phaseCoding, unkept), code, phaseOver, codeTold + "code_set, reply"},
		{in(phaseStoring), code, phaseStoring, "+code"},
		{in(phaseStoring, func(c *course) { c.agent = false }), code, phaseStoring, "reply no"},
		{in(phaseCoding), just(evCodeDue), phaseStoring, "+code"},
		{in(phaseCoding, unkept), just(evCodeDue), phaseOver, codeTold + "wrap_up_over, reply"},
		{in(phaseParted, asked), just(evCodeDue), phaseParted, "+code, " + codeTold + "wrap_up_over"},
		{in(phaseParted, asked, chosen), just(evCodeDue), phaseParted, ""},
		{in(phaseCoding), just(evUntold), phaseCoding, "+due, timer:code_due"},
		{in(phaseParted), just(evUntold), phaseParted, "+due, timer:code_due"},
		{in(phaseCoding, unkept), just(evUntold), phaseCoding, "timer:code_due"},
		{in(phaseParted, chosen), just(evUntold), phaseParted, ""},
		{in(phaseCoding, noCode), just(evUntold), phaseCoding, ""},
		{in(phaseStoring, chosen), just(evCoded), phaseOver, codeTold + "code_set, reply"},
		{in(phaseStoring, chosen), coded, phaseOver, codeTold + "wrap_up_over, reply"},
		{in(phaseStoring), event{kind: evAway, err: errStopping}, phaseStoring, "reply no"},
		{in(phaseStoring, stopping), event{kind: evAway, err: errStopping}, phaseOver, "write no more, reply no"},
		{in(phaseCoding), just(evDismissed), phaseOver, "write no more, reply no"},
		{in(phaseClosing), just(evDismissed), phaseClosing, ""},

		{in(phaseTalking), just(evStopping), phaseTalking, ""},
		{in(phaseCoding), just(evStopping), phaseOver, "write no more, reply no"},
		{in(phaseCoding, unkept), just(evStopping), phaseCoding, ""},
		{in(phaseTalking, theirKept), just(evLeft), phaseOver, "write no more, reply no, count it as over"},
		{in(phaseParted, theirKept), just(evLeft), phaseParted, ""},
		{in(phaseParted, asked), just(evLeft), phaseOver, "write no more, reply no"},
		{in(phaseParted), just(evAbandoned), phaseOver, "write no more, reply no, free the slot"},
		{in(phaseClosing), just(evAbandoned), phaseOver, "hung_up, write no more, reply no, free the slot"},
		{in(phaseTalking), just(evAbandoned), phaseOver,
			"hang up, customer_failed, write no more, reply no, count it as over, free the slot"},
		{in(phaseTalking, theirKept), just(evAbandoned), phaseOver, "write no more, reply no, count it as over"},
	} {
		was := row.from
		got, effects := next(row.from, row.e)
		if got.phase != row.to || does(effects) != row.does {
			t.Errorf("%s (%s) while %s: %s with %q, want %s with %q", row.e.kind, was.record, was.phase, got.phase, does(effects), row.to,
				row.does)
		}
		if a := arrowFor(was.phase, row.e.kind); a != nil {
			tested[a] = true
		}
	}
	for i := range arrows {
		if !tested[&arrows[i]] {
			t.Errorf("no row for %v while %v", arrows[i].on, arrows[i].from)
		}
	}
}

var tested = map[*arrow]bool{}

// TestArrowsAreClear: one arrow at most leads from a phase by an event, and none from what is over but the late answer's.
func TestArrowsAreClear(t *testing.T) {
	type start struct {
		p phase
		k eventKind
	}
	seen := map[start]bool{}
	for _, a := range arrows {
		for _, p := range a.from {
			for _, k := range a.on {
				if seen[start{p, k}] {
					t.Errorf("two arrows: %s while %s", k, p)
				}
				seen[start{p, k}] = true
				if p == phaseOver && k != evLate {
					t.Errorf("%s moves what is over", k)
				}
			}
		}
	}
}

// TestWhatIsLeftEnds: the process's end ends every course; the loop that does what is to be done waits for that.
func TestWhatIsLeftEnds(t *testing.T) {
	for _, p := range phases {
		if got, _ := next(in(p), event{kind: evAbandoned, at: t0}); got.phase != phaseOver {
			t.Errorf("abandoned while %s: %s", p, got.phase)
		}
	}
}

// TestDocsShowTheMachine keeps docs/attempts.md the same as the code. RINGMASTER_WRITE_DOCS=1 writes it.
func TestDocsShowTheMachine(t *testing.T) {
	const file, begin, end = "../docs/attempts.md", "<!-- arrows -->\n", "<!-- /arrows -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	shown, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the arrows", file)
	}
	if shown == arrowTable() {
		return
	}
	if os.Getenv("RINGMASTER_WRITE_DOCS") == "" {
		t.Fatalf("%s shows another machine than the code: RINGMASTER_WRITE_DOCS=1 go test ./dialer -run %s", file, t.Name())
	}
	if err := os.WriteFile(file, []byte(before+begin+arrowTable()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// arrowTable is the machine as docs/attempts.md shows it.
func arrowTable() string {
	var b strings.Builder
	b.WriteString("| happens | while | then | and |\n|---|---|---|---|\n")
	words := func(list []phase) string {
		text := make([]string, len(list))
		for i, p := range list {
			text[i] = string(p)
		}
		return strings.Join(text, ", ")
	}
	for _, a := range arrows {
		kinds := make([]string, len(a.on))
		for i, k := range a.on {
			kinds[i] = "`" + string(k) + "`"
		}
		then := words(a.to)
		if then == "" {
			then = "the same"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.Join(kinds, ", "), words(a.from), then, a.what)
	}
	return b.String()
}

// TestAgentIsOptional: nobody is told of a course that has no agent, and no code of it is awaited.
func TestAgentIsOptional(t *testing.T) {
	for _, p := range phases {
		for i := range arrows {
			for _, kind := range arrows[i].on {
				if kind == evGiven {
					continue // from then on it has one
				}
				c := in(p, func(c *course) { c.agent, c.due = false, time.Time{} })
				got, effects := next(c, event{kind: kind, at: t0, told: Progress{Outcome: campaigns.Answered}, coding: Coding{Code: "1"},
					by: "system"})
				told := slices.ContainsFunc(effects, func(e effect) bool {
					return e.do == doTell || e.do == doPart || e.do == doEnter ||
						e.do == doNetwork
				})
				if told || got.phase == phaseCoding && p != phaseCoding {
					t.Errorf("%s while %s: %s with %q", kind, p, got.phase, does(effects))
				}
			}
		}
	}
}
