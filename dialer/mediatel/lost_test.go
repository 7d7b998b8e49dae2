package mediatel_test

import (
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestLossIsToldAtOnce: an agent whose connection is lost is out of reach without anybody asking, and who asks is answered at
// once.
func TestLossIsToldAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2, known)
	h.ready(1)
	h.ready(2)
	l, err := h.order(2, ann, true)
	must(t, err)
	l.until(dialer.CustomerAnswered)
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	h.server.Cut("mt_agent2")
	testdeps.Eventually(t, "agent 1 out of reach", func() bool { return !h.roster.get(1).Reachable })
	var took [3]time.Duration
	for i := range took { // of one answer alone it may be the machine that is slow
		began := time.Now()
		if err := h.Reachable(t.Context(), ext(1)); err == nil {
			t.Error("within reach without a connection")
		}
		took[i] = time.Since(began)
	}
	if slices.Min(took[:]) > time.Second {
		t.Errorf("answered after %v", took)
	}
	h.server.SetAway(false)
	h.ready(1)

	// A talk that goes on takes its agent with it.
	h.server.HangUp("mt_agent2")
	l.until(dialer.Ended)
	must(t, h.SetCode(t.Context(), ext(2), l.trace, "4"))
	if !h.roster.get(2).Reachable {
		t.Error("agent 2 out of reach after a talk that outlived the connection")
	}
}

// TestAnsweredAfterTheLoss: the connection is away for longer than a call is kept, and the customer answers meanwhile. The talk
// is told of when the connection is back, and gets the code that the agent sets, not that for nobody.
func TestAnsweredAfterTheLoss(t *testing.T) {
	t.Parallel()
	for _, step := range []dialer.ProgressKind{dialer.AgentRinging, dialer.CustomerDialing} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			r := &record{answers: []answer{{awaited: true}}}
			h := newHouse(t, 1, known, r.keep, func(far *simulator.Options, near *mediatel.Options) {
				far.Answers, near.Limits.Resync = 150*time.Millisecond, 300*time.Millisecond
				far.Fate = func(string) simulator.Fate { return simulator.Fate{After: time.Second} }
			})
			h.ready(1)
			l, err := h.order(1, ann, true)
			must(t, err)
			l.until(step)
			h.server.SetAway(true)
			h.server.Cut("mt_agent1")
			if end := l.until(dialer.Ended); end.Outcome != campaigns.Unknown || end.NotDialed {
				t.Errorf("end %+v", end)
			}
			if h.roster.get(1).Reachable {
				t.Error("the agent is given calls while the connection is lost")
			}
			h.at(1, wire.StateActive)
			h.server.SetAway(false)
			seen := h.told()
			if trace := h.server.State("mt_agent1").CallTraceID; seen.Number != ann || seen.CallTraceID != trace {
				t.Errorf("told of %+v, want the call %s", seen, trace)
			}
			h.endInTalk(seen)
			must(t, h.SetCode(t.Context(), ext(1), seen.CallTraceID, "4"))
			if got := h.server.CodesSet()[seen.CallTraceID]; got != "4" {
				t.Errorf("the agent set 4, Mediatel has %q", got)
			}
			h.ready(1)
			h.atMostOneMakeCall(1)
		})
	}
}

// endInTalk has the customer of an external call hang up, and our agent in Clerical.
func (h *house) endInTalk(seen dialer.ExternalCall) {
	h.tb.Helper()
	call := &agents.Call{AttemptID: "1", Number: ann}
	h.apply(agents.Input{Kind: agents.ReachableChanged, Reachable: true})
	h.apply(agents.Input{Kind: agents.Ordering, Call: call, Until: time.Now().Add(time.Minute)})
	h.apply(agents.Input{Kind: agents.Ringing, Call: call})
	h.apply(agents.Input{Kind: agents.Connected})
	l := &live{LiveCall: seen.Live, h: h}
	l.until(dialer.CustomerAnswered)
	h.server.HangUp("mt_agent1")
	if end := l.until(dialer.Ended); end.Outcome != campaigns.Answered {
		h.tb.Errorf("end %+v", end)
	}
	h.apply(agents.Input{Kind: agents.HungUp, CodeDueAt: time.Now().Add(time.Minute)})
}
