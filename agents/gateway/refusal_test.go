package gateway

import (
	"encoding/json"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestRefusalsAreShown: each command that is not carried out says so in the tab's state, until one that is.
func TestRefusalsAreShown(t *testing.T) {
	h := newHouse(t, "", func(d *Deps) { d.MayCall = func(queue string) bool { return queue == "MANUAL_1" } })
	p := h.open("1")
	refused := func(what string, command any, id string) wire.State {
		t.Helper()
		s := p.answered(command)
		if s.CallErrorID != id || s.CallError == "" {
			t.Errorf("%s: callErrorID %q %q, want %s", what, s.CallErrorID, s.CallError, id)
		}
		return s
	}
	accepted := func(what string, c wire.Command) {
		t.Helper()
		before := p.count() // what is pushed for another reason meanwhile still shows the refusal before
		p.send(c)
		p.wait(what+" ends the refusal", func(s wire.State) bool {
			return p.count() > before && s.CallErrorID == "" &&
				s.CallError == ""
		})
	}
	refused("a pause before the login", wire.Command{Type: wire.SetPause, ID: "1"}, agents.NotAllowedError)
	p.send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right", Extension: "3001"})
	p.wait("a login, and no refusal", func(s wire.State) bool { return s.State == wire.StateIdle && s.CallErrorID == "" })
	_, err := h.roster.Apply(t.Context(), 2001, agents.Input{Kind: agents.ReachableChanged, Reachable: true})
	must(t, err)
	p.wait("the flag", func(s wire.State) bool { return s.AutoCall })

	refused("an unknown queue", wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123", QueueName: "NOWHERE"},
		agents.UnknownQueueError)
	refused("a queue of somebody else", wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123", QueueName: "AUTO_1"},
		agents.UnknownQueueError)
	refused("no number", wire.Command{Type: wire.MakeCall, PhoneNumber: "Ann"}, agents.NotPlacedError)
	refused("hold without a call", wire.Command{Type: wire.HoldCall}, agents.NotAllowedError)
	refused("a code without a call", wire.Command{Type: wire.SetCode, ID: "4"}, agents.CodeTooLateError)
	refused("a pause that is none", wire.Command{Type: wire.SetPause, ID: "99"}, agents.NotAllowedError)
	refused("no command", wire.Command{Type: "elephant"}, agents.NotAllowedError)
	refused("no object", "elephant", agents.NotAllowedError)
	refused("another agent's login", wire.Command{Type: wire.Login, User: "mt_agent2", Password: "right"}, agents.NotAllowedError)
	other := h.open("1")
	if s := other.last(); s.CallErrorID != "" {
		t.Errorf("another tab is shown %q", s.CallErrorID)
	}
	other.close()

	accepted("a pause", wire.Command{Type: wire.SetPause, ID: "1"})
	accepted("the same pause again", wire.Command{Type: wire.SetPause, ID: "1"})
	accepted("its end", wire.Command{Type: wire.SetPause, ID: "0"})
	accepted("a login again", wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right"})

	// What the gate refuses is shown until the next command, too.
	p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "666"})
	p.wait("a rule", func(s wire.State) bool { return s.State == wire.StateIdle && s.CallErrorID == agents.RuleError })
	p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "000"})
	p.wait("not placed", func(s wire.State) bool { return s.State == wire.StateIdle && s.CallErrorID == agents.NotPlacedError })
	accepted("a pause after it", wire.Command{Type: wire.SetPause, ID: "1"})
	accepted("its end", wire.Command{Type: wire.SetPause, ID: "0"})
}

// TestCodeOfAnotherCall: a code that names its call is taken for that one alone, and for none after its time.
func TestCodeOfAnotherCall(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123"})
	trace := p.state(wire.StateDelivered).CallTraceID
	must(t, h.calls.apply(t.Context(), 2001, agents.Input{Kind: agents.Connected}))
	p.state(wire.StateActive)
	if s := p.answered(json.RawMessage(`{"type":"resolutionSet","id":4,"callTraceID":"999"}`)); s.CallErrorID != agents.CodeTooLateError {
		t.Errorf("for another call: %q %q", s.CallErrorID, s.CallError)
	}
	if c := h.live(2001).Call; c == nil || c.CodeID != "" {
		t.Errorf("the call is %+v", c)
	}
	p.answered(json.RawMessage(`{"type":"resolutionSet","id":"4","callTraceID":` + trace + `}`)) // a number does as well
	testdeps.Eventually(h.tb, "the code", func() bool { c := h.live(2001).Call; return c != nil && c.CodeID == "4" })
	if s := p.answered(wire.Command{Type: wire.SetCode, ID: "99"}); s.CallErrorID != agents.NotAllowedError {
		t.Errorf("no such code: %q", s.CallErrorID)
	}
	p.send(wire.Command{Type: wire.SetPause, ID: "4"})
	p.wait("the pause to come", func(s wire.State) bool { return s.PausePending == "4" && s.PauseID == "" && s.CallErrorID == "" })
	must(t, h.calls.Hangup(t.Context(), 2001))
	p.state(wire.StateClerical)
	must(t, h.calls.apply(t.Context(), 2001, agents.Input{Kind: agents.WrapUpOver}))
	p.wait("the pause", func(s wire.State) bool { return s.State == wire.StatePause && s.PauseID == "4" && s.PausePending == "" })
	if s := p.answered(wire.Command{Type: wire.SetCode, ID: "4", CallTraceID: trace}); s.CallErrorID != agents.CodeTooLateError {
		t.Errorf("too late: %q", s.CallErrorID)
	}
}

// TestNeighbourAway: what could not be carried out for want of Redis is said.
func TestNeighbourAway(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	must(t, h.store.change(2001, func(*agents.Agent) {}))
	h.store.mu.Lock()
	h.store.err = errRefused // SQL is away: a flag that goes On is on record first
	h.store.mu.Unlock()
	must(t, p.client.Emit(wire.EventData, wire.Command{Type: wire.Predictive})) // Off is safe without
	p.wait("the flag Off", func(s wire.State) bool { return !s.AutoCall })
	if s := p.answered(wire.Command{Type: wire.Predictive}); s.AutoCall || s.CallErrorID != agents.NotAllowedError ||
		s.CallError == "" {
		t.Errorf("flag %v, %q %q", s.AutoCall, s.CallErrorID, s.CallError)
	}
	h.store.mu.Lock()
	h.store.err = nil
	h.store.mu.Unlock()
	p.send(wire.Command{Type: wire.Predictive})
	p.wait("the flag On", func(s wire.State) bool { return s.AutoCall && s.CallErrorID == "" })
}
