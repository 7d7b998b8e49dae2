package webhook_test

import (
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// BenchmarkFirstTry measures the time from an event's commit to its arrival, with no queue but the sweep of two nodes and
// the wake within the process: 20 events a second. The bar is one second at the 99th percentile.
func BenchmarkFirstTry(b *testing.B) {
	for name, url := range databases {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p := newPlant(b, url(b), nil)
				p.node()
				p.node()
				const events = 400
				for n := range events {
					p.event(n%50 + 1)
					testdeps.Lasts(50 * time.Millisecond)
				}
				var took []time.Duration
				for _, a := range p.crm.wait(events, time.Minute) {
					took = append(took, a.at.Sub(a.made))
				}
				slices.Sort(took)
				p50, p99 := took[len(took)/2], took[len(took)*99/100]
				b.ReportMetric(float64(p50.Milliseconds()), "ms-p50")
				b.ReportMetric(float64(p99.Milliseconds()), "ms-p99")
				if p99 > time.Second {
					b.Errorf("p99 of the first try is %v, want 1 s at most", p99)
				}
			}
		})
	}
}

// BenchmarkOutage measures how soon a CRM that was away has all that happened meanwhile: 20 events a second go on before,
// during and after, with two nodes and the shipped limits. The bars: the first event within 30 s, the last one made before the
// return within 30 s of it, never more than 200 requests in any one second, each agent's events in order.
func BenchmarkOutage(b *testing.B) {
	for _, away := range []time.Duration{10 * time.Second, time.Minute} {
		for name, url := range databases {
			b.Run(away.String()+"/"+name, func(b *testing.B) {
				for b.Loop() {
					outage(b, newPlant(b, url(b), nil), away)
				}
			})
		}
	}
}

func outage(b *testing.B, p *plant, away time.Duration) {
	const pause = 50 * time.Millisecond
	p.node()
	p.node()
	events := 0
	tick := time.NewTicker(pause)
	defer tick.Stop()
	produce := func(d time.Duration) {
		for began := time.Now(); time.Since(began) < d; <-tick.C {
			events++
			p.event(events%50 + 1)
		}
	}
	produce(2 * time.Second)
	p.crm.goes()
	produce(away)
	back := time.Now()
	p.crm.comes()
	missed := events
	produce(5 * time.Second)
	got := p.crm.wait(events, 2*time.Minute)
	inOrder(b, got)
	var at []time.Time
	var first, last time.Duration
	for _, a := range got {
		at = append(at, a.at)
		since := a.at.Sub(back)
		if since > 0 && first == 0 {
			first = since
		}
		if a.made.Before(back) {
			last = max(last, since)
		}
	}
	peak := busiest(at)
	b.ReportMetric(first.Seconds(), "s-to-first")
	b.ReportMetric(last.Seconds(), "s-to-last")
	b.ReportMetric(float64(peak), "peak/s")
	b.ReportMetric(float64(missed), "events-missed")
	if last > 30*time.Second {
		b.Errorf("what was missed in %v came %v after the return, want 30 s at most", away, last)
	}
	if peak > 200 {
		b.Errorf("%d requests in one second, want 200 at most", peak)
	}
}

// busiest is the most moments in any one second.
func busiest(at []time.Time) int {
	slices.SortFunc(at, time.Time.Compare)
	most, from := 0, 0
	for to := range at {
		for at[to].Sub(at[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}
