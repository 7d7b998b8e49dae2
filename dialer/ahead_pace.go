package dialer

import (
	"cmp"
	"context"
	"hash/fnv"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/chance"
)

const (
	paceEvery    = 200 * time.Millisecond // a campaign's pace is decided at most so often, and at least once a second
	accountFresh = time.Second            // the day's account is read so often
	daysFresh    = time.Minute            // the account of the days before
	slowAnswer   = time.Second            // of SQL or Redis: then nothing is risked
	agentsPage   = 500
)

// pace is how one campaign's calls run ahead of its agents at this node: what the pacing has learned, and what it is to learn
// next.
type pace struct {
	pacer    *pacing.Pacer // nil: what was learned before is not read yet
	recorder *pacing.Recorder
	mode     campaigns.Pacing
	began    time.Time
	seen     map[int64]agents.Live // its agents at the last look, to see what has ended
	next     time.Time             // not decided before

	minutes        []pacing.Span // of the account, from midnight on
	before         pacing.Tally  // of the days before, where the law counts over more than one
	readAt, daysAt time.Time
	midnight       time.Time
	counting       pacing.Counting
	slow           bool      // SQL took too long
	unwritten      int       // abandoned calls that are not in the account yet
	toldAt         time.Time // the last report
	chancesAt      time.Time // when who answers was last learned

	share    float64   // of what the account allows
	partAt   time.Time // when the share was last confirmed
	partFrom time.Time // not used before

	mu      sync.Mutex // calls tell what follows from goroutines of their own
	totals  pacing.Totals
	done    pacing.Done
	last    PaceReport
	chances *chance.Model // of who answers; nil: nothing that helps is known
}

// paces are the campaigns that run ahead at this node. It is what calls tell their ends to.
type paces struct {
	mu sync.Mutex
	of map[int64]*pace
}

func (p *paces) get(campaign int64) *pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of[campaign]
}

// begun has the campaign's pace learn of a call that was placed before there was an agent.
func (p *paces) begun(campaign int64) {
	if c := p.get(campaign); c != nil {
		c.mu.Lock()
		c.totals.Dialed++
		c.mu.Unlock()
	}
}

// rang has it learn how long such a call rang, and whether a person answered it, who was as likely to as the odds say.
func (p *paces) rang(campaign int64, after time.Duration, answered bool, odds pacing.Odds) {
	c := p.get(campaign)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	after = max(after, 0)
	if answered {
		c.totals.Answered++
		c.done.RingAnswered = append(c.done.RingAnswered, after)
		c.done.OddsAnswered = append(c.done.OddsAnswered, odds)
	} else {
		c.totals.Other++
		c.done.RingOther = append(c.done.RingOther, after)
		c.done.OddsOther = append(c.done.OddsOther, odds)
	}
}

// aheadOf is the phone network by which a campaign's customers are called first; empty: an agent is there first.
func (p *pacer) aheadOf(c *campaigns.Campaign) string {
	if c.Mode != campaigns.Predictive {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(p.networks)) {
		if network, can := p.networks[name].(CustomerFirst); can && (network.AbandonedMessage() || !c.NeedsMessage()) {
			return name
		}
	}
	return ""
}

// runAhead decides for the campaigns whose customers are called first, and takes their agents off the free. It returns when to
// decide again; zero: no campaign is one.
func (p *pacer) runAhead(ctx context.Context, free map[int64]agents.Idle, room int) (next time.Time, err error) {
	var ahead []*campaigns.Campaign
	for _, c := range p.campaigns {
		if p.aheadOf(c) != "" {
			ahead = append(ahead, c)
		}
	}
	p.keepPaces(ahead)
	if len(ahead) == 0 {
		return next, nil
	}
	began := p.now()
	team, err := p.team(ctx)
	slow := p.now().Sub(began) > slowAnswer
	owners := p.owners(ahead)
	mine := map[int64][]agents.Live{}
	for _, l := range team {
		owner := owners(l)
		if owner == 0 {
			continue
		}
		mine[owner] = append(mine[owner], l)
	}
	for _, c := range ahead {
		var idle []agents.Idle
		for _, l := range mine[c.ID] {
			if a, ok := free[l.AgentID]; ok {
				idle = append(idle, a)
				delete(free, l.AgentID)
			}
		}
		slices.SortFunc(idle, func(a, b agents.Idle) int { return a.Since.Compare(b.Since) })
		pc := p.paces.get(c.ID)
		if p.now().Before(pc.next) {
			next = earlier(next, pc.next)
			continue
		}
		pc.next = p.now().Add(paceEvery)
		n, planErr := p.paceOne(ctx, c, pc, mine[c.ID], idle, began, slow || err != nil, room)
		room -= n
		if planErr != nil && err == nil {
			err = planErr
		}
	}
	return earlier(next, p.now().Add(fallbackTick)), err
}

