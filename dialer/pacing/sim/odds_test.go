package sim

import (
	"testing"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// TestOddsHelp: where people differ, a pacing that hears how likely each answers keeps agents busier, and abandons no more.
func TestOddsHelp(t *testing.T) {
	const days = 4
	var occupancy [2]float64
	var tally [2]pacing.Tally
	for day := range uint64(days) {
		for k, tells := range []bool{false, true} {
			d := playDay(t, usual("people differ", 10, 3, func(s *Scenario) { s.Spread, s.TellsOdds = 1.2, tells }), day+1, 0.03,
				production(pacing.Predictive))
			occupancy[k] += d.Occupancy / days
			tally[k] = tally[k].Plus(d.Tally)
		}
	}
	t.Logf("%.1f %% busy, %.2f %% abandoned; told of the odds %.1f %% and %.2f %%", 100*occupancy[0], 100*tally[0].Share(),
		100*occupancy[1], 100*tally[1].Share())
	if occupancy[1] < occupancy[0]+0.005 || tally[1].Share() > 0.03 {
		t.Error("the odds do not help")
	}
}
