package sipua

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/retry"
)

// trunksKey holds how the trunks stand at each node: a hash by node.
func trunksKey(of installation.Name) string { return of.Key("sip:trunks") }

const (
	shareEach = 5 * time.Second
	// staleShare is when a node's word is no longer told: the node is gone.
	staleShare = 30 * time.Second
)

// NodeTrunk is how a trunk stands at a node. Each node judges its trunks by its own calls: a carrier may reach one and not
// another.
type NodeTrunk struct {
	Node string    `json:"Node"`
	At   time.Time `json:"At"`
	TrunkStatus
}

// shareTrunks lets the other nodes know how the trunks stand here.
func (n *Network) shareTrunks(ctx context.Context) {
	if n.opts.Redis == nil || len(n.trunks) == 0 {
		return
	}
	for {
		write, stop := context.WithTimeout(ctx, reachTimeout)
		_ = n.tellTrunks(write) // lost: it is written again
		stop()
		if !retry.Sleep(ctx, retry.Spread(shareEach, 0.1)) {
			gone, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			_ = n.opts.Redis.HDel(gone, trunksKey(n.opts.Installation), n.opts.Node).Err()
			return
		}
	}
}

func (n *Network) tellTrunks(ctx context.Context) error {
	ahead, err := redisAhead(ctx, n.opts.Redis)
	if err != nil {
		return err
	}
	list := n.NodeTrunks()
	for i := range list {
		list[i].move(ahead)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	pipe := n.opts.Redis.Pipeline()
	pipe.HSet(ctx, trunksKey(n.opts.Installation), n.opts.Node, text)
	pipe.Expire(ctx, trunksKey(n.opts.Installation), time.Hour)
	_, err = pipe.Exec(ctx)
	return err
}

// NodeTrunks tells how the trunks stand at this node, in the order of preference.
func (n *Network) NodeTrunks() []NodeTrunk {
	now := time.Now()
	list := make([]NodeTrunk, len(n.trunks))
	for i, t := range n.trunks {
		list[i] = NodeTrunk{n.opts.Node, now.UTC(), t.status(now)}
	}
	return list
}

// Trunks tells how the trunks stand at every node, as each said within the last half minute.
func Trunks(ctx context.Context, client redis.UniversalClient, of installation.Name) ([]NodeTrunk, error) {
	ahead, err := redisAhead(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("sipua: trunks: %w", err)
	}
	nodes, err := client.HGetAll(ctx, trunksKey(of)).Result()
	if err != nil {
		return nil, fmt.Errorf("sipua: trunks: %w", err)
	}
	var list []NodeTrunk
	for _, text := range nodes {
		var some []NodeTrunk
		if json.Unmarshal([]byte(text), &some) != nil {
			continue // of another version
		}
		for _, t := range some {
			if t.move(-ahead); time.Since(t.At) < staleShare {
				list = append(list, t)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b NodeTrunk) int { return cmp.Compare(a.Node, b.Node) })
	return list, nil
}
