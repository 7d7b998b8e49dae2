package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestNobodyEntersWithoutACookie(t *testing.T) {
	h := newHouse(t, "")
	for _, transport := range []string{"polling", "websocket"} {
		for _, cookie := range []string{"", "VouchCookie=x"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"?EIO=4&transport="+transport, nil)
			must(t, err)
			r.Header.Set("Cookie", cookie)
			if transport == "websocket" {
				for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
					"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} {
					r.Header.Set(k, v)
				}
			}
			res, err := http.DefaultClient.Do(r)
			must(t, err)
			res.Body.Close()
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s with cookie %.15q: %s", transport, cookie, res.Status)
			}
		}
	}
}

func TestLoginAndLogout(t *testing.T) {
	h := newHouse(t, "")
	p := h.open("1")
	if s := p.last(); s.State != wire.StateLogout || s.Status != wire.StatusOffline || s.AgentID != "" ||
		!slices.Contains(s.Commands, wire.CmdLogin) {
		t.Errorf("before the login: %+v", s)
	}
	if want := []string{`remoteConnect {"host":"farm-01","port":0}`}; !slices.Equal(p.other, want) {
		t.Errorf("greeted with %q, want %q", p.other, want)
	}
	p.send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right", Extension: "3001"})
	s := p.state(wire.StateIdle)
	s.ServerTime, s.Since = time.Time{}, time.Time{}
	want := wire.State{
		State: wire.StateIdle, Status: wire.StatusAvailable, AgentID: "2001", AgentName: "mt_agent1", AgentExt: "3001", AutoCall: true,
		Pauses: []wire.Pause{{ID: "1", Name: "Technical Break"}, {ID: "4", Name: "Meeting"}}, Queues: []string{"AUTO_1", "MANUAL_1"},
		Commands: allowed[agents.Available], Available: true, LoginAttempt: 1, Host: "farm-01", CardType: "3",
	}
	if got, _ := json.Marshal(&s); string(got) != string(want.AppendJSON(nil)) {
		t.Errorf("after the login %s\nwant %s", got, want.AppendJSON(nil))
	}
	for _, key := range []string{"avaliableCommand", "availableCommand", "awaliableCallCodes", "availableCallCodes", "isAvaliable",
		"isAvailable"} {
		if !strings.Contains(string(p.raw[len(p.raw)-1]), `"`+key+`":`) {
			t.Errorf("no %s", key)
		}
	}
	if h.store.agent(2001).Extension != "3001" {
		t.Error("extension not taken")
	}

	p.send(wire.Command{Type: wire.Logout})
	p.state(wire.StateLogout)
	testdeps.Eventually(h.tb, "the extension is free", func() bool { return h.store.agent(2001).Extension == "" })
	if l := h.live(2001); l.State != agents.LoggedOff {
		t.Errorf("live: %s", l.State)
	}
	p.send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right", Extension: "3002"})
	if s := p.state(wire.StateIdle); s.AgentExt != "3002" {
		t.Errorf("again: %+v", s)
	}
}

// patient lets everybody try for ever.
type patient struct{}

func (patient) Allow(context.Context, string, string, string) error { return nil }
func (patient) Succeeded(context.Context, string, string, string)   {}

func TestLoginsRefused(t *testing.T) {
	h := newHouse(t, "", func(d *Deps) { d.Tries = patient{} })
	h.login(9)
	must(t, h.store.change(2002, func(a *agents.Agent) { a.Disabled = true; a.UserID = "1" }))
	must(t, h.store.change(2004, func(a *agents.Agent) { a.UserID, a.Username = "1", "somebody@example.com" }))
	p := h.open("1")
	login := func(agent, password, extension string) wire.Command {
		return wire.Command{Type: wire.Login, User: agent, Password: password, Extension: extension}
	}
	for i, c := range []struct {
		login wire.Command
		want  loginError
	}{
		{login("mt_agent1", "wrong", "3001"), errCredentials},
		{login("nobody", "right", "3001"), errCredentials},
		{login("mt_agent1", "", "3001"), errCredentials},
		{login("mt_agent2", "right", "3001"), errCredentials},
		{login("mt_agent5", "right", "3001"), errNotYours},
		{login("mt_agent3", "right", "3001"), errNotYours},
		{login("mt_agent4", "right", "3001"), errNotYours},
		{login("mt_agent1", "right", "4711"), errExtension},
		{login("mt_agent1", "right", "3009"), errTaken},
	} {
		s := p.answered(c.login)
		if s.State != wire.StateLogout || s.LoginErrorID != c.want.id || s.LoginError != phrasebook.For("en").Line(c.want.why) ||
			s.LoginAttempt != i+1 {
			t.Errorf("%+v: %+v, want %v", c.login, s, c.want)
		}
	}
}

