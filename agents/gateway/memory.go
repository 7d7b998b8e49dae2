package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// memory keeps the live states of all agents in a file, for a Redis that forgets them with the process. It is as old as
// rememberEvery at most, however the process ends; what must not be lost is in the record.
type memory struct {
	file string

	mu    sync.Mutex
	live  map[int64]agents.Live
	dirty bool
	noted chan struct{} // something has changed
}

const (
	rememberEvery = 250 * time.Millisecond // between two writings
	maxMemory     = 64 << 20               // bytes of the file that are read
)

func newMemory(file string) *memory {
	return &memory{file: file, live: map[int64]agents.Live{}, noted: make(chan struct{}, 1)}
}

func (m *memory) note(l agents.Live) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirty = true
	m.signal()
	if l.State == agents.LoggedOff {
		delete(m.live, l.AgentID)
		return
	}
	m.live[l.AgentID] = l
}

// run writes what has changed, until ctx ends and once more then.
func (m *memory) run(ctx context.Context, log *slog.Logger) {
	for last := false; !last; {
		select {
		case <-m.noted:
		case <-ctx.Done():
			last = true
		}
		if err := m.write(); err != nil {
			log.Warn("live states not kept: a restart would log the agents off", slog.Any("error", err))
			m.signal()
		}
		if !last {
			select {
			case <-time.After(rememberEvery):
			case <-ctx.Done():
			}
		}
	}
}

func (m *memory) signal() {
	select {
	case m.noted <- struct{}{}:
	default:
	}
}

func (m *memory) write() error {
	m.mu.Lock()
	if !m.dirty {
		m.mu.Unlock()
		return nil
	}
	m.dirty = false
	list := make([]agents.Live, 0, len(m.live))
	for _, l := range m.live {
		list = append(list, l)
	}
	m.mu.Unlock()
	text, err := json.Marshal(list)
	if err == nil {
		err = os.WriteFile(m.file+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(m.file+".new", m.file)
	}
	if err != nil {
		m.mu.Lock()
		m.dirty = true
		m.mu.Unlock()
	}
	return err
}

func (m *memory) read() (list []agents.Live, err error) {
	info, err := os.Stat(m.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxMemory {
		return nil, errors.New("gateway: the file of live states is too large")
	}
	text, err := os.ReadFile(m.file)
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(text, &list)
}

// Restore enters the agents again who were logged on when the process ended, as the record says and as they were last seen. Call it
// before tabs may come: theirs come back within the grace period, and need no second login.
func (g *Gateway) Restore(ctx context.Context) {
	if g.memory == nil {
		return
	}
	list, err := g.memory.read()
	if err != nil {
		g.log.Warn("live states of the last run not read: agents log in anew", slog.Any("error", err))
		return
	}
	for _, last := range list {
		one, cancel := context.WithTimeout(ctx, commandLimit)
		l, err := g.restore(one, last)
		cancel()
		if err != nil {
			g.log.Warn("agent not entered again", slog.Int64("agent", last.AgentID), slog.Any("error", err))
			continue
		}
		g.memory.note(l)
	}
}

func (g *Gateway) restore(ctx context.Context, last agents.Live) (agents.Live, error) {
	agent, err := g.Store.Agent(ctx, last.AgentID)
	if err != nil {
		return agents.Live{}, err
	}
	if agent.Disabled {
		return agents.Live{}, errCredentials
	}
	ext, err := g.Store.TakeExtension(ctx, last.AgentID, last.Extension.Name)
	if err != nil {
		return agents.Live{}, err
	}
	now := g.Now()
	return g.Roster.Apply(ctx, last.AgentID, agents.Input{
		Kind: agents.Login, At: now, Agent: &agent, Extension: &ext, Node: last.Node, User: last.User, Last: &last, Until: now.Add(callOwnersTime),
	})
}
