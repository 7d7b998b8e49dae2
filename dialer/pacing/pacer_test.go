package pacing

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// staffed is a snapshot with agents of these statuses, each for a minute, and room for any number of calls.
func staffed(now time.Duration, count map[Status]int) *Snapshot {
	s := &Snapshot{Now: now, Cap: 0.03, RingTimeout: 25 * time.Second, Patience: 2 * time.Second, MaxNew: 1000,
		Day: Tally{Answered: 1000, Abandoned: 10}, HalfHour: Tally{Answered: 100}, Totals: Totals{Dialed: 4000, Answered: 1000}}
	for status := Idle; status <= Pause; status++ {
		for range count[status] {
			s.Agents = append(s.Agents, Agent{ID: len(s.Agents), Status: status, For: time.Minute})
		}
	}
	return s
}

func withRinging(s *Snapshot, ages ...time.Duration) *Snapshot {
	for _, age := range ages {
		s.Calls = append(s.Calls, Call{ID: int64(len(s.Calls)), Age: age})
	}
	return s
}

// seasoned tells of enough calls that ended to know how calls end.
func seasoned(s *Snapshot) {
	for i := range 60 {
		s.Done.RingOther = append(s.Done.RingOther, 25*time.Second)
		if i%3 == 0 {
			s.Done.RingAnswered = append(s.Done.RingAnswered, time.Duration(3+i%12)*time.Second)
		}
	}
}

func TestRules(t *testing.T) {
	with := func(s *Snapshot, f func(*Snapshot)) *Snapshot { f(s); return s }
	three := map[Status]int{Idle: 3, Talk: 5, Wrap: 2}
	for _, test := range []struct {
		what string
		mode Mode
		s    *Snapshot
		key  Key
		want int // -1: more than three
	}{
		{"progressive: one a free agent", Progressive, staffed(0, three), ByMode, 3},
		{"preview: one a free agent", Preview, staffed(0, three), ByMode, 3},
		{"progressive: those that ring count", Progressive, withRinging(staffed(0, three), 0, 0), ByMode, 1},
		{"ratio", Ratio, staffed(0, three), ByMode, 6},
		{"ratio over the cap", Ratio, with(staffed(0, three), func(s *Snapshot) { s.Day.Abandoned = 31 }), ByCap, 3},
		{"predictive, knowing nothing", Predictive, staffed(0, three), WarmingUp, 6},
		{"predictive", Predictive, with(staffed(0, three), seasoned), ByRisk, -1},
		{"the day's cap is exceeded", Predictive, with(staffed(0, three), func(s *Snapshot) { s.Day.Abandoned = 31 }), ByCap, 3},
		{"half an hour is exceeded", Predictive, with(staffed(0, three), func(s *Snapshot) { s.HalfHour.Abandoned = 6 }), ByCap, 3},
		{"a cap of zero", Predictive, with(staffed(0, three), func(s *Snapshot) { s.Cap = 0 }), ByCap, 3},
		{"state older than it may be", Predictive, with(staffed(0, three), func(s *Snapshot) { s.StateAge = 2001 * time.Millisecond }),
			StaleState, 3},
		{"state much older", Predictive, with(staffed(0, three), func(s *Snapshot) { s.StateAge = 11 * time.Second }), StaleState, 0},
		{"a trunk in trouble", Predictive, with(staffed(0, three), func(s *Snapshot) { s.Trouble = TrunkTrouble }), ByTrouble, 3},
		{"slow state", Ratio, with(staffed(0, three), func(s *Snapshot) { s.Trouble = SlowState }), ByTrouble, 3},
		{"nobody", Predictive, staffed(0, nil), NoCredit, 0},
		{"all away", Predictive, staffed(0, map[Status]int{Pause: 9}), NoCredit, 0},
		{"all stale", Predictive, with(staffed(0, three), func(s *Snapshot) {
			for i := range s.Agents {
				s.Agents[i].Stale = true
			}
		}), NoCredit, 0},
		{"trunks are full", Predictive, with(staffed(0, three), func(s *Snapshot) { s.MaxNew = 0 }), ByRoom, 0},
		{"trunks have room for two", Progressive, with(staffed(0, three), func(s *Snapshot) { s.MaxNew = 2 }), ByMode, 2},
		{"lines an agent", Predictive, with(withRinging(staffed(0, three), 0, 0), func(s *Snapshot) { s.MaxLines = 0.3 }), ByRoom, 1},
		{"a cap that is no share", Predictive, with(staffed(0, three), func(s *Snapshot) { s.Cap = 3 }), NotPossible, 0},
		{"room below zero", Predictive, with(staffed(0, three), func(s *Snapshot) { s.MaxNew = -1 }), NotPossible, 0},
	} {
		p := New(Settings{Mode: test.mode, Ratio: 2})
		before := *test.s
		before.Done = Done{}
		p.Decide(&before)
		test.s.Now += test.s.RingTimeout // the first calls could have rung to their end
		d := p.Decide(test.s)
		if d.Key != test.key || d.Originate != test.want && (test.want >= 0 || d.Originate <= 3) {
			t.Errorf("%s: %d calls, %s; want %d, %s", test.what, d.Originate, d.Key, test.want, test.key)
		}
	}
}

