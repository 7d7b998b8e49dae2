package main

import (
	"context"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/api"
)

// trunks tells how the trunks stand at every node: here as they stand now, elsewhere as the node last said.
func (n *node) trunks(ctx context.Context) ([]api.Trunk, error) {
	list, err := sipua.Trunks(ctx, n.redis)
	if err != nil {
		return nil, err
	}
	var own []sipua.NodeTrunk
	if n.networks.sip != nil {
		own = n.networks.sip.NodeTrunks()
	}
	shown := make([]api.Trunk, 0, len(list)+len(own))
	for _, t := range own {
		shown = append(shown, showTrunk(t))
	}
	for _, t := range list {
		if n.networks.sip == nil || t.Node != n.cfg.Node {
			shown = append(shown, showTrunk(t))
		}
	}
	return shown, nil
}

// AllHide says whether every way to customers hides the caller's number, here and at the other nodes.
func (n *node) allHide(ctx context.Context) bool {
	if !n.cfg.AllHide() && n.cfg.Telephony.SIP.Listen != "" || n.cfg.OtherWays() {
		return false
	}
	list, err := sipua.Trunks(ctx, n.redis)
	if err != nil {
		return n.cfg.AllHide()
	}
	for _, t := range list {
		if t.Node != n.cfg.Node && !t.Privacy {
			return false
		}
	}
	return n.cfg.AllHide() || len(list) > 0
}

func showTrunk(t sipua.NodeTrunk) api.Trunk {
	f := t.Figures
	failures := make(map[string]int, len(f.Failures))
	for code, n := range f.Failures {
		name := "none"
		if code > 0 {
			name = strconv.Itoa(code)
		}
		failures[name] = n
	}
	moment := func(at time.Time) *time.Time {
		if at.IsZero() {
			return nil
		}
		return new(at.UTC())
	}
	return api.Trunk{
		Node: t.Node, Name: t.Name, Host: t.Host, Transport: t.Transport, HidesCaller: t.Privacy, State: string(t.State), Up: t.Up, Cause: t.Cause, Until: moment(t.Until), At: t.At, CheckedAt: moment(t.Checked),
		RegisteredUntil: moment(t.RegisteredUntil), Calls: t.Calls, Channels: t.Channels, CPS: t.CPS,
		LastHour: api.TrunkLastHour{
			Calls: f.Calls, Answered: f.Answered, ASR: f.ASR, ACDSeconds: f.ACD.Seconds(), SetupP50Seconds: f.SetupP50.Seconds(),
			SetupP95Seconds: f.SetupP95.Seconds(), Failures: failures,
		},
	}
}
