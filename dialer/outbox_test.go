package dialer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var errDown = errors.New("the database is away")

// ledger is a record that fails as it is told to: before it has heard, or after.
type ledger struct {
	Store
	fail  func() (before, after bool)
	heard []noteKind
	codes []string
	fence int64
}

func (l *ledger) hear(kind noteKind, fence int64) error {
	before, after := l.fail()
	if before {
		return errDown
	}
	if fence != l.fence {
		return ErrFenced
	}
	if !slices.Contains(l.heard, kind) { // an answer that was lost has it told again
		l.heard = append(l.heard, kind)
	}
	if after {
		return errDown
	}
	return nil
}

func (l *ledger) Adopt(context.Context, ExternalCall, string, time.Duration, time.Time) (Claimed, error) {
	return Claimed{Attempt: Attempt{ID: 7, Fence: 3}}, l.hear(noteAdopt, 3)
}

func (l *ledger) Traced(_ context.Context, _ AttemptID, _ string, fence int64, _ string) error {
	return l.hear(noteTrace, fence)
}

func (l *ledger) Joined(_ context.Context, _ AttemptID, _ string, fence, _ int64, _ string, _ time.Time) error {
	return l.hear(noteAnswer, fence)
}

func (l *ledger) Close(_ context.Context, c Closing) (Attempt, error) {
	if c.Outcome == "abandoned" {
		return Attempt{}, l.hear(noteLate, c.Fence)
	}
	return Attempt{}, l.hear(noteClose, c.Fence)
}

func (l *ledger) SetCode(_ context.Context, c Coding) error {
	if len(l.codes) > 0 {
		return ErrCodeSet
	}
	before, after := l.fail()
	if before {
		return errDown
	}
	l.codes = append(l.codes, c.Code)
	if after {
		return errDown
	}
	return nil
}

// newOutbox is one whose work is done when run is called, by the caller.
func newOutbox(l *ledger, heard func(*note, error)) (o *outbox, run func()) {
	var work []func()
	var mu sync.Mutex
	o = &outbox{store: l, owner: "n1", now: time.Now, log: slog.New(slog.DiscardHandler), life: context.Background(), fence: l.fence,
		id:    7,
		heard: func(n *note, _ Claimed, err error) { heard(n, err) },
		spawn: func(f func(), _ bool) bool { mu.Lock(); defer mu.Unlock(); work = append(work, f); return true }}
	o.ctx, o.end = context.WithCancel(context.Background())
	return o, func() {
		for len(work) > 0 {
			f := work[0]
			work = work[1:]
			f()
		}
	}
}

// TestOutboxTellsAllInOrder: whatever fails, the record hears each note, those before it first, and one code: the last that was
// chosen before the record took one.
func TestOutboxTellsAllInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		theirs := rapid.Bool().Draw(t, "theirs")
		failures := rapid.IntRange(0, 3).Draw(t, "failures")
		l := &ledger{fence: 3}
		l.fail = func() (before, after bool) {
			if failures == 0 {
				return false, false
			}
			failures--
			before = rapid.Bool().Draw(t, "before")
			return before, !before
		}
		o, run := newOutbox(l, func(*note, error) {})
		var want []noteKind
		put := func(n *note) {
			o.put(n)
			if n.kind != noteCode && n.kind != noteTrace {
				want = append(want, n.kind)
			}
			if rapid.Bool().Draw(t, "at once") {
				run()
			}
		}
		if theirs {
			o.id, o.fence = 1, 0
			put(&note{kind: noteAdopt})
		}
		put(&note{kind: noteTrace, trace: "77"})
		put(&note{kind: noteAnswer, at: time.Now()})
		put(&note{kind: noteClose})
		run()
		o.put(&note{kind: noteCode, coding: Coding{Code: "1"}})
		o.put(&note{kind: noteCode, coding: Coding{Code: "2"}})
		put(&note{kind: noteLate, at: time.Now(), closing: Closing{Outcome: "abandoned"}})
		run()
		got := slices.DeleteFunc(l.heard, func(k noteKind) bool { return k == noteTrace })
		if !slices.Equal(got, want) || !slices.Equal(l.codes, []string{"2"}) {
			t.Fatalf("heard %v and the codes %v, want %v and the last one", got, l.codes, want)
		}
	})
}

// TestOutboxFenced: another owner has the attempt. What is fenced is not told again, and nothing waits behind it.
func TestOutboxFenced(t *testing.T) {
	l := &ledger{fence: 4, fail: func() (before, after bool) { return false, false }}
	var told []noteKind
	o, run := newOutbox(l, func(n *note, err error) {
		if !errors.Is(err, ErrFenced) {
			t.Errorf("%s: %v", n.kind, err)
		}
		told = append(told, n.kind)
	})
	o.fence = 3
	o.put(&note{kind: noteAnswer})
	o.put(&note{kind: noteClose})
	run()
	if want := []noteKind{noteAnswer, noteClose}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

// TestOutboxDropped tells nothing more, but that a customer has answered late.
func TestOutboxDropped(t *testing.T) {
	l := &ledger{fence: 3, fail: func() (before, after bool) { return false, false }}
	o, run := newOutbox(l, func(*note, error) {})
	o.put(&note{kind: noteAnswer})
	o.drop()
	o.put(&note{kind: noteClose})
	o.put(&note{kind: noteLate, at: time.Now(), closing: Closing{Outcome: "abandoned"}})
	run()
	if want := []noteKind{noteLate}; !slices.Equal(l.heard, want) {
		t.Errorf("heard %v, want %v", l.heard, want)
	}
}
