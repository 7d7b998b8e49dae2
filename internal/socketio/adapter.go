package socketio

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Adapter carries messages between the nodes of one service, so that a broadcast reaches sockets everywhere.
// Messages are opaque to it, and losing one loses one broadcast on the other nodes.
type Adapter interface {
	// Start begins delivery: deliver is called, one message at a time, with what any node published, this one's own
	// messages included or not. It returns once messages of others can be received.
	Start(deliver func(message []byte)) error
	// Publish sends a message to all nodes. It never waits for the network: it queues, within a bound, and
	// fails when the queue is full, and after Close.
	Publish(message []byte) error
	// Close sends what is queued and ends delivery: deliver is not called after it returns, unless ctx ended first.
	Close(ctx context.Context) error
}

// Bounds of a Redis adapter.
const (
	publishQueue   = 4096            // messages
	receiveQueue   = 4096            // messages
	publishTimeout = 5 * time.Second // for one message; it is lost after that
	startTimeout   = 10 * time.Second
)

// Errors of an emit that could not be queued for the other nodes.
var (
	ErrPublishQueueFull = errors.New("socketio: publish queue full")
	ErrAdapterClosed    = errors.New("socketio: adapter closed")
)

type redisAdapter struct {
	client    redis.UniversalClient
	channel   string
	pubsub    *redis.PubSub
	ctx       context.Context // of publishing
	cancel    context.CancelFunc
	publisher sync.WaitGroup
	receiver  sync.WaitGroup

	mu     sync.Mutex
	queue  chan []byte // closed with the adapter
	closed bool
}

// NewRedisAdapter returns an Adapter over Redis Pub/Sub on one channel. Nodes with the same channel belong together.
// While Redis is away, broadcasts reach this node's sockets only. The client remains the caller's to close, after
// the server.
func NewRedisAdapter(client redis.UniversalClient, channel string) Adapter {
	a := &redisAdapter{client: client, channel: channel, queue: make(chan []byte, publishQueue)}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

func (a *redisAdapter) Start(deliver func(message []byte)) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	a.pubsub = a.client.Subscribe(ctx, a.channel)
	if _, err := a.pubsub.Receive(ctx); err != nil { // the confirmation
		_ = a.pubsub.Close()
		return err
	}
	messages := a.pubsub.Channel(redis.WithChannelSize(receiveQueue))
	a.receiver.Go(func() {
		for m := range messages { // ends with the subscription
			deliver([]byte(m.Payload))
		}
	})
	a.publisher.Go(a.publishQueued)
	return nil
}

func (a *redisAdapter) Publish(message []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrAdapterClosed
	}
	select {
	case a.queue <- message:
		return nil
	default:
		return ErrPublishQueueFull
	}
}

// publishQueued sends the queue in order. A message that Redis does not take in time is lost.
func (a *redisAdapter) publishQueued() {
	for message := range a.queue {
		ctx, cancel := context.WithTimeout(a.ctx, publishTimeout)
		_ = a.client.Publish(ctx, a.channel, message).Err()
		cancel()
	}
}

func (a *redisAdapter) Close(ctx context.Context) error {
	a.mu.Lock()
	closed := a.closed
	if !closed {
		a.closed = true
		close(a.queue)
	}
	a.mu.Unlock()
	if closed {
		return nil
	}
	stop := context.AfterFunc(ctx, a.cancel) // what is queued then is lost
	done := make(chan error, 1)
	go func() { // Redis may take its time, whatever ctx says
		a.publisher.Wait()
		stop()
		a.cancel()
		err := a.pubsub.Close()
		a.receiver.Wait()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
