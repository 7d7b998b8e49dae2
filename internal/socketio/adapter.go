package socketio

import (
	"context"
	"errors"
	"log/slog"
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
	publishBytes   = 16 << 20        // of the messages; a single one may be larger
	receiveQueue   = 4096            // messages
	publishTimeout = 5 * time.Second // from a message's emit; it is lost after that
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
	logger    *slog.Logger
	pubsub    *redis.PubSub
	ctx       context.Context // of publishing
	cancel    context.CancelFunc
	publisher sync.WaitGroup
	receiver  sync.WaitGroup

	mu     sync.Mutex
	queue  chan queued // closed with the adapter
	bytes  int         // of the messages in it
	closed bool
}

// queued is a message on its way to the other nodes.
type queued struct {
	message []byte
	at      time.Time // of its emit
}

// NewRedisAdapter returns an Adapter over Redis Pub/Sub on one channel. Nodes with the same channel belong together.
//
// While Redis is away, broadcasts reach this node's sockets only: what it does not take within five seconds of the emit
// is lost to the other nodes and never told later. The log (nil: slog.Default) says when that begins and when it is over.
// The client remains the caller's to close, after the server.
func NewRedisAdapter(client redis.UniversalClient, channel string, logger *slog.Logger) Adapter {
	setDefault(&logger, slog.Default())
	a := &redisAdapter{client: client, channel: channel, logger: logger, queue: make(chan queued, publishQueue)}
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
	if a.bytes > 0 && a.bytes+len(message) > publishBytes {
		return ErrPublishQueueFull
	}
	select {
	case a.queue <- queued{message, time.Now()}:
		a.bytes += len(message)
		return nil
	default:
		return ErrPublishQueueFull
	}
}

// publishQueued sends the queue in order.
func (a *redisAdapter) publishQueued() {
	lost := 0 // in a row
	for q := range a.queue {
		err := a.publish(q)
		switch {
		case err != nil:
			if lost == 0 {
				a.logger.Warn("socketio: broadcasts do not reach the other nodes", "channel", a.channel, "error", err)
			}
			lost++
		case lost > 0:
			a.logger.Info("socketio: broadcasts reach the other nodes again", "channel", a.channel, "lost", lost)
			lost = 0
		}
	}
}

// publish sends one message, unless it has become too old: its readers have caught up by other means, if at all.
func (a *redisAdapter) publish(q queued) error {
	a.mu.Lock()
	a.bytes -= len(q.message)
	a.mu.Unlock()
	ctx, cancel := context.WithDeadline(a.ctx, q.at.Add(publishTimeout))
	defer cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.client.Publish(ctx, a.channel, q.message).Err()
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