// TestAgentBoundToNobody: made by name and password alone, it takes whoever knows the password, and nobody else.
func TestAgentBoundToNobody(t *testing.T) {
	h := newHouse(t, "")
	must(t, h.store.change(2003, func(a *agents.Agent) { a.UserID, a.Username = "", "" }))
	p := h.open("1")
	login := wire.Command{Type: wire.Login, User: "mt_agent3", Password: "wrong", Extension: "3003"}
	if s := p.answered(login); s.LoginErrorID != errCredentials.id {
		t.Errorf("%+v", s)
	}
	login.Password = "right"
	p.send(login)
	p.state(wire.StateIdle)
	if h.store.agent(2003).Extension != "3003" {
		t.Error("extension not taken")
	}
}

// TestGuessing stops after a few tries, for the guesser alone.
func TestGuessing(t *testing.T) {
	h := newHouse(t, "")
	guesser, owner := h.open("1"), h.open("2")
	login := wire.Command{Type: wire.Login, User: "mt_agent2", Password: "wrong", Extension: "3002"}
	for range 5 {
		if s := guesser.answered(login); s.LoginErrorID != errCredentials.id {
			t.Errorf("%+v", s)
		}
	}
	login.Password = "right"
	if s := guesser.answered(login); s.LoginErrorID != errTooOften.id {
		t.Errorf("guessing goes on: %+v", s)
	}
	owner.send(login)
	owner.state(wire.StateIdle)
}

func TestACallByHand(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123"})
	s := p.state(wire.StateDelivered)
	if s.ANI != "+447700900123" || s.DNIS != "3001@192.0.2.1:5060" || s.CallTraceID != "1000000001" ||
		s.CallCustomerID != "10000001" || s.QueueName != "AUTO_1" ||
		s.QueueID != "9" || s.Card != "https://crm.example.com/card/10000001" || s.CardType != "3" || s.CallType != "1" ||
		s.MaxCall != 3*time.Minute ||
		len(s.Codes) != 2 || s.Codes[1] != (wire.Code{ID: "7", Name: "No answer", ActionFlag: "2"}) || len(s.History) != 1 ||
		s.CallStart == "" {
		t.Errorf("delivered: %+v", s)
	}
	must(t, h.calls.apply(t.Context(), 2001, agents.Input{Kind: agents.Connected}))
	p.state(wire.StateActive)
	p.send(wire.Command{Type: wire.HoldCall})
	p.state(wire.StateHold)
	p.send(wire.Command{Type: wire.Retrieve})
	p.state(wire.StateActive)
	for _, want := range []bool{true, false, true} {
		p.send(wire.Command{Type: wire.MuteCall})
		p.wait("mute", func(s wire.State) bool { return s.Muted == want })
	}
	p.send(wire.Command{Type: wire.CloseCall})
	if s := p.state(wire.StateClerical); s.Muted || s.CallTraceID != "1000000001" || len(s.Codes) != 2 {
		t.Errorf("clerical: %+v", s)
	}
	if s := p.answered(wire.Command{Type: wire.SetCode, ID: "5"}); s.State != wire.StateClerical {
		t.Errorf("took a code that is not on offer: %+v", s)
	}
	p.send(wire.Command{Type: wire.SetCode, ID: "4"})
	if s := p.state(wire.StateIdle); s.CallTraceID != "" || s.Codes != nil || s.Card != "" {
		t.Errorf("idle: %+v", s)
	}
}

func TestAnAutomaticCallAndAPauseAskedForMeanwhile(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	if l, err := h.calls.automatic(t.Context(), "77"); err != nil || l.AgentID != 2001 {
		t.Fatal(l, err)
	}
	if s := p.state(wire.StateDelivered); s.CallType != "3" || s.QueueName != "AUTO_1" || s.Card == "" {
		t.Errorf("%+v", s)
	}
	p.send(wire.Command{Type: wire.SetPause, ID: "4"})
	p.send(wire.Command{Type: wire.SetCode, ID: "4"})
	p.send(wire.Command{Type: wire.CloseCall})
	p.state(wire.StateClerical)
	p.send(wire.Command{Type: wire.SetCode, ID: "4"})
	if s := p.state(wire.StatePause); s.PauseID != "4" || s.Status != wire.StatusPause {
		t.Errorf("%+v", s)
	}
	if a := h.store.agent(2001); a.PauseID != "4" {
		t.Errorf("on record: %+v", a)
	}
	p.send(wire.Command{Type: wire.SetPause, ID: "0"})
	p.state(wire.StateIdle)
	if a := h.store.agent(2001); a.PauseID != "0" {
		t.Errorf("on record: %+v", a)
	}
	p.send(wire.Command{Type: wire.Predictive})
	p.wait("the flag off", func(s wire.State) bool { return !s.AutoCall })
	if _, err := h.calls.automatic(t.Context(), "78"); !errors.Is(err, errNobodyFree) || h.store.agent(2001).AutoCall {
		t.Errorf("a call with the flag off: %v", err)
	}
}

