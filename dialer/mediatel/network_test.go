package mediatel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

const ann = "+447700900123"

type cookies struct{}

func (cookies) Cookie(_ context.Context, agentID int64) (*http.Cookie, error) {
	return &http.Cookie{Name: "VouchCookie", Value: login(agentID)}, nil
}

func identify(r *http.Request) (string, error) {
	c, err := r.Cookie("VouchCookie")
	if err != nil {
		return "", errNoCookie
	}
	return c.Value, nil
}

// TestCall follows one call with hold and mute from its order to its code.
func TestCall(t *testing.T) {
	t.Parallel()
	testCall(t, newHouse(t, 1, known))
}

func testCall(t *testing.T, h *house) {
	t.Helper()
	h.ready(1)
	l, err := h.order(1, ann, true)
	must(t, err)
	if _, err := h.order(1, "+447700900124", true); err == nil {
		t.Error("a second call at the same agent")
	}
	l.until(dialer.CustomerAnswered)
	if l.fenced != 1 || l.trace == "" || len(l.card.Codes) != 2 {
		t.Errorf("fenced %d times, calltraceid %q, card %+v", l.fenced, l.trace, l.card)
	}
	want := []string{"card_known", "agent_ringing", "card_known", "trace_known", "agent_answered", "customer_dialing",
		"customer_answered"}
	if !slices.Equal(l.told, want) {
		t.Errorf("told %v, want %v", l.told, want)
	}
	must(t, l.LiveCall.(dialer.Muter).Mute(t.Context(), true))
	must(t, l.LiveCall.(dialer.Muter).Mute(t.Context(), true))
	if n := h.server.Commands()[wire.MuteCall]; n != 1 || !h.server.State("mt_agent1").Muted {
		t.Errorf("muteCall sent %d times", n)
	}
	must(t, l.LiveCall.(dialer.Holder).Hold(t.Context()))
	l.until(dialer.HeldProgress)
	must(t, l.LiveCall.(dialer.Holder).Retrieve(t.Context()))
	l.until(dialer.ResumedProgress)
	l.Hangup("agent")
	end := l.until(dialer.Ended)
	if end.Outcome != campaigns.Answered || end.HangupBy != "agent" || end.CallTraceID != l.trace {
		t.Errorf("end %+v", end)
	}
	if err := l.LiveCall.(dialer.Holder).Hold(t.Context()); err == nil {
		t.Error("held after the end")
	}
	must(t, h.SetCode(t.Context(), ext(1), l.trace, "4"))
	h.at(1, wire.StateIdle)
	if got := h.server.CodesSet()[l.trace]; got != "4" {
		t.Errorf("code %q at Mediatel, want 4", got)
	}
	if p := h.server.Placed(); len(p) != 1 || p[0].Number != ann || p[0].Queue != "AUTO_1" || p[0].CallTraceID != l.trace {
		t.Errorf("placed %+v", p)
	}
	must(t, h.Reachable(t.Context(), ext(1)))
}

// TestOutcomes are the customers who are not reached; an automatic call leaves Mediatel's agent free.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	errorsOf := map[string]string{"+447700900201": "Busy", "+447700900202": "No Answer", "+447700900203": "Call rejected",
		"+447700900204": "Invalid number", "+447700900205": "Network congestion", "+447700900206": "Elephant"}
	h := newHouse(t, 1, known, func(far *simulator.Options, _ *mediatel.Options) {
		far.Fate = func(number string) simulator.Fate { return simulator.Fate{Error: errorsOf[number]} }
	})
	h.ready(1)
	outcomes := map[string]campaigns.Outcome{"Busy": campaigns.Busy, "No Answer": campaigns.NoAnswer,
		"Call rejected":  campaigns.Rejected,
		"Invalid number": campaigns.InvalidNumber, "Network congestion": campaigns.Congestion, "Elephant": campaigns.Unknown}
	for number, text := range errorsOf {
		l, err := h.order(1, number, true)
		must(t, err)
		end := l.until(dialer.Ended)
		if end.Outcome != outcomes[text] || end.ErrorID != "-101" || end.ErrorText != reason.Said(text) || end.Cause != "-101 "+text {
			t.Errorf("%s: end %+v", text, end)
		}
		if got := h.stateOf(1); got != wire.StateIdle {
			t.Errorf("%s: Mediatel's agent in %s at the end", text, got)
		}
	}
	h.atMostOneMakeCall(len(errorsOf))
}

