package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/uptime"
)

const (
	reachEvery  = 30 * time.Second
	reachLimit  = 2 * time.Second // for one extension
	reachAtOnce = 32
	reachPage   = 500
)

// reach knows whether the phones of this node's agents could be called: it asks when an agent logs in, when a network says
// that a phone came or went, and each 30 s.
type reach struct {
	node     string
	roster   Roster
	networks map[string]PhoneNetwork
	states   states
	now      func() time.Time
	log      *slog.Logger

	logins chan int64
	phones chan string   // extensions
	missed chan struct{} // logins may have been: everybody is asked about
	gone   *gone
	found  func(agents.Live) // told of each agent whom a round finds
}

func newReach(d Deps, states states, found func(agents.Live)) *reach {
	r := &reach{node: d.Node, roster: d.Roster, networks: d.Networks, states: states, now: d.Now, log: d.Log,
		logins: make(chan int64, 1024), phones: make(chan string, 1024), missed: make(chan struct{}, 1), gone: newGone(d),
		found: found}
	d.Roster.Watch(func(int64) bool { return true }, r.noteLogin, r.noteMissed)
	return r
}

// noteMissed asks about everybody soon.
func (r *reach) noteMissed() {
	select {
	case r.missed <- struct{}{}:
	default:
	}
}

// noteLogin asks soon about an extension that nobody has asked about here. Where there are too many at once, a round finds them.
func (r *reach) noteLogin(l agents.Live) {
	came := r.gone.note(l)
	if l.Node == r.node && !l.Reachable &&
		(came || l.State == agents.Available && l.Since.After(r.now().Add(-reachEvery))) {
		select {
		case r.logins <- l.AgentID:
		default:
			r.noteMissed()
		}
	}
}

func (r *reach) run(ctx context.Context) {
	var some errgroup.Group
	some.SetLimit(reachAtOnce)
	round := time.NewTicker(reachEvery)
	defer round.Stop()
	everybody := func(agents.Live) bool { return true }
	r.round(ctx, &some, everybody)
	for {
		select {
		case id := <-r.logins:
			some.Go(func() error { return r.checkQuietly(ctx, id) })
		case extension := <-r.phones:
			r.round(ctx, &some, func(l agents.Live) bool { return l.Extension.Name == extension && r.atHome(ctx, l) })
		case <-r.missed:
			r.round(ctx, &some, everybody)
		case <-time.After(uptime.Beat(time.Second)):
			for _, id := range r.gone.due() {
				some.Go(func() error { r.takeOut(ctx, id); return nil })
			}
		case <-round.C:
			r.round(ctx, &some, everybody)
		case <-ctx.Done():
			_ = some.Wait()
			return
		}
	}
}

// PhoneChanged has an extension's phone looked at soon: its network says that it came or went. It never blocks; what comes
// too fast is found by the next round.
func (d *Dialer) PhoneChanged(extension string) {
	select {
	case d.reach.phones <- extension:
	default:
	}
}

// atHome fetches an agent whose phone has just come to this node, and cannot be called by the node that is the agent's home: the
// next round of that node would find out too, half a minute later.
func (r *reach) atHome(ctx context.Context, l agents.Live) bool {
	if l.Node == r.node {
		return true
	}
	if !l.Reachable && l.State.AtRest() && r.ask(ctx, l.Extension) == nil {
		r.move(ctx, l, r.node)
	}
	return false // the new home asks when it hears of it
}

// move gives an agent the home that holds the phone.
func (r *reach) move(ctx context.Context, l agents.Live, node string) {
	if node == l.Node || !l.State.AtRest() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	switch moved, err := r.roster.Rehome(ctx, l.AgentID, node); {
	case err != nil:
		r.log.Warn("agent not moved to the node that holds the phone", slog.Int64("agent", l.AgentID), slog.String("to", node),
			slog.Any("error", err))
	case moved:
		r.log.Info("agent moved to the node that holds the phone", slog.Int64("agent", l.AgentID), slog.String("to", node))
	}
}

// round asks about the agents of this choice whose home is here and who may be given a call.
func (r *reach) round(ctx context.Context, some *errgroup.Group, which func(agents.Live) bool) {
	for after := int64(0); ; {
		list, err := r.roster.List(ctx, after, reachPage)
		if err != nil || len(list) == 0 {
			if err != nil && ctx.Err() == nil {
				r.log.Warn("agents not listed: their phones are not checked", slog.Any("error", err))
			}
			return
		}
		for _, l := range list {
			after = l.AgentID
			r.gone.note(l)
			r.found(l)
			if !l.State.InCall() && which(l) && l.Node == r.node {
				some.Go(func() error { return r.checkQuietly(ctx, l.AgentID) })
			}
		}
	}
}

func (r *reach) checkQuietly(ctx context.Context, agentID int64) error {
	if err := r.check(ctx, agentID); err != nil && !errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		r.log.Warn("phone not checked", slog.Int64("agent", agentID), slog.Any("error", err))
	}
	return nil
}

// check asks the extension's network, tells the agent's state if that is news, and returns ErrUnreachable with the reason.
func (r *reach) check(ctx context.Context, agentID int64) error {
	l, err := r.roster.Get(ctx, agentID)
	if err != nil {
		return err
	}
	if l.State == agents.LoggedOff || l.Node != r.node {
		return fmt.Errorf("dialer: agent %d is not at home on node %s", agentID, r.node)
	}
	err = r.ask(ctx, l.Extension)
	now := agents.Input{Kind: agents.ReachableChanged, Reachable: true}
	if err != nil {
		now = outOfReach(l.Extension, err)
	}
	if now.Reachable != l.Reachable || now.ErrorText != l.WhyNot || now.NoPhone != l.NoPhone {
		if _, err := r.states.apply(ctx, agentID, now); err != nil {
			return err
		}
	}
	if elsewhere := (*ElsewhereError)(nil); errors.As(err, &elsewhere) {
		r.move(ctx, l, elsewhere.Node)
	}
	if err != nil {
		return reason.Wrap(reason.Unavailable, now.ErrorText, fmt.Errorf("%w: %w", ErrUnreachable, err))
	}
	return nil
}

// outOfReach tells an agent's state that the phone could not be called, and why.
func outOfReach(ext agents.Extension, why error) agents.Input {
	return agents.Input{Kind: agents.ReachableChanged, ErrorText: whyNot(ext, why), NoPhone: errors.Is(why, ErrNotRegistered)}
}

func (r *reach) ask(ctx context.Context, ext agents.Extension) error {
	network := r.networks[ext.Network]
	if network == nil {
		return reason.New(reason.Unavailable, whyNoNetwork(ext.Network),
			fmt.Sprintf("dialer: node %s has no phone network %q", r.node, ext.Network))
	}
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	return network.Reachable(ctx, ext)
}

// revive asks a network that takes phones out of use by itself to use the agent's again. Whether it does, check finds out.
func (r *reach) revive(ctx context.Context, agentID int64) {
	l, err := r.roster.Get(ctx, agentID)
	if err != nil || l.Node != r.node {
		return
	}
	network, ok := r.networks[l.Extension.Network].(Reviver)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	if err := network.Revive(ctx, l.Extension); err != nil && ctx.Err() == nil {
		r.log.Info("phone not taken into use again", slog.Int64("agent", agentID), slog.Any("error", err))
	}
}
