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
// waits for their end. A call has its slot from the claim to the close; afterwards it may stay a while for its call code,
// which needs no lease and does not hold up the end of the process.
type supervisor struct {
	deps   Deps
	owner  string // of the calls' attempts
	states states
	reach  interface {
		revive(ctx context.Context, agentID int64)
		check(ctx context.Context, agentID int64) error
	}
	paces        *paces                                   // what calls ahead of agents teach
	codeOnRecord func(ctx context.Context, o order) error // of a call that no process has any more

	life context.Context // of the calls: they outlive the process's orders to stop, up to abandon
	end  context.CancelFunc
	all  sync.WaitGroup

	mu       sync.Mutex
	slots    int  // taken: reserved, or by a call that is not closed
	stopping bool // no new calls, and nobody waits for codes
	left     bool // calls of other systems go on without us
	emptied  chan struct{}
	calls    map[AttemptID]*call
	agents   map[int64]*call // the latest call of each
}

func newSupervisor(d Deps, owner string, states states) *supervisor {
	s := &supervisor{deps: d, owner: owner, states: states, calls: map[AttemptID]*call{}, agents: map[int64]*call{},
		emptied: make(chan struct{}, 1),
		paces:   &paces{of: map[int64]*pace{}}}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// reserve takes a slot for a call to be claimed; false: there is none.
func (s *supervisor) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || s.slots >= s.deps.Limits.MaxCalls {
		return false
	}
	s.slots++
	return true
}

// reserveAnyway takes a slot whatever the limits, for a call of another system's that has ended and must go on record.
func (s *supervisor) reserveAnyway() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots++
}

// unreserve gives a slot back.
func (s *supervisor) unreserve() {
	s.mu.Lock()
	s.slots--
	none := s.slots == 0
	s.mu.Unlock()
	if none {
		select {
		case s.emptied <- struct{}{}:
		default:
		}
	}
}

// room counts the slots that are free.
func (s *supervisor) room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return 0
	}
	return s.deps.Limits.MaxCalls - s.slots
}

func (s *supervisor) active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slots
}

// start gives the reserved slot to a call that was claimed; its lease began when the claim was asked for.
// Without an agent its customer is called first.
func (s *supervisor) start(claimed Claimed, agent agents.Live, network string, leaseBegan uptime.Instant, slot Reservation) {
	c := newCall(s, claimed, agent, network)
	c.slot, c.fence.lease = slot, leaseBegan.Add(s.deps.Limits.Lease)
	if before := s.of(agent.AgentID); before != nil {
		before.happen(event{kind: evDismissed}) // its code was set elsewhere, or the agent would not be in the next call
	}
	s.register(c)
	if agent.AgentID != 0 {
		s.takeUp(c)
	} else {
		s.paces.begun(claimed.Campaign.ID)
	}
	s.all.Go(func() {
		c.happen(event{kind: evClaimed, wrapUp: claimed.Campaign.WrapUp})
		c.run(s.life)
	})
}

// register makes a call known; false: it is another system's, and goes on without us.
func (s *supervisor) register(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.course.stopping = s.stopping
	if s.left && c.course.origin == External {
		return false
	}
	s.calls[c.id] = c
	return true
}

// rekey makes a call known by the attempt that the record has for it.
func (s *supervisor) rekey(before AttemptID, c *call) {
	id := c.attempt()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, before)
	s.calls[id] = c
}

// takeUp makes the call its agent's present one. A call before it may still wait for its code; one that goes on may prove to be
// the same, so what is not on record yet does not take its slot.
func (s *supervisor) takeUp(c *call) {
	agent := c.agentID()
	before := s.of(agent)
	if before != nil && before != c && !before.now().ended() && c.now().record != recordKept {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agents[agent] = c
}

// leaveAgent lets go of an agent whom the call has no part in any more.
func (s *supervisor) leaveAgent(agent int64, c *call) {
	if c.now().agent && c.agentID() == agent {
		return // it was given the same one again
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.agents[agent] == c {
		delete(s.agents, agent)
	}
}

func (s *supervisor) forget(c *call) {
	id, agent := c.attempt(), c.agentID()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[id] == c {
		delete(s.calls, id)
	}
	if s.agents[agent] == c {
		delete(s.agents, agent)
	}
}

// spawn has work done beside the calls, such as a call's outbox. False: no call is left, and late work is not begun any more.
func (s *supervisor) spawn(work func(), late bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if late && s.left {
		return false
	}
	s.all.Go(work)
	return true
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

func (s *supervisor) find(id AttemptID) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[id]
}

// ahead are a campaign's calls whose customers are called first.
func (s *supervisor) ahead(campaign int64) (list []*call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.first && c.campaign == campaign {
			list = append(list, c)
		}
	}
	return list
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
	open := s.those(func(c course) bool { return c.open() && c.record == recordKept })
	if len(open) == 0 {
		return
	}
	ids := make([]AttemptID, len(open))
	for i, c := range open {
		ids[i] = c.attempt()
	}
	now := s.deps.Now()
	asked := uptime.At(now)
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	kept, err := s.deps.Store.Renew(sql, s.owner, ids, s.deps.Limits.Lease, now)
	cancel()
	if err != nil {
		s.deps.Log.Warn("leases not renewed", slog.Int("calls", len(ids)), slog.Any("error", err))
		return
	}
	ours := make(map[AttemptID]bool, len(kept))
	for _, id := range kept {
		ours[id] = true
	}
	for i, c := range open {
		c.leased(ours[ids[i]], asked.Add(s.deps.Limits.Lease))
	}
}

// those are the calls that stand so.
func (s *supervisor) those(so func(course) bool) (list []*call) {
	for _, c := range s.snapshot() {
		if so(c.now()) {
			list = append(list, c)
		}
	}
	return list
}

// renewClaims keeps the agents In Call. Redis may have lost them: then they are entered again. The leases do not wait for it: a
// Redis that hangs must not have them run out.
func (s *supervisor) renewClaims(ctx context.Context) {
	var some errgroup.Group
	some.SetLimit(16)
	for _, c := range s.those(func(c course) bool { return c.alive() && c.agent }) {
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
	for _, c := range s.snapshot() {
		c.happen(event{kind: evStopping})
	}
}

// drain waits for the calls in the making or up, and then for their goroutines. Calls of other systems are followed until then,
// and left.
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
	for _, c := range s.those(func(c course) bool { return c.origin == External }) {
		c.happen(event{kind: evLeft})
	}
}

// hangupAll ends all calls; those of other systems go on.
func (s *supervisor) hangupAll() {
	s.leaveExternal()
	for _, c := range s.those(func(c course) bool { return c.origin != External }) {
		c.hangup("system")
	}
}

// abandon ends the goroutines of calls whose end cannot be put on record now.
func (s *supervisor) abandon() {
	s.end()
	s.all.Wait()
}