// keepPaces has a pace for each of the campaigns, and for no other; one whose settings have changed begins anew.
func (p *pacer) keepPaces(ahead []*campaigns.Campaign) {
	p.paces.mu.Lock()
	defer p.paces.mu.Unlock()
	maps.DeleteFunc(p.paces.of, func(id int64, _ *pace) bool {
		return !slices.ContainsFunc(ahead, func(c *campaigns.Campaign) bool { return c.ID == id })
	})
	for _, c := range ahead {
		if known := p.paces.of[c.ID]; known != nil && known.mode == c.Pace() {
			continue
		}
		p.paces.of[c.ID] = &pace{mode: c.Pace(), began: p.now(), seen: map[int64]agents.Live{}}
	}
}

// team lists the agents who are at home here.
func (p *pacer) team(ctx context.Context) (team []agents.Live, err error) {
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	for after := int64(0); ; {
		page, err := p.roster.List(ctx, after, agentsPage)
		if err != nil {
			return nil, err
		}
		for _, l := range page {
			after = l.AgentID
			if l.Node == p.node {
				team = append(team, l)
			}
		}
		if len(page) < agentsPage {
			return team, nil
		}
	}
}

// owners says which of the campaigns that run ahead an agent stands by for: that of the highest priority among all that have a
// window open and people to call, or calls that ring; among equals each has its weight's part of the agents. Zero: none, so that
// the agent is given calls as in the other modes.
func (p *pacer) owners(ahead []*campaigns.Campaign) func(agents.Live) int64 {
	now := p.now()
	var wanting []*campaigns.Campaign
	for _, c := range p.campaigns {
		open, _ := campaigns.OpenAt(c, now)
		rings := slices.Contains(ahead, c) && len(p.calls.ahead(c.ID)) > 0
		if open && !now.Before(p.dryUntil[c.ID]) || rings {
			wanting = append(wanting, c)
		}
	}
	return func(l agents.Live) int64 {
		var best []*campaigns.Campaign
		weights := 0
		for _, c := range wanting {
			if !slices.Contains(l.Queues, c.Queue) || len(best) > 0 && best[0].Priority > c.Priority {
				continue
			}
			if network := p.aheadOf(c); network != "" && network != l.Extension.Network {
				continue
			}
			best = append(best, c)
			weights += c.Weight
		}
		if len(best) == 0 {
			return 0
		}
		h := fnv.New32a()
		_, _ = h.Write(strconv.AppendInt(nil, l.AgentID, 10))
		for draw := int(h.Sum32() % uint32(max(weights, 1))); ; best = best[1:] {
			if draw -= best[0].Weight; draw < 0 || len(best) == 1 {
				break
			}
		}
		if p.aheadOf(best[0]) == "" {
			return 0
		}
		return best[0].ID
	}
}

