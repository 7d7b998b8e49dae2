package share

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func idleFor(id int64, seconds int, queues ...string) Agent {
	return Agent{ID: id, Queues: queues, Since: t0.Add(-time.Duration(seconds) * time.Second)}
}

const many = 1000

func TestMatch(t *testing.T) {
	a := Campaign{ID: 1, Queue: "a", Weight: 1, Wants: many}
	b := Campaign{ID: 2, Queue: "b", Weight: 1, Wants: many}
	with := func(c Campaign, f func(*Campaign)) Campaign { f(&c); return c }
	first := with(b, func(c *Campaign) { c.Priority = 1 })
	for _, test := range []struct {
		what      string
		free      []Agent
		campaigns []Campaign
		room      int
		want      []Pair
	}{
		{"nobody", nil, []Campaign{a}, many, nil},
		{"nothing to call", []Agent{idleFor(1, 5, "a")}, nil, many, nil},
		{"another line", []Agent{idleFor(1, 5, "b")}, []Campaign{a}, many, nil},
		{"no room", []Agent{idleFor(1, 5, "a")}, []Campaign{a}, 0, nil},
		{"less than no room", []Agent{idleFor(1, 5, "a")}, []Campaign{a}, -3, nil},
		{"longest idle first", []Agent{idleFor(1, 5, "a"), idleFor(2, 9, "a")}, []Campaign{a}, 1, []Pair{{2, 1}}},
		{"equally long", []Agent{idleFor(2, 5, "a"), idleFor(1, 5, "a")}, []Campaign{a}, 1, []Pair{{1, 1}}},
		{"an agent of two lines counts once", []Agent{idleFor(1, 5, "a", "b")}, []Campaign{a, b}, many, []Pair{{1, 1}}},
		{"a line named twice", []Agent{idleFor(1, 5, "b", "a", "b")}, []Campaign{a, b}, many, []Pair{{1, 1}}},
		{"turns", []Agent{idleFor(1, 9, "a", "b"), idleFor(2, 5, "a", "b")}, []Campaign{a, b}, many, []Pair{{1, 1}, {2, 2}}},
		{"priority before weight", []Agent{idleFor(1, 5, "a", "b")}, []Campaign{with(a, func(c *Campaign) { c.Weight = 100 }), first},
			many, []Pair{{1, 2}}},
		{"priority before idle time", []Agent{idleFor(1, 9, "a"), idleFor(2, 5, "b")}, []Campaign{a, first}, 1, []Pair{{2, 2}}},
		{"what the first leaves", []Agent{idleFor(1, 9, "a", "b"), idleFor(2, 5, "a", "b")},
			[]Campaign{a, with(first, func(c *Campaign) { c.Wants = 1 })}, many, []Pair{{1, 2}, {2, 1}}},
		{"wants none", []Agent{idleFor(1, 9, "a", "b")}, []Campaign{with(a, func(c *Campaign) { c.Wants = -1 }), b}, many,
			[]Pair{{1, 2}}},
		{"credit decides", []Agent{idleFor(1, 9, "a", "b")}, []Campaign{a, with(b, func(c *Campaign) { c.Credit = 0.1 })}, many,
			[]Pair{{1, 2}}},
	} {
		if pairs, _ := Match(test.free, test.campaigns, test.room); !slices.Equal(pairs, test.want) {
			t.Errorf("%s: %v, want %v", test.what, pairs, test.want)
		}
	}
}

// TestWeights: whether agents come free one by one or together, campaigns share them as their weights say.
func TestWeights(t *testing.T) {
	for _, together := range []int{1, 3, 20} {
		campaigns := []Campaign{{ID: 1, Queue: "a", Weight: 3, Wants: many}, {ID: 2, Queue: "b", Weight: 1, Wants: many}}
		got := map[int64]int{}
		for calls := 0; calls < 1000; {
			var free []Agent
			for i := range together {
				free = append(free, idleFor(int64(i), i, "a", "b"))
			}
			pairs, credits := Match(free, campaigns, many)
			for i := range campaigns {
				campaigns[i].Credit = credits[i]
			}
			for _, p := range pairs {
				got[p.Campaign]++
				calls++
			}
		}
		if ratio := float64(got[1]) / float64(got[2]); ratio < 2.95 || ratio > 3.05 {
			t.Errorf("%d free at once: %v, a ratio of %.2f", together, got, ratio)
		}
	}
}

// TestNobodySavesUp: a campaign that had nobody to call for long is given its part from now on, not what it has missed.
func TestNobodySavesUp(t *testing.T) {
	campaigns := []Campaign{{ID: 1, Queue: "a", Weight: 1, Wants: many}, {ID: 2, Queue: "b", Weight: 1}}
	got := 0
	for call := range 1100 {
		if call == 1000 {
			campaigns[1].Wants = many
		}
		pairs, credits := Match([]Agent{idleFor(1, 1, "a", "b")}, campaigns, 1)
		campaigns[0].Credit, campaigns[1].Credit = credits[0], credits[1]
		if pairs[0].Campaign == 2 {
			got++
		}
	}
	if got < 49 || got > 51 {
		t.Errorf("%d of the last 100 calls, want half of them", got)
	}
}

var lines = []string{"a", "b", "c", "d", "e"}

