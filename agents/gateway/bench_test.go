package gateway

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// BenchmarkPush measures the way of a change from roster.Apply, through a real Redis, to the event at the agent's tab, with
// 1,000 tabs on the node and 500 changes a second among them.
//
//	go test -run xxx -bench Push -benchtime 5000x ./agents/gateway
func BenchmarkPush(b *testing.B) {
	const tabs, perSecond = 1000, 500
	h := newHouse(b, testdeps.Redis(b))
	pages := make([]*page, tabs)
	for i := range pages {
		id := int64(2001 + i)
		agent := h.store.agent(id)
		_, err := h.gateway.enter(b.Context(), agent, fmt.Sprint(3001+i),
			fmt.Sprintf("user%s%%40example.com/%s", agent.UserID, agent.UserID))
		must(b, err)
		pages[i] = h.open(agent.UserID)
		pages[i].state(wire.StateIdle)
	}
	var mu sync.Mutex
	took := make([]time.Duration, 0, b.N)
	var all sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for n := range b.N {
		testdeps.Lasts(time.Until(start.Add(time.Duration(n) * time.Second / perSecond)))
		all.Go(func() {
			p, id := pages[n%tabs], int64(2001+n%tabs)
			on := n/tabs%2 == 1
			began := time.Now()
			if _, err := h.roster.Apply(b.Context(), id, agents.Input{Kind: agents.AutoCallSet, On: on}); err != nil {
				b.Error(err)
				return
			}
			p.wait("the push", func(s wire.State) bool { return s.AutoCall == on })
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(began))
		})
	}
	all.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
