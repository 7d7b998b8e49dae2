package sim

import (
	"context"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// Day is how a day went.
type Day struct {
	Occupancy float64        `json:"occupancy"` // talk and wrap-up, of the time that agents were not away
	Dialed    int            `json:"dialed"`
	Tally     pacing.Tally   `json:"tally"`
	Halves    []pacing.Tally `json:"halves"`
	Long      time.Duration  `json:"-"` // shorter than planned if the list was done before
	Finished  bool           `json:"finished"`

	DialedBy []int           `json:"-"` // by half hours
	Waits    []time.Duration `json:"-"` // of free agents for the calls that they were given
	Peak     int             `json:"-"` // calls at once
}

// Play runs a day of a scenario. The same seed brings the same calls and agents to every pacing. An error is the context's alone.
func Play(ctx context.Context, sc Scenario, seed uint64, limit float64, p Pacing) (Day, error) {
	return play(ctx, sc, seed, limit, p, nil)
}

// play is Play; tell is told now and then how far the day is.
func play(ctx context.Context, sc Scenario, seed uint64, limit float64, p Pacing, tell func(time.Duration)) (Day, error) {
	w := newWorld(&sc, seed, limit)
	w.tell = tell
	if o, clairvoyant := p.(*Oracle); clairvoyant {
		o.world = w
	}
	return w.day(ctx, p)
}

// day runs it, and sums it up.
func (w *world) day(ctx context.Context, p Pacing) (Day, error) {
	if err := w.run(ctx, p); err != nil {
		return Day{}, err
	}
	var busy, there time.Duration
	for i := range w.agents {
		spent := &w.agents[i].spent
		busy += spent[pacing.Talk] + spent[pacing.Wrap]
		there += spent[pacing.Talk] + spent[pacing.Wrap] + spent[pacing.Idle] + spent[pacing.Offered]
	}
	d := Day{Dialed: len(w.calls), Tally: w.tally, Halves: w.halves, Long: w.now, Finished: w.finished(),
		DialedBy: w.dialed, Waits: w.waits, Peak: w.peak}
	if there > 0 {
		d.Occupancy = float64(busy) / float64(there)
	}
	return d, nil
}

// HalvesAbove counts the half hours with answers, and those of them whose share of abandoned calls is above a limit.
func (d *Day) HalvesAbove(share float64) (above, all int) {
	for _, h := range d.Halves {
		if h.Answered == 0 {
			continue
		}
		all++
		if h.Share() > share+1e-9 {
			above++
		}
	}
	return above, all
}