func drawn(t *rapid.T) (free []Agent, campaigns []Campaign, room int) {
	for i := range rapid.IntRange(0, 12).Draw(t, "agents") {
		queues := rapid.SliceOfN(rapid.SampledFrom(lines), 0, 4).Draw(t, "queues")
		free = append(free, idleFor(int64(i+1), rapid.IntRange(0, 5).Draw(t, "idle"), queues...))
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "campaigns") {
		campaigns = append(campaigns, Campaign{ID: int64(i + 1), Queue: rapid.SampledFrom(lines).Draw(t, "line"),
			Priority: rapid.IntRange(-1, 1).Draw(t, "priority"), Weight: rapid.IntRange(0, 5).Draw(t, "weight"),
			Wants: rapid.IntRange(-1, 6).Draw(t, "wants"), Credit: float64(rapid.IntRange(-4, 4).Draw(t, "credit")) / 4})
	}
	return free, campaigns, rapid.IntRange(-1, 15).Draw(t, "room")
}

func TestMatchKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		free, campaigns, room := drawn(t)
		pairs, credits := Match(free, campaigns, room)
		if len(pairs) > max(room, 0) {
			t.Fatalf("%d pairs, with room for %d", len(pairs), room)
		}
		agent := func(id int64) Agent { return free[id-1] }
		campaign := func(id int64) Campaign { return campaigns[id-1] }
		of, left := map[int64]Campaign{}, make([]int, len(campaigns)+1)
		for _, c := range campaigns {
			left[c.ID] = c.Wants
		}
		for _, p := range pairs {
			if _, twice := of[p.Agent]; twice {
				t.Fatalf("agent %d is given twice: %v", p.Agent, pairs)
			}
			of[p.Agent] = campaign(p.Campaign)
			if !slices.Contains(agent(p.Agent).Queues, campaign(p.Campaign).Queue) {
				t.Fatalf("agent %d does not serve campaign %d", p.Agent, p.Campaign)
			}
			if left[p.Campaign]--; left[p.Campaign] < 0 {
				t.Fatalf("campaign %d is given more than it wants: %v", p.Campaign, pairs)
			}
		}
		for _, a := range free {
			for _, c := range campaigns {
				if !slices.Contains(a.Queues, c.Queue) || c.Wants <= 0 {
					continue
				}
				its, given := of[a.ID]
				switch {
				case left[c.ID] > 0 && !given && len(pairs) < room:
					t.Fatalf("agent %d is idle, and campaign %d wants a call: %v", a.ID, c.ID, pairs)
				case left[c.ID] > 0 && given && its.Priority < c.Priority:
					t.Fatalf("agent %d is given campaign %d, and campaign %d comes first: %v", a.ID, its.ID, c.ID, pairs)
				case !given: // whom it was given to instead has been idle for as long
					for _, p := range pairs {
						if other := agent(p.Agent); p.Campaign == c.ID && other.Since.After(a.Since) {
							t.Fatalf("agent %d was idle before agent %d: %v", a.ID, other.ID, pairs)
						}
						if left[c.ID] > 0 && campaign(p.Campaign).Priority < c.Priority {
							t.Fatalf("the room went to campaign %d, and campaign %d comes first: %v", p.Campaign, c.ID, pairs)
						}
					}
				}
			}
		}
		shuffled := rand.New(rand.NewPCG(1, uint64(len(pairs))))
		shuffled.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
		order := shuffled.Perm(len(campaigns))
		mixed, mixedCredits := make([]Campaign, len(order)), make([]float64, len(order))
		for i, from := range order {
			mixed[i], mixedCredits[i] = campaigns[from], credits[from]
		}
		again, same := Match(free, mixed, room)
		if !slices.Equal(pairs, again) || !slices.Equal(mixedCredits, same) {
			t.Fatalf("another order makes another match: %v, %v", pairs, again)
		}
	})
}

// TestCreditsStayFair: whoever contends for whom, over any number of matches no campaign is ahead or behind by more than a few
// calls, and what some have gained others have paid.
func TestCreditsStayFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		campaigns := make([]Campaign, len(lines))
		for i := range campaigns {
			campaigns[i] = Campaign{ID: int64(i + 1), Queue: lines[i], Weight: rapid.IntRange(1, 100).Draw(t, "weight")}
		}
		for range 300 {
			for i := range campaigns {
				campaigns[i].Wants = rapid.IntRange(0, 2).Draw(t, "wants")
			}
			queues := rapid.SliceOfNDistinct(rapid.SampledFrom(lines), 1, 5, rapid.ID[string]).Draw(t, "queues")
			_, credits := Match([]Agent{idleFor(1, 1, queues...), idleFor(2, 2, lines...)}, campaigns, many)
			sum := 0.0
			for i, c := range credits {
				campaigns[i].Credit = c
				sum += c
				if c < -5 || c > 5 {
					t.Fatalf("credits %v", credits)
				}
			}
			if sum < -1e-6 || sum > 1e-6 {
				t.Fatalf("credits %v are %v together", credits, sum)
			}
		}
	})
}

// BenchmarkMatch is 1,000 free agents of five lines each, and 50 campaigns of five priorities.
func BenchmarkMatch(b *testing.B) {
	var free []Agent
	var campaigns []Campaign
	line := func(i int) string { return fmt.Sprintf("line %d", i%50) }
	for i := range 1000 {
		free = append(free, idleFor(int64(i), i*7%1000, line(i), line(i+1), line(i+7), line(i+20), line(i+33)))
	}
	for i := range 50 {
		campaigns = append(campaigns, Campaign{ID: int64(i), Queue: line(i), Priority: i % 5, Weight: 1 + i%3,
			Wants: cmp.Or(i%3, 1) * 10})
	}
	for b.Loop() {
		Match(free, campaigns, many)
	}
}
