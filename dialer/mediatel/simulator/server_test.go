package simulator

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/socketio"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// page is an agent's tab at a server of its own.
type page struct {
	t      *testing.T
	server *Server
	client *socketio.Client
	states chan wire.State
}

func newPage(t *testing.T, o Options) *page {
	t.Helper()
	o.Agents = []Agent{{ID: "2001", Login: "ann", Password: "secret", Queues: []string{"MANUAL_1", "AUTO_1"}},
		{ID: "2002", Login: "bob", Password: "secret"}}
	server, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	client, err := socketio.NewClient(web.URL+Path, socketio.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t: t, server: server, client: client, states: make(chan wire.State, 1000)}
	client.On(wire.EventData, func(ev *socketio.Event) {
		var state wire.State
		if err := state.UnmarshalJSON(ev.Args[0]); err != nil {
			t.Error(err)
		}
		p.states <- state
	})
	if err := client.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = server.Close(ctx)
		web.Close()
	})
	if s := p.next(); s.State != wire.StateLogout {
		t.Fatalf("connected in %s", s.State)
	}
	return p
}

func (p *page) next() wire.State {
	p.t.Helper()
	select {
	case s := <-p.states:
		return s
	case <-time.After(2 * time.Minute):
		p.t.Fatal("no state")
		panic("unreachable")
	}
}

// until reads states up to one of that name.
func (p *page) until(state string) wire.State {
	p.t.Helper()
	for {
		if s := p.next(); s.State == state {
			return s
		}
	}
}

// ask sends a command, and returns the next state.
func (p *page) ask(c wire.Command) wire.State {
	p.t.Helper()
	if err := p.client.Emit(wire.EventData, c); err != nil {
		p.t.Fatal(err)
	}
	return p.next()
}

func login(user, password string) wire.Command {
	return wire.Command{Type: wire.Login, User: user, Password: password, Extension: "3444"}
}

// TestLogin: one that is refused leaves a page all that it needs to try again, and one where somebody is logged in changes
// nothing.
func TestLogin(t *testing.T) {
	t.Parallel()
	p := newPage(t, Options{})
	s := p.ask(login("ann", "wrong"))
	if s.State != wire.StateLogout || s.LoginError == "" || !slices.Contains(s.Commands, wire.CmdLogin) || !s.Available ||
		len(s.Pauses) == 0 {
		t.Errorf("refused: %+v", s)
	}
	s = p.ask(login("ann", "secret"))
	if s.State != wire.StateIdle || s.LoginError != "" || s.AgentName != "ann" {
		t.Errorf("logged in: %+v", s)
	}
	for _, again := range []wire.Command{login("ann", "wrong"), login("ann", "secret"), login("bob", "secret"),
		login("nobody", "")} {
		again.Extension = "3445"
		if s := p.ask(again); s.State != wire.StateIdle || s.AgentName != "ann" || s.AgentExt != "3444" || s.LoginError != "" {
			t.Errorf("login as %s once more: %+v", again.User, s)
		}
	}
	if s := p.server.State("bob"); s.State != wire.StateLogout {
		t.Errorf("bob is in %s", s.State)
	}
}

// TestAuto: an idle agent is given calls while the flag is On, one after the other, each with all that a page shows of it.
func TestAuto(t *testing.T) {
	t.Parallel()
	p := newPage(t, Options{Auto: 50 * time.Millisecond, Fate: func(string) Fate { return Fate{Talk: 10 * time.Millisecond} }})
	p.ask(login("ann", "secret"))
	select {
	case s := <-p.states:
		t.Fatalf("a call with the flag Off: %+v", s)
	case <-time.After(200 * time.Millisecond):
	}
	if s := p.ask(wire.Command{Type: wire.Predictive}); !s.AutoCall {
		t.Fatalf("the flag: %+v", s)
	}
	var former wire.State
	for range 2 {
		s := p.until(wire.StateActive)
		if s.CallType != "3" || s.QueueName != "AUTO_1" || s.QueueID != "9" || s.CallCustomerID == "" || s.CardType != "3" ||
			s.Card == "" || s.ANI == "" ||
			s.CallTraceID == "" || len(s.Codes) == 0 {
			t.Errorf("a call: %+v", s)
		}
		if s.CallTraceID == former.CallTraceID || s.CallCustomerID == former.CallCustomerID || s.ANI == former.ANI {
			t.Errorf("the same call again: %+v", s)
		}
		former = s
		p.until(wire.StateClerical)
		p.ask(wire.Command{Type: wire.SetCode, ID: "4"})
	}
	p.until(wire.StateActive)
	p.until(wire.StateClerical)
	if s := p.ask(wire.Command{Type: wire.Predictive}); s.AutoCall {
		t.Fatalf("the flag: %+v", s)
	}
	p.ask(wire.Command{Type: wire.SetCode, ID: "4"})
	select {
	case s := <-p.states:
		t.Errorf("a call with the flag Off again: %+v", s)
	case <-time.After(200 * time.Millisecond):
	}
}

// TestAutoInPause: an agent in a pause is given no call before the whole wait has passed anew.
func TestAutoInPause(t *testing.T) {
	t.Parallel()
	var p *page
	testdeps.Eventually(t, "a pause before the first call", func() bool { // the machine may stand still for the whole wait
		p = newPage(t, Options{Auto: 300 * time.Millisecond})
		p.ask(login("ann", "secret"))
		flag := p.ask(wire.Command{Type: wire.Predictive})
		return flag.State == wire.StateIdle && p.ask(wire.Command{Type: wire.SetPause, ID: "4"}).State == wire.StatePause
	})
	select {
	case s := <-p.states:
		t.Errorf("in a pause: %+v", s)
	case <-time.After(500 * time.Millisecond):
	}
	began := time.Now()
	p.ask(wire.Command{Type: wire.SetPause, ID: "0"})
	if p.until(wire.StateOrdered); time.Since(began) < 300*time.Millisecond {
		t.Errorf("a call %v after the pause", time.Since(began))
	}
}
