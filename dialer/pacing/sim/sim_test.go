package sim

import (
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

func production(mode pacing.Mode) Production {
	return Production{pacing.New(pacing.Settings{Mode: mode, Ratio: 2})}
}

func playDay(t *testing.T, sc Scenario, seed uint64, limit float64, p Pacing) Day {
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
	slow, shipped, best := playDay(t, short(), 7, 0.03, production(pacing.Progressive)),
		playDay(t, short(), 7, 0.03, production(pacing.Predictive)),
		playDay(t, short(), 7, 0.03, &Oracle{})
	if !(slow.Occupancy+0.04 < shipped.Occupancy && shipped.Occupancy < best.Occupancy) {
		t.Errorf("occupancy: progressive %.3f, predictive %.3f, clairvoyant %.3f",
			slow.Occupancy, shipped.Occupancy, best.Occupancy)
	}
	if slow.Tally.Abandoned > 1 || best.Tally.Abandoned > 1 || shipped.Tally.Share() > 0.03 {
		t.Errorf("abandoned: progressive %+v, predictive %+v, clairvoyant %+v", slow.Tally, shipped.Tally, best.Tally)
	}
}

// TestSameSeedSameDay: chance is passed in.
func TestSameSeedSameDay(t *testing.T) {
	a := playDay(t, short(), 3, 0.03, production(pacing.Predictive))
	b, c := playDay(t, short(), 3, 0.03, production(pacing.Predictive)),
		playDay(t, short(), 4, 0.03, production(pacing.Predictive))
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
	over, without := playDay(t, short(), 5, 0.03, piped), playDay(t, short(), 5, 0.03, production(pacing.Predictive))
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

// TestAsk: the answer fits together, and the rate of answers is the one that was asked for.
func TestAsk(t *testing.T) {
	a, err := Ask(t.Context(), question(), nil)
	if err != nil || a.Finish <= 0 || a.Finish >= 4*3600 || a.Occupancy < 0.5 || a.Answered < 50 || a.Calls < a.Answered {
		t.Errorf("%+v, %v", a, err)
	}
	if rate := a.Answered / a.Calls; rate < 0.27 || rate > 0.33 {
		t.Errorf("%.3f of the calls were answered, want 0.3", rate)
	}
	if !(a.Wait > 0 && a.Wait < a.LongWait) || a.Peak < 10 || a.Peak > 60 {
		t.Errorf("agents wait %.1f s, nine of ten below %.1f; %d calls at once", a.Wait, a.LongWait, a.Peak)
	}
	var sum Half
	for _, h := range a.Halves {
		sum.Dialed, sum.Answered, sum.Abandoned = sum.Dialed+h.Dialed, sum.Answered+h.Answered, sum.Abandoned+h.Abandoned
	}
	if math.Abs(sum.Answered/sum.Dialed-a.Answered/a.Calls) > 1e-9 || math.Abs(sum.Abandoned/sum.Answered-a.Abandoned) > 1e-9 {
		t.Errorf("half hours say %+v, the day %+v", sum, a)
	}
	if w := a.WorstHalf; w.Day < 1 || w.Answered < enoughAnswers || w.Share < a.Abandoned {
		t.Errorf("the worst half hour: %+v", w)
	}
	endless := question()
	endless.Contacts, endless.Hours = 0, time.Hour
	if a, err := Ask(t.Context(), endless, nil); err != nil || a.Finish != 0 || len(a.Halves) != 2 {
		t.Errorf("a list without an end: %+v, %v", a, err)
	}
}

// TestAskIsCalledOff: at once before it begins, and in the middle of a day.
func TestAskIsCalledOff(t *testing.T) {
	q := question()
	q.Agents, q.Contacts, q.Hours, q.Days = 1000, 0, 24*time.Hour, 2 // minutes of work
	ctx, cancel := context.WithCancel(t.Context())
	parts := 0
	if _, err := Ask(ctx, q, func(part float64) {
		if parts++; part < 0 || part > 1 {
			t.Errorf("%v is done", part)
		}
		cancel()
	}); !errors.Is(err, context.Canceled) || parts != 1 {
		t.Errorf("called off: %v, told %d times", err, parts)
	}
}

// TestKnown: a day that begins with what the campaign has shown dials from the start.
func TestKnown(t *testing.T) {
	q := question()
	q.Agents, q.Contacts, q.Hours, q.Days = 30, 0, 6*time.Minute, 1
	blind, err := Ask(t.Context(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Known = 120
	if known, err := Ask(t.Context(), q, nil); err != nil || known.Calls <= blind.Calls {
		t.Errorf("%.0f calls an hour by what is known, %.0f without, %v", known.Calls, blind.Calls, err)
	}
}

// TestMaxLines: lines an agent bound what may ring.
func TestMaxLines(t *testing.T) {
	q := question()
	q.MaxLines, q.Answer, q.Contacts = 1.5, 0.05, 0
	if a, err := Ask(t.Context(), q, nil); err != nil || a.Peak > 10*3 {
		t.Errorf("%d calls at once, %v", a.Peak, err)
	}
}

func TestCheck(t *testing.T) {
	for field, wrong := range map[string]func(*Question){
		"agents":       func(q *Question) { q.Agents = 0 },
		"contacts":     func(q *Question) { q.Contacts = -1 },
		"attempts":     func(q *Question) { q.Attempts = 0 },
		"hours":        func(q *Question) { q.Hours = 25 * time.Hour },
		"cap":          func(q *Question) { q.Cap = 3 },
		"answer_rate":  func(q *Question) { q.Answer = math.NaN() },
		"machines":     func(q *Question) { q.Machines = 1 },
		"talk":         func(q *Question) { q.Talk = 0 },
		"talk_spread":  func(q *Question) { q.TalkSpread = -1 },
		"ring":         func(q *Question) { q.Ring = 0 },
		"ring_timeout": func(q *Question) { q.Timeout = 7 * time.Second },
		"breaks":       func(q *Question) { q.Breaks, q.Break = time.Second, time.Minute },
		"lines":        func(q *Question) { q.Lines = -1 },
		"ratio":        func(q *Question) { q.Ratio = math.Inf(1) },
		"days":         func(q *Question) { q.Agents, q.Hours, q.Days = 1000, 24*time.Hour, 3 },
	} {
		q := question()
		wrong(&q)
		_, err := Ask(t.Context(), q, nil)
		var is Wrong
		if !errors.As(err, &is) || len(is) != 1 || is[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestShiftBegins: fifty agents who are free at once, when nothing is known yet, do not bring a burst of calls that nobody can
// take.
func TestShiftBegins(t *testing.T) {
	for seed := range uint64(5) {
		d := playDay(t, usual("50", 50, 0.2, nil), seed, 0.03, production(pacing.Predictive))
		if d.Tally.Answered < 60 || d.Tally.Abandoned > 12 {
			t.Errorf("seed %d: after 12 minutes %+v", seed, d.Tally)
		}
	}
}

// TestLargeShiftBegins: two hundred agents on trunks without a limit keep the cap in their first half hour, few answers or many.
func TestLargeShiftBegins(t *testing.T) {
	for _, answer := range []float64{0.12, 0.5} {
		sc := usual("200", 200, 0.5, func(s *Scenario) { s.Answer, s.CPS = answer, 200 })
		d := playDay(t, sc, 77, 0.03, production(pacing.Predictive))
		if d.Tally.Share() > 0.035 || d.Occupancy < 0.75 {
			t.Errorf("%.0f %% answer: %.2f %% abandoned, agents busy for %.1f %%", 100*answer, 100*d.Tally.Share(), 100*d.Occupancy)
		}
	}
}

// TestSilentPhones: a customer whose agent's phone does not answer gets the next agent.
func TestSilentPhones(t *testing.T) {
	d := playDay(t, usual("50", 50, 1, func(s *Scenario) { s.Silent = 0.05 }), 5, 0.01, production(pacing.Progressive))
	if d.Tally.Share() > 0.01 {
		t.Errorf("%.2f %% abandoned of %d", 100*d.Tally.Share(), d.Tally.Answered)
	}
}

// TestListsInParts: where one part of a list answers eleven times as often as another, what is abandoned at once takes the day
// hardly above its cap, if at all.
func TestListsInParts(t *testing.T) {
	sc := usual("parts", 50, 4, func(s *Scenario) { s.Answer, s.Blocks = 0.2, []float64{0.2, 0.2, 2.2, 0.2, 1.5, 1} })
	for seed := range uint64(2) {
		if d := playDay(t, sc, 1000+seed, 0.03, production(pacing.Predictive)); d.Tally.Share() > 0.031 {
			t.Errorf("day %d: %.2f %% abandoned: %+v", seed, 100*d.Tally.Share(), d.Tally)
		}
	}
}
