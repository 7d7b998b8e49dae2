package dialer

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/uptime"
)

const (
	fallbackTick = time.Second            // the pacer looks at least so often
	gathering    = 6 * time.Millisecond   // between two looks: agents who come free meanwhile are planned for together
	dryPause     = 500 * time.Millisecond // a campaign that had too few due contacts is not asked again before
	planLimit    = 200                    // attempts of one transaction

	firstYield = 50 * time.Millisecond // a campaign whose call found its agent taken by another campaign waits so long,
	lastYield  = time.Second           // and longer each time that it happens again
)

// pacer decides how many calls a campaign makes: one for each free agent of its queue whose home is this node, less those
// that are on their way to one. It is woken by agents, contact tasks and the clock, and computes everything anew each time:
// a lost wake-up costs a second, never a call. Campaigns are looked at in the order of their priority, so that the higher
// one's tasks come first to the agents they share.
//
// When SQL or Redis does not answer nothing is planned; the next tick tries again.
type pacer struct {
	node     string
	store    Store
	roster   Roster
	networks map[string]PhoneNetwork
	tasks    *tasks
	room     func() int // for calls, in this process
	stale    time.Duration
	now      func() time.Time
	log      *slog.Logger
	wake     chan struct{}

	campaigns []*campaigns.Campaign
	readAt    time.Time
	dryUntil  map[int64]time.Time // by campaign
	heldSince map[int64]time.Time // by campaign: since when it gives way to others

	mu       sync.Mutex
	prepared map[AttemptID]pledge
	yields   map[int64]yield // by campaign
}

// yield is a campaign's patience with others that its agents serve too, and that come first.
type yield struct {
	pause time.Duration
	until time.Time
}

// pledge is an attempt on its way to an agent.
type pledge struct {
	campaign int64
	until    time.Time // then it was lost, and is cancelled as stale
}

func newPacer(d Deps, tasks *tasks, room func() int) *pacer {
	return &pacer{node: d.Node, store: d.Store, roster: d.Roster, networks: d.Networks, tasks: tasks, room: room, stale: d.Limits.Stale, now: d.Now, log: d.Log,
		wake: make(chan struct{}, 1), dryUntil: map[int64]time.Time{}, heldSince: map[int64]time.Time{},
		prepared: map[AttemptID]pledge{}, yields: map[int64]yield{}}
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
		if !sleep(ctx, gathering) {
			return
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-t.C:
		case <-p.wake:
		case <-p.roster.Changed():
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// look plans for every campaign that may have work, and answers when to look again without being woken.
func (p *pacer) look(ctx context.Context) (next time.Time) {
	next = p.now().Add(jittered(fallbackTick))
	free, err := p.roster.Free(ctx, p.node)
	if err != nil {
		p.away(ctx, "free agents unknown: nothing is planned", err)
		return next
	}
	if len(free) == 0 {
		return p.now().Add(uptime.Beat(fallbackTick)) // whoever becomes free wakes us
	}
	if err := p.readCampaigns(ctx); err != nil {
		p.away(ctx, "campaigns unknown: nothing is planned", err)
		return next
	}
	counts := p.pledged()
	room := p.networkRoom() // of the ways to customers
	for _, n := range counts {
		room -= n
	}
	above, same, priority := 0, 0, 0 // calls on their way of campaigns that come first, and of those at this priority
	for _, c := range p.campaigns {
		if c.Priority != priority {
			above, same, priority = above+same, 0, c.Priority
		}
		n := p.giveWay(c, free[c.Queue]-counts[c.ID], above)
		planned, again, err := p.plan(ctx, c, min(n, p.room(), planLimit, room))
		if err != nil {
			p.away(ctx, "attempts not planned", err)
			return next
		}
		same += counts[c.ID] + planned
		room -= planned
		if !again.IsZero() && again.Before(next) {
			next = again
		}
	}
	return next
}

// networkRoom counts the calls that this node's phone networks could begin within the next second. A network that knows no limit is as
// good as many. While none can, nothing is planned, and no agent's phone rings for nothing; the network itself says so, and wakes us.
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

// giveWay leaves as many free agents as campaigns of a higher priority have calls on their way: they may be the same
// agents. Where they are not, the calls have found theirs before the patience is over.
func (p *pacer) giveWay(c *campaigns.Campaign, n, above int) int {
	if n <= 0 || above == 0 {
		delete(p.heldSince, c.ID)
		return n
	}
	if _, held := p.heldSince[c.ID]; !held {
		p.heldSince[c.ID] = p.now()
	}
	if p.now().Sub(p.heldSince[c.ID]) > firstYield {
		delete(p.heldSince, c.ID)
		return n
	}
	p.wakeUp()
	return n - above
}

func (p *pacer) away(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		p.log.Warn("pacer waits", slog.String("because", what), slog.Any("error", err))
	}
}

// readCampaigns keeps the list of running campaigns for a tick; Plan and Claim ask the truth again.
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
	running = slices.DeleteFunc(running, func(c *campaigns.Campaign) bool { return !dialsByItself(c.Mode) })
	slices.SortFunc(running, func(a, b *campaigns.Campaign) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID))
	})
	p.campaigns, p.readAt = running, p.now()
	return nil
}

