package roster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestANameIsOneProcess: a second process of a live node's name is refused, one after a killed node waits for its heartbeats
// to run out, and one after an orderly end does not wait.
func TestANameIsOneProcess(t *testing.T) {
	t.Parallel()
	rdb := client(t, testdeps.RedisServer(t).Addr)
	life := func() *Roster {
		r, err := New(rdb, Options{Installation: "test", Node: "n1"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := life()
	if err := first.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); first.Run(ctx) }()
	if err := life().Enter(t.Context()); !errors.Is(err, ErrNodeLives) {
		t.Errorf("a second process: %v, want ErrNodeLives", err)
	}
	end()
	<-ended
	began := time.Now()
	if err := life().Enter(t.Context()); err != nil || time.Since(began) > heartbeat {
		t.Errorf("after an orderly end: %v, after %v", err, time.Since(began))
	}
	if err := life().Enter(t.Context()); err != nil { // the one before never ran: it was killed
		t.Errorf("after a kill: %v", err)
	}
}