func TestTimeGoesForward(t *testing.T) {
	p := New(Settings{Mode: Predictive})
	p.Decide(staffed(time.Minute, map[Status]int{Idle: 1}))
	if d := p.Decide(staffed(time.Second, map[Status]int{Idle: 1})); d.Key != NotPossible || d.Originate != 0 {
		t.Errorf("%+v", d)
	}
}

func TestGiveUp(t *testing.T) {
	old := []time.Duration{24 * time.Second, 20 * time.Second, 16 * time.Second, 14 * time.Second, time.Second}
	p := New(Settings{Mode: Predictive})
	s := withRinging(staffed(0, map[Status]int{Pause: 5}), old...)
	if d := p.Decide(s); d.GiveUp != nil {
		t.Errorf("without a legal minimum %v are given up", d.GiveUp)
	}
	s.MinRing = 15 * time.Second
	if d := p.Decide(s); !slices.Equal(d.GiveUp, []int64{0, 1, 2}) {
		t.Errorf("nobody is left, and %v are given up; want those that have rung for 15 s", d.GiveUp)
	}
	s.Calls[1].Undialed, s.Calls[4].Undialed = true, true
	if d := p.Decide(s); !slices.Equal(d.GiveUp, []int64{4, 1, 0, 2}) {
		t.Errorf("nobody is left, and %v are given up; want those not dialed, and then those that have rung for 15 s", d.GiveUp)
	}
	s = withRinging(staffed(0, map[Status]int{Idle: 5}), old...)
	s.MinRing = 15 * time.Second
	s.Calls[4].Undialed = true
	if d := p.Decide(s); d.GiveUp != nil {
		t.Errorf("five agents are free, and %v are given up", d.GiveUp)
	}
}

// odds are any, known or not; and what are none.
func odds(t *rapid.T) Odds {
	return rapid.SampledFrom([]Odds{0, 0.25, 0.8, 1, 2, 4, -1, Odds(math.NaN()), Odds(math.Inf(1))}).Draw(t, "odds")
}

// drawn is any snapshot that may follow another one.
func drawn(t *rapid.T, now time.Duration) *Snapshot {
	ms := func(high int, name string) time.Duration {
		return time.Duration(rapid.IntRange(0, high).Draw(t, name)) * time.Millisecond
	}
	s := &Snapshot{Now: now + ms(1000, "passed"), Cap: rapid.SampledFrom([]float64{0, 0.01, 0.03, 0.05}).Draw(t, "cap"),
		RingTimeout: 25 * time.Second,
		Patience:    2 * time.Second, MaxNew: rapid.IntRange(0, 60).Draw(t, "room"),
		MaxLines: rapid.SampledFrom([]float64{0, 1, 2.5, 10}).Draw(t, "lines"),
		MinRing:  rapid.SampledFrom([]time.Duration{0, 15 * time.Second}).Draw(t, "min ring")}
	for i := range rapid.IntRange(0, 30).Draw(t, "agents") {
		s.Agents = append(s.Agents, Agent{ID: i, Status: Status(rapid.IntRange(0, 5).Draw(t, "status")), For: ms(300_000, "for"),
			Stale: rapid.IntRange(0, 9).Draw(t, "stale") == 0})
	}
	ages := rapid.SliceOfN(rapid.IntRange(0, 25_000), 0, 60).Draw(t, "ages")
	slices.Sort(ages)
	slices.Reverse(ages)
	for i, age := range ages {
		s.Calls = append(s.Calls, Call{ID: int64(i), Age: time.Duration(age) * time.Millisecond,
			Undialed: rapid.IntRange(0, 9).Draw(t, "undialed") == 0, Odds: odds(t)})
	}
	for range rapid.IntRange(0, 3).Draw(t, "waiting") {
		s.Waiting = append(s.Waiting, ms(2000, "waits"))
	}
	s.Totals.Dialed = len(s.Calls) + int(now/time.Second)
	s.Day.Answered = rapid.IntRange(0, 3000).Draw(t, "answered")
	s.Day.Abandoned = rapid.IntRange(0, s.Day.Answered/20).Draw(t, "abandoned")
	s.HalfHour.Answered = rapid.IntRange(0, s.Day.Answered).Draw(t, "answered lately")
	s.HalfHour.Abandoned = rapid.IntRange(0, min(s.Day.Abandoned, s.HalfHour.Answered)).Draw(t, "abandoned lately")
	for range rapid.IntRange(0, 5).Draw(t, "ended") {
		s.Done.RingAnswered = append(s.Done.RingAnswered, ms(25_000, "answered after"))
		s.Done.RingOther = append(s.Done.RingOther, ms(25_000, "ended after"))
		s.Done.OddsAnswered, s.Done.OddsOther = append(s.Done.OddsAnswered, odds(t)), append(s.Done.OddsOther, odds(t))
		s.Done.Talk = append(s.Done.Talk, ms(600_000, "talk"))
		s.Done.Wrap = append(s.Done.Wrap, ms(60_000, "wrap"))
	}
	return s
}

