package demo

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// scripted is a source of boards that may be away.
type scripted struct {
	mu      sync.Mutex
	board   Board
	away    bool
	changed chan struct{}
}

func (s *scripted) set(dialed int, away bool) {
	s.mu.Lock()
	s.board.Dialed, s.away = dialed, away
	s.mu.Unlock()
	s.changed <- struct{}{}
}

func (s *scripted) Changed() <-chan struct{} { return s.changed }

func (s *scripted) Snapshot(context.Context) (Board, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return Board{}, errors.New("SQL is away")
	}
	b := s.board
	b.Agents = []AgentBoard{{Login: "agent01"}}
	return b, nil
}

// The board follows its source, stands still while the source is away, and lets its browsers go at the end.
func TestLive(t *testing.T) {
	crm, err := NewCRM("whsec_"+strings.Repeat("A", 44), nil)
	if err != nil {
		t.Fatal(err)
	}
	source := &scripted{changed: make(chan struct{}, 10)}
	live := NewLive(source, crm, nil, slog.New(slog.DiscardHandler))
	s := &stage{t: t, Server: httptest.NewServer(live)}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { live.Run(ctx) })

	frames := s.follow("/", "")
	next := func() {
		t.Helper()
		select {
		case _, ok := <-frames:
			if !ok {
				t.Fatal("the feed ended")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no board for 10 s")
		}
	}
	next()
	source.set(5, false)
	for !strings.Contains(live.Line(), "5 calls/min") {
		next()
	}
	source.set(9, true)
	time.Sleep(2 * fastest)
	if line := live.Line(); !strings.Contains(line, "5 calls/min") {
		t.Errorf("away: %s", line)
	}
	source.set(12, false)
	for !strings.Contains(live.Line(), "12 calls/min") {
		next()
	}
	cancel()
	running.Wait()
	for range frames { // ends, because the feed does
	}
}

func TestWelcomeSaysWhereToLook(t *testing.T) {
	text := Welcome("http://127.0.0.1:8080", password)
	for _, want := range []string{"http://127.0.0.1:8080/\n", "/crm/", "/agent?login=agent01", password, "/docs"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
