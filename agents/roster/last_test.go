package roster

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
)

// twoNodes are two nodes with one agent, who is free and whose state the first node has stored last.
func twoNodes(t *testing.T, rdb redis.UniversalClient) (a, b *Roster, agent int64) {
	c := newClock()
	a, b = node(t, rdb, "n1", c, nil), node(t, rdb, "n2", c, nil)
	return a, b, enter(t, a, 1, "q").AgentID
}

func ordering(attempt string) agents.Input {
	return agents.Input{Kind: agents.Ordering, Call: call(attempt), Until: time.Now().Add(time.Minute)}
}

func ringing(attempt string) agents.Input {
	return agents.Input{Kind: agents.Ringing, AttemptID: attempt, Call: call(attempt)}
}

// TestLastIsNotTheLatest has nodes change an agent in turns: what a node remembers is never taken for what is there.
func TestLastIsNotTheLatest(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		a, b, id := twoNodes(t, rdb)
		must(t, a, id, ordering("a"))
		must(t, b, id, agents.Input{Kind: agents.Released, AttemptID: "a"})
		if l, err := a.Apply(t.Context(), id, ringing("a")); !errors.Is(err, agents.ErrNotNow) || l.State != agents.Available {
			t.Fatalf("%v, state %s: a call that was released elsewhere rings", err, l.State)
		}
		must(t, b, id, ordering("b"))
		if l := must(t, a, id, ringing("b")); l.Call.AttemptID != "b" {
			t.Fatalf("call %s: want b's", l.Call.AttemptID)
		}
		must(t, b, id, agents.Input{Kind: agents.Released, AttemptID: "b"})
		must(t, b, id, ordering("c"))
		must(t, a, id, ringing("c")) // which what it remembers would refuse
	})
}

// TestAFailoverForgetsAWrite has Redis lose the latest write, as a replica may that takes over. The version of the lost state is
// then another state's.
func TestAFailoverForgetsAWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		a, b, id := twoNodes(t, rdb)
		key := a.keys.agent(id)
		before := rdb.HGetAll(t.Context(), key).Val()
		lost := must(t, a, id, ordering("a"))
		if err := rdb.HSet(t.Context(), key, before).Err(); err != nil {
			t.Fatal(err)
		}
		if l := must(t, b, id, ordering("b")); l.Version != lost.Version {
			t.Fatalf("versions %d and %d: want the same", l.Version, lost.Version)
		}
		if l, err := a.Apply(t.Context(), id, ringing("a")); !errors.Is(err, agents.ErrOtherCall) {
			t.Fatalf("%v, call %s: a call that Redis has forgotten takes its agent from another", err, l.Call.AttemptID)
		}
	})
}

// TestANodeThatWritesNoTags changes an agent as a node of an earlier release does.
func TestANodeThatWritesNoTags(t *testing.T) {
	onBoth(t, func(t *testing.T, rdb redis.UniversalClient) {
		a, _, id := twoNodes(t, rdb)
		claimed := must(t, a, id, ordering("a"))
		next, err := agents.Next(claimed, agents.Input{Kind: agents.Released, AttemptID: "a", At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(next)
		if err != nil {
			t.Fatal(err)
		}
		if err := rdb.HSet(t.Context(), a.keys.agent(id), "version", next.Version, "live", text).Err(); err != nil {
			t.Fatal(err)
		}
		if l := must(t, a, id, ordering("b")); l.Version != next.Version+1 || l.Call.AttemptID != "b" {
			t.Fatalf("version %d, call %s: want %d, b", l.Version, l.Call.AttemptID, next.Version+1)
		}
		must(t, a, id, ringing("b"))
	})
}