func TestForcePause(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	h.calls.set(reason.Wrap(0, reason.Said("the phone is not registered"), errors.New("sipua: flow lost")), true)
	p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123", QueueName: "MANUAL_1"})
	s := p.state(wire.StatePause)
	if s.PauseID != "1000" || s.CallErrorID != "-223" || s.CallError != "No Answer from agent" {
		t.Errorf("%+v", s)
	}
	if slices.ContainsFunc(s.Pauses, func(p wire.Pause) bool { return p.ID == "1000" }) {
		t.Error("Force Pause is on offer")
	}
	if a := h.store.agent(2001); a.PauseID != "1000" || a.PauseCause.IsZero() {
		t.Errorf("on record: %+v", a)
	}
	p.answered(wire.Command{Type: wire.SetPause, ID: "4"}) // is no way out
	p.send(wire.Command{Type: wire.SetPause, ID: "0"})
	p.wait("the reason", func(s wire.State) bool { return s.PauseID == "1000" && s.CallError == "the phone is not registered" })
	h.calls.set(nil, false)
	p.send(wire.Command{Type: wire.SetPause, ID: "0"})
	if s := p.state(wire.StateIdle); s.PauseID != "" || s.CallErrorID != "" || s.CallError != "" {
		t.Errorf("%+v", s)
	}
	if a := h.store.agent(2001); a.PauseID != "0" {
		t.Errorf("on record: %+v", a)
	}
}

func TestFailedCallsPass(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	for number, want := range map[string]string{"+447700900666": agents.RuleError, "+447700900000": agents.NotPlacedError} {
		before := p.count()
		p.send(wire.Command{Type: wire.MakeCall, PhoneNumber: number})
		p.wait("the failure to pass", func(s wire.State) bool { return s.State == wire.StateIdle && s.CallErrorID == want })
		p.mu.Lock()
		failed := slices.ContainsFunc(p.seen[before:], func(s wire.State) bool {
			return s.State == wire.StateFailed && s.Status == wire.StatusAvailable && s.CallErrorID == want && s.CallError != ""
		})
		p.mu.Unlock()
		if !failed {
			t.Errorf("%s: no passing state", number)
		}
	}
	// An automatic call whose customer is not reached.
	if _, err := h.calls.automatic(t.Context(), "77"); err != nil {
		t.Fatal(err)
	}
	p.state(wire.StateDelivered)
	must(t, h.calls.apply(t.Context(), 2001, agents.Input{Kind: agents.CustomerFailed, ErrorID: "-17",
		ErrorText: reason.Said("busy")}))
	p.wait("idle", func(s wire.State) bool { return s.State == wire.StateIdle && s.CallError == "busy" })
	if p.seen[len(p.seen)-2].State != wire.StateFailed {
		t.Errorf("%+v", p.seen[len(p.seen)-2])
	}
}

func TestNonsenseChangesNothing(t *testing.T) {
	h := newHouse(t, "")
	p := h.login(1)
	must(t, p.client.Emit("nonsense", 1))
	before := h.live(2001).Version
	for _, args := range [][]any{
		{}, {nil}, {7}, {"login"}, {[]int{1}}, {map[string]any{}}, {map[string]any{"type": 7.5}},
		{map[string]any{"type": []string{"logout"}}},
		{map[string]any{"type": "sing"}}, {map[string]any{"type": "pause", "id": map[string]int{"x": 1}}},
		{map[string]any{"type": "pause", "id": "99"}},
		{map[string]any{"type": "pause", "id": "1000"}}, {map[string]any{"type": "pause"}}, {map[string]any{"type": "pause", "id": 0}},
		{map[string]any{"type": "makeCall"}}, {map[string]any{"type": "makeCall", "phoneNumber": "'; drop table"}},
		{map[string]any{"type": "makeCall", "phoneNumber": "+447700900123", "queueName": "OTHERS"}},
		{map[string]any{"type": "makeCall", "phoneNumber": strings.Repeat("1", 50)}},
		{map[string]any{"type": "closeCall"}}, {map[string]any{"type": "holdCall"}}, {map[string]any{"type": "retrieveCall"}},
		{map[string]any{"type": "muteCall"}},
		{map[string]any{"type": "resolutionSet", "id": 4}}, {map[string]any{"type": "login", "user": "mt_agent2", "password": "right"}},
		{map[string]any{"type": "pause", "id": strings.Repeat("x", 500_000)}}, {[]byte{1, 2, 3}},
	} {
		if s := p.answered(args...); s.State != wire.StateIdle || s.AgentID != "2001" {
			t.Errorf("%.80v: %+v", args, s)
		}
	}
	if l := h.live(2001); l.Version != before || l.State != agents.Available {
		t.Errorf("changed: %+v", l)
	}
	// A flood is replied to, if not each time, and the connection goes on.
	id, n := p.client.ID(), p.count()
	for range 500 {
		must(t, p.client.Emit(wire.EventData, map[string]any{"type": "holdCall"}))
	}
	p.wait("an answer to the flood", func(wire.State) bool { return p.count() > n })
	testdeps.Eventually(h.tb, "commands are taken again", func() bool {
		p.send(wire.Command{Type: wire.SetPause, ID: "4"})
		testdeps.Lasts(100 * time.Millisecond)
		return p.last().State == wire.StatePause
	})
	if p.client.ID() != id {
		t.Error("the connection was dropped")
	}
}
