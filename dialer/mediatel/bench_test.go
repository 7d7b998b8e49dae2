package mediatel_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// BenchmarkSessions holds 200 agents' sessions to one server in one process, which the server shares: bytes of live memory an
// agent on both sides together, CPU of a second at rest, and CPU of a whole call, order to code, on both sides.
func BenchmarkSessions(b *testing.B) {
	const agents = 200
	before := liveBytes()
	h := newHouse(b, agents, known, func(far *simulator.Options, near *mediatel.Options) {
		far.Answers, near.Limits = time.Millisecond, mediatel.Limits{}
		far.Fate = func(string) simulator.Fate { return simulator.Fate{After: time.Millisecond} }
	})
	testdeps.Eventually(b, "all agents logged in", func() bool { _, in := h.Sessions(); return in == agents })
	perAgent := float64(liveBytes()-before) / agents

	const rest = 3 * time.Second
	idle := cpu()
	testdeps.Lasts(rest) // what is measured
	atRest := cpu() - idle

	began := cpu()
	calls := 0
	for b.Loop() {
		done := make(chan error, agents)
		for a := range int64(agents) {
			calls++
			number := fmt.Sprintf("+4477%08d", calls)
			go func() { done <- h.whole(a+1, number) }()
		}
		for range agents {
			if err := <-done; err != nil {
				b.Error(err)
			}
		}
	}
	b.ReportMetric(perAgent, "B/agent")
	b.ReportMetric(float64(atRest.Milliseconds())/rest.Seconds(), "ms-CPU/s-idle")
	b.ReportMetric(float64((cpu()-began).Microseconds())/float64(calls), "µs-CPU/call")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/200-calls")
}

// whole is one call from its order to its code.
func (h *house) whole(agent int64, number string) error {
	l, err := h.order(agent, number, true)
	if err != nil {
		return err
	}
	trace := ""
	for p := range l.Progress() {
		switch p.Kind {
		case dialer.TraceKnown:
			trace = p.CallTraceID
		case dialer.CustomerAnswered:
			l.Hangup("agent")
		case dialer.Ended:
			if p.Outcome != "answered" {
				return fmt.Errorf("agent %d: %+v", agent, p)
			}
		}
	}
	return h.SetCode(h.tb.Context(), ext(agent), trace, "4")
}

func liveBytes() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of ourselves
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
