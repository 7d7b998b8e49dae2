package api

import (
	"context"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
)

func (a *api) callRoutes() {
	route(a, supervisors, a.listOpenCalls, op("Attempts", "live-calls", "GET /calls/live", "See the calls that are up",
		says("Every attempt that a worker has taken and that has not ended, whether or not an agent is in it yet.")))
}

// OpenCall is an attempt that is under way.
type OpenCall struct {
	AttemptID   dialer.AttemptID `json:"attempt_id" doc:"Decimal digits"`
	CampaignID  int64            `json:"campaign_id"`
	Campaign    string           `json:"campaign" doc:"Its name"`
	ContactID   *int64           `json:"contact_id"`
	CRMID       string           `json:"crm_id"`
	Name        string           `json:"name" doc:"The contact's"`
	Number      string           `json:"number"`
	Origin      dialer.Origin    `json:"origin" enum:"automatic,manual,callback,preview,external"`
	State       dialer.State     `json:"state" enum:"dialing,answered"`
	AgentID     *int64           `json:"agent_id" doc:"null: nobody is given the call yet"`
	Agent       string           `json:"agent" doc:"The agent's login, while logged on"`
	AgentState  agents.State     `json:"agent_state,omitempty"`
	CallTraceID *string          `json:"calltraceid"`
	ClaimedAt   *time.Time       `json:"claimed_at"`
	DialedAt    *time.Time       `json:"dialed_at"`
	AnsweredAt  *time.Time       `json:"answered_at"`
	Node        string           `json:"node" doc:"The process that holds the call"`
}

type openCallsInput struct {
	Paging
	CampaignID int64 `query:"campaign_id" minimum:"1"`
}

func (a *api) listOpenCalls(ctx context.Context, in *openCallsInput) (*reply[page[OpenCall]], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.OpenCalls(ctx, in.CampaignID, dialer.AttemptID(after), in.Limit)
	if err != nil {
		return nil, err
	}
	show, err := a.showOpenCalls(ctx, list)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, show, func(t dialer.Attempt) []int64 { return []int64{int64(t.ID)} }), nil
}

// showOpenCalls shows calls with their people and agents.
func (a *api) showOpenCalls(ctx context.Context, list []dialer.Attempt) (func(dialer.Attempt) OpenCall, error) {
	who, err := a.called(ctx, idsOf(list, func(t dialer.Attempt) int64 { return t.ContactID }))
	if err != nil {
		return nil, err
	}
	on, err := a.loggedOn(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]agents.Live, len(on))
	for _, l := range on {
		byID[l.AgentID] = l
	}
	return func(t dialer.Attempt) OpenCall {
		p, l := who(t.ContactID, t.CampaignID), byID[t.AgentID]
		return OpenCall{AttemptID: t.ID, CampaignID: t.CampaignID, Campaign: p.CampaignName, ContactID: some(t.ContactID),
			CRMID: p.CRMID, Name: p.Name,
			Number: t.Number, Origin: t.Origin, State: t.State, AgentID: some(t.AgentID), Agent: l.Login, AgentState: l.State,
			CallTraceID: some(t.CallTraceID),
			ClaimedAt:   moment(t.ClaimedAt), DialedAt: moment(t.DialedAt), AnsweredAt: moment(t.AnsweredAt), Node: nodeOf(t.Owner)}
	}, nil
}

// nodeOf is the process of an owner, which also says which of its lives.
func nodeOf(owner string) string {
	node, _, _ := strings.Cut(owner, "/")
	return node
}
