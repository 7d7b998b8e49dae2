package dialer

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing/share"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/uptime"
)

const (
	fallbackTick = time.Second            // the pacer looks at least so often
	gathering    = 6 * time.Millisecond   // between two looks: agents who come free meanwhile are planned for together
	idleTick     = 15 * time.Second       // campaigns are read at least so often while nobody is free
	dryPause     = 500 * time.Millisecond // a campaign that had too few due contacts is not asked again before
	noSlotPause  = time.Second            // an agent whose phone network had no slot for a call is given no other before
	planLimit    = 200                    // attempts of one transaction
)

// pacer decides whose call each free agent is given: it matches the free agents whose home is this node with the
// campaigns that have people to call, and plans one attempt for each pair. An attempt on its way to an agent keeps the
// agent from all others. An agent has one home, so two nodes never plan for the same one, and each node keeps
// priorities and weights among its own.
//
// It is woken by agents, contact tasks and the clock, and computes everything anew each time: a lost wake-up costs a second,
// never a call. When SQL or Redis does not answer nothing is planned; the next tick tries again.
type pacer struct {
	node     string
	store    Store
	queues   Queues
	previews Previews
	tried    func(ctx context.Context, campaignID int64, since time.Time, most int) ([]TriedCall, error)
	roster   Roster
	networks map[string]PhoneNetwork
	tasks    *tasks
	room     func() int // for calls, in this process
	calls    *supervisor
	paces    *paces
	of       installation.Name
	redis    redis.UniversalClient
	stale    time.Duration
	now      func() time.Time
	mayDial  func() error
	log      *slog.Logger
	wake     chan struct{}
	seek     chan dry   // campaigns of which a plan has found too few
	clear    chan int64 // the same, whose queue's head may be full of people who must not be called

	campaigns []*campaigns.Campaign
	readAt    time.Time
	dryUntil  map[int64]time.Time // by campaign
	credit    map[int64]float64   // by campaign, as the last match has left it

	lease time.Duration // of a contact that is shown

	mu       sync.Mutex
	sought   map[int64]sought    // by campaign
	cleared  map[int64]time.Time // by campaign that is open: the UpdatedAt with which its head was put to be cleared
	prepared map[AttemptID]pledge
	shown    map[AttemptID]preview
}

// pledge is an agent to whom an attempt is on its way.
type pledge struct {
	agent    int64 // zero: its customer is called first
	campaign int64
	since    time.Time
	until    time.Time // then it was lost, and is cancelled as stale
}

func newPacer(d Deps, tasks *tasks, calls *supervisor) *pacer {
	return &pacer{node: d.Node, store: d.Store, queues: d.Queues, previews: d.Previews, tried: d.Tried,
		roster: d.Roster, networks: d.Networks,
		tasks: tasks, room: calls.room, calls: calls,
		paces: calls.paces, of: d.Installation, redis: d.Redis, stale: d.Limits.Stale, now: d.Now, mayDial: d.MayDial,
		log:  d.Log,
		wake: make(chan struct{}, 1), seek: make(chan dry, 64), clear: make(chan int64, 64),
		sought: map[int64]sought{}, dryUntil: map[int64]time.Time{},
		cleared: map[int64]time.Time{}, credit: map[int64]float64{},
		prepared: map[AttemptID]pledge{}, shown: map[AttemptID]preview{}, lease: d.Limits.Lease}
}

