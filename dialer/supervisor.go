package dialer

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// supervisor owns the goroutines of the running calls: it starts them, renews their leases and their agents' claims, and
// waits for their end. A call has its place from the claim to the close; afterwards it may stay a while for its call code,
// which needs no lease and does not hold up the end of the process.
type supervisor struct {
	*Dialer
	life    context.Context // of the calls: they outlive the process's orders to stop, up to abandon
	end     context.CancelFunc
	coding  context.Context // of the wait for codes: ends when the process begins to stop
	noCodes context.CancelFunc
	keeping context.Context // of putting external calls on record: ends when the process has done with calls
	noMore  context.CancelFunc
	all     sync.WaitGroup

	mu       sync.Mutex
	places   int  // taken: reserved, or by a call that is not closed
	stopping bool // no new calls
	left     bool // external calls go on without us
	emptied  chan struct{}
	calls    map[AttemptID]*call
	agents   map[int64]*call // the latest call of each
}

func newSupervisor(d *Dialer) *supervisor {
	s := &supervisor{Dialer: d, calls: map[AttemptID]*call{}, agents: map[int64]*call{}, emptied: make(chan struct{}, 1)}
	s.life, s.end = context.WithCancel(context.Background())
	s.coding, s.noCodes = context.WithCancel(s.life)
	s.keeping, s.noMore = context.WithCancel(s.life)
	return s
}

// reserve takes a place for a call to be claimed; false: there is none.
func (s *supervisor) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || s.places >= s.Limits.MaxCalls {
		return false
	}
	s.places++
	return true
}

// hold takes a place whatever the limits, for an external call that has ended and must go on record.
func (s *supervisor) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places++
}

// unreserve gives a place back.
func (s *supervisor) unreserve() {
	s.mu.Lock()
	s.places--
	none := s.places == 0
	s.mu.Unlock()
	if none {
		select {
		case s.emptied <- struct{}{}:
		default:
		}
	}
}

// room counts the places that are free.
func (s *supervisor) room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return 0
	}
	return s.Limits.MaxCalls - s.places
}

func (s *supervisor) active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places
}

// start gives the reserved place to a call that was claimed; its lease began when the claim was asked for.
func (s *supervisor) start(claimed Claimed, agent agents.Live, leaseBegan uptime.Instant, place Reservation) {
	c := newCall(s, claimed, agent, leaseBegan.Add(s.Limits.Lease))
	c.place = place
	s.mu.Lock()
	if before := s.agents[agent.AgentID]; before != nil {
		before.dismiss() // its code was set elsewhere, or the agent would not be in the next call
	}
	s.calls[c.id], s.agents[agent.AgentID] = c, c
	s.mu.Unlock()
	s.all.Go(func() {
		defer s.forget(c)
		c.run(s.life)
	})
}

func (s *supervisor) forget(c *call) {
	s.mu.Lock()
	if s.calls[c.id] == c {
		delete(s.calls, c.id)
	}
	if s.agents[c.agent.AgentID] == c {
		delete(s.agents, c.agent.AgentID)
	}
	s.mu.Unlock()
}

// of finds an agent's call, if it is in this process.
func (s *supervisor) of(agentID int64) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agents[agentID]
}

// has says whether the attempt's call is in this process.
func (s *supervisor) has(id AttemptID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.calls[id]
	return ok
}

func (s *supervisor) snapshot() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*call, 0, len(s.calls))
	for _, c := range s.calls {
		list = append(list, c)
	}
	return list
}

// renew extends all leases in one statement. A lease counts from before it was asked
// for, by our own monotonic clock: whatever SQL's answer took, we never believe in a lease for longer than SQL does.
func (s *supervisor) renew(ctx context.Context) {
	open := s.openCalls()
	if len(open) == 0 {
		return
	}
	ids := make([]AttemptID, len(open))
	for i, c := range open {
		ids[i] = c.id
	}
	now := s.Now()
	asked := uptime.At(now)
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	kept, err := s.Store.Renew(sql, s.owner, ids, s.Limits.Lease, now)
	cancel()
	if err != nil {
		s.Log.Warn("leases not renewed", slog.Int("calls", len(ids)), slog.Any("error", err))
	} else {
		s.noteLeases(open, kept, asked.Add(s.Limits.Lease))
	}
}

func (s *supervisor) openCalls() []*call {
	open := s.snapshot()
	n := 0
	for _, c := range open {
		if !c.isClosed() {
			open[n] = c
			n++
		}
	}
	return open[:n]
}

func (s *supervisor) noteLeases(open []*call, kept []AttemptID, until uptime.Instant) {
	ours := make(map[AttemptID]bool, len(kept))
	for _, id := range kept {
		ours[id] = true
	}
	for _, c := range open {
		if !c.leased(ours[c.id], until) {
			s.Log.Warn("attempt lost to another owner: its customer will not be dialed any more", c.attrs()...)
		}
	}
}

// renewClaims keeps the agents In Call. Redis may have lost them: then they are entered again. The leases do not wait for it: a Redis
// that hangs must not have them run out.
func (s *supervisor) renewClaims(ctx context.Context) {
	var some errgroup.Group
	some.SetLimit(16)
	for _, c := range s.openCalls() {
		some.Go(func() error {
			if ctx.Err() == nil {
				c.renewClaim(ctx)
			}
			return nil
		})
	}
	_ = some.Wait()
}

// refuseNew takes no more calls, and lets go of those that only wait for a code: its timeout is on record.
func (s *supervisor) refuseNew() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.noCodes()
}

// drain waits for the calls in the making or up, and then for their goroutines. Calls of other systems are followed until then, and
// left.
func (s *supervisor) drain(ctx context.Context) error {
	s.refuseNew()
	for {
		if s.active() == 0 {
			s.leaveExternal()
			ended := make(chan struct{})
			go func() { s.all.Wait(); close(ended) }()
			select {
			case <-ended:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-s.emptied:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leaveExternal lets calls of other systems go on without us.
func (s *supervisor) leaveExternal() {
	s.mu.Lock()
	s.left = true
	s.mu.Unlock()
	s.noMore()
	for _, c := range s.snapshot() {
		if c.external {
			c.leave()
		}
	}
}

// hangupAll ends all calls; those of other systems go on.
func (s *supervisor) hangupAll() {
	s.leaveExternal()
	for _, c := range s.snapshot() {
		if !c.external {
			c.hangup("system")
		}
	}
}

// abandon ends the goroutines of calls whose end cannot be put on record now.
func (s *supervisor) abandon() {
	s.end()
	s.all.Wait()
}
