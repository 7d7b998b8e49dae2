package sim

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// recorded is production's pacing, written down as a node does.
type recorded struct {
	t        *testing.T
	pacer    *pacing.Pacer
	recorder *pacing.Recorder
	records  []pacing.Record
}

func record(t *testing.T) *recorded {
	s := pacing.Settings{Mode: pacing.Predictive}
	return &recorded{t: t, pacer: pacing.New(s), recorder: pacing.NewRecorder(s, day)}
}

func (r *recorded) Originate(s *pacing.Snapshot) int {
	d := r.pacer.Decide(s)
	_, packed := r.recorder.Note(day.Add(s.Now), s, &d)
	r.keep(packed)
	return d.Originate
}

func (r *recorded) keep(packed []byte) {
	if packed == nil {
		return
	}
	one, err := pacing.Unpack(packed)
	if err != nil {
		r.t.Fatal(err)
	}
	r.records = append(r.records, one)
}

// TestShadow: a recorded day says what happened, comes out much the same when it is played as it was set, and otherwise with
// other settings.
func TestShadow(t *testing.T) {
	r := record(t)
	was := playDay(t, usual("20", 20, 3, nil), 11, 0.03, r)
	_, last := r.recorder.Take()
	r.keep(last)
	kept, err := Keep(r.records)
	if err != nil {
		t.Fatal(err)
	}
	h := kept.Happened()
	if h.Agents != 20 || math.Abs(h.Occupancy-was.Occupancy) > 0.02 || math.Abs(float64(h.Dialed-was.Dialed)) > 5 ||
		math.Abs(float64(h.Answered-was.Tally.Answered)) > 5 {
		t.Errorf("happened %+v, of the day %+v", h, was.Tally)
	}
	shadow := func(change func(*Question)) Answer {
		q := kept.Asked()
		change(&q)
		a, err := kept.Shadow(t.Context(), q, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	same := shadow(func(*Question) {})
	if math.Abs(same.Occupancy-was.Occupancy) > 0.05 || math.Abs(same.Calls/h.Calls-1) > 0.1 {
		t.Errorf("as it was set: %+v, the day %+v", same, h)
	}
	slow, strict, more := shadow(func(q *Question) { q.Mode = pacing.Progressive }), shadow(func(q *Question) { q.Cap = 0.005 }),
		shadow(func(q *Question) { q.Agents = 40 })
	if slow.Abandoned != 0 || slow.Occupancy >= same.Occupancy || strict.Abandoned >= same.Abandoned || more.Calls < 1.5*same.Calls {
		t.Errorf("progressive %+v, cap 0.5 %% %+v, 40 agents %+v", slow, strict, more)
	}
	if again := shadow(func(*Question) {}); again.Occupancy != same.Occupancy || again.Calls != same.Calls {
		t.Errorf("played twice: %+v, then %+v", same, again)
	}
}

// TestShadowOfLives: the agents of two nodes, one of which began anew, are all there, each while its node has seen it.
func TestShadowOfLives(t *testing.T) {
	agent := func(at, number int64, s pacing.Status) pacing.Event {
		return pacing.Event{At: at, Kind: pacing.AgentIs, N: number*8 + int64(s)}
	}
	hour := time.Hour.Milliseconds()
	kept, err := Keep([]pacing.Record{
		{Life: 1, Begin: 0, Events: []pacing.Event{agent(0, 0, pacing.Talk), {At: hour, Kind: pacing.WasAnswered, N: 5000}}},
		{Life: 2, Begin: hour, Events: []pacing.Event{agent(0, 0, pacing.Idle), agent(hour, 0, pacing.Unknown)}},
		{Life: 3, Begin: 0, Events: []pacing.Event{agent(0, 0, pacing.Idle), agent(2*hour, 0, pacing.Idle)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if h := kept.Happened(); h.Agents != 2 || h.Hours != 2 || math.Abs(h.Occupancy-0.25) > 1e-9 || len(kept.team) != 3 {
		t.Errorf("%+v, %v", h, kept.team)
	}
	if _, err := Keep([]pacing.Record{{Begin: 0, Events: []pacing.Event{agent(0, 0, pacing.Idle)}}}); !errors.Is(err, ErrNothing) {
		t.Errorf("a day without calls: %v", err)
	}
}

// TestShadowKnowsTheOdds: a day whose pacing knew who is likely to answer is played with what it knew, or without.
func TestShadowKnowsTheOdds(t *testing.T) {
	r := record(t)
	was := playDay(t, usual("people differ", 10, 2, func(s *Scenario) { s.Spread, s.TellsOdds = 1.2, true }), 5, 0.03, r)
	_, last := r.recorder.Take()
	r.keep(last)
	kept, err := Keep(r.records)
	if err != nil {
		t.Fatal(err)
	}
	if h := kept.Happened(); h.Odds < h.Dialed*9/10 {
		t.Errorf("of %d calls the odds of %d are recorded", h.Dialed, h.Odds)
	}
	var odds, plain Answer
	for _, to := range []*Answer{&odds, &plain} {
		q := kept.Asked()
		q.NoOdds = to == &plain
		if *to, err = kept.Shadow(t.Context(), q, nil); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%.1f %% busy on the day; played with its odds %.1f %%, without %.1f %%", 100*was.Occupancy, 100*odds.Occupancy,
		100*plain.Occupancy)
	if odds.Occupancy <= plain.Occupancy {
		t.Error("the odds of the day do not help where it is played again")
	}
}
