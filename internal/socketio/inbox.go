package socketio

import (
	"context"
	"sync"
	"time"
)

// task is something that a handler has to do: an event, or something else.
type task struct {
	ev   *Event
	cost int // what an event holds, in bytes
	do   func()
}

// eventTask makes the task of a packet's event. An argument holds the whole message that it lies in, be it all name or
// white space, and each has a slice header.
func eventTask(p *packet, attachments [][]byte, from *endpoint) task {
	cost := eventOverhead + p.size + len(p.name) + sliceHeader*cap(p.args)
	for _, attachment := range attachments {
		cost += sliceHeader + cap(attachment)
	}
	ev := &Event{Name: p.name, Payload: Payload{p.args, attachments}, from: from, ackID: p.ackID}
	return task{ev: ev, cost: cost}
}

const (
	eventOverhead = 192 // an Event and its task, about
	sliceHeader   = 24
)

// inboxBytes bounds what the events that wait in one inbox hold, in bytes; a single event may be larger.
const inboxBytes = 1 << 20

// inbox runs tasks in order, one at a time, on a goroutine that exists only while there are any.
type inbox struct {
	mu      sync.Mutex
	tasks   []task
	bytes   int // the tasks' costs
	running bool
	shut    bool          // no event is taken any more
	space   chan struct{} // closed when a task was taken, and when shut; nil: nobody waits
	idle    chan struct{} // closed when all is done; nil: nobody waits
}

// put adds a task whatever the bound: for what happens at most a few times in a socket's life.
func (in *inbox) put(t task, run func(task)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.add(t, run)
}

func (in *inbox) add(t task, run func(task)) {
	in.tasks = append(in.tasks, t)
	in.bytes += t.cost
	if !in.running {
		in.running = true
		go in.work(run)
	}
}

// full tells whether the inbox has no room, for limit tasks in all.
func (in *inbox) full(limit int) bool {
	return len(in.tasks) >= limit || in.bytes >= inboxBytes
}

// close has offer drop what comes, and what waits for room: nobody is there any more to whom it would matter.
func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.shut = true
	wake(&in.space)
}

// offer adds a task as soon as there is room for it. It reports false when that takes longer than patience.
func (in *inbox) offer(t task, limit int, patience time.Duration, run func(task)) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.full(limit) && !in.awaitSpace(limit, patience) {
		return false
	}
	if !in.shut {
		in.add(t, run)
	}
	return true
}

// awaitSpace waits until there is room, or nobody needs it any more. It is called with in.mu held, which it lets go while
// it waits, and reports false when patience has run out.
func (in *inbox) awaitSpace(limit int, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for in.full(limit) && !in.shut {
		if in.space == nil {
			in.space = make(chan struct{})
		}
		space := in.space
		in.mu.Unlock()
		select {
		case <-space:
			in.mu.Lock()
		case <-timer.C:
			in.mu.Lock()
			return false
		}
	}
	return true
}

func (in *inbox) work(run func(task)) {
	in.mu.Lock()
	for len(in.tasks) > 0 {
		t := in.tasks[0]
		in.tasks[0] = task{}
		in.tasks = in.tasks[1:]
		in.bytes -= t.cost
		wake(&in.space)
		in.mu.Unlock()
		run(t)
		in.mu.Lock()
	}
	in.tasks, in.running = nil, false
	wake(&in.idle)
	in.mu.Unlock()
}

func wake(waiting *chan struct{}) {
	if *waiting != nil {
		close(*waiting)
		*waiting = nil
	}
}

// quiesce waits until all tasks are done or ctx ends.
func (in *inbox) quiesce(ctx context.Context) error {
	in.mu.Lock()
	if !in.running {
		in.mu.Unlock()
		return nil
	}
	if in.idle == nil {
		in.idle = make(chan struct{})
	}
	idle := in.idle
	in.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
