// Package roster keeps the moment's state of all agents in Redis: who is logged on, who is free, who is in which call.
//
// The agents' state machine ([agents.Next]) decides, here it is only stored: a change is computed from the version that was
// read and stored by a compare-and-set script, which moves the agent between the lists in the same step and tells all
// nodes. A claim takes the longest-idle free agent off the list by the only other script, and then is a change like any other.
//
// All of it may vanish with Redis. What must survive (the auto-call flag, pauses, Force Pause) is written to the system of
// record before the live state; gateways enter the agents of their open tabs again, everybody else is logged off.
package roster

import (
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/telemetry"
)

// ErrContended says that an agent's state kept changing under a change's feet. It may be tried again.
var ErrContended = errors.New("roster: too many changes at once")

// Record is where flag, pause and extension survive the loss of Redis; [agents.Store] is one.
type Record interface {
	SetAutoCall(ctx context.Context, agentID int64, on bool) error
	SetPause(ctx context.Context, agentID int64, pauseID string, cause reason.Reason) error

	// ReleaseExtension frees an extension, if it was not taken again since.
	ReleaseExtension(ctx context.Context, x agents.Extension) error
}

// Options of a [Roster].
type Options struct {
	Installation installation.Name // by which keys and channels are named; required
	Node         string            // this process's name among the nodes: not empty, no colon
	Roles        []string          // what this process does, such as "dialer" and "gateway"
	Record       Record            // nil: nothing is kept beyond Redis
	Log          *slog.Logger
	Metrics      *telemetry.Metrics // nil: nothing is counted
	Now          func() time.Time   // the time by Redis' clock, which all nodes share; nil: time.Now
}

// Roster is the moment's state of all agents. Its methods are safe for concurrent use; each asks Redis at most a bounded
// number of times, and otherwise ends with its context.
type Roster struct {
	rdb     redis.UniversalClient
	o       Options
	keys    keys
	life    string // tells this process from others of the same name
	changed chan struct{}

	mu       sync.RWMutex
	watchers []watcher

	last last // what this node has stored
}

// New makes a roster on Redis: one server, a Sentinel set or a Cluster. [Roster.Run] must run for what is told by others.
func New(rdb redis.UniversalClient, o Options) (*Roster, error) {
	if o.Node == "" || strings.Contains(o.Node, ":") {
		return nil, fmt.Errorf("roster: node name %q: want one without a colon", o.Node)
	}
	if o.Installation == "" {
		return nil, errors.New("roster: an installation's name is needed")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Roster{rdb: rdb, o: o, keys: keys{o.Installation}, life: crand.Text(), changed: make(chan struct{}, 1)}, nil
}

// Node is this process's name.
func (r *Roster) Node() string { return r.o.Node }

// Get reads one agent's present state; an agent of whom Redis knows nothing is Logged off.
func (r *Roster) Get(ctx context.Context, agentID int64) (agents.Live, error) {
	l, _, err := r.load(ctx, agentID)
	return l, err
}

// load returns also whether a state is stored. Versions of agents that are not stored begin at the clock, so that they
// grow over logouts and over the loss of Redis too.
func (r *Roster) load(ctx context.Context, agentID int64) (l agents.Live, stored bool, err error) {
	text, err := r.rdb.HGet(ctx, r.keys.agent(agentID), "live").Bytes()
	if errors.Is(err, redis.Nil) {
		l = agents.Off(agentID)
		l.Version = r.o.Now().UnixMilli()
		return l, false, nil
	}
	if err != nil {
		return agents.Live{}, false, fmt.Errorf("roster: read agent %d: %w", agentID, err)
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return agents.Live{}, false, fmt.Errorf("roster: state of agent %d: %w", agentID, err)
	}
	return l, true, nil
}

const (
	applyTries = 50 // changes of one agent are few at a time; a claim meets at most the other claims
	applyPause = time.Millisecond
)

// Apply puts an input through the agents' state machine and stores the result. An error of [agents.Next] comes with the
// state that refused; after any other error the outcome may be unknown. A zero in.At means now.
func (r *Roster) Apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error) {
	if in.At.IsZero() {
		in.At = r.o.Now()
	}
	if l, done, err := r.applyLast(ctx, agentID, in); done || err != nil {
		return l, err
	}
	recorded := false
	for try := range applyTries {
		l, stored, err := r.load(ctx, agentID)
		if err != nil {
			return agents.Live{}, err
		}
		next, refused := agents.Next(l, in)
		wrote, err := r.record(ctx, l, next, in.Kind, recorded)
		if refused != nil {
			return l, refused
		}
		if err != nil {
			return l, err
		}
		recorded = recorded || wrote
		done, err := r.store(ctx, l, next, stored, "")
		if err != nil {
			return agents.Live{}, err
		}
		if done {
			return next, nil
		}
		if !retry.Sleep(ctx, retry.Spread(applyPause*time.Duration(min(try+1, 10)), 1)) {
			return agents.Live{}, ctx.Err()
		}
	}
	return agents.Live{}, fmt.Errorf("%w: agent %d", ErrContended, agentID)
}

