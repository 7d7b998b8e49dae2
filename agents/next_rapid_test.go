package agents

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNextKeepsItsPromises leads agents through long random lives.
func TestNextKeepsItsPromises(t *testing.T) {
	kinds := make([]Kind, 0, len(arrows))
	for k := range arrows {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)

	rapid.Check(t, func(t *rapid.T) {
		l := Off(2001)
		now := t0
		last := l
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds")) * time.Second)
			attempt := rapid.SampledFrom([]string{"77", "78"}).Draw(t, "attempt")
			in := with(rapid.SampledFrom(kinds).Draw(t, "kind"), func(in *Input) {
				in.At, in.AttemptID, in.Call.AttemptID = now, attempt, attempt
				in.Until, in.CodeDueAt = now.Add(30*time.Second), now.Add(time.Minute)
				in.Count = rapid.IntRange(0, 2).Draw(t, "tabs")
				in.Node = rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node")
				in.On = rapid.Bool().Draw(t, "on")
				in.Reachable = rapid.Bool().Draw(t, "reachable")
				in.Call.Automatic = rapid.Bool().Draw(t, "automatic")
				in.Agent.PauseID = rapid.SampledFrom([]string{NoPause, "4", ForcePauseID}).Draw(t, "pause on record")
			})
			if l.Call != nil && rapid.Bool().Draw(t, "remembered") {
				last = l
			}
			in.Last = &last
			before := l
			next, err := Next(l, in)
			if err != nil {
				if !reflect.DeepEqual(next, l) {
					t.Fatalf("refused %s changed the state: %+v to %+v", in.Kind, l, next)
				}
				continue
			}
			if !reflect.DeepEqual(before, l) {
				t.Fatalf("%s changed what it was given", in.Kind)
			}
			check(t, l, in, next)
			l = next
		}
	})
}

func check(t *rapid.T, l Live, in Input, next Live) {
	fatal := func(what string) { t.Fatalf("%s: %s led from %+v to %+v", what, in.Kind, l, next) }
	if next.Version != l.Version+1 {
		fatal("version does not grow by one")
	}
	if !slices.Contains(States, next.State) {
		fatal("no such state")
	}
	if next.Free() && (next.State.InCall() || next.State != Available || next.Tabs == 0) {
		fatal("free, and should not be")
	}
	if (next.State.InCall() || next.State == Clerical) != (next.Call != nil) {
		fatal("a call exactly while In Call or Clerical")
	}
	if next.State.InCall() != !next.ClaimUntil.IsZero() || (next.State == Clerical) != !next.CodeDueAt.IsZero() {
		fatal("deadlines do not fit the state")
	}
	if (next.State == LoggedOff) != (next.Extension.Name == "") {
		fatal("an extension exactly while logged on")
	}
	if (next.State == ForcePause) != (next.PauseID == ForcePauseID) ||
		(next.State == Paused) != (next.PauseID != NoPause && next.PauseID != ForcePauseID) {
		fatal("pause does not fit the state")
	}
	if l.State == ForcePause && next.State != ForcePause && next.State != LoggedOff && (in.Kind != PauseEnded || !in.Reachable) &&
		next.NextPause != ForcePauseID {
		fatal("Force Pause left")
	}
	if l.NextPause != "" && (next.State == Available || next.Free()) {
		fatal("the remembered pause did not replace Available")
	}
	if l.NextPause == ForcePauseID && !next.State.InCall() && next.State != Clerical && next.State != ForcePause &&
		next.State != LoggedOff {
		fatal("Force Pause forgotten in a call")
	}
	if l.Call != nil && next.Call != nil && l.Call.AttemptID != next.Call.AttemptID && in.Kind != Given {
		fatal("the call changed under way")
	}
	if arrows[in.Kind].ofCall && in.AttemptID != l.Call.AttemptID {
		fatal("another call spoke")
	}
	if (next.State == LoggedOff || next.Tabs > 0) != next.GoneAt.IsZero() {
		fatal("gone exactly while logged on without a tab")
	}
	tabs := 0
	for _, n := range next.TabsAt {
		tabs += n
	}
	if tabs != next.Tabs {
		fatal("tabs do not add up")
	}
}
