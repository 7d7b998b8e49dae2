package dialer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Errors of orders to calls.
var (
	// ErrNoCall says that the agent has no call that the order could be for.
	ErrNoCall error = reason.New(reason.Conflict, whyNoCall, "dialer: the agent has no call")
	// ErrNoReply says that the agent's home node did not answer in time; whether it obeyed is unknown.
	ErrNoReply error = reason.New(reason.Unavailable, whyNoHome, "dialer: the agent's home node does not answer")
	// ErrUnreachable says that the agent's phone could not be called now.
	ErrUnreachable = errors.New("dialer: the agent's phone is not reachable")
	// ErrNotRegistered is what a network says of an extension that has no phone: one that it would call in vain.
	ErrNotRegistered = errors.New("no phone is registered")
	// ErrNobodyWaits is what a [Joiner] says when its customer is not waiting: the phone that was to be rung is not to blame.
	ErrNobodyWaits = errors.New("no customer waits in the call")
)

// ElsewhereError is what a network says of an extension whose phone is registered at another node, which alone can call it.
type ElsewhereError struct {
	Node string
	Err  error // in words
}

func (e *ElsewhereError) Error() string { return e.Err.Error() }

// Unwrap returns the error in words.
func (e *ElsewhereError) Unwrap() error { return e.Err }

// Orders that cross from node to node keep their meaning by name.
var namedErrors = map[string]error{
	"not_registered": ErrNotRegistered, "no_call": ErrNoCall, "code_set": ErrCodeSet, "no_such_code": ErrNoSuchCode,
	"unreachable": ErrUnreachable,
}

const (
	orderLimit   = 3 * time.Second // for an order and its answer; a check of reachability takes up to 2 s
	ordersInHand = 256             // at once; more are refused
)

// orderKind names what an agent may order.
type orderKind string

const (
	orderHangup   orderKind = "hangup"
	orderHold     orderKind = "hold"
	orderRetrieve orderKind = "retrieve"
	orderMute     orderKind = "mute"
	orderCode     orderKind = "code"
	orderReach    orderKind = "reachable"
	orderRestart  orderKind = "restart"
)

// order is one of an agent, for the home node that holds the agent's call.
type order struct {
	ID         string    `json:"id"`
	Kind       orderKind `json:"kind"`
	Agent      int64     `json:"agent"`
	Attempt    string    `json:"attempt,omitempty"` // of the call that a code is for; empty: whichever the agent has
	On         bool      `json:"on,omitempty"`
	Code       string    `json:"code,omitempty"`
	CallbackAt time.Time `json:"callback_at,omitzero"`

	// Patience is how long somebody waits for the answer, from when the order is heard: the clocks of two nodes differ, so no moment
	// is sent. An order that was on its way for longer finds that its waitsKey has run out.
	Patience time.Duration `json:"patience"`
}

type answer struct {
	Error string        `json:"error,omitempty"` // for the log; empty: obeyed
	Name  string        `json:"name,omitempty"`  // of namedErrors
	Why   reason.Reason `json:"why,omitzero"`    // for people
}

// orders carries orders between nodes: Redis Pub/Sub takes them there, a list that expires brings the answer, so that a
// node without calls of its own needs to listen to nothing. An order to this very node takes the same way but for Redis: an
// agent can hang up while Redis is away.
type orders struct {
	of     installation.Name
	node   string
	redis  redis.UniversalClient
	log    *slog.Logger
	obey   func(ctx context.Context, o order) error // at this node
	inHand chan struct{}
}

func newOrders(d Deps, obey func(ctx context.Context, o order) error) *orders {
	return &orders{of: d.Installation, node: d.Node, redis: d.Redis, log: d.Log, obey: obey,
		inHand: make(chan struct{}, ordersInHand)}
}

func (o *orders) channel(node string) string { return o.of.Key("orders:" + node) }
func (o *orders) answerKey(id string) string { return o.of.Key("answer:" + id) }
func (o *orders) waitsKey(id string) string  { return o.of.Key("waits:" + id) } // there while somebody waits

