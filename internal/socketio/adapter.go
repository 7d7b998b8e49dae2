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
	// fails when the queue is full.
	Publish(message []byte) error
	// Close ends delivery: deliver is not called after it returns.
	Close() error
}

// Bounds of a Redis adapter.
const (
	publishQueue   = 4096            // messages
	receiveQueue   = 4096            // messages
	publishTimeout = 5 * time.Second // for one message; it is lost after that
	startTimeout   = 10 * time.Second
)

// ErrPublishQueueFull is returned by an emit that could not be queued for the other nodes.
var ErrPublishQueueFull = errors.New("socketio: publish queue full")

type redisAdapter struct {
	client  redis.UniversalClient
	channel string
	queue   chan []byte
	stop    chan struct{}
	once    sync.Once // closes stop
	workers sync.WaitGroup
	pubsub  *redis.PubSub
}

// NewRedisAdapter returns an Adapter over Redis Pub/Sub on one channel. Nodes with the same channel belong together.
// While Redis is away, broadcasts reach this node's sockets only. The client remains the caller's to close, after
// the server.
func NewRedisAdapter(client redis.UniversalClient, channel string) Adapter {
	return &redisAdapter{
		client:  client,
		channel: channel,
		queue:   make(chan []byte, publishQueue),
		stop:    make(chan struct{}),
	}
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
	a.workers.Go(func() {
		for m := range messages { // ends with the subscription
			deliver([]byte(m.Payload))
		}
	})
	a.workers.Go(a.publishQueued)
	return nil
}

func (a *redisAdapter) Publish(message []byte) error {
	select {
	case a.queue <- message:
		return nil
	default:
		return ErrPublishQueueFull
	}
}

// publishQueued sends the queue in order. A message that Redis does not take in time is lost.
func (a *redisAdapter) publishQueued() {
	for {
		select {
		case message := <-a.queue:
			ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
			_ = a.client.Publish(ctx, a.channel, message).Err()
			cancel()
		case <-a.stop:
			return
		}
	}
}

func (a *redisAdapter) Close() (err error) {
	a.once.Do(func() {
		close(a.stop)
		err = a.pubsub.Close()
		a.workers.Wait()
	})
	return err
}
