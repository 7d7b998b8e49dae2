package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Board is everything that the demo's first page shows, at one moment.
type Board struct {
	At       time.Time      `json:"at"`
	Campaign CampaignBoard  `json:"campaign"`
	Outcomes map[string]int `json:"outcomes"` // closed attempts by outcome
	Codes    []CodeCount    `json:"codes"`    // in the campaign's order
	Agents   []AgentBoard   `json:"agents"`   // in the order of their logins
	Dialed   int            `json:"dialed"`   // customers' phones that were dialed since the campaign began

	Webhooks       int64 `json:"webhooks"`         // set by [Live]: events that the CRM has
	CallsPerMinute []int `json:"calls_per_minute"` // set by [Live]: dialed in the minute before, every 10 s of ten minutes
}

// CampaignBoard is how far the campaign is.
type CampaignBoard struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	Mode     string `json:"mode"`
	Waiting  int    `json:"waiting"`
	Calling  int    `json:"calling"`
	Coding   int    `json:"coding"`
	Finished int    `json:"finished"`
}

// CodeCount is how often a call code was set.
type CodeCount struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// AgentBoard is one agent on the wallboard. State is an agents.State.
type AgentBoard struct {
	Login    string    `json:"login"`
	Name     string    `json:"name"`
	State    string    `json:"state"`
	Since    time.Time `json:"since"`
	AutoCall bool      `json:"auto_call"`
	Contact  string    `json:"contact,omitempty"` // of the present call, or the last one while it is coded
	Number   string    `json:"number,omitempty"`
	CardLink string    `json:"card_link,omitempty"`
	Taken    bool      `json:"taken"` // set by [Live]: a visitor sits at this desk
}

// Source tells how things stand.
type Source interface {
	// Snapshot reads the board as it is now; the fields that Live sets are left out.
	Snapshot(ctx context.Context) (Board, error)
	// Changed delivers a signal after a change; many changes may share one.
	Changed() <-chan struct{}
}

const (
	slowest     = time.Second            // between two boards
	fastest     = 250 * time.Millisecond // between two boards
	sampleEvery = 10 * time.Second
	samples     = 60
)

// Live sends boards to the browsers that watch. It is an http.Handler: the feed.
type Live struct {
	source Source
	crm    *CRM
	agents *Agents // nil: nobody can be taken over
	log    *slog.Logger
	feed   feed

	mu     sync.Mutex
	latest []byte // the last board as JSON; nil before the first
	board  Board
	dialed []int // cumulative, one each sampleEvery, oldest first
}

// NewLive makes a live board that stands still before Run.
func NewLive(source Source, crm *CRM, agents *Agents, log *slog.Logger) *Live {
	return &Live{source: source, crm: crm, agents: agents, log: log}
}

// Run reads the board and sends it on until ctx ends; then the streams of the board and of the CRM end too.
func (l *Live) Run(ctx context.Context) error {
	defer l.crm.feed.end()
	defer l.feed.end()
	slow, sample := time.NewTicker(slowest), time.NewTicker(sampleEvery)
	defer slow.Stop()
	defer sample.Stop()
	failing := false
	for {
		err := l.read(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			l.log.Warn("the demo's board stands still", slog.Any("error", err))
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(fastest):
		}
		changed := l.source.Changed()
		if !l.feed.watched() {
			changed = nil // for nobody's eyes a board a second is enough
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-slow.C:
		case <-sample.C:
			l.sample()
		}
	}
}

func (l *Live) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	board, err := l.source.Snapshot(ctx)
	if err != nil {
		return err
	}
	board.Webhooks = l.crm.Received()
	for i := range board.Agents {
		board.Agents[i].Taken = l.agents.taken(board.Agents[i].Login)
	}
	l.mu.Lock()
	if l.dialed == nil {
		l.dialed = []int{board.Dialed}
	}
	board.CallsPerMinute = rates(append(l.dialed, board.Dialed))
	l.board = board
	l.latest, err = json.Marshal(board)
	latest := l.latest
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("demo: board: %w", err)
	}
	l.feed.publish(frame{data: latest})
	return nil
}

// sample keeps the number of calls so far; the oldest one is forgotten.
func (l *Live) sample() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialed = append(l.dialed, l.board.Dialed)
	l.dialed = l.dialed[max(0, len(l.dialed)-samples):]
}

// rates turns running totals into what each added to the one a minute before.
func rates(totals []int) []int {
	const window = int(time.Minute / sampleEvery)
	list := make([]int, len(totals))
	for i, n := range totals {
		list[i] = n - totals[max(0, i-window)]
	}
	return list
}

// ServeHTTP is the feed of boards.
func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.feed.serve(w, r, func() []frame {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.latest == nil {
			return nil
		}
		return []frame{{data: l.latest}}
	}, func(frame) bool { return true })
}

// Line says how things stand in one line, for the terminal.
func (l *Live) Line() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, c, rate := l.board, l.board.Campaign, 0
	if n := len(b.CallsPerMinute); n > 0 {
		rate = b.CallsPerMinute[n-1]
	}
	return fmt.Sprintf("%s  %3d waiting  %2d calling  %2d coding  %3d finished  %3d calls/min  %4d webhooks",
		b.At.Local().Format(time.TimeOnly), c.Waiting, c.Calling, c.Coding, c.Finished, rate, b.Webhooks)
}

// Welcome says where to look.
func Welcome(base, password string) string {
	return fmt.Sprintf(`
  Ringmaster demo: nobody's phone is dialed, all people and numbers are invented.

    The board        %[1]s/
    The CRM          %[1]s/crm/
    An agent's desk  %[1]s/agent?login=agent01
    The API          %[1]s/docs

    Password of agent01 to agent20, supervisor and admin, until the end of this run: %[2]s

  Ctrl-C ends it.

`, base, password)
}
