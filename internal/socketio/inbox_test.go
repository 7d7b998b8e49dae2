package socketio

import (
	"encoding/json"
	"testing"
	"time"
)

func TestInboxBounds(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	run := func(task) { <-release }
	event := func(size int) task {
		return task{ev: &Event{Payload: Payload{Args: []json.RawMessage{make([]byte, size)}}}}
	}
	for name, c := range map[string]struct {
		size, limit int
		taken       int // besides the one that is being handled
	}{
		"by number":        {1, 3, 3},
		"by size":          {inboxBytes / 2, 100, 2},
		"one of any size":  {inboxBytes * 2, 100, 1},
		"one at the least": {1, 1, 1},
	} {
		var in inbox
		in.put(event(c.size), run)
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			in.mu.Lock()
			begun := len(in.tasks) == 0
			in.mu.Unlock()
			if begun {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing is handled")
			}
		}
		taken := 0
		for in.offer(event(c.size), c.limit, time.Millisecond, run) {
			taken++
		}
		if taken != c.taken {
			t.Errorf("%s: %d taken, want %d", name, taken, c.taken)
		}
		waiting := make(chan bool)
		go func() { waiting <- in.offer(event(c.size), c.limit, 10*time.Second, run) }()
		release <- struct{}{} // room for one more
		if !receive(t, waiting) {
			t.Errorf("%s: not taken when there was room", name)
		}
		for range taken + 1 {
			release <- struct{}{}
		}
		if err := in.settle(testContext(t)); err != nil || in.bytes != 0 {
			t.Errorf("%s: %v, %d bytes left", name, err, in.bytes)
		}
	}
}
