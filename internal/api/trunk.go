package api

import (
	"context"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Trunk is how a carrier's trunk stands at one node.
type Trunk struct {
	Node        string `json:"node" doc:"Each node judges its trunks by its own calls, and reports every 5 s"`
	Name        string `json:"name"`
	Host        string `json:"host"`
	Transport   string `json:"transport" enum:"udp,tcp,tls"`
	HidesCaller bool   `json:"hides_caller" doc:"By privacy: calls whose profile forbids that are not made over it"`
	State       string `json:"state" enum:"starting,up,down,resting,trying" doc:"starting: not asked yet; down: it gives no sign of life, cannot be found, or does not register us; resting: its calls failed, or it asked to be left alone; trying: the rest is over, and one call tries it"`
	Up          bool   `json:"up" doc:"Its state is up: calls are sent over it"`
	Cause       string `json:"cause,omitempty" doc:"Why it is not: the text of cause_reason"`
	CauseWhy    *Why   `json:"cause_reason,omitempty"`

	Why reason.Reason `json:"-"`

	Until           *time.Time    `json:"until" doc:"When a resting trunk is tried again; null: it does not rest"`
	At              time.Time     `json:"at" doc:"When the node said so"`
	CheckedAt       *time.Time    `json:"checked_at" doc:"When OPTIONS last told; null: not asked"`
	RegisteredUntil *time.Time    `json:"registered_until" doc:"null: not registered, or not wanted"`
	Calls           int           `json:"calls" doc:"In the making or up"`
	Channels        int           `json:"channels" doc:"Most calls at a time; 0: no limit"`
	CPS             float64       `json:"cps" doc:"Most INVITEs a second, of this node; 0: no limit"`
	LastHour        TrunkLastHour `json:"last_hour"`
}

// TrunkLastHour is what came of the last hour's calls, of at most the latest 1,024.
type TrunkLastHour struct {
	Calls           int            `json:"calls" doc:"INVITEs whose call has ended"`
	Answered        int            `json:"answered"`
	ASR             float64        `json:"asr" doc:"Answer-seizure ratio: answered of all, 0 to 1"`
	ACDSeconds      float64        `json:"acd_seconds" doc:"Average call duration: talk of an answered call"`
	SetupP50Seconds float64        `json:"setup_p50_seconds" doc:"From the INVITE to the first ring or answer: the median"`
	SetupP95Seconds float64        `json:"setup_p95_seconds"`
	Failures        map[string]int `json:"failures" nullable:"false" doc:"Calls by the status of the final response; none: there was none"`
}

func (a *api) trunkRoutes() {
	const tag = "Trunks"
	route(a, supervisors, a.listTrunks, op(tag, "list-trunks", "GET /trunks", "See how the trunks stand",
		says("One entry for each trunk and node, by node, then in the order of preference. Empty where no node has telephony "+
			"of its own.")))
}

type trunkList struct {
	Items []Trunk `json:"items" nullable:"false"`
}

func (a *api) listTrunks(ctx context.Context, _ *struct{}) (*reply[trunkList], error) {
	list := trunkList{Items: []Trunk{}}
	if a.Trunks != nil {
		found, err := a.Trunks(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			t.CauseWhy, t.Cause = whyOf(ctx, t.Why), bookOf(ctx).Say(t.Why)
			list.Items = append(list.Items, t)
		}
	}
	return &reply[trunkList]{Body: list}, nil
}
