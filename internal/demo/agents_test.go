package demo

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func (s *stage) state(login string) agents.Live {
	l, err := s.roster.Get(context.Background(), s.agent(login).ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// The simulated agents log in at the real gateway, turn automatic calls on, and code what they get.
func TestAgentsWork(t *testing.T) {
	s := newStage(t, 3)
	coded := func() (n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, count := range s.codes {
			n += count
		}
		return n
	}
	next := 0
	testdeps.Eventually(t, "ten coded calls", func() bool {
		if l, err := s.play(t.Context(), s.seed.Contacts[next]); err == nil {
			next++
			if err := s.Hangup(t.Context(), l.AgentID); err != nil {
				t.Error(err)
			}
		}
		return coded() >= 10
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.codes) < 2 {
		t.Errorf("codes %v: want several kinds", s.codes)
	}
}

// A visitor takes the seat: the simulated tab goes without a logout, and comes back when the visitor has gone.
func TestTakeOver(t *testing.T) {
	s := newStage(t, 1)
	testdeps.Eventually(t, "agent01 to be free", func() bool { return s.state("agent01").Free() })
	giveBack, ok := s.agents.TakeOver("agent01")
	if !ok || !s.agents.taken("agent01") {
		t.Fatal("not taken")
	}
	testdeps.Eventually(t, "the simulated tab to go", func() bool { return s.state("agent01").Tabs == 0 })
	if state := s.state("agent01").State; state != agents.Available {
		t.Errorf("agent01 is %s: the seat must be left as it is", state)
	}
	giveBack()
	giveBack() // twice is once
	testdeps.Eventually(t, "the simulated tab to come back", func() bool { return s.state("agent01").Free() })
	if _, ok := s.agents.TakeOver("nobody"); ok {
		t.Error("nobody's seat taken")
	}
}

// One row for each thing that an agent does.
func TestDecide(t *testing.T) {
	seat := &seat{Seat: Seat{Login: "agent01", Extension: "101"}, deps: &AgentsDeps{}, random: rand.New(rand.NewPCG(1, 1))}
	codes, strange := []mediatelwire.Code{{ID: promiseToPay}, {ID: refuses}}, []mediatelwire.Code{{ID: "99"}}
	for _, c := range []struct {
		name  string
		state mediatelwire.State
		want  string // Command.Type
	}{
		{"logged off", mediatelwire.State{State: mediatelwire.StateLogout}, mediatelwire.Login},
		{"idle, flag off", mediatelwire.State{State: mediatelwire.StateIdle}, mediatelwire.Predictive},
		{"idle, no pauses on offer", mediatelwire.State{State: mediatelwire.StateIdle, AutoCall: true}, ""},
		{"ordered", mediatelwire.State{State: mediatelwire.StateOrdered, AutoCall: true}, ""},
		{"ringing", mediatelwire.State{State: mediatelwire.StateDelivered, Codes: codes}, ""},
		{"talking", mediatelwire.State{State: mediatelwire.StateActive, Codes: codes}, ""},
		{"clerical", mediatelwire.State{State: mediatelwire.StateClerical, Codes: codes}, mediatelwire.SetCode},
		{"clerical without codes", mediatelwire.State{State: mediatelwire.StateClerical}, ""},
		{"clerical with a strange code", mediatelwire.State{State: mediatelwire.StateClerical, Codes: strange}, ""},
		{"pause", mediatelwire.State{State: mediatelwire.StatePause, PauseID: "1"}, mediatelwire.SetPause},
		{"Force Pause", mediatelwire.State{State: mediatelwire.StatePause, PauseID: "1000"}, mediatelwire.SetPause},
		{"failed", mediatelwire.State{State: mediatelwire.StateFailed}, ""},
	} {
		got, wait := seat.decide(c.state)
		if got.Type != c.want || wait < 0 || wait > 30*time.Second {
			t.Errorf("%s: %s after %v, want %q", c.name, got.Type, wait, c.want)
		}
	}
	paused := 0
	free := mediatelwire.State{State: mediatelwire.StateIdle, AutoCall: true, Pauses: []mediatelwire.Pause{{ID: "2"}}}
	for range 4000 {
		if c, _ := seat.decide(free); c.ID == "2" {
			paused++
		}
	}
	if paused < 50 || paused > 200 {
		t.Errorf("%d pauses in 4000 free moments, want about 100", paused)
	}
}
