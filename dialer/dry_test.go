package dialer

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// thicket is a queue through which one must seek for a while: three looks until the first who may be called.
type thicket struct {
	*bench
	c     *campaigns.Campaign
	looks chan []int64 // for whom
	n     int
}

func (h *thicket) Free(context.Context, string) ([]agents.Idle, error) {
	return []agents.Idle{{ID: 7, Queues: []string{h.c.Queue}, Since: h.now}}, nil
}

func (h *thicket) Running(context.Context) ([]*campaigns.Campaign, error) {
	return []*campaigns.Campaign{h.c}, nil
}

func (h *thicket) Clear(context.Context, int64, time.Time) (bool, error) { return false, nil }

func (h *thicket) Seek(_ context.Context, _ int64, _ bool, _ time.Time, free ...int64) (found, more bool, err error) {
	h.looks <- free
	h.n++
	return h.n == 3, h.n < 3, nil
}

// TestWhoIsFoundIsPlannedAtOnce: while a campaign that ran dry is left alone its queue is sought through, for those who are free,
// and the pause ends when somebody is found; not again and again, should nobody be planned all the same.
func TestWhoIsFoundIsPlannedAtOnce(t *testing.T) {
	b, p, _, c := newBench(t)
	c.Mode = campaigns.Progressive
	h := &thicket{bench: b, c: c, looks: make(chan []int64, 9)}
	p.store, p.roster, p.queues = h, h, h
	planned := func() bool {
		b.asked = ""
		p.look(t.Context())
		return b.asked != ""
	}
	if !planned() {
		t.Fatal("not planned for a free agent")
	}
	if planned() {
		t.Error("planned again in the pause")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() { p.seekOn(ctx); close(done) }()
	select {
	case <-p.wake:
	case <-time.After(time.Minute):
		t.Fatal("the pacer is not woken")
	}
	cancel()
	<-done
	for range 3 {
		if free := fmt.Sprint(<-h.looks); free != "[7]" {
			t.Errorf("sought for %s", free)
		}
	}
	if !planned() {
		t.Error("not planned when somebody was found")
	}
	if planned() {
		t.Error("planned in the pause, and nobody was found")
	}
	for _, tt := range []struct {
		later  time.Duration
		sought int
	}{{dryPause, 0}, {seekPause, 1}} {
		b.now = b.now.Add(tt.later)
		if !planned() || len(p.seek) != tt.sought {
			t.Errorf("%s later: %d seek, want %d", tt.later, len(p.seek), tt.sought)
		}
	}
}

// TestQueuesAreClearedBeforeAnybodyIsFree: of each campaign that opens, or has other rules, once.
func TestQueuesAreClearedBeforeAnybodyIsFree(t *testing.T) {
	b, p, _, c := newBench(t)
	c.Mode, c.Windows = campaigns.Progressive, []campaigns.Window{{Cron: "0 9 * * *", Duration: 8 * time.Hour}}
	p.store, p.roster = &thicket{bench: b, c: c}, nobody{b}
	later := func(d time.Duration) (cleared int) {
		b.now = b.now.Add(d)
		p.look(t.Context())
		for ; len(p.clear) > 0; cleared++ {
			<-p.clear
		}
		return cleared
	}
	b.now = time.Date(2026, 3, 2, 8, 59, 50, 0, time.UTC)
	for _, tt := range []struct {
		what   string
		later  time.Duration
		change bool
		want   int
	}{
		{"before it opens", 0, false, 0},
		{"it has opened", idleTick, false, 1},
		{"again", idleTick, false, 0},
		{"other rules, but the campaigns were read just now", time.Second, true, 0},
		{"other rules", idleTick, false, 1},
		{"again", idleTick, false, 0},
		{"the night", 12 * time.Hour, false, 0},
		{"the next morning", 12 * time.Hour, false, 1},
	} {
		if tt.change {
			changed := *c
			changed.UpdatedAt = b.now
			p.store = &thicket{bench: b, c: &changed}
		}
		if n := later(tt.later); n != tt.want {
			t.Errorf("%s: cleared %d times, want %d", tt.what, n, tt.want)
		}
	}
}

// nobody is a roster of whom nobody is free.
type nobody struct{ *bench }

func (nobody) Free(context.Context, string) ([]agents.Idle, error) { return nil, nil }

// TestAHeadThatWasNotClearedIsClearedAgain: SQL was away, or nobody may dial.
func TestAHeadThatWasNotClearedIsClearedAgain(t *testing.T) {
	b, p, _, c := newBench(t)
	c.Mode = campaigns.Progressive
	away := &briefly{thicket: thicket{bench: b, c: c}}
	p.store, p.roster, p.queues = away, nobody{b}, away
	put := func() int {
		b.now = b.now.Add(idleTick)
		p.look(t.Context())
		return len(p.clear)
	}
	for try := range 3 {
		if n := put(); n != 1 {
			t.Fatalf("after %d tries %d heads are to be cleared, want 1", try, n)
		}
		id := <-p.clear
		away.away = try < 2
		p.clearHead(t.Context(), id)
	}
	if n := put(); n != 0 {
		t.Errorf("cleared, and to be cleared again: %d", n)
	}
}

// briefly is a thicket whose head cannot be cleared while SQL is away.
type briefly struct {
	thicket
	away bool
}

func (b *briefly) Clear(context.Context, int64, time.Time) (more bool, err error) {
	if b.away {
		return false, errors.New("away")
	}
	return false, nil
}