// TestForcePause: the extension is not answered, and later Mediatel puts the agent into Force Pause by itself.
func TestForcePause(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	h.ready(1)
	h.server.SetSilent("x1", true)
	l, err := h.order(1, ann, true)
	must(t, err)
	if end := l.until(dialer.Ended); end.Outcome != campaigns.AgentNoAnswer || !end.NotDialed ||
		end.ErrorText != reason.Said("No Answer from agent") || len(h.server.Placed()) != 0 {
		t.Errorf("end %+v, placed %v", end, h.server.Placed())
	}
	if err := h.Reachable(t.Context(), ext(1)); err == nil || !strings.Contains(err.Error(), "No Answer") {
		t.Errorf("reachable in Force Pause: %v", err)
	}
	h.apply(agents.Input{Kind: agents.AutoCallSet, On: true}) // a change of ours has Mediatel's state looked at
	testdeps.Eventually(t, "our agent in Force Pause", func() bool { return h.roster.get(1).State == agents.ForcePause })
	must(t, h.Revive(t.Context(), ext(1)))
	must(t, h.Reachable(t.Context(), ext(1)))
	_, err = h.roster.Apply(t.Context(), 1, agents.Input{Kind: agents.PauseEnded, At: time.Now(), Reachable: true})
	must(t, err)
	h.server.Pause("mt_agent1")
	testdeps.Eventually(t, "Mediatel's Force Pause to be ours", func() bool { return h.roster.get(1).State == agents.ForcePause })
	if l := h.roster.get(1); l.ErrorID != "-223" || l.ErrorText != reason.Said("No Answer from agent") {
		t.Errorf("the tab shows callErrorID %q, callErrorText %q", l.ErrorID, l.ErrorText)
	}
}

// TestPauseFollows: our pause is set there, changed and ended there; also one that is over before Mediatel's state has told of
// it.
func TestPauseFollows(t *testing.T) {
	t.Parallel()
	for name, variant := range map[string]simulator.Variant{"at once": {}, "late": {Slow: 100 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, 1, known, func(far *simulator.Options, _ *mediatel.Options) { far.Variant = variant })
			h.ready(1)
			h.apply(agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
			h.at(1, wire.StatePause)
			h.apply(agents.Input{Kind: agents.PauseEnded})
			h.at(1, wire.StateIdle)
			h.ready(1)
			h.apply(agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
			h.apply(agents.Input{Kind: agents.PauseChosen, PauseID: "1"})
			testdeps.Eventually(t, "the other pause", func() bool { return h.server.State("mt_agent1").PauseID == "1" })
			h.apply(agents.Input{Kind: agents.PauseEnded})
			h.at(1, wire.StateIdle)
			h.ready(1)
		})
	}
}

// TestFlag: Mediatel's own flag is left alone, unless it runs campaigns of its own.
func TestFlag(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) { near.OwnCampaigns = own })
		h.ready(1)
		if own {
			testdeps.Eventually(t, "the flag to follow", func() bool { return h.server.State("mt_agent1").AutoCall })
		}
		h.server.Storm("mt_agent1", 20)
		h.server.Cut("mt_agent1")
		testdeps.Eventually(t, "another connection", func() bool { return h.Reachable(t.Context(), ext(1)) == nil })
		if n := h.server.Commands()[wire.Predictive]; n > 1 || own != h.server.State("mt_agent1").AutoCall {
			t.Errorf("own campaigns %t: toggled %d times, flag %t", own, n, h.server.State("mt_agent1").AutoCall)
		}
	}
}

