package chance

import (
	"math"
	"math/rand/v2"
	"testing"
)

// world plays days of calls whose chances follow a law.
func world(seed uint64, days, calls int, law func(Call) float64) (list []Try) {
	r := rand.New(rand.NewPCG(seed, 1))
	for day := range days {
		drift := math.Exp(r.NormFloat64() * 0.2)
		for range calls {
			c := Call{Hour: 8 + r.IntN(12), Kind: Kind(r.IntN(int(kinds))), Past: Past(r.IntN(int(pasts)))}
			list = append(list, Try{Call: c, Day: day, Answered: r.Float64() < law(c)*drift})
		}
	}
	return list
}

// byPast is a law by which people who have answered answer again, on mobiles above all, and in the evening.
func byPast(c Call) float64 {
	p := [pasts]float64{0.25, 0.45, 0.3, 0.2, 0.15, 0.1, 0.05}[c.Past]
	if c.Kind == Mobile {
		p *= 1.5
	}
	if c.Hour >= 17 {
		p *= 1.3
	}
	return p
}

// TestLearns: the chance of each kind of call comes out, nearly (the law is none of log odds, and days drift), and the odds
// between them.
func TestLearns(t *testing.T) {
	m := Learn(world(1, 20, 2000, byPast))
	for past := range pasts {
		for kind := range kinds {
			c := Call{Hour: 12, Kind: kind, Past: past}
			if got, want := m.chance(c), byPast(c); math.Abs(got-want) > 0.08 {
				t.Errorf("%+v is answered with chance %.3f, want %.3f", c, got, want)
			}
		}
	}
	likely, unlikely := m.Odds(Call{Hour: 18, Kind: Mobile, Past: Answered}), m.Odds(Call{Hour: 9, Kind: Fixed, Past: MissedMany})
	if likely < 2 || unlikely > 0.5 || likely > mostOdds || unlikely < 1/mostOdds {
		t.Errorf("odds %.2f and %.2f", likely, unlikely)
	}
}

// TestJudge: a law that holds proves better on the days held back; chance that was learned does not, nor does what changes each
// day for all, nor too few calls.
func TestJudge(t *testing.T) {
	even := func(Call) float64 { return 0.3 }
	hourly := func(c Call) float64 { return 0.1 + 0.02*float64(c.Hour-8) }
	for name, row := range map[string]struct {
		days, calls int
		law         func(Call) float64
		better      bool
	}{
		"a law":              {8, 1000, byPast, true},
		"two days of a law":  {2, 2000, byPast, true},
		"a day of a law":     {1, 5000, byPast, false},
		"few calls of a law": {8, 100, byPast, false},
		"no law":             {8, 1000, even, false},
		"the hour alone":     {8, 1000, hourly, false}, // the pacing sees the hour's rate itself
		"nothing":            {0, 0, even, false},
	} {
		wrong := 0
		for seed := range uint64(10) {
			v := Judge(world(seed+1, row.days, row.calls, row.law))
			if v.Better != row.better {
				wrong++
			}
			if row.better && v.Gain <= 0 || v.Days != row.days || v.Learned+v.Held != row.days*row.calls {
				t.Errorf("%s: %+v", name, v)
			}
		}
		if wrong > 1 { // two standard errors are passed by chance once in 40 times
			t.Errorf("%s: judged wrongly %d times of 10", name, wrong)
		}
	}
}

// TestDegenerate: nothing, and what always or never happens, make odds that are numbers within their bounds.
func TestDegenerate(t *testing.T) {
	always := func(c Call) float64 { return float64(c.Past%2) * 2 }
	for _, tries := range [][]Try{nil, world(1, 1, 1, byPast), world(2, 3, 2000, always), {{Call: Call{Hour: 99}, Answered: true}}} {
		m := Learn(tries)
		for cell := range cells {
			if odds := m.Odds(callOf(cell)); !(odds >= 1/mostOdds && odds <= mostOdds) {
				t.Fatalf("%d calls, %+v: odds %v", len(tries), callOf(cell), odds)
			}
		}
		if got := m.Odds(Call{Hour: -1}); got != 1 {
			t.Errorf("odds of no call: %v", got)
		}
	}
	if got := (*Model)(nil).Odds(Call{}); got != 1 {
		t.Errorf("odds of no model: %v", got)
	}
}

func TestEffects(t *testing.T) {
	tries := world(3, 4, 500, byPast)
	calls := map[string]int{}
	for _, e := range Learn(tries).Effects(tries) {
		calls[e.Property] += e.Calls
		if e.Answered > e.Calls || e.Factor <= 0 {
			t.Errorf("%+v", e)
		}
		if e.Property == "past" && e.Value == "answered" && e.Factor < 1.5 {
			t.Errorf("who has answered answers again: %+v", e)
		}
	}
	for _, property := range []string{"hour", "kind", "past"} {
		if calls[property] != len(tries) {
			t.Errorf("%d calls by %s, want %d", calls[property], property, len(tries))
		}
	}
}

func BenchmarkLearn(b *testing.B) {
	tries := world(1, 20, 1000, byPast)
	b.ReportAllocs()
	for b.Loop() {
		Learn(tries)
	}
}