// record writes flag and pause before they come into force; again says that an earlier try has written something, which the
// state it was meant for did not become. If writing fails the agent may only become less callable: a pause that is not on
// record holds until Redis is lost, a pause that cannot be deleted is not left.
func (r *Roster) record(ctx context.Context, l, next agents.Live, kind agents.Kind, again bool) (wrote bool, err error) {
	var safe bool
	switch flag, pause := r.forRecord(l, next, kind); {
	case flag:
		safe = !next.AutoCall
		err = r.o.Record.SetAutoCall(ctx, l.AgentID, next.AutoCall)
	case pause || again && kind != agents.AutoCallSet:
		safe = next.PauseID != agents.NoPause
		err = r.o.Record.SetPause(ctx, l.AgentID, next.PauseID, next.PauseCause)
	default:
		return false, nil
	}
	if err == nil {
		return true, nil
	}
	if safe && ctx.Err() == nil {
		r.o.Log.Error("flag or pause not on record", slog.Int64("agent", l.AgentID), slog.String("input", string(kind)),
			slog.Any("error", err))
		return true, nil
	}
	return false, fmt.Errorf("roster: record %s of agent %d: %w", kind, l.AgentID, err)
}

// forRecord says what of a change goes on record.
func (r *Roster) forRecord(l, next agents.Live, kind agents.Kind) (flag, pause bool) {
	switch {
	case r.o.Record == nil, kind == agents.Login: // what a login finds comes from the record
		return false, false
	case kind == agents.Given: // the pause that the call interrupts stays on record: it comes back
		return false, false
	case kind == agents.AutoCallSet:
		return next.Version != l.Version, false
	}
	forgotten := kind == agents.PauseEnded && next.NextPause != l.NextPause // it may be on record since before the call
	return false, forgotten || next.PauseID != l.PauseID || next.PauseCause != l.PauseCause
}

// SetAutoCall switches an agent's auto-call flag, also for an agent who is logged off. It is what the agent's tab and a
// supervisor use alike.
func (r *Roster) SetAutoCall(ctx context.Context, agentID int64, on bool) error {
	l, err := r.Apply(ctx, agentID, agents.Input{Kind: agents.AutoCallSet, On: on})
	if errors.Is(err, agents.ErrNotNow) && l.State == agents.LoggedOff && r.o.Record != nil {
		return r.o.Record.SetAutoCall(ctx, agentID, on)
	}
	return err
}

// SetLanguage has the tabs of an agent who is logged on show their texts in another language, from now on. Who is not finds it at
// the login.
func (r *Roster) SetLanguage(ctx context.Context, agentID int64, language string) error {
	l, err := r.Apply(ctx, agentID, agents.Input{Kind: agents.LanguageSet, Language: language})
	if errors.Is(err, agents.ErrNotNow) && l.State == agents.LoggedOff {
		return nil
	}
	return err
}

// Logout logs an agent off, as the agent's own tab does, and gives the extension back. [agents.ErrNotNow]: the agent is in a
// call. Who is off already stays so.
func (r *Roster) Logout(ctx context.Context, agentID int64) error {
	before, err := r.Get(ctx, agentID)
	if err != nil || before.State == agents.LoggedOff {
		return err
	}
	l, err := r.Apply(ctx, agentID, agents.Input{Kind: agents.Logout})
	if errors.Is(err, agents.ErrNotNow) && l.State == agents.LoggedOff {
		return nil // somebody else was first
	}
	if err != nil || r.o.Record == nil {
		return err
	}
	// As it was taken for the shift that has just ended. If SQL is away now, the sweep of orphaned extensions does it later.
	return r.o.Record.ReleaseExtension(ctx, before.Extension)
}

