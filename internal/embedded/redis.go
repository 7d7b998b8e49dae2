// Package embedded runs a Redis inside the process, so that one binary is enough where nothing else is installed.
//
// It is miniredis on a loopback port: the rest of the program connects to it as to any Redis, and only the address tells
// the difference. Nothing in it outlives the process, which loses nothing: Redis holds wake-ups and the moment's state;
// wake-ups are made again from SQL, and the gateway keeps agents' states in the data folder.
package embedded

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/creditorro/ringmaster/internal/uptime"
)

// tick is how much too early or too late a key may expire; the shortest of ours live for two seconds. Miniredis can also expire
// by its own clock (ClockTTL), but it then walks through all keys with each command.
const tick = 250 * time.Millisecond

// Redis is a running in-process Redis.
type Redis struct {
	server   *miniredis.Miniredis
	password string
	stop     chan struct{}
	stopped  chan struct{}
}

// Start runs a Redis on a free port of 127.0.0.1, behind a password made for this run: other users of the machine may
// reach the port too.
func Start() (*Redis, error) {
	r := &Redis{
		server:   miniredis.NewMiniRedis(),
		password: rand.Text(),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	r.server.RequireAuth(r.password)
	if err := r.server.Start(); err != nil {
		return nil, fmt.Errorf("embedded: start Redis: %w", err)
	}
	go r.age()
	return r, nil
}

// URL is the address to connect to, with the password.
func (r *Redis) URL() string { return "redis://:" + r.password + "@" + r.server.Addr() }

// Addr is host and port alone.
func (r *Redis) Addr() string { return r.server.Addr() }

// Close ends the server and its connections, and waits for them.
func (r *Redis) Close() {
	close(r.stop)
	<-r.stopped
	r.server.Close()
}

// age lets keys expire: miniredis counts TTLs down only when told how much time has passed.
func (r *Redis) age() {
	defer close(r.stopped)
	last := time.Now()
	for {
		select {
		case <-r.stop:
			return
		case <-time.After(uptime.Beat(tick)):
			now := time.Now()
			r.server.FastForward(now.Sub(last)) // by the monotonic clock: a corrected wall clock expires nothing
			last = now
		}
	}
}
