package socketio

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestInboxBounds(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	run := func(task) { <-release }
	event := func(size int) task { return task{ev: &Event{}, cost: size} }
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
		testdeps.Eventually(t, "the first to be handled", func() bool {
			in.mu.Lock()
			defer in.mu.Unlock()
			return len(in.tasks) == 0
		})
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
		if err := in.quiesce(testContext(t)); err != nil || in.bytes != 0 {
			t.Errorf("%s: %v, %d bytes left", name, err, in.bytes)
		}
	}
}

// TestEventCost fills an inbox with events that have their bytes where one might not look for them: its account is what
// the memory grows by.
func TestEventCost(t *testing.T) {
	long := strings.Repeat("x", 300_000)
	binary := fmt.Sprintf(`51-["e",%s{"_placeholder":true,"num":0}]`, strings.Repeat(" ", 100_000))
	for name, c := range map[string]struct {
		text        string
		attachments int // each of 300 kB
	}{
		"name":            {`2["` + long + `"]`, 0},
		"escaped name":    {`2["\u0078` + long + `"]`, 0},
		"argument":        {`2["e","` + long + `"]`, 0},
		"white space":     {`2["e",` + strings.Repeat(" ", 300_000) + `1]`, 0},
		"many arguments":  {`2["e"` + strings.Repeat(",1", 30_000) + `]`, 0},
		"attachment":      {binary, 1},
		"nothing":         {`2["e"]`, 0},
		"one of each row": {`2["` + long + `","` + long + `"` + strings.Repeat(", 1", 30_000) + `]`, 0},
	} {
		before := heap()
		var tasks []task
		cost := 0
		for range 8 {
			p, err := parsePacket([]byte(c.text))
			if err != nil {
				t.Fatal(name, err)
			}
			var attachments [][]byte
			for range c.attachments {
				attachments = append(attachments, make([]byte, 300_000))
			}
			tasks = append(tasks, eventTask(&p, attachments, nil))
			cost += tasks[len(tasks)-1].cost
		}
		grown := heap() - before
		if noise := 50_000; grown > cost*11/10+noise || cost > grown*11/10+noise {
			t.Errorf("%s: costs %d bytes, holds %d", name, cost, grown)
		}
		runtime.KeepAlive(tasks)
	}
}

// heap returns the bytes of live heap.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