var allModes = []Mode{Preview, Progressive, Ratio, Predictive}

// TestProperties: whatever comes, never more lines than there is room for, nothing without an agent who counts, nothing at risk
// over the cap, no call given up before the legal minimum; and the same snapshots bring the same decisions.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := Settings{Mode: rapid.SampledFrom(allModes).Draw(t, "mode"), Ratio: rapid.Float64Range(1, 5).Draw(t, "ratio")}
		p, twin := New(settings), New(settings)
		now := time.Duration(0)
		for range rapid.IntRange(1, 6).Draw(t, "snapshots") {
			s := drawn(t, now)
			now = s.Now
			d := p.Decide(s)
			if again := twin.Decide(s); again.Originate != d.Originate || again.Key != d.Key || again.Numbers != d.Numbers ||
				!slices.Equal(again.GiveUp, d.GiveUp) {
				t.Fatalf("%+v, then %+v", d, again)
			}
			idle, credit := 0, 0
			for _, a := range s.Agents {
				if !a.Stale && a.Status == Idle {
					idle++
				}
				if !a.Stale && a.Status != Unknown && a.Status != Pause {
					credit++
				}
			}
			lines := len(s.Calls) + len(s.Waiting)
			switch {
			case d.Originate < 0 || d.Originate > s.MaxNew:
				t.Fatalf("%d calls, with room for %d", d.Originate, s.MaxNew)
			case d.Originate > 0 && s.MaxLines > 0 && float64(lines+d.Originate) > s.MaxLines*float64(credit):
				t.Fatalf("%d calls beside %d lines for %d agents, with %v lines an agent", d.Originate, lines, credit, s.MaxLines)
			case credit == 0 && d.Originate > 0:
				t.Fatalf("%d calls for nobody", d.Originate)
			case settings.Mode != Preview && settings.Mode != Progressive && float64(s.Day.Abandoned) > s.Cap*float64(s.Day.Answered) &&
				d.Originate > max(idle-lines, 0):
				t.Fatalf("%d calls for %d free agents and %d lines, over the cap", d.Originate, idle, lines)
			}
			for _, id := range d.GiveUp {
				if c := s.Calls[id]; !c.Undialed && (s.MinRing == 0 || c.Age < s.MinRing) {
					t.Fatalf("call %d is given up after %v", id, s.Calls[id].Age)
				}
			}
		}
	})
}

// TestOddsOfOne: calls that are as likely answered as the average one are paced as if nobody knew.
func TestOddsOfOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unknown, told := New(Settings{Mode: Predictive}), New(Settings{Mode: Predictive})
		now := time.Duration(0)
		for range rapid.IntRange(1, 6).Draw(t, "snapshots") {
			s := drawn(t, now)
			now = s.Now
			set := func(o Odds) *Snapshot {
				for _, list := range [][]Odds{s.Done.OddsAnswered, s.Done.OddsOther} {
					for i := range list {
						list[i] = o
					}
				}
				for i := range s.Calls {
					s.Calls[i].Odds = o
				}
				return s
			}
			d := unknown.Decide(set(0))
			if again := told.Decide(set(1)); again.Originate != d.Originate || again.Key != d.Key || again.Numbers != d.Numbers {
				t.Fatalf("%+v, told of odds of one %+v", d, again)
			}
		}
	})
}

