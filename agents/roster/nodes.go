package roster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/retry"
)

// Roles that the roster itself looks for.
const (
	RoleDialer  = "dialer"  // may be an agent's home
	RoleGateway = "gateway" // holds tabs
)

const (
	heartbeat  = 2 * time.Second
	nodeTTL    = 8 * time.Second // without a heartbeat for so long a node is gone
	sweepEvery = time.Second
	sweepLimit = 200 // agents of each kind a sweep
	countEvery = 5 * time.Second
)

// Run keeps this node on the list of nodes, hears of changes, and sweeps up after nodes that are gone. It ends with ctx.
func (r *Roster) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { r.listen(ctx) })
	all.Go(func() {
		retry.OnBeat(ctx, heartbeat, nil, func(ctx context.Context) { r.logged("heartbeat", r.Heartbeat(ctx)) })
	})
	all.Go(func() {
		retry.OnBeat(ctx, sweepEvery, nil, func(ctx context.Context) { r.logged("sweep", r.Sweep(ctx)) })
	})
	if r.o.Metrics != nil {
		all.Go(func() {
			retry.OnBeat(ctx, countEvery, nil, func(ctx context.Context) { r.logged("count", r.countStates(ctx)) })
		})
	}
	all.Wait()
	r.leave()
}

func (r *Roster) logged(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		r.o.Log.Warn("roster: Redis", slog.String("doing", what), slog.Any("error", err))
	}
}

// ErrNodeLives says that another process goes by this node's name.
var ErrNodeLives = errors.New("roster: a live process has this node's name")

// Enter makes the node's name this process's own. A process that was killed a moment ago keeps it until its heartbeats are
// missed: Enter waits for that. ErrNodeLives: the other one goes on.
func (r *Roster) Enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, nodeTTL+2*heartbeat)
	defer cancel()
	for {
		taken, err := r.rdb.SetNX(ctx, r.keys.name(r.o.Node), r.life, nodeTTL).Result()
		switch {
		case taken:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %s", ErrNodeLives, r.o.Node)
		case err != nil:
			return fmt.Errorf("roster: enter: %w", err)
		}
		retry.Sleep(ctx, heartbeat/4)
	}
}

// Heartbeat says that this node lives and what it does. The first one after a silence of all nodes notes when it ended.
func (r *Roster) Heartbeat(ctx context.Context) error {
	now := r.o.Now().UnixMilli()
	last, err := r.rdb.Get(ctx, r.keys.pulse()).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("roster: heartbeat: %w", err)
	}
	_, err = r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		if silence := now - last; max(silence, -silence) > nodeTTL.Milliseconds() { // or the clock was set
			p.Set(ctx, r.keys.steady(), now, 0)
		}
		p.Set(ctx, r.keys.pulse(), now, 0)
		p.Set(ctx, r.keys.name(r.o.Node), r.life, nodeTTL)
		for _, role := range r.o.Roles {
			p.ZAdd(ctx, r.keys.nodes(role), redis.Z{Score: float64(now), Member: r.o.Node})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("roster: heartbeat: %w", err)
	}
	return nil
}

// leave takes this node off the lists at its orderly end, so that nobody waits for its heartbeats to run out.
func (r *Roster) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r.logged("leave", r.rdb.Del(ctx, r.keys.name(r.o.Node)).Err())
	for _, role := range r.o.Roles {
		// Kept as long dead, not deleted: its agents are found by it.
		r.logged("leave", r.rdb.ZAddXX(ctx, r.keys.nodes(role), redis.Z{Score: 0, Member: r.o.Node}).Err())
	}
}

// Nodes lists the live nodes of a role.
func (r *Roster) Nodes(ctx context.Context, role string) ([]string, error) {
	alive := r.o.Now().Add(-nodeTTL).UnixMilli()
	nodes, err := r.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: r.keys.nodes(role), ByScore: true, Start: strconv.FormatInt(alive, 10), Stop: "+inf",
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("roster: nodes: %w", err)
	}
	return nodes, nil
}

