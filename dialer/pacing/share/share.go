// Package share says which free agent is given a call of which campaign. It is pure, and imports nothing of ours.
//
// An agent may serve many lines, and so many campaigns; a match gives each agent one campaign at most. In this order:
//
//  1. Campaigns of a higher priority come first: while one wants a call, no agent of its line is given another's.
//  2. Who has been idle for longest is given the next call.
//  3. Where campaigns of one priority could have the agent, weights decide: of the agents that they contend for, a campaign of
//     weight 3 is given three for each one of a campaign of weight 1. Over many matches that is kept by credits, in calls: each
//     contender earns its part of the agent, and whoever is given the agent pays for it whole. Nobody earns while not contending,
//     so a campaign that had nobody to call does not save up.
//
// No agent is left idle while a campaign that the agent serves wants a call. How many calls a campaign wants is its own affair:
// progressively any number, for each has an agent of its own.
package share

import (
	"cmp"
	"slices"
	"time"
)

// Agent is somebody free.
type Agent struct {
	ID     int64
	Queues []string  // the lines that the agent serves
	Since  time.Time // of the idle time
}

// Campaign is somebody who has people to call.
type Campaign struct {
	ID       int64
	Queue    string  // its line
	Priority int     // higher first
	Weight   int     // among those of its priority; below 1 counts as 1
	Wants    int     // agents, at most
	Credit   float64 // as the match before has left it
}

// Pair is an agent who is given a call of a campaign.
type Pair struct{ Agent, Campaign int64 }

// Match pairs at most room agents with campaigns: those of the highest priority first, and of one priority who has been idle for
// longest. Beside the pairs it returns the credit that each campaign has afterwards, in the order of the campaigns. The same
// agents and campaigns make the same match, whatever their order.
func Match(free []Agent, campaigns []Campaign, room int) ([]Pair, []float64) {
	m := match{campaigns: campaigns, wants: make([]int, len(campaigns)), credits: make([]float64, len(campaigns))}
	for i, c := range campaigns {
		m.wants[i], m.credits[i] = c.Wants, c.Credit
	}
	idle := m.candidates(free)
	for _, priority := range m.priorities() {
		for i := range idle {
			if len(m.pairs) >= room {
				return m.pairs, m.credits
			}
			m.give(&idle[i], priority)
		}
	}
	return m.pairs, m.credits
}

type match struct {
	campaigns []Campaign
	wants     []int // left, by index of the campaign
	credits   []float64
	pairs     []Pair
}

// candidate is a free agent with the campaigns whose call the agent could be given, by index, those of the highest priority
// first. One who is taken has none left.
type candidate struct {
	agent Agent
	serve []int
}

// candidates lists the agents, longest idle first.
func (m *match) candidates(free []Agent) []candidate {
	byQueue := map[string][]int{}
	for i, c := range m.campaigns {
		if c.Wants > 0 {
			byQueue[c.Queue] = append(byQueue[c.Queue], i)
		}
	}
	idle := make([]candidate, 0, len(free))
	for _, a := range free {
		var serve []int
		for _, q := range a.Queues {
			serve = append(serve, byQueue[q]...)
		}
		if len(serve) > 0 {
			slices.SortFunc(serve, m.order)
			idle = append(idle, candidate{a, slices.Compact(serve)})
		}
	}
	slices.SortFunc(idle, func(a, b candidate) int {
		return cmp.Or(a.agent.Since.Compare(b.agent.Since), cmp.Compare(a.agent.ID, b.agent.ID))
	})
	return idle
}

// order puts campaigns of a higher priority first.
func (m *match) order(i, j int) int {
	a, b := m.campaigns[i], m.campaigns[j]
	return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID))
}

// priorities lists those that there are, the highest first.
func (m *match) priorities() []int {
	list := make([]int, len(m.campaigns))
	for i, c := range m.campaigns {
		list[i] = -c.Priority
	}
	slices.Sort(list)
	list = slices.Compact(list)
	for i := range list {
		list[i] = -list[i]
	}
	return list
}

// give gives the agent to one of the campaigns of this priority, if one wants a call.
func (m *match) give(c *candidate, priority int) {
	n := 0
	for n < len(c.serve) && m.campaigns[c.serve[n]].Priority == priority {
		n++
	}
	contenders := slices.DeleteFunc(slices.Clone(c.serve[:n]), func(i int) bool { return m.wants[i] <= 0 })
	if c.serve = c.serve[n:]; len(contenders) == 0 {
		return
	}
	i := m.contend(contenders)
	m.wants[i]--
	m.pairs = append(m.pairs, Pair{c.agent.ID, m.campaigns[i].ID})
	c.serve = nil
}

// contend finds the contender with the highest credit once each has earned its part, and has it pay for the agent.
func (m *match) contend(contenders []int) (winner int) {
	winner = contenders[0]
	if len(contenders) == 1 {
		return winner
	}
	all := 0
	for _, i := range contenders {
		all += m.weight(i)
	}
	for _, i := range contenders {
		m.credits[i] += float64(m.weight(i)) / float64(all)
		if m.credits[i] > m.credits[winner] {
			winner = i
		}
	}
	m.credits[winner]--
	return winner
}

func (m *match) weight(i int) int { return max(m.campaigns[i].Weight, 1) }
