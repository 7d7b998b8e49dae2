package webhook

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// The arrows of the breaker, one a row. Moments are after monday.
func TestJudge(t *testing.T) {
	at := func(d time.Duration) time.Time { return monday.Add(d) }
	sec := time.Second
	works := Endpoint{WorkedAt: at(-time.Hour)}
	doubtful := Endpoint{FailingAt: at(0), ProbeAt: at(sec), Strikes: 1, Error: "HTTP 500"}
	open := Endpoint{FailingAt: at(0), ProbeAt: at(30 * sec), Strikes: strikesToOpen, Error: "no answer"}
	told := open
	told.ToldAt = at(6 * sec)
	new, struck := Delivery{CreatedAt: at(0)}, Delivery{CreatedAt: at(0), FailedAt: at(0)}
	poison := Delivery{CreatedAt: at(-2 * time.Hour), FailedAt: at(-2 * time.Hour), Refusals: 1}
	try := func(began time.Duration, fault Fault, change ...func(*Result)) Result {
		r := Result{Try: Try{At: at(began), Duration: sec / 10}, Fault: fault, Random: 0.5}
		if fault != NoFault {
			r.Error = "why"
		}
		for _, f := range change {
			f(&r)
		}
		return r
	}
	probe := func(r *Result) { r.Probe = true }
	alive := func(r *Result) { r.Alive = true }
	status := func(code int) func(*Result) { return func(r *Result) { r.Status = code } }
	asks := func(d time.Duration) func(*Result) { return func(r *Result) { r.RetryAfter = d } }

	for name, c := range map[string]struct {
		endpoint Endpoint
		delivery Delivery
		result   Result

		failing  bool
		strikes  int
		probeAt  time.Duration // after monday; zero: none
		disabled bool
		refusals int
		nextAt   time.Duration // of an event that is refused by itself
		pull     bool
		tell     []Type
	}{
		"works, success": {endpoint: works, delivery: new, result: try(0, NoFault)},
		"works, refused": {endpoint: works, delivery: new, result: try(0, Refused), failing: true, strikes: 1,
			probeAt: 1100 * time.Millisecond},
		"works, no answer": {endpoint: works, delivery: new, result: try(0, Down), failing: true, strikes: strikesToOpen,
			probeAt: 1100 * time.Millisecond},
		"works, no connection": {endpoint: works, delivery: poison, result: try(0, Unreachable), failing: true,
			strikes: strikesToOpen, probeAt: 1100 * time.Millisecond, refusals: 1},
		"no answer, others get one": {endpoint: works, delivery: new, result: try(0, Down, alive), failing: true, strikes: 1,
			probeAt: 1100 * time.Millisecond},
		"refused again alone": {endpoint: works, delivery: poison, result: try(0, Refused), refusals: 2,
			nextAt: 5*time.Minute + sec/10},
		"no answer again alone": {endpoint: works, delivery: poison, result: try(0, Down), refusals: 2,
			nextAt: 5*time.Minute + sec/10},
		"refused alone, asks for a pause": {endpoint: works, delivery: poison, result: try(0, Refused, asks(time.Hour)), refusals: 2,
			nextAt: time.Hour + sec/10},
		"429 is the endpoint's": {endpoint: works, delivery: poison, result: try(0, Down, status(429)), failing: true,
			strikes: strikesToOpen,
			probeAt: 1100 * time.Millisecond, refusals: 1},
		"503 asks for a pause": {endpoint: works, delivery: poison, result: try(0, Down, status(503), asks(time.Hour)), failing: true,
			strikes: strikesToOpen, probeAt: time.Hour + sec/10, refusals: 1},
		"doubtful, the same one refused": {endpoint: doubtful, delivery: struck, result: try(sec, Refused, probe), failing: true,
			strikes: 1,
			probeAt: 2 * sec},
		"doubtful, another one refused": {endpoint: doubtful, delivery: new, result: try(sec/2, Refused), failing: true, strikes: 2,
			probeAt: sec},
		"doubtful, no answer": {endpoint: doubtful, delivery: new, result: try(sec/2, Down), failing: true,
			strikes: strikesToOpen, probeAt: sec},
		"doubtful, success": {endpoint: doubtful, delivery: new, result: try(sec/2, NoFault)},
		"success that ended before": {endpoint: doubtful, delivery: new, result: try(-sec/2, NoFault), failing: true, strikes: 1,
			probeAt: sec},
		"success that began before": {endpoint: doubtful, delivery: new, result: try(-sec/20, NoFault)},
		"open, success that began before": {endpoint: open, delivery: new, result: try(-sec/20, NoFault), failing: true,
			strikes: strikesToOpen,
			probeAt: 30 * sec},
		"open, probe fails": {endpoint: open, delivery: new, result: try(60*sec, Down, probe), failing: true, strikes: strikesToOpen,
			probeAt: 66*sec + 11*time.Millisecond, tell: []Type{EndpointFailing}},
		"open, probe fails after hours": {endpoint: told, delivery: new, result: try(5*time.Hour, Down, probe), failing: true,
			strikes: strikesToOpen,
			probeAt: 5*time.Hour + 60*sec + sec/10 - sec/10},
		"open, straggler fails": {endpoint: open, delivery: new, result: try(-sec/20, Refused), failing: true, strikes: strikesToOpen,
			probeAt: 30 * sec},
		"open, probe succeeds": {endpoint: open, delivery: new, result: try(4*sec, NoFault, probe)},
		"told, probe succeeds": {endpoint: told, delivery: new, result: try(10*sec, NoFault, probe), pull: true,
			tell: []Type{EndpointRecovered}},
		"told again after a day": {endpoint: told, delivery: new, result: try(25*time.Hour, Down, probe), failing: true,
			strikes: strikesToOpen,
			probeAt: 25*time.Hour + 60*sec, tell: []Type{EndpointFailing}},
		"five days": {endpoint: told, delivery: new, result: try(5*24*time.Hour, Down, probe), failing: true, strikes: strikesToOpen,
			probeAt: 5*24*time.Hour + 60*sec, disabled: true, tell: []Type{EndpointFailing, EndpointDisabled}},
		"410": {endpoint: works, delivery: new, result: try(0, Refused, status(410)), failing: true, strikes: 1,
			probeAt:  1100 * time.Millisecond,
			disabled: true, tell: []Type{EndpointFailing, EndpointDisabled}},
		"late failure of a delivered one": {endpoint: works, delivery: Delivery{State: Delivered}, result: try(0, Down)},
		"disabled meanwhile":              {endpoint: Endpoint{Disabled: true}, delivery: new, result: try(0, Down), disabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.delivery.State == "" {
				c.delivery.State = Pending
			}
			v := Conclude(c.endpoint, c.delivery, c.result)
			e, d := v.Endpoint, v.Delivery
			if e.FailingAt.IsZero() == c.failing || e.Strikes != c.strikes || e.Disabled != c.disabled || v.Pull != c.pull ||
				!slices.Equal(v.Tell, c.tell) {
				t.Errorf("endpoint %+v, pull %v, tell %v", e, v.Pull, v.Tell)
			}
			want := time.Time{}
			if c.probeAt != 0 {
				want = at(c.probeAt)
			}
			if off := e.ProbeAt.Sub(want); off.Abs() > 100*time.Millisecond {
				t.Errorf("probe at %v, want %v", e.ProbeAt.Sub(monday), c.probeAt)
			}
			if d.Refusals != c.refusals || c.nextAt != 0 && !d.NextAt.Equal(at(c.nextAt)) {
				t.Errorf("delivery %+v, next %v", d, d.NextAt.Sub(monday))
			}
			if delivered := c.result.Fault == NoFault || c.delivery.State == Delivered; (d.State == Delivered) != delivered {
				t.Errorf("delivery is %s", d.State)
			}
		})
	}
}

