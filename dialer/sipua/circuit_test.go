package sipua

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCircuit(t *testing.T) {
	now := time.Unix(100_000, 0)
	open := circuit{state: circuitOpen, cause: byRefusals, run: 3, level: 1, until: now.Add(firstOpen)}
	mute := circuit{state: circuitOpen, cause: bySilence, run: 2, level: 1, until: now.Add(firstOpen)}
	probing, muteProbing := open, mute
	probing.state, muteProbing.state = circuitProbing, circuitProbing
	with := func(c circuit, change func(*circuit)) circuit { change(&c); return c }
	reopened := func(c circuit, cause circuitCause, level int, pause time.Duration) circuit {
		c.state, c.cause, c.level, c.until = circuitOpen, cause, level, now.Add(pause)
		return c
	}
	for _, test := range []struct {
		name  string
		from  circuit
		s     signal
		probe bool
		want  circuit
	}{
		{"a call is taken", circuit{run: 2}, callTaken, false, circuit{}},
		{"a first refusal", circuit{}, callRefused, false, circuit{run: 1}},
		{"a second refusal", circuit{run: 1}, callRefused, false, circuit{run: 2}},
		{"a third refusal opens", circuit{run: 2}, callRefused, false, open},
		{"a first silence", circuit{}, callSilent, false, circuit{run: 1}},
		{"a second silence opens", circuit{run: 1}, callSilent, false, mute},
		{"a second lost connection opens", circuit{run: 1}, neverSent, false, mute},
		{"100 alone needs more", circuit{run: 3}, callSwallowed, false, circuit{run: 4}},
		{"100 alone, for the fifth time", circuit{run: 4}, callSwallowed, false, reopened(circuit{run: 5}, bySilence, 1, firstOpen)},
		{"nobody knows", circuit{run: 2}, callUndecided, false, circuit{run: 2}},
		{"open: a refusal of a call of before", open, callRefused, false, open},
		{"open: a call of before is taken", open, callTaken, false, with(open, func(c *circuit) { c.run, c.until = 0, now })},
		{"open: a probe is sent", open, probeSent, false, probing},
		{"closed: nothing to probe", circuit{}, probeSent, false, circuit{}},
		{"probing: taken", probing, callTaken, true, circuit{}},
		{"probing: a call of before is taken", probing, callTaken, false, with(probing, func(c *circuit) { c.run = 0 })},
		{"probing: refused", probing, callRefused, true, reopened(open, byRefusals, 2, 2*firstOpen)},
		{"probing: silent", probing, callSilent, true, reopened(open, bySilence, 2, 2*firstOpen)},
		{"probing: a refusal of a call of before", probing, callRefused, false, probing},
		{"probing: the agent gave up", probing, callUndecided, true, with(open, func(c *circuit) { c.until = now })},
		{"probing: another call's agent gave up", probing, callUndecided, false, probing},
		{"the pauses have an end", with(probing, func(c *circuit) { c.level = 40 }), callRefused, true,
			reopened(open, byRefusals, 41, longestOpen)},
		{"OPTIONS fails", circuit{}, optionsBad, false, circuit{down: true}},
		{"OPTIONS is good again", circuit{down: true}, optionsGood, false, circuit{}},
		{"OPTIONS was good all along and is no proof", open, optionsGood, false, open},
		{"OPTIONS is good after a first silence", mute, optionsGood, false, with(mute, func(c *circuit) { c.until = now })},
		{"OPTIONS does not excuse a second silence", with(mute, func(c *circuit) { c.level = 2 }), optionsGood, false,
			with(mute, func(c *circuit) { c.level = 2 })},
		{"OPTIONS is good again after refusals", with(open, func(c *circuit) { c.down = true }), optionsGood, false,
			with(open, func(c *circuit) { c.until = now })},
		{"OPTIONS knows nothing of numbers", with(open, func(c *circuit) { c.down, c.cause = true, byNumbers }), optionsGood, false,
			with(open, func(c *circuit) { c.cause = byNumbers })},
	} {
		if got := test.from.after(test.s, test.probe, now); got != test.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

func TestCircuitMay(t *testing.T) {
	now := time.Unix(100_000, 0)
	for _, test := range []struct {
		name      string
		c         circuit
		ok, probe bool
		why       string
	}{
		{"closed", circuit{}, true, false, ""},
		{"down", circuit{down: true}, false, false, "OPTIONS"},
		{"resting", circuit{}.resting(7*time.Second, now), false, false, "7s more"},
		{"resting for no longer than five minutes", circuit{}.resting(time.Hour, now), false, false, "5m0s more"},
		{"rested", circuit{}.resting(7*time.Second, now.Add(-7*time.Second)), true, false, ""},
		{"open", circuit{state: circuitOpen, cause: byRefusals, until: now.Add(time.Second)}, false, false, "tries it in 1s"},
		{"open, in time", circuit{state: circuitOpen, until: now}, true, true, ""},
		{"open, in time, but down", circuit{state: circuitOpen, until: now, down: true}, false, false, "OPTIONS"},
		{"probing", circuit{state: circuitProbing, cause: bySilence}, false, false, "one call tries it"},
	} {
		ok, probe, why := test.c.may(now)
		if ok != test.ok || probe != test.probe || !strings.Contains(why.text, test.why) || why.why.IsZero() != ok ||
			(why.text == "") != ok {
			t.Errorf("%s: got %v, %v, %q", test.name, ok, probe, why.text)
		}
	}
}

// TestCircuitNeverSticks: whatever happened, a trunk that answers OPTIONS has its next chance within the longest pause.
func TestCircuitNeverSticks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now := circuit{}, time.Unix(100_000, 0)
		probing := false
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
			s := signal(rapid.IntRange(int(callTaken), int(optionsBad)).Draw(t, "signal"))
			if _, probe, _ := c.may(now); s == probeSent && !probe {
				continue
			}
			c = c.after(s, probing, now)
			if rapid.IntRange(0, 9).Draw(t, "number") == 0 {
				c, _ = c.told(rapid.Bool().Draw(t, "unknown"), probing, now)
			}
			probing = c.state == circuitProbing
		}
		if probing {
			c = c.after(callUndecided, true, now)
		}
		c = c.after(optionsGood, false, now)
		if ok, _, why := c.may(now.Add(longestHold)); !ok {
			t.Fatalf("%+v: %s", c, why.text)
		}
	})
}

