package roster

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// BenchmarkClaim lists 1,000 free agents, claims the one who waits for longest, and releases the claim.
func BenchmarkClaim(b *testing.B) {
	r := thousand(b)
	b.ResetTimer()
	for i := range b.N {
		attempt := fmt.Sprint(i)
		l, err := claim(b, r, "q", "n1", call(attempt), time.Now().Add(time.Minute))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Apply(b.Context(), l.AgentID, agents.Input{Kind: agents.Released, AttemptID: attempt}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApply renews a claim.
func BenchmarkApply(b *testing.B) {
	r := thousand(b)
	must(b, r, 1, agents.Input{Kind: agents.Ordering, Call: call("a"), Until: time.Now().Add(time.Minute)})
	b.ResetTimer()
	for range b.N {
		must(b, r, 1, agents.Input{Kind: agents.ClaimRenewed, AttemptID: "a", Until: time.Now().Add(time.Minute)})
	}
}

func thousand(b *testing.B) *Roster {
	r, err := New(client(b, testdeps.Redis(b)), Options{Installation: "test", Node: "n1"})
	if err != nil {
		b.Fatal(err)
	}
	for id := range int64(1000) {
		enter(b, r, id+1, "q", "also")
	}
	return r
}