// Home chooses a home for an agent who logs in: the live dialer node with the fewest agents, this one among equals.
// Empty: no dialer node lives; the agent gets no calls until one does.
func (r *Roster) Home(ctx context.Context) (string, error) {
	nodes, err := r.Nodes(ctx, RoleDialer)
	if err != nil {
		return "", err
	}
	best, fewest := "", int64(0)
	for _, node := range nodes {
		n, err := r.rdb.ZCard(ctx, r.keys.home(node)).Result()
		if err != nil {
			return "", fmt.Errorf("roster: home: %w", err)
		}
		if best == "" || n < fewest || n == fewest && node == r.o.Node {
			best, fewest = node, n
		}
	}
	return best, nil
}

// Sweep ends what nobody else will end: claims that were not renewed, codes whose owner is lost,
// the tabs of lost gateways; and it finds homes for agents who have none, or had it with a lost dialer. Every node may sweep at
// any time.
func (r *Roster) Sweep(ctx context.Context) error {
	now := r.o.Now()
	seen, err := r.glance(ctx, now)
	if err != nil {
		return err
	}
	for _, id := range seen.homeless {
		if err := r.rehome(ctx, id, ""); err != nil {
			return err
		}
	}
	if !seen.steady {
		return nil
	}
	for _, id := range seen.due {
		if err := r.endDue(ctx, id, now); err != nil {
			return err
		}
	}
	if err := r.sweepNodes(ctx, seen.gateways, RoleGateway, r.keys.tabs, r.takeTabs); err != nil {
		return err
	}
	return r.sweepNodes(ctx, seen.dialers, RoleDialer, r.keys.home, r.rehome)
}

// glance is what a sweep finds to do. All of it is asked at once: mostly there is nothing, and an idle node should be idle.
type glance struct {
	homeless, due     []int64  // agents
	gateways, dialers []string // nodes that are gone

	// steady says that nodes have been heard for so long that silence means death. After an outage of Redis, or when its clock was
	// set forward, every claim and every heartbeat looks old, though their owners live and are about to renew them.
	steady bool
}

func (r *Roster) glance(ctx context.Context, now time.Time) (glance, error) {
	p := r.rdb.Pipeline()
	passed := func(key string) *redis.StringSliceCmd {
		return p.ZRangeArgs(ctx, redis.ZRangeArgs{Key: key, ByScore: true, Start: "-inf", Stop: strconv.FormatInt(now.UnixMilli(), 10),
			Count: sweepLimit})
	}
	gone := func(role string) *redis.StringSliceCmd {
		return p.ZRangeArgs(ctx, redis.ZRangeArgs{Key: r.keys.nodes(role), ByScore: true, Start: "-inf",
			Stop: "(" + strconv.FormatInt(now.Add(-nodeTTL).UnixMilli(), 10)})
	}
	homeless, due := p.ZRange(ctx, r.keys.home(""), 0, sweepLimit-1), passed(r.keys.due())
	gateways, dialers, since, pulse := gone(RoleGateway), gone(RoleDialer), p.Get(ctx, r.keys.steady()), p.Get(ctx, r.keys.pulse())
	_, _ = p.Exec(ctx) // each answer has its own error
	for _, answer := range []redis.Cmder{homeless, due, gateways, dialers, since, pulse} {
		if err := answer.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return glance{}, fmt.Errorf("roster: sweep: %w", err)
		}
	}
	at, err := since.Int64()
	steady := err == nil && now.UnixMilli()-at >= nodeTTL.Milliseconds()
	if last, err := pulse.Int64(); err == nil && now.Sub(time.UnixMilli(last)).Abs() > nodeTTL {
		steady = false // this node's own heartbeat is late, or was by another clock
	}
	return glance{homeless: parseIDs(homeless.Val()), due: parseIDs(due.Val()),
		gateways: gateways.Val(), dialers: dialers.Val(), steady: steady}, nil
}