// paceOne decides for one campaign, and carries it out. It returns how many calls it has planned.
func (p *pacer) paceOne(ctx context.Context, c *campaigns.Campaign, pc *pace, team []agents.Live, idle []agents.Idle,
	stateAt time.Time, slow bool,
	room int) (int, error) {
	p.takePart(ctx, c.ID, pc, len(team))
	before := pc.unwritten
	if pc.unwritten = p.unwritten(c.ID); pc.unwritten < before {
		pc.readAt = time.Time{} // some are in the account by now: else it would fall, and rise again with the next look
	}
	accountErr := p.readAccount(ctx, c, pc)
	if pc.pacer == nil {
		if accountErr == nil {
			accountErr = p.learnBefore(ctx, c, pc)
		}
		if accountErr != nil {
			return 0, accountErr
		}
	}
	p.learnChances(c, pc)
	s := p.snapshot(c, pc, team, stateAt)
	s.MaxNew = max(min(room, p.networkRoomOf(p.aheadOf(c)), planLimit), 0)
	limited, _ := p.networks[p.aheadOf(c)].(Limited)
	switch {
	case slow || accountErr != nil || pc.slow || !pc.hasPart(p.now()):
		s.Trouble = pacing.SlowState
	case limited != nil:
		if _, why := limited.Room(); why != "" {
			s.Trouble = pacing.TrunkTrouble
		}
	}
	d := pc.pacer.Decide(s)
	pc.report(p.now(), d, p.giveUp(ctx, d.GiveUp, s.MinRing), s)
	p.record(c.ID, pc, s, &d)
	open, _ := campaigns.OpenAt(c, p.now())
	if d.Originate == 0 || !open || p.now().Before(p.dryUntil[c.ID]) {
		return 0, nil
	}
	free := map[int64]agents.Idle{}
	given := make([]int64, 0, len(idle))
	for _, a := range idle {
		free[a.ID] = a
		given = append(given, a.ID)
	}
	var planned int
	var dry bool
	var err error
	if guaranteed(d.Key) {
		planned, dry, err = p.plan(ctx, c, given[:min(d.Originate, len(given))], free)
	} else {
		planned, dry, err = p.planAhead(ctx, c, d.Originate, given)
	}
	if dry {
		p.ranDry(c, planned, !guaranteed(d.Key), given)
	}
	return planned, err
}

// giveUp gives up calls that have lost their agent, and returns how many: those not dialed yet, and those that ring. What
// a call's age does not show is how long the way to the customer was: no phone rings for less than the law wants.
func (p *pacer) giveUp(ctx context.Context, ids []int64, least time.Duration) (n int) {
	for _, id := range ids {
		call := p.calls.find(AttemptID(id))
		if call == nil {
			if p.isOnItsWay(AttemptID(id)) { // a worker that is about to take it finds that it is no longer to be had
				p.cancel(ctx, AttemptID(id), whyNobodyFree)
				n++
			}
			continue
		}
		is := call.now()
		if !call.fence.close() && (!is.pickedUp.IsZero() || is.ringsAt.IsZero() || p.now().Sub(is.ringsAt) < least) {
			continue
		}
		p.log.Info("a call has lost its agent: given up", slog.String("attempt", AttemptID(id).String()))
		call.hangup("system")
		n++
	}
	return n
}

// guaranteed says that nobody may be called now without an agent who is there first.
func guaranteed(k pacing.Key) bool {
	return k == pacing.ByCap || k == pacing.ByTrouble || k == pacing.StaleState
}

// planAhead prepares n calls that have no agent yet. Those of people who may be called only with one are given the agents who
// have been free for longest.
func (p *pacer) planAhead(ctx context.Context, c *campaigns.Campaign, n int, idle []int64) (planned int, dry bool, err error) {
	if ctx.Err() != nil {
		return 0, false, ctx.Err()
	}
	sql, cancel := context.WithTimeout(context.WithoutCancel(ctx), sqlLimit) // as for plan
	defer cancel()
	attempts, err := p.store.PlanAhead(sql, c.ID, n, p.now(), idle...)
	if err != nil {
		return 0, false, err
	}
	for _, a := range attempts {
		t := taskFor(a, c.Queue)
		if a.AgentID == 0 {
			t.Network = p.aheadOf(c)
		}
		p.pledge(a)
		if err == nil {
			err = p.tasks.send(ctx, p.node, t)
		}
		if err != nil {
			p.cancel(ctx, a.ID, whyNoTask)
		}
	}
	return len(attempts), len(attempts) < n, err
}

// networkRoomOf counts the calls that one phone network could begin within the next second.
func (p *pacer) networkRoomOf(name string) int {
	limited, ok := p.networks[name].(Limited)
	if !ok {
		return planLimit
	}
	n, _ := limited.Room()
	return n
}

