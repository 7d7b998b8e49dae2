package roster

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
)

// watcher is somebody who shows agents' states.
type watcher struct {
	wants   func(agentID int64) bool
	changed func(agents.Live)
	missed  func()
}

// Watch has changed called with every state that any node stores for an agent whom wants accepts: the states of one agent
// in the order of their versions. missed is called when changes may have been lost, at the start and after an outage of
// Redis. The functions are called one at a time and must not wait. Watch before [Roster.Run].
func (r *Roster) Watch(wants func(agentID int64) bool, changed func(agents.Live), missed func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers = append(r.watchers, watcher{wants, changed, missed})
}

// Changed delivers a signal after changes that may have freed an agent whose home is this node.
func (r *Roster) Changed() <-chan struct{} { return r.changed }

func (r *Roster) signal(l agents.Live) {
	if l.Node == r.o.Node && l.Free() {
		select {
		case r.changed <- struct{}{}:
		default: // one signal is waiting already
		}
	}
}

// listen hears of changes until ctx ends. The client subscribes again by itself when the connection was lost.
func (r *Roster) listen(ctx context.Context) {
	sub := r.rdb.Subscribe(ctx, r.keys.channel())
	defer sub.Close()
	messages := sub.ChannelWithSubscriptions(redis.WithChannelSize(10_000), redis.WithChannelHealthCheckInterval(2*time.Second))
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-messages:
			if !open {
				return
			}
			switch m := m.(type) {
			case *redis.Subscription:
				r.tellMissed()
			case *redis.Message:
				r.tell([]byte(m.Payload))
			}
		}
	}
}

func (r *Roster) tellMissed() {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, w := range r.watchers {
		w.missed()
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *Roster) tell(message []byte) {
	member, text, _ := bytes.Cut(message, []byte(" "))
	id, err := strconv.ParseInt(string(member), 10, 64)
	if err != nil {
		r.o.Log.Warn("strange message of a change", slog.Int("bytes", len(message)))
		return
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var l agents.Live
	if err := json.Unmarshal(text, &l); err != nil || l.AgentID != id {
		r.o.Log.Warn("strange message of a change", slog.Int64("agent", id), slog.Any("error", err))
		return
	}
	r.last.outdated(l)
	r.signal(l)
	for _, w := range r.watchers {
		if w.wants(id) {
			w.changed(l)
		}
	}
}
