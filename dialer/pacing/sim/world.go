package sim

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// minInterval is between two questions to the pacing, at least; maxInterval at most.
const (
	minInterval = 200 * time.Millisecond
	maxInterval = time.Second
)

// Pacing is what paces a day: it is shown what pacing.Snapshot tells, and says how many calls to originate.
type Pacing interface {
	Originate(s *pacing.Snapshot) int
}

type kind uint8

const (
	callEnds     kind = iota // answered or not
	patienceOver             // of an answered call
	offerTaken
	offerLost   // the agent's phone did not answer
	talkEnds    //
	wrapEnds    //
	breakBegins //
	breakEnds   //
)

type event struct {
	at   time.Duration
	seq  int
	kind kind
	who  int // call or agent
	mark int // of the agent's state, so that what it has left behind does nothing
}

// fate is what becomes of a call; the same for every pacing that dials it as the same one of the day.
type fate struct {
	answered, machine bool
	ring, talk        time.Duration
	busy, failed      bool
	odds              pacing.Odds // of a recorded call
}

type call struct {
	fate     fate
	began    time.Duration
	answered time.Duration
	agent    int // -1: none
	over     bool
}

type agent struct {
	status pacing.Status
	since  time.Duration
	mark   int
	call   int
	talks  int // so far
	silent bool
	breaks []pause // to come
	freeAt time.Duration
	spent  [6]time.Duration
}

type pause struct{ at, long time.Duration }

// world is a day that goes on.
type world struct {
	sc      *Scenario
	seed    uint64
	cap     float64
	now     time.Duration
	end     time.Duration
	events  events
	seq     int
	agents  []agent
	calls   []call
	ringing []int
	waiting []int
	talking int // customers in lines: talks and offers
	tokens  float64
	filled  time.Duration
	account pacing.Account
	tally   pacing.Tally
	halves  []pacing.Tally
	snap    pacing.Snapshot // what has ended is gathered here
	shown   pacing.Snapshot
	other   int
	gone    int // connected

	dialed []int           // by half hours
	waits  []time.Duration // of free agents, for the calls that they were given
	peak   int             // calls at once
	tell   func(time.Duration)
	dealt  *dealt // nil: the day is drawn
}

func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s*1000)) * time.Millisecond
}

// chance is a source of random numbers of its own for each thing of a day, so that every pacing meets the same luck.
func (w *world) chance(sort, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed*0x9e3779b97f4a7c15+sort, n*0xbf58476d1ce4e5b9+sort<<32))
}

func newWorld(sc *Scenario, seed uint64, limit float64) *world { return replay(sc, seed, limit, nil) }

// replay is a world with the calls and the agents of a recorded day; nil: they are drawn.
func replay(sc *Scenario, seed uint64, limit float64, kept *Kept) *world {
	w := &world{sc: sc, seed: seed, cap: limit, end: seconds(sc.Hours * 3600), tokens: sc.CPS}
	if kept != nil {
		w.dealt = &dealt{kept: kept, of: map[int]int{}}
	}
	w.agents = make([]agent, sc.Agents)
	w.halves = make([]pacing.Tally, int(sc.Hours*2)+1)
	w.dialed = make([]int, len(w.halves))
	for i := range w.agents {
		a := &w.agents[i]
		a.status, a.call = pacing.Idle, -1
		a.breaks = w.breaksOf(i)
		if len(a.breaks) > 0 {
			w.at(a.breaks[0].at, breakBegins, i, 0)
		}
	}
	return w
}

func (w *world) breaksOf(i int) (list []pause) {
	if w.dealt != nil {
		return w.dealt.kept.team[i%len(w.dealt.kept.team)]
	}
	r := w.chance(1, uint64(i))
	for _, b := range w.sc.Breaks {
		if r.Float64() >= b.Share {
			continue
		}
		if b.Every == 0 {
			list = append(list, pause{seconds(b.At + (2*r.Float64()-1)*b.Wide), seconds(b.Long.draw(r))})
			continue
		}
		for t := b.Every * r.ExpFloat64(); t < w.sc.Hours*3600; t += b.Every * r.ExpFloat64() {
			long := b.Long.draw(r)
			list = append(list, pause{seconds(t), seconds(long)})
			t += long
		}
	}
	sortPauses(list)
	return list
}