// TestFlagThatIsNotTold: a state without the flag does not say that it is Off.
func TestFlagThatIsNotTold(t *testing.T) {
	t.Parallel()
	const answer = 2 * time.Second // a flag that is not seen to follow within twice that is toggled again, and rightly
	h := newHouse(t, 1, known, func(far *simulator.Options, near *mediatel.Options) {
		far.Variant, near.OwnCampaigns, near.Limits.Answer = simulator.Variant{Mixed: true}, true, answer
	})
	h.ready(1)
	testdeps.Eventually(t, "the flag to be told", func() bool {
		h.server.Storm("mt_agent1", 1)
		return h.server.State("mt_agent1").AutoCall
	})
	for began := time.Now(); time.Since(began) < 2*answer+100*time.Millisecond; {
		h.server.Storm("mt_agent1", 1)
		testdeps.Lasts(20 * time.Millisecond)
	}
	if n := h.server.Commands()[wire.Predictive]; n != 1 || !h.server.State("mt_agent1").AutoCall {
		t.Errorf("toggled %d times, flag %t", n, h.server.State("mt_agent1").AutoCall)
	}
}

// TestRestart: the agent's process there starts afresh, and the agent is logged in when that is done.
func TestRestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, unhurried)
	h.ready(1)
	must(t, h.Restart(t.Context(), ext(1))) // which is no login that was refused: the next one does not wait
	if n := h.server.Commands(); n[wire.Exit] != 1 || n[wire.Login] != 2 || h.stateOf(1) != wire.StateIdle {
		t.Errorf("commands %v; Mediatel's agent in %s", n, h.stateOf(1))
	}
	restarted := make(chan error, 1)
	go func() { restarted <- h.Restart(t.Context(), ext(1)) }()
	testdeps.Eventually(t, "another exit", func() bool { return h.server.Commands()[wire.Exit] == 2 })
	l, err := h.order(1, ann, true) // whether the agent is logged in by now or not
	must(t, err)
	l.until(dialer.CustomerAnswered)
	must(t, <-restarted)
	l.Hangup("agent")
	l.until(dialer.Ended)
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	testdeps.Eventually(t, "the loss to be noticed", func() bool { return h.Reachable(t.Context(), ext(1)) != nil })
	if h.Restart(t.Context(), ext(1)) == nil {
		t.Error("restarted without a connection")
	}
}

// TestFenceAtTheWrite: what may not be written any more is not ordered, though the self-fence let it pass.
func TestFenceAtTheWrite(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	h.ready(1)
	e := ext(1)
	call, err := h.Place(t.Context(), dialer.Call{AttemptID: 1, Agent: &e, Customer: ann,
		BeforeCustomer: func(context.Context) error { return nil }, MayWrite: func() error { return errors.New("lease over") }})
	must(t, err)
	if p := <-call.Progress(); p.Kind != dialer.Ended || p.Outcome != campaigns.Unknown || p.Cause != "lease over" || !p.NotDialed {
		t.Errorf("%+v", p)
	}
	l, err := h.order(1, ann, true) // the session goes on
	must(t, err)
	l.until(dialer.CustomerAnswered)
	l.Hangup("agent")
	l.until(dialer.Ended)
	h.atMostOneMakeCall(1)
}

// TestSelfFence: what the fence refuses is not ordered, nor what was hung up before.
func TestSelfFence(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	h.ready(1)
	e := ext(1)
	call, err := h.Place(t.Context(), dialer.Call{AttemptID: 1, Agent: &e, Customer: ann,
		BeforeCustomer: func(context.Context) error { return errors.New("lease over") }})
	must(t, err)
	if p := <-call.Progress(); p.Kind != dialer.Ended || p.Outcome != campaigns.Unknown || p.Cause != "lease over" || !p.NotDialed {
		t.Errorf("%+v", p)
	}
	var again dialer.LiveCall
	placed := make(chan struct{})
	again, err = h.Place(t.Context(), dialer.Call{AttemptID: 2, Agent: &e, Customer: ann,
		BeforeCustomer: func(context.Context) error {
			<-placed
			again.Hangup("agent")
			return nil
		}})
	must(t, err)
	close(placed)
	if p := <-again.Progress(); p.Kind != dialer.Ended || p.Outcome != campaigns.AgentGaveUp || !p.NotDialed {
		t.Errorf("%+v", p)
	}
	if n := h.server.Commands()[wire.MakeCall]; n != 0 {
		t.Errorf("%d makeCall", n)
	}
}

