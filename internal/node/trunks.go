package node

import (
	"context"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/reason"
)

// trunks tells how the trunks stand at every node: here as they stand now, elsewhere as the node last said.
func (n *Node) trunks(ctx context.Context) ([]api.Trunk, error) {
	list, err := sipua.Trunks(ctx, n.redis, n.installation)
	if err != nil {
		return nil, err
	}
	var own []sipua.NodeTrunk
	if n.Networks.SIP != nil {
		own = n.Networks.SIP.NodeTrunks()
	}
	shown := make([]api.Trunk, 0, len(list)+len(own))
	for _, t := range own {
		shown = append(shown, showTrunk(t))
	}
	for _, t := range list {
		if n.Networks.SIP == nil || t.Node != n.Config.Node {
			shown = append(shown, showTrunk(t))
		}
	}
	return shown, nil
}

// pacing tells what the nodes have last decided for a predictive campaign.
func (n *Node) pacing(ctx context.Context, campaign int64) ([]dialer.PaceReport, error) {
	return dialer.PaceReports(ctx, n.redis, n.installation, campaign, time.Now())
}

// AllHide says whether every way to customers hides the caller's number, here and at the other nodes.
func (n *Node) allHide(ctx context.Context) bool {
	if !n.Config.AllHide() && n.Config.Telephony.SIP.Listen != "" || n.Config.OtherWays() {
		return false
	}
	list, err := sipua.Trunks(ctx, n.redis, n.installation)
	if err != nil {
		return n.Config.AllHide()
	}
	for _, t := range list {
		if t.Node != n.Config.Node && !t.Privacy {
			return false
		}
	}
	return n.Config.AllHide() || len(list) > 0
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
		Node: t.Node, Name: t.Name, Host: t.Host, Transport: t.Transport, HidesCaller: t.Privacy, State: string(t.State), Up: t.Up,
		Why: WhyTrunk(t), Until: moment(t.Until), At: t.At, CheckedAt: moment(t.Checked),
		RegisteredUntil: moment(t.RegisteredUntil), Calls: t.Calls, Channels: t.Channels, CPS: t.CPS,
		LastHour: api.TrunkLastHour{
			Calls: f.Calls, Answered: f.Answered, ASR: f.ASR, ACDSeconds: f.ACD.Seconds(), SetupP50Seconds: f.SetupP50.Seconds(),
			SetupP95Seconds: f.SetupP95.Seconds(), Failures: failures,
		},
	}
}

// WhyTrunk is why a trunk is not up; of a node that knows no reasons, its words.
func WhyTrunk(t sipua.NodeTrunk) reason.Reason {
	if t.Why.IsZero() {
		return reason.Said(t.Cause)
	}
	return t.Why
}
