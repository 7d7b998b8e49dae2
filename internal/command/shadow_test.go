package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/sim"
	"github.com/creditorro/ringmaster/internal/phrasebook"
)

// oneAgent is ten minutes of one agent, with a call every other minute.
func oneAgent(t *testing.T) *sim.Kept {
	t.Helper()
	r := pacing.Record{Begin: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC).UnixMilli(), Mode: pacing.Predictive, Cap: 0.03,
		MaxLines: 3, Ring: 25_000, Patience: 2000}
	add := func(at time.Duration, kind pacing.EventKind, n int64) {
		r.Events = append(r.Events, pacing.Event{At: at.Milliseconds(), Kind: kind, N: n})
	}
	add(0, pacing.AgentIs, int64(pacing.Idle))
	for n := range 5 {
		at := time.Duration(n) * 2 * time.Minute
		add(at, pacing.TookPlace, 2)
		add(at+5*time.Second, pacing.EndedOther, 5000)
		add(at+10*time.Second, pacing.WasAnswered, 10_000)
		add(at+10*time.Second, pacing.AgentIs, int64(pacing.Talk))
		add(at+70*time.Second, pacing.TalkOver, 60_000)
		add(at+70*time.Second, pacing.AgentIs, int64(pacing.Idle))
	}
	add(10*time.Minute, pacing.AgentIs, int64(pacing.Idle))
	kept, err := sim.Keep([]pacing.Record{r})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// TestShadowColumns: what happened stands first, then the day as it was set, then what is asked for.
func TestShadowColumns(t *testing.T) {
	say, kept := phrasebook.For("en"), oneAgent(t)
	s := Shadow{Cap: []float64{1, 2}, Mode: []string{"progressive"}}
	columns, err := s.columns(say, kept)
	if err != nil || len(columns) != 3 || columns[0].question != kept.Asked() || columns[1].question.Cap != 0.01 ||
		columns[2].question.Cap != 0.02 || columns[2].question.Mode != pacing.Progressive {
		t.Fatalf("%+v, %v", columns, err)
	}
	for i := range columns {
		if columns[i].Answer, err = kept.Shadow(t.Context(), columns[i].question, nil); err != nil {
			t.Fatal(err)
		}
	}
	was := happened(kept, []dialer.AccountSpan{{Begin: kept.Happened().Begin, Connected: 4, Abandoned: 1}})
	if was.Occupancy != 0.5 || was.Abandoned != 0.2 || was.Calls != 60 {
		t.Errorf("happened: %+v", was)
	}
	var out bytes.Buffer
	if err := sideBySide(&out, say, append([]column{was}, columns...)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"what happened", "as it was set", "cap 1", "cap 2", "20.00 %", "50.0 %"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if _, err := (&Shadow{Cap: []float64{1, 2}, Agents: []int{1, 2}}).columns(say, kept); err == nil {
		t.Error("two options with several values are accepted")
	}
	if _, err := (&Shadow{Agents: []int{0}}).columns(say, kept); err == nil || !strings.Contains(err.Error(), "--agents") {
		t.Errorf("no agents: %v", err)
	}
}
