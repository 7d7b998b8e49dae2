package dialer

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// life is what has been done in one course, as the world sees it.
type life struct {
	t       *rapid.T
	c       course
	at      time.Time
	places  int // orders to the phone network
	closes  int
	notes   []noteKind
	parted  int // how often the agent was told of the end
	freed   int // how often the agent was let go on from Clerical
	dropped bool
	state   State // of the attempt, once the record has heard it all
}

var steps = map[noteKind]Step{noteAnswer: StepAnswer, noteClose: StepClose}

func (l *life) happen(e event) {
	l.at = l.at.Add(time.Second)
	e.at, e.told.At = l.at, l.at
	was := l.c
	next, effects := next(was, e)
	fatal := func(what string) {
		l.t.Helper()
		l.t.Fatalf("%s: %s led from %+v to %+v by %q", what, e.kind, was, next, does(effects))
	}
	a := arrowFor(was.phase, e.kind)
	switch {
	case a == nil && len(effects) > 0:
		fatal("effects without an arrow")
	case a != nil && next.phase != was.phase && !slices.Contains(a.to, next.phase):
		fatal("a way that the table does not have")
	case a != nil && len(a.to) == 0 && next.phase != was.phase:
		fatal("it should have stayed")
	}
	for _, do := range effects {
		switch do.do {
		case doPlace:
			l.places++
		case doDrop:
			l.dropped = true
		case doWrite:
			if was.record == recordNone || l.dropped && do.note.kind != noteLate {
				fatal("written without a record")
			}
			l.notes = append(l.notes, do.note.kind)
			if step := steps[do.note.kind]; step != "" { // what the record is told is a way that its own machine has
				state, err := l.state.After(step, campaigns.Unknown)
				if err != nil {
					fatal(err.Error())
				}
				l.state = state
			}
			if do.note.kind == noteClose {
				l.closes++
			}
		case doPart:
			switch do.in.Kind {
			case agents.CodeSet, agents.WrapUpOver:
				l.freed++
			default:
				l.parted++
			}
			if do.in.Kind == agents.HungUp && do.in.CodeDueAt.IsZero() {
				fatal("Clerical without an end")
			}
			if !was.agent && !next.agent {
				fatal("a call without an agent told somebody")
			}
		case doTell, doEnter:
			if l.parted > 0 && do.in.Kind != agents.CodeChosen {
				fatal("the agent was told more of a call that has ended")
			}
		}
	}
	if next.phase == phaseOver && was.phase == phaseOver && len(effects) > 0 && e.kind != evLate {
		fatal("what is over does something")
	}
	l.c = next
	l.check(fatal)
}

func (l *life) check(fatal func(string)) {
	switch {
	case l.places > 1:
		fatal("placed twice")
	case l.closes > 1:
		fatal("two outcomes")
	case l.parted > 1 || l.freed > 1:
		fatal("the agent was told the end twice")
	case l.freed > 0 && l.parted == 0:
		fatal("the agent was freed from a call that has not ended")
	case l.c.record != recordNone && l.c.ended() && l.c.phase != phaseOver && l.closes != 1:
		fatal("an end without its outcome")
	case l.c.phase == phaseCoding && (l.c.due.IsZero() || !l.c.agent):
		fatal("a code is awaited from nobody")
	}
	if close := slices.Index(l.notes, noteClose); close >= 0 {
		for i, n := range l.notes {
			if before := n == noteAdopt || n == noteAnswer || n == noteTrace; before && i > close || (n == noteCode || n == noteLate) &&
				i < close {
				fatal("the record is told out of order")
			}
		}
	}
}

// begin is a course of any origin at its beginning.
func begin(t *rapid.T) *life {
	l := &life{t: t, at: t0, state: Dialing, c: course{phase: phaseWaiting, record: recordKept,
		agent: rapid.Bool().Draw(t, "agent")}}
	l.c.origin = rapid.SampledFrom([]Origin{Automatic, ByHand, Callback, External}).Draw(t, "origin")
	l.c.first = l.c.origin == Automatic && !l.c.agent
	if l.c.origin == External {
		l.c.phase, l.c.agent = phaseSeen, true
		l.happen(event{kind: evSeen, wrapUp: time.Minute})
	} else {
		l.happen(event{kind: evClaimed, wrapUp: time.Minute})
		l.happen(event{kind: evPlaced})
	}
	return l
}

// draw is something that may happen by the state of the outbox and of the process; everything else may happen at any time.
func (l *life) draw() event {
	var kinds []eventKind
	for _, a := range arrows {
		kinds = append(kinds, a.on...)
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	told := func(n noteKind) bool { return slices.Contains(l.notes, n) && !l.dropped }
	kinds = slices.DeleteFunc(kinds, func(k eventKind) bool {
		switch k {
		case evClaimed, evSeen, evPlaced:
			return true // once, at the beginning
		case evNotTaken:
			return l.c.origin == External
		case evAdopted, evUnkept, evElsewhere:
			return l.c.record != recordAsked || l.dropped
		case evClosed:
			return !told(noteClose) || l.c.record != recordKept
		case evCoded:
			return !told(noteCode) || l.c.record != recordKept || l.c.phase != phaseStoring // behind the close
		case evLeft:
			return l.c.origin != External
		}
		return false
	})
	e := event{kind: rapid.SampledFrom(kinds).Draw(l.t, "kind"), by: "agent", coding: Coding{Code: "1"}, wrapUp: time.Minute,
		codes: rapid.Bool().Draw(l.t, "codes"), told: Progress{CallTraceID: "7"}}
	e.told.Outcome = rapid.SampledFrom(campaigns.Outcomes).Draw(l.t, "outcome")
	return e
}

// TestCourseKeepsItsPromises leads courses through random lives: no customer is dialed twice, each call ends with one outcome,
// the record is told in order, and from wherever a course has come it comes to its end, with its agent let go.
func TestCourseKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := begin(t)
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			l.happen(l.draw())
		}
		l.wayOut()
	})
}

// wayOut is what comes for certain: the network tells an end, the record is heard again, and clocks go on.
func (l *life) wayOut() {
	left := l.c.phase == phaseOver // by the process's end, or to another: who reconciles lets the agent go
	for range 3 {
		l.happen(event{kind: evShowDue})
		if l.c.record == recordAsked && !l.dropped {
			l.happen(event{kind: evAdopted, wrapUp: time.Minute})
		}
		l.happen(event{kind: eventKind(Ended), told: Progress{Outcome: campaigns.Answered}})
		if l.closes > 0 && l.c.record == recordKept {
			l.happen(event{kind: evClosed})
		}
		l.happen(event{kind: evCodeDue})
		l.happen(event{kind: evCoded, coding: l.c.code})
	}
	if l.c.phase != phaseOver {
		l.t.Fatalf("no way out of %+v", l.c)
	}
	if !left && l.c.agent && l.parted == 0 {
		l.t.Fatalf("an agent without a way out: %+v", l.c)
	}
	if !left && !l.c.stopping && !l.dropped && l.c.agent && !l.c.due.IsZero() && l.freed == 0 {
		l.t.Fatalf("an agent in Clerical for ever: %+v", l.c)
	}
}