func (p *pacer) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (p *pacer) run(ctx context.Context) {
	for {
		next := p.look(ctx)
		if !retry.Sleep(ctx, gathering) {
			return
		}
		t := time.NewTimer(next.Sub(p.now()))
		select {
		case <-t.C:
		case <-p.wake:
		case <-p.roster.Changed():
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// look plans for every free agent for whom there may be work, and returns when to look again without being woken.
func (p *pacer) look(ctx context.Context) (next time.Time) {
	next = p.now().Add(retry.Spread(fallbackTick, 0.25))
	if p.mayDial() != nil { // whoever says no tells people why
		return next
	}
	taken := p.pledged() // before the agents are read: whoever is claimed between the two is not free for us
	idle, err := p.roster.Free(ctx, p.node)
	if err != nil {
		p.away(ctx, "free agents unknown: nothing is planned", err)
		return next
	}
	room := min(p.room(), p.networkRoom()) - len(taken)
	free := map[int64]agents.Idle{}
	for _, a := range idle {
		if !taken[a.ID] {
			free[a.ID] = a
		}
	}
	ahead := slices.ContainsFunc(p.campaigns, func(c *campaigns.Campaign) bool { return p.aheadOf(c) != "" })
	if len(free) == 0 && !ahead {
		if p.now().Sub(p.readAt) >= idleTick {
			if err := p.readCampaigns(ctx); err != nil { // else their heads are cleared, for whoever comes free
				p.away(ctx, "campaigns unknown: heads are not cleared", err)
			}
		}
		return p.now().Add(uptime.Beat(fallbackTick)) // whoever becomes free wakes us
	}
	p.takeFound()
	if err := p.readCampaigns(ctx); err != nil {
		p.away(ctx, "campaigns unknown: nothing is planned", err)
		return next
	}
	sooner, err := p.runAhead(ctx, free, room)
	if err != nil {
		p.away(ctx, "calls ahead of agents not planned", err)
		return earlier(sooner, next)
	}
	next = earlier(sooner, next)
	if len(free) == 0 {
		return next
	}
	wanting, again := p.wanting(len(free))
	// A campaign may have fewer people to call than it was given agents. Those are matched with the others, until all are.
	for given := p.match(free, wanting, room); len(given) > 0; given = p.match(free, wanting, room) {
		for _, c := range p.campaigns {
			n, dry, err := p.plan(ctx, c, given[c.ID], free)
			if err != nil {
				p.away(ctx, "attempts not planned", err)
				return next
			}
			room -= n
			if dry {
				p.ranDry(c, n, false, candidates(c, nil, free))
				again = earlier(again, p.dryUntil[c.ID])
				wanting = slices.DeleteFunc(wanting, func(w share.Campaign) bool { return w.ID == c.ID })
			}
		}
	}
	return earlier(again, next)
}

// earlier is the first of two moments; a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// networkRoom counts the calls that this node's phone networks could begin within the next second. A network that knows
// no limit is as good as many. While none can, nothing is planned, and no agent's phone rings for nothing; the network
// itself says so, and wakes us.
func (p *pacer) networkRoom() (calls int) {
	for _, network := range p.networks {
		limited, ok := network.(Limited)
		if !ok {
			return planLimit * 100
		}
		n, _ := limited.Room()
		calls = min(calls+n, planLimit*100)
	}
	return calls
}

// wanting lists the campaigns that may have people to call now, and says when one more may; zero: nobody knows. Each wants as
// many agents as there are: a call has its agent before the customer is dialed.
func (p *pacer) wanting(agents int) (list []share.Campaign, again time.Time) {
	now := p.now()
	for _, c := range p.campaigns {
		if p.aheadOf(c) != "" {
			continue
		}
		open, change := campaigns.OpenAt(c, now)
		if dry := p.dryUntil[c.ID]; open && now.Before(dry) {
			open, change = false, dry
		}
		if open {
			list = append(list, share.Campaign{ID: c.ID, Queue: c.Queue, Priority: c.Priority, Weight: c.Weight, Wants: agents,
				Credit: p.credit[c.ID]})
		} else {
			again = earlier(again, change)
		}
	}
	return list, again
}

// match gives the free agents to campaigns, in the order in which each shall have them.
func (p *pacer) match(free map[int64]agents.Idle, wanting []share.Campaign, room int) map[int64][]int64 {
	idle := make([]share.Agent, 0, len(free))
	for _, a := range free {
		idle = append(idle, share.Agent(a))
	}
	pairs, credits := share.Match(idle, wanting, room)
	for i := range wanting {
		wanting[i].Credit = credits[i]
		p.credit[wanting[i].ID] = credits[i]
	}
	given := map[int64][]int64{}
	for _, pair := range pairs {
		given[pair.Campaign] = append(given[pair.Campaign], pair.Agent)
	}
	return given
}

func (p *pacer) away(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		p.log.Warn("pacer waits", slog.String("because", what), slog.Any("error", err))
	}
}

// readCampaigns keeps the list of running campaigns for a tick, in the order of their priority; Plan and Claim ask the truth
// again.
func (p *pacer) readCampaigns(ctx context.Context) error {
	if p.now().Sub(p.readAt) < fallbackTick {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	running, err := p.store.Running(ctx)
	if err != nil {
		return err
	}
	p.campaigns = slices.DeleteFunc(running, func(c *campaigns.Campaign) bool { return !dialsByItself(c.Mode) })
	p.readAt = p.now()
	p.clearChanged()
	ran := func(id int64) bool {
		return slices.ContainsFunc(p.campaigns, func(c *campaigns.Campaign) bool { return c.ID == id })
	}
	maps.DeleteFunc(p.credit, func(id int64, _ float64) bool { return !ran(id) })
	maps.DeleteFunc(p.dryUntil, func(id int64, _ time.Time) bool { return !ran(id) })
	p.mu.Lock()
	maps.DeleteFunc(p.cleared, func(id int64, _ time.Time) bool { return !ran(id) })
	maps.DeleteFunc(p.sought, func(id int64, is sought) bool { return !is.running && !ran(id) })
	p.mu.Unlock()
	return nil
}

// dialsByItself says whether the pacer places a mode's calls, or shows whom to call. One call a free agent is the safe
// pace of a predictive campaign too, as long as nothing paces it faster.
func dialsByItself(m campaigns.Mode) bool {
	return m == campaigns.Progressive || m == campaigns.Predictive || m == campaigns.Preview
}

// plan prepares an attempt for each of the agents, sends their tasks, and takes the agents who have one off the free.
// It returns how many they are, and whether nobody else of the campaign's is due.
func (p *pacer) plan(ctx context.Context, c *campaigns.Campaign, given []int64, free map[int64]agents.Idle) (planned int,
	dry bool, err error) {
	// An agent may have been given a callback by now that is the agent's own promise.
	given = slices.DeleteFunc(given, func(id int64) bool { _, ok := free[id]; return !ok })
	n := min(len(given), planLimit)
	if n == 0 || ctx.Err() != nil {
		return 0, false, ctx.Err()
	}
	// The end of the process does not cut a plan off: what it has committed by then can be given back only if it is known.
	sql, cancel := context.WithTimeout(context.WithoutCancel(ctx), sqlLimit)
	defer cancel()
	attempts, err := p.store.Plan(sql, c.ID, n, p.now(), candidates(c, given, free)...)
	if err != nil {
		return 0, false, err // if it was committed all the same: nothing is enqueued, so it is cancelled as stale
	}
	for _, a := range attempts {
		if _, ok := free[a.AgentID]; !ok { // nobody has promised to call back, or not somebody free
			a.AgentID, given = given[0], given[1:]
		} else {
			given = slices.DeleteFunc(given, func(id int64) bool { return id == a.AgentID })
		}
		delete(free, a.AgentID)
		if c.Mode == campaigns.Preview {
			if err != nil {
				p.tasks.cancel(ctx, a.ID, whyNoTask)
			} else {
				_, err = p.show(ctx, a, c)
			}
			continue
		}
		p.pledge(a)
		if err == nil { // Redis is not asked again and again while it is away
			err = p.tasks.send(ctx, p.node, taskFor(a, c.Queue))
		}
		if err != nil {
			p.cancel(ctx, a.ID, whyNoTask)
		}
	}
	if err != nil {
		err = fmt.Errorf("tasks cannot be sent: %w", err)
	}
	return len(attempts), len(attempts) < n, err
}

// candidates are the agents who could have a call of the campaign: those who are given to it, and then the others of
// its line, longest idle first, who may have promised to call somebody back.
func candidates(c *campaigns.Campaign, given []int64, free map[int64]agents.Idle) []int64 {
	var others []agents.Idle
	for id, a := range free {
		if !slices.Contains(given, id) && slices.Contains(a.Queues, c.Queue) {
			others = append(others, a)
		}
	}
	slices.SortFunc(others, func(a, b agents.Idle) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	list := slices.Clone(given)
	for _, a := range others {
		list = append(list, a.ID)
	}
	return list
}

// cancel gives up an attempt that is on its way.
func (p *pacer) cancel(ctx context.Context, id AttemptID, why reason.Reason) {
	p.tasks.cancel(ctx, id, why)
	p.arrived(id)
}

func (p *pacer) pledge(a Attempt) {
	p.mu.Lock()
	p.prepared[a.ID] = pledge{a.AgentID, a.CampaignID, a.PreparedAt, a.PreparedAt.Add(p.stale)}
	p.mu.Unlock()
}

// arrived says that an attempt is no longer on its way: it has its agent, or was given up.
func (p *pacer) arrived(id AttemptID) {
	p.mu.Lock()
	delete(p.prepared, id)
	p.mu.Unlock()
	p.wakeUp()
}

// noSlot gives up an attempt whose agent's phone network has no slot for it. Another would fare no better at once.
func (p *pacer) noSlot(ctx context.Context, id AttemptID, why reason.Reason) {
	p.tasks.cancel(ctx, id, why)
	p.mu.Lock()
	defer p.mu.Unlock()
	if pl, ok := p.prepared[id]; ok {
		pl.until = p.now().Add(noSlotPause)
		p.prepared[id] = pl
	}
}

// giveBack cancels what is still on its way when the process ends, so that other nodes need not wait for it to be
// stale. While SQL is away they will.
func (p *pacer) giveBack() {
	p.endAllShown()
	p.mu.Lock()
	ids := slices.Collect(maps.Keys(p.prepared))
	p.mu.Unlock()
	for end := p.now().Add(sqlLimit); len(ids) > 0 && p.now().Before(end); ids = ids[1:] {
		p.cancel(context.Background(), ids[0], whyStopping)
	}
}

// pledged are the agents to whom an attempt is on its way. Those that were lost on it are forgotten.
func (p *pacer) pledged() map[int64]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, taken := p.now(), map[int64]bool{}
	for id, pl := range p.prepared {
		if now.After(pl.until) {
			delete(p.prepared, id)
			continue
		}
		taken[pl.agent] = true
	}
	delete(taken, 0)
	return taken
}

// isOnItsWay says whether no worker has taken the attempt yet.
func (p *pacer) isOnItsWay(id AttemptID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, yes := p.prepared[id]
	return yes
}

// onTheirWay are a campaign's attempts without an agent that no worker has yet, and since when.
func (p *pacer) onTheirWay(campaign int64) map[AttemptID]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := map[AttemptID]time.Time{}
	for id, pl := range p.prepared {
		if pl.agent == 0 && pl.campaign == campaign {
			list[id] = pl.since
		}
	}
	return list
}
