package mediatel

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

const number = "+447700900123"

func state(name string) wire.State { return wire.State{State: name, ANI: number} }

func traced(name string) wire.State { s := state(name); s.CallTraceID = "1001"; return s }

func failed(name, id, text string) wire.State {
	s := traced(name)
	s.CallErrorID, s.CallError = id, text
	return s
}

// TestNext has a row for each arrow: a call's phase, a state of Mediatel's, and what follows.
func TestNext(t *testing.T) {
	t.Parallel()
	at := func(p phase) course {
		c := course{phase: p, number: number, former: "1000", talked: p == talking || p == holding}
		if p >= reaching {
			c.trace = "1001"
		}
		return c
	}
	gap := func(c course) course { c.gap = true; return c }
	hungUp := func(c course) course { c.hungUpBy = "agent"; return c }
	stopped := func(c course) course { c.hungUpBy = "system"; return c }
	crossing := func(c course) course { c.hungUpBy, c.crossed = "agent", true; return c }
	unknownWord := wire.State{State: "STATE_ELEPHANT", Status: wire.StatusInCall, ANI: number, CallTraceID: "1001"}
	others := state(wire.StateActive)
	others.ANI, others.CallTraceID = "+447700900999", "1077"
	national := state(wire.StateDelivered)
	national.ANI = "07700900123"
	lingering := state(wire.StateDelivered)
	lingering.CallTraceID = "1000"
	formers := wire.State{State: wire.StateOrdered, CallTraceID: "1000", ANI: "+447700900999"}
	forcedUnsaid := wire.State{State: wire.StatePause, PauseID: forcePause}
	forcedPause := wire.State{State: wire.StatePause, PauseID: forcePause, CallErrorID: agentNoAnswer,
		CallError: "No Answer from agent"}

	for _, row := range []struct {
		name    string
		from    course
		state   wire.State
		to      phase
		tells   dialer.ProgressKind // the last that is told; empty: nothing
		outcome campaigns.Outcome   // of the end
	}{
		{"the moment before", at(ordered), state(wire.StateIdle), ordered, "", ""},
		{"taken", at(ordered), state(wire.StateOrdered), ordered, "", ""},
		{"rings", at(ordered), state(wire.StateDelivered), ringing, dialer.AgentRinging, ""},
		{"rings, a national number", at(ordered), national, ringing, dialer.AgentRinging, ""},
		{"rings, the former calltraceid is still shown", at(ordered), lingering, ringing, dialer.AgentRinging, ""},
		{"taken, the former call is still shown", at(ordered), formers, ordered, "", ""},
		{"repeated", at(ringing), state(wire.StateDelivered), ringing, "", ""},
		{"the extension has answered", at(ringing), traced(wire.StateDelivered), reaching, dialer.CustomerDialing, ""},
		{"answered", at(reaching), traced(wire.StateActive), talking, dialer.CustomerAnswered, ""},
		{"answered, steps missed", at(ordered), traced(wire.StateActive), talking, dialer.CustomerAnswered, ""},
		{"answered, by the second word", at(reaching), unknownWord, talking, dialer.CustomerAnswered, ""},
		{"held", at(talking), traced(wire.StateHold), holding, dialer.HeldProgress, ""},
		{"held, the talk missed", at(reaching), traced(wire.StateHold), holding, dialer.HeldProgress, ""},
		{"retrieved", at(holding), traced(wire.StateActive), talking, dialer.ResumedProgress, ""},
		{"talk repeated", at(talking), traced(wire.StateActive), talking, "", ""},
		{"over", at(talking), traced(wire.StateClerical), over, dialer.Ended, campaigns.Answered},
		{"over while held", at(holding), traced(wire.StateClerical), over, dialer.Ended, campaigns.Answered},
		{"over, Clerical missed", at(talking), state(wire.StateIdle), over, dialer.Ended, campaigns.Answered},
		{"over, into a pause", at(talking), state(wire.StatePause), over, dialer.Ended, campaigns.Answered},
		{"over, the process forgot", at(talking), wire.State{State: wire.StateLogout}, over, dialer.Ended, campaigns.Answered},
		{"busy", at(reaching), failed(wire.StateClerical, "-101", "Busy"), over, dialer.Ended, campaigns.Busy},
		{"failed", at(reaching), failed(wire.StateFailed, "-101", "Invalid number"), over, dialer.Ended, campaigns.InvalidNumber},
		{"failed at once", at(ordered), failed(wire.StateFailed, "-1001", "a rule"), over, dialer.Ended, campaigns.Congestion},
		{"failed, with no word for it", at(reaching), failed(wire.StateFailed, "-5", ""), over, dialer.Ended, campaigns.Unknown},
		{"hung up before the answer", hungUp(at(reaching)), traced(wire.StateClerical), over, dialer.Ended, campaigns.AgentGaveUp},
		{"hung up by us before the answer", stopped(at(reaching)), traced(wire.StateClerical), over, dialer.Ended, campaigns.NoAnswer},
		{"hung up, and no answer is what it is called", hungUp(at(reaching)), failed(wire.StateClerical, "-7", "No answer"), over,
			dialer.Ended, campaigns.AgentGaveUp},
		{"hung up, with no word for it", hungUp(at(reaching)), failed(wire.StateFailed, "-5", "Elephant"), over, dialer.Ended,
			campaigns.AgentGaveUp},
		{"hung up, and busy", hungUp(at(reaching)), failed(wire.StateClerical, "-101", "Busy"), over, dialer.Ended, campaigns.Busy},
		{"hung up, and answered all the same", hungUp(at(reaching)), traced(wire.StateActive), talking, "", ""},
		{"over after an answer that crossed the hang-up", crossing(at(talking)), traced(wire.StateClerical), over, dialer.Ended,
			campaigns.Abandoned},
		{"over, and not said how", at(reaching), traced(wire.StateClerical), over, dialer.Ended, campaigns.Unknown},
		{"agent did not answer", at(ringing), forcedPause, over, dialer.Ended, campaigns.AgentNoAnswer},
		{"agent did not answer, ringing missed", at(ordered), forcedPause, over, dialer.Ended, campaigns.AgentNoAnswer},
		{"agent did not answer, the calltraceid was shown before", at(reaching), forcedUnsaid, over, dialer.Ended,
			campaigns.AgentNoAnswer},
		{"Force Pause after a cut", gap(at(reaching)), forcedUnsaid, over, dialer.Ended, campaigns.Unknown},
		{"Force Pause after a talk", at(talking), forcedUnsaid, over, dialer.Ended, campaigns.Answered},
		{"the process forgot", at(reaching), wire.State{State: wire.StateLogout}, over, dialer.Ended, campaigns.Unknown},
		{"connected anew, not logged in yet", gap(at(reaching)), wire.State{State: wire.StateLogout}, reaching, "", ""},
		{"connected anew, no such call", gap(at(ordered)), state(wire.StateIdle), over, dialer.Ended, campaigns.Unknown},
		{"connected anew, the call goes on", gap(at(ordered)), traced(wire.StateDelivered), reaching, dialer.CustomerDialing, ""},
		{"connected anew, hung up meanwhile", gap(hungUp(at(reaching))), traced(wire.StateClerical), over, dialer.Ended,
			campaigns.Unknown},
		{"another call", gap(at(reaching)), others, over, dialer.Ended, campaigns.Unknown},
		{"another call after our talk", gap(at(talking)), others, over, dialer.Ended, campaigns.Answered},
		{"an unknown word", at(ringing), wire.State{State: "STATE_ELEPHANT"}, ringing, "", ""},
		{"nothing at all", at(ringing), wire.State{}, ringing, "", ""},
		{"not ordered yet", at(unordered), traced(wire.StateActive), unordered, "", ""},
		{"over already", at(over), traced(wire.StateActive), over, "", ""},
	} {
		got, told := row.from.next(&row.state, time.Now())
		var last dialer.Progress
		if len(told) > 0 {
			last = told[len(told)-1]
		}
		if got.phase != row.to || last.Kind != row.tells || last.Outcome != row.outcome {
			t.Errorf("%s: phase %d, told %q with %q; want %d, %q, %q", row.name, got.phase, last.Kind, last.Outcome, row.to, row.tells,
				row.outcome)
		}
	}
}