// send gives an order to a node and returns what became of it.
func (o *orders) send(ctx context.Context, node string, ord order) error {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	ord.ID = rand.Text()
	if node == o.node {
		return o.obey(ctx, ord)
	}
	end, _ := ctx.Deadline()
	ord.Patience = time.Until(end)
	text, err := json.Marshal(ord)
	if err != nil {
		return err
	}
	var published *redis.IntCmd
	_, err = o.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, o.waitsKey(ord.ID), 1, max(ord.Patience, time.Millisecond))
		published = p.Publish(ctx, o.channel(node), text)
		return nil
	})
	if err != nil {
		return fmt.Errorf("dialer: order to node %s: %w", node, err)
	}
	heard := published.Val()
	// A Redis Cluster counts only the listeners at one of its servers.
	if _, cluster := o.redis.(*redis.ClusterClient); heard == 0 && !cluster {
		return fmt.Errorf("%w: %s does not listen", ErrNoReply, node)
	}
	reply, err := o.redis.BLPop(ctx, orderLimit, o.answerKey(ord.ID)).Result() // the key, and the answer
	if err != nil || len(reply) != 2 {
		return fmt.Errorf("%w: %s", ErrNoReply, node)
	}
	var a answer
	if err := json.Unmarshal([]byte(reply[1]), &a); err != nil {
		return fmt.Errorf("dialer: answer of node %s: %w", node, err)
	}
	return a.err()
}

func (a answer) err() error {
	if a.Error == "" {
		return nil
	}
	if named := namedErrors[a.Name]; named != nil {
		return relayed{named, a.Error, a.Why}
	}
	return relayed{nil, a.Error, a.Why}
}

// relayed is an error of another node: what it is, in that node's words.
type relayed struct {
	named error
	words string
	why   reason.Reason
}

// Why is what people are told: what the other node had for them, or what the named error has.
func (r relayed) Why() reason.Reason {
	if r.why.IsZero() {
		return reason.Of(r.named)
	}
	return r.why
}

func (r relayed) Error() string { return r.words }
func (r relayed) Unwrap() error { return r.named }

// run hears orders for this node until ctx ends, and waits for those in hand.
func (o *orders) run(ctx context.Context) {
	sub := o.redis.Subscribe(ctx, o.channel(o.node))
	defer sub.Close()
	var inHand sync.WaitGroup
	defer inHand.Wait()
	messages := sub.Channel(redis.WithChannelHealthCheckInterval(2 * time.Second)) // subscribes again by itself
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-messages:
			if !open {
				return
			}
			var ord order
			if err := json.Unmarshal([]byte(m.Payload), &ord); err != nil || ord.ID == "" {
				o.log.Warn("strange order", slog.Int("bytes", len(m.Payload)), slog.Any("error", err))
				continue
			}
			select {
			case o.inHand <- struct{}{}:
				inHand.Go(func() {
					defer func() { <-o.inHand }()
					o.serve(ctx, ord)
				})
			default:
				o.log.Warn("too many orders at once: refused", slog.String("kind", string(ord.Kind)), slog.Int64("agent", ord.Agent))
			}
		}
	}
}

func (o *orders) serve(ctx context.Context, ord order) {
	ctx, cancel := context.WithTimeout(ctx, min(max(ord.Patience, 0), orderLimit))
	defer cancel()
	if waits, err := o.redis.Del(ctx, o.waitsKey(ord.ID)).Result(); err == nil && waits == 0 {
		return // nobody waits any more, and the agent may have ordered otherwise
	}
	o.reply(ctx, ord, o.obey(ctx, ord))
}

func (o *orders) reply(ctx context.Context, ord order, err error) {
	var a answer
	if err != nil {
		a.Error, a.Why = err.Error(), reason.Of(err)
		for name, named := range namedErrors {
			if errors.Is(err, named) && (a.Name == "" || named == ErrUnreachable) {
				a.Name = name
			}
		}
	}
	text, err := json.Marshal(a)
	if err == nil {
		_, err = o.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.LPush(ctx, o.answerKey(ord.ID), text)
			p.Expire(ctx, o.answerKey(ord.ID), 2*orderLimit)
			return nil
		})
	}
	if err != nil {
		o.log.Warn("order not answered", slog.String("kind", string(ord.Kind)), slog.Any("error", err))
	}
}
