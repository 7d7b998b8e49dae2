package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	record "github.com/creditorro/ringmaster/internal/store"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// slowRelease lets an agent's extension be given back late, as SQL may.
type slowRelease struct {
	agents.Store
	agentID     int64
	begun, go_  chan struct{}
	released    chan struct{}
	onlyTheOnce sync.Once
}

func (s *slowRelease) ReleaseExtension(ctx context.Context, x agents.Extension) error {
	if x.OwnerID == s.agentID {
		s.onlyTheOnce.Do(func() {
			close(s.begun)
			<-s.go_
			defer close(s.released)
		})
	}
	return s.Store.ReleaseExtension(ctx, x)
}

func slowly(agentID int64) (*slowRelease, func(*Deps)) {
	slow := &slowRelease{agentID: agentID, begun: make(chan struct{}), go_: make(chan struct{}), released: make(chan struct{})}
	return slow, func(d *Deps) { slow.Store, d.Store = d.Store, slow }
}

// TestLateReleaseAfterLogout: the agent's other tab logs in again before the record has heard of the logout.
func TestLateReleaseAfterLogout(t *testing.T) {
	slow, late := slowly(2001)
	h := newHouse(t, "", late)
	one, two := h.login(1), h.open("1")
	two.state(wire.StateIdle)
	one.send(wire.Command{Type: wire.Logout})
	<-slow.begun
	two.state(wire.StateLogout)
	two.send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right", Extension: "3001"})
	two.state(wire.StateIdle)
	close(slow.go_)
	h.ownsStill(slow)
}

// TestLateReleaseAfterGrace: the page comes back, and logs in, as the grace period ends.
func TestLateReleaseAfterGrace(t *testing.T) {
	slow, late := slowly(2001)
	h := newHouse(t, "", late, func(d *Deps) { d.Grace = 20 * time.Millisecond })
	h.login(1).close()
	<-slow.begun
	back := h.open("1")
	back.state(wire.StateLogout)
	back.send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right", Extension: "3001"})
	back.state(wire.StateIdle)
	close(slow.go_)
	h.ownsStill(slow)
}

// ownsStill checks that nobody else gets the extension of agent 2001, who is logged on with it.
func (h *house) ownsStill(slow *slowRelease) {
	h.tb.Helper()
	<-slow.released
	other := h.open("2")
	if s := other.answered(wire.Command{Type: wire.Login, User: "mt_agent2", Password: "right",
		Extension: "3001"}); s.LoginErrorID != errTaken.id {
		h.tb.Errorf("another agent gets the extension of one who is logged on: %s, %s", s.State, s.LoginErrorID)
	}
}

// TestOneLiveAgentAnExtension: whatever logins, logouts, lost tabs, sessions and sweeps meet, no extension ever has two agents
// who are logged on.
func TestOneLiveAgentAnExtension(t *testing.T) {
	ctx := t.Context()
	s, err := record.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "r.db"), record.Options{Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { _ = s.Disconnect() })
	must(t, s.Migrate(ctx))
	names := []string{"3001", "3002", "3003"}
	for _, name := range names {
		_, err := s.Agents.CreateExtension(ctx, agents.Extension{Name: name, Number: name, Network: "simulated"})
		must(t, err)
	}
	var people []agents.Agent
	for i := range 4 {
		a, err := s.Agents.CreateAgent(ctx, agents.Agent{Login: fmt.Sprint("a", i), UserID: fmt.Sprint(i)}, time.Now())
		must(t, err)
		people = append(people, a)
	}
	h := newHouse(t, "", func(d *Deps) { d.Store = s.Agents })
	g := h.gateway
	var all sync.WaitGroup
	until := time.Now().Add(2 * time.Second)
	for range 12 {
		all.Go(func() {
			for time.Now().Before(until) {
				a := people[rand.N(len(people))]
				switch rand.N(4) {
				case 0:
					_, _ = g.enter(ctx, a, "", "u")
				case 1:
					_, _ = g.enter(ctx, a, names[rand.N(len(names))], "u")
				case 2:
					_, _ = s.Agents.ReserveExtension(ctx, a.ID)
				case 3:
					if l, err := h.roster.Get(ctx, a.ID); err == nil && l.State == agents.Available {
						_ = (&seat{g: g, agentID: a.ID, live: l, tabs: map[*tab]struct{}{}}).logout(ctx, l, wire.Command{})
					}
				}
			}
		})
	}
	logins := 0
	for time.Now().Before(until) {
		// An extension that is live at both readings was, in between, its agent's.
		before, err := h.roster.List(ctx, 0, 100)
		must(t, err)
		owners := map[int64]int64{}
		list, err := s.Agents.Extensions(ctx)
		must(t, err)
		for _, x := range list {
			owners[x.ID] = x.OwnerID
		}
		after, err := h.roster.List(ctx, 0, 100)
		must(t, err)
		for _, l := range after {
			if l.State == agents.LoggedOff {
				continue // between the reading of the list and of the state
			}
			was := same(before, l)
			if was && owners[l.Extension.ID] != l.AgentID {
				t.Fatalf("agent %d is logged on with %s, which the record says is agent %d's", l.AgentID, l.Extension.Name,
					owners[l.Extension.ID])
			}
			logins++
		}
	}
	all.Wait()
	if logins == 0 {
		t.Error("nobody was ever logged on")
	}
}

// same says whether the agent's shift is one of the list.
func same(list []agents.Live, l agents.Live) bool {
	for _, b := range list {
		if b.AgentID == l.AgentID && b.Extension.Taken == l.Extension.Taken && b.Extension.ID == l.Extension.ID {
			return true
		}
	}
	return false
}
