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
)

// Errors of orders to calls.
var (
	// ErrNoCall says that the agent has no call that the order could be for.
	ErrNoCall = errors.New("dialer: the agent has no call")
	// ErrNoReply says that the agent's home node did not answer in time; whether it obeyed is unknown.
	ErrNoReply = errors.New("dialer: the agent's home node does not answer")
	// ErrUnreachable says that the agent's phone could not be called now.
	ErrUnreachable = errors.New("dialer: the agent's phone is not reachable")
)

// Orders that cross from node to node keep their meaning by name.
var namedErrors = map[string]error{
	"no_call": ErrNoCall, "code_set": ErrCodeSet, "no_such_code": ErrNoSuchCode, "unreachable": ErrUnreachable,
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
)

// order is one of an agent, for the home node that holds the agent's call.
type order struct {
	ID         string    `json:"id"`
	From       string    `json:"from"` // the node that waits for the answer
	Kind       orderKind `json:"kind"`
	Agent      int64     `json:"agent"`
	On         bool      `json:"on,omitempty"`
	Code       string    `json:"code,omitempty"`
	CallbackAt time.Time `json:"callback_at,omitzero"`
	Until      time.Time `json:"until"` // later nobody waits for it
}

type answer struct {
	ID    string `json:"id"`
	Error string `json:"error,omitempty"` // for people; empty: obeyed
	Name  string `json:"name,omitempty"`  // of namedErrors
}

// orders carries orders between nodes by Redis Pub/Sub. An order to this very node takes the same way but for Redis, so
// that an agent can hang up while Redis is away.
type orders struct {
	*Dialer
	inHand chan struct{}

	mu      sync.Mutex
	waiting map[string]chan answer
}

func newOrders(d *Dialer) *orders {
	return &orders{Dialer: d, inHand: make(chan struct{}, ordersInHand), waiting: map[string]chan answer{}}
}

func orderChannel(node string) string  { return "{rm}:orders:" + node }
func answerChannel(node string) string { return "{rm}:answers:" + node }

// send gives an order to a node and answers what became of it.
func (o *orders) send(ctx context.Context, node string, ord order) error {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	ord.ID, ord.From = rand.Text(), o.Node
	ord.Until, _ = ctx.Deadline()
	if node == o.Node {
		return o.calls.obey(ctx, ord)
	}
	reply := make(chan answer, 1)
	o.mu.Lock()
	o.waiting[ord.ID] = reply
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		delete(o.waiting, ord.ID)
		o.mu.Unlock()
	}()
	heard, err := o.publish(ctx, orderChannel(node), ord)
	if err != nil {
		return fmt.Errorf("dialer: order to node %s: %w", node, err)
	}
	if !heard {
		return fmt.Errorf("%w: %s does not listen", ErrNoReply, node)
	}
	select {
	case a := <-reply:
		return a.err()
	case <-ctx.Done():
		return fmt.Errorf("%w: %s", ErrNoReply, node)
	}
}

func (o *orders) publish(ctx context.Context, channel string, message any) (heard bool, err error) {
	text, err := json.Marshal(message)
	if err != nil {
		return false, err
	}
	n, err := o.Redis.Publish(ctx, channel, text).Result()
	return n > 0, err
}

func (a answer) err() error {
	if a.Error == "" {
		return nil
	}
	if named := namedErrors[a.Name]; named != nil {
		return fmt.Errorf("%w (%s)", named, a.Error)
	}
	return errors.New(a.Error)
}

// run hears orders and answers for this node until ctx ends, and waits for the orders in hand.
func (o *orders) run(ctx context.Context) {
	sub := o.Redis.Subscribe(ctx, orderChannel(o.Node), answerChannel(o.Node))
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
			if m.Channel == answerChannel(o.Node) {
				o.take(m.Payload)
				continue
			}
			var ord order
			if err := json.Unmarshal([]byte(m.Payload), &ord); err != nil || ord.From == "" {
				o.Log.Warn("strange order", slog.Int("bytes", len(m.Payload)), slog.Any("error", err))
				continue
			}
			select {
			case o.inHand <- struct{}{}:
				inHand.Go(func() {
					defer func() { <-o.inHand }()
					o.serve(ctx, ord)
				})
			default:
				o.reply(ctx, ord, errors.New("dialer: too many orders at once"))
			}
		}
	}
}

// take hands an answer to whoever waits for it.
func (o *orders) take(payload string) {
	var a answer
	if err := json.Unmarshal([]byte(payload), &a); err != nil {
		o.Log.Warn("strange answer to an order", slog.Any("error", err))
		return
	}
	o.mu.Lock()
	reply := o.waiting[a.ID]
	o.mu.Unlock()
	if reply != nil {
		select {
		case reply <- a:
		default: // answered already
		}
	}
}

func (o *orders) serve(ctx context.Context, ord order) {
	if !o.Now().Before(ord.Until) {
		return // nobody waits any more, and the agent may have ordered otherwise
	}
	ctx, cancel := context.WithDeadline(ctx, ord.Until)
	defer cancel()
	o.reply(ctx, ord, o.calls.obey(ctx, ord))
}

func (o *orders) reply(ctx context.Context, ord order, err error) {
	a := answer{ID: ord.ID}
	if err != nil {
		a.Error = err.Error()
		for name, named := range namedErrors {
			if errors.Is(err, named) {
				a.Name = name
			}
		}
	}
	if _, err := o.publish(ctx, answerChannel(ord.From), a); err != nil {
		o.Log.Warn("order not answered", slog.String("kind", string(ord.Kind)), slog.Any("error", err))
	}
}