// freeLimit is how many free agents of a queue are listed: those who have been idle for longest.
const freeLimit = 1000

// Free lists the free agents whose home is node, each once.
func (r *Roster) Free(ctx context.Context, node string) ([]agents.Idle, error) {
	queues, err := r.rdb.SMembers(ctx, r.keys.queues()).Result()
	if err != nil {
		return nil, fmt.Errorf("roster: queues: %w", err)
	}
	lists := make([]*redis.ZSliceCmd, len(queues))
	_, err = r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, q := range queues {
			lists[i] = p.ZRangeWithScores(ctx, r.keys.free(node, q), 0, freeLimit-1)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("roster: list free agents: %w", err)
	}
	var free []agents.Idle
	at := map[string]int{} // by member, in free
	for i, q := range queues {
		for _, z := range lists[i].Val() {
			member, _ := z.Member.(string)
			k, known := at[member]
			if !known {
				id, err := strconv.ParseInt(member, 10, 64)
				if err != nil {
					continue
				}
				k, at[member] = len(free), len(free)
				free = append(free, agents.Idle{ID: id, Since: time.UnixMilli(int64(z.Score))})
			}
			free[k].Queues = append(free[k].Queues, q)
		}
	}
	return free, nil
}

// List reads up to limit (1 to 1,000) agents who are logged on, with ids above after, in the order of their ids.
func (r *Roster) List(ctx context.Context, after int64, limit int) ([]agents.Live, error) {
	limit = min(max(limit, 1), 1000)
	members, err := r.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: r.keys.all(), ByScore: true, Start: "(" + strconv.FormatInt(after, 10), Stop: "+inf", Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("roster: list agents: %w", err)
	}
	texts := make([]*redis.StringCmd, len(members))
	_, err = r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, m := range members {
			texts[i] = p.HGet(ctx, r.keys.Key("agent:"+m), "live")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("roster: read agents: %w", err)
	}
	live := make([]agents.Live, 0, len(members))
	for _, text := range texts {
		var l agents.Live
		if text.Err() == nil && json.Unmarshal([]byte(text.Val()), &l) == nil {
			live = append(live, l)
		}
	}
	return live, nil
}

// Versions reads the stored versions of many agents at once, 0 for those of whom Redis knows nothing.
func (r *Roster) Versions(ctx context.Context, agentIDs []int64) ([]int64, error) {
	cmds := make([]*redis.StringCmd, len(agentIDs))
	_, err := r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range agentIDs {
			cmds[i] = p.HGet(ctx, r.keys.agent(id), "version")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("roster: read versions: %w", err)
	}
	versions := make([]int64, len(agentIDs))
	for i, cmd := range cmds {
		if versions[i], err = cmd.Int64(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("roster: version of agent %d: %w", agentIDs[i], err)
		}
	}
	return versions, nil
}

// OfUser finds the agent as whom the cookie's user is logged on; agents.ErrNoAgent: nobody.
func (r *Roster) OfUser(ctx context.Context, user string) (int64, error) {
	members, err := r.rdb.ZRange(ctx, r.keys.user(user), 0, 0).Result()
	if err != nil {
		return 0, fmt.Errorf("roster: agent of user: %w", err)
	}
	if len(members) == 0 {
		return 0, agents.ErrNoAgent
	}
	return strconv.ParseInt(members[0], 10, 64)
}

// Gone lists up to limit agents whose last tab was lost before the moment given, the longest gone first.
func (r *Roster) Gone(ctx context.Context, before time.Time, limit int) ([]int64, error) {
	return r.listed(ctx, r.keys.gone(), before, limit)
}

// listed reads who stands in a sorted set with a moment not after the one given.
func (r *Roster) listed(ctx context.Context, key string, until time.Time, limit int) ([]int64, error) {
	members, err := r.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: key, ByScore: true, Start: "-inf", Stop: strconv.FormatInt(until.UnixMilli(), 10), Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("roster: read %s: %w", key, err)
	}
	return parseIDs(members), nil
}

func parseIDs(members []string) []int64 {
	ids := make([]int64, 0, len(members))
	for _, m := range members {
		if id, err := strconv.ParseInt(m, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
