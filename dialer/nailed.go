package dialer

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	nailTries  = 3                // in a row that come to nothing, and the agent is in Force Pause
	nailSteady = 30 * time.Second // a leg that was up for so long, or through a talk, did come to something
)

// nailPause is between two tries.
var nailPause = retry.Pause{First: time.Second, Last: 10 * time.Second}

// nails has the legs of this node's agents kept up whose extensions want that, from when an agent is Available with the flag On
// until that is over: by a pause, by the flag, by a logout.
type nails struct {
	Deps
	states states

	mu   sync.Mutex
	life context.Context // nil: not begun, or over
	of   map[int64]*nail
	all  sync.WaitGroup
}

// nail is an agent's leg.
type nail struct {
	live   agents.Live        // as last heard
	wanted bool               // it is to be up
	kept   bool               // somebody keeps it
	talked bool               // the agent has talked since it was last set up
	drop   context.CancelFunc // ends it
}

func newNails(d Deps, states states) *nails {
	n := &nails{Deps: d, states: states, of: map[int64]*nail{}}
	d.Roster.Watch(func(int64) bool { return true }, n.note, n.missed)
	return n
}

// missed asks about all agents whose legs are kept: their logouts may not have been heard.
func (n *nails) missed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.life == nil {
		return
	}
	for id := range n.of {
		n.all.Go(func() { n.look(id) })
	}
}

// look notes an agent's present state; Redis away, what was known stays.
func (n *nails) look(agentID int64) {
	ctx, cancel := context.WithTimeout(context.Background(), redisLimit)
	defer cancel()
	if l, err := n.Roster.Get(ctx, agentID); err == nil {
		n.note(l)
	}
}

// begin has legs kept until ctx ends; then they end, each when its call is over. wait waits for that.
func (n *nails) begin(ctx context.Context) {
	n.mu.Lock()
	n.life = ctx
	n.mu.Unlock()
}

func (n *nails) wait() {
	n.mu.Lock()
	n.life = nil
	n.mu.Unlock()
	n.all.Wait()
}

// wantsNail says whether an agent's leg is to be kept up.
func wantsNail(l agents.Live) bool {
	return l.Extension.NailedUp && l.AutoCall && (l.State == agents.Available || l.State.InCall() || l.State == agents.Clerical)
}

// note takes an agent's state, new or as it is. It does not wait.
func (n *nails) note(l agents.Live) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, known := n.of[l.AgentID]
	wanted := wantsNail(l) && l.Node == n.Node
	if !known && !wanted || n.life == nil {
		return
	}
	if !known {
		a = &nail{drop: func() {}}
		n.of[l.AgentID] = a
	}
	// another taking of the extension may be another one
	if !wanted || l.Extension.Taken != a.live.Extension.Taken || l.Extension.Name != a.live.Extension.Name {
		a.drop()
	}
	a.live, a.wanted = l, wanted
	a.talked = a.talked || l.State == agents.Talking
	network, can := n.Networks[l.Extension.Network].(Nailer)
	switch {
	case a.kept:
	case !wanted || !can:
		delete(n.of, l.AgentID)
	case l.Reachable:
		a.kept = true
		n.all.Go(func() { n.keep(network, l.AgentID, a) })
	}
}

// next is the extension to set a leg up to; false: none is wanted now.
func (n *nails) next(agentID int64, a *nail) (ctx context.Context, ext agents.Extension, wanted bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a.drop()
	if n.life == nil || n.life.Err() != nil || !a.wanted || !a.live.Reachable {
		a.kept = false
		if !a.wanted {
			delete(n.of, agentID)
		}
		return nil, ext, false
	}
	a.talked = false
	ctx, a.drop = context.WithCancel(n.life)
	return ctx, a.live.Extension, true
}

// keep keeps one agent's leg up for as long as it is wanted and the phone can be called.
func (n *nails) keep(network Nailer, agentID int64, a *nail) {
	for failures := 0; ; {
		n.look(agentID) // what has started it may have been old
		ctx, ext, wanted := n.next(agentID, a)
		if !wanted {
			return
		}
		began := time.Now()
		err := network.Nail(ctx, ext)
		if err == nil {
			continue
		}
		n.mu.Lock()
		if a.talked || time.Since(began) >= nailSteady {
			failures = 0
		}
		n.mu.Unlock()
		failures++
		n.Log.Info("nailed-up leg is over", slog.Int64("agent", agentID), slog.String("extension", ext.Name),
			slog.Int("failures", failures), slog.Any("error", err))
		if failures >= nailTries && !errors.Is(err, ErrNotRegistered) { // for a phone that is gone there are limits elsewhere
			n.giveUp(ctx, agentID, ext, err)
		}
		retry.Sleep(ctx, nailPause.After(failures))
	}
}

// giveUp has the agent in Force Pause. Who is in a call, or at its code, is asked again after the next try.
func (n *nails) giveUp(ctx context.Context, agentID int64, ext agents.Extension, why error) {
	cause := strings.TrimPrefix(onOneLine(why.Error()), "sipua: ")
	_, err := n.states.apply(ctx, agentID, agents.Input{Kind: agents.ForcePaused, ErrorText: whyNotNailed(ext.Name, cause)})
	if err == nil {
		n.Log.Warn("Force Pause: the nailed-up leg does not stay up", slog.Int64("agent", agentID),
			slog.String("extension", ext.Name), slog.String("cause", cause))
	}
}
