package clocks

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/creditorro/ringmaster/internal/telemetry"
)

// world is three clocks that a test sets, and the node's count.
type world struct {
	*Clocks
	t                *testing.T
	count            time.Duration
	node, sql, redis time.Duration // ahead of the truth
	away             bool          // SQL does not answer
	log              bytes.Buffer
	registry         *prometheus.Registry
	setBack          int
}

func newWorld(t *testing.T, embedded bool) *world {
	w := &world{t: t, registry: prometheus.NewRegistry()}
	o := Options{
		Wall:    func() time.Time { return noon.Add(w.count + w.node) },
		Log:     slog.New(slog.NewTextHandler(&w.log, nil)),
		Metrics: telemetry.New(w.registry),
		SetBack: func(context.Context, time.Time) { w.setBack++ },
	}
	if !embedded {
		o.SQL = func(context.Context) (time.Time, error) {
			if w.away {
				return time.Time{}, errors.New("away")
			}
			return noon.Add(w.count + w.sql), nil
		}
		o.Redis = func(context.Context) (time.Time, error) { return noon.Add(w.count + w.redis), nil }
	}
	w.Clocks = New(o)
	w.up = func() time.Duration { return w.count }
	return w
}

// pass has so much time go by, with the looks of it.
func (w *world) pass(d time.Duration) {
	for end := w.count + d; w.count < end; {
		w.count += every
		w.ask(w.t.Context())
	}
}

func (w *world) agrees(want bool, what string) {
	w.t.Helper()
	if err := w.Agree(); (err == nil) != want {
		w.t.Errorf("%s: %v", what, err)
	}
}

func (w *world) shown(what string, got time.Time, ahead time.Duration) {
	w.t.Helper()
	if off := got.Sub(noon.Add(w.count + ahead)); off.Abs() > time.Millisecond {
		w.t.Errorf("%s: off by %s", what, off)
	}
}

func TestAnyTwoOfThree(t *testing.T) {
	for _, by := range []time.Duration{5 * time.Second, -5 * time.Second, time.Minute, -time.Minute, time.Hour, -time.Hour} {
		for who, put := range map[string]func(*world, time.Duration){
			"node":  func(w *world, d time.Duration) { w.node = d },
			"sql":   func(w *world, d time.Duration) { w.sql = d },
			"redis": func(w *world, d time.Duration) { w.redis = d },
		} {
			w := newWorld(t, false)
			w.agrees(false, "nobody has been asked yet")
			put(w, by)
			w.Look(t.Context())
			w.agrees(false, who+" "+by.String())
			w.shown("SQL", w.SQL(), w.sql)
			w.shown("Redis", w.Redis(), w.redis)
			w.shown("SQL's in Redis'", w.ToRedis(w.SQL()), w.redis)
			w.shown("Redis' in SQL's", w.ToSQL(w.Redis()), w.sql)
			if w.ToSQL(time.Time{}) != (time.Time{}) || w.ToRedis(time.Time{}) != (time.Time{}) {
				t.Error("no moment has become one")
			}
			put(w, 0)
			w.pass(settleTime + 2*every)
			w.agrees(true, who+" put right")
		}
	}
}

// TestSettingTheNodesClock changes nothing but that the node does not dial.
func TestSettingTheNodesClock(t *testing.T) {
	w := newWorld(t, false)
	w.Look(t.Context())
	w.agrees(true, "all well")
	for _, step := range []time.Duration{time.Hour, -time.Hour, 5 * time.Second} {
		w.node = step
		w.agrees(false, "at once, asking nobody")
		w.shown("SQL", w.SQL(), 0)
		w.shown("Redis", w.Redis(), 0)
		w.pass(time.Minute)
		w.agrees(false, "for as long as it lasts")
		w.shown("SQL, later", w.SQL(), 0)
		w.node = 0
		w.agrees(true, "set back")
	}
	if said := strings.Count(w.log.String(), "clocks differ"); said != 3 {
		t.Errorf("said %d times: %s", said, &w.log)
	}
	if said := strings.Count(w.log.String(), "agree again"); said != 3 {
		t.Errorf("recovery said %d times: %s", said, &w.log)
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, false)
	w.Look(t.Context())
	w.node = -5 * time.Second
	w.pass(every)
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{"ringmaster_clock_offset_seconds sql": 5, "ringmaster_clock_offset_seconds redis": 5,
		"ringmaster_clocks_agree": 0} {
		if v, there := got[name]; !there || v != want {
			t.Errorf("%s is %g, want %g", name, v, want)
		}
	}
}

