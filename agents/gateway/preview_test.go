package gateway

import (
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// TestAPreviewOnTheWire: a tab that knows nothing of previews sees an agent who is Available, and whom to call.
func TestAPreviewOnTheWire(t *testing.T) {
	h := newHouse(t, "")
	h.keepReachable()
	p := h.login(1)
	free := func(l wire.State) bool { return l.State == wire.StateIdle && l.ANI == "" }
	shown := func(l wire.State) bool { return l.State == wire.StateIdle && l.ANI == "+380501234567" }
	if s := p.answered(wire.Command{Type: wire.Skip, Reason: "nobody"}); s.CallErrorID != agents.NotAllowedError {
		t.Errorf("skipped nobody: %+v", s)
	}
	must(t, h.calls.preview(t.Context(), 2001))
	s := p.wait("a preview", shown)
	if s.CallCustomerID != "10000007" || s.Card != "https://crm.example.com/card/10000007" || s.QueueName != "AUTO_1" ||
		s.PreviewUntil.IsZero() || s.CallTraceID != "" || len(s.Codes) != 0 || !slices.Contains(s.Commands, wire.CmdSkip) ||
		!slices.Contains(s.Commands, wire.CmdMakeCall) {
		t.Errorf("shown %+v", s)
	}
	if s := p.answered(wire.Command{Type: wire.Skip, Reason: strings.Repeat("x", maxSkipReason+1)}); !shown(s) ||
		s.CallErrorID != agents.NotAllowedError {
		t.Errorf("skipped for too long a reason: %+v", s)
	}
	p.send(wire.Command{Type: wire.Skip, Reason: "wrong person"})
	if s := p.wait("nobody", free); slices.Contains(s.Commands, wire.CmdSkip) || h.calls.skipped != "wrong person" {
		t.Errorf("skipped for %q: %+v", h.calls.skipped, s)
	}
	must(t, h.calls.preview(t.Context(), 2001))
	p.wait("a preview", shown)
	p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "050 123 45 67", QueueName: "MANUAL_1"})
	if s := p.state(wire.StateDelivered); s.QueueName != "AUTO_1" {
		t.Errorf("called in the line %q", s.QueueName)
	}
}
