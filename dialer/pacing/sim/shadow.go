package sim

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// Kept is a recorded day: the records of all nodes, in the order of their begin. It answers what would have happened with other
// settings.
type Kept struct {
	begin, end time.Time
	fates      map[int][]fate // of calls, by the stretch of the day in which they began
	talks      []time.Duration
	wraps      []time.Duration
	team       [][]pause // when each agent was away
	most       int       // agents who were there at once
	settings   pacing.Record
	happened   Happened
}

// Happened is what came of a recorded day. What was abandoned is the account's to tell.
type Happened struct {
	Begin     time.Time `json:"begin"`
	Hours     float64   `json:"hours"`
	Agents    int       `json:"agents"` // at once, at the most
	Occupancy float64   `json:"occupancy"`
	Dialed    int       `json:"dialed"`
	Answered  int       `json:"answered"` // by people
	Odds      int       `json:"odds"`     // calls of which the pacing knew how likely they are answered
	Calls     float64   `json:"callsAnHour"`
}

// ErrNothing says that there is too little in a record to play it again.
var ErrNothing = errors.New("sim: the record has no calls or no agents")

// stretch is how long a call may be taken for one of the same time of day.
const stretch = 5 * time.Minute

// spell is a time in a status.
type spell struct {
	from, to time.Time
	status   pacing.Status
}

