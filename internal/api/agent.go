package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
)

func (a *api) agentRoutes() {
	const tag = "Agents"
	route(a, supervisors, a.liveAgents, op(tag, "live-agents", "GET /agents/live", "See the agents who are logged on"))
	route(a, supervisors, a.setAutoCall, op(tag, "set-auto-call", "POST /agents/{id}/auto-call", "Set an agent's auto-call flag",
		empty, says("Only agents whose flag is on are given automatic calls."), refuses(http.StatusNotFound)))
	route(a, supervisors, a.logAgentOut, op(tag, "log-agent-out", "POST /agents/{id}/logout", "Log an agent off",
		empty, says("The agent's tabs show it, and the phone becomes free for another one. Not while the agent is in a call; a "+
			"call code that is still "+
			"to be chosen becomes the campaign's default."), refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, agentsAndSupervisors, a.setLanguage,
		op(tag, "set-agent-language", "POST /agents/{id}/language", "Set the language of an agent's texts",
			empty, says("The agent's open tabs follow at once. An agent may set the own one."), refuses(http.StatusNotFound)))
}

// LiveAgent is one agent at this moment.
type LiveAgent struct {
	ID         int64        `json:"id"`
	Login      string       `json:"login"`
	State      agents.State `json:"state" enum:"logged_off,available,ordered,delivered,talking,holding,clerical,paused,forcepause"`
	Since      time.Time    `json:"since"`
	Free       bool         `json:"free" doc:"An automatic call may be given to the agent now"`
	AutoCall   bool         `json:"auto_call"`
	Reachable  bool         `json:"reachable" doc:"The extension's phone could be called when last checked"`
	Tabs       int          `json:"tabs" doc:"Open ones"`
	Extension  string       `json:"extension"`
	NailedUp   bool         `json:"nailed_up" doc:"One leg to the extension's phone is kept up for all calls"`
	Queues     []string     `json:"queues" nullable:"false"`
	PauseID    string       `json:"pause_id" doc:"0 for none"`
	PauseCause string       `json:"pause_cause,omitempty" doc:"Why there is Force Pause: the text of pause_reason"`
	PauseWhy   *Why         `json:"pause_reason,omitempty"`
	Node       string       `json:"node"`
	CodeDueAt  *time.Time   `json:"code_due_at"`
	Call       *LiveCall    `json:"call" doc:"The present or, in clerical, the last one"`
	Error      string       `json:"error,omitempty" doc:"Why the last call failed: the text of error_reason"`
	ErrorWhy   *Why         `json:"error_reason,omitempty"`
	WhyNot     *Why         `json:"unreachable_reason,omitempty" doc:"Why the phone could not be called"`
	Language   string       `json:"language" doc:"Of the texts on the agent's tab; empty: the server's"`
}

// LiveCall is what the agent's tab shows of a call.
type LiveCall struct {
	AttemptID   string    `json:"attempt_id"`
	CallTraceID *string   `json:"calltraceid"`
	CampaignID  int64     `json:"campaign_id"`
	ContactID   *int64    `json:"contact_id"`
	CRMID       string    `json:"crm_id"`
	Name        string    `json:"name,omitempty" doc:"The contact's"`
	CardLink    string    `json:"card_link,omitempty"`
	Number      string    `json:"number"`
	Queue       string    `json:"queue"`
	Automatic   bool      `json:"automatic"`
	StartedAt   time.Time `json:"started_at"`
}

func showLive(ctx context.Context, l agents.Live) LiveAgent {
	say := bookOf(ctx)
	v := LiveAgent{
		ID: l.AgentID, Login: l.Login, State: l.State, Since: l.Since.UTC(), Free: l.Free(), AutoCall: l.AutoCall,
		Reachable: l.Reachable,
		Tabs:      l.Tabs, Extension: l.Extension.Name, NailedUp: l.Extension.NailedUp, Queues: append([]string{}, l.Queues...),
		PauseID: l.PauseID, PauseCause: say.Say(l.PauseCause), PauseWhy: whyOf(ctx, l.PauseCause), Node: l.Node,
		CodeDueAt: moment(l.CodeDueAt), Error: say.Say(l.ErrorText), ErrorWhy: whyOf(ctx, l.ErrorText),
		WhyNot: whyOf(ctx, l.WhyNot), Language: l.Language,
	}
	if c := l.Call; c != nil {
		v.Call = &LiveCall{
			AttemptID: c.AttemptID, CallTraceID: some(c.CallTraceID), CampaignID: c.CampaignID, ContactID: some(c.ContactID),
			CRMID: c.CRMID,
			Name:  c.Name, CardLink: c.CardLink, Number: c.Number, Queue: c.Queue, Automatic: c.Automatic, StartedAt: c.StartedAt.UTC(),
		}
	}
	return v
}

func (a *api) liveAgents(ctx context.Context, in *Paging) (*reply[page[LiveAgent]], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	list, err := a.Roster.List(ctx, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, func(l agents.Live) LiveAgent { return showLive(ctx, l) },
		func(l agents.Live) []int64 { return []int64{l.AgentID} }), nil
}

type autoCallInput struct {
	ByID
	Body struct {
		On bool `json:"on"`
	}
}

func (a *api) setAutoCall(ctx context.Context, in *autoCallInput) (*struct{}, error) {
	if _, err := a.Store.Agent(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := a.Roster.SetAutoCall(ctx, in.ID, in.Body.On); err != nil {
		return nil, err
	}
	a.audit(ctx, "agent.auto_call", fmt.Sprintf("agent/%d", in.ID), fmt.Sprint(in.Body.On))
	return &struct{}{}, nil
}

func (a *api) logAgentOut(ctx context.Context, in *ByID) (*struct{}, error) {
	if _, err := a.Store.Agent(ctx, in.ID); err != nil {
		return nil, err
	}
	err := a.Roster.Logout(ctx, in.ID)
	if errors.Is(err, agents.ErrNotNow) {
		return nil, refuse(http.StatusConflict, whyAgentInCall)
	}
	if err != nil {
		return nil, err
	}
	a.audit(ctx, "agent.logout", fmt.Sprintf("agent/%d", in.ID), "")
	return &struct{}{}, nil
}

type languageInput struct {
	ByID
	Body struct {
		Language string `json:"language" enum:"en,uk,ru," doc:"Of the texts on the agent's tab; empty: the server's"`
	}
}

func (a *api) setLanguage(ctx context.Context, in *languageInput) (*struct{}, error) {
	if u := userOf(ctx); u.Role == access.RoleAgent && u.AgentID != in.ID {
		return nil, refuse(http.StatusForbidden, whyOwnLanguage)
	}
	if err := a.Store.SetLanguage(ctx, in.ID, in.Body.Language); err != nil {
		return nil, err
	}
	if err := a.Roster.SetLanguage(ctx, in.ID, in.Body.Language); err != nil {
		return nil, err
	}
	a.audit(ctx, "agent.language", fmt.Sprintf("agent/%d", in.ID), in.Body.Language)
	return &struct{}{}, nil
}
