package roster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/installation"
)

// All keys carry the installation's name, and by it share a hash tag: one script may touch them all in a Redis Cluster too.
//
//	{NAME}:agent:ID          hash: version, live (JSON), tag (which process's which write it is)
//	{NAME}:all               who is logged on, by id
//	{NAME}:home:NODE         whose home is NODE
//	{NAME}:tabs:NODE         who has tabs at gateway NODE
//	{NAME}:user:USER         who is logged on as the cookie's USER
//	{NAME}:free:NODE:QUEUE   who is free, by the moment the idle time began
//	{NAME}:due               in a call or Clerical, by the moment somebody must have spoken
//	{NAME}:gone              without a tab, by the moment the last one was lost
//	{NAME}:queues            set: names of queues that agents have had
//	{NAME}:nodes:ROLE        nodes by their last heartbeat
//	{NAME}:pulse             string: the last heartbeat of any node
//	{NAME}:steady            string: since when there was no silence of all nodes
//
// What does not say otherwise is a sorted set; moments are Unix milliseconds, by Redis' clock.
type keys struct{ installation.Name }

func (k keys) agent(id int64) string          { return k.Key("agent:" + strconv.FormatInt(id, 10)) }
func (k keys) all() string                    { return k.Key("all") }
func (k keys) due() string                    { return k.Key("due") }
func (k keys) gone() string                   { return k.Key("gone") }
func (k keys) queues() string                 { return k.Key("queues") }
func (k keys) pulse() string                  { return k.Key("pulse") }
func (k keys) steady() string                 { return k.Key("steady") }
func (k keys) home(node string) string        { return k.Key("home:" + node) }
func (k keys) tabs(node string) string        { return k.Key("tabs:" + node) }
func (k keys) user(user string) string        { return k.Key("user:" + user) }
func (k keys) free(node, queue string) string { return k.Key("free:" + node + ":" + queue) }
func (k keys) name(node string) string        { return k.Key("node:" + node) }
func (k keys) nodes(role string) string       { return k.Key("nodes:" + role) }

// channel is Pub/Sub: the id, a space, the state as JSON.
func (k keys) channel() string { return k.Key("changes") }

// storeScript stores one agent's state if its version is the one that it was computed from.
//
//	KEYS[1]   the agent's hash
//	KEYS[2…]  sorted sets that list agents
//	ARGV[1]   the version expected, "" for no state
//	ARGV[2]   the version to store
//	ARGV[3]   the state, JSON
//	ARGV[4]   the agent's id: the member in the sorted sets
//	ARGV[5]   the channel that is told
//	ARGV[6]   ms until the state is forgotten, "" for never
//	ARGV[7]   the tag expected, "" for any
//	ARGV[8]   the tag to store
//	ARGV[9…]  the score in KEYS[2…], "" to be taken off
//	result    1 stored; 0 another version is there
var storeScript = redis.NewScript(`
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then
	return 0
end
if ARGV[7] ~= '' and redis.call('HGET', KEYS[1], 'tag') ~= ARGV[7] then
	return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'live', ARGV[3], 'tag', ARGV[8])
if ARGV[6] == '' then
	redis.call('PERSIST', KEYS[1])
else
	redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
for i = 2, #KEYS do
	local score = ARGV[i + 7]
	if score == '' then
		redis.call('ZREM', KEYS[i], ARGV[4])
	else
		redis.call('ZADD', KEYS[i], score, ARGV[4])
	end
end
redis.call('PUBLISH', ARGV[5], ARGV[4] .. ' ' .. ARGV[3])
return 1
`)

// wrapUpMargin is how long after the code was due the agent waits for the owner of the call to say so.
const wrapUpMargin = 15 * time.Second

// loggedOffFor is how long it is remembered that an agent has logged off: by it a gateway that missed the logout tells it
// from the loss of Redis.
const loggedOffFor = time.Hour

// lists is where a state is listed, with the scores.
func (k keys) lists(l agents.Live) map[string]int64 {
	if l.State == agents.LoggedOff || l.State == "" {
		return nil
	}
	at := map[string]int64{k.all(): l.AgentID, k.home(l.Node): l.AgentID}
	if l.User != "" {
		at[k.user(l.User)] = l.AgentID
	}
	for node := range l.TabsAt {
		at[k.tabs(node)] = l.AgentID
	}
	if l.Tabs == 0 {
		at[k.gone()] = l.GoneAt.UnixMilli()
	}
	if l.Free() {
		for _, q := range l.Queues {
			at[k.free(l.Node, q)] = l.Since.UnixMilli()
		}
	}
	switch {
	case l.State.InCall():
		at[k.due()] = l.ClaimUntil.UnixMilli()
	case l.State == agents.Clerical:
		at[k.due()] = l.CodeDueAt.Add(wrapUpMargin).UnixMilli()
	}
	return at
}

// store stores next if old is still what is stored, by its tag where one is given; false: it is not.
func (r *Roster) store(ctx context.Context, old, next agents.Live, stored bool, tag string) (bool, error) {
	text, err := json.Marshal(next)
	if err != nil {
		return false, fmt.Errorf("roster: state of agent %d: %w", next.AgentID, err)
	}
	if err := r.announce(ctx, old, next); err != nil {
		return false, err
	}
	keys := []string{r.keys.agent(next.AgentID)}
	write := r.last.tag(r.life)
	args := []any{"", next.Version, text, next.AgentID, r.keys.channel(), "", tag, write}
	if stored {
		args[0] = old.Version
	}
	if next.State == agents.LoggedOff {
		args[5] = loggedOffFor.Milliseconds()
	}
	before, after := r.keys.lists(old), r.keys.lists(next)
	for key := range before {
		if _, stays := after[key]; !stays {
			keys, args = append(keys, key), append(args, "")
		}
	}
	for key, score := range after {
		if was, listed := before[key]; !listed || was != score {
			keys, args = append(keys, key), append(args, score)
		}
	}
	done, err := storeScript.Run(ctx, r.rdb, keys, args...).Bool()
	if err != nil {
		return false, fmt.Errorf("roster: store agent %d: %w", next.AgentID, err)
	}
	if done {
		r.last.keep(next, write)
		r.signal(next)
	} else {
		r.last.forget(next.AgentID)
	}
	return done, nil
}

// announce makes known, before they are first used, the queues that are counted and the nodes that are watched. A node that is
// named here but has never been heard is as good as dead: after the loss of Redis a seat may still speak of one.
func (r *Roster) announce(ctx context.Context, old, next agents.Live) error {
	queues := len(next.Queues) > 0 && !slices.Equal(old.Queues, next.Queues)
	home := next.Node != "" && next.Node != old.Node
	tabs := !maps.Equal(old.TabsAt, next.TabsAt)
	if !queues && !home && !tabs {
		return nil
	}
	_, err := r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		if queues {
			p.SAdd(ctx, r.keys.queues(), anys(next.Queues)...)
		}
		if home {
			p.ZAddNX(ctx, r.keys.nodes(RoleDialer), redis.Z{Score: 0, Member: next.Node})
		}
		for node := range next.TabsAt {
			p.ZAddNX(ctx, r.keys.nodes(RoleGateway), redis.Z{Score: 0, Member: node})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("roster: names of agent %d: %w", next.AgentID, err)
	}
	return nil
}

func anys(names []string) []any {
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = n
	}
	return list
}