// TestNotDialed has a row for each way to end without a talk: whether it is certain that the customer's phone was not dialed, and
// whether a number that is always refused is spared for a while.
func TestNotDialed(t *testing.T) {
	t.Parallel()
	noAnswer := wire.State{State: wire.StatePause, PauseID: forcePause, CallErrorID: agentNoAnswer,
		CallError: "No Answer from agent"}
	unsaid := wire.State{State: wire.StatePause, PauseID: forcePause}
	refused := wire.State{State: wire.StateFailed, ANI: number, CallErrorID: "-1001", CallError: "a rule"}
	lingering := refused
	lingering.CallTraceID = "1000"
	busy := wire.State{State: wire.StateFailed, ANI: number, CallErrorID: "-101", CallError: "Busy"}
	others := wire.State{State: wire.StateActive, ANI: "+447700900999"}
	late := traced(wire.StateClerical)
	late.CallErrorID, late.CallError = agentNoAnswer, "No Answer from agent"
	for _, row := range []struct {
		name      string
		from      course
		state     wire.State
		notDialed bool
		spared    bool
	}{
		{"agent did not answer", course{phase: ringing}, noAnswer, true, false},
		{"agent did not answer, the calltraceid was shown before", course{phase: reaching, trace: "1001"}, noAnswer, true, false},
		{"Force Pause, the calltraceid was shown before", course{phase: reaching, trace: "1001"}, unsaid, false, false},
		{"Force Pause while it rings", course{phase: ringing}, unsaid, true, false},
		{"an old error is still shown", course{phase: reaching, trace: "1001", stale: "-223 No Answer from agent"}, late, false, false},
		{"refused", course{phase: ordered}, refused, true, true},
		{"refused, the former calltraceid is still shown", course{phase: ordered}, lingering, true, true},
		{"refused, and the word is the customer's", course{phase: ringing}, busy, false, false},
		{"failed with a calltraceid", course{phase: ringing}, failed(wire.StateFailed, "-5", ""), false, false},
		{"failed after the extension's answer", course{phase: reaching, trace: "1001"}, failed(wire.StateFailed, "-5", ""), false,
			false},
		{"failed after a cut", course{phase: ringing, gap: true}, refused, false, false},
		{"hung up while it rings", course{phase: ringing, hungUpBy: "agent"}, state(wire.StateClerical), true, false},
		{"hung up while it rings, failed", course{phase: ringing, hungUpBy: "agent"}, state(wire.StateFailed), true, false},
		{"hung up while it rings, free", course{phase: ringing, hungUpBy: "agent"}, state(wire.StateIdle), true, false},
		{"hung up, a calltraceid in Clerical", course{phase: ringing, hungUpBy: "agent"}, traced(wire.StateClerical), false, false},
		{"hung up, and the agent is in another call", course{phase: ringing, hungUpBy: "agent"}, others, false, false},
		{"over by itself while it rings", course{phase: ringing}, state(wire.StateIdle), false, false},
		{"the process forgot", course{phase: ringing}, wire.State{State: wire.StateLogout}, false, false},
		{"talked", course{phase: talking, trace: "1001", talked: true}, noAnswer, false, false},
	} {
		row.from.number, row.from.former = number, "1000"
		_, told := row.from.next(&row.state, time.Now())
		if len(told) != 1 || told[0].Kind != dialer.Ended || told[0].NotDialed != row.notDialed ||
			told[0].RetryAfter > 0 != row.spared {
			t.Errorf("%s: told %+v, want not dialed %t, spared %t", row.name, told, row.notDialed, row.spared)
		}
	}
}

