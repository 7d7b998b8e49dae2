package pacing

import (
	"math"
	"time"
)

// team is what is learned of agents: how long they talk, wrap up and stay away, and what they do next.
type team struct {
	talk, wrap, pause spells
	wraps             share   // talks that are followed by wrap-up
	ready             share   // wrap-ups after which the agent is free
	fails             share   // offers that the phone or the agent did not take
	leaves            share   // in seconds: idle time that ended in a pause
	seen              []Agent // in the snapshot before
	at                time.Duration
	index             map[int]int // of seen, by id; made when agents have changed places

	// free is the chance that an agent who has been in a status up to an edge is free by a horizon: computed.
	free [statuses][bins][quantiles]float64
}

func (t *team) prior(p Prior) {
	t.talk.prior(p.Talk, p.Worth/4)
	t.wrap.prior(p.Wrap, p.Worth/4)
	t.pause.prior(600, 2)
	t.wraps, t.ready, t.fails = share{9.5, 10}, share{19, 20}, share{0.2, 20}
	t.leaves = share{1, 1800}
}

// learn takes what has ended, and what agents did since the snapshot before.
func (t *team) learn(s *Snapshot) {
	for _, d := range s.Done.Talk {
		t.talk.ended(d.Seconds())
	}
	for _, d := range s.Done.Wrap {
		t.wrap.ended(d.Seconds())
	}
	idle := 0.0
	passed := s.Now - t.at
	for i := range s.Agents {
		now := &s.Agents[i]
		was := t.before(i, now.ID)
		if was == nil {
			continue
		}
		if was.Status == Idle {
			idle += min(passed, time.Minute).Seconds()
		}
		if was.Status != now.Status {
			t.moved(was.Status, now.Status, (was.For + passed - now.For).Seconds())
		}
	}
	const hour = 3600.0 * 8 // of idle agents, that leaving is learned from
	keep := math.Exp(-idle / hour)
	t.leaves.all = t.leaves.all*keep + idle
	t.leaves.yes *= keep
	if !sameOrder(t.seen, s.Agents) {
		t.index = nil
	}
	t.seen, t.at = append(t.seen[:0], s.Agents...), s.Now
}

// before finds the agent in the snapshot before; nil: was not there.
func (t *team) before(i, id int) *Agent {
	if i < len(t.seen) && t.seen[i].ID == id {
		return &t.seen[i]
	}
	if t.index == nil {
		t.index = make(map[int]int, len(t.seen))
		for k := range t.seen {
			t.index[t.seen[k].ID] = k
		}
	}
	if k, there := t.index[id]; there {
		return &t.seen[k]
	}
	return nil
}

func sameOrder(a, b []Agent) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID {
			return false
		}
	}
	return true
}

// moved learns from an agent's change of status after a spell.
func (t *team) moved(from, to Status, spell float64) {
	switch {
	case from == Talk && (to == Wrap || to == Idle):
		t.wraps.saw(to == Wrap)
	case from == Wrap && (to == Idle || to == Offered || to == Pause):
		t.ready.saw(to != Pause)
	case from == Offered && (to == Talk || to == Idle || to == Pause):
		t.fails.saw(to != Talk)
	case from == Idle && to == Pause:
		t.leaves.yes++
	case from == Pause && to == Idle:
		t.pause.ended(max(spell, 0))
	}
}

// refresh computes rates, and who will be free by each horizon.
func (t *team) refresh(agents []Agent, horizons *[quantiles]float64) {
	t.talk.running, t.wrap.running, t.pause.running = [bins]float64{}, [bins]float64{}, [bins]float64{}
	for i := range agents {
		a := &agents[i]
		if of := t.spellsOf(a.Status); of != nil {
			lasted := a.For.Seconds()
			expose(&of.running, bin(lasted), lasted)
		}
	}
	t.talk.refresh()
	t.wrap.refresh()
	t.pause.refresh()
	ready, takes := t.ready.value(), 1-t.fails.value()
	leaves := t.leaves.value()
	for q, horizon := range horizons {
		stays := takes * math.Exp(-leaves*horizon)
		var after [steps]float64 // chance that wrap-up is over, by the step of the talk's end
		for k := range steps {
			w := t.wraps.value()
			after[k] = ready * (1 - w + w*t.wrap.endsWithin(0, horizon*(steps-0.5-float64(k))/steps))
		}
		for b := range bins {
			t.free[Idle][b][q] = stays
			t.free[Talk][b][q] = takes * t.talkAndWrap(edges[b], horizon, &after)
			t.free[Wrap][b][q] = takes * ready * t.wrap.endsWithin(edges[b], horizon)
			t.free[Pause][b][q] = takes * t.pause.endsWithin(edges[b], horizon)
		}
		for b := range bins {
			t.free[Offered][b][q] = t.free[Talk][0][q]
		}
	}
}

func (t *team) spellsOf(s Status) *spells {
	switch s {
	case Talk:
		return &t.talk
	case Wrap:
		return &t.wrap
	case Pause:
		return &t.pause
	}
	return nil
}

// steps are the parts of a horizon in which a talk may end.
const steps = 10

// talkAndWrap is the chance that a talk that has lasted so long ends, and its wrap-up too, by the horizon.
func (t *team) talkAndWrap(lasted, horizon float64, after *[steps]float64) float64 {
	base, before, chance := t.talk.upTo(lasted), 1.0, 0.0
	for k := range steps {
		then := math.Exp(base - t.talk.upTo(lasted+horizon*float64(k+1)/steps))
		chance += (before - then) * after[k]
		before = then
	}
	return chance
}

// chances are those of an agent to be free by the horizons.
func (t *team) chances(a *Agent, to *[quantiles]float64) {
	lasted := a.For.Seconds()
	b := bin(lasted)
	low := &t.free[a.Status][b]
	if b+1 == bins {
		*to = *low
		return
	}
	high := &t.free[a.Status][b+1]
	part := (lasted - edges[b]) / (edges[b+1] - edges[b])
	for q := range quantiles {
		to[q] = low[q] + (high[q]-low[q])*part
	}
}