func (w *world) answerRate(at time.Duration, n int) float64 {
	rate := w.sc.Answer
	for _, c := range w.sc.Changes {
		if c.Answer > 0 && at.Seconds() >= c.At {
			rate = c.Answer
		}
	}
	if k := len(w.sc.Blocks); k > 0 {
		rate *= w.sc.Blocks[n/200%k]
	}
	return rate * w.odds(n)
}

// odds of the n-th call, beside the others.
func (w *world) odds(n int) float64 {
	if w.sc.Spread == 0 {
		return 1
	}
	sigma := w.sc.Spread
	return math.Exp(sigma*w.chance(5, uint64(n)).NormFloat64() - sigma*sigma/2)
}

// told is what the pacing hears of the odds.
func (w *world) told(n int) pacing.Odds {
	if !w.sc.TellsOdds {
		return 0
	}
	if w.dealt != nil {
		return w.calls[n].fate.odds
	}
	return pacing.Odds(w.odds(n))
}

// fate of the n-th call, if dialed at this moment.
func (w *world) fate(n int, at time.Duration) (f fate) {
	if w.dealt != nil {
		return w.dealt.fate(at)
	}
	r := w.chance(2, uint64(n))
	u, ring, other, machine := r.Float64(), w.sc.RingAnswer.draw(r), r.Float64(), r.Float64()
	f.answered = u < w.answerRate(at, n) && ring < w.sc.RingTimeout
	switch {
	case f.answered:
		f.ring = max(seconds(ring), time.Millisecond)
	case other < w.sc.Failed:
		f.failed, f.ring = true, seconds(0.2+r.Float64())
	case other < w.sc.Failed+w.sc.Busy:
		f.busy, f.ring = true, seconds(1+4*r.Float64())
	default:
		f.ring = seconds(w.sc.RingTimeout)
	}
	if f.machine = machine < w.sc.Machines; f.machine {
		f.talk = max(seconds(w.sc.Machine.draw(r)), time.Second)
		return f
	}
	factor := 1.0
	for _, c := range w.sc.Changes {
		if c.Talk > 0 && at.Seconds() >= c.At {
			factor = c.Talk
		}
	}
	f.talk = max(seconds(w.sc.Talk.draw(r)*factor), time.Second)
	return f
}

func (w *world) at(t time.Duration, k kind, who, mark int) {
	w.seq++
	w.events.push(event{max(t, w.now), w.seq, k, who, mark})
}

// run plays the day, until it ends, the list is done or the context is.
func (w *world) run(ctx context.Context, p Pacing) error {
	asked, dirty := -maxInterval, true
	for step := 0; !w.finished(); step++ {
		if step%4096 == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if w.tell != nil {
				w.tell(w.now)
			}
		}
		ask := asked + maxInterval
		if dirty {
			ask = max(w.now, asked+minInterval)
		}
		if len(w.events) > 0 && w.events[0].at <= ask {
			if w.events[0].at >= w.end {
				break
			}
			e := w.events.pop()
			w.now = e.at
			w.happen(e)
			dirty = true
			continue
		}
		if ask >= w.end {
			break
		}
		w.now, asked, dirty = ask, ask, false
		w.originate(p.Originate(w.snapshot()))
	}
	if !w.finished() {
		w.now = w.end
	}
	for i := range w.agents {
		w.become(i, pacing.Pause)
	}
	for range w.waiting {
		w.abandoned()
	}
	return nil
}

// finished says that the list is done, and nobody talks or wraps up.
func (w *world) finished() bool {
	if w.sc.List == 0 || len(w.calls) < w.sc.List || len(w.ringing)+len(w.waiting)+w.talking > 0 {
		return false
	}
	for i := range w.agents {
		if w.agents[i].status == pacing.Wrap {
			return false
		}
	}
	return true
}

func (w *world) room() int {
	room := 10000
	if w.sc.Trunks > 0 {
		room = min(room, w.sc.Trunks-len(w.ringing)-len(w.waiting)-w.talking)
	}
	if w.sc.CPS > 0 {
		w.tokens = min(w.tokens+(w.now-w.filled).Seconds()*w.sc.CPS, w.sc.CPS)
		w.filled = w.now
		room = min(room, int(w.tokens))
	}
	if w.sc.List > 0 {
		room = min(room, w.sc.List-len(w.calls))
	}
	return max(room, 0)
}