// TestNextTellsOneStory: whatever states come, there is one answer at most and one end, the end is last, and only a talk that
// was told ends as answered.
func TestNextTellsOneStory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := course{phase: ordered, number: number}
		count := map[dialer.ProgressKind]int{}
		for range rapid.IntRange(1, 30).Draw(t, "states") {
			s := wire.State{
				State:       rapid.SampledFrom(append(states, "STATE_ELEPHANT", "")).Draw(t, "state"),
				CallTraceID: rapid.SampledFrom([]string{"", "1001", "1002"}).Draw(t, "trace"),
				ANI:         rapid.SampledFrom([]string{"", number, "+447700900999"}).Draw(t, "ani"),
				CallErrorID: rapid.SampledFrom([]string{"", "-223", "-101"}).Draw(t, "error"),
				PauseID:     rapid.SampledFrom([]string{"", "4", "1000"}).Draw(t, "pause"),
			}
			if rapid.Bool().Draw(t, "cut") {
				c.gap = true
			}
			var told []dialer.Progress
			c, told = c.next(&s, time.Now())
			for _, p := range told {
				if count[dialer.Ended] > 0 {
					t.Fatalf("told %s after the end", p.Kind)
				}
				count[p.Kind]++
				if p.NotDialed && (c.gap || c.talked) {
					t.Fatalf("ended as not dialed after a cut or a talk: %+v", p)
				}
				if p.Kind == dialer.Ended && (p.Outcome == campaigns.Answered) != (count[dialer.CustomerAnswered] == 1) {
					t.Fatalf("ended as %s after %d answers", p.Outcome, count[dialer.CustomerAnswered])
				}
			}
		}
		if count[dialer.CustomerAnswered] > 1 || count[dialer.TraceKnown] > 1 || count[dialer.AgentRinging] > 1 {
			t.Fatalf("told twice: %v", count)
		}
	})
}
