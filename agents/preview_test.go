package agents

import (
	"errors"
	"testing"
	"time"
)

// TestShows: a number is that of the shown contact as agents write it.
func TestShows(t *testing.T) {
	l := Live{Preview: &Call{Number: "+380501234567"}}
	for typed, want := range map[string]bool{
		"+380501234567": true, "380501234567": true, "00380501234567": true, "+38 (050) 123-45-67": true, "0501234567": true,
		"050 123 45 67": true, "501234567": false, "0501234568": false, "+0501234567": false, "4567": false, "04567": false, "": false,
		"+3805012345670": false, "+48501234567": false,
	} {
		if got := l.Shows(typed); got != want {
			t.Errorf("%q: %v, want %v", typed, got, want)
		}
	}
	if (Live{}).Shows("+380501234567") {
		t.Error("nobody is shown")
	}
}

// TestAPreviewEndsWithWhatLeadsAway: whatever takes an agent from a shown contact lets the contact go.
func TestAPreviewEndsWithWhatLeadsAway(t *testing.T) {
	free := standing(Available)
	shown, err := Next(free, input(Previewed))
	if err != nil || shown.Preview == nil || shown.PreviewUntil.IsZero() || shown.Free() || shown.State != Available {
		t.Fatalf("%+v, %v", shown, err)
	}
	for _, in := range []Input{input(Ordering), input(Logout), input(PauseChosen), input(GraceOver), input(ForcePaused),
		input(PreviewOver),
		with(AutoCallSet, func(in *Input) { in.On = false }), with(HomeChanged, func(in *Input) { in.Node = "n2" })} {
		l := shown
		if in.Kind == GraceOver {
			l.Tabs = 0
		}
		next, err := Next(l, in)
		if err != nil || next.Preview != nil || next.PreviewUntil != (time.Time{}) {
			t.Errorf("%s: %+v, %v", in.Kind, next.Preview, err)
		}
	}
	for _, c := range []struct {
		l    Live
		in   Input
		want error
	}{
		{shown, input(Previewed), ErrNotNow},
		{shown, input(Claimed), ErrNotNow},
		{shown, with(PreviewOver, func(in *Input) { in.AttemptID = "78" }), ErrOtherCall},
		{free, input(PreviewOver), ErrOtherCall},
		{free, with(Previewed, func(in *Input) { in.Node = "n2" }), ErrNotNow},
		{free, with(Previewed, func(in *Input) { in.Call = nil }), ErrIncomplete},
	} {
		if _, err := Next(c.l, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.in.Kind, err, c.want)
		}
	}
}
