package sim

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

func production(mode pacing.Mode) Production {
	return Production{pacing.New(pacing.Settings{Mode: mode, Ratio: 2})}
}

func play(t *testing.T, sc Scenario, seed uint64, limit float64, p Pacing) Day {
	t.Helper()
	d, err := Play(t.Context(), sc, seed, limit, p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// short is a scenario for tests: two hours of ten agents.
func short() Scenario { return usual("10", 10, 2, nil) }

// TestOrder: progressive abandons nearly nobody, predictive pacing keeps agents busier and the cap, and the clairvoyant is the
// bound.
func TestOrder(t *testing.T) {
	slow, shipped, best := play(t, short(), 7, 0.03, production(pacing.Progressive)),
		play(t, short(), 7, 0.03, production(pacing.Predictive)),
		play(t, short(), 7, 0.03, &Oracle{})
	if !(slow.Occupancy+0.04 < shipped.Occupancy && shipped.Occupancy < best.Occupancy) {
		t.Errorf("occupancy: progressive %.3f, predictive %.3f, clairvoyant %.3f", slow.Occupancy, shipped.Occupancy, best.Occupancy)
	}
	if slow.Tally.Abandoned > 1 || best.Tally.Abandoned > 1 || shipped.Tally.Share() > 0.03 {
		t.Errorf("abandoned: progressive %+v, predictive %+v, clairvoyant %+v", slow.Tally, shipped.Tally, best.Tally)
	}
}

// TestSameSeedSameDay: chance is passed in.
func TestSameSeedSameDay(t *testing.T) {
	a, b, c := play(t, short(), 3, 0.03, production(pacing.Predictive)), play(t, short(), 3, 0.03, production(pacing.Predictive)),
		play(t, short(), 4, 0.03, production(pacing.Predictive))
	if a.Tally != b.Tally || a.Dialed != b.Dialed || a.Occupancy != b.Occupancy {
		t.Errorf("%+v, then %+v", a, b)
	}
	if a.Dialed == c.Dialed && a.Occupancy == c.Occupancy {
		t.Error("another seed brings the same day")
	}
}

// TestWire: over the wire, from one end of a pipe to the other, a day is the same as without.
func TestWire(t *testing.T) {
	in, questions := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- pacing.Serve(in, out, pacing.Settings{Mode: pacing.Predictive}) }()
	piped := NewPiped(questions, answers)
	over, without := play(t, short(), 5, 0.03, piped), play(t, short(), 5, 0.03, production(pacing.Predictive))
	questions.Close()
	if err := errors.Join(piped.Err(), <-ended); err != nil {
		t.Fatal(err)
	}
	if over.Tally != without.Tally || over.Dialed != without.Dialed || over.Occupancy != without.Occupancy {
		t.Errorf("over the wire %+v, without %+v", over, without)
	}
}

// TestTrunks: whatever is asked for, no more calls are up than the trunks have lines, and no more begun than their rate allows.
func TestTrunks(t *testing.T) {
	sc := usual("trunks", 20, 0.5, func(s *Scenario) { s.Trunks, s.CPS = 24, 2 })
	w := newWorld(&sc, 1, 0.03)
	before, at := 0, time.Duration(0)
	greedy := func(s *pacing.Snapshot) int {
		if up := len(s.Calls) + len(s.Waiting) + w.talking; up > 24 {
			t.Fatalf("%v: %d calls are up", s.Now, up)
		}
		if begun := s.Totals.Dialed - before; s.Now > 0 && float64(begun) > 2+2*(s.Now-at).Seconds() {
			t.Fatalf("%v: %d calls were begun since %v", s.Now, begun, at)
		}
		before, at = s.Totals.Dialed, s.Now
		return 1000
	}
	if err := w.run(t.Context(), pacingFunc(greedy)); err != nil {
		t.Fatal(err)
	}
	if before == 0 {
		t.Error("nobody was dialed")
	}
}

type pacingFunc func(*pacing.Snapshot) int

func (f pacingFunc) Originate(s *pacing.Snapshot) int { return f(s) }

func question() Question {
	return Question{Agents: 10, Contacts: 400, Attempts: 2, Hours: 4 * time.Hour, Cap: 0.03, Answer: 0.3, Talk: time.Minute,
		Wrap: 10 * time.Second, Ring: 8 * time.Second,
		Timeout: 25 * time.Second, Patience: 2 * time.Second, Mode: pacing.Predictive, Ratio: 2, Days: 2, Seed: 1}
}

func TestAsk(t *testing.T) {
	a, err := Ask(t.Context(), question())
	if err != nil || a.FinishSeconds <= 0 || a.FinishSeconds >= 4*3600 || a.Occupancy < 0.5 || a.Answered < 50 ||
		a.Calls < a.Answered {
		t.Errorf("%+v, %v", a, err)
	}
	endless := question()
	endless.Contacts, endless.Hours = 0, time.Hour
	if a, err := Ask(t.Context(), endless); err != nil || a.FinishSeconds != 0 {
		t.Errorf("a list without an end: %+v, %v", a, err)
	}
	called, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Ask(called, question()); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	for name, wrong := range map[string]func(*Question){
		"agents":      func(q *Question) { q.Agents = 0 },
		"contacts":    func(q *Question) { q.Contacts = -1 },
		"attempts":    func(q *Question) { q.Attempts = 0 },
		"cap":         func(q *Question) { q.Cap = 3 },
		"answer rate": func(q *Question) { q.Answer = 0 },
		"days":        func(q *Question) { q.Days = 100_000 },
	} {
		q := question()
		wrong(&q)
		if _, err := Ask(t.Context(), q); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestShiftBegins: fifty agents who are free at once, when nothing is known yet, do not bring a burst of calls that nobody can
// take.
func TestShiftBegins(t *testing.T) {
	for seed := range uint64(5) {
		d := play(t, usual("50", 50, 0.2, nil), seed, 0.03, production(pacing.Predictive))
		if d.Tally.Answered < 60 || d.Tally.Abandoned > 12 {
			t.Errorf("seed %d: after 12 minutes %+v", seed, d.Tally)
		}
	}
}