func (w *world) originate(n int) {
	n = min(n, w.room())
	w.tokens -= float64(max(n, 0))
	for range n {
		k := len(w.calls)
		f := w.fate(k, w.now)
		w.calls = append(w.calls, call{fate: f, began: w.now, agent: -1})
		w.ringing = append(w.ringing, k)
		w.dialed[int(w.now/(30*time.Minute))]++
		w.at(w.now+f.ring, callEnds, k, 0)
	}
	w.peak = max(w.peak, len(w.ringing)+len(w.waiting)+w.talking)
}

func (w *world) happen(e event) {
	switch e.kind {
	case callEnds:
		w.ended(e.who)
		return
	case patienceOver:
		w.impatient(e.who)
		return
	}
	a := &w.agents[e.who]
	if e.kind == breakBegins {
		if a.status == pacing.Idle {
			w.rest(e.who)
		}
		return
	}
	if a.mark != e.mark {
		return
	}
	switch e.kind {
	case offerTaken:
		w.offerTaken(e.who)
	case offerLost:
		w.offerLost(e.who)
	case talkEnds:
		w.snap.Done.Talk = append(w.snap.Done.Talk, w.now-a.since)
		w.talking--
		w.become(e.who, pacing.Wrap)
		w.at(w.now+w.wrapOf(e.who, a.talks), wrapEnds, e.who, a.mark)
	case wrapEnds:
		w.snap.Done.Wrap = append(w.snap.Done.Wrap, w.now-a.since)
		w.free(e.who)
	case breakEnds:
		w.free(e.who)
	}
}

// wrapOf is how long the agent wraps up after the talk of this number.
func (w *world) wrapOf(agent, talk int) time.Duration {
	if w.dealt != nil {
		return w.dealt.wrap(agent, talk)
	}
	return max(seconds(w.sc.Wrap.draw(w.chance(3, uint64(agent)<<32|uint64(talk)))), 200*time.Millisecond)
}

func (w *world) become(i int, s pacing.Status) {
	a := &w.agents[i]
	a.spent[a.status] += w.now - a.since
	a.status, a.since = s, w.now
	a.mark++
}

// free makes the agent free, unless a break is due.
func (w *world) free(i int) {
	a := &w.agents[i]
	if len(a.breaks) > 0 && a.breaks[0].at <= w.now {
		w.rest(i)
		return
	}
	w.become(i, pacing.Idle)
	w.match()
}

func (w *world) rest(i int) {
	a := &w.agents[i]
	if len(a.breaks) == 0 || a.breaks[0].at > w.now {
		return
	}
	long := a.breaks[0].long
	for len(a.breaks) > 0 && a.breaks[0].at <= w.now+long {
		a.breaks = a.breaks[1:]
	}
	if len(a.breaks) > 0 {
		w.at(a.breaks[0].at, breakBegins, i, 0)
	}
	w.become(i, pacing.Pause)
	w.at(w.now+long, breakEnds, i, a.mark)
}

func (w *world) ended(k int) {
	c := &w.calls[k]
	w.ringing = remove(w.ringing, k)
	if !c.fate.answered {
		w.other++
		c.over = true
		w.snap.Done.RingOther = append(w.snap.Done.RingOther, w.now-c.began)
		w.snap.Done.OddsOther = append(w.snap.Done.OddsOther, w.told(k))
		return
	}
	w.snap.Done.RingAnswered = append(w.snap.Done.RingAnswered, w.now-c.began)
	w.snap.Done.OddsAnswered = append(w.snap.Done.OddsAnswered, w.told(k))
	c.answered = w.now
	w.tally.Answered++
	w.half().Answered++
	w.waiting = append(w.waiting, k)
	w.at(w.now+seconds(w.sc.Patience), patienceOver, k, 0)
	w.match()
}

func (w *world) half() *pacing.Tally { return &w.halves[int(w.now/(30*time.Minute))] }