// TestCutAtEveryState loses the connection while the call stands in each state, with a server that knows the agent again and
// with one that wants a login first. The call is never ordered again, and its end is found in the next state.
func TestCutAtEveryState(t *testing.T) {
	t.Parallel()
	for _, state := range []string{wire.StateOrdered, wire.StateDelivered, "dialing", wire.StateActive, wire.StateHold,
		wire.StateClerical} {
		for _, forgetful := range []bool{false, true} {
			for _, endsMeanwhile := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/forgetful %t/ends %t", state, forgetful, endsMeanwhile), func(t *testing.T) {
					t.Parallel()
					cutAt(t, state, forgetful, endsMeanwhile)
				})
			}
		}
	}
}

func cutAt(t *testing.T, state string, forgetful, endsMeanwhile bool) {
	settings := []setting{func(far *simulator.Options, _ *mediatel.Options) {
		far.Rings, far.Answers = 150*time.Millisecond, 150*time.Millisecond
		far.Fate = func(string) simulator.Fate { return simulator.Fate{After: 150 * time.Millisecond} }
	}}
	if !forgetful {
		settings = append(settings, known)
	}
	h := newHouse(t, 1, settings...)
	h.ready(1)
	l, err := h.order(1, ann, true)
	must(t, err)
	talked := true
	switch state {
	case wire.StateOrdered:
		h.at(1, wire.StateOrdered)
		talked = false
	case wire.StateDelivered:
		l.until(dialer.AgentRinging)
		talked = false
	case "dialing":
		l.until(dialer.CustomerDialing)
		talked = false
	default:
		l.until(dialer.CustomerAnswered)
	}
	switch state {
	case wire.StateHold:
		must(t, l.LiveCall.(dialer.Holder).Hold(t.Context()))
	case wire.StateClerical:
		h.server.SetAway(true)
		h.server.Cut("mt_agent1")
		h.server.HangUp("mt_agent1")
	}
	if endsMeanwhile {
		h.server.SetAway(true)
		h.server.Cut("mt_agent1")
		h.server.HangUp("mt_agent1")
	} else {
		h.server.Cut("mt_agent1")
	}
	if endsMeanwhile {
		testdeps.Eventually(t, "the loss to be noticed", func() bool { return h.Reachable(shortly(t), ext(1)) != nil })
	}
	h.server.SetAway(false)
	if !endsMeanwhile && state != wire.StateClerical {
		if !talked {
			l.until(dialer.CustomerAnswered)
		}
		talked = true
		h.server.HangUp("mt_agent1")
	}
	end := l.until(dialer.Ended)
	if talked && end.Outcome != campaigns.Answered || !talked && end.Outcome == campaigns.Answered {
		t.Errorf("talked %t, end %+v", talked, end)
	}
	h.atMostOneMakeCall(1)
	if h.stateOf(1) == wire.StateClerical {
		must(t, h.SetCode(t.Context(), ext(1), l.trace, "4"))
	}
	h.ready(1)
}

