package simulated

import (
	"container/heap"
	"sync"
	"time"
)

// moment is the one thing that a call waits for.
type moment struct {
	at    time.Time
	do    func()
	index int // in the heap; -1: not waiting
}

// agenda is the heap of all calls' moments, served by one goroutine.
type agenda struct {
	clock Clock
	wake  chan struct{}
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	moments moments
}

func newAgenda(clock Clock) *agenda {
	a := &agenda{clock: clock, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go a.serve()
	return a
}

// set makes m wait for its next thing, after d; what it waited for before is forgotten.
func (a *agenda) set(m *moment, d time.Duration, do func()) {
	at := a.clock.In(d)
	a.mu.Lock()
	m.at, m.do = at, do
	if m.index < 0 {
		heap.Push(&a.moments, m)
	} else {
		heap.Fix(&a.moments, m.index)
	}
	first := m.index == 0
	a.mu.Unlock()
	if first {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}

// drop makes m wait for nothing.
func (a *agenda) drop(m *moment) {
	a.mu.Lock()
	if m.index >= 0 {
		heap.Remove(&a.moments, m.index)
	}
	a.mu.Unlock()
}

// take is what m waits for, if it is due and not begun; m waits for nothing then. nil: it is not.
func (a *agenda) take(m *moment) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.index < 0 || m.at.After(a.clock.Now()) {
		return nil
	}
	heap.Remove(&a.moments, m.index)
	return m.do
}

func (a *agenda) serve() {
	defer close(a.done)
	for {
		next := a.runDue()
		a.clock.Sleep(next, a.wake, a.stop)
		select {
		case <-a.stop:
			return
		default:
		}
	}
}

// runDue does all that is due and returns when the next thing is; zero: nothing waits.
func (a *agenda) runDue() time.Time {
	now := a.clock.Now()
	for {
		a.mu.Lock()
		if len(a.moments) == 0 {
			a.mu.Unlock()
			return time.Time{}
		}
		if at := a.moments[0].at; at.After(now) {
			a.mu.Unlock()
			return at
		}
		do := heap.Pop(&a.moments).(*moment).do
		a.mu.Unlock()
		do()
	}
}

func (a *agenda) close() {
	close(a.stop)
	<-a.done
}

type moments []*moment

func (h moments) Len() int           { return len(h) }
func (h moments) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h moments) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *moments) Push(x any) {
	m := x.(*moment)
	m.index = len(*h)
	*h = append(*h, m)
}

func (h *moments) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	m.index = -1
	return m
}