// TestProbesOfSilentTrunk: a trunk that is never asked by OPTIONS is tried by single calls, at growing intervals.
func TestProbesOfSilentTrunk(t *testing.T) {
	now := time.Unix(100_000, 0)
	c := circuit{}.after(callSilent, false, now).after(callSilent, false, now)
	for _, pause := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		if ok, _, _ := c.may(now.Add(pause*time.Second - 1)); ok {
			t.Fatalf("tried before %d s", pause)
		}
		now = now.Add(pause * time.Second)
		if ok, probe, _ := c.may(now); !ok || !probe {
			t.Fatalf("not tried after %d s: %+v", pause, c)
		}
		c = c.after(probeSent, true, now)
		if ok, _, _ := c.may(now.Add(time.Hour)); ok {
			t.Fatal("a second call while one tries it")
		}
		c = c.after(callSilent, true, now)
	}
	now = now.Add(longestOpen)
	c = c.after(probeSent, true, now).after(callTaken, true, now)
	if ok, probe, _ := c.may(now); !ok || probe {
		t.Errorf("taken: %+v", c)
	}
}

func TestNumbersSuddenlyUnknown(t *testing.T) {
	now := time.Unix(100_000, 0)
	tell := func(c circuit, unknown, times int, of int) (circuit, int) {
		believed := 0
		for i := range times {
			bad := i*unknown/of != (i+1)*unknown/of
			ok := false
			if c, ok = c.told(bad, false, now); bad && ok {
				believed++
			}
		}
		return c, believed
	}
	c, _ := tell(circuit{}, 3, 300, 10) // an old list: every third number is gone
	if c.state != circuitClosed {
		t.Errorf("an old list holds the trunk: %+v", c)
	}
	well, believed := tell(circuit{}, 1, 200, 50)
	if well.state != circuitClosed || believed != 4 {
		t.Errorf("a good list: %d of 4 believed, %+v", believed, well)
	}
	broken, believed := tell(well, 1, 30, 1)
	if broken.state != circuitOpen || broken.cause != byNumbers || believed > 4 {
		t.Errorf("a broken trunk: %d numbers believed to be gone, %+v", believed, broken)
	}
	fresh, believed := tell(circuit{}, 1, 30, 1)
	if fresh.cause != byNumbers || believed > 4 {
		t.Errorf("broken from the beginning: %d believed, %+v", believed, fresh)
	}
	later := now.Add(firstHold)
	ok, probe, _ := broken.may(later)
	if !ok || !probe {
		t.Fatal("no probe after the hold")
	}
	trying := broken.after(probeSent, false, later)
	if again, believed := trying.told(true, true, later); believed || again.until.Sub(later) != 2*firstHold {
		t.Errorf("still broken: %v, %+v", believed, again)
	}
	mended, _ := trying.told(false, true, later)
	if ok, probe, _ := mended.may(later); !ok || probe || mended.digits.n != 0 {
		t.Errorf("mended: %+v", mended)
	}
}