func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// TestLostForGood: nobody comes back within the limit, and the process there forgets.
func TestLostForGood(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) { near.Limits.Resync = 300 * time.Millisecond })
		h.ready(1)
		l, err := h.order(1, ann, true)
		must(t, err)
		l.until(dialer.CustomerDialing)
		if crash {
			h.server.Crash("mt_agent1")
		} else {
			h.server.SetAway(true)
			h.server.Cut("mt_agent1")
		}
		if end := l.until(dialer.Ended); end.Outcome == campaigns.NoAnswer {
			t.Errorf("crash %t: end %+v", crash, end)
		}
		h.server.SetAway(false)
		h.atMostOneMakeCall(1)
		if !crash { // the call is still up there: nobody is called by this agent before it ends
			testdeps.Eventually(t, "a connection", func() bool {
				err := h.Reachable(t.Context(), ext(1))
				return err != nil && !strings.Contains(err.Error(), "not connected")
			})
			if _, err := h.order(1, "+447700900124", true); err == nil {
				t.Error("another call beside the one given up")
			}
			h.server.HangUp("mt_agent1")
		}
		h.ready(1)
	}
}

// TestVariants runs calls over servers that stray from the protocol: every call ends, none is ordered twice, and the agent
// is free again.
func TestVariants(t *testing.T) {
	t.Parallel()
	for name, variant := range simulator.Variants {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				t.Parallel()
				h := newHouse(t, 4, known, func(far *simulator.Options, near *mediatel.Options) {
					far.Variant, far.Seed, far.WrapUp = variant, seed, 500*time.Millisecond
					near.Limits.Answer, near.Limits.Settle = time.Second, 3*time.Second // answers are lost
					far.Fate = func(number string) simulator.Fate {
						return simulator.Fate{Error: map[bool]string{true: "Busy"}[number[len(number)-1] == '3'], After: 10 * time.Millisecond,
							Talk: 20 * time.Millisecond}
					}
				})
				var working sync.WaitGroup
				var orders sync.Map
				for agent := range int64(4) {
					working.Go(func() { h.work(agent+1, &orders) })
				}
				working.Wait()
				n := 0
				orders.Range(func(any, any) bool { n++; return true })
				h.atMostOneMakeCall(n)
			})
		}
	}
}

// work has one agent make five calls; a server that strays may refuse some.
func (h *house) work(agent int64, orders *sync.Map) {
	for i := range 5 {
		number := fmt.Sprintf("+4477009%d%02d%d", agent, i, i)
		var l *live
		var why error
		defer func() {
			if h.tb.Failed() {
				h.tb.Logf("agent %d, call %d: %v; at Mediatel %s", agent, i, why, h.stateOf(agent))
			}
		}()
		testdeps.Eventually(h.tb, "a call to be placed", func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			if why = h.Reachable(ctx, ext(agent)); why != nil {
				return false
			}
			l, why = h.order(agent, number, true)
			return why == nil
		})
		orders.Store(number, true)
		l.Hangup(map[bool]string{true: "agent"}[i == 4])
		end := l.until(dialer.Ended)
		if end.Outcome == campaigns.Answered {
			_ = h.SetCode(context.Background(), ext(agent), l.trace, "4") // or Mediatel's own limit ends it
		}
	}
}

// TestStorm: a server that sends without end is read at a bounded rate, in order, and the call still gets through.
func TestStorm(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) {
		near.Limits.Settle = patience // states of the moment before the order may be all that is read for a while
	})
	h.ready(1)
	l, err := h.order(1, ann, true)
	must(t, err)
	h.server.Storm("mt_agent1", 300)
	l.until(dialer.CustomerAnswered)
	h.server.Storm("mt_agent1", 300)
	l.Hangup("agent")
	if end := l.until(dialer.Ended); end.Outcome != campaigns.Answered {
		t.Errorf("end %+v", end)
	}
	h.atMostOneMakeCall(1)
}