// endDue says for a lost owner what is over: the call, or the time for its code.
func (r *Roster) endDue(ctx context.Context, agentID int64, now time.Time) error {
	l, err := r.Get(ctx, agentID)
	if err != nil || l.Call == nil {
		return err
	}
	in := agents.Input{Kind: agents.ClaimExpired, At: now, AttemptID: l.Call.AttemptID}
	if l.State == agents.Clerical {
		in.Kind = agents.WrapUpOver
	}
	r.o.Log.Warn("agent freed for a lost owner", slog.Int64("agent", agentID), slog.String("input", string(in.Kind)),
		slog.String("attempt", in.AttemptID))
	return r.unlessOvertaken(r.Apply(ctx, agentID, in))
}

// unlessOvertaken drops the errors of a change that somebody else has made meanwhile.
func (r *Roster) unlessOvertaken(_ agents.Live, err error) error {
	if errors.Is(err, agents.ErrNotNow) || errors.Is(err, agents.ErrOtherCall) || errors.Is(err, ErrContended) {
		return nil
	}
	return err
}

// sweepNodes deals with every agent listed under a node that is gone, and forgets the node once none is.
func (r *Roster) sweepNodes(ctx context.Context, dead []string, role string, list func(node string) string,
	deal func(ctx context.Context, agentID int64, node string) error) error {
	for _, node := range dead {
		if err := r.sweepList(ctx, list(node), node, deal); err != nil {
			return err
		}
		if n, err := r.rdb.Exists(ctx, list(node)).Result(); err == nil && n == 0 {
			r.logged("forget node", r.rdb.ZRem(ctx, r.keys.nodes(role), node).Err())
		}
	}
	return nil
}

func (r *Roster) sweepList(ctx context.Context, list, node string,
	deal func(ctx context.Context, agentID int64, node string) error) error {
	members, err := r.rdb.ZRange(ctx, list, 0, sweepLimit-1).Result()
	if err != nil {
		return fmt.Errorf("roster: read %s: %w", list, err)
	}
	for _, id := range parseIDs(members) {
		if err := deal(ctx, id, node); err != nil {
			return err
		}
	}
	return nil
}

func (r *Roster) takeTabs(ctx context.Context, agentID int64, node string) error {
	return r.unlessOvertaken(r.Apply(ctx, agentID, agents.Input{Kind: agents.TabsCounted, Node: node, Count: 0}))
}

// rehome waits for the end of a call: its claim runs out first.
func (r *Roster) rehome(ctx context.Context, agentID int64, _ string) error {
	home, err := r.Home(ctx)
	if err != nil || home == "" {
		return err
	}
	return r.unlessOvertaken(r.Apply(ctx, agentID, agents.Input{Kind: agents.HomeChanged, Node: home}))
}

// Rehome makes a node that lives, and holds the phone, the home of an agent who is in no call. false: the agent stays there.
func (r *Roster) Rehome(ctx context.Context, agentID int64, node string) (bool, error) {
	nodes, err := r.Nodes(ctx, RoleDialer)
	if err != nil || !slices.Contains(nodes, node) {
		return false, err
	}
	if l, err := r.Get(ctx, agentID); err != nil || l.Node == node { // several may have noticed
		return false, err
	}
	_, err = r.Apply(ctx, agentID, agents.Input{Kind: agents.HomeChanged, Node: node})
	return err == nil, r.unlessOvertaken(agents.Live{}, err)
}

// countStates tells how many agents are in each state. A node counts those whose home it is, so that nodes add up.
func (r *Roster) countStates(ctx context.Context) error {
	counts := map[agents.State]int{}
	for after := int64(0); ; {
		page, err := r.List(ctx, after, 1000)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			if after = l.AgentID; l.Node == r.o.Node {
				counts[l.State]++
			}
		}
	}
	for _, s := range agents.States {
		r.o.Metrics.Agents(string(s), counts[s])
	}
	return nil
}