// dialsByItself says whether the pacer places a mode's calls. One call a free agent is the safe pace of a predictive
// campaign too, as long as nothing paces it faster.
func dialsByItself(m campaigns.Mode) bool {
	return m == campaigns.Progressive || m == campaigns.Predictive
}

// plan prepares up to n attempts and sends their tasks. It answers how many, and when the campaign has to be looked at
// again; zero: as usual.
func (p *pacer) plan(ctx context.Context, c *campaigns.Campaign, n int) (planned int, again time.Time, err error) {
	now := p.now()
	if n <= 0 {
		return 0, time.Time{}, nil
	}
	if open, change := campaigns.OpenAt(c, now); !open {
		return 0, change, nil
	}
	for _, wait := range []time.Time{p.dryUntil[c.ID], p.yieldOf(c.ID)} {
		if now.Before(wait) {
			return 0, wait, nil
		}
	}
	if ctx.Err() != nil {
		return 0, time.Time{}, ctx.Err()
	}
	// The end of the process does not cut a plan off: what it has committed by then can be given back only if it is known.
	sql, cancel := context.WithTimeout(context.WithoutCancel(ctx), sqlLimit)
	defer cancel()
	attempts, err := p.store.Plan(sql, c.ID, n, now)
	if err != nil {
		return 0, time.Time{}, err // if it was committed all the same: nothing is enqueued, so it is cancelled as stale
	}
	for _, a := range attempts {
		p.pledge(a)
		if err == nil { // Redis is not asked again and again while it is away
			err = p.tasks.send(ctx, p.node, taskFor(a, c.Queue))
		}
		if err != nil {
			p.cancel(ctx, a.ID, "its task could not be sent")
		}
	}
	if err != nil {
		p.away(ctx, "tasks cannot be sent", err)
	}
	if len(attempts) < n {
		again = now.Add(dryPause)
		p.dryUntil[c.ID] = again
	}
	return len(attempts), again, nil
}

// cancel gives up an attempt that is on its way.
func (p *pacer) cancel(ctx context.Context, id AttemptID, reason string) {
	p.tasks.cancel(ctx, id, reason)
	p.arrived(id)
}

func (p *pacer) pledge(a Attempt) {
	p.mu.Lock()
	p.prepared[a.ID] = pledge{a.CampaignID, a.PreparedAt.Add(p.stale)}
	p.mu.Unlock()
}

// arrived says that an attempt is no longer on its way: it has its agent, or was given up.
func (p *pacer) arrived(id AttemptID) {
	p.mu.Lock()
	delete(p.prepared, id)
	p.mu.Unlock()
	p.wakeUp()
}

// found notes whether a campaign's call found a free agent. Agents who serve many queues are counted in each: without
// patience all these campaigns would plan a call for each agent who comes free, and cancel it.
func (p *pacer) found(campaignID int64, agent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if agent {
		delete(p.yields, campaignID)
		return
	}
	pause := min(max(2*p.yields[campaignID].pause, firstYield), lastYield)
	p.yields[campaignID] = yield{pause, p.now().Add(pause)}
}

func (p *pacer) yieldOf(campaignID int64) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.yields[campaignID].until
}

// giveBack cancels what is still on its way when the process ends, so that other nodes need not wait for it to be stale. While SQL is
// away they will.
func (p *pacer) giveBack() {
	p.mu.Lock()
	ids := slices.Collect(maps.Keys(p.prepared))
	p.mu.Unlock()
	for end := p.now().Add(sqlLimit); len(ids) > 0 && p.now().Before(end); ids = ids[1:] {
		p.cancel(context.Background(), ids[0], "its process has stopped")
	}
}

// pledged counts the attempts on their way by campaign, and forgets those that were lost on it.
func (p *pacer) pledged() map[int64]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, counts := p.now(), map[int64]int{}
	for id, pl := range p.prepared {
		if now.After(pl.until) {
			delete(p.prepared, id)
			continue
		}
		counts[pl.campaign]++
	}
	return counts
}
