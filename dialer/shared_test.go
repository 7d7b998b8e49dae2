package dialer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// TestSharedAgents: five campaigns with lines of their own share 20 agents, and next to no attempt is planned for an agent who is
// not to be had.
func TestSharedAgents(t *testing.T) {
	for _, each := range []int{5, 2} { // lines an agent serves
		t.Run(fmt.Sprintf("%d lines each", each), func(t *testing.T) {
			h := newHouse(t, sqliteURL(t), steady)
			var list []*campaigns.Campaign
			for i := range 5 {
				list = append(list, h.campaign(func(c *campaigns.Campaign) { c.Priority = i / 3 })) // two of them come first
			}
			people := sharedPeople(h, list, 100)
			n := h.node("n1", func(d *dialer.Deps) { d.Limits = dialer.Limits{} })
			n.coder("1")
			for i := range 20 {
				queues := make([]string, each)
				for k := range queues {
					queues[k] = list[(i+k)%len(list)].Queue
				}
				n.agent(queues...)
			}
			h.within(12*time.Minute, people, "SELECT count(*) FROM contacts WHERE state = 'finished' OR attempts > 0")
			n.stop()
			planned, without := h.count("SELECT count(*) FROM attempts"),
				h.count("SELECT count(*) FROM attempts WHERE state = 'cancelled' AND cause LIKE '%agent%'")
			share := 100 * float64(without) / float64(planned)
			t.Logf("%d attempts planned, %d cancelled for want of an agent: %.1f %%", planned, without, share)
			if share > 1 {
				t.Errorf("%.1f %% of planned attempts were cancelled for want of an agent, want at most 1 %%", share)
			}
			h.rest() // codes that were awaited at the stop are the sweep's
		})
	}
}

// sharedPeople gives each campaign so many contacts, and says how many they are.
func sharedPeople(h *house, list []*campaigns.Campaign, each int) (all int) {
	for _, c := range list {
		some := make([]string, each)
		for i := range some {
			some[i] = fmt.Sprintf("+44770%06d%d", all, i%10%9) // nobody talks for an hour
			all++
		}
		h.people(c, some...)
	}
	return all
}

// TestWeightsAreKept: two campaigns of weights 3 and 1 share four agents, and their first 1,000 calls.
func TestWeightsAreKept(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	heavy := h.campaign(func(c *campaigns.Campaign) { c.Weight = 3 })
	light := h.campaign(func(c *campaigns.Campaign) { c.Weight = 1 })
	sharedPeople(h, []*campaigns.Campaign{heavy, light}, 1000)
	n := h.node("n1", func(d *dialer.Deps) { d.Limits = dialer.Limits{} })
	n.coder("1")
	for range 12 {
		n.agent(light.Queue, heavy.Queue)
	}
	h.within(12*time.Minute, 1, "SELECT CASE WHEN count(*) >= 1000 THEN 1 ELSE 0 END FROM attempts WHERE state = 'closed'")
	n.stop()
	calls := func(c *campaigns.Campaign) int {
		return h.count(`SELECT count(*) FROM (SELECT campaign_id FROM attempts WHERE state <> 'cancelled' ORDER BY id LIMIT 1000) first
			WHERE campaign_id = $1`, c.ID)
	}
	if ratio := float64(calls(heavy)) / float64(calls(light)); ratio < 3*0.95 || ratio > 3*1.05 {
		t.Errorf("%d and %d calls: a ratio of %.2f, want 3 ± 5 %%", calls(heavy), calls(light), ratio)
	}
	h.rest() // codes that were awaited at the stop are the sweep's
}