// snapshot is the campaign at this moment, as the pacing sees it.
func (p *pacer) snapshot(c *campaigns.Campaign, pc *pace, team []agents.Live, stateAt time.Time) *pacing.Snapshot {
	now := p.now()
	s := &pacing.Snapshot{
		Now: max(now.Sub(pc.began), 0), Cap: pc.mode.AbandonedCap, RingTimeout: c.Ring, MinRing: c.MinimumRing(),
		Patience: pc.mode.Patience,
		MaxLines: pc.mode.MaxLines, Share: pc.share, StateAge: max(now.Sub(stateAt), 0),
	}
	seen := make(map[int64]agents.Live, len(team))
	pc.mu.Lock()
	for _, l := range team {
		if was, known := pc.seen[l.AgentID]; known {
			pc.learn(was, l)
			if spell(was.State) == pacing.Talk && spell(l.State) == pacing.Talk {
				l.Since = was.Since // a hold is part of the talk
			}
		}
		seen[l.AgentID] = l
		s.Agents = append(s.Agents, standing(l, now))
	}
	pc.seen = seen
	s.Totals, s.Done = pc.totals, pc.done
	pc.done = pacing.Done{}
	pc.mu.Unlock()
	for _, call := range p.calls.ahead(c.ID) {
		switch is := call.now(); {
		case is.unwritten():
		case is.phase == phaseAlone:
			s.Waiting = append(s.Waiting, max(now.Sub(is.pickedUp), 0))
		case is.hungUpBy != "": // it rings no more: its end is on its way
		case is.phase == phaseWaiting || is.phase == phaseRinging:
			s.Calls = append(s.Calls, pacing.Call{ID: int64(call.attempt()), Age: max(now.Sub(call.claimedAt), 0),
				Undialed: !call.fence.passed(), Odds: call.odds})
		}
	}
	for id, since := range p.onTheirWay(c.ID) {
		s.Calls = append(s.Calls, pacing.Call{ID: int64(id), Age: max(now.Sub(since), 0), Undialed: true})
	}
	slices.SortFunc(s.Calls, func(a, b pacing.Call) int { return cmp.Or(cmp.Compare(b.Age, a.Age), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(s.Waiting, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	s.Day, s.HalfHour = pc.tallies(now)
	for _, t := range []*pacing.Tally{&s.Day, &s.HalfHour} {
		t.Answered += pc.unwritten
		t.Abandoned += pc.unwritten
	}
	return s
}

// unwritten counts the calls that are abandoned, and not in the account yet.
func (p *pacer) unwritten(campaign int64) (n int) {
	for _, call := range p.calls.ahead(campaign) {
		if is := call.now(); is.unwritten() {
			n++
		}
	}
	return n
}

func (c *course) unwritten() bool {
	return c.leftAlone() && !c.machine && (c.phase == phaseSorry || c.ended() && c.open())
}

// learn notes what has ended for an agent since the last look. The caller holds pc.mu.
func (pc *pace) learn(was, is agents.Live) {
	if spell(was.State) == spell(is.State) && was.Since.Equal(is.Since) {
		return
	}
	lasted := is.Since.Sub(was.Since)
	switch {
	case lasted < 0 || spell(was.State) == spell(is.State) && spell(is.State) == pacing.Talk:
	case spell(was.State) == pacing.Talk:
		pc.done.Talk = append(pc.done.Talk, lasted)
	case spell(was.State) == pacing.Wrap:
		pc.done.Wrap = append(pc.done.Wrap, lasted)
	}
}

func spell(s agents.State) pacing.Status {
	switch s {
	case agents.Available:
		return pacing.Idle
	case agents.Ordered, agents.Delivered:
		return pacing.Offered
	case agents.Talking, agents.Holding:
		return pacing.Talk
	case agents.Clerical:
		return pacing.Wrap
	}
	return pacing.Pause
}

// standing is an agent as the pacing sees one. Whose tab, phone or flag is not as it should be, or who is about to pause, gives
// no credit.
func standing(l agents.Live, now time.Time) pacing.Agent {
	return pacing.Agent{ID: int(l.AgentID), Status: spell(l.State), For: max(now.Sub(l.Since), 0),
		Stale: l.State != agents.Paused && l.State != agents.ForcePause &&
			(l.Tabs == 0 || !l.Reachable || !l.AutoCall || l.NextPause != "")}
}
