package sim

import (
	"context"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// Answer is what such days are like, on average. Shares are of one; times are in seconds.
type Answer struct {
	Mode         pacing.Mode `json:"mode"`
	Days         int         `json:"days"`
	Occupancy    float64     `json:"occupancy"` // talk and wrap-up, of the time that agents were not away
	Abandoned    float64     `json:"abandoned"` // of the answered, over all days
	WorstDay     float64     `json:"worstDay"`
	WorstHalf    Half        `json:"worstHalfHour"`  // of all days, among those with at least 20 answers, or all
	HalvesAbove  float64     `json:"halfHoursAbove"` // share of half hours above 5/3 of the cap
	Calls        float64     `json:"callsAnHour"`
	Answered     float64     `json:"answeredAnHour"`
	LinesAnAgent float64     `json:"callsAnAgentAndHour"`
	Wait         float64     `json:"agentWaitSeconds"`   // of a free agent for a call, the mean
	LongWait     float64     `json:"agentWait90Seconds"` // nine waits of ten are shorter
	Peak         int         `json:"callsAtOnce"`        // at the most
	Finish       float64     `json:"finishSeconds,omitempty"`
	Halves       []Half      `json:"halfHours"` // of the day, averaged over the days
}

// Half is one half hour.
type Half struct {
	Day       int     `json:"day,omitempty"` // of the days that were played, from one on; missing: of all
	At        float64 `json:"atSeconds"`     // of the day
	Dialed    float64 `json:"dialed"`
	Answered  float64 `json:"answered"`
	Abandoned float64 `json:"abandoned"`
	Share     float64 `json:"share"` // abandoned of the answered
}

// enoughAnswers is from how many on the share of a half hour says something.
const enoughAnswers = 20

// Ask plays the days. It tells now and then how far it is, from 0 to 1; nil: nobody listens.
func Ask(ctx context.Context, q Question, tell func(part float64)) (Answer, error) {
	if err := q.Check(); err != nil {
		return Answer{}, err
	}
	sc, days := q.scenario(), make([]Day, 0, q.Days)
	for n := range q.Days {
		far := func(at time.Duration) {
			if tell != nil {
				tell((float64(n) + at.Seconds()/q.Hours.Seconds()) / float64(q.Days))
			}
		}
		d, err := play(ctx, sc, q.Seed+uint64(n), q.Cap, Production{pacing.New(q.settings())}, far)
		if err != nil {
			return Answer{}, err
		}
		days = append(days, d)
	}
	return q.sum(days), nil
}

// sum is what days were like together.
func (q *Question) sum(days []Day) Answer {
	a := Answer{Mode: q.Mode, Days: len(days), Halves: []Half{}}
	var all pacing.Tally
	var waits []time.Duration
	var hours, finish float64
	dialed, finished, above, halves := 0, 0, 0, 0
	for n := range days {
		d := &days[n]
		a.Occupancy += d.Occupancy / float64(len(days))
		a.WorstDay = max(a.WorstDay, d.Tally.Share())
		a.Peak = max(a.Peak, d.Peak)
		all = all.Plus(d.Tally)
		dialed += d.Dialed
		hours += d.Long.Hours()
		over, of := d.HalvesAbove(q.Cap * 5 / 3)
		above, halves = above+over, halves+of
		waits = append(waits, d.Waits...)
		if d.Finished {
			finished++
			finish += d.Long.Seconds()
		}
		a.addHalves(n, d, len(days))
	}
	a.Abandoned = all.Share()
	a.HalvesAbove = float64(above) / float64(max(halves, 1))
	if hours > 0 {
		a.Calls, a.Answered = float64(dialed)/hours, float64(all.Answered)/hours
	}
	a.LinesAnAgent = a.Calls / float64(q.Agents)
	a.Wait, a.LongWait = ofWaits(waits)
	if finished == len(days) {
		a.Finish = finish / float64(finished)
	}
	return a
}

// addHalves adds a day's half hours to the average one, and finds the worst.
func (a *Answer) addHalves(day int, d *Day, days int) {
	last := min(int((d.Long-1)/pacing.HalfHour), len(d.Halves)-1)
	for k := range last + 1 {
		if k == len(a.Halves) {
			a.Halves = append(a.Halves, Half{At: (time.Duration(k) * pacing.HalfHour).Seconds()})
		}
		t, h := d.Halves[k], &a.Halves[k]
		h.Dialed += float64(d.DialedBy[k]) / float64(days)
		h.Answered += float64(t.Answered) / float64(days)
		h.Abandoned += float64(t.Abandoned) / float64(days)
		if h.Answered > 0 {
			h.Share = h.Abandoned / h.Answered
		}
		one := Half{Day: day + 1, At: h.At, Dialed: float64(d.DialedBy[k]), Answered: float64(t.Answered),
			Abandoned: float64(t.Abandoned), Share: t.Share()}
		if one.worse(&a.WorstHalf) {
			a.WorstHalf = one
		}
	}
}

// worse compares shares; one of many answers tells more than one of few.
func (h *Half) worse(than *Half) bool {
	many, thanMany := h.Answered >= enoughAnswers, than.Answered >= enoughAnswers
	if than.Day == 0 || many != thanMany {
		return than.Day == 0 || many
	}
	return h.Share > than.Share
}

// ofWaits is the mean, and what nine of ten are below, in seconds.
func ofWaits(waits []time.Duration) (mean, long float64) {
	if len(waits) == 0 {
		return 0, 0
	}
	slices.Sort(waits)
	sum := 0.0
	for _, w := range waits {
		sum += w.Seconds()
	}
	return sum / float64(len(waits)), waits[len(waits)*9/10].Seconds()
}
