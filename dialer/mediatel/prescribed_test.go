package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	"github.com/creditorro/ringmaster/internal/interop"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// prescribed has the Mediatel server on a Socket.IO server that we did not write.
func prescribed(far *simulator.Options, _ *mediatel.Options) { far.Carry = interop.Mediatel }

// TestPrescribedServer: our client does at that server what it does at ours.
func TestPrescribedServer(t *testing.T) {
	t.Parallel()
	t.Run("call", func(t *testing.T) {
		t.Parallel()
		testCall(t, newHouse(t, 1, known, prescribed))
	})
	t.Run("login", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, 1, prescribed, unhurried) // by password, not by cookie
		h.ready(1)
		if n := h.server.Commands()[wire.Login]; n != 1 {
			t.Errorf("%d logins", n)
		}
	})
	t.Run("customer hangs up", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, 1, known, prescribed)
		h.ready(1)
		l, err := h.order(1, ann, true)
		must(t, err)
		l.until(dialer.CustomerAnswered)
		h.server.HangUp(login(1))
		if end := l.until(dialer.Ended); end.Outcome != campaigns.Answered || end.HangupBy != "customer" || end.CallTraceID != l.trace {
			t.Errorf("end %+v", end)
		}
		h.atMostOneMakeCall(1)
	})
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, 1, known, prescribed, func(far *simulator.Options, _ *mediatel.Options) {
			far.Fate = func(string) simulator.Fate { return simulator.Fate{Error: "Busy", After: 20 * time.Millisecond} }
		})
		h.ready(1)
		l, err := h.order(1, ann, true)
		must(t, err)
		if end := l.until(dialer.Ended); end.Outcome != campaigns.Busy {
			t.Errorf("end %+v", end)
		}
		h.at(1, wire.StateIdle)
	})
	t.Run("connection cut in a talk", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, 1, known, prescribed)
		h.ready(1)
		l, err := h.order(1, ann, true)
		must(t, err)
		l.until(dialer.CustomerAnswered)
		h.server.Cut(login(1))
		testdeps.Eventually(t, "connected again", func() bool {
			return h.server.Connections() == 1 &&
				l.LiveCall.(dialer.Holder).Hold(t.Context()) == nil
		})
		l.until(dialer.HeldProgress)
		l.Hangup("agent")
		if end := l.until(dialer.Ended); end.Outcome != campaigns.Answered {
			t.Errorf("end %+v", end)
		}
		h.atMostOneMakeCall(1)
	})
}
