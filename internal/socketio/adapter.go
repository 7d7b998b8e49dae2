package socketio

import "github.com/redis/go-redis/v9"

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

// NewRedisAdapter returns an Adapter over Redis Pub/Sub on one channel. Nodes with the same channel belong together.
// The client remains the caller's to close, after the server.
func NewRedisAdapter(client redis.UniversalClient, channel string) Adapter { panic("not yet") }