// TestExternal: a call that we did not order keeps ours away, and is told.
func TestExternal(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	h.ready(1)
	h.server.Give("mt_agent1", ann, "10000001", "AUTO_1", "https://crm.example.com/10000001")
	seen := <-h.others
	if seen.AgentID != 1 || seen.Extension.Name != "x1" || seen.CallTraceID == "" || seen.CustomerID != "10000001" ||
		seen.Number != ann || seen.Queue != "AUTO_1" || seen.Card.Link != "https://crm.example.com/10000001" {
		t.Errorf("seen %+v", seen)
	}
	if _, err := h.order(1, "+447700900124", true); err == nil {
		t.Error("a call beside another")
	}
	if h.Reachable(t.Context(), ext(1)) == nil {
		t.Error("reachable in a call that is not ours")
	}
	l := &live{LiveCall: seen.Live, h: h}
	l.until(dialer.CustomerAnswered)
	l.Hangup("agent")
	if end := l.until(dialer.Ended); end.Outcome != campaigns.Answered || end.CallTraceID == "" {
		t.Errorf("end %+v", end)
	}
	must(t, h.SetCode(t.Context(), ext(1), l.trace, "4"))
	h.ready(1)
}

// TestExternalThatRingsInVain: nobody was called, so there is nothing to keep; Mediatel's Force Pause is ours.
func TestExternalThatRingsInVain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	h.ready(1)
	h.server.SetSilent("x1", true)
	h.server.Give("mt_agent1", ann, "10000001", "AUTO_1", "")
	testdeps.Eventually(t, "Force Pause", func() bool { return h.roster.get(1).State == agents.ForcePause })
	if len(h.others) != 0 {
		t.Errorf("told of %+v", <-h.others)
	}
}

// TestExternalOutlivesTheSession: a process that stops does not wait for a call that is not its own, and leaves how it ends open.
func TestExternalOutlivesTheSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) { near.Limits.Resync = time.Hour })
	h.ready(1)
	h.server.Give("mt_agent1", ann, "10000001", "AUTO_1", "")
	seen := <-h.others
	l := &live{LiveCall: seen.Live, h: h}
	l.until(dialer.CustomerAnswered)
	h.stop()
	if end := l.until(dialer.Ended); end.Outcome != campaigns.Unknown {
		t.Errorf("end %+v", end)
	}
	if got := h.stateOf(1); got != wire.StateActive {
		t.Errorf("the call is %s", got)
	}
}

// TestNoProcessFree: a connection that no agent process serves is given up, and the next one tried.
func TestNoProcessFree(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) { near.Limits.Retry = time.Second })
	h.ready(1)
	h.server.SetUnable(2)
	h.server.Cut("mt_agent1")
	testdeps.Eventually(t, "the reason", func() bool {
		err := h.Reachable(t.Context(), ext(1))
		return err != nil && strings.Contains(err.Error(), "no agent process is free")
	})
	h.ready(1)
}

// TestLoginRefused: the reason is told, and tries become rare.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, unhurried, func(_ *simulator.Options, near *mediatel.Options) { near.Credentials = passwords("wrong") })
	testdeps.Eventually(t, "the reason", func() bool {
		err := h.Reachable(t.Context(), ext(1))
		return err != nil && strings.Contains(err.Error(), "Wrong login or password")
	})
	if n := h.server.Commands()[wire.Login]; n > 4 {
		t.Errorf("%d tries within moments", n)
	}
}

// TestRedirected: an edge that sends our connection elsewhere is told of, and our cookie does not go along.
func TestRedirected(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+"/login?url=x", http.StatusFound)
	}))
	defer edge.Close()
	r := newRoster()
	n, err := mediatel.New(mediatel.Options{Node: "n1", Roster: r, Credentials: passwords("secret"), Cookies: cookies{},
		URL: edge.URL + "/mediatel/socket.io",
		Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	r.logOn(1)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); n.Run(ctx) }()
	var why error
	testdeps.Eventually(t, "the reason", func() bool {
		why = n.Reachable(shortly(t), ext(1))
		return why != nil && strings.Contains(why.Error(), "refuses our cookie")
	})
	stop()
	<-ended
	if n := followed.Load(); n != 0 || !strings.Contains(why.Error(), "sent on to localhost:") {
		t.Errorf("followed %d times; the reason: %v", n, why)
	}
}
