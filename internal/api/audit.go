package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

func (a *api) auditRoutes() {
	route(a, supervisors, a.listAudit, op("Audit", "list-audit", "GET /audit", "List what people have done, the latest first",
		says("With from what to what, where something was changed. Users, tokens and webhooks are an admin's to see.")))
}

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	ID     int64           `json:"id"`
	At     time.Time       `json:"at"`
	Who    string          `json:"who" doc:"Login, \"cookie:\" and the name, or system"`
	What   string          `json:"what" example:"campaign.change"`
	Object string          `json:"object" example:"campaign/7"`
	Detail string          `json:"detail"`
	Before json.RawMessage `json:"before" doc:"What was changed, as it was; null: it was not there, or nobody says"`
	After  json.RawMessage `json:"after" doc:"As it became; null: it is no more, or nobody says"`
}

type auditInput struct {
	Paging
	Who    string    `query:"who" maxLength:"200" doc:"Only of this login"`
	What   string    `query:"what" maxLength:"100" doc:"Only of this kind" example:"campaign.change"`
	Object string    `query:"object" maxLength:"200" doc:"Only of this object" example:"campaign/7"`
	From   time.Time `query:"from" doc:"At this moment or later"`
	To     time.Time `query:"to" doc:"Before this moment"`
}

// adminsDeeds are what the audit log has of how people and programs enter.
var adminsDeeds = []string{"user", "token", "webhook", "first_admin"}

func (a *api) listAudit(ctx context.Context, in *auditInput) (*reply[page[AuditEntry]], error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	f := access.AuditFilter{Who: in.Who, What: in.What, Object: in.Object, From: in.From, To: in.To}
	if userOf(ctx).Role != access.RoleAdmin {
		f.Without = adminsDeeds
	}
	list, err := a.Store.AuditEntries(ctx, f, before, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, func(e access.AuditEntry) AuditEntry {
		return AuditEntry{e.ID, e.At.UTC(), e.Who, e.What, e.Object, e.Detail, e.Before, e.After}
	}, func(e access.AuditEntry) []int64 { return []int64{e.ID} }), nil
}

// auditChange keeps what somebody changed, as it was and became; nil: it was not there, or is no more.
func (a *api) auditChange(ctx context.Context, what, object, detail string, before, after any) {
	a.auditEntry(ctx, access.Audit{What: what, Object: object, Detail: detail, Before: asJSON(before), After: asJSON(after)})
}

func asJSON(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil // it is not of ours, then
	}
	return text
}

// difference keeps what two objects differ in, by field.
func difference(before, after any) (was, is map[string]json.RawMessage) {
	_ = json.Unmarshal(asJSON(before), &was) // both are objects of ours
	_ = json.Unmarshal(asJSON(after), &is)
	for name, value := range is {
		if old, there := was[name]; there && string(old) == string(value) {
			delete(was, name)
			delete(is, name)
		}
	}
	return was, is
}
