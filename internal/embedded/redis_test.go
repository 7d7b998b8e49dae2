package embedded

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func start(t *testing.T) (*Redis, redisconn.Conn) {
	t.Helper()
	r, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	conn, err := redisconn.New(redisconn.Config{URL: r.URL()})
	if err != nil {
		t.Fatal(err)
	}
	return r, conn
}

func TestKeysExpireByThemselves(t *testing.T) {
	_, conn := start(t)
	client := conn.Client()
	defer client.Close()
	ctx := t.Context()

	began := time.Now()
	if err := client.Set(ctx, "short", "x", time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(ctx, "long", "x", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	testdeps.Eventually(t, "the end of a key of one second", func() bool { return client.Exists(ctx, "short").Val() == 0 })
	if lived := time.Since(began); lived < time.Second-2*tick {
		t.Errorf("a key of one second lived %s", lived)
	}
	left, err := client.PTTL(ctx, "long").Result()
	if err != nil {
		t.Fatal(err)
	}
	if spent := time.Hour - left; spent < 200*time.Millisecond || spent > 40*time.Second {
		t.Errorf("the hour-long key counted down %s", spent)
	}
}

func TestClockIsTheWallClock(t *testing.T) {
	_, conn := start(t)
	client := conn.Client()
	defer client.Close()
	now, err := client.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	if skew := time.Since(now).Abs(); skew > 2*time.Second {
		t.Errorf("TIME is off by %s", skew)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	r, _ := start(t)
	client := redis.NewClient(&redis.Options{Addr: r.Addr()})
	defer client.Close()
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err == nil {
		t.Error("a client without the password was let in")
	}
}

func TestAsynqRunsOnIt(t *testing.T) {
	_, conn := start(t)
	done := make(chan string, 1)
	server := asynq.NewServer(conn, asynq.Config{
		Concurrency: 2, TaskCheckInterval: 10 * time.Millisecond, DelayedTaskCheckInterval: 50 * time.Millisecond,
		Queues: map[string]int{"dial:a": 1}, LogLevel: asynq.FatalLevel,
	})
	handle := func(_ context.Context, task *asynq.Task) error {
		done <- string(task.Payload())
		return nil
	}
	if err := server.Start(asynq.HandlerFunc(handle)); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()

	client := asynq.NewClient(conn)
	defer client.Close()
	for _, delay := range []time.Duration{0, 200 * time.Millisecond} {
		task := asynq.NewTask("contact", []byte("7"), asynq.Queue("dial:a"), asynq.TaskID("attempt-7"), asynq.ProcessIn(delay))
		if _, err := client.Enqueue(task); err != nil {
			t.Fatal(err)
		}
		select {
		case payload := <-done:
			if payload != "7" {
				t.Errorf("payload %q", payload)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the task did not run")
		}
		awaitGone(t, conn, "dial:a", "attempt-7")
	}
}

// awaitGone waits until a finished task has left its queue, so that its id may be used again.
func awaitGone(t *testing.T, conn redisconn.Conn, queue, id string) {
	t.Helper()
	inspector := asynq.NewInspector(conn)
	defer inspector.Close()
	testdeps.Eventually(t, "the task to be gone", func() bool {
		_, err := inspector.GetTaskInfo(queue, id)
		return errors.Is(err, asynq.ErrTaskNotFound)
	})
}

func TestCloseLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := redisconn.New(redisconn.Config{URL: r.URL()})
	if err != nil {
		t.Fatal(err)
	}
	client := conn.Client()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("a closed Redis answered")
	}
	client.Close()
}
