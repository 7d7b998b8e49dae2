package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/mediatelwire"
)

// seat is one agent at this node: the newest state known, and the tabs it is shown to.
type seat struct {
	g       *Gateway
	agentID int64

	counting sync.Mutex // one count of tabs is told at a time, so that the last one told is the last one true

	mu          sync.Mutex // taken before a tab's
	live        agents.Live
	tabs        map[*tab]struct{}
	dirty       bool      // the state is newer than what the tabs were shown
	pushing     bool      // a goroutine will show it
	closed      bool      // the last tab has left: the seat is off the list
	shown       []byte    // the last snapshot without its time
	failedShown time.Time // the Live.FailedAt that tabs have seen
	pushed      int64     // the newest version that tabs have seen
}

// sit puts a tab on the agent's seat, making one when there is none, and shows the tab the state.
func (g *Gateway) sit(t *tab, l agents.Live) *seat {
	for {
		g.mu.Lock()
		s := g.seats[l.AgentID]
		if s == nil {
			s = &seat{g: g, agentID: l.AgentID, live: l, tabs: map[*tab]struct{}{}, failedShown: l.FailedAt, pushed: l.Version}
			g.seats[l.AgentID] = s
		}
		g.mu.Unlock()
		if s.join(t, l) {
			return s
		}
	}
}

// join reports false when the seat was given up meanwhile.
func (s *seat) join(t *tab, l agents.Live) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if l.Version > s.live.Version {
		s.live = l
	}
	if !t.sitOn(s) {
		return true
	}
	s.tabs[t] = struct{}{}
	s.shown = nil
	s.show()
	return true
}

// leave takes a tab off; the agent goes on, for the grace period at least.
func (s *seat) leave(t *tab) {
	s.mu.Lock()
	delete(s.tabs, t)
	t.standUp(s)
	s.mu.Unlock()
	s.g.background(s.count)
}

// update takes a stored state, unless a newer one is known, and has it shown.
func (s *seat) update(l agents.Live) {
	if l.State == agents.LoggedOff && l.ChangedAt.IsZero() { // no logout: Redis knows nothing of the agent
		s.g.missed()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Version <= s.live.Version {
		return
	}
	s.live = l
	s.show()
}

// correct takes what is stored even if it is older, as after a failover of Redis, unless the seat has moved on since.
func (s *seat) correct(l agents.Live, from int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live.Version == from && l.Version != from {
		s.live = l
		s.show()
	}
}

// show has the tabs shown the present state soon. Changes that come faster than they can be shown become one snapshot, of
// the last. It is called with s.mu held.
func (s *seat) show() {
	s.dirty = true
	if !s.pushing {
		s.pushing = true
		s.g.spawn(s.push)
	}
}

func (s *seat) push() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.dirty {
		s.dirty = false
		s.showNow()
		s.mu.Unlock() // let changes in
		s.mu.Lock()
	}
	s.pushing = false
}

// showNow emits to all tabs while s.mu is held, so that no tab ever sees an older state after a newer one. Emitting only
// queues.
func (s *seat) showNow() {
	if s.live.FailedAt.After(s.failedShown) {
		s.failedShown = s.live.FailedAt
		s.emit(s.g.failed(s.live))
	}
	state := s.g.snapshot(s.live)
	now := state.ServerTime
	state.ServerTime = time.Time{}
	timeless := state.AppendJSON(make([]byte, 0, 2048))
	if string(timeless) == string(s.shown) { // renewed claims and the like are nothing to look at
		for t := range s.tabs {
			if t.isOwed() {
				s.tell(t)
			}
		}
		return
	}
	s.shown = timeless
	state.ServerTime = now
	s.emit(state)
	if s.live.Version > s.pushed {
		s.pushed = s.live.Version
		s.g.Metrics.Push(max(now.Sub(s.live.ChangedAt), 0))
	}
	if s.live.State == agents.LoggedOff {
		s.dismiss()
	}
}

func (s *seat) emit(state *mediatelwire.State) {
	for t := range s.tabs {
		t.emit(state)
	}
}

// tell shows one tab the present state, whether or not it was shown already. It is called with s.mu held.
func (s *seat) tell(t *tab) { t.emit(s.g.snapshot(s.live)) }

// answer is tell for those who do not hold s.mu.
func (s *seat) answer(t *tab) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(t)
}

// dismiss ends a seat whose agent has logged off: its tabs stay connected and may log in again.
func (s *seat) dismiss() {
	for t := range s.tabs {
		t.standUp(s)
		t.offFrom(s.live.Since)
	}
	clear(s.tabs)
	s.giveUp()
}

// giveUp takes the seat off the list. It is called with s.mu held; whoever holds Gateway.mu never waits for s.mu.
func (s *seat) giveUp() {
	s.closed = true
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	if s.g.seats[s.agentID] == s {
		delete(s.g.seats, s.agentID)
	}
}

// now is the present state as far as it is known here.
func (s *seat) now() agents.Live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// apply puts an input of this seat's agent through the state machine and shows what came of it.
func (s *seat) apply(ctx context.Context, in agents.Input) (agents.Live, error) {
	l, err := s.g.Roster.Apply(ctx, s.agentID, in)
	if err == nil {
		s.g.keep(in.Kind, l)
	}
	if l.AgentID == s.agentID {
		s.update(l)
	}
	return l, err
}

// refresh reads the state that an order to a call may have changed elsewhere.
func (s *seat) refresh(ctx context.Context) {
	l, err := s.g.Roster.Get(ctx, s.agentID)
	if err == nil {
		s.update(l)
	}
}

// count tells the roster how many tabs the agent has here. A count that could not be told is told again by reconcile.
func (s *seat) count(ctx context.Context) {
	s.counting.Lock()
	defer s.counting.Unlock()
	s.mu.Lock()
	n, told, closed := len(s.tabs), s.live.TabsAt[s.g.Roster.Node()], s.closed
	s.mu.Unlock()
	if closed {
		return
	}
	if n != told {
		in := agents.Input{Kind: agents.TabsCounted, At: s.g.Now(), Node: s.g.Roster.Node(), Count: n}
		if l, err := s.apply(ctx, in); err != nil && l.State != agents.LoggedOff {
			s.g.log.Warn("tabs not counted", slog.Int64("agent", s.agentID), slog.Any("error", err))
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tabs) == 0 && !s.closed {
		s.giveUp()
	}
}
