package socketio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// notebook is an Adapter without other nodes that notes what is asked of it.
type notebook struct {
	mu    sync.Mutex
	notes []string
}

func (n *notebook) note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, text)
}

func (n *notebook) Start(func([]byte)) error    { n.note("start"); return nil }
func (n *notebook) Publish([]byte) error        { n.note("publish"); return nil }
func (n *notebook) Close(context.Context) error { n.note("close"); return nil }

// TestAdapterClosesLast has handlers emit while the server closes: the other nodes hear of it.
func TestAdapterClosesLast(t *testing.T) {
	t.Parallel()
	var notes notebook
	began, release := make(chan struct{}), make(chan struct{})
	url, srv := serve(t, ServerOptions{Adapter: &notes}, func(srv *Server) {
		n := srv.Of("/")
		n.OnConnect(func(s *Socket) {
			s.OnDisconnect(func(string) { _ = n.Emit("gone") })
		})
		n.On("work", func(*Socket, *Event) {
			close(began)
			<-release
			_ = n.Emit("done")
		})
	})
	c := openRaw(t, url)
	c.send("40", `42["work"]`)
	receive(t, began)
	done := make(chan error, 1)
	go func() { done <- srv.Close(testContext(t)) }()
	c.closed()
	time.Sleep(20 * time.Millisecond) // for an adapter that is closed too early
	close(release)
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
	if want := []string{"start", "publish", "publish", "close"}; !slices.Equal(notes.notes, want) {
		t.Errorf("the adapter saw %v, want %v", notes.notes, want)
	}
}

// brokenRedis stands between a client and Redis. While it is held, a PUBLISH takes as long, whatever its context says;
// while it is away, it fails.
type brokenRedis struct {
	held chan struct{}
	away atomic.Bool
	lost atomic.Int32
}

func (b *brokenRedis) DialHook(next redis.DialHook) redis.DialHook {
	return next
}

func (b *brokenRedis) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "publish" {
			<-b.held
			if b.away.Load() {
				b.lost.Add(1)
				return errors.New("away")
			}
		}
		return next(ctx, cmd)
	}
}

func (b *brokenRedis) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// startAdapter starts an adapter over a Redis that is held until release is called.
func startAdapter(t *testing.T, logger *slog.Logger) (a *redisAdapter, broken *brokenRedis, release func()) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	broken = &brokenRedis{held: make(chan struct{})}
	client.AddHook(broken)
	release = sync.OnceFunc(func() { close(broken.held) })
	a = NewRedisAdapter(client, "c", logger).(*redisAdapter)
	if err := a.Start(func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		release()
		_ = a.Close(testContext(t))
		a.publisher.Wait()
		_ = client.Close()
	})
	return a, broken, release
}

// listen subscribes to the channel of an adapter, as another node does.
func (a *redisAdapter) listen(t *testing.T) <-chan *redis.Message {
	t.Helper()
	pubsub := a.client.Subscribe(testContext(t), a.channel)
	if _, err := pubsub.Receive(testContext(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pubsub.Close() })
	return pubsub.Channel(redis.WithChannelSize(publishQueue))
}

func TestAdapterCloseSendsTheQueue(t *testing.T) {
	t.Parallel()
	a, _, release := startAdapter(t, quiet)
	heard := a.listen(t)
	for i := range 100 {
		if err := a.Publish(fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	time.AfterFunc(10*time.Millisecond, release)
	if err := a.Close(testContext(t)); err != nil {
		t.Error(err)
	}
	if err := a.Publish(nil); !errors.Is(err, ErrAdapterClosed) {
		t.Errorf("published after Close: %v", err)
	}
	for i := range 100 {
		if m := receive(t, heard); m.Payload != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m.Payload)
		}
	}
}

func TestAdapterCloseInTime(t *testing.T) {
	t.Parallel()
	a, _, _ := startAdapter(t, quiet)
	if err := a.Publish([]byte("x")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.Close(ctx) }()
	if err := receive(t, done); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closed: %v", err)
	}
}

// TestAdapterOutage has Redis go and come back: two lines of the log say so, and what is too old by then is not sent.
func TestAdapterOutage(t *testing.T) {
	t.Parallel()
	var log strings.Builder // written by the publisher, read after its end
	a, broken, release := startAdapter(t, slog.New(slog.NewTextHandler(&log, nil)))
	heard := a.listen(t)
	publish := func(text string) {
		t.Helper()
		if err := a.Publish([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	publish("first") // the publisher waits with it
	a.queue <- queued{[]byte("old"), time.Now().Add(-publishTimeout)}
	publish("fresh")
	release()
	for _, want := range []string{"first", "fresh"} {
		if m := receive(t, heard); m.Payload != want {
			t.Errorf("got %q, want %q", m.Payload, want)
		}
	}
	broken.away.Store(true)
	for range 100 {
		publish("lost")
	}
	for deadline := time.Now().Add(10 * time.Second); broken.lost.Load() < 100; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the queue is not tried")
		}
	}
	broken.away.Store(false)
	publish("back")
	if m := receive(t, heard); m.Payload != "back" {
		t.Errorf("got %q", m.Payload)
	}
	if err := a.Close(testContext(t)); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for i, want := range []string{"level=WARN", "lost=1", "level=WARN", "lost=100"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Fatalf("line %d of the log is not of %s:\n%s", i, want, log.String())
		}
	}
	if len(lines) != 4 {
		t.Errorf("the log has %d lines", len(lines))
	}
	if a.bytes != -len("old") { // which was not counted when it came
		t.Errorf("%d bytes on the account", a.bytes)
	}
}
