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

// memory keeps the live states of all agents in a file, for a Redis that forgets them with the process. Who logs in or out, and
// which pause is chosen, is in the file before it is shown; other changes follow a moment later, and what they miss the record
// says.
type memory struct {
	file string

	writing sync.Mutex // one writing at a time; who waits for it finds that the one before has written its change too

	mu    sync.Mutex
	live  map[int64]agents.Live
	seen  map[int64]int64 // the newest version noted of each agent: news come by several ways
	dirty bool
	noted chan struct{} // something has changed
}

const (
	restLeast = 10 * time.Millisecond  // between two writings
	restMost  = 250 * time.Millisecond // for a file that takes long to write
	restShare = 20                     // times as long as writing took
	maxMemory = 64 << 20               // bytes of the file that are read
)

func newMemory(file string) *memory {
	return &memory{file: file, live: map[int64]agents.Live{}, seen: map[int64]int64{}, noted: make(chan struct{}, 1)}
}

// note has a state written soon.
func (m *memory) note(l agents.Live) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.Version <= m.seen[l.AgentID] {
		return
	}
	m.seen[l.AgentID] = l.Version
	m.dirty = true
	m.signal()
	if l.State == agents.LoggedOff {
		delete(m.live, l.AgentID)
		return
	}
	m.live[l.AgentID] = l
}

// kept are the inputs whose outcome nobody is shown before it is in the file.
var kept = map[agents.Kind]bool{agents.Login: true, agents.Logout: true, agents.GraceOver: true, agents.PauseChosen: true,
	agents.PauseEnded: true}

// keep writes what came of an input that is to be kept. A file that cannot be written keeps nobody from working.
func (g *Gateway) keep(kind agents.Kind, l agents.Live) {
	if g.memory == nil || !kept[kind] {
		return
	}
	g.memory.note(l)
	g.memory.save(g.log)
}

// run writes what has changed, until ctx ends and once more then.
func (m *memory) run(ctx context.Context, log *slog.Logger) {
	for last := false; !last; {
		select {
		case <-m.noted:
		case <-ctx.Done():
			last = true
		}
		begun, rest := time.Now(), restMost
		if m.save(log) {
			rest = min(max(restShare*time.Since(begun), restLeast), restMost)
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
		}
	}
}

func (m *memory) save(log *slog.Logger) bool {
	err := m.write()
	if err != nil {
		log.Warn("live states not kept: a restart would log the agents off", slog.Any("error", err))
		m.signal()
	}
	return err == nil
}

func (m *memory) signal() {
	select {
	case m.noted <- struct{}{}:
	default:
	}
}

func (m *memory) write() error {
	m.writing.Lock()
	defer m.writing.Unlock()
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