// Whatever happens: a failing endpoint is asked again within a minute and a bit, or when it asked for; nothing is given up
// before 60 hours; a success of a probe ends the failing; and what is said to others alternates.
func TestJudgeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now, e := monday, Endpoint{}
		deliveries := make([]Delivery, 8)
		for i := range deliveries {
			deliveries[i] = Delivery{State: Pending, CreatedAt: now}
		}
		var told []Type
		var asked time.Time
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.Int64Range(1, int64(2*time.Hour)).Draw(t, "pause")))
			i := rapid.IntRange(0, len(deliveries)-1).Draw(t, "delivery")
			r := Result{
				Try:   Try{At: now, Duration: time.Duration(rapid.Int64Range(0, int64(tryTimeout)).Draw(t, "took")), Error: "why"},
				Fault: Fault(rapid.IntRange(0, 3).Draw(t, "fault")), Probe: !e.FailingAt.IsZero() && rapid.Bool().Draw(t, "probe"),
				Alive: rapid.Bool().Draw(t, "alive"), Random: rapid.Float64Range(0, 0.999).Draw(t, "random"),
				RetryAfter: time.Duration(rapid.Int64Range(0, int64(maxRetryAfter)).Draw(t, "asks")),
			}
			before := deliveries[i]
			v := Conclude(e, before, r)
			now = now.Add(r.Duration)
			if until := now.Add(r.RetryAfter); until.After(asked) {
				asked = until
			}
			told = append(told, v.Tell...)
			if r.Fault == NoFault && !v.Endpoint.FailingAt.IsZero() {
				t.Fatalf("failing after a success: %+v", v.Endpoint)
			}
			if r.Fault != NoFault && !v.Endpoint.FailingAt.IsZero() && !v.Endpoint.Disabled {
				if wait := v.Endpoint.ProbeAt.Sub(now); r.Probe && wait <= 0 || wait > max(72*time.Second, r.RetryAfter, asked.Sub(now)) {
					t.Fatalf("asked again after %v", wait)
				}
			}
			if v.Delivery.State == Failed && now.Sub(before.CreatedAt) < leastAge {
				t.Fatalf("given up after %v", now.Sub(before.CreatedAt))
			}
			if e, deliveries[i] = v.Endpoint, v.Delivery; e.Disabled {
				break
			}
			if deliveries[i].State != Pending {
				deliveries[i] = Delivery{State: Pending, CreatedAt: now}
			}
		}
		for i, kind := range told {
			if kind == EndpointRecovered && (i == 0 || told[i-1] != EndpointFailing) {
				t.Fatalf("told %v", told)
			}
		}
	})
}