// TestEmbedded has no clock but its own. It cannot tell which of two times is right, so it waits until one has lasted.
func TestEmbedded(t *testing.T) {
	w := newWorld(t, true)
	w.Look(t.Context())
	w.agrees(true, "alone")
	w.node = time.Hour
	w.agrees(false, "set forward")
	w.pass(settleTime / 2)
	w.agrees(false, "set forward a while ago")
	w.shown("not believed", w.SQL(), 0)
	w.node = 0
	w.pass(every)
	w.agrees(true, "and back")
	w.shown("as if nothing had been", w.SQL(), 0)

	w.node = time.Hour
	w.pass(settleTime + 2*every)
	w.agrees(true, "it stays")
	w.shown("believed", w.SQL(), time.Hour)
	w.node = 0
	w.pass(settleTime + 2*every)
	w.agrees(true, "and back for good")
	w.shown("believed", w.SQL(), 0)
	if w.setBack != 1 {
		t.Errorf("set back %d times", w.setBack)
	}
}

func TestSQLsClockIsSet(t *testing.T) {
	w := newWorld(t, false)
	w.Look(t.Context())
	w.sql = -time.Hour
	w.pass(every)
	w.agrees(false, "set back")
	w.shown("not believed at once", w.SQL(), 0)
	w.pass(settleTime + 2*every)
	w.agrees(false, "now it differs from the others")
	w.shown("believed", w.SQL(), -time.Hour)
	if w.setBack != 1 {
		t.Errorf("told %d times that it was set back", w.setBack)
	}
}

func TestNobodyHeard(t *testing.T) {
	w := newWorld(t, false)
	w.Look(t.Context())
	w.away = true
	w.pass(unheard / 2)
	w.agrees(true, "away for a moment")
	w.shown("counted on", w.SQL(), 0)
	w.pass(unheard)
	w.agrees(false, "away for long")
	w.away = false
	w.pass(every)
	w.agrees(true, "back")
}

// TestAtTheLimit does not stop and start a node whose clock is hardly within it.
func TestAtTheLimit(t *testing.T) {
	w := newWorld(t, false)
	w.Look(t.Context())
	for _, step := range []struct {
		ahead time.Duration
		agree bool
	}{{Tolerance, true}, {Tolerance + time.Millisecond, false}, {Tolerance - time.Millisecond, false}, {Tolerance / 2, true},
		{Tolerance - time.Millisecond, true}} {
		w.node = step.ahead
		w.agrees(step.agree, step.ahead.String())
	}
}

func TestDiffer(t *testing.T) {
	for _, test := range []struct {
		ahead map[string]time.Duration
		want  string
	}{
		{nil, ""},
		{map[string]time.Duration{"sql": Tolerance, "redis": 0}, ""},
		{map[string]time.Duration{"sql": 1500 * time.Millisecond, "redis": -time.Second}, "SQL's clock is 2.5s ahead of Redis' clock"},
		{map[string]time.Duration{"redis": -time.Hour}, "this node's clock is 1h0m0s ahead of Redis' clock"},
	} {
		if got := Differ(test.ahead); got != test.want {
			t.Errorf("%v: %q, want %q", test.ahead, got, test.want)
		}
	}
}
