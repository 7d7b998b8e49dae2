package embedded

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// take is what Asynq asks, in the shape that matters: four keys, and the next task or nil.
var take = redis.NewScript(`return redis.call("RPOPLPUSH", KEYS[1], KEYS[3])`)

// TestPatientWaitsForTheTask: the question is not answered before there is a task; then with it, the order kept.
func TestPatientWaitsForTheTask(t *testing.T) {
	_, conn := start(t)
	client := conn.Client()
	defer client.Close()
	patient := redisconn.NewPatient(client, "dial:a")
	keys := []string{"asynq:{dial:a}:pending", "asynq:{dial:a}:paused", "asynq:{dial:a}:active", "asynq:{dial:a}:lease"}
	ask := func() chan any {
		got := make(chan any, 1)
		go func() {
			for { // a wait that took its whole time ends with nothing, and is begun again as Asynq does
				v, err := take.Run(t.Context(), patient, keys).Result()
				if !errors.Is(err, redis.Nil) {
					got <- v
					return
				}
			}
		}()
		return got
	}
	first := ask()
	testdeps.Quiet(20 * time.Millisecond)
	select {
	case v := <-first:
		t.Fatalf("%v came from an empty queue", v)
	default:
	}
	for _, v := range []string{"1", "2", "3"} { // Asynq pushes on the left and takes from the right
		client.LPush(t.Context(), keys[0], v)
	}
	for _, want := range []string{"1", "2", "3"} {
		select {
		case v := <-first:
			if v != want {
				t.Errorf("got %v, want %s", v, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("nothing came")
		}
		if want != "3" {
			first = ask()
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- take.Run(t.Context(), patient, keys).Err() }()
	patient.Stop()
	if err := <-ended; !errors.Is(err, redis.Nil) {
		t.Errorf("after Stop: %v", err)
	}
}

// TestIdleAsynqIsQuiet holds Asynq to the keys that Patient knows its question by.
func TestIdleAsynqIsQuiet(t *testing.T) {
	r, conn := start(t)
	client := conn.Client()
	defer client.Close()
	patient := redisconn.NewPatient(client, "dial:a")
	server := asynq.NewServerFromRedisClient(patient, asynq.Config{
		Concurrency: 2, TaskCheckInterval: 10 * time.Millisecond, Queues: map[string]int{"dial:a": 1}, LogLevel: asynq.FatalLevel,
	})
	done := make(chan string, 1)
	if err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		done <- string(task.Payload())
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	defer func() { patient.Stop(); server.Shutdown() }()
	tasks := asynq.NewClientFromRedisClient(client)
	for _, want := range []string{"1", "2"} {
		if _, err := tasks.Enqueue(asynq.NewTask("contact", []byte(want)), asynq.Queue("dial:a")); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-done:
			if got != want {
				t.Errorf("task %s came when %s was enqueued", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the task did not run")
		}
	}
	before := r.server.CommandCount()
	testdeps.Quiet(2 * time.Second)
	if asked := r.server.CommandCount() - before; asked > 50 { // 200 without patience
		t.Errorf("idle, it asked %d times in two seconds", asked)
	}
}