// TestMonotoneInTheCap: of two pacers with the same past, the one with the higher cap never dials less.
func TestMonotoneInTheCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low, high := New(Settings{Mode: Predictive}), New(Settings{Mode: Predictive})
		now := time.Duration(0)
		for range rapid.IntRange(1, 6).Draw(t, "snapshots") {
			s := drawn(t, now)
			now = s.Now
			s.Cap = rapid.Float64Range(0, 0.1).Draw(t, "low")
			few := low.Decide(s)
			s.Cap = rapid.Float64Range(s.Cap, 0.2).Draw(t, "high")
			if many := high.Decide(s); many.Originate < few.Originate {
				t.Fatalf("%d calls at a cap of %v; fewer were %+v", many.Originate, s.Cap, few)
			}
		}
	})
}

// TestLearnsTheAnswerRate: a burst of calls, whose answers come first, does not look as if most were answered; nor as if none
// were.
func TestLearnsTheAnswerRate(t *testing.T) {
	p := New(Settings{Mode: Predictive})
	s := staffed(0, map[Status]int{Talk: 10})
	s.Totals.Dialed = 0
	p.Decide(s)
	for step := range 600 {
		s.Now = time.Duration(step) * time.Second
		s.Done, s.Calls = Done{}, s.Calls[:0]
		if step%30 == 0 { // 100 calls at once: every fourth is answered after 4 to 12 s, the others end after 25
			s.Totals.Dialed += 100
		}
		age := time.Duration(step%30) * time.Second
		for call := range 100 {
			ends := 25 * time.Second
			if call%4 == 0 {
				ends = time.Duration(4+call/4%9) * time.Second
			}
			switch {
			case age == ends && call%4 == 0:
				s.Done.RingAnswered = append(s.Done.RingAnswered, age)
			case age == ends:
				s.Done.RingOther = append(s.Done.RingOther, age)
			case age < ends:
				s.Calls = append(s.Calls, Call{Age: age})
			}
		}
		if d := p.Decide(s); step > 200 && (d.Numbers.AnswerRate < 0.17 || d.Numbers.AnswerRate > 0.33) {
			t.Fatalf("after %d s the answer rate is taken for %.3f; it is 0.25", step, d.Numbers.AnswerRate)
		}
	}
}

// TestFailuresComeFirst: of a burst of calls those that fail and the busy ones end at once. That does not look as if nobody
// answered, neither at a day's beginning nor when all come back from a break.
func TestFailuresComeFirst(t *testing.T) {
	p := New(Settings{Mode: Predictive})
	s := staffed(0, map[Status]int{Talk: 10})
	s.Totals.Dialed = 0
	for step := range 1200 {
		s.Now = time.Duration(step) * 500 * time.Millisecond
		s.Done, s.Calls = Done{}, s.Calls[:0]
		if step == 2 || step == 600 { // 200 calls: 40 end at once, 80 are answered after 5 to 12 s, the others end after 25
			s.Totals.Dialed += 200
		}
		age := time.Duration((step-2)%598) * 500 * time.Millisecond
		for call := range 200 {
			ends, yes := 25*time.Second, call%5 > 2
			switch {
			case call%5 == 0:
				ends = time.Second
			case yes:
				ends = time.Duration(5+call%8) * time.Second
			}
			switch {
			case step < 2:
			case age == ends && yes:
				s.Done.RingAnswered = append(s.Done.RingAnswered, age)
			case age == ends:
				s.Done.RingOther = append(s.Done.RingOther, age)
			case age < ends:
				s.Calls = append(s.Calls, Call{Age: age})
			}
		}
		if d := p.Decide(s); d.Numbers.AnswerRate < 0.25 {
			t.Fatalf("after %.1f s the answer rate is taken for %.3f; it is 0.4", s.Now.Seconds(), d.Numbers.AnswerRate)
		}
	}
}

// TestSwings: an answer rate that keeps is trusted as far as chance allows, and one that jumps no further than it was right.
func TestSwings(t *testing.T) {
	var steady, jumping swings
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 6000 {
		steady.saw(0.3, r.Float64() < 0.3)
		jumping.saw(0.3, r.Float64() < []float64{0.1, 0.5}[i/200%2]) // off by two thirds: a relative variance of 0.44
	}
	if steady.relative > 0.05 {
		t.Errorf("a steady rate swings by %.3f", steady.relative)
	}
	if jumping.relative < 0.6 || jumping.relative > 1.2 {
		t.Errorf("a jumping rate swings by %.3f, want about 0.9", jumping.relative)
	}
}
