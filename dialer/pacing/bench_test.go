package pacing

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkDecide: a decision every 0.2 s of the day, with what ends meanwhile.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []struct{ agents, calls int }{{5, 8}, {20, 40}, {200, 400}, {1000, 2000}} {
		b.Run(fmt.Sprintf("%d_agents_%d_calls", size.agents, size.calls), func(b *testing.B) {
			p := New(Settings{Mode: Predictive})
			s := staffed(0, map[Status]int{Idle: size.agents / 20, Talk: size.agents * 7 / 10, Wrap: size.agents / 4})
			for i := range s.Agents {
				s.Agents[i].For = time.Duration(i*317%300) * time.Second
			}
			for i := range size.calls {
				s.Calls = append(s.Calls, Call{ID: int64(i), Age: time.Duration(size.calls-i) * 25 * time.Second / time.Duration(size.calls)})
			}
			s.MinRing = 15 * time.Second
			s.Done = Done{RingAnswered: []time.Duration{8 * time.Second}, RingOther: []time.Duration{25 * time.Second, 3 * time.Second},
				Talk: []time.Duration{140 * time.Second}, Wrap: []time.Duration{20 * time.Second}}
			b.ReportAllocs()
			for b.Loop() {
				s.Now += 200 * time.Millisecond
				s.Totals.Dialed += 3
				p.Decide(s)
			}
		})
	}
}
