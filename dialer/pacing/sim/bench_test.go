package sim

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// contenders are who paces the same days; the first is the bound, the last two are what ships.
var contenders = []struct {
	name  string
	limit float64
	make  func() Pacing
}{
	{"clairvoyant", 0.03, func() Pacing { return &Oracle{} }},
	{"progressive", 0.03, func() Pacing { return production(pacing.Progressive) }},
	{"ratio 2", 0.03, func() Pacing { return production(pacing.Ratio) }},
	{"VICIdial-like", 0.03, func() Pacing { return &Vicidial{} }},
	{"look-ahead", 0.03, func() Pacing { return &LookAhead{} }},
	{"predictive 1 %", 0.01, func() Pacing { return production(pacing.Predictive) }},
	{"predictive 3 %", 0.03, func() Pacing { return production(pacing.Predictive) }},
}

// row is what a contender did in a scenario.
type row struct {
	occupancy, share, worst float64
	over, days              int
	above, halves           int
}

func measure(b *testing.B, sc Scenario, days, which int) (r row) {
	b.Helper()
	c := contenders[which]
	for day := range days {
		d, err := Play(b.Context(), sc, uint64(1000+day), c.limit, c.make())
		if err != nil {
			b.Fatal(err)
		}
		r.occupancy += d.Occupancy / float64(days)
		r.share += d.Tally.Share() / float64(days)
		r.worst = max(r.worst, d.Tally.Share())
		r.days++
		if d.Tally.Share() > c.limit {
			r.over++
		}
		above, halves := d.HalvesAbove(0.05)
		r.above, r.halves = r.above+above, r.halves+halves
	}
	return r
}

// BenchmarkPacing prints the table of docs/pacing.md: occupancy in percent of a clairvoyant's, in brackets the share of abandoned
// calls. PACING_DAYS is how many days are played of each scenario; PACING_HELD_OUT=1 plays the scenarios that no figure was
// chosen by.
func BenchmarkPacing(b *testing.B) {
	days, err := strconv.Atoi(os.Getenv("PACING_DAYS"))
	if err != nil || days < 1 {
		days = 2
	}
	scenarios := Scenarios()
	if os.Getenv("PACING_HELD_OUT") != "" {
		scenarios = HeldOut()
	}
	for b.Loop() {
		printTable(b, scenarios, days)
	}
}

func printTable(b *testing.B, scenarios []Scenario, days int) {
	b.Helper()
	names := []string{"scenario"}
	for _, c := range contenders {
		names = append(names, c.name)
	}
	fmt.Printf("| %s | worst day | half hours above 5 %% |\n|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)+2))
	sums := make([]float64, len(contenders))
	over := make([]int, len(contenders))
	for _, sc := range scenarios {
		var best float64
		var r row
		fmt.Printf("| %s |", sc.Name)
		for which := range contenders {
			r = measure(b, sc, days, which)
			if which == 0 {
				best = r.occupancy
				fmt.Printf(" %.1f |", 100*best)
				continue
			}
			fmt.Printf(" %.1f (%.2f) |", 100*r.occupancy/best, 100*r.share)
			sums[which] += 100 * r.occupancy / best / float64(len(scenarios))
			over[which] += r.over
		}
		fmt.Printf(" %.2f | %d of %d |\n", 100*r.worst, r.above, r.halves)
	}
	fmt.Print("| **mean**, days over the cap | |")
	for which := range contenders[1:] {
		fmt.Printf(" **%.1f**, %d of %d |", sums[which+1], over[which+1], days*len(scenarios))
	}
	fmt.Println(" | |")
	b.ReportMetric(sums[len(sums)-1], "%-of-clairvoyant")
}
