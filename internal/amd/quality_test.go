package amd

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// tally counts the verdicts on one sort of calls.
type tally struct {
	calls, right, undecided int
	at                      []float64
}

func (t *tally) add(right, undecided bool, at float64) {
	t.calls++
	if right {
		t.right++
		t.at = append(t.at, at)
	}
	if undecided {
		t.undecided++
	}
}

func (t *tally) share() float64 { return float64(t.right) / float64(max(1, t.calls)) }

// tallies are by sort of call.
type tallies map[string]*tally

func (t tallies) of(key string) *tally {
	if t[key] == nil {
		t[key] = &tally{}
	}
	return t[key]
}

// missed is said of calls that no rule of times can tell: a machine that says no more than people do, and does not beep.
const missed = "machine, under 4 s, no beep"

// count adds a call. A person who is left undecided is not taken away, and so is no mistake.
func (t tallies) count(c call, v Verdict) (right bool) {
	right = v.Kind == Person || v.Kind == Undecided
	sort := "person, short greeting"
	if c.sort == "long" {
		sort = "person, long greeting"
	}
	who := "person"
	if c.machine {
		right, who = v.Kind == Machine, "machine"
		sort = map[string]string{"long": "machine, 4 s and longer", "short": "machine, under 4 s"}[c.sort] +
			map[bool]string{true: ", beep", false: ", no beep"}[c.beep]
	}
	if c.beep {
		off := v.Beep.Seconds() - c.beepEnd
		t.of("beep found").add(v.Beep != 0 && off > -0.15 && off < 0.4, false, off)
	}
	t.of(sort).add(right, v.Kind == Undecided, v.At.Seconds())
	if sort == missed {
		return right
	}
	for _, key := range []string{who, who + ", " + c.voice.engine + " " + c.voice.language, who + ", noise: " + c.line.noise} {
		t.of(key).add(right, v.Kind == Undecided, v.At.Seconds())
	}
	return right
}

// String is a table, as docs/amd.md has it.
func (t tallies) String() string {
	var b strings.Builder
	b.WriteString("| calls | number | right | undecided | decided after, median | 95 of 100 |\n|---|---|---|---|---|---|\n")
	keys := make([]string, 0, len(t))
	for key := range t {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		one := t[key]
		fmt.Fprintf(&b, "| %s | %d | %.1f %% | %.1f %% |", key, one.calls, 100*one.share(),
			100*float64(one.undecided)/float64(one.calls))
		if slices.Sort(one.at); len(one.at) > 0 && key != "beep found" {
			fmt.Fprintf(&b, " %.1f s | %.1f s |", one.at[len(one.at)/2], one.at[len(one.at)*95/100])
		} else {
			b.WriteString(" | |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func measure(t testing.TB, voices []voice, held bool, round int) tallies {
	s, all, n := newStudio(t), tallies{}, uint64(round)<<32
	corpus(t, s, voices, held, round, func(c call) {
		n++
		var d Detector
		if v := d.Hear(c.heard(t, s, rand.New(rand.NewPCG(7, n)))); !all.count(c, v) && os.Getenv("AMD_EXPLAIN") != "" {
			t.Logf("%v %v %q %s: %+v", c.machine, c.voice, c.what, c.line, v)
		}
	})
	return all
}

// TestPeopleAndMachines: a part of the held-back voices and sentences, which none of the bounds was set by. docs/amd.md has all
// of them.
func TestPeopleAndMachines(t *testing.T) {
	needSynthesisers(t)
	if testing.Short() {
		t.Skip("speaks for half a minute")
	}
	var some []voice
	for i, v := range voices() {
		if v.held && (v.engine == "espeak-ng" && i%12 == 6 || v.name == "slt") {
			some = append(some, v)
		}
	}
	all := measure(t, some, true, 0)
	if people, machines := all.of("person"), all.of("machine"); people.calls < 60 || machines.calls < 100 ||
		people.share() < 0.98 || machines.share() < 0.93 {
		t.Errorf("of %d people and %d machines:\n%s", people.calls, machines.calls, all)
	}
}

// BenchmarkQuality measures both halves, and prints what docs/amd.md has.
func BenchmarkQuality(b *testing.B) {
	needSynthesisers(b)
	for b.Loop() {
		for _, held := range []bool{false, true} {
			fmt.Printf("held back: %v\n%s", held, measure(b, voices(), held, 2))
		}
	}
}
