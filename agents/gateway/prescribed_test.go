package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/interop"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// TestPrescribedClient lives through an agent's day with a Socket.IO client that we did not write.
func TestPrescribedClient(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	h.keepReachable()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	tab := prescribedTab(ctx, t, h)
	defer tab.Close()
	until := func(state string, is func(wire.State) bool) wire.State {
		t.Helper()
		s, err := tab.Wait(ctx, state, func(s wire.State) bool { return s.State == state && (is == nil || is(s)) })
		must(t, err)
		return s
	}
	send := func(c wire.Command) {
		t.Helper()
		must(t, tab.Send(c))
	}
	send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right", Extension: "3001"})
	if s := until(wire.StateIdle, nil); s.AgentExt != "3001" || s.AgentID != "2001" || !slices.Equal(s.Queues,
		[]string{"AUTO_1", "MANUAL_1"}) {
		t.Errorf("after the login: %+v", s)
	}

	send(wire.Command{Type: wire.SetPause, ID: "4"})
	until(wire.StatePause, func(s wire.State) bool { return s.PauseID == "4" })
	send(wire.Command{Type: wire.SetPause, ID: "0"})
	until(wire.StateIdle, nil)

	send(wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123", QueueName: "MANUAL_1"})
	ringing := until(wire.StateDelivered, func(s wire.State) bool { return s.CallTraceID != "" })
	if ringing.ANI != "+447700900123" || ringing.CallCustomerID != "10000001" || len(ringing.Codes) != 2 {
		t.Errorf("ringing: %+v", ringing)
	}
	h.act("connect")
	until(wire.StateActive, nil)
	send(wire.Command{Type: wire.HoldCall})
	until(wire.StateHold, nil)
	send(wire.Command{Type: wire.Retrieve})
	until(wire.StateActive, nil)
	send(wire.Command{Type: wire.CloseCall})
	until(wire.StateClerical, nil)
	send(wire.Command{Type: wire.SetCode, ID: "4"})
	until(wire.StateIdle, nil)
	send(wire.Command{Type: wire.Logout})
	until(wire.StateLogout, nil)
}

// prescribedTab opens a tab that has tried to log in with a wrong password. What the client emits first may stay with it:
// another tab tries then.
func prescribedTab(ctx context.Context, t *testing.T, h *house) *interop.Tab {
	t.Helper()
	for {
		tab, err := interop.OpenTab(ctx, h.url, http.Header{"Cookie": {h.cookie("1")}})
		must(t, err)
		s, err := tab.Wait(ctx, wire.StateLogout, func(s wire.State) bool { return s.State == wire.StateLogout })
		must(t, err)
		if !slices.Contains(s.Commands, wire.CmdLogin) {
			t.Errorf("before the login: %+v", s)
		}
		must(t, tab.Send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "wrong", Extension: "3001"}))
		patience, cancel := context.WithTimeout(ctx, 20*time.Second)
		_, err = tab.Wait(patience, "the refusal", func(s wire.State) bool {
			return s.State == wire.StateLogout && s.LoginErrorID == errCredentials.id && s.LoginAttempt == 1
		})
		cancel()
		if err == nil {
			return tab
		}
		tab.Close()
		if !errors.Is(patience.Err(), context.DeadlineExceeded) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