// match gives waiting calls to whoever has been idle for longest.
func (w *world) match() {
	for len(w.waiting) > 0 {
		best := -1
		for i := range w.agents {
			if a := &w.agents[i]; a.status == pacing.Idle && (best < 0 || a.since < w.agents[best].since) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		k := w.waiting[0]
		w.waiting = w.waiting[1:]
		a := &w.agents[best]
		w.calls[k].agent = best
		w.waits = append(w.waits, w.now-a.since)
		w.become(best, pacing.Offered)
		a.call, a.talks = k, a.talks+1
		a.silent = w.sc.Silent > 0 && w.chance(4, uint64(best)<<32|uint64(a.talks)).Float64() < w.sc.Silent
		w.talking++
		if a.silent {
			left := w.calls[k].answered + seconds(w.sc.Patience) - w.now
			w.at(w.now+pacing.OfferLimit(left), offerLost, best, a.mark)
		} else {
			w.at(w.now+seconds(w.sc.Offer), offerTaken, best, a.mark)
		}
	}
}

// offerLost gives the customer of a phone that did not answer to the next agent.
func (w *world) offerLost(i int) {
	k := w.agents[i].call
	w.calls[k].agent = -1
	place, _ := slices.BinarySearchFunc(w.waiting, w.calls[k].answered, func(other int, since time.Duration) int {
		return cmp.Compare(w.calls[other].answered, since)
	})
	w.waiting = slices.Insert(w.waiting, place, k)
	w.talking--
	w.pauseSilent(i)
	w.match()
}

// pauseSilent is what becomes of an agent whose phone did not answer.
func (w *world) pauseSilent(i int) {
	w.become(i, pacing.Pause)
	w.at(w.now+2*time.Minute, breakEnds, i, w.agents[i].mark)
}

func (w *world) offerTaken(i int) {
	a := &w.agents[i]
	w.become(i, pacing.Talk)
	c := &w.calls[a.call]
	c.over = true
	w.gone++
	w.account.Add(w.clock(), pacing.Connected, 1)
	w.at(w.now+c.fate.talk, talkEnds, i, a.mark)
	a.freeAt = w.now + c.fate.talk + w.wrapOf(i, a.talks)
}

func (w *world) impatient(k int) {
	c := &w.calls[k]
	if c.over {
		return
	}
	c.over = true
	w.abandoned()
	if c.agent < 0 {
		w.waiting = remove(w.waiting, k)
		return
	}
	i := c.agent
	w.talking--
	if !w.agents[i].silent {
		w.free(i)
		return
	}
	w.pauseSilent(i)
}

func (w *world) abandoned() {
	w.tally.Abandoned++
	w.halves[min(int(w.now/(30*time.Minute)), len(w.halves)-1)].Abandoned++
	w.account.Add(w.clock(), pacing.Abandoned, 1)
}

// clock is the moment of the day for the account.
func (w *world) clock() time.Time { return day.Add(w.now) }

var day = time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC)

func remove(list []int, k int) []int {
	for i, v := range list {
		if v == k {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// snapshot shows the moment, and nothing of what is hidden from a pacing.
func (w *world) snapshot() *pacing.Snapshot {
	s := &w.shown
	done := w.snap.Done
	*s = pacing.Snapshot{
		Now: w.now, Cap: w.cap, RingTimeout: seconds(w.sc.RingTimeout), Patience: seconds(w.sc.Patience), MaxNew: w.room(),
		MaxLines: w.sc.MaxLines,
		Agents:   s.Agents[:0], Calls: s.Calls[:0], Waiting: s.Waiting[:0],
		Totals: pacing.Totals{Dialed: len(w.calls), Answered: w.tally.Answered, Other: w.other},
		Day:    w.tally, HalfHour: w.account.HalfHour(w.clock(), pacing.Ofcom),
		Done: pacing.Done{RingAnswered: append(s.Done.RingAnswered[:0], done.RingAnswered...),
			RingOther:    append(s.Done.RingOther[:0], done.RingOther...),
			OddsAnswered: append(s.Done.OddsAnswered[:0], done.OddsAnswered...),
			OddsOther:    append(s.Done.OddsOther[:0], done.OddsOther...),
			Talk:         append(s.Done.Talk[:0], done.Talk...), Wrap: append(s.Done.Wrap[:0], done.Wrap...)},
	}
	w.snap.Done = pacing.Done{RingAnswered: done.RingAnswered[:0], RingOther: done.RingOther[:0],
		OddsAnswered: done.OddsAnswered[:0], OddsOther: done.OddsOther[:0], Talk: done.Talk[:0], Wrap: done.Wrap[:0]}
	for i := range w.agents {
		a := &w.agents[i]
		s.Agents = append(s.Agents, pacing.Agent{ID: i, Status: a.status, For: w.now - a.since})
	}
	for _, k := range w.ringing {
		s.Calls = append(s.Calls, pacing.Call{ID: int64(k), Age: w.now - w.calls[k].began, Odds: w.told(k)})
	}
	for _, k := range w.waiting {
		s.Waiting = append(s.Waiting, w.now-w.calls[k].answered)
	}
	return s
}