// KeepPacked puts a day's records together, as they were stored.
func KeepPacked(parts [][]byte) (*Kept, error) {
	records := make([]pacing.Record, 0, len(parts))
	for _, p := range parts {
		r, err := pacing.Unpack(p)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return Keep(records)
}

// Keep puts a day's records together.
func Keep(records []pacing.Record) (*Kept, error) {
	slices.SortStableFunc(records, func(a, b pacing.Record) int { return cmp.Compare(a.Begin, b.Begin) })
	k := &Kept{fates: map[int][]fate{}}
	type who struct{ life, number int64 }
	spells, ends := map[who][]spell{}, map[int64]time.Time{} // of lives
	var order []who
	for i := range records {
		r := &records[i]
		if i == 0 {
			k.begin = time.UnixMilli(r.Begin)
		}
		k.settings = *r
		for _, e := range r.Events {
			at := time.UnixMilli(r.Begin + e.At)
			if at.After(k.end) {
				k.end = at
			}
			ends[r.Life] = at
			n := time.Duration(e.N) * time.Millisecond
			if e.Odds > 0 {
				k.happened.Odds++
			}
			switch e.Kind {
			case pacing.TookPlace:
				k.happened.Dialed += int(e.N)
			case pacing.WasAnswered:
				k.happened.Answered++
				k.add(at.Add(-n), fate{answered: true, ring: max(n, time.Millisecond), odds: oddsOf(e)})
			case pacing.EndedOther:
				k.add(at.Add(-n), fate{ring: max(n, time.Millisecond), odds: oddsOf(e)})
			case pacing.TalkOver:
				k.talks = append(k.talks, max(n, time.Second))
			case pacing.WrapOver:
				k.wraps = append(k.wraps, max(n, 200*time.Millisecond))
			case pacing.AgentIs:
				w, status := who{r.Life, e.N / 8}, pacing.Status(e.N%8)
				list, known := spells[w]
				if !known {
					order = append(order, w)
				}
				if last := len(list) - 1; last >= 0 {
					list[last].to = at
				}
				spells[w] = append(list, spell{from: at, status: status})
			}
		}
	}
	if len(order) == 0 || len(k.fates) == 0 || k.end.Sub(k.begin) < time.Minute {
		return nil, ErrNothing
	}
	all := make([][]spell, len(order))
	for i, w := range order {
		list := spells[w]
		list[len(list)-1].to = ends[w.life]
		all[i] = list
		k.team = append(k.team, k.away(list))
	}
	k.sum(all)
	return k, nil
}

// oddsOf is what the pacing knew of a call; older records do not tell.
func oddsOf(e pacing.Event) pacing.Odds { return pacing.Odds(e.Odds) / 1000 }

func (k *Kept) add(began time.Time, f fate) {
	at := int(max(began.Sub(k.begin), 0) / stretch)
	k.fates[at] = append(k.fates[at], f)
}

// away is when an agent was not there, or paused.
func (k *Kept) away(list []spell) (pauses []pause) {
	add := func(from, to time.Time) {
		at, long := from.Sub(k.begin), to.Sub(from)
		if last := len(pauses) - 1; last >= 0 && pauses[last].at+pauses[last].long >= at {
			pauses[last].long = max(pauses[last].long, at+long-pauses[last].at)
			return
		}
		if long > 0 {
			pauses = append(pauses, pause{at, long})
		}
	}
	add(k.begin, list[0].from)
	for _, s := range list {
		if s.status == pacing.Unknown || s.status == pacing.Pause {
			add(s.from, s.to)
		}
	}
	add(list[len(list)-1].to, k.end)
	return pauses
}

// sum is what happened.
func (k *Kept) sum(team [][]spell) {
	var busy, there time.Duration
	changes := map[time.Time]int{}
	for _, list := range team {
		for _, s := range list {
			long := s.to.Sub(s.from)
			switch s.status {
			case pacing.Talk, pacing.Wrap:
				busy += long
				fallthrough
			case pacing.Idle, pacing.Offered:
				there += long
				changes[s.from]++
				changes[s.to]--
			}
		}
	}
	h := &k.happened
	h.Begin, h.Hours = k.begin, k.end.Sub(k.begin).Hours()
	h.Calls = float64(h.Dialed) / h.Hours
	if there > 0 {
		h.Occupancy = float64(busy) / float64(there)
	}
	moments := make([]time.Time, 0, len(changes))
	for at := range changes {
		moments = append(moments, at)
	}
	slices.SortFunc(moments, time.Time.Compare)
	now := 0
	for _, at := range moments {
		now += changes[at]
		k.most = max(k.most, now)
	}
	k.most = max(k.most, 1)
	h.Agents = k.most
}

// Happened is what came of the day.
func (k *Kept) Happened() Happened { return k.happened }

// Was is the day itself as such days are shown, with what the account counted in it, in the order of time.
func (k *Kept) Was(account []pacing.Span) Answer {
	h := k.Happened()
	a := Answer{Mode: k.settings.Mode, Days: 1, Halves: []Half{}}
	var all pacing.Tally
	for _, span := range account {
		t := span.Tally(pacing.Ofcom)
		all = all.Plus(t)
		at := span.Begin.Truncate(pacing.HalfHour).Sub(h.Begin).Seconds()
		if n := len(a.Halves); n == 0 || a.Halves[n-1].At != at {
			a.Halves = append(a.Halves, Half{Day: 1, At: at})
		}
		half := &a.Halves[len(a.Halves)-1]
		half.Answered += float64(t.Answered)
		half.Abandoned += float64(t.Abandoned)
		half.Share = half.Abandoned / max(half.Answered, 1)
	}
	above := 0
	for _, half := range a.Halves {
		if half.Share > k.settings.Cap*5/3 {
			above++
		}
		if half.Answered >= enoughAnswers && half.Share > a.WorstHalf.Share {
			a.WorstHalf = half
		}
	}
	a.HalvesAbove = float64(above) / float64(max(len(a.Halves), 1))
	a.Occupancy, a.Abandoned, a.WorstDay = h.Occupancy, all.Share(), all.Share()
	a.Calls, a.Answered, a.LinesAnAgent = h.Calls, float64(h.Answered)/h.Hours, h.Calls/float64(h.Agents)
	return a
}

// Asked is the question that the day was an answer to, as far as its record tells.
func (k *Kept) Asked() Question {
	r := &k.settings
	q := Question{Agents: k.most, Attempts: 1, Hours: min(k.end.Sub(k.begin), 24*time.Hour), Cap: r.Cap, MaxLines: r.MaxLines,
		Mode: r.Mode, Ratio: r.Ratio, Timeout: time.Duration(r.Ring) * time.Millisecond,
		Patience: time.Duration(r.Patience) * time.Millisecond, Days: 1,
		// what the record itself has
		Answer: 0.5, Ring: time.Second, Talk: time.Minute}
	if q.Ratio == 0 {
		q.Ratio = 2
	}
	return q
}

// Shadow plays the day again with other settings: the mode, the cap, agents, lines. Calls are answered as at the same time of
// that day, talks and wrap-ups last as they did, and agents are away when they were. More agents are like those who were there.
// What the pacing knew of who answers, it knows again, unless it shall not.
func (k *Kept) Shadow(ctx context.Context, q Question, tell func(part float64)) (Answer, error) {
	if err := q.Check(); err != nil {
		return Answer{}, err
	}
	sc := q.scenario()
	sc.TellsOdds = !q.NoOdds
	sc.Agents = max((len(k.team)*q.Agents+k.most/2)/k.most, 1)
	if sc.Agents > maxAgents*4 {
		return Answer{}, Wrong{{"agents", TooMuch(float64(sc.Agents), maxAgents*4)}}
	}
	w := replay(&sc, q.Seed, q.Cap, k)
	w.tell = func(at time.Duration) {
		if tell != nil {
			tell(at.Seconds() / q.Hours.Seconds())
		}
	}
	d, err := w.day(ctx, Production{pacing.New(q.settings())})
	if err != nil {
		return Answer{}, err
	}
	return q.sum([]Day{d}), nil
}

// dealt is how much of a record was given to a day that is played.
type dealt struct {
	kept  *Kept
	of    map[int]int
	talks int
}

// fate is the next one of that time of day; when there are no more, they begin again.
func (d *dealt) fate(at time.Duration) fate {
	n := d.kept.nearest(int(at / stretch))
	list := d.kept.fates[n]
	f := list[d.of[n]%len(list)]
	d.of[n]++
	if f.answered {
		f.talk = pick(d.kept.talks, d.talks, time.Minute)
		d.talks++
	}
	return f
}

// wrap is how long an agent wraps up after the talk of this number.
func (d *dealt) wrap(agent, talk int) time.Duration {
	return pick(d.kept.wraps, agent*31+talk, 200*time.Millisecond)
}

func pick(list []time.Duration, n int, usual time.Duration) time.Duration {
	if len(list) == 0 {
		return usual
	}
	return list[n%len(list)]
}

// nearest is the stretch with calls that is nearest to one.
func (k *Kept) nearest(n int) int {
	for far := 0; ; far++ {
		for _, at := range []int{n - far, n + far} {
			if len(k.fates[at]) > 0 {
				return at
			}
		}
	}
}
